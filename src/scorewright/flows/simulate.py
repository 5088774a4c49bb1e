"""Simulate: what another policy would have done to applications whose outcome is known, before it decides any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.bundle.contents import Contents
from scorewright.bundle.scorer import Scores
from scorewright.decision.bootstrap import Resampling
from scorewright.decision.cases import OUTCOMES, Decided
from scorewright.decision.declared import cases_of, loans_of
from scorewright.decision.policy import Policy
from scorewright.decision.strategy import Difference, Prices, Tally, compare, tally
from scorewright.decision.threshold import APPROVE_ALL, REFUSE_ALL
from scorewright.domain.costs import CostMatrix, MoneyTerms
from scorewright.domain.decisions import RuleKind
from scorewright.domain.progress import Listener, Step, silent
from scorewright.errors import SettingsError
from scorewright.flows.champion import LoadedModel
from scorewright.flows.dataset import read_labelled, split
from scorewright.flows.score import check_output, write_table
from scorewright.tables.loading import fingerprint, hold, load_tables, open_data, restrict
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.readers import scan_table
from scorewright.tables.types import Tables

REPEATS = 2000


@dataclass(frozen=True)
class World:
    """What decisions are taken to cost; None leaves what the policy states. It prices the current policy as well."""

    costs: CostMatrix | None = None
    lgd: float | None = None


@dataclass(frozen=True)
class Variant:
    """What another policy changes; None leaves it as it is.

    Parameters
    ----------
    threshold : float or None
        One threshold for all, from 0 to 1.
    rule : {"threshold", "money"} or None
        Which rule decides.
    refer : float or None
        Share to refer, by a band set on the simulated applications; 0 refers nobody by their PD.
    without : tuple of str
        Hard rules that are left out.
    """

    threshold: float | None = None
    rule: RuleKind | None = None
    refer: float | None = None
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Simulation:
    """A variant, what it does, and how that differs from the current policy."""

    name: str
    policy: Policy
    tally: Tally
    difference: Difference


@dataclass(frozen=True)
class Simulated:
    """Variants against the current policy.

    Parameters
    ----------
    rows : str
        Which applications were used, in words.
    policy : Policy
        The current one.
    costs : CostMatrix
        By which all are priced.
    terms : MoneyTerms or None
        By which all are priced in money.
    current : Tally
        What the current policy does.
    variants : tuple of Simulation
        In the order asked for.
    changes : DataFrame
        Key, ``variant``, ``now`` and ``then`` of every application that changes sides; nothing else about it.
    notices : tuple of str
        What was noticed while reading.
    """

    rows: str
    policy: Policy
    costs: CostMatrix
    terms: MoneyTerms | None
    current: Tally
    variants: tuple[Simulation, ...]
    changes: pl.DataFrame
    notices: tuple[str, ...]


@dataclass(frozen=True)
class _Known:
    """Applications and, where it is known, how each ended."""

    tables: Tables
    target: NDArray[np.int8] | None
    rows: str
    notices: tuple[str, ...]


def simulate_folder(
    model: LoadedModel,
    data: Path,
    variants: Sequence[Variant],
    world: World | None = None,
    out: Path | None = None,
    listen: Listener = silent,
) -> Simulated:
    """Decide the applications of a folder by the current policy and by variants of it.

    The tables of the model's own training give the test set that it locked away. Other labelled tables are used whole.
    Tables without outcomes show approvals and who changes sides, but neither defaults nor costs.

    Parameters
    ----------
    out : Path, optional
        Parquet or CSV file for `Simulated.changes`, whole or not at all.

    Raises
    ------
    SettingsError
        A variant cannot be: see `changed`.
    DataError
        The data break the contract.
    OutputError
        The file cannot be written.
    """
    if out is not None:
        check_output(out)
    contents, assumed = model.scorer.bundle.contents, world or World()
    terms = _terms(contents.policy, assumed)
    for variant in variants:
        changed(contents.policy, variant, assumed)
    known = _applications(model, data, listen)
    listen(Step("simulate", 0, 1))
    simulated = _simulated(contents, model.scorer.score(known.tables), known, variants, assumed, terms)
    if out is not None:
        write_table(simulated.changes, out)
    listen(Step("simulate", 1, 1, known.rows))
    return simulated


def changed(policy: Policy, variant: Variant, world: World) -> Policy:
    """Return the policy of a variant, its referral band not yet set.

    Other costs move the threshold, unless the variant names one: to the one that is cheapest on calibrated PDs
    (`CostMatrix.closed_form_threshold`), because the best on the simulated applications would be chosen and judged on
    the same rows.

    Raises
    ------
    SettingsError
        A threshold outside 0 to 1 or under the money rule, money where the portfolio states none, a share that is none,
        or an unknown hard rule.
    """
    if variant.threshold is not None and not REFUSE_ALL <= variant.threshold <= APPROVE_ALL:
        raise SettingsError("A threshold is a PD from 0 to 1.", f"{variant.threshold:g}", "Give 0.1 for 10 %.")
    if variant.threshold is not None and variant.rule == "money":
        found = f"{variant.threshold:g} for all"
        raise SettingsError("Under the money rule each loan has its own threshold.", found, "Choose one rule.")
    if variant.refer is not None and not 0.0 <= variant.refer < 1.0:
        raise SettingsError("The share to refer lies between 0 and 1.", f"{variant.refer:g}", "Give 0.1 for 10 %.")
    terms, costs = _terms(policy, world), world.costs or policy.costs
    rule = variant.rule or ("threshold" if variant.threshold is not None else policy.rule)
    if rule == "money" and terms is None:
        raise _no_money("the money rule")
    threshold = policy.threshold if world.costs is None else costs.closed_form_threshold
    return replace(
        policy.without(variant.without),
        threshold=threshold if variant.threshold is None else variant.threshold,
        costs=costs,
        rule=rule,
        money=terms,
        referral=policy.referral if variant.refer is None else None,
    )


def _terms(policy: Policy, world: World) -> MoneyTerms | None:
    if world.lgd is None:
        return policy.money
    if policy.money is None:
        raise _no_money(f"an LGD of {world.lgd:g}")
    if not 0.0 <= world.lgd <= 1.0:
        raise SettingsError("The LGD lies between 0 and 1.", f"{world.lgd:g}", "Give 0.6 for 60 %.")
    return replace(policy.money, lgd=world.lgd)


def _no_money(what: str) -> SettingsError:
    return SettingsError(
        "Money needs a [money] section in the portfolio the model was trained with.",
        f"{what}, but it states none",
        "Add [money] to portfolio.toml and train again, or compare by the cost matrix.",
    )


def _applications(model: LoadedModel, data: Path, listen: Listener) -> _Known:
    contents = model.scorer.bundle.contents
    portfolio = contents.portfolio
    if not _has_outcomes(portfolio, data):
        loaded = load_tables(open_data(portfolio, data), "score", model.scorer.sealed, listen=listen)
        height = loaded.tables[portfolio.root].height
        return _Known(loaded.tables, None, f"{height:,} applications whose outcome is not known", loaded.notices)
    labelled = read_labelled(portfolio, data, listen)
    rows, which = np.arange(len(labelled.target)), "labelled applications of other tables than the training's"
    if fingerprint(open_data(portfolio, data)) == contents.provenance.fingerprint:
        _, rows = split(labelled, float(contents.metrics["plan"]["test_share"]))
        which = "test applications that the training locked away"
    tables = hold(portfolio, restrict(portfolio, labelled.tables, pl.Series(rows)), model.scorer.sealed)
    return _Known(tables, labelled.target[rows], f"{len(rows):,} {which}", labelled.notices)


def _has_outcomes(portfolio: Portfolio, data: Path) -> bool:
    source = open_data(portfolio, data).find(portfolio.root, "train")
    return source is not None and portfolio.target.column in scan_table(source, frozenset()).collect_schema()


def _simulated(
    contents: Contents,
    scores: Scores,
    known: _Known,
    variants: Sequence[Variant],
    world: World,
    terms: MoneyTerms | None,
) -> Simulated:
    policy, costs = contents.policy, world.costs or contents.policy.costs
    prices = Prices(costs, loans_of(terms, scores.known), terms.referral_cost) if terms else Prices(costs)
    rows = [_one(policy, variant, world, scores) for variant in variants]
    draws = Resampling(REPEATS, seed=contents.provenance.seed)
    simulations = tuple(
        Simulation(
            _named(variant, world, then),
            then,
            tally(decided, known.target, prices),
            compare(scores.decided, decided, known.target, prices, draws),
        )
        for variant, (then, decided) in zip(variants, rows, strict=True)
    )
    changes = [
        _changes(scores.matrix.keys, simulation.name, scores.decided, decided)
        for simulation, (_, decided) in zip(simulations, rows, strict=True)
    ]
    now = tally(scores.decided, known.target, prices)
    return Simulated(known.rows, policy, costs, terms, now, simulations, pl.concat(changes), known.notices)


def _one(policy: Policy, variant: Variant, world: World, scores: Scores) -> tuple[Policy, Decided]:
    """A variant's policy and what it decides."""
    then = changed(policy, variant, world)
    now = scores.cases
    interval = None if now.low is None or now.high is None else (now.low, now.high)
    cases = cases_of(then, now.pd, scores.known, interval)
    if variant.refer:
        then = then.with_capacity(cases, variant.refer)
    return then, then.decide(cases)


def _named(variant: Variant, world: World, then: Policy) -> str:
    """Say what a variant changes."""
    parts = []
    if then.rule == "money":
        parts.append("money rule")
    elif variant.threshold is not None or variant.rule is not None or world.costs is not None:
        parts.append(f"threshold {then.threshold:.6g}")
    if variant.refer is not None:
        parts.append(f"refer {variant.refer:.0%}" if variant.refer else "refer none")
    return ", ".join([*parts, *(f"without {name}" for name in variant.without)]) or "as it is"


def _changes(keys: pl.Series, name: str, before: Decided, after: Decided) -> pl.DataFrame:
    moved = np.flatnonzero(before.codes != after.codes)
    now, then = (pl.Series([OUTCOMES[c] for c in d.codes[moved].tolist()], dtype=pl.String) for d in (before, after))
    kept = keys.gather(moved)
    labels = pl.Series([name] * len(moved), dtype=pl.String)
    return pl.DataFrame({keys.name: kept, "variant": labels, "now": now, "then": then})
