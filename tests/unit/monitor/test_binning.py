from __future__ import annotations

import numpy as np
import pytest

from scorewright.monitor.binning import (
    MINIMUM_COUNT,
    bin_counts,
    pooled_groups,
    quantile_edges,
    rounded,
    tail_quantiles,
)


def test_bins_of_continuous_values_hold_about_equal_counts() -> None:
    values = np.sort(np.random.default_rng(0).lognormal(10, 2, 20_000))
    counts = bin_counts(values, quantile_edges(values, 10))
    assert counts.size == 10
    assert counts.min() > 0.85 * 2000
    assert counts.max() < 1.15 * 2000


def test_edges_lie_between_values_that_repeat() -> None:
    values = np.sort(np.repeat([0.0, 1 / 3, 1.0], [50, 50, 50]))
    edges = quantile_edges(values, 10)
    assert bin_counts(values, edges).tolist() == [50, 50, 50]
    assert not np.isin(edges, values).any()


@pytest.mark.parametrize("rare", [0.0, 1.0])
def test_a_flag_seldom_raised_and_one_seldom_lowered_have_two_bins(rare: float) -> None:
    values = np.sort(np.repeat([rare, 1.0 - rare], [15, 985]))
    assert sorted(bin_counts(values, quantile_edges(values, 10)).tolist()) == [15, 985]


def test_no_edge_is_anyones_exact_amount() -> None:
    values = np.sort(np.random.default_rng(1).normal(50_000, 9_000, 5000))
    edges = quantile_edges(values, 10)
    assert not np.isin(edges, values).any()
    assert edges.tolist() == np.round(edges, -2).tolist()


@pytest.mark.parametrize("rows", [0, 1, MINIMUM_COUNT, 2 * MINIMUM_COUNT - 1])
def test_few_values_share_one_bin(rows: int) -> None:
    assert quantile_edges(np.arange(float(rows)), 10).size == 0


def test_one_value_makes_one_bin() -> None:
    assert quantile_edges(np.full(1000, 3.5), 10).size == 0


def test_values_apart_by_many_powers_of_ten_are_binned_without_overflow() -> None:
    values = np.sort(np.repeat([-1.7e308, -1.0, 5e-324, 1.0, 1.7e308], 20))
    assert bin_counts(values, quantile_edges(values, 10)).tolist() == [20, 20, 20, 20, 20]


def test_the_tails_leave_at_least_the_minimum_beyond() -> None:
    few = np.arange(100.0)
    low, high = tail_quantiles(few)
    assert (low, high) == (9.0, 90.0)
    many = np.arange(100_000.0)
    assert tail_quantiles(many) == pytest.approx((499.0, 99_500.0), abs=50)


def test_bins_are_open_below_and_closed_above() -> None:
    assert bin_counts(np.array([0.0, 1.0, 1.5, 2.0, 9.0]), (1.0, 2.0)).tolist() == [2, 2, 1]
    assert bin_counts(np.array([]), ()).tolist() == [0]


def test_what_is_left_joins_the_last_group() -> None:
    assert pooled_groups(np.array([10, 9, 1, 3]), 10).tolist() == [0, 1, 1, 1]
    assert pooled_groups(np.array([1, 1]), 10).tolist() == [0, 0]


def test_rounding_leaves_no_negative_zero() -> None:
    assert str(rounded(-0.004, 0.1)) == "0.0"
