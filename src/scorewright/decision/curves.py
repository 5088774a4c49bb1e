"""Lines that a report draws: at most 200 points each, the first and the last always among them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.inputs import Floats, checked_pair
from scorewright.decision.threshold import Cuts, all_cuts
from scorewright.domain.costs import CostMatrix
from scorewright.domain.evaluation import Curve
from scorewright.errors import TargetError

POINTS = 200


def _thinned(size: int, *kept: int) -> NDArray[np.intp]:
    """Return at most `POINTS` positions of `size`, ascending and evenly spaced, the `kept` among them."""
    even = np.linspace(0, size - 1, min(size, POINTS - len(kept))).round().astype(np.intp)
    return np.union1d(even, np.array(kept, dtype=np.intp))


def _both_outcomes(cuts: Cuts) -> None:
    if cuts.defaults in (0, cuts.rows):
        raise TargetError(
            "Separation is drawn for applications of both outcomes.",
            f"{cuts.defaults} defaults in {cuts.rows} rows",
            "Give a longer period, or one whose outcomes are known.",
        )


def _points(values: Floats) -> tuple[float, ...]:
    return tuple(values.tolist())


def roc(pd: NDArray[Any], target: NDArray[Any]) -> Curve:
    """Return the receiver operating characteristic, from (0, 0) to (1, 1).

    x is the share of repayments refused, y the share of defaults refused, over all cuts. Raises ``TargetError`` when
    all rows have one outcome.
    """
    cuts = all_cuts(pd, target)
    _both_outcomes(cuts)
    keep = _thinned(cuts.thresholds.size)[::-1]
    good, bad = cuts.false_positive[keep], cuts.true_positive[keep]
    repaid = cuts.rows - cuts.defaults
    return Curve(
        "roc", "False positive rate", "True positive rate", _points(good / repaid), _points(bad / cuts.defaults)
    )


def precision_recall(pd: NDArray[Any], target: NDArray[Any]) -> Curve:
    """Return precision (defaults among the refused) against recall (defaults refused), in ascending recall.

    The cut that refuses no one has no precision and is not drawn. Raises ``TargetError`` when all rows have one
    outcome.
    """
    cuts = all_cuts(pd, target)
    _both_outcomes(cuts)
    keep = _thinned(cuts.thresholds.size - 1)[::-1]
    bad, refused = cuts.true_positive[keep], cuts.true_positive[keep] + cuts.false_positive[keep]
    return Curve("precision_recall", "Recall", "Precision", _points(bad / cuts.defaults), _points(bad / refused))


def cost(pd: NDArray[Any], target: NDArray[Any], costs: CostMatrix) -> Curve:
    """Return the cost per application against the threshold, with the point of `best_threshold` exactly among its own.

    Points are evenly spaced over the cuts, hence dense where applications are.
    """
    cuts = all_cuts(pd, target)
    keep = _thinned(cuts.thresholds.size, cuts.cheapest(costs))
    lost = cuts.costs(costs)[keep]
    return Curve("cost", "Threshold", "Cost per application", _points(cuts.thresholds[keep]), _points(lost))


def calibration(pd: NDArray[Any], target: NDArray[Any], bins: int = 10) -> Curve:
    """Return the observed default rate against the mean PD, in bins of about equal numbers of applications.

    Equal PDs always share a bin: a run of them goes where its middle rank falls. Empty bins are not drawn, and at most
    200 bins are made. A calibrated model lies on the diagonal.
    """
    values, defaulted = checked_pair(pd, target)
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    # A middle rank lies below n, but its rounded product may not.
    place = np.minimum((middle * min(bins, POINTS) / values.size).astype(np.intp), min(bins, POINTS) - 1)[group]
    rows = np.bincount(place)
    filled = rows > 0
    mean, rate = (np.bincount(place, weights=column)[filled] / rows[filled] for column in (values, defaulted))
    return Curve("calibration", "Mean PD", "Default rate", _points(mean), _points(rate))


def all_curves(pd: NDArray[Any], target: NDArray[Any], costs: CostMatrix) -> tuple[Curve, ...]:
    """Return ROC, precision-recall, cost and calibration. Raises ``TargetError`` when all rows have one outcome."""
    return roc(pd, target), precision_recall(pd, target), cost(pd, target, costs), calibration(pd, target)
