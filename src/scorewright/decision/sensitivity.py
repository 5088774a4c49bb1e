"""What changes when the stated costs are wrong: decisions, cost and savings over a range of LGDs or cost ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.inputs import Flags, Floats, checked_pair
from scorewright.decision.money import known, loan_costs, loan_rule, loan_threshold, matrix_as_loans
from scorewright.decision.savings import checked_known, savings
from scorewright.decision.threshold import best_money_threshold, best_threshold
from scorewright.domain.costs import CostMatrix, LoanCosts, MoneyTerms
from scorewright.domain.evaluation import SweepPoint

RATIOS = (5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0)
LGDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

Parameter = Literal["cost_ratio", "lgd"]
Rule = Literal["constant", "per_loan"]


def sweep_cost_ratio(
    pd: NDArray[Any], target: NDArray[Any], costs: CostMatrix, ratios: Sequence[float] = RATIOS
) -> tuple[SweepPoint, ...]:
    """Choose the constant threshold again for other ratios of a missed default to a refused repayment.

    The false positive keeps a cost of 1. A higher ratio never raises the threshold or the share approved.

    Parameters
    ----------
    pd : ndarray of float, shape (n,)
        PDs, out of fold.
    target : ndarray of {0, 1}, shape (n,)
        1 where the application defaulted.
    costs : CostMatrix
        Stated costs, which `kept_cost` is decided by.
    ratios : sequence of float
        Values to try.
    """
    values, defaulted = checked_pair(pd, target)
    stated = _at_threshold(values, best_threshold(values, defaulted, costs).value)
    points = []
    for ratio in ratios:
        matrix = CostMatrix(ratio, 1.0)
        found = _at_threshold(values, best_threshold(values, defaulted, matrix).value)
        world = _World("cost_ratio", ratio, defaulted, matrix_as_loans(matrix, values.size))
        points.append(_point(world, found, stated))
    return tuple(points)


@dataclass(frozen=True)
class Amounts:
    """What the money terms ask of n loans: exposure, and the annuity where they state one. Arrays have shape (n,)."""

    exposure: NDArray[Any]
    annuity: NDArray[Any] | None = None


def sweep_lgd(
    pd: NDArray[Any], target: NDArray[Any], terms: MoneyTerms, amounts: Amounts, lgds: Sequence[float] = LGDS
) -> tuple[SweepPoint, ...]:
    """Decide again for other losses given default, by each loan's own threshold and by the cheapest constant one.

    A higher LGD never raises a loan's threshold. Loans whose amounts are not known are left out.

    Parameters
    ----------
    pd, target
        As for `sweep_cost_ratio`; PDs calibrated.
    terms : MoneyTerms
        Stated terms, which `kept_cost` is decided by.
    amounts : Amounts
        The loans.
    lgds : sequence of float
        Values to try.

    Raises
    ------
    PortfolioError, DataError
        As `scorewright.decision.money.loan_costs`, or when no loan's amounts are known.
    """
    values, defaulted = checked_pair(pd, target)
    priced = loan_costs(terms, amounts.exposure, amounts.annuity)
    checked_known(priced)
    stated = _by_money(values, defaulted, priced)
    points = []
    for lgd in lgds:
        loans = loan_costs(replace(terms, lgd=lgd), amounts.exposure, amounts.annuity)
        found = _by_money(values, defaulted, loans)
        world = _World("lgd", lgd, defaulted, loans)
        points += [_point(world, *rules) for rules in zip(found, stated, strict=True)]
    return tuple(points)


@dataclass(frozen=True)
class _Decided:
    rule: Rule
    threshold: float
    refused: Flags


@dataclass(frozen=True)
class _World:
    """The costs that are true at one point of a sweep."""

    parameter: Parameter
    value: float
    target: Flags
    loans: LoanCosts


def _at_threshold(pd: Floats, threshold: float) -> _Decided:
    return _Decided("constant", threshold, pd >= threshold)


def _by_money(pd: Floats, target: Flags, loans: LoanCosts) -> tuple[_Decided, _Decided]:
    """Decide by the cheapest constant threshold, and by each loan's own."""
    constant = _at_threshold(pd, best_money_threshold(pd, target, loans).value)
    middle = float(np.nanmedian(loan_threshold(loans)))
    return constant, _Decided("per_loan", middle, loan_rule(pd, loans, constant.threshold))


def _point(world: _World, found: _Decided, stated: _Decided) -> SweepPoint:
    lost = savings(world.target, found.refused, world.loans)
    return SweepPoint(
        parameter=world.parameter,
        value=world.value,
        rule=found.rule,
        threshold=found.threshold,
        approval_rate=float(np.mean(~found.refused[known(world.loans)])),
        cost=lost.cost,
        savings=lost.over_cheaper,
        kept_cost=savings(world.target, stated.refused, world.loans).cost,
    )
