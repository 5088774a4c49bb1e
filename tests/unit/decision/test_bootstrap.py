from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scorewright.decision.bootstrap import evaluate_with_intervals, paired_cost_difference
from scorewright.decision.costs import cost_per_application
from scorewright.decision.metrics import evaluate
from scorewright.domain.costs import CostMatrix

COSTS = CostMatrix(10.0, 1.0)


def population(rows: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    pd = rng.beta(1.0, 5.0, rows).round(3)
    return pd, rng.random(rows) < pd


def test_estimates_are_those_without_intervals_and_lie_inside_them() -> None:
    pd, target = population(2000, 1)
    evaluation = evaluate_with_intervals(pd, target, 0.1, COSTS, repeats=200)
    assert evaluation.metrics == evaluate(pd, target, 0.1, COSTS).metrics
    for name, interval in evaluation.intervals.items():
        assert interval.low < interval.estimate < interval.high, name
        assert interval.estimate == evaluation.metrics[name]


def test_every_measure_has_an_interval() -> None:
    evaluation = evaluate_with_intervals(*population(500, 1), 0.1, COSTS, repeats=20)
    assert set(evaluation.metrics) == set(evaluation.intervals)


def test_a_seed_fixes_the_intervals_and_another_moves_them() -> None:
    pd, target = population(300, 2)
    first, again, other = (
        evaluate_with_intervals(pd, target, 0.1, COSTS, repeats=50, seed=seed).intervals for seed in (7, 7, 8)
    )
    assert first == again
    assert first["cost"] != other["cost"]


def test_a_wider_level_gives_a_wider_interval() -> None:
    pd, target = population(300, 2)
    narrow, wide = (
        evaluate_with_intervals(pd, target, 0.1, COSTS, repeats=200, level=level).intervals["auc"]
        for level in (0.5, 0.99)
    )
    assert wide.low < narrow.low < narrow.high < wide.high


def test_the_interval_of_a_mean_is_as_wide_as_the_central_limit_theorem_says() -> None:
    pd, target = population(4000, 3)
    interval = evaluate_with_intervals(pd, target, 0.1, COSTS, repeats=1000).intervals["brier"]
    deviation = np.std((pd - target) ** 2) / np.sqrt(pd.size)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * deviation, rel=0.1)


def test_intervals_hold_the_true_cost_about_as_often_as_they_say() -> None:
    """120 samples of a population whose true cost is known: 90 % intervals, binomial deviation 2.7 %."""
    population_pd, population_target = population(200_000, 4)
    truth = cost_per_application(population_target, population_pd >= 0.1, COSTS)
    rng = np.random.default_rng(4)
    held = 0
    for seed in range(120):
        rows = rng.integers(0, population_pd.size, 300)
        found = evaluate_with_intervals(
            population_pd[rows], population_target[rows], 0.1, COSTS, repeats=100, level=0.9, seed=seed
        )
        held += found.intervals["cost"].low <= truth <= found.intervals["cost"].high
    assert 0.82 <= held / 120 <= 0.97


def test_an_interval_is_left_out_when_a_resample_cannot_measure_it() -> None:
    target = np.array([1] + [0] * 19)
    evaluation = evaluate_with_intervals(np.linspace(0, 1, 20), target, 0.5, COSTS, repeats=50)
    assert "auc" in evaluation.metrics
    assert "auc" not in evaluation.intervals
    assert "cost" in evaluation.intervals


def test_the_difference_of_a_policy_with_itself_is_nothing() -> None:
    pd, target = population(200, 5)
    interval = paired_cost_difference(pd, 0.1, pd, 0.1, target, COSTS)
    assert (interval.low, interval.estimate, interval.high) == (0.0, 0.0, 0.0)


def test_the_difference_is_that_of_the_costs_and_changes_sign_with_the_order() -> None:
    pd, target = population(3000, 6)
    noise = np.random.default_rng(0).random(pd.size)
    better = paired_cost_difference(pd, 0.1, noise, 0.5, target, COSTS, 500, 1)
    worse = paired_cost_difference(noise, 0.5, pd, 0.1, target, COSTS, 500, 1)
    costs = [cost_per_application(target, refused, COSTS) for refused in (pd >= 0.1, noise >= 0.5)]
    assert better.estimate == pytest.approx(costs[0] - costs[1])
    assert better.low < better.estimate < better.high < 0.0 < worse.low
    assert worse.estimate == pytest.approx(-better.estimate)


def test_the_multinomial_shortcut_is_distributed_as_drawing_rows() -> None:
    pd, target = population(400, 7)
    other = population(400, 8)[0]
    interval = paired_cost_difference(pd, 0.1, other, 0.2, target, COSTS, repeats=20_000, seed=1)
    rng = np.random.default_rng(2)
    drawn = np.array(
        [
            cost_per_application(target[rows], pd[rows] >= 0.1, COSTS)
            - cost_per_application(target[rows], other[rows] >= 0.2, COSTS)
            for rows in rng.integers(0, 400, (4000, 400))
        ]
    )
    width = interval.high - interval.low
    assert interval.low == pytest.approx(np.quantile(drawn, 0.025), abs=0.05 * width)
    assert interval.high == pytest.approx(np.quantile(drawn, 0.975), abs=0.05 * width)


def test_both_models_must_have_judged_the_same_applications() -> None:
    with pytest.raises(ValueError, match="cannot be measured"):
        paired_cost_difference(np.zeros(3), 0.5, np.zeros(2), 0.5, np.zeros(3), COSTS)


def test_the_interval_of_the_calibration_error_is_as_wide_as_other_rows_would_move_it() -> None:
    """Resamples add their own noise to a sum of absolute values: the interval is moved back onto the estimate."""
    measured = [evaluate(*population(2000, seed), 0.1, COSTS).metrics["ece"] for seed in range(100, 300)]
    intervals = [
        evaluate_with_intervals(*population(2000, seed), 0.1, COSTS, repeats=100).intervals["ece"] for seed in range(5)
    ]
    assert all(0.0 <= found.low <= found.estimate <= found.high for found in intervals)
    width = np.mean([found.high - found.low for found in intervals])
    assert width == pytest.approx(2 * 1.96 * np.std(measured), rel=0.25)
