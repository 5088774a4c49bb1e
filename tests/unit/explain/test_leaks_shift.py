from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from scorewright.domain.explanations import Finding
from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.explain.leaks.shift import kolmogorov_smirnov, shift, total_variation

LABEL = Label("Label", "Libellé")
RNG = np.random.default_rng(0)


def matrix(values: NDArray[np.float64], categories: int = 0) -> FeatureMatrix:
    kind, names = ("category", tuple("abcdefghij"[:categories])) if categories else ("numeric", ())
    columns = tuple(
        FeatureColumn(f"f{place}", kind, LABEL, (f"application.F{place}",), names)  # type: ignore[arg-type]
        for place in range(values.shape[1])
    )
    return FeatureMatrix(pl.Series("key", range(len(values))), columns, values)


def shifted(then: NDArray[np.float64], now: NDArray[np.float64], categories: int = 0) -> list[tuple[str, str]]:
    return [(f.kind, f.severity) for f in found(then, now, categories)]


def found(then: NDArray[np.float64], now: NDArray[np.float64], categories: int = 0) -> tuple[Finding, ...]:
    return shift(matrix(then[:, None], categories), matrix(now[:, None], categories))


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60), st.integers(1, 9))
def test_the_distance_is_that_of_scipy(seed: int, then: int, now: int, distinct: int) -> None:
    draw = np.random.default_rng(seed)
    first, second = (draw.integers(0, distinct, size).astype(np.float64) for size in (then, now))
    assert kolmogorov_smirnov(first, second) == pytest.approx(ks_2samp(first, second).statistic)


def test_total_variation_is_the_largest_difference_over_sets_of_categories() -> None:
    then, now = np.array([0.0, 0, 1, 2]), np.array([0.0, 1, 1, 3])
    assert total_variation(then, now) == pytest.approx((0.25 + 0.25 + 0.25 + 0.25) / 2)
    assert total_variation(then, then) == 0
    assert total_variation(np.zeros(3), np.ones(3)) == 1


@pytest.mark.parametrize(("move", "expected"), [(0.3, []), (1.0, [("shift", "warn")])])
def test_a_number_that_moved_far_is_found(move: float, expected: list[tuple[str, str]]) -> None:
    """A normal distribution moved by d is at a distance of 2 Phi(d / 2) - 1: 0.12 and 0.38."""
    assert shifted(RNG.normal(0, 1, 4000), RNG.normal(move, 1, 1000)) == expected


@pytest.mark.parametrize(("share", "expected"), [(0.4, []), (0.8, [("shift", "warn")])])
def test_a_category_that_grew_is_found(share: float, expected: list[tuple[str, str]]) -> None:
    then = RNG.integers(0, 3, 4000).astype(np.float64)
    now = np.where(RNG.random(1000) < share, 0.0, RNG.integers(1, 3, 1000))
    assert shifted(then, now, 3) == expected


def test_gaps_that_grew_are_found() -> None:
    now = np.where(RNG.random(1000) < 0.5, np.nan, RNG.normal(0, 1, 1000))
    (finding,) = found(RNG.normal(0, 1, 4000), now)
    assert (finding.kind, finding.severity) == ("shift", "warn")
    assert finding.value == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("side", ["then", "now"])
def test_what_is_known_on_one_side_only_is_refused(side: str) -> None:
    values, empty = RNG.normal(0, 1, 2000), np.full(2000, np.nan)
    (finding,) = found(values, empty) if side == "then" else found(empty, values)
    assert (finding.kind, finding.severity, finding.value) == ("only_on_one_side", "refuse", 1.0)


def test_what_is_known_for_few_may_be_known_for_nobody() -> None:
    rare = np.where(np.arange(2000) % 50 == 0, 1.0, np.nan)
    assert found(rare, np.full(2000, np.nan)) == ()
    assert found(np.where(np.arange(2000) % 10 == 0, 1.0, np.nan), np.full(30, np.nan)) == ()


def test_an_empty_feature_did_not_change() -> None:
    assert found(np.full(100, np.nan), np.full(100, np.nan)) == ()


def test_too_few_rows_say_nothing() -> None:
    assert found(np.zeros(100), np.ones(19)) == ()


@pytest.mark.parametrize("later", [25, 100, 400])
def test_over_hundreds_of_features_chance_raises_no_alarm(later: int) -> None:
    """Of 100 values, every sixth distance of equal distributions to 2,000 others passes 0.11; here none may pass."""
    then, now = (RNG.normal(0, 1, (rows, 400)) for rows in (2000, later))
    then[:, :100], now[:, :100] = (RNG.integers(0, 2, (rows, 100)) for rows in (2000, later))
    then[:, 100:200][RNG.random((2000, 100)) < 0.5] = np.nan
    now[:, 100:200][RNG.random((later, 100)) < 0.5] = np.nan
    assert shift(matrix(then), matrix(now)) == ()
    categories = [RNG.integers(0, 10, (rows, 400)).astype(np.float64) for rows in (2000, later)]
    assert shift(matrix(categories[0], 10), matrix(categories[1], 10)) == ()


def test_features_of_one_column_are_one_finding() -> None:
    values = RNG.normal(0, 1, (2000, 2))
    columns = tuple(FeatureColumn(name, "numeric", LABEL, ("application.F",)) for name in ("one", "two"))
    sides = (FeatureMatrix(pl.Series("key", range(2000)), columns, part) for part in (values, values + 2))
    (finding,) = shift(*sides)
    assert set(finding.features) == {"one", "two"}
