"""The model that the service is measured with, and bodies of real applicants with what a batch says of them.

The model is trained once and kept: the folder is named by what the training depends on.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from posted import Bodies
from started import surroundings

from scorewright.bundle.scorer import Scorer, Scores
from scorewright.flows.champion import load_version
from scorewright.registry.folder_registry import FolderRegistry
from scorewright.tables.loading import load_tables, open_data, restrict

ROOT = Path(__file__).parents[1]
REAL = Path(os.environ.get("SCOREWRIGHT_REAL_DATA") or ROOT.parent / "shared" / "data")
DATA = REAL / "home_credit" / "clients_10k"
#: Beside what the command line itself keeps; git ignores it, and `make clean` spares it.
KEPT = ROOT / ".scorewright" / "benchmarks"
COMMAND = Path(sys.executable).with_name("scorewright")
PORTFOLIO, CANDIDATE, TRIALS, SEED = "home_credit", "lightgbm", 10, 7
#: Rooms of the source that decide what a training makes.
ROOMS = ("portfolios", "tables", "features", "models", "decision", "bundle")


@dataclass(frozen=True)
class Champion:
    """A trained model in a home of its own.

    Parameters
    ----------
    home : Path
        What ``SCOREWRIGHT_HOME`` is to be; the registry is of the kind ``folder``.
    """

    home: Path

    @cached_property
    def scorer(self) -> Scorer:
        """The champion, read as the service reads it."""
        return load_version(FolderRegistry(self.home / "registry"), PORTFOLIO, unseen="null").scorer

    @property
    def trees(self) -> Path:
        """Its trees, in LightGBM's own text format."""
        digest = load_version(FolderRegistry(self.home / "registry"), PORTFOLIO).version.bundle
        return self.home / "bundles" / digest / "model" / "trees.txt"

    def environment(self) -> dict[str, str]:
        """Variables that make the command line use this home."""
        return {"SCOREWRIGHT_HOME": str(self.home), "SCOREWRIGHT_REGISTRY": "folder"}


@dataclass(frozen=True)
class Applicants:
    """Real applicants.

    Parameters
    ----------
    bodies : tuple of bytes
        Their raw rows as JSON.
    scores : Scores
        What one batch over all of them says, in the same order.
    """

    bodies: tuple[bytes, ...]
    scores: Scores

    @property
    def features(self) -> NDArray[np.float64]:
        """Their features, of shape (applicants, features)."""
        return self.scores.matrix.values


def kept_champion() -> Champion:
    """Train the champion, unless it is kept from an earlier run."""
    home = KEPT / f"champion-{_fingerprint()[:12]}"
    if not home.is_dir():
        making = home.with_name(f"{home.name}.{os.getpid()}")
        print(f"training {CANDIDATE} with {TRIALS} trials, once: some minutes", flush=True)
        _train(Champion(making))
        making.rename(home)
    return Champion(home)


def draw_applicants(champion: Champion, count: int) -> Applicants:
    """Draw applicants of the file to score, by a fixed seed."""
    portfolio = champion.scorer.bundle.contents.portfolio
    tables = load_tables(open_data(portfolio, DATA), "score", champion.scorer.sealed).tables
    drawn = np.sort(np.random.default_rng(SEED).permutation(tables[portfolio.root].height)[:count])
    scores = champion.scorer.score(restrict(portfolio, tables, pl.Series(drawn)))
    bodies = Bodies(portfolio, DATA)
    written = (json.dumps(bodies.of(row), separators=(",", ":")).encode() for row in drawn.tolist())
    return Applicants(tuple(written), scores)


def _train(champion: Champion) -> None:
    asked = ["--data", str(DATA), "--candidate", CANDIDATE, "--trials", str(TRIALS), "--seed", str(SEED)]
    try:
        subprocess.run([COMMAND, "train", PORTFOLIO, *asked], check=True, env=surroundings(champion.environment()))
    except BaseException:
        shutil.rmtree(champion.home, ignore_errors=True)
        raise


def _fingerprint() -> str:
    told = [CANDIDATE, str(TRIALS), str(SEED), *(version(name) for name in ("lightgbm", "polars", "numpy"))]
    digest = hashlib.sha256("\n".join(told).encode())
    for path in _sources():
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield from sorted(DATA.glob("*.parquet"))
    for room in ROOMS:
        folder = ROOT / "src" / "scorewright" / room
        yield from sorted(path for path in folder.rglob("*") if path.suffix in {".py", ".sql", ".toml"})
