"""Trainings as MLflow runs: one parent, under it one per candidate, and under that one per trial of its tuning.

A trial costs three requests: one begins it with its tags, one logs all its parameters and measures, one ends it.
"""

from __future__ import annotations

import csv
import io
import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scorewright.domain.evaluation import CandidateRecord, Importance, Trial, TrialState
from scorewright.domain.training import TrainingRecord
from scorewright.registry.records import flat_metrics, to_json

if TYPE_CHECKING:
    from mlflow import MlflowClient

KIND = "scorewright.kind"
PORTFOLIO = "scorewright.portfolio"
CANDIDATE = "scorewright.candidate"
WINNER = "scorewright.winner"
TRIAL = "scorewright.trial"
STATE = "scorewright.state"
BUNDLE = "bundle"
FINGERPRINT = "fingerprint"
PARENT = "mlflow.parentRunId"
BUNDLE_FOLDER = "bundle"
TRAINING_FILE = "training.json"

_BATCH = 100  # MLflow's limit for parameters
_LONGEST_VALUE = 5000

# MLflow's words for how a run ends.
_ENDED: Mapping[TrialState, str] = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}


@dataclass(frozen=True)
class _Run:
    """What one run shows."""

    name: str
    tags: Mapping[str, str]
    parameters: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    bundle: Path | None = None
    seconds: float = 0.0
    ended: str = "FINISHED"


class RunWriter:
    """Writes runs into one experiment.

    Parameters
    ----------
    client : MlflowClient
        Where to.
    experiment : str
        Identifier of the experiment of the portfolio.
    pictures : bool
        Whether to draw.
    """

    def __init__(self, client: MlflowClient, experiment: str, pictures: bool) -> None:
        self._client = client
        self._experiment = experiment
        self._pictures = pictures

    def write(self, training: TrainingRecord, bundles: Mapping[str, Path]) -> str:
        """Write a training and return its run. A run cut short is marked as failed, and its training never found."""
        with self._run(_parent(training, self._pictures)) as parent:
            for candidate in training.candidates:
                bundle = bundles.get(candidate.name)
                with self._run(_child(training, candidate, parent, bundle, self._pictures)) as child:
                    self._write_trials(training, candidate, child)
        return parent

    def _write_trials(self, training: TrainingRecord, candidate: CandidateRecord, child: str) -> None:
        for trial in candidate.trials:
            with self._run(_trial(training, candidate, trial, child)):
                pass

    @contextmanager
    def _run(self, run: _Run) -> Iterator[str]:
        """Begin and fill a run; it ends with the block."""
        begun = int((time.time() - run.seconds) * 1000)
        identifier: str = self._client.create_run(self._experiment, begun, dict(run.tags), run.name).info.run_id
        try:
            self._log(identifier, run)
            self._store(identifier, run)
            yield identifier
            self._client.set_terminated(identifier, run.ended)
        except BaseException:
            self._client.set_terminated(identifier, "FAILED")
            raise

    def _log(self, identifier: str, run: _Run) -> None:
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, 0) for name, value in run.metrics.items()]
        parameters = [Param(name, str(value)[:_LONGEST_VALUE]) for name, value in run.parameters.items()]
        for start in range(0, max(len(metrics), len(parameters)), _BATCH):
            part = slice(start, start + _BATCH)
            self._client.log_batch(identifier, metrics[part], parameters[part])

    def _store(self, identifier: str, run: _Run) -> None:
        if run.bundle is not None:
            self._client.log_artifacts(identifier, str(run.bundle), BUNDLE_FOLDER)
        if not run.files:
            return
        with tempfile.TemporaryDirectory() as folder:
            for name, content in run.files.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            self._client.log_artifacts(identifier, folder)


def _parent(training: TrainingRecord, pictures: bool) -> _Run:
    files = {TRAINING_FILE: to_json(training).encode(), "comparison.csv": _comparison_table(training)}
    if pictures:
        from scorewright.registry.pictures import comparison_picture, insight_pictures

        drawn = {} if training.insight is None else insight_pictures(training.insight)
        files["comparison.png"] = comparison_picture(training)
        files |= {f"pictures/{name}.png": content for name, content in drawn.items()}
    measured = {name: value for name, value in training.baselines.items() if math.isfinite(value)}
    shown = {"seed", "applications", "features", "fingerprint", "winner"}
    return _Run(
        name=f"training of {training.portfolio}",
        tags={
            KIND: "training",
            PORTFOLIO: training.portfolio,
            WINNER: training.winner,
            FINGERPRINT: training.fingerprint,
            "mlflow.note.content": _note(training),
        },
        parameters={**training.settings, **{name: getattr(training, name) for name in sorted(shown)}},
        metrics={f"baseline.{name}": value for name, value in measured.items()}
        | flat_metrics(training.candidate(training.winner)),
        files=files,
        seconds=sum(candidate.seconds for candidate in training.candidates),
    )


def _child(
    training: TrainingRecord, candidate: CandidateRecord, parent: str, bundle: Path | None, pictures: bool
) -> _Run:
    return _Run(
        name=candidate.name,
        tags=_tags(training, candidate, parent, bundle),
        parameters=candidate.parameters,
        metrics=flat_metrics(candidate),
        files=_tables(candidate) | (_pictures(candidate) if pictures else {}),
        bundle=bundle,
        seconds=candidate.seconds,
    )


def _tags(training: TrainingRecord, candidate: CandidateRecord, parent: str, bundle: Path | None) -> dict[str, str]:
    tags = {KIND: "candidate", PORTFOLIO: training.portfolio, CANDIDATE: candidate.name, PARENT: parent}
    tags[FINGERPRINT] = training.fingerprint
    tags[WINNER] = str(candidate.name == training.winner).lower()
    return tags if bundle is None else tags | {BUNDLE: candidate.bundle}


def _trial(training: TrainingRecord, candidate: CandidateRecord, trial: Trial, child: str) -> _Run:
    measured = {"objective": trial.objective, "seconds": trial.seconds}
    return _Run(
        name=f"{candidate.name} trial {trial.number}",
        tags={
            KIND: "trial",
            PORTFOLIO: training.portfolio,
            CANDIDATE: candidate.name,
            PARENT: child,
            TRIAL: str(trial.number),
            STATE: trial.state,
        },
        parameters=trial.parameters,
        metrics={name: value for name, value in measured.items() if math.isfinite(value)},
        seconds=trial.seconds,
        ended=_ENDED[trial.state],
    )


def _pictures(candidate: CandidateRecord) -> dict[str, bytes]:
    from scorewright.registry.pictures import candidate_pictures

    return {f"pictures/{name}.png": content for name, content in candidate_pictures(candidate).items()}


def _tables(candidate: CandidateRecord) -> dict[str, bytes]:
    tables = {"features.csv": candidate.features, "raw_columns.csv": candidate.raw_columns}
    return {name: _importance_table(rows) for name, rows in tables.items() if rows}


def _importance_table(rows: Sequence[Importance]) -> bytes:
    return _csv(["name", "label", "value", "share"], [[row.name, row.label, row.value, row.share] for row in rows])


def _comparison_table(training: TrainingRecord) -> bytes:
    measures = {candidate.name: flat_metrics(candidate) for candidate in training.candidates}
    names = sorted({name for metrics in measures.values() for name in metrics})
    rows = [[candidate, *(metrics.get(name) for name in names)] for candidate, metrics in measures.items()]
    return _csv(["candidate", *names], rows)


def _csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _note(training: TrainingRecord) -> str:
    told = [
        f"{training.applications} applications, {training.features} features, seed {training.seed}.",
        f"The candidate that loses the least money: **{training.winner}**.",
        *(f"- {warning}" for warning in training.warnings),
    ]
    return "\n\n".join(told)[:_LONGEST_VALUE]
