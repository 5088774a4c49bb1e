"""A registry in a plain folder: JSON files and copied bundles, no further library.

.. code-block:: text

    <root>/bundles/<sha256>/...                  sealed bundles, each once
    <root>/trainings/<portfolio>/<run>.json      trainings; names sort by time
    <root>/portfolios/<portfolio>.json           versions and the history of each alias

The folder may be moved, copied or mounted elsewhere: nothing in it names its place. There is no lock for two writers at
the same time; readers beside a writer are safe, because each file appears whole.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from scorewright.bundle.folder import keep
from scorewright.domain.evaluation import CandidateRecord
from scorewright.domain.training import TrainingRecord
from scorewright.registry.files import legible, write_whole
from scorewright.registry.history import advance, before
from scorewright.registry.records import from_json, to_json
from scorewright.registry.seam import (
    ModelVersion,
    bundle_hash,
    check_alias,
    check_portfolio,
    no_candidate,
    no_folder,
    no_record,
    no_training,
    no_version,
)

_KEPT = ("version", "bundle", "candidate", "run")


@dataclass(frozen=True)
class _Shelf:
    """Versions of one portfolio, without aliases, and the holders of each alias, the present one last."""

    versions: tuple[ModelVersion, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def holder(self, alias: str) -> str | None:
        return next(iter(self.aliases.get(alias, ())[-1:]), None)

    def holding(self, version: str) -> tuple[str, ...]:
        return tuple(sorted(alias for alias in self.aliases if self.holder(alias) == version))


class FolderRegistry:
    """Registry kept as files under `root`. Nothing is written before the first training, so `root` may be read-only.

    Parameters
    ----------
    root : Path
        Folder, made when needed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def record(self, training: TrainingRecord, bundles: Mapping[str, Path], pictures: bool = True) -> str:
        """Write a training and copy its bundles. Pictures are not kept here."""
        del pictures
        check_portfolio(training.portfolio)
        hashes = {name: bundle_hash(training.candidate(name), folder) for name, folder in bundles.items()}
        for name, folder in bundles.items():
            keep(self._bundle(hashes[name]), hashes[name], partial(shutil.copytree, folder, dirs_exist_ok=True))
        run = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}"
        write_whole(self._training(training.portfolio, run), to_json(training))
        return run

    def register(self, portfolio: str, candidate: str, run: str) -> ModelVersion:
        """Make the next version from a recorded candidate."""
        recorded = self._candidate(portfolio, candidate, run)
        shelf = self._shelf(portfolio)
        version = ModelVersion(
            portfolio=portfolio,
            version=str(len(shelf.versions) + 1),
            bundle=recorded.bundle,
            candidate=candidate,
            run=run,
            created=datetime.now(UTC),
        )
        self._keep(portfolio, replace(shelf, versions=(*shelf.versions, version)))
        return version

    def set_alias(self, portfolio: str, alias: str, version: str) -> None:
        """Give an alias to a version: one file changes, in one step."""
        shelf = self._shelf(portfolio)
        check_alias(alias)
        if version not in {known.version for known in shelf.versions}:
            raise self._unknown(portfolio, version, shelf)
        held = advance(shelf.aliases.get(alias, ()), shelf.holder(alias), version)
        self._keep(portfolio, replace(shelf, aliases={**shelf.aliases, alias: held}))

    def previous(self, portfolio: str, alias: str) -> str | None:
        """Return the version that held the alias before."""
        shelf = self._shelf(portfolio)
        return before(shelf.aliases.get(alias, ()), shelf.holder(alias))

    def version(self, portfolio: str, version_or_alias: str) -> ModelVersion:
        """Return one version by number or alias."""
        shelf = self._shelf(portfolio)
        number = shelf.holder(version_or_alias) or version_or_alias
        for version in shelf.versions:
            if version.version == number:
                return replace(version, aliases=shelf.holding(number))
        raise self._unknown(portfolio, version_or_alias, shelf)

    def versions(self, portfolio: str) -> tuple[ModelVersion, ...]:
        """Return every version, oldest first."""
        shelf = self._shelf(portfolio)
        return tuple(replace(version, aliases=shelf.holding(version.version)) for version in shelf.versions)

    def portfolios(self) -> tuple[str, ...]:
        """Return the portfolios that have a training."""
        return tuple(sorted({file.parent.name for file in self._trainings(None)}))

    def latest(self, portfolio: str | None = None) -> TrainingRecord:
        """Return the training recorded last."""
        last = max(self._trainings(portfolio), key=lambda file: file.name, default=None)
        if last is None:
            raise no_training(portfolio)
        return _training_from(last)

    def training(self, version: ModelVersion) -> TrainingRecord:
        """Return the training that a version comes from."""
        file = self._training(version.portfolio, version.run)
        if file not in self._trainings(version.portfolio):
            raise no_record(version.portfolio)
        return _training_from(file)

    def fetch(self, version: ModelVersion) -> Path:
        """Return the folder of the bundle, in place."""
        folder = self._bundle(version.bundle)
        if not folder.is_dir():
            raise no_folder(version)
        return folder

    def _bundle(self, sha256: str) -> Path:
        return self._root / "bundles" / sha256

    def _training(self, portfolio: str, run: str) -> Path:
        return self._root / "trainings" / check_portfolio(portfolio) / f"{run}.json"

    def _trainings(self, portfolio: str | None) -> list[Path]:
        return list(
            (self._root / "trainings").glob(f"{check_portfolio(portfolio) if portfolio else '[!.]*'}/[!.]*.json")
        )

    def _candidate(self, portfolio: str, candidate: str, run: str) -> CandidateRecord:
        if self._training(portfolio, run) not in self._trainings(portfolio):
            raise no_candidate(candidate, run)
        training = _training_from(self._training(portfolio, run))
        for recorded in training.candidates:
            if recorded.name == candidate and recorded.bundle and self._bundle(recorded.bundle).is_dir():
                return recorded
        raise no_candidate(candidate, run)

    def _shelf(self, portfolio: str) -> _Shelf:
        file = self._shelf_file(portfolio)
        try:
            with legible(f"portfolios/{file.name}"):
                return _shelf_from(portfolio, file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return _Shelf()

    def _keep(self, portfolio: str, shelf: _Shelf) -> None:
        versions = [_version_to(version) for version in shelf.versions]
        content = {"protocol": 1, "versions": versions, "aliases": shelf.aliases}
        write_whole(self._shelf_file(portfolio), json.dumps(content, indent=1, allow_nan=False) + "\n")

    def _shelf_file(self, portfolio: str) -> Path:
        return self._root / "portfolios" / f"{check_portfolio(portfolio)}.json"

    @staticmethod
    def _unknown(portfolio: str, asked: str, shelf: _Shelf) -> Exception:
        return no_version(portfolio, asked, [*(version.version for version in shelf.versions), *sorted(shelf.aliases)])


def _training_from(file: Path) -> TrainingRecord:
    portfolio = file.parent.name
    try:
        with legible(f"trainings/{portfolio}/{file.name}"):
            return from_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise no_record(portfolio) from error


def _shelf_from(portfolio: str, text: str) -> _Shelf:
    content = json.loads(text)
    versions = tuple(_version_from(portfolio, item) for item in content["versions"])
    return _Shelf(versions, {alias: tuple(held) for alias, held in content["aliases"].items()})


def _version_to(version: ModelVersion) -> dict[str, str]:
    return {name: getattr(version, name) for name in _KEPT} | {"created": version.created.isoformat()}


def _version_from(portfolio: str, content: Mapping[str, Any]) -> ModelVersion:
    created = datetime.fromisoformat(content["created"])
    version, bundle, candidate, run = (str(content[name]) for name in _KEPT)
    return ModelVersion(portfolio, version, bundle, candidate, run, created)
