"""A registry in MLflow: a tracking database or server, and its model registry."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from scorewright.bundle.folder import keep
from scorewright.domain.training import TrainingRecord
from scorewright.registry.files import legible
from scorewright.registry.history import advance, before
from scorewright.registry.mlflow_client import connect, reached
from scorewright.registry.mlflow_runs import (
    BUNDLE,
    BUNDLE_FOLDER,
    CANDIDATE,
    KIND,
    PARENT,
    PORTFOLIO,
    TRAINING_FILE,
    RunWriter,
)
from scorewright.registry.records import from_json
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

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion
    from mlflow.entities.model_registry import RegisteredModel

TRAINING = "scorewright.training"
_HISTORY = "scorewright.history."
_OURS = frozenset({BUNDLE, CANDIDATE, TRAINING})
_PLAIN = re.compile(r"[\w-]+")


class MlflowRegistry:
    """Registry kept by MLflow: one experiment and one registered model per portfolio.

    Parameters
    ----------
    tracking_uri : str
        Database (``sqlite:///...``, ``postgresql://...``), set up when new, or tracking server (``http://...``).
    artifact_root : str, optional
        URI under which new experiments keep their files. None leaves it to the server.
    cache : Path
        Folder for bundles that come from a remote store.

    Raises
    ------
    SettingsError
        MLflow is not installed, or its store cannot be reached.
    """

    def __init__(self, tracking_uri: str, artifact_root: str | None, cache: Path) -> None:
        self._artifact_root = artifact_root
        self._cache = cache
        self._client = connect(tracking_uri)

    @reached()
    def record(self, training: TrainingRecord, bundles: Mapping[str, Path], pictures: bool = True) -> str:
        """Write a training as a parent run with one child per candidate."""
        hashes = {name: bundle_hash(training.candidate(name), folder) for name, folder in bundles.items()}
        experiment = self._experiment(check_portfolio(training.portfolio))
        for name, folder in bundles.items():
            self._mend(experiment, hashes[name], folder)
        return RunWriter(self._client, experiment, pictures).write(training, bundles)

    @reached()
    def register(self, portfolio: str, candidate: str, run: str) -> ModelVersion:
        """Make the next version from the child run of a candidate."""
        child = self._child(portfolio, candidate, run)
        if self._model(portfolio) is None:
            self._client.create_registered_model(portfolio, {PORTFOLIO: portfolio})
        source = f"{child.info.artifact_uri}/{BUNDLE_FOLDER}"
        tags = {BUNDLE: child.data.tags[BUNDLE], CANDIDATE: candidate, TRAINING: run}
        made = self._client.create_model_version(portfolio, source, child.info.run_id, tags)
        return self._told(made, ())

    @reached()
    def set_alias(self, portfolio: str, alias: str, version: str) -> None:
        """Give an alias to a version: MLflow moves it in one step.

        The history is a tag beside it. It is written before a step forward and after a step back, so that a change cut
        short between the two leaves a history that still fits.
        """
        model, known = self._shelf(portfolio)
        check_alias(alias)
        if model is None or version not in known:
            raise self._unknown(portfolio, version, model, known)
        history = _history(model, alias)
        held = advance(history, _holder(model, alias), version)
        if len(held) < len(history):
            self._client.set_registered_model_alias(portfolio, alias, version)
            self._client.set_registered_model_tag(portfolio, _HISTORY + alias, json.dumps(held))
        else:
            self._client.set_registered_model_tag(portfolio, _HISTORY + alias, json.dumps(held))
            self._client.set_registered_model_alias(portfolio, alias, version)

    @reached()
    def previous(self, portfolio: str, alias: str) -> str | None:
        """Return the version that held the alias before."""
        model = self._model(portfolio)
        return before(_history(model, alias), _holder(model, alias)) if model else None

    @reached()
    def version(self, portfolio: str, version_or_alias: str) -> ModelVersion:
        """Return one version by number or alias."""
        model, known = self._shelf(portfolio)
        number = (_holder(model, version_or_alias) if model else None) or version_or_alias
        if model is None or number not in known:
            raise self._unknown(portfolio, version_or_alias, model, known)
        return self._told(known[number], _holding(model, number))

    @reached()
    def versions(self, portfolio: str) -> tuple[ModelVersion, ...]:
        """Return every version, oldest first."""
        model, known = self._shelf(portfolio)
        return tuple(self._told(made, _holding(model, number)) for number, made in known.items()) if model else ()

    @reached()
    def portfolios(self) -> tuple[str, ...]:
        """Return the portfolios that have a training."""
        return tuple(sorted(self._experiments()))

    @reached()
    def latest(self, portfolio: str | None = None) -> TrainingRecord:
        """Return the training recorded last, from its file in the parent run."""
        experiments = self._experiments()
        chosen = [experiments[name] for name in experiments if portfolio in (None, name)]
        asked = f"tags.`{KIND}` = 'training' AND attributes.status = 'FINISHED'"
        runs = (
            self._client.search_runs(chosen, asked, max_results=1, order_by=["attributes.end_time DESC"])
            if chosen
            else []
        )
        if not runs:
            raise no_training(portfolio)
        return self._training(runs[0].info.run_id, runs[0].data.tags[PORTFOLIO])

    @reached()
    def training(self, version: ModelVersion) -> TrainingRecord:
        """Return the training that a version comes from, from its file in the parent run."""
        return self._training(version.run, version.portfolio)

    def _training(self, run: str, portfolio: str) -> TrainingRecord:
        try:
            with legible(f"{TRAINING_FILE} of the run {run}"):
                return from_json(self._read(run, TRAINING_FILE))
        except FileNotFoundError as error:
            raise no_record(portfolio) from error

    @reached()
    def fetch(self, version: ModelVersion) -> Path:
        """Return the folder of the bundle: in place when the store is local, else downloaded once."""
        child = str(self._client.get_model_version(version.portfolio, version.version).run_id)
        artifacts = self._local(child)
        if artifacts is None:
            return keep(self._cache / version.bundle, version.bundle, lambda folder: self._download(child, folder))
        folder = artifacts / BUNDLE_FOLDER
        if not folder.is_dir():
            raise no_folder(version)
        return folder

    def _mend(self, experiment: str, digest: str, sealed: Path) -> None:
        """Replace the broken copies of a bundle that earlier trainings left in a local store."""
        for run in self._client.search_runs([experiment], f"tags.`{BUNDLE}` = '{digest}'"):
            artifacts = self._local(run.info.run_id)
            if artifacts is not None:
                keep(artifacts / BUNDLE_FOLDER, digest, partial(shutil.copytree, sealed, dirs_exist_ok=True))

    def _local(self, run: str) -> Path | None:
        """Folder of a run's artifacts, or None when they are elsewhere.

        Asked by run, MLflow would copy local files to a temporary folder and leave them there.
        """
        uri = self._client.get_run(run).info.artifact_uri
        parts = urlsplit(uri)
        if parts.scheme == "file":
            return Path(url2pathname(parts.path))
        return Path(uri) if parts.scheme == "" else None

    def _download(self, run: str, folder: Path) -> None:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            made = Path(self._client.download_artifacts(run, BUNDLE_FOLDER, place))
            for content in made.iterdir():
                content.rename(folder / content.name)

    def _read(self, run: str, file: str) -> str:
        artifacts = self._local(run)
        if artifacts is not None:
            return (artifacts / file).read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            return Path(self._client.download_artifacts(run, file, folder)).read_text(encoding="utf-8")

    def _experiment(self, portfolio: str) -> str:
        found = self._client.get_experiment_by_name(portfolio)
        if found is None:
            location = f"{self._artifact_root.rstrip('/')}/{portfolio}" if self._artifact_root else None
            return str(self._client.create_experiment(portfolio, location, {PORTFOLIO: portfolio}))
        if found.lifecycle_stage == "deleted":
            self._client.restore_experiment(found.experiment_id)
        if PORTFOLIO not in found.tags:
            self._client.set_experiment_tag(found.experiment_id, PORTFOLIO, portfolio)
        return str(found.experiment_id)

    def _experiments(self) -> dict[str, str]:
        found = self._client.search_experiments(max_results=1000)
        return {item.tags[PORTFOLIO]: item.experiment_id for item in found if PORTFOLIO in item.tags}

    def _child(self, portfolio: str, candidate: str, run: str) -> Run:
        experiment = (
            self._experiments().get(portfolio) if _PLAIN.fullmatch(run) and _PLAIN.fullmatch(candidate) else None
        )
        asked = f"tags.`{PARENT}` = '{run}' AND tags.`{CANDIDATE}` = '{candidate}' AND tags.`{KIND}` = 'candidate'"
        runs = self._client.search_runs([experiment], asked, max_results=1) if experiment else []
        for found in runs:
            if BUNDLE in found.data.tags:
                return found
        raise no_candidate(candidate, run)

    def _model(self, portfolio: str) -> RegisteredModel | None:
        found = self._client.search_registered_models(f"name = '{check_portfolio(portfolio)}'", max_results=1)
        return next(iter(found), None)

    def _shelf(self, portfolio: str) -> tuple[RegisteredModel | None, dict[str, MlflowVersion]]:
        model = self._model(portfolio)
        if model is None:
            return None, {}
        found = self._client.search_model_versions(f"name = '{portfolio}'", max_results=10_000)
        ours = sorted((made for made in found if made.tags.keys() >= _OURS), key=lambda made: int(made.version))
        return model, {str(made.version): made for made in ours}

    @staticmethod
    def _told(made: MlflowVersion, aliases: tuple[str, ...]) -> ModelVersion:
        return ModelVersion(
            portfolio=made.name,
            version=str(made.version),
            bundle=made.tags[BUNDLE],
            candidate=made.tags[CANDIDATE],
            run=made.tags[TRAINING],
            created=datetime.fromtimestamp(made.creation_timestamp / 1000, UTC),
            aliases=aliases,
        )

    @staticmethod
    def _unknown(
        portfolio: str, asked: str, model: RegisteredModel | None, known: Mapping[str, MlflowVersion]
    ) -> Exception:
        return no_version(portfolio, asked, [*known, *sorted(model.aliases)] if model else [])


def _holder(model: RegisteredModel, alias: str) -> str | None:
    held = model.aliases.get(alias)
    return None if held is None else str(held)


def _holding(model: RegisteredModel, version: str) -> tuple[str, ...]:
    return tuple(sorted(alias for alias in model.aliases if _holder(model, alias) == version))


def _history(model: RegisteredModel, alias: str) -> tuple[str, ...]:
    with legible(f"the history of {alias!r}"):
        return tuple(json.loads(model.tags.get(_HISTORY + alias, "[]")))
