"""How much a measure would move on other rows from the same population.

Percentile bootstrap (Efron & Tibshirani 1993, *An Introduction to the Bootstrap*, ch. 13): rows are drawn with
replacement, whole, so that the default rate varies as it would. Drawing within each class instead would hide the
largest part of the uncertainty of a cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.costs import cost_of_each
from scorewright.decision.inputs import Floats, checked_pair
from scorewright.decision.metrics import measure, rank
from scorewright.domain.costs import CostMatrix
from scorewright.domain.evaluation import Evaluation, Interval

_SHIFTED = frozenset({"ece"})
"""Sums of absolute values: each resample adds its own noise to them, so that all replicates may lie above the estimate.
"""


@dataclass(frozen=True)
class Resampling:
    """How often, how wide and by which draws a bootstrap is made.

    Parameters
    ----------
    repeats : int
        Number of resamples.
    level : float
        Share of the replicates that an interval holds, equal tails.
    seed : int
        Seed of the draws.
    """

    repeats: int = 500
    level: float = 0.95
    seed: int = 0

    def draws(self, rows: int) -> Iterator[Floats]:
        """Give each resample as the number of times it drew each row, shape (rows,)."""
        rng = np.random.default_rng(self.seed)
        for _ in range(self.repeats):
            yield np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(np.float64)

    def interval(self, estimate: float, replicates: Floats) -> Interval:
        """Return the percentile interval of the replicates, shape (repeats,)."""
        tail = (1.0 - self.level) / 2
        low, high = np.quantile(replicates, (tail, 1.0 - tail)).tolist()
        return Interval(estimate, low, high)

    def intervals(
        self, estimates: Mapping[str, float], replicates: Sequence[Mapping[str, float]]
    ) -> dict[str, Interval]:
        """Return the interval of every measure that all replicates define.

        That of ``ece`` is moved so that the replicates' mean falls on the estimate: it says how far the measured value
        would move, not how much of it is noise.
        """
        found = {}
        for name, estimate in estimates.items():
            if all(name in replicate for replicate in replicates):
                values = np.array([replicate[name] for replicate in replicates])
                moved = np.maximum(values - values.mean() + estimate, 0.0) if name in _SHIFTED else values
                found[name] = self.interval(estimate, moved)
        return found


def evaluate_with_intervals(
    pd: NDArray[Any],
    target: NDArray[Any],
    threshold: float,
    costs: CostMatrix,
    *,
    repeats: int = 500,
    level: float = 0.95,
    seed: int = 0,
) -> Evaluation:
    """Measure PDs against targets, with an interval for every measure.

    The threshold stays fixed: its choice is not drawn again. Equal rows in any order and an equal seed give equal
    intervals. Each resample costs O(n). An interval is left out when some resample does not define its measure.

    Parameters
    ----------
    pd, target, threshold, costs
        As for `scorewright.decision.metrics.evaluate`.
    repeats : int
        Number of resamples.
    level : float
        Share of the replicates that an interval holds, equal tails.
    seed : int
        Seed of the draws.
    """
    ranked = rank(pd, target, threshold)
    metrics = measure(ranked, np.ones(ranked.defaulted.size), costs)
    resampling = Resampling(repeats, level, seed)
    replicates = [measure(ranked, weights, costs) for weights in resampling.draws(ranked.defaulted.size)]
    return Evaluation(metrics, resampling.intervals(metrics, replicates))


def paired_cost_difference(
    pd_a: NDArray[Any],
    threshold_a: float,
    pd_b: NDArray[Any],
    threshold_b: float,
    target: NDArray[Any],
    costs: CostMatrix,
    repeats: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return cost per application of `a` minus that of `b`, on the same rows, with its 95 % interval.

    Negative means that `a` costs less. Resampling rows keeps both decisions on one application together, so what is
    hard for both cancels out. An application's difference takes few values, therefore their counts in a resample are
    one multinomial draw: the same distribution as drawing rows, at no cost per row.

    Parameters
    ----------
    pd_a, pd_b : ndarray of float, shape (n,)
        PDs by the two models, for the same applications in the same order.
    threshold_a, threshold_b : float
        Each model's own threshold; refuse when ``pd >= threshold``.
    target : ndarray of {0, 1}, shape (n,)
        1 where the application defaulted.
    costs : CostMatrix
        Costs of the two wrong decisions.
    repeats, seed : int
        Number of resamples, and seed of the draws.
    """
    (first, defaulted), (second, _) = checked_pair(pd_a, target), checked_pair(pd_b, target)
    difference = cost_of_each(defaulted, first >= threshold_a, costs) - cost_of_each(
        defaulted, second >= threshold_b, costs
    )
    values, counts = np.unique(difference, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(difference.size, counts / difference.size, size=repeats)
    estimate = float(np.sum(counts * values)) / difference.size
    return Resampling().interval(estimate, np.sum(draws * values, axis=1) / difference.size)
