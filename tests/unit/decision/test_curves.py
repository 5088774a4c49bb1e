from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from scorewright.decision import curves
from scorewright.decision.threshold import best_threshold
from scorewright.domain.costs import CostMatrix
from scorewright.errors import TargetError

COSTS = CostMatrix(10.0, 1.0)


def population(rows: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(21)
    pd = rng.beta(1.0, 5.0, rows)
    return pd, rng.random(rows) < pd


def test_every_curve_has_at_most_two_hundred_points() -> None:
    found = curves.all_curves(*population(5000), COSTS)
    assert [curve.name for curve in found] == ["roc", "precision_recall", "cost", "calibration"]
    assert all(2 <= len(curve.x) == len(curve.y) <= 200 for curve in found)


def test_the_roc_of_few_rows_is_that_of_scikit_learn() -> None:
    pd, target = population(150)
    curve = curves.roc(pd, target)
    x, y, _ = reference.roc_curve(target, pd, drop_intermediate=False)
    assert np.allclose(curve.x, x)
    assert np.allclose(curve.y, y)


def test_a_thinned_roc_keeps_its_ends_and_nearly_its_area() -> None:
    pd, target = population(5000)
    curve = curves.roc(pd, target)
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(reference.roc_auc_score(target, pd), abs=0.003)


def test_precision_and_recall_are_those_of_scikit_learn() -> None:
    pd, target = population(150)
    curve = curves.precision_recall(pd, target)
    precision, recall, _ = reference.precision_recall_curve(target, pd)
    assert np.allclose(curve.x, recall[-2::-1])
    assert np.allclose(curve.y, precision[-2::-1])


def test_the_cost_curve_holds_the_best_threshold_exactly() -> None:
    pd, target = population(5000)
    curve = curves.cost(pd, target, COSTS)
    best = best_threshold(pd, target, COSTS)
    assert (best.value, best.cost) in set(zip(curve.x, curve.y, strict=True))
    assert min(curve.y) == best.cost
    assert list(curve.x) == sorted(set(curve.x))


def test_calibration_in_bins_of_equal_numbers_is_that_of_scikit_learn() -> None:
    pd, target = population(1000)
    curve = curves.calibration(pd, target)
    observed, mean = calibration_curve(target, pd, n_bins=10, strategy="quantile")
    assert np.allclose(curve.x, mean, atol=1e-3)
    assert np.allclose(curve.y, observed, atol=0.011)


def test_equal_pds_share_a_bin_of_the_calibration() -> None:
    pd = np.array([0.1] * 50 + [0.2] * 3 + [0.7] * 47)
    target = np.tile([0, 1], 50)
    curve = curves.calibration(pd, target, bins=3)
    assert len(curve.x) == 3
    assert curve.y[0] == 0.5


def test_bins_weighted_by_their_rows_give_back_the_default_rate() -> None:
    pd, target = population(1000)
    assert np.mean(curves.calibration(pd, target).y) == pytest.approx(target.mean())


@pytest.mark.parametrize("outcome", [0, 1])
def test_separation_needs_both_outcomes(outcome: int) -> None:
    for draw in (curves.roc, curves.precision_recall):
        with pytest.raises(TargetError, match="both outcomes"):
            draw(np.array([0.1, 0.2]), np.full(2, outcome))
