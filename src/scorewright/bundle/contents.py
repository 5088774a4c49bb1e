"""What a bundle holds, as values, and its folder form."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from scorewright.atomic import write_files
from scorewright.bundle.folder import AGAIN, keep, verified
from scorewright.bundle.manifest import MANIFEST, PROTOCOL, Manifest, json_bytes, sha256
from scorewright.decision.policy import Policy
from scorewright.domain.matrix import FeatureColumn, Label
from scorewright.errors import BundleCorruptError, BundleError, ScorewrightError
from scorewright.models.calibration import Calibration, calibration_from_dict
from scorewright.models.loading import load_model
from scorewright.models.seam import Model
from scorewright.models.venn_abers import VennAbers
from scorewright.monitor.profile import Profile
from scorewright.tables.contract import Contract
from scorewright.tables.portfolio import Portfolio, portfolio_from_files

_INTERVALS = "intervals.json"
_MODEL = "model/"
_PORTFOLIO = "portfolio/"
_REQUIRED = frozenset(
    f"{name}.json" for name in ("contract", "columns", "calibration", "policy", "profile", "metrics")
) | {"card.md"}
T = TypeVar("T")


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from."""

    candidate: str
    fingerprint: str
    seed: int
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Contents:
    """Everything needed to score, explain and watch, and nothing else. No row of the training data.

    `intervals` is None in bundles of protocol 1, which had none.
    """

    provenance: Provenance
    portfolio: Portfolio
    contract: Contract
    columns: tuple[FeatureColumn, ...]
    model: Model
    calibration: Calibration
    policy: Policy
    profile: Profile
    metrics: Mapping[str, Any]
    card: str
    intervals: VennAbers | None = None


@dataclass(frozen=True)
class Bundle:
    """A verified bundle. `digest` is the hash of its manifest, which holds the hash of every file."""

    digest: str
    contents: Contents


def seal(contents: Contents, parent: Path) -> tuple[str, Path]:
    """Write a bundle into ``parent/<hash>``; one that is there already is left as it is, unless it is broken.

    Returns
    -------
    str, Path
        Hash and folder.

    Raises
    ------
    OutputError
        The folder cannot be written. Nothing half written stays behind.
    """
    files = _files(contents)
    origin = contents.provenance
    manifest = Manifest(
        protocol=PROTOCOL,
        portfolio=contents.portfolio.name,
        candidate=origin.candidate,
        kind=contents.model.kind,
        fingerprint=origin.fingerprint,
        seed=origin.seed,
        versions=dict(origin.versions),
        files={name: sha256(content) for name, content in files.items()},
    ).to_json()
    digest = sha256(manifest)
    return digest, keep(parent / digest, digest, lambda folder: write_files(folder, {**files, MANIFEST: manifest}))


def _files(contents: Contents) -> dict[str, bytes]:
    return {
        **{f"{_PORTFOLIO}{name}": content for name, content in contents.portfolio.files.items()},
        **{f"{_MODEL}{name}": content for name, content in contents.model.files().items()},
        "contract.json": contents.contract.to_json(),
        "columns.json": json_bytes([asdict(column) for column in contents.columns]),
        "calibration.json": json_bytes(contents.calibration.to_dict()),
        **({_INTERVALS: json_bytes(contents.intervals.to_dict())} if contents.intervals else {}),
        "policy.json": json_bytes(contents.policy.to_dict()),
        "profile.json": contents.profile.to_json_bytes(),
        "metrics.json": json_bytes(contents.metrics),
        "card.md": contents.card.encode(),
    }


def open_bundle(folder: Path, expected: str | None = None) -> Bundle:
    """Verify a bundle, then load it. Nothing in it is executed.

    Parameters
    ----------
    folder : Path
        The sealed folder.
    expected : str, optional
        Hash the registry remembers; the folder must be exactly that bundle.

    Raises
    ------
    BundleProtocolError
        It was sealed under a protocol this version does not read.
    BundleCorruptError
        A file is missing, added or changed, or does not hold what it should.
    """
    sealed = verified(folder, expected)
    return Bundle(sealed.digest, _contents(sealed.manifest, sealed.files))


def _contents(manifest: Manifest, files: Mapping[str, bytes]) -> Contents:
    missing = sorted(_REQUIRED - files.keys())
    if missing:
        raise BundleCorruptError("A bundle holds every part of a model.", f"no {', '.join(missing)}", AGAIN)
    columns = _built("columns.json", lambda: tuple(_column(fields) for fields in json.loads(files["columns.json"])))
    written = {name.removeprefix(_PORTFOLIO): content for name, content in files.items() if name.startswith(_PORTFOLIO)}
    model = {name.removeprefix(_MODEL): content for name, content in files.items() if name.startswith(_MODEL)}
    return Contents(
        provenance=Provenance(manifest.candidate, manifest.fingerprint, manifest.seed, manifest.versions),
        portfolio=_built("portfolio", lambda: portfolio_from_files(written, "portfolio")),
        contract=_built("contract.json", lambda: Contract.from_json(files["contract.json"])),
        columns=columns,
        model=_built("model", lambda: load_model(manifest.kind, model, columns)),
        calibration=_built("calibration.json", lambda: calibration_from_dict(json.loads(files["calibration.json"]))),
        policy=_built("policy.json", lambda: Policy.from_dict(json.loads(files["policy.json"]))),
        profile=_built("profile.json", lambda: Profile.from_json_bytes(files["profile.json"])),
        metrics=_built("metrics.json", lambda: dict(json.loads(files["metrics.json"]))),
        card=files["card.md"].decode("utf-8", "replace"),
        intervals=_built(_INTERVALS, lambda: _intervals(files.get(_INTERVALS))),
    )


def _intervals(sealed: bytes | None) -> VennAbers | None:
    return None if sealed is None else VennAbers.from_dict(json.loads(sealed))


def _built(name: str, build: Callable[[], T]) -> T:
    """Build one part; whatever is wrong in it, the bundle is corrupt."""
    try:
        return build()
    except BundleError:
        raise
    except (
        ScorewrightError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        what = error.value if isinstance(error, ScorewrightError) else type(error).__name__
        raise BundleCorruptError(f"{name} must hold what its protocol says.", what, AGAIN) from None


def _column(fields: dict[str, Any]) -> FeatureColumn:
    label = Label(**fields["label"])
    lists = {name: tuple(fields[name]) for name in ("sources", "categories")}
    return FeatureColumn(**{**fields, **lists, "label": label})
