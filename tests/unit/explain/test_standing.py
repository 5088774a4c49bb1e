from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import percentileofscore

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.explain.standing import UNNAMED, place_feature, place_features, place_pd
from scorewright.monitor.profile import build_profile

INCOME = FeatureColumn("income", "numeric", Label("Income", "Revenu"), ("application.INCOME",))
JOB = FeatureColumn(
    "job", "category", Label("Job", "Métier"), ("application.JOB",), ("baker", "clerk", "judge", "smith")
)


@dataclass(frozen=True)
class Numbers:
    """Counts of a numeric feature."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    approved: tuple[int | None, ...] = ()
    missing: int = 0


@dataclass(frozen=True)
class Categories:
    """Counts of a category."""

    counts: dict[str, int]
    other: int = 0
    missing: int = 0
    approved: dict[str, int] = field(default_factory=dict)
    approved_other: int | None = None


INCOMES = Numbers((1000.0, 2500.5), (40, 20, 20), (10, None, 20), missing=20)
JOBS = Categories({"baker": 30, "clerk": 50}, 12, 8, {"baker": 15, "clerk": 50}, 3)


def test_a_number_lies_in_a_bin_with_its_share_and_approvals() -> None:
    place = place_feature(INCOME, INCOMES, 1750.25)
    assert (place.name, place.label, place.value) == ("income", INCOME.label, 1750.25)
    assert place.bins == ("≤ 1000", "1000 – 2500.5", "> 2500.5")
    assert place.shares == (0.4, 0.2, 0.2)
    assert place.approved == (0.25, None, 1.0)
    assert place.bin == 1
    assert place.percentile == pytest.approx(100 * (40 + 10) / 80)


@pytest.mark.parametrize(
    ("value", "own", "percentile"),
    [(-1e300, 0, 25.0), (1000.0, 0, 25.0), (1000.1, 1, 50.0), (2500.5, 1, 75.0), (2501.0, 2, 87.5), (1e300, 2, 87.5)],
)
def test_a_bin_without_an_end_stands_at_its_middle(value: float, own: int, percentile: float) -> None:
    place = place_feature(INCOME, INCOMES, value)
    assert (place.bin, place.percentile) == (own, pytest.approx(percentile, abs=0.01))


def test_a_missing_value_has_a_distribution_but_no_place_in_it() -> None:
    for column, distribution in ((INCOME, INCOMES), (JOB, JOBS)):
        place = place_feature(column, distribution, math.nan)
        assert (place.value, place.bin, place.percentile) == (None, None, None)
        assert sum(place.shares) == pytest.approx(1 - distribution.missing / 100)


@pytest.mark.parametrize(
    ("position", "name", "own"), [(0, "baker", 1), (1, "clerk", 0), (2, "judge", 2), (3, "smith", 2)]
)
def test_a_category_lies_in_its_own_bin_or_among_the_others(position: int, name: str, own: int) -> None:
    place = place_feature(JOB, JOBS, float(position))
    assert (place.value, place.bin, place.percentile) == (name, own, None)
    assert place.bins == ("clerk", "baker", UNNAMED)
    assert place.shares == (0.5, 0.3, 0.12)
    assert place.approved == (1.0, 0.5, 0.25)


def test_a_category_that_nobody_shares_lies_nowhere() -> None:
    place = place_feature(JOB, Categories({"baker": 30}), 3.0)
    assert (place.value, place.bins, place.bin) == ("smith", ("baker",), None)


@pytest.mark.parametrize("pd", [0.0, 0.04, 0.5, 1.0])
def test_a_pd_lies_between_zero_and_one(pd: float) -> None:
    place = place_pd(Numbers((0.04, 0.2), (50, 30, 20), (50, 12, 0)), pd)
    expected = np.interp(pd, [0.0, 0.04, 0.2, 1.0], [0, 50, 80, 100])
    assert place.percentile == pytest.approx(expected)
    assert (place.name, place.value, place.approved) == ("pd", pd, (1.0, 0.4, 0.0))


@pytest.mark.parametrize("distribution", [Numbers((), (7,), (), 3), Numbers((), (0,), (), 5), Numbers((), (0,))])
def test_one_bin_for_all_orders_nobody(distribution: Numbers) -> None:
    place = place_feature(INCOME, distribution, 1.0)
    assert (place.bins, place.bin, place.percentile) == ((UNNAMED,), 0, None)


def test_without_counted_approvals_there_are_no_rates() -> None:
    assert place_feature(INCOME, Numbers((1.0,), (10, 10)), 0.0).approved == (None, None)
    assert place_feature(JOB, Categories({"baker": 30}, 10), 0.0).approved == (None, None)


edges = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8, unique=True).map(sorted)


@given(edges, st.data())
def test_a_higher_value_never_has_a_lower_percentile(edges: list[float], data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.integers(1, 50), min_size=len(edges) + 1, max_size=len(edges) + 1))
    values = sorted(data.draw(st.lists(st.floats(-2e6, 2e6), min_size=2, max_size=20)) + edges)
    distribution = Numbers(tuple(edges), tuple(counts))
    stands = [place_feature(INCOME, distribution, value).percentile for value in values]
    known = [stand for stand in stands if stand is not None]
    assert len(known) == len(values)
    assert all(lower <= higher + 1e-9 for lower, higher in pairwise(known))
    assert 0.0 <= known[0] <= known[-1] <= 100.0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["spread", "skewed", "counted", "flag"]))
def test_percentiles_are_within_a_bin_of_the_true_ones(seed: int, shape: str) -> None:
    rng = np.random.default_rng(seed)
    values = {
        "spread": rng.normal(0, 1, 1500),
        "skewed": rng.lognormal(9, 1.5, 1500),
        "counted": rng.poisson(2.0, 1500).astype(float),
        "flag": (rng.random(1500) < 0.4).astype(float),
    }[shape]
    matrix = FeatureMatrix(pl.Series("key", range(1500)), (INCOME,), values[:, None].copy())
    pd = rng.beta(2, 20, 1500)
    profile = build_profile(matrix, pd, pd >= 0.15)
    for own in rng.choice(values, 10):
        (place,) = place_features(matrix.columns, profile.features, np.array([own]))
        assert place.bin is not None
        # Ties count half, as SciPy's "mean" has it.
        error = abs(place.percentile - percentileofscore(values, own, kind="mean"))
        assert error <= (0.01 if shape == "flag" else 100 * place.shares[place.bin])
    for own in rng.choice(pd, 10):
        place = place_pd(profile.pd, float(own))
        assert place.percentile == pytest.approx(percentileofscore(pd, own, kind="mean"), abs=2.0)


def test_approval_rates_of_a_real_profile_are_those_of_its_policy() -> None:
    rng = np.random.default_rng(5)
    values, pd = rng.normal(0, 1, (800, 1)), rng.beta(2, 20, 800)
    matrix = FeatureMatrix(pl.Series("key", range(800)), (INCOME,), values)
    profile = build_profile(matrix, pd, pd >= 0.15)
    place = place_feature(INCOME, profile.features[0], 0.0)
    weighed = sum(share * rate for share, rate in zip(place.shares, place.approved, strict=True) if rate is not None)
    assert weighed == pytest.approx(profile.approval_rate)
