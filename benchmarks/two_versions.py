"""Two versions of one model, which differ by their seed, and what batches of each say of real applicants."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl
from posted import Bodies
from served_champion import CANDIDATE, COMMAND, DATA, KEPT, PORTFOLIO, ROOMS, ROOT

from scorewright.bootstrap import Settings, Workbench
from scorewright.errors import ScorewrightError
from scorewright.flows.champion import LoadedModel, load_version
from scorewright.flows.decide import ModelService
from scorewright.registry.folder_registry import FolderRegistry
from scorewright.tables.loading import load_tables, open_data, restrict
from scorewright.tables.portfolio import UnseenCategory

SEEDS = (7, 8)
VERSIONS = ("1", "2")


@dataclass(frozen=True)
class Home:
    """A home in which two versions are registered.

    Parameters
    ----------
    folder : Path
        What ``SCOREWRIGHT_HOME`` is to be; the registry is of the kind ``folder``.
    """

    folder: Path

    @property
    def registry(self) -> FolderRegistry:
        """Its registry."""
        return FolderRegistry(self.folder / "registry")

    @property
    def workbench(self) -> Workbench:
        """What the verbs would use; each call opens its own."""
        return Workbench(Settings(home=self.folder, registry="folder"))

    def environment(self) -> dict[str, str]:
        """Variables that make the command line use this home."""
        return {"SCOREWRIGHT_HOME": str(self.folder), "SCOREWRIGHT_REGISTRY": "folder"}

    def run(self, *verb: object) -> None:
        """Run a verb."""
        command = [str(COMMAND), *map(str, verb)]
        subprocess.run(command, check=True, env={**os.environ, **self.environment()}, stdout=subprocess.DEVNULL)

    def loaded(self, which: str, unseen: UnseenCategory | None = None) -> LoadedModel:
        """Load a version; by default as the service does."""
        return load_version(self.registry, PORTFOLIO, which, unseen)

    def copied(self, folder: Path) -> Home:
        """Copy it, so that what is done there begins with an empty ledger and the first version as champion."""
        copy = Home(Path(shutil.copytree(self.folder, folder)))
        copy.registry.set_alias(PORTFOLIO, "champion", VERSIONS[0])
        return copy


@dataclass(frozen=True)
class Applicants:
    """Real applicants whom both versions accept.

    Parameters
    ----------
    bodies : tuple of bytes
        Their raw rows as JSON.
    pds : mapping of str to tuple of float
        PD of each in one batch over all of them, by version.
    """

    bodies: tuple[bytes, ...]
    pds: Mapping[str, tuple[float, ...]]


def kept_versions() -> Home:
    """Train both, unless they are kept from an earlier run."""
    folder = KEPT / f"versions-{_fingerprint()[:12]}"
    if not folder.is_dir():
        making = Home(folder.with_name(f"{folder.name}.{os.getpid()}"))
        print(f"training {CANDIDATE} twice, once for all: some minutes", flush=True)
        try:
            for seed in SEEDS:
                asked = ("--data", DATA, "--candidate", CANDIDATE, "--trials", 0, "--seed", seed)
                making.run("train", PORTFOLIO, *asked)
        except BaseException:
            shutil.rmtree(making.folder, ignore_errors=True)
            raise
        making.folder.rename(folder)
    return Home(folder)


def draw_applicants(home: Home, count: int) -> Applicants:
    """Draw applicants of the file to score, by a fixed seed; those whom the door of either version refuses are few."""
    models = [ModelService(home.loaded(which)) for which in VERSIONS]
    written = Bodies(home.loaded(VERSIONS[0]).scorer.bundle.contents.portfolio, DATA)
    drawn = np.sort(np.random.default_rng(SEEDS[0]).permutation(len(written))[:count]).tolist()
    bodies = {row: json.dumps(written.of(row), separators=(",", ":")).encode() for row in drawn}
    rows = [row for row, body in bodies.items() if all(_accepts(model, body) for model in models)]
    pds = {which: _batch(home.loaded(which, "null"), rows) for which in VERSIONS}
    return Applicants(tuple(bodies[row] for row in rows), pds)


def _accepts(model: ModelService, body: bytes) -> bool:
    try:
        model.decide(json.loads(body))
    except ScorewrightError:
        return False
    return True


def _batch(model: LoadedModel, rows: Sequence[int]) -> tuple[float, ...]:
    portfolio = model.scorer.bundle.contents.portfolio
    tables = load_tables(open_data(portfolio, DATA), "score", model.scorer.sealed).tables
    return tuple(model.scorer.score(restrict(portfolio, tables, pl.Series(rows))).pd.tolist())


def _fingerprint() -> str:
    told = [CANDIDATE, *map(str, SEEDS), *(version(name) for name in ("lightgbm", "polars", "numpy"))]
    digest = hashlib.sha256("\n".join(told).encode())
    for path in _sources():
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield from sorted(DATA.glob("*.parquet"))
    for room in ROOMS:
        folder = ROOT / "src" / "scorewright" / room
        yield from sorted(path for path in folder.rglob("*") if path.suffix in {".py", ".sql", ".toml"})
