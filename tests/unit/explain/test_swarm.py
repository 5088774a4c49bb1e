"""Points of a beeswarm tell the shape and no one's row."""

from __future__ import annotations

import numpy as np
import pytest

from scorewright.domain.matrix import FeatureColumn, Label
from scorewright.explain.swarm import POINTS, swarm

AGE = FeatureColumn("age", "numeric", Label("Age", "Âge"), ("application.AGE",))


def test_points_are_sampled_sorted_and_ranked_among_all() -> None:
    values = np.random.default_rng(1).lognormal(12.0, 2.0, 5000)
    found = swarm(AGE, values, -np.log(values))
    assert (found.name, found.label) == ("age", "Age")
    assert len(found.contributions) == len(found.ranks) == POINTS
    assert list(found.contributions) == sorted(found.contributions)
    ranks = [rank for rank in found.ranks if rank is not None]
    assert (np.diff(ranks) <= 0.05).all(), "the larger the value, the smaller the contribution"
    assert np.mean(ranks) == pytest.approx(0.5, abs=0.05)


def test_no_value_is_kept() -> None:
    values = np.array([1234.5, 2345.6, 3456.7, np.nan])
    found = swarm(AGE, values, np.array([0.123456, 0.2, 0.1, 0.3]))
    assert found.contributions == (0.1, 0.123, 0.2, 0.3)
    assert found.ranks == (1.0, 0.0, 0.5, None)


def test_equal_contributions_are_put_in_the_order_of_ranks() -> None:
    values = np.array([3.0, np.nan, 1.0, 2.0, np.nan])
    assert swarm(AGE, values, np.zeros(5)).ranks == (0.0, 0.5, 1.0, None, None)


def test_where_all_have_one_value_or_none_ranks_are_in_the_middle_or_missing() -> None:
    assert set(swarm(AGE, np.full(9, 4.0), np.zeros(9)).ranks) == {0.5}
    assert swarm(AGE, np.array([4.0]), np.zeros(1)).ranks == (0.5,)
    assert set(swarm(AGE, np.full(9, np.nan), np.zeros(9)).ranks) == {None}
