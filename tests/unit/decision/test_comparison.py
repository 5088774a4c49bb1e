from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import roc_auc_score

from scorewright.decision.comparison import (
    compare,
    corrected_difference,
    cross_fitted_threshold_costs,
    cross_fitted_thresholds,
    fold_measures,
    mean_by_fold,
    simplest_within_noise,
)
from scorewright.decision.costs import cost_per_application
from scorewright.decision.threshold import best_threshold
from scorewright.domain.costs import CostMatrix

COSTS = CostMatrix(10.0, 1.0)


def population(rows: int = 600) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]]:
    rng = np.random.default_rng(5)
    pd = rng.beta(1.0, 6.0, rows)
    return pd, rng.random(rows) < pd, rng.permutation(rows) % 5


def test_each_fold_is_measured_by_itself() -> None:
    pd, target, folds = population()
    found = fold_measures(pd, target, folds, 0.2, COSTS)
    for fold in range(5):
        rows = folds == fold
        assert found.auc[fold] == pytest.approx(roc_auc_score(target[rows], pd[rows]))
        assert found.cost[fold] == cost_per_application(target[rows], pd[rows] >= 0.2, COSTS)


def test_a_fold_of_one_outcome_has_a_cost_and_no_auc() -> None:
    found = fold_measures(np.array([0.1, 0.9, 0.5]), np.array([0, 1, 1]), np.array([0, 0, 1]), 0.5, COSTS)
    assert found.auc[0] == 1.0
    assert np.isnan(found.auc[1])
    assert found.cost.tolist() == [0.0, 0.0]


def test_a_folds_threshold_knows_nothing_of_the_fold() -> None:
    pd, target, folds = population()
    thresholds = cross_fitted_thresholds(pd, target, folds, COSTS)
    costs = cross_fitted_threshold_costs(pd, target, folds, COSTS)
    changed = np.where(folds == 2, ~target, target)
    assert cross_fitted_thresholds(pd, changed, folds, COSTS)[2] == thresholds[2]
    for fold in range(5):
        rows = folds == fold
        assert thresholds[fold] == best_threshold(pd[~rows], target[~rows], COSTS).value
        assert costs[fold] == cost_per_application(target[rows], pd[rows] >= thresholds[fold], COSTS)


def test_a_cross_fitted_threshold_costs_no_less_than_one_chosen_on_all_rows() -> None:
    pd, target, folds = population()
    costs = cross_fitted_threshold_costs(pd, target, folds, COSTS)
    assert np.average(costs, weights=np.bincount(folds)) >= best_threshold(pd, target, COSTS).cost


def test_one_fold_has_no_others_to_choose_on() -> None:
    with pytest.raises(ValueError, match="at least two"):
        cross_fitted_thresholds(np.array([0.1]), np.array([1]), np.array([0]), COSTS)


def test_means_by_fold_leave_out_what_is_unknown() -> None:
    found = mean_by_fold(np.array([1.0, np.nan, 3.0, 5.0, np.nan]), np.array([0, 0, 0, 1, 2]))
    assert found[:2].tolist() == [2.0, 5.0]
    assert np.isnan(found[2])


def test_without_the_correction_it_is_the_paired_t_test_of_scipy() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.random(15), rng.random(15)
    interval, error = corrected_difference(first, second, 0.0)
    reference = stats.ttest_rel(first, second)
    bounds = reference.confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((bounds.low, bounds.high))
    assert interval.estimate / error == pytest.approx(reference.statistic)


def test_the_correction_is_that_of_nadeau_and_bengio() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.random(15), rng.random(15)
    plain, corrected = (corrected_difference(first, second, share)[1] for share in (0.0, 0.2))
    assert corrected / plain == pytest.approx(np.sqrt((1 / 15 + 0.2 / 0.8) / (1 / 15)))


def test_the_corrected_interval_misses_an_absent_difference_far_less_often_than_the_plain_one() -> None:
    """The mean of overlapping training sets as the simplest learner: two of them, alike, differ by chance alone."""
    missed = {0.0: 0, 0.2: 0}
    for seed in range(300):
        rng = np.random.default_rng(seed)
        data = rng.normal(size=(2, 100))
        order = [rng.permutation(100) for _ in range(10)]
        folds = [fold for rows in order for fold in np.split(rows, 5)]
        losses = np.array([
            [np.mean((column[rows] - np.delete(column, rows).mean()) ** 2) for rows in folds] for column in data
        ])  # fmt: skip
        for share in missed:
            interval, _ = corrected_difference(losses[0], losses[1], share)
            missed[share] += not interval.low <= 0.0 <= interval.high
    assert missed[0.0] / 300 > 0.4
    assert missed[0.2] < missed[0.0] / 2


@pytest.mark.parametrize(("first", "second", "share"), [
    ([1.0], [1.0], 0.2), ([1.0, 2.0], [1.0], 0.2), ([1.0, np.nan], [1.0, 2.0], 0.2), ([1.0, 2.0], [1.0, 2.0], 1.0),
])  # fmt: skip
def test_what_cannot_be_compared_is_refused(first: list[float], second: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="folds|fold must"):
        corrected_difference(np.array(first), np.array(second), share)


def test_comparisons_name_both_sides_and_the_measure() -> None:
    measures = {"a": np.array([0.7, 0.8]), "b": np.array([0.6, 0.6]), "c": np.array([0.5, 0.7])}
    found = compare(measures, "b", "auc", 0.5)
    assert [(each.candidate, each.against, each.metric) for each in found] == [("a", "b", "auc"), ("c", "b", "auc")]
    assert found[0].difference.estimate == pytest.approx(0.15)


def costs_around(mean: float, spread: float, seed: int) -> NDArray[np.float64]:
    values = np.random.default_rng(seed).normal(size=15)
    return mean + spread * (values - values.mean()) / values.std(ddof=1)


def test_the_simplest_within_one_corrected_error_of_the_best_is_chosen() -> None:
    error = 0.01 * np.sqrt(1 / 15 + 0.25)
    best = np.full(15, 0.5)
    for excess, expected in ((0.99 * error, "simple"), (1.01 * error, "complex")):
        costs = {"complex": best, "simple": costs_around(0.5 + excess, 0.01, 1), "dummy": best + 0.3}
        choice = simplest_within_noise(("dummy", "simple", "complex"), costs, 0.2)
        assert (choice.name, choice.best) == (expected, "complex")
        assert [each.candidate for each in choice.comparisons] == ["dummy", "simple"]


def test_equal_candidates_are_settled_by_simplicity() -> None:
    costs = {"complex": np.full(5, 0.5), "simple": np.full(5, 0.5)}
    choice = simplest_within_noise(("simple", "complex"), costs, 0.2)
    assert (choice.name, choice.best) == ("simple", "simple")


def test_the_reason_says_who_why_and_how_much() -> None:
    best, near = np.full(15, 0.5), costs_around(0.501, 0.01, 1)
    choice = simplest_within_noise(("simple", "complex"), {"simple": near, "complex": best}, 0.2)
    assert choice.reason == (
        "simple costs 0.5010 per application, 0.0010 more than complex, which is within one corrected standard error "
        "(0.0056) over paired folds: the simplest such candidate is taken."
    )
    alone = simplest_within_noise(("simple",), {"simple": best}, 0.2)
    assert (alone.reason, alone.comparisons) == ("simple is the only candidate.", ())
    plain = simplest_within_noise(("simple", "complex"), {"simple": best + 0.1, "complex": best}, 0.2)
    assert plain.reason.startswith("complex costs least (0.5000 per application)")


@pytest.mark.parametrize("costs", [{}, {"unheard": np.zeros(5)}])
def test_every_candidate_has_a_place_in_the_order(costs: dict[str, NDArray[np.float64]]) -> None:
    with pytest.raises(ValueError, match="place in the order"):
        simplest_within_noise(("simple",), costs, 0.2)
