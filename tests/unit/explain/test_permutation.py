"""The fall of the AUC, on scores whose answer is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import roc_auc_score

from scorewright.explain.held_out import HeldOut
from scorewright.explain.permutation import auc, permutation_falls, t_interval

ROWS = 500


def sum_of_two(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Score by the first two features; the third has no part in it."""
    return 2.0 * values[:, 0] + values[:, 1]


def fold(seed: int, rows: int = ROWS, target: int | None = None) -> HeldOut:
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(rows, 3))
    outcome = sum_of_two(values) + draw.normal(size=rows) > 1.0 if target is None else np.full(rows, target)
    return HeldOut(values, outcome.astype(np.int8), sum_of_two)


FOLDS = [fold(seed) for seed in range(5)]


def test_what_matters_more_loses_more_and_what_has_no_part_loses_nothing() -> None:
    falls = permutation_falls(FOLDS, [2, 0, 1], seed=7)
    assert list(falls) == [2, 0, 1]
    first, second, none = falls[0], falls[1], falls[2]
    assert first is not None
    assert second is not None
    assert first.low > second.high > second.low > 0.0
    assert none is not None
    assert (none.estimate, none.low, none.high) == (0.0, 0.0, 0.0)


def test_a_shuffled_feature_is_worth_what_a_score_without_it_and_with_noise_is() -> None:
    """Shuffled, a feature is noise of its own distribution: the AUC is that of the rest with such noise."""
    expected = []
    for each in FOLDS:
        noise = np.random.default_rng(99).normal(size=(200, ROWS))
        left = [roc_auc_score(each.target, each.values[:, 1] + 2.0 * drawn) for drawn in noise]
        expected.append(roc_auc_score(each.target, sum_of_two(each.values)) - np.mean(left))
    found = permutation_falls(FOLDS, [0], seed=7)[0]
    assert found is not None
    assert found.estimate == pytest.approx(np.mean(expected), abs=0.01)


def test_the_same_seed_shuffles_alike_whatever_else_is_shuffled() -> None:
    alone, among = permutation_falls(FOLDS, [1], seed=7), permutation_falls(FOLDS, [0, 2, 1], seed=7)
    assert alone[1] == among[1]
    assert alone[1] != permutation_falls(FOLDS, [1], seed=8)[1]


def test_the_values_are_left_as_they_were() -> None:
    before = FOLDS[0].values.copy()
    permutation_falls(FOLDS[:2], [0, 1], seed=7)
    np.testing.assert_array_equal(FOLDS[0].values, before)


def test_folds_of_one_outcome_say_nothing() -> None:
    told = permutation_falls([*FOLDS[:2], fold(9, target=0), fold(10, target=1)], [0], seed=7)
    assert told == permutation_falls(FOLDS[:2], [0], seed=7)
    assert permutation_falls([FOLDS[0], fold(9, target=0)], [0], seed=7) == {0: None}


@pytest.mark.parametrize("rows", [2, 50, 3000])
def test_the_auc_is_that_of_scikit_learn(rows: int) -> None:
    draw = np.random.default_rng(rows)
    score, target = draw.integers(0, 9, rows) / 10, np.arange(rows) % 2
    assert auc(score, target) == pytest.approx(roc_auc_score(target, score), abs=1e-12)


def test_the_auc_of_one_outcome_is_unknown() -> None:
    assert np.isnan(auc(np.array([0.1, 0.2]), np.array([1, 1])))


def test_the_interval_is_that_of_students_t() -> None:
    values = np.array([0.1, 0.4, 0.3, 0.2])
    found = t_interval(np.append(values, np.nan))
    low, high = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    assert found is not None
    np.testing.assert_allclose((found.estimate, found.low, found.high), (0.25, low, high), atol=1e-15)
    assert t_interval(values[:1]) is None
