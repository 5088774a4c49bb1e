"""Rules of decision side by side: on the same applications, in units of the cost matrix and in money."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.bootstrap import Resampling
from scorewright.decision.inputs import Flags, Floats, checked_decisions, checked_pair
from scorewright.decision.money import known, loan_rule, matrix_as_loans, realised_money
from scorewright.decision.savings import checked_known
from scorewright.decision.threshold import best_money_threshold
from scorewright.domain.costs import CostMatrix, LoanCosts
from scorewright.domain.evaluation import Evaluation, RuleComparison

_COMMON = ("rows", "cost_approve_all", "cost_refuse_all", "priced", "money_approve_all", "money_refuse_all")
_OWN = ("approved", "bad_approved", "cost", "money")
_SIMPLE: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "savings": np.minimum,
    "savings_approve_all": lambda approve_all, _: approve_all,
    "savings_refuse_all": lambda _, refuse_all: refuse_all,
}


@dataclass(frozen=True)
class Books:
    """Applications whose outcomes are known, with the two ways of pricing a decision on them.

    Parameters
    ----------
    target : ndarray of {0, 1}, shape (n,)
        1 where the application defaulted.
    costs : CostMatrix
        Constant costs of the two wrong decisions.
    loans : LoanCosts
        Each loan's own costs, in money; NaN where an amount is not known.
    """

    target: NDArray[Any]
    costs: CostMatrix
    loans: LoanCosts


def compare_rules(refused: Mapping[str, Flags], books: Books, resampling: Resampling | None = None) -> RuleComparison:
    """Price each rule's decisions in both ways, with bootstrap intervals on the same resamples.

    Every measure is a ratio of sums over applications, therefore a resample costs one product of its draws with the
    columns to sum: O(n) each.

    Parameters
    ----------
    refused : mapping of str to ndarray of bool, shape (n,)
        For each rule, by name, true where it refuses.
    books : Books
        The applications.
    resampling : Resampling, optional
        How the bootstrap is made.

    Raises
    ------
    DataError
        When no loan's amounts are known.
    """
    priced = checked_known(books.loans)
    drawn = resampling or Resampling()
    columns = np.column_stack([_common(books), *(_own(books, decisions) for decisions in refused.values())])
    sums = np.vstack([columns.sum(axis=0), *(weights @ columns for weights in drawn.draws(len(columns)))])
    measures = {name: _measures(sums, place) for place, name in enumerate(refused)}
    money = [found["money"] for found in measures.values()]
    difference = _evaluation({"money": money[-1] - money[0]}, drawn)
    return RuleComparison(
        rules={name: _evaluation(found, drawn) for name, found in measures.items()},
        money_difference=difference.intervals.get("money"),
        applications=len(columns),
        priced=int(priced.sum()),
    )


def compare_thresholds_with_loans(
    pd: NDArray[Any], threshold: float, books: Books, resampling: Resampling | None = None
) -> RuleComparison:
    """Put the constant threshold and the per-loan rule side by side, see `compare_rules`.

    Three rules: ``constant`` refuses from `threshold` on; ``constant_money`` from the one threshold that loses least
    money on these applications; ``per_loan`` from each loan's own threshold. The second shows what part of the
    difference comes from counting in money, and what part from looking at each loan. Loans of unknown amounts are
    decided by `threshold` in all three. Only the per-loan rule was not chosen on these rows, which favours the others.

    Parameters
    ----------
    pd : ndarray of float, shape (n,)
        Calibrated PDs, out of fold.
    threshold : float
        The policy's constant threshold.
    books, resampling
        As for `compare_rules`.
    """
    values, defaulted = checked_pair(pd, books.target)
    unknown = values >= threshold
    checked_known(books.loans)
    money = values >= best_money_threshold(values, defaulted, books.loans).value
    rules = {
        "constant": unknown,
        "constant_money": np.where(known(books.loans), money, unknown),
        "per_loan": loan_rule(values, books.loans, threshold),
    }
    return compare_rules(rules, books, resampling)


def _common(books: Books) -> Floats:
    """Columns that all rules share, shape (n, 6)."""
    rows = np.asarray(books.target).size
    everyone = np.ones(rows, dtype=np.bool_)
    columns: list[NDArray[Any]] = []
    for loans in (matrix_as_loans(books.costs, rows), books.loans):
        columns += [known(loans), _priced(books, ~everyone, loans), _priced(books, everyone, loans)]
    return np.column_stack(columns)


def _own(books: Books, refused: Flags) -> Floats:
    """Columns of one rule, shape (n, 4)."""
    defaulted, rejected = checked_decisions(books.target, refused)
    matrix = matrix_as_loans(books.costs, defaulted.size)
    money = [_priced(books, rejected, loans) for loans in (matrix, books.loans)]
    return np.column_stack([~rejected, ~rejected & defaulted, *money])


def _priced(books: Books, refused: Flags, loans: LoanCosts) -> Floats:
    return np.nan_to_num(realised_money(books.target, refused, loans))


def _measures(sums: Floats, place: int) -> dict[str, Floats]:
    """Every measure of the rule at a place, for each row of sums, shape (repeats + 1,); NaN where it is not defined."""
    start = len(_COMMON) + place * len(_OWN)
    common = dict(zip(_COMMON, sums.T, strict=False))
    own = dict(zip(_OWN, sums.T[start : start + len(_OWN)], strict=True))
    found = {
        "approval_rate": own["approved"] / common["rows"],
        "bad_rate": _ratio(own["bad_approved"], own["approved"]),
        "cost": own["cost"] / common["rows"],
        "money": _ratio(own["money"], common["priced"]),
    }
    for unit in ("cost", "money"):
        simple = common[f"{unit}_approve_all"], common[f"{unit}_refuse_all"]
        found |= {f"{unit}_{name}": 1.0 - _ratio(own[unit], pick(*simple)) for name, pick in _SIMPLE.items()}
    return found


def _ratio(part: Floats, whole: Floats) -> Floats:
    return part / np.where(whole > 0.0, whole, np.nan)


def _evaluation(measures: Mapping[str, Floats], resampling: Resampling) -> Evaluation:
    """Keep what is defined on the applications; intervals where every resample defines it too."""
    metrics = {name: float(values[0]) for name, values in measures.items() if not np.isnan(values[0])}
    intervals = {
        name: resampling.interval(estimate, measures[name][1:])
        for name, estimate in metrics.items()
        if not np.isnan(measures[name]).any()
    }
    return Evaluation(metrics, intervals)
