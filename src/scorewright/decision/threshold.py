"""The threshold that loses least, found among all there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.inputs import Floats, checked_pair
from scorewright.decision.money import known, realised_money
from scorewright.domain.costs import CostMatrix, LoanCosts

REFUSE_ALL = 0.0
APPROVE_ALL = float(np.nextafter(1.0, 2.0))
"""The smallest number above every PD: finite, so that JSON holds it."""
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Threshold:
    """The least costly threshold on some rows.

    Parameters
    ----------
    value : float
        Refuse when ``pd >= value``; between 0 (refuse all) and `APPROVE_ALL`.
    cost : float
        Cost per application on those rows.
    approval_rate : float
        Share of them approved.
    """

    value: float
    cost: float
    approval_rate: float


@dataclass(frozen=True)
class Cuts:
    """Every way of cutting n rows by PD, from refusing all to approving all.

    With k distinct PDs there are k + 1 ways, in ascending order of threshold. All arrays have shape (k + 1,).

    Parameters
    ----------
    thresholds : ndarray of float64
        ``REFUSE_ALL``, the midpoints of neighbouring PDs, ``APPROVE_ALL``.
    true_positive, false_positive : ndarray of float64
        Defaults refused and repayments refused at each threshold.
    defaults, rows : int
        Defaults among the rows, and all rows.
    """

    thresholds: Floats
    true_positive: Floats
    false_positive: Floats
    defaults: int
    rows: int

    def costs(self, costs: CostMatrix) -> Floats:
        """Return the cost per application at each threshold."""
        missed = self.defaults - self.true_positive
        return (costs.false_negative * missed + costs.false_positive * self.false_positive) / self.rows

    def cheapest(self, costs: CostMatrix) -> int:
        """Return the position of the lowest cost; between equals, of the highest threshold: fewest refusals."""
        lost = self.costs(costs)
        return int(np.flatnonzero(lost == lost.min())[-1])


def _between(lower: Floats, upper: Floats) -> Floats:
    """Return numbers in (lower, upper]: the midpoint, unless rounding brings it down to `lower`."""
    middle = lower + (upper - lower) / 2
    return np.where(middle > lower, middle, upper)


def all_cuts(pd: NDArray[Any], target: NDArray[Any]) -> Cuts:
    """Return every cut of the rows, with what it refuses. Sorting dominates: O(n log n).

    Raises
    ------
    ValueError
        When the arrays are empty, of unequal length, or hold anything but PDs and 0/1.
    """
    values, defaulted = checked_pair(pd, target)
    distinct, group = np.unique(values, return_inverse=True)
    refused = np.zeros((2, distinct.size + 1))
    for row, flags in zip(refused, (defaulted, ~defaulted), strict=True):
        row[:-1] = np.bincount(group, weights=flags, minlength=distinct.size)[::-1].cumsum()[::-1]
    thresholds = np.concatenate(([REFUSE_ALL], _between(distinct[:-1], distinct[1:]), [APPROVE_ALL]))
    return Cuts(thresholds, refused[0], refused[1], int(defaulted.sum()), values.size)


def best_threshold(pd: NDArray[Any], target: NDArray[Any], costs: CostMatrix) -> Threshold:
    """Return the threshold that costs least on these rows, exactly.

    No calibration is assumed: every cut is priced. The value is the midpoint between the highest PD approved and the
    lowest refused, so that noise in the last digits of a PD decides nothing. Among equally cheap cuts the one that
    refuses fewest is taken. On calibrated PDs it tends to `CostMatrix.closed_form_threshold` as rows grow.

    Parameters
    ----------
    pd : ndarray of float, shape (n,)
        Probabilities of default, best out-of-fold.
    target : ndarray of {0, 1}, shape (n,)
        1 where the application defaulted.
    costs : CostMatrix
        Costs of the two wrong decisions.

    Examples
    --------
    >>> best_threshold(np.array([0.1, 0.2, 0.3, 0.9]), np.array([0, 0, 1, 1]), CostMatrix(10.0, 1.0))
    Threshold(value=0.25, cost=0.0, approval_rate=0.5)
    """
    cuts = all_cuts(pd, target)
    best = cuts.cheapest(costs)
    refused = cuts.true_positive[best] + cuts.false_positive[best]
    return Threshold(
        value=float(cuts.thresholds[best]),
        cost=float(cuts.costs(costs)[best]),
        approval_rate=float(1.0 - refused / cuts.rows),
    )


@dataclass(frozen=True)
class PricedCuts:
    """Every way of cutting n loans by PD, each loan with costs of its own, in ascending order of threshold.

    Parameters
    ----------
    thresholds : ndarray of float64, shape (k + 1,)
        As in `Cuts`.
    ends : ndarray of intp, shape (k,)
        Position of the last loan of each run of equal PDs.
    granted, refused : ndarray of float64, shape (n,)
        What each loan costs when granted and when refused, its outcome known, in ascending order of PD.
    """

    thresholds: Floats
    ends: NDArray[np.intp]
    granted: Floats
    refused: Floats

    def costs(self, weights: Floats) -> Floats:
        """Return the cost per loan at each threshold, for loans of these weights, shape (n,)."""
        more = np.cumsum(weights * (self.granted - self.refused))[self.ends]
        lost: Floats = (np.sum(weights * self.refused) + np.concatenate(([0.0], more))) / weights.sum()
        return lost

    @staticmethod
    def cheapest(costs: Floats) -> int:
        """Return the position of the lowest cost; between costs that only rounding parts, of the highest threshold."""
        least = costs.min()
        return int(np.flatnonzero(costs <= least + _ROUNDING * (costs.max() - least))[-1])

    def approval_rate(self, position: int) -> float:
        """Return the share of loans granted at a threshold."""
        return float(self.ends[position - 1] + 1) / self.granted.size if position else 0.0


def priced_cuts(pd: NDArray[Any], target: NDArray[Any], loans: LoanCosts) -> PricedCuts:
    """Return every cut of the loans whose amounts are known. Sorting dominates: O(n log n).

    Raises
    ------
    ValueError
        As `all_cuts`.
    """
    values, defaulted = checked_pair(pd, target)
    everyone = np.ones(values.shape, dtype=np.bool_)
    granted, refused = (realised_money(defaulted, rule, loans) for rule in (~everyone, everyone))
    # Costs settle ties, so that the order the loans came in has no say.
    order = np.lexsort((refused, granted, values))
    order = order[known(loans)[order]]
    values = values[order]
    ends = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    distinct = values[ends]
    thresholds = np.concatenate(([REFUSE_ALL], _between(distinct[:-1], distinct[1:]), [APPROVE_ALL]))
    return PricedCuts(thresholds, ends, granted[order], refused[order])


def best_money_threshold(pd: NDArray[Any], target: NDArray[Any], loans: LoanCosts) -> Threshold:
    """Return the one threshold for all loans that costs least money on these, those of unknown amounts left out.

    As `best_threshold`, which it equals where all loans cost the same.
    """
    cuts = priced_cuts(pd, target, loans)
    costs = cuts.costs(np.ones(cuts.granted.size))
    best = cuts.cheapest(costs)
    return Threshold(float(cuts.thresholds[best]), float(costs[best]), cuts.approval_rate(best))
