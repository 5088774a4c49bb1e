"""Train: from tables to a registered model that loses the least money."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter

from scorewright.bundle.contents import seal
from scorewright.decision.comparison import Choice
from scorewright.decision.costs import baselines
from scorewright.domain.evaluation import CandidateRecord
from scorewright.domain.explanations import Alternative, Finding
from scorewright.domain.progress import Listener, Step, silent
from scorewright.domain.training import TrainingRecord
from scorewright.explain.leaks.gate import gate, unasked
from scorewright.flows.contest import Entrant, Ground, choose, enter, lay_out
from scorewright.flows.dataset import build_dataset, read_labelled
from scorewright.flows.fairness import alternatives_of, fairness_of
from scorewright.flows.insight import insight_of
from scorewright.flows.leaks import look_at_model, look_for_leaks, pass_gate
from scorewright.flows.measures import measured
from scorewright.flows.obedience import disobedience
from scorewright.flows.plan import Plan
from scorewright.flows.sealing import contents_of
from scorewright.models.candidates import candidate as candidate_named
from scorewright.models.cores import cores
from scorewright.models.cross_validation import Fitted, fit_final
from scorewright.registry.seam import ModelVersion, Registry
from scorewright.report.gathered import Looked
from scorewright.tables.loading import fingerprint, open_data
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.turning import check_levers
from scorewright.tables.types import Tables


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
        Before anything is registered; a `LeakError` before anything is learnt, but for what only a model shows.
    """
    names = [candidate_named(name).name for name in dict.fromkeys(plan.candidates)]
    labelled = read_labelled(portfolio, data, listen)
    dataset = build_dataset(labelled, plan.test_share, listen)
    check_levers(portfolio, dataset.contract)
    found = pass_gate(look_for_leaks(portfolio, labelled, dataset, listen), plan.allowed)
    ground = lay_out(portfolio, dataset, fingerprint(open_data(portfolio, data)), plan, listen)
    contest = _held(names, ground, labelled.tables, shelves.studies)
    winner = contest.choice.name
    columns = ground.final.matrix.columns
    findings = {name: (*found, *look_at_model(contest.records[name], columns)) for name in contest.able}
    pass_gate(findings[winner], plan.allowed)
    looked = {name: _looked(each, ground, labelled.tables, findings[name]) for name, each in contest.able.items()}
    folders = {
        name: seal(
            contents_of(each, contest.fitted[name], ground, contest.records[name], looked[name]), shelves.bundles
        )
        for name, each in contest.able.items()
    }
    training = replace(
        _training_record(ground, contest, {name: digest for name, (digest, _) in folders.items()}),
        findings=looked[winner].findings or (),
        insight=insight_of(contest.able[winner], ground, listen),
        fairness=looked[winner].fairness,
        alternatives=_alternatives(contest.able[winner], ground, labelled.tables, listen),
    )
    misspelt = tuple(
        f"Nothing was found in {name}, which is allowed." for name in unasked(training.findings, plan.allowed)
    )
    training = replace(training, warnings=(*training.warnings, *misspelt))
    return _registered(training, {name: folder for name, (_, folder) in folders.items()}, shelves.registry, listen)


def _alternatives(winner: Entrant, ground: Ground, tables: Tables, listen: Listener) -> tuple[Alternative, ...]:
    return alternatives_of(ground, winner, tables, listen) if ground.plan.alternatives else ()


def _looked(entrant: Entrant, ground: Ground, tables: Tables, findings: Iterable[Finding]) -> Looked:
    rows = ground.dataset.train_rows
    fairness = fairness_of(ground.portfolio, tables, rows, entrant.first.pd, entrant.decided, ground.target)
    return Looked(gate(findings, ground.plan.allowed), fairness=fairness)


@dataclass(frozen=True)
class _Contest:
    """Every candidate, tuned, fitted, measured and compared; `able` are those that keep what is declared."""

    choice: Choice
    entrants: Mapping[str, Entrant]
    fitted: Mapping[str, Fitted]
    records: Mapping[str, CandidateRecord]

    @property
    def able(self) -> dict[str, Entrant]:
        return {name: entrant for name, entrant in self.entrants.items() if entrant.unmet is None}


def _held(names: Sequence[str], ground: Ground, tables: Tables, studies: Path | None) -> _Contest:
    seconds, entrants = {}, {}
    for name in names:
        started = perf_counter()
        entrants[name] = enter(candidate_named(name), ground, studies)
        seconds[name] = perf_counter() - started
    fitted = {name: fit_final(each.candidate, ground.final, each.first, cores()) for name, each in entrants.items()}
    for name, entrant in entrants.items():
        broken = entrant.unmet or disobedience(name, fitted[name], ground, tables)
        entrants[name] = replace(entrant, unmet=broken)
    choice = choose(entrants, ground)
    records = {
        name: replace(measured(entrant, fitted[name], ground), seconds=seconds[name])
        for name, entrant in entrants.items()
    }
    return _Contest(choice, entrants, fitted, records)


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


def _training_record(ground: Ground, contest: _Contest, digests: Mapping[str, str]) -> TrainingRecord:
    dataset, plan, choice = ground.dataset, ground.plan, contest.choice
    records = tuple(replace(record, bundle=digests.get(name, "")) for name, record in contest.records.items())
    warnings = (*_unmet(contest.entrants), *_no_better(ground, records, choice.name))
    return TrainingRecord(
        portfolio=ground.portfolio.name,
        seed=plan.seed,
        fingerprint=ground.origin,
        applications=len(dataset.target),
        features=len(ground.selection.kept),
        winner=choice.name,
        settings={name: value for name, value in asdict(plan).items() if name not in {"candidates", "allowed"}},
        candidates=records,
        warnings=(*dataset.notices, *warnings),
        baselines=baselines(ground.target, ground.portfolio.costs),
        comparisons=choice.comparisons,
        reason=choice.reason,
        dropped=ground.selection.dropped,
        test_applications=len(dataset.test_rows),
    )
