"""What would have become of the same applications under another policy: counts, money, and who changes sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.bootstrap import Resampling
from scorewright.decision.cases import APPROVE, OUTCOMES, REFUSE, Decided
from scorewright.decision.costs import cost_of_each
from scorewright.decision.inputs import Flags, Floats
from scorewright.decision.money import realised_money
from scorewright.domain.costs import CostMatrix, LoanCosts
from scorewright.domain.decisions import Outcome
from scorewright.domain.evaluation import Interval

#: Resamples drawn at a time hold at most so many counts.
_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Prices:
    """What decisions on n applications are priced by.

    An application that is referred is priced as the PD alone would decide it (`Decided.opinion`), plus the cost of the
    referral. What the officer adds by knowing more is not credited: nobody knows it yet.

    Parameters
    ----------
    costs : CostMatrix
        Constant costs; a referral costs nothing in their units.
    loans : LoanCosts or None
        Each loan's own costs, NaN where an amount is not known; None where the portfolio states no money.
    referral : float
        What one referral costs, in money.
    """

    costs: CostMatrix
    loans: LoanCosts | None = None
    referral: float = 0.0

    def units(self, target: NDArray[np.int8], decided: Decided) -> Floats:
        """Return what each decision cost in units of the matrix, shape (n,)."""
        return cost_of_each(target, _finally_refused(decided), self.costs)

    def money(self, target: NDArray[np.int8], decided: Decided) -> Floats | None:
        """Return what each decision cost in money, shape (n,), NaN where an amount is not known."""
        if self.loans is None:
            return None
        return realised_money(target, _finally_refused(decided), self.loans) + self.referral * decided.referred


def _finally_refused(decided: Decided) -> Flags:
    return np.where(decided.referred, decided.opinion == REFUSE, decided.refused)


@dataclass(frozen=True)
class Move:
    """Applications that go from one outcome to another, and how many of them defaulted; None where nobody knows."""

    before: Outcome
    after: Outcome
    applications: int
    default_rate: float | None


@dataclass(frozen=True)
class Tally:
    """What a policy does to some applications.

    Parameters
    ----------
    applications, approved, referred, refused : int
        How many.
    bad_rate : float or None
        Share of defaults among the approved; None when none is approved or outcomes are not known.
    cost : float or None
        Per application, in units of the cost matrix; None when outcomes are not known.
    money : float or None
        Per application whose amounts are known.
    priced : int
        How many applications that are.
    """

    applications: int
    approved: int
    referred: int
    refused: int
    bad_rate: float | None = None
    cost: float | None = None
    money: float | None = None
    priced: int = 0


@dataclass(frozen=True)
class Difference:
    """A variant minus the policy it is compared with, on the same applications; below 0 the variant loses less."""

    moves: tuple[Move, ...]
    cost: Interval | None = None
    money: Interval | None = None


def tally(decided: Decided, target: NDArray[np.int8] | None = None, prices: Prices | None = None) -> Tally:
    """Count what a policy decided, and price it where outcomes are known.

    Parameters
    ----------
    target : ndarray of int8, shape (n,), optional
        1 where the application defaulted.
    prices : Prices, optional
        Needed with `target`.
    """
    approved, referred, refused = np.bincount(decided.codes, minlength=len(OUTCOMES)).tolist()
    counted = Tally(len(decided), approved, referred, refused)
    if target is None or prices is None:
        return counted
    money = prices.money(target, decided)
    known = np.zeros(0) if money is None else money[~np.isnan(money)]
    return replace(
        counted,
        bad_rate=_rate(target[decided.codes == APPROVE]),
        cost=float(np.mean(prices.units(target, decided))),
        money=float(np.mean(known)) if known.size else None,
        priced=known.size,
    )


def _rate(target: NDArray[np.int8]) -> float | None:
    return float(np.mean(target)) if target.size else None


def compare(
    before: Decided,
    after: Decided,
    target: NDArray[np.int8] | None = None,
    prices: Prices | None = None,
    resampling: Resampling | None = None,
) -> Difference:
    """Say who changes sides, and what the change costs where outcomes are known.

    Parameters
    ----------
    before, after : Decided
        Decisions on the same n applications, in the same order.
    target, prices
        As for `tally`; both policies are priced alike.
    resampling : Resampling, optional
        How the intervals are drawn.
    """
    moves = tuple(_moves(before, after, target))
    if target is None or prices is None:
        return Difference(moves)
    draws = resampling or Resampling(2000)
    units = prices.units(target, after) - prices.units(target, before)
    old, new = prices.money(target, before), prices.money(target, after)
    if old is None or new is None:
        return Difference(moves, mean_interval(units, draws))
    money = (new - old)[~np.isnan(new - old)]
    return Difference(moves, mean_interval(units, draws), mean_interval(money, draws) if money.size else None)


def _moves(before: Decided, after: Decided, target: NDArray[np.int8] | None) -> Iterator[Move]:
    for old, was in enumerate(OUTCOMES):
        for new, becomes in enumerate(OUTCOMES):
            moved = (before.codes == old) & (after.codes == new)
            if old != new and moved.any():
                yield Move(was, becomes, int(moved.sum()), None if target is None else _rate(target[moved]))


def mean_interval(values: Floats, resampling: Resampling) -> Interval:
    """Return the mean of some rows with its bootstrap interval.

    Equal values are counted first: how often a resample draws each is one multinomial draw. The difference of two
    policies is 0 for most applications.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Not empty.
    resampling : Resampling
        How often to draw, from which seed, and how wide the interval is.
    """
    distinct, counts = np.unique(values, return_counts=True)
    rng, shares = np.random.default_rng(resampling.seed), counts / values.size
    chunk = max(1, _AT_ONCE // distinct.size)
    sizes = [min(chunk, resampling.repeats - done) for done in range(0, resampling.repeats, chunk)]
    drawn = [np.sum(rng.multinomial(values.size, shares, size=size) * distinct, axis=1) for size in sizes]
    return resampling.interval(float(np.mean(values)), np.concatenate(drawn) / values.size)
