"""What logistic regression makes of outliers, weights and declared directions."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.models.candidates.logistic import LogisticRegression
from scorewright.models.candidates.preparation import class_weights, weight_of_defaults
from scorewright.models.linear import Linear, NumericTerm


def sample(rows: int = 600, signs: tuple[int, int] = (0, 0)) -> tuple[FeatureMatrix, NDArray[np.int8]]:
    draw = np.random.default_rng(4)
    values = draw.normal(size=(rows, 2))
    target = (draw.random(rows) < 1 / (1 + np.exp(2.0 - values[:, 0] + values[:, 1]))).astype(np.int8)
    columns = tuple(
        FeatureColumn(name, "numeric", Label(name, name), (f"a.{name}",), monotone=sign)
        for name, sign in zip("xy", signs, strict=True)
    )
    return FeatureMatrix(pl.Series("key", np.arange(rows)), columns, values), target


def fit(matrix: FeatureMatrix, target: NDArray[np.int8], power: float = 0.0) -> Linear:
    of = LogisticRegression()
    return of.fit(of.prepare(matrix, target), {"C": 1.0, "positive_weight_power": power}, 7)


def test_a_number_is_worth_no_more_beyond_its_reach() -> None:
    # By hand: (x - 10) / 2 counts between -3 and 3.
    model = Linear(1.0, (NumericTerm("x", 10.0, 2.0, 3.0, 0.5, 0.25, 0.1),))
    values = np.array([[10.0], [14.0], [16.0], [17.0], [1e300], [4.0], [-1e300], [np.nan]])
    expected = np.array([0.0, 1.0, 1.5, 1.5, 1.5, -1.5, -1.5, 0.25]) - 0.1
    np.testing.assert_allclose(model.contributions(values)[:, 0], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(model.score(values), 1.0 + expected, rtol=0, atol=1e-12)


def test_the_average_application_of_training_is_worth_nothing_though_some_are_clipped() -> None:
    matrix, target = sample()
    matrix.values[:3, 0] = 1e6
    contributions = fit(matrix, target).contributions(matrix.values)
    np.testing.assert_allclose(contributions[:, :2].mean(axis=0), 0.0, atol=1e-12)


def test_without_weights_the_mean_pd_is_the_default_rate() -> None:
    matrix, target = sample()
    for power, same in ((0.0, True), (0.5, False), (1.0, False)):
        mean = (1 / (1 + np.exp(-fit(matrix, target, power).score(matrix.values)))).mean()
        assert (mean == pytest.approx(target.mean(), abs=1e-6)) == same


@pytest.mark.parametrize("power", [0.0, 0.3, 1.0])
def test_weights_are_one_on_average_and_in_the_ratio_of_their_power(power: float) -> None:
    target = np.array([1, 1, 0, 0, 0, 0, 0, 0], dtype=np.int8)
    weights = class_weights(target, power)
    assert weights[1] / weights[0] == pytest.approx(3.0**power)
    assert weight_of_defaults(target, power) == pytest.approx(3.0**power)
    assert (2 * weights[1] + 6 * weights[0]) / 8 == pytest.approx(1.0)


def test_a_slope_that_contradicts_what_was_declared_is_left_out_and_the_rest_learnt_without_it() -> None:
    matrix, target = sample(signs=(1, 1))
    slopes = [term.coefficient for term in fit(matrix, target).terms if isinstance(term, NumericTerm)]
    assert slopes[0] > 0.0
    assert slopes[1] == 0.0
    alone = matrix.select(np.array([0]))
    np.testing.assert_array_equal(fit(matrix, target).score(matrix.values), fit(alone, target).score(alone.values))


def test_where_every_slope_contradicts_only_the_default_rate_is_left() -> None:
    matrix, target = sample(signs=(-1, 1))
    rate = target.mean()
    np.testing.assert_allclose(fit(matrix, target).score(matrix.values), np.log(rate / (1 - rate)), rtol=1e-12)
