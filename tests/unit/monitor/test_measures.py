from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from scorewright.monitor.measures import (
    benjamini_hochberg,
    chi_squared_p,
    ks_statistic,
    pool,
    proportion_p,
    psi,
    psi_by_chance,
)

Counts = NDArray[np.int64]


def two_samples(seed: int, rows: int = 300) -> tuple[Counts, Counts]:
    rng = np.random.default_rng(seed)
    first, second = rng.dirichlet(np.full(8, 20.0)), rng.dirichlet(np.full(8, 20.0))
    return rng.multinomial(2000, first), rng.multinomial(rows, second)


@pytest.mark.parametrize("seed", range(5))
def test_homogeneity_is_that_of_scipy(seed: int) -> None:
    then, now = two_samples(seed)
    expected = stats.chi2_contingency(np.array([then, now]), correction=False).pvalue
    assert chi_squared_p(then, now) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ([0, 8000], [3, 97]),
        ([2, 500], [0, 100]),
        ([40, 2], [10, 4]),
        ([8000, 0], [90, 10]),
        ([5, 5], [1, 0]),
        ([1, 9999], [0, 50]),
        ([3, 9], [4, 5]),
    ],
)
def test_few_missing_are_tested_exactly_as_by_scipy(then: list[int], now: list[int]) -> None:
    expected = stats.fisher_exact([then, now]).pvalue
    assert proportion_p(np.array(then), np.array(now)) == pytest.approx(expected, rel=1e-6)


def test_many_missing_are_tested_by_chi_squared() -> None:
    then, now = np.array([400, 600]), np.array([50, 50])
    expected = stats.chi2_contingency(np.array([then, now]), correction=False).pvalue
    assert proportion_p(then, now) == pytest.approx(expected)


@pytest.mark.parametrize(("then", "now"), [([0, 5], [0, 9]), ([5, 0], [9, 0])])
def test_nothing_is_found_where_nothing_differs(then: list[int], now: list[int]) -> None:
    assert proportion_p(np.array(then), np.array(now)) == 1.0


def test_psi_is_nothing_between_equal_shares_and_symmetric() -> None:
    then, now = two_samples(1)
    assert psi(then, then) == 0.0
    assert psi(then, now) == pytest.approx(psi(now, then))
    assert psi(then, now) > 0.0


def test_psi_of_large_samples_is_the_formula_without_smoothing() -> None:
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.3, 0.3, 0.4])
    found = psi((p * 10**9).astype(np.int64), (q * 10**9).astype(np.int64))
    assert found == pytest.approx(float(np.sum((q - p) * np.log(q / p))), rel=1e-6)


def test_psi_of_an_empty_bin_is_finite() -> None:
    assert np.isfinite(psi(np.array([0, 100]), np.array([50, 50])))


@pytest.mark.parametrize("rows", [200, 2000])
def test_undrifted_psi_passes_the_bound_as_often_as_stated(rows: int) -> None:
    rng = np.random.default_rng(3)
    p = np.full(10, 0.1)
    bound = psi_by_chance(10, (20_000, rows), 0.95)
    passed = [psi(rng.multinomial(20_000, p), rng.multinomial(rows, p)) > bound for _ in range(4000)]
    assert np.mean(passed) == pytest.approx(0.05, abs=0.015)


def test_a_single_bin_has_no_psi_by_chance() -> None:
    assert psi_by_chance(1, (10, 10), 0.99) == 0.0


def test_ks_of_values_that_are_their_own_bins_is_that_of_scipy() -> None:
    rng = np.random.default_rng(4)
    first, second = rng.integers(0, 6, 400), rng.integers(1, 7, 90)
    found = ks_statistic(np.bincount(first, minlength=7), np.bincount(second, minlength=7))
    assert found == pytest.approx(stats.ks_2samp(first, second).statistic)


@pytest.mark.parametrize("count", [1, 7, 50])
def test_adjustment_is_that_of_scipy(count: int) -> None:
    p_values = np.random.default_rng(count).random(count) ** 3
    p_values[-1] = p_values[0]
    assert np.allclose(benjamini_hochberg(p_values), stats.false_discovery_control(p_values))


def test_pooling_keeps_all_rows_and_gives_every_bin_enough() -> None:
    then, now = np.array([500, 3, 2, 400, 100]), np.array([30, 0, 5, 20, 1])
    first, second = pool(then, now)
    assert (first.sum(), second.sum()) == (then.sum(), now.sum())
    expected = (first + second) * now.sum() / (then.sum() + now.sum())
    assert expected.min() >= 5.0
    assert first.size == 3


def test_pooling_nothing_gives_one_bin() -> None:
    first, second = pool(np.array([5, 5]), np.array([0, 0]))
    assert (first.tolist(), second.tolist()) == ([10], [0])
