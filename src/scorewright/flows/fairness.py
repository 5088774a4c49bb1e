"""Fairness: how the served policy treats protected groups, and what a less discriminatory model would cost.

Protected columns are those that the portfolio declares for the application. A protected column of a history has no one
value per applicant and is not measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.decision.bootstrap import Resampling
from scorewright.decision.cases import Decided
from scorewright.decision.fairness.groups import AGES, Groups, Scale, crossed, groups_of, together
from scorewright.decision.fairness.measuring import Treatment, least_ratio, measure
from scorewright.decision.fairness.mitigation import association, auc_within_folds, balanced, levels_of
from scorewright.decision.strategy import Prices, mean_interval, tally
from scorewright.domain.explanations import Alternative, Fairness
from scorewright.domain.matrix import Label
from scorewright.domain.progress import Listener, Step, silent
from scorewright.flows.contest import Entrant, Ground, settled
from scorewright.models.cores import cores
from scorewright.models.cross_validation import Lesson, OutOfFold, PreparedFold, cross_validate
from scorewright.models.seam import Candidate
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.types import Tables

AS_SERVED = "as served"

#: How many of a column's strongest proxies are left out, one after the other; never more than half of the features.
PROXIES = (5, 15)

#: Association with the groups (Cramér's V) from which a feature counts as a proxy: Cohen's small effect (Cohen 1988,
#: *Statistical Power Analysis for the Behavioral Sciences*, ch. 7).
LEAST_ASSOCIATION = 0.1

_RESAMPLES = 200
_MOST_ROWS = 50_000
_OLDEST = 130


@dataclass(frozen=True)
class _Attribute:
    """One protected column, with the group of each application."""

    column: str
    label: Label
    groups: Groups


@dataclass(frozen=True)
class _Trial:
    """A model to try: positions of the features it does without, and whether groups are balanced before it learns."""

    attribute: _Attribute
    name: str
    without: frozenset[int]
    balance: bool = False


def fairness_of(
    portfolio: Portfolio,
    tables: Tables,
    rows: NDArray[np.intp],
    pd: NDArray[np.float64],
    decided: Decided,
    target: NDArray[np.int8],
) -> tuple[Fairness, ...]:
    """Measure every protected attribute, then every pair of them, group by group.

    Parameters
    ----------
    portfolio : Portfolio
        Declares what is protected.
    tables : mapping of str to DataFrame
        Checked tables.
    rows : ndarray of intp, shape (n,)
        Which rows of the root table the applications are.
    pd : ndarray of float64, shape (n,)
        Their PDs: out-of-fold for applications of training.
    decided : Decided
        What the served policy says of them.
    target : ndarray of int8, shape (n,)
        1 where one defaulted.

    Returns
    -------
    tuple of Fairness
        Empty where no protected column is declared or none of them holds a value.
    """
    single = _attributes(portfolio, tables, rows)
    treatment = Treatment(pd, target, decided.approved, decided.referred if decided.referred.any() else None)
    found = [Fairness((one.column,), one.label, measure(one.groups, treatment)) for one in single]
    for first, second in combinations(single, 2):
        label = Label(f"{first.label.en} × {second.label.en}", f"{first.label.fr} × {second.label.fr}")
        groups = measure(crossed(first.groups, second.groups), treatment)
        found.append(Fairness((first.column, second.column), label, groups))
    return tuple(found)


def alternatives_of(
    ground: Ground, entrant: Entrant, tables: Tables, listen: Listener = silent
) -> tuple[Alternative, ...]:
    """Search for less discriminatory alternatives to a model, for each protected column.

    ====================================  ======================================================================
    ``as served``                         nothing changed
    ``without the column``                features that read the column left out, where there are any
    ``without its n strongest proxies``   besides, up to 5 and then 15 features that best tell the group
    ``groups balanced``                   without the column, learnt from applications drawn so that group and
                                          outcome are independent inside each fold; the group itself is not seen
    ====================================  ======================================================================

    Each is learnt with the entrant's own parameters on the first repeat's folds, calibrated as it was, and its
    threshold and referral are chosen as its were. PDs, thresholds and costs therefore compare. All four learn from the
    applications of training; the test set has no part in the search.

    Parameters
    ----------
    ground : Ground
        What the training shares.
    entrant : Entrant
        The candidate whose model is served.
    tables : mapping of str to DataFrame
        All labelled tables.
    listen : callable
        Told of each fold done.

    Returns
    -------
    tuple of Alternative
        In the order of declaration; a column whose groups are too small, or only one, is left out.
    """
    attributes = [
        replace(one, groups=together(one.groups))
        for one in _attributes(ground.portfolio, tables, ground.dataset.train_rows)
    ]
    able = [one for one in attributes if len(one.groups.judged) > 1]
    trials = [trial for one, strengths in zip(able, _associations(ground, able), strict=True)
              for trial in _trials(ground, one, strengths)]  # fmt: skip
    return tuple(_tried(ground, entrant, trials, at, listen) for at in range(len(trials)))


def _attributes(portfolio: Portfolio, tables: Tables, rows: NDArray[np.intp]) -> list[_Attribute]:
    """Protected columns that hold a value, in the order of declaration."""
    spec, root = portfolio.tables[portfolio.root], tables[portfolio.root]
    found = []
    for name in spec.protected:
        values = root[name].gather(rows) if name in root.columns else pl.Series(dtype=pl.Null)
        if values.null_count() < len(values):
            declared = spec.labels.get(name)
            label = declared.label if declared else Label(name, name)
            found.append(_Attribute(f"{portfolio.root}.{name}", label, groups_of(values, _scale(label, values))))
    return found


def _scale(label: Label, values: pl.Series) -> Scale:
    """Say whether a protected number is an age: its English label says so, and its values could be one."""
    words = set(re.findall(r"[a-z]+", label.en.lower()))
    known = values.drop_nulls()
    if "age" not in words or not known.dtype.is_numeric() or known.is_empty():
        return "values"
    low, high = float(known.cast(pl.Float64).to_numpy().min()), float(known.cast(pl.Float64).to_numpy().max())
    if "days" in words:
        return "days_back" if low >= -_OLDEST * 366 and high <= 0 else "values"
    return "years" if low >= 0 and AGES[0] < high <= _OLDEST else "values"


def _learnt(ground: Ground) -> list[int]:
    """Positions of the features that some model of the first repeat, or the sealed one, learns from."""
    chosen = [ground.selection.kept, *ground.lessons[0].kept]
    found: list[int] = np.unique(np.concatenate(chosen)).tolist()
    return found


def _associations(ground: Ground, attributes: list[_Attribute]) -> list[Mapping[int, float]]:
    """How well each feature tells the groups of each attribute, by its position."""
    matrix = ground.lessons[0].matrix
    rows = np.linspace(0, len(matrix.values) - 1, min(len(matrix.values), _MOST_ROWS)).round().astype(np.intp)
    found: list[dict[int, float]] = [{} for _ in attributes]
    for feature in _learnt(ground):
        levels = levels_of(matrix.values[rows, feature], category=matrix.columns[feature].kind == "category")
        for strengths, attribute in zip(found, attributes, strict=True):
            strengths[feature] = association(levels, attribute.groups.of_row[rows])
    return list(found)


def _trials(ground: Ground, attribute: _Attribute, strengths: Mapping[int, float]) -> Iterator[_Trial]:
    columns = ground.lessons[0].matrix.columns
    readers = frozenset(at for at in strengths if attribute.column in columns[at].sources)
    others = sorted((at for at in strengths if at not in readers), key=lambda at: (-strengths[at], at))
    proxies = [at for at in others if strengths[at] >= LEAST_ASSOCIATION]
    yield _Trial(attribute, AS_SERVED, frozenset())
    if readers and others:
        yield _Trial(attribute, "without the column", readers)
    amounts = sorted({min(most, len(proxies), len(others) // 2) for most in PROXIES} - {0})
    for amount in amounts:
        name = f"without its {amount} strongest proxies" if amount > 1 else "without its strongest proxy"
        yield _Trial(attribute, name, readers | frozenset(proxies[:amount]))
    if others:
        yield _Trial(attribute, "groups balanced", readers, balance=True)


def _tried(ground: Ground, entrant: Entrant, trials: list[_Trial], at: int, listen: Listener) -> Alternative:
    trial = trials[at]

    def heard(step: Step) -> None:
        note = f"{trial.attribute.column}: {trial.name}"
        listen(Step("alternatives", at * step.total + step.done, len(trials) * step.total, note))

    lesson = replace(_without(ground.lessons[0], trial.without), listen=heard)
    if trial.name == AS_SERVED:
        heard(Step("", lesson.folds, lesson.folds))
        return _priced(ground, trial, entrant.first, entrant.decided)
    folds = _balanced_folds(entrant.candidate, lesson, trial.attribute.groups) if trial.balance else None
    validated = cross_validate(entrant.candidate, lesson, entrant.first.parameters, folds, cores())
    return _priced(ground, trial, validated, settled(ground, validated)[1])


def _without(lesson: Lesson, dropped: frozenset[int]) -> Lesson:
    """Take features away from what each fold learns from; one that has none left learns from all the others."""
    everything = np.arange(len(lesson.matrix.columns), dtype=np.intp)
    gone = np.array(sorted(dropped), dtype=np.intp)
    left = [np.setdiff1d(kept, gone) for kept in lesson.kept or (everything,) * lesson.folds]
    return replace(lesson, kept=tuple(kept if len(kept) else np.setdiff1d(everything, gone) for kept in left))


def _balanced_folds(candidate: Candidate, lesson: Lesson, groups: Groups) -> tuple[PreparedFold, ...]:
    """Prepare folds whose applications to learn from are drawn anew, so that the group says nothing of the outcome."""
    prepared = []
    for fold, kept in enumerate(lesson.kept):
        learn, score = np.flatnonzero(lesson.fold_of_row != fold), np.flatnonzero(lesson.fold_of_row == fold)
        drawn = learn[balanced(groups.of_row[learn], lesson.target[learn], lesson.seed + fold)]
        matrix = lesson.matrix.select(kept)
        ready = candidate.prepare(matrix.take(drawn), lesson.target[drawn])
        prepared.append(PreparedFold(score, matrix.values[score], ready))
    return tuple(prepared)


def _priced(ground: Ground, trial: _Trial, validated: OutOfFold, decided: Decided) -> Alternative:
    resampling = Resampling(_RESAMPLES, seed=ground.plan.seed)
    target, terms, columns = ground.target, ground.portfolio.money, ground.lessons[0].matrix.columns
    prices = Prices(ground.portfolio.costs, ground.loans, terms.referral_cost if terms else 0.0)
    return Alternative(
        name=trial.name,
        attribute=trial.attribute.column,
        dropped=tuple(columns[at].name for at in sorted(trial.without)),
        auc=auc_within_folds(validated.pd, target, validated.fold_of_row, resampling),
        cost=mean_interval(prices.units(target, decided), resampling),
        money=tally(decided, target, prices).money,
        approval_rate=float(decided.approved.mean()),
        least_ratio=least_ratio(trial.attribute.groups, decided.approved),
    )
