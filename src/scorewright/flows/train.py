"""Train: from tables to a registered model that loses the least money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

from scorewright.bundle.contents import Contents, Provenance, seal
from scorewright.decision.comparison import Choice
from scorewright.decision.costs import baselines
from scorewright.domain.evaluation import CandidateRecord
from scorewright.domain.progress import Listener, Step, silent
from scorewright.domain.training import TrainingRecord
from scorewright.explain.leaks import separation_warnings
from scorewright.flows.card import write_card
from scorewright.flows.contest import Entrant, Ground, choose, enter, lay_out
from scorewright.flows.dataset import build_dataset, read_labelled
from scorewright.flows.measures import measured
from scorewright.flows.obedience import disobedience
from scorewright.flows.plan import Plan
from scorewright.models.candidates import candidate as candidate_named
from scorewright.models.cores import cores
from scorewright.models.cross_validation import Fitted, fit_final
from scorewright.monitor.profile import build_profile
from scorewright.registry.seam import ModelVersion, Registry
from scorewright.tables.loading import fingerprint, open_data
from scorewright.tables.portfolio import Portfolio

#: Libraries whose version can change a bit of the result.
_LIBRARIES = ("scorewright", "polars", "numpy", "lightgbm", "scikit-learn", "sqlglot")

#: What a bundle tells of the plan: what decided the result.
_PLANNED = ("folds", "repeats", "test_share", "trials", "minutes", "workers", "select")


@dataclass(frozen=True)
class Trained:
    """The outcome of a training: its record, the version registered, and the alias that version holds."""

    record: TrainingRecord
    version: ModelVersion
    alias: str


@dataclass(frozen=True)
class Shelves:
    """Where a training puts what it makes.

    Parameters
    ----------
    registry : Registry
        Keeps the record and the versions.
    bundles : Path
        Folder in which bundles are sealed.
    studies : Path or None
        Folder of the searches, so that a training that was stopped goes on where it was; None keeps none.
    """

    registry: Registry
    bundles: Path
    studies: Path | None = None


def train(portfolio: Portfolio, data: Path, plan: Plan, shelves: Shelves, listen: Listener = silent) -> Trained:
    """Train and compare candidates, seal each, register the simplest within noise of the one that loses least.

    The test set is opened once, after the winner is chosen. The first version of a portfolio becomes its champion, a
    later one the challenger (see `scorewright.flows.release`).

    Raises
    ------
    DataError, PortfolioError, SettingsError, TrainingError
        Before anything is registered.
    """
    names = [candidate_named(name).name for name in dict.fromkeys(plan.candidates)]
    labelled = read_labelled(portfolio, data, listen)
    dataset = build_dataset(labelled, plan.test_share, listen)
    origin = fingerprint(open_data(portfolio, data))
    ground = lay_out(portfolio, dataset, origin, plan, listen)
    seconds, entrants = {}, {}
    for name in names:
        started = perf_counter()
        entrants[name] = enter(candidate_named(name), ground, shelves.studies)
        seconds[name] = perf_counter() - started
    fitted = {name: fit_final(each.candidate, ground.final, each.first, cores()) for name, each in entrants.items()}
    for name, entrant in entrants.items():
        broken = entrant.unmet or disobedience(name, fitted[name], ground, labelled.tables)
        entrants[name] = replace(entrant, unmet=broken)
    choice = choose(entrants, ground)
    records = {
        name: replace(measured(entrant, fitted[name], ground), seconds=seconds[name])
        for name, entrant in entrants.items()
    }
    able = {name: entrant for name, entrant in entrants.items() if entrant.unmet is None}
    sealed = {
        name: seal(_contents(entrant, fitted[name], ground, records[name]), shelves.bundles)
        for name, entrant in able.items()
    }
    records |= {name: replace(records[name], bundle=digest) for name, (digest, _) in sealed.items()}
    training = _training_record(ground, choice, entrants, tuple(records.values()))
    return _registered(training, {name: folder for name, (_, folder) in sealed.items()}, shelves.registry, listen)


def _registered(training: TrainingRecord, folders: Mapping[str, Path], registry: Registry, listen: Listener) -> Trained:
    listen(Step("register", 0, 1))
    run = registry.record(training, folders, pictures=bool(training.settings["pictures"]))
    registered = registry.register(training.portfolio, training.winner, run)
    alias = _first_alias(registry, registered)
    listen(Step("register", 1, 1, f"version {registered.version} as {alias}"))
    return Trained(training, registry.version(training.portfolio, registered.version), alias)


def _first_alias(registry: Registry, registered: ModelVersion) -> str:
    holders = {alias for known in registry.versions(registered.portfolio) for alias in known.aliases}
    alias = "challenger" if "champion" in holders else "champion"
    registry.set_alias(registered.portfolio, alias, registered.version)
    return alias


def _contents(entrant: Entrant, fitted: Fitted, ground: Ground, record: CandidateRecord) -> Contents:
    dataset, plan, learnt = ground.dataset, ground.plan, ground.final.matrix
    versions = {name: version(name) for name in _LIBRARIES}
    metrics = {
        "out_of_fold": asdict(record.out_of_fold),
        "test": asdict(record.test),
        "parameters": dict(record.parameters),
        "calibration": entrant.first.calibration,
        "plan": {name: getattr(plan, name) for name in _PLANNED},
    }
    return Contents(
        provenance=Provenance(entrant.candidate.name, ground.origin, plan.seed, versions),
        portfolio=ground.portfolio,
        contract=dataset.contract,
        columns=learnt.columns,
        model=fitted.model,
        calibration=fitted.calibration,
        policy=entrant.policy,
        profile=build_profile(learnt, entrant.first.pd, entrant.decided.refused, entrant.decided.referred),
        metrics=metrics,
        intervals=fitted.intervals,
        card=write_card(ground.portfolio, record, entrant.policy, ground.rows, ground.selection.dropped),
    )


def _no_better(ground: Ground, records: tuple[CandidateRecord, ...], winner: str) -> list[str]:
    """Say so when, on the test set, the winner loses as much as deciding without a model."""
    cost = next(record.test.metrics["cost"] for record in records if record.name == winner)
    simple = baselines(ground.dataset.target[ground.dataset.test_rows], ground.portfolio.costs)
    rule, least = min(simple.items(), key=lambda item: item[1])
    if cost < least:
        return []
    what = {"approve_all": "approving everyone", "refuse_all": "refusing everyone"}[rule]
    return [f"On the test set {winner} costs {cost:.4f} per application, no less than {what} ({least:.4f})."]


def _unmet(entrants: Mapping[str, Entrant]) -> list[str]:
    """Say which candidates cannot keep what the portfolio declares, and are therefore neither chosen nor sealed."""
    return [
        f"{name} is not sealed. {entrant.unmet.rule} Found: {entrant.unmet.value}."
        for name, entrant in entrants.items()
        if entrant.unmet is not None
    ]


def _training_record(
    ground: Ground, choice: Choice, entrants: Mapping[str, Entrant], records: tuple[CandidateRecord, ...]
) -> TrainingRecord:
    dataset, plan, first = ground.dataset, ground.plan, ground.lessons[0]
    leaks = separation_warnings(first.matrix, first.target)
    warnings = (*(warning.sentence for warning in leaks), *_unmet(entrants), *_no_better(ground, records, choice.name))
    return TrainingRecord(
        portfolio=ground.portfolio.name,
        seed=plan.seed,
        fingerprint=ground.origin,
        applications=len(dataset.target),
        features=len(ground.selection.kept),
        winner=choice.name,
        settings={name: value for name, value in asdict(plan).items() if name != "candidates"},
        candidates=records,
        warnings=(*dataset.notices, *warnings),
        baselines=baselines(ground.target, ground.portfolio.costs),
        comparisons=choice.comparisons,
        reason=choice.reason,
        dropped=ground.selection.dropped,
        test_applications=len(dataset.test_rows),
    )
