"""How firmly some applications fix the threshold that loses least on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.bootstrap import Resampling
from scorewright.decision.savings import checked_known
from scorewright.decision.threshold import PricedCuts, priced_cuts
from scorewright.domain.costs import LoanCosts
from scorewright.domain.evaluation import ThresholdChoice


def threshold_choice(
    pd: NDArray[Any], target: NDArray[Any], loans: LoanCosts, resampling: Resampling | None = None
) -> ThresholdChoice:
    """Choose the cheapest threshold again on every resample.

    Optimism is the mean, over resamples, of what the threshold chosen on a resample costs on all rows minus what it
    costs on that resample (Efron & Tibshirani 1993, ch. 17). The interval of the cost is that of the resamples' lowest
    costs, moved by the optimism (Noma et al. 2021, *Confidence intervals of prediction accuracy measures for
    multivariable prediction models based on the bootstrap-based optimism correction methods*, algorithm 1).

    Parameters
    ----------
    pd, target
        As for `best_threshold`.
    loans : LoanCosts
        Each loan's costs, or a constant matrix by `scorewright.decision.money.matrix_as_loans`.
    resampling : Resampling, optional
        How the bootstrap is made.

    Raises
    ------
    DataError
        When no loan's amounts are known.
    """
    checked_known(loans)
    drawn = resampling or Resampling()
    cuts = priced_cuts(pd, target, loans)
    rows = cuts.granted.size
    all_costs = cuts.costs(np.ones(rows))
    best = cuts.cheapest(all_costs)
    again, seen = zip(*_chosen_again(cuts, drawn), strict=True)
    chosen, lowest = np.array(again), np.array(seen)
    optimism, apparent = float(np.mean(all_costs[chosen] - lowest)), float(all_costs[best])
    return ThresholdChoice(
        threshold=drawn.interval(float(cuts.thresholds[best]), cuts.thresholds[chosen]),
        cost=drawn.interval(apparent + optimism, lowest + optimism),
        apparent=apparent,
        optimism=optimism,
    )


def _chosen_again(cuts: PricedCuts, resampling: Resampling) -> Iterator[tuple[int, float]]:
    """Give, for each resample, the position of its cheapest cut and what that costs there."""
    for weights in resampling.draws(cuts.granted.size):
        costs = cuts.costs(weights)
        position = cuts.cheapest(costs)
        yield position, float(costs[position])
