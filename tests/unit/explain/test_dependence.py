"""Direction and bins of one feature."""

from __future__ import annotations

import numpy as np
import pytest

from scorewright.domain.matrix import FeatureColumn, Label
from scorewright.explain.dependence import MINIMUM_COUNT, MOST_CATEGORIES, bin_ends, dependence, direction

AGE = FeatureColumn("age", "numeric", Label("Age", "Âge"), ("application.AGE",))
TOWNS = tuple(f"town {number:02d}" for number in range(20))
TOWN = FeatureColumn("town", "category", Label("Town", "Ville"), ("application.TOWN",), TOWNS)
DRAW = np.random.default_rng(3)
AGES = DRAW.uniform(20.0, 70.0, 1000)
MOVED = (45.0 - AGES) / 100.0


def test_more_that_is_always_safer_has_the_direction_minus_one() -> None:
    assert direction(AGE, AGES, MOVED) == -1.0
    assert direction(AGE, np.append(AGES, np.nan), np.append(-MOVED, 99.0)) == 1.0


@pytest.mark.parametrize(
    ("column", "values", "moved"),
    [
        (TOWN, np.arange(20.0), np.arange(20.0)),
        (AGE, np.full(20, np.nan), np.arange(20.0)),
        (AGE, np.full(20, 3.0), np.arange(20.0)),
        (AGE, np.arange(20.0), np.zeros(20)),
    ],
)
def test_categories_and_what_does_not_vary_have_no_direction(
    column: FeatureColumn, values: np.ndarray, moved: np.ndarray
) -> None:
    assert direction(column, values, moved) == 0.0


def test_a_number_has_ten_bins_of_its_value_and_the_missing_come_last() -> None:
    values = np.concatenate([AGES, np.full(40, np.nan)])
    found = dependence(AGE, values, np.concatenate([MOVED, np.full(40, 0.7)]))
    assert (found.name, found.label) == ("age", "Age")
    assert found.bins[0].startswith("≤ ")
    assert found.bins[-2].startswith("> ")
    assert found.bins[-1] == "missing"
    assert len(found.bins) == 11
    assert sum(found.rows) == 1040
    assert all(90 <= rows <= 110 for rows in found.rows[:-1])
    assert (found.rows[-1], found.mean[-1], found.low[-1], found.high[-1]) == pytest.approx((40, 0.7, 0.7, 0.7))
    assert list(found.mean[:-1]) == sorted(found.mean[:-1], reverse=True)
    low, high = (float(part) for part in found.bins[3].split(" – "))
    own = MOVED[(low < AGES) & (high >= AGES)]
    assert (found.rows[3], found.mean[3]) == (len(own), pytest.approx(own.mean()))
    assert (found.low[3], found.high[3]) == pytest.approx(tuple(np.quantile(own, [0.1, 0.9])))


def test_few_values_have_a_bin_each() -> None:
    values = np.repeat([0.0, 1.0, 2.5], [300, 50, 20])
    found = dependence(AGE, values, values)
    assert (found.bins, found.rows, found.mean) == (("0", "1", "2.5"), (300, 50, 20), (0.0, 1.0, 2.5))


def test_a_value_of_a_few_persons_names_no_bin() -> None:
    values = np.concatenate([np.repeat([0.0, 1.0], 50), np.array([7.31, 8.17])])
    found = dependence(AGE, values, values)
    assert (found.bins, found.rows) == (("0", "> 0"), (50, 52))


def test_ends_are_rounded_to_a_hundredth_of_what_lies_between_the_outer_ones() -> None:
    money = np.random.default_rng(5).lognormal(12.0, 1.0, 5000)
    ends = bin_ends(money)
    assert len(ends) == 9
    assert all(float(end) == round(float(end), -3) for end in ends)
    np.testing.assert_allclose(ends, np.quantile(money, np.arange(1, 10) / 10), rtol=0.02)


def test_frequent_categories_come_first_and_the_others_together() -> None:
    values = np.repeat(np.arange(20.0), np.arange(20) * 3)
    found = dependence(TOWN, values, values)
    assert len(found.bins) == MOST_CATEGORIES + 1
    assert found.bins[:2] == ("town 19", "town 18")
    assert found.bins[-1] == "others"
    assert found.rows == (*range(57, 23, -3), sum(range(0, 24, 3)))


def test_bins_of_fewer_than_ten_are_left_out() -> None:
    values = np.concatenate([np.repeat([0.0, 1.0], [40, 9]), np.full(9, np.nan)])
    assert dependence(TOWN, values, values).bins == ("town 00",)
    assert dependence(AGE, np.full(30, np.nan), np.zeros(30)).bins == ("missing",)
    assert dependence(AGE, np.full(MINIMUM_COUNT - 1, 2.0), np.zeros(MINIMUM_COUNT - 1)).bins == ()
