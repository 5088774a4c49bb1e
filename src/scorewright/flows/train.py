"""Train: from tables to a registered model that loses the least money."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from scorewright.bundle.contents import Contents, Provenance, seal
from scorewright.decision.bootstrap import evaluate_with_intervals
from scorewright.decision.costs import baselines, cost_per_application
from scorewright.decision.curves import all_curves
from scorewright.decision.metrics import evaluate_folds
from scorewright.decision.policy import Policy
from scorewright.decision.threshold import best_threshold
from scorewright.domain.evaluation import CandidateRecord, Evaluation, TrainingRecord
from scorewright.domain.progress import Listener, Step, silent
from scorewright.explain.importance import by_raw_column, global_importance
from scorewright.explain.leaks import separation_warnings
from scorewright.flows.card import write_card
from scorewright.flows.dataset import Dataset, Labelled, build_dataset, read_labelled
from scorewright.models import cross_validation
from scorewright.models.candidates import candidate as candidate_named
from scorewright.models.cross_validation import Fitted, OutOfFold
from scorewright.models.folds import stratified_folds
from scorewright.models.tuning import Budget, Tuning, tune
from scorewright.monitor.profile import build_profile
from scorewright.registry.seam import ModelVersion, Registry
from scorewright.tables.loading import fingerprint, open_data
from scorewright.tables.portfolio import Portfolio

#: Rows on which mean absolute contributions are measured: enough for stable ranks, cheap for deep forests.
IMPORTANCE_ROWS = 300

#: Libraries whose version can change a bit of the result.
_LIBRARIES = ("scorewright", "polars", "numpy", "lightgbm", "scikit-learn", "sqlglot")


@dataclass(frozen=True)
class Plan:
    """How to train.

    Parameters
    ----------
    candidates : tuple of str
        Names of the candidates to compare.
    seed : int
        Decides folds, fits, tuning and bootstrap; the same seed gives the same bundle. The locked test set
        is the same for every seed.
    folds : int
        Cross-validation folds.
    test_share : float
        Share of applications locked away.
    trials : int
        Parameter sets that tuning tries per candidate; 0 keeps the defaults.
    minutes : float or None
        Most minutes that tuning may take per candidate.
    pictures : bool
        Whether curves are drawn.
    """

    candidates: tuple[str, ...] = ("dummy", "logistic_regression", "random_forest", "lightgbm")
    seed: int = 7
    folds: int = 5
    test_share: float = 0.2
    trials: int = 0
    minutes: float | None = None
    pictures: bool = True


@dataclass(frozen=True)
class Trained:
    """The outcome of a training: its record, the version registered, and the alias that version holds."""

    record: TrainingRecord
    version: ModelVersion
    alias: str


@dataclass(frozen=True)
class _Source:
    """What every candidate's bundle shares."""

    portfolio: Portfolio
    fingerprint: str
    plan: Plan
    dataset: Dataset

    @property
    def provenance(self) -> Provenance:
        return Provenance("", self.fingerprint, self.plan.seed, {name: version(name) for name in _LIBRARIES})


def train(
    portfolio: Portfolio, data: Path, plan: Plan, registry: Registry, bundles: Path, listen: Listener = silent
) -> Trained:
    """Train and compare candidates, seal each, register the one that loses the least money out of fold.

    The first version of a portfolio becomes its champion, a later one the challenger (see `scorewright.flows.release`).

    Raises
    ------
    DataError, PortfolioError, TrainingError
        Before anything is written.
    """
    names = [candidate_named(name).name for name in dict.fromkeys(plan.candidates)]
    labelled = read_labelled(portfolio, data, listen)
    dataset = build_dataset(labelled, plan.test_share, listen)
    source = _Source(portfolio, fingerprint(open_data(portfolio, data)), plan, dataset)
    folders: dict[str, Path] = {}
    records = []
    for name in names:
        record, folders[name] = _train_candidate(name, source, bundles, listen)
        records.append(record)
    training = _training_record(source, labelled, tuple(records))
    listen(Step("register", 0, 1))
    run = registry.record(training, folders, pictures=plan.pictures)
    registered = registry.register(portfolio.name, training.winner, run)
    alias = _first_alias(registry, registered)
    listen(Step("register", 1, 1, f"version {registered.version} as {alias}"))
    return Trained(training, registry.version(portfolio.name, registered.version), alias)


def cheapest(records: tuple[CandidateRecord, ...]) -> str:
    """Name the candidate with the lowest out-of-fold cost; the simpler one where costs are equal."""
    return min(records, key=lambda record: record.out_of_fold.metrics["cost"]).name


def _first_alias(registry: Registry, registered: ModelVersion) -> str:
    holders = {alias for known in registry.versions(registered.portfolio) for alias in known.aliases}
    alias = "challenger" if "champion" in holders else "champion"
    registry.set_alias(registered.portfolio, alias, registered.version)
    return alias


def _train_candidate(name: str, source: _Source, bundles: Path, listen: Listener) -> tuple[CandidateRecord, Path]:
    started = perf_counter()
    plan, rows = source.plan, source.dataset.train_rows
    target = source.dataset.target[rows]
    folds = stratified_folds(target, plan.seed, plan.folds)
    lesson = cross_validation.Lesson(source.dataset.matrix.take(rows), target, folds, plan.seed, listen)
    candidate = candidate_named(name)
    tuning = tune(candidate, lesson, Budget(plan.trials, plan.minutes))
    validated = cross_validation.cross_validate(candidate, lesson, tuning.parameters)
    fitted = cross_validation.fit_final(candidate, lesson, validated)
    policy = Policy(best_threshold(validated.pd, target, source.portfolio.costs).value, source.portfolio.costs)
    record = _measure(name, source, tuning, validated, fitted, policy)
    digest, folder = seal(_contents(name, source, record, fitted, policy, validated.pd), bundles)
    return replace(record, bundle=digest, seconds=perf_counter() - started), folder


def _measure(
    name: str, source: _Source, tuning: Tuning, validated: OutOfFold, fitted: Fitted, policy: Policy
) -> CandidateRecord:
    dataset, costs = source.dataset, policy.costs
    target, test = dataset.target[dataset.train_rows], dataset.matrix.take(dataset.test_rows)
    test_target = dataset.target[dataset.test_rows]
    test_pd = fitted.pd(test.values)
    sampled = dataset.matrix.take(_spread(dataset.train_rows, IMPORTANCE_ROWS))
    contributions = fitted.model.contributions(sampled.values)
    return CandidateRecord(
        name=name,
        parameters=dict(validated.parameters),
        out_of_fold=_out_of_fold(validated, target, policy),
        test=evaluate_with_intervals(test_pd, test_target, policy.threshold, costs, seed=source.plan.seed),
        threshold=policy.threshold,
        seconds=0.0,
        curves=all_curves(validated.pd, target, costs),
        features=global_importance(contributions, sampled.columns),
        raw_columns=by_raw_column(contributions, sampled.columns, _raw_labels(source.portfolio)),
        trials=tuning.trials,
    )


def _out_of_fold(validated: OutOfFold, target: NDArray[np.int8], policy: Policy) -> Evaluation:
    """Measure the out-of-fold PDs at the chosen threshold, and price the one that calibration alone would give."""
    pd, costs = validated.pd, policy.costs
    chosen = evaluate_folds(pd, target, validated.fold_of_row, policy.threshold, costs)
    closed_form = cost_per_application(target, pd >= costs.closed_form_threshold, costs)
    return Evaluation({**chosen.metrics, "cost_closed_form": closed_form})


def _raw_labels(portfolio: Portfolio) -> dict[str, str]:
    """English labels of raw columns, by ``"table.column"``."""
    specs = portfolio.tables.items()
    return {f"{table}.{name}": f"{label.en} ({table})" for table, spec in specs for name, label in spec.labels.items()}


def _spread(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """At most `most` of the rows, evenly spread: no random draw to explain."""
    return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.intp)]


def _contents(
    name: str, source: _Source, record: CandidateRecord, fitted: Fitted, policy: Policy, pd: NDArray[np.float64]
) -> Contents:
    dataset = source.dataset
    train = dataset.matrix.take(dataset.train_rows)
    metrics = {
        "out_of_fold": asdict(record.out_of_fold),
        "test": asdict(record.test),
        "parameters": dict(record.parameters),
        "plan": {name: getattr(source.plan, name) for name in ("folds", "test_share", "trials", "minutes")},
    }
    return Contents(
        provenance=replace(source.provenance, candidate=name),
        portfolio=source.portfolio,
        contract=dataset.contract,
        columns=dataset.matrix.columns,
        model=fitted.model,
        calibration=fitted.calibration,
        policy=policy,
        profile=build_profile(train, pd, policy.decide(pd)),
        metrics=metrics,
        card=write_card(source.portfolio, record, len(dataset.train_rows), len(dataset.test_rows)),
    )


def _no_better(source: _Source, records: tuple[CandidateRecord, ...], winner: str) -> list[str]:
    """Say so when, on the test set, the winner loses as much as deciding without a model."""
    cost = next(record.test.metrics["cost"] for record in records if record.name == winner)
    simple = baselines(source.dataset.target[source.dataset.test_rows], source.portfolio.costs)
    rule, least = min(simple.items(), key=lambda item: item[1])
    if cost < least:
        return []
    what = {"approve_all": "approving everyone", "refuse_all": "refusing everyone"}[rule]
    return [f"On the test set {winner} costs {cost:.4f} per application, no less than {what} ({least:.4f})."]


def _training_record(source: _Source, labelled: Labelled, records: tuple[CandidateRecord, ...]) -> TrainingRecord:
    dataset, plan = source.dataset, source.plan
    train = dataset.train_rows
    winner = cheapest(records)
    leaks = separation_warnings(dataset.matrix.take(train), dataset.target[train])
    return TrainingRecord(
        portfolio=source.portfolio.name,
        seed=plan.seed,
        fingerprint=source.fingerprint,
        applications=len(dataset.target),
        features=len(dataset.matrix.columns),
        winner=winner,
        settings={name: value for name, value in asdict(plan).items() if name != "candidates"},
        candidates=records,
        warnings=(*labelled.notices, *(warning.sentence for warning in leaks), *_no_better(source, records, winner)),
        baselines=baselines(dataset.target[train], source.portfolio.costs),
    )
