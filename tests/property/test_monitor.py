from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.monitor.binning import MINIMUM_COUNT, bin_counts, pooled_groups, quantile_edges
from scorewright.monitor.drift import DriftReport, compare
from scorewright.monitor.measures import benjamini_hochberg, chi_squared_p, pool, psi
from scorewright.monitor.profile import CategoryProfile, Profile, build_profile

LABEL = Label("Label", "Libellé")
KINDS = ("normal", "lognormal", "count", "gaps", "flag", "category", "constant")
COLUMNS = tuple(
    FeatureColumn(
        f"{kind}_{number}",
        "category" if kind == "category" else "numeric",
        LABEL,
        ("application.X",),
        tuple(f"{letter}" for letter in "abcdefghijklmnopqrstuvwxyz") if kind == "category" else (),
    )
    for kind in KINDS
    for number in range(3)
)

finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.one_of(
    arrays(np.float64, st.integers(0, 120), elements=finite),
    arrays(np.float64, st.integers(0, 120), elements=st.integers(-3, 3).map(float)),
)
histograms = st.integers(1, 12).flatmap(
    lambda bins: st.tuples(*[arrays(np.int64, bins, elements=st.integers(0, 60)).filter(np.any)] * 2)
)


def draw_feature(kind: str, rows: int, rng: np.random.Generator) -> NDArray[np.float64]:
    drawn = {
        "normal": lambda: rng.normal(0, 1, rows),
        "lognormal": lambda: rng.lognormal(8, 2, rows),
        "count": lambda: rng.poisson(1.5, rows).astype(np.float64),
        "gaps": lambda: np.where(rng.random(rows) < 0.03, np.nan, rng.exponential(1, rows)),
        "flag": lambda: (rng.random(rows) < 0.02).astype(np.float64),
        "category": lambda: np.minimum(rng.geometric(0.2, rows), 26) - 1.0,
        "constant": lambda: np.full(rows, 5.0),
    }
    return drawn[kind]()


def population(rows: int, seed: int) -> tuple[FeatureMatrix, NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    values = np.column_stack([draw_feature(column.name.split("_")[0], rows, rng) for column in COLUMNS])
    return FeatureMatrix(pl.Series("key", range(rows)), COLUMNS, values), rng.beta(1, 8, rows)


def reports(rows: int, number: int) -> Iterator[DriftReport]:
    """Compare fresh applications with fresh references: every report is one honest chance of a false alarm."""
    for seed in range(number):
        matrix, pd = population(2000, 2 * seed)
        yield compare(build_profile(matrix, pd, pd > 0.2), *population(rows, 2 * seed + 1))


@pytest.mark.parametrize("rows", [100, 1000])
def test_without_drift_alarms_and_small_p_values_are_as_rare_as_stated(rows: int) -> None:
    found = list(reports(rows, 60))
    p_values = np.array([row.shift.p_value for report in found for row in (*report.features, report.pd)])
    assert np.mean([report.drifted for report in found]) <= 0.05
    assert np.mean([row.shift.verdict != "stable" for report in found for row in report.features]) <= 0.01
    assert np.mean(p_values < 0.05) <= 0.06
    assert np.mean(p_values < 0.01) <= 0.018


@pytest.mark.parametrize(("rows", "shift"), [(100, 1.0), (1000, 0.5)])
def test_a_planted_shift_is_found_every_time(rows: int, shift: float) -> None:
    for seed in range(10):
        matrix, pd = population(2000, 2 * seed)
        recent, recent_pd = population(rows, 2 * seed + 1)
        recent.values[:, 0] += shift
        report = compare(build_profile(matrix, pd, pd > 0.2), recent, recent_pd)
        assert report.features[0].shift.verdict == "drifted"


@given(values, st.integers(2, 50))
def test_every_bin_hides_a_person_among_others(sample: NDArray[np.float64], bins: int) -> None:
    edges = quantile_edges(np.sort(sample), bins)
    counts = bin_counts(sample, edges)
    assert counts.sum() == sample.size
    assert counts.size < 2 * bins
    assert np.all(np.diff(edges) > 0)
    assert np.all(np.isfinite(edges))
    if counts.size > 1:
        assert counts.min() >= MINIMUM_COUNT


@given(values.filter(lambda sample: sample.size >= MINIMUM_COUNT), st.integers(0, 3))
def test_a_profile_counts_everyone_names_no_one_and_survives_json(sample: NDArray[np.float64], modulus: int) -> None:
    category = np.arange(sample.size) ** 2 % 26 % (modulus + 1)
    columns = (COLUMNS[0], next(column for column in COLUMNS if column.kind == "category"))
    matrix = FeatureMatrix(pl.Series("key", range(sample.size)), columns, np.column_stack([sample, category]))
    profile = build_profile(matrix, np.linspace(0, 1, sample.size), np.zeros(sample.size, dtype=np.bool_))
    assert Profile.from_json_bytes(profile.to_json_bytes()) == profile
    named = profile.features[1]
    assert isinstance(named, CategoryProfile)
    assert sum(named.counts.values()) + named.other == sample.size
    assert min([*named.counts.values(), named.other or MINIMUM_COUNT]) >= MINIMUM_COUNT


@given(arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 20)), st.integers(1, 40))
def test_groups_are_neighbours_and_large_enough(counts: NDArray[np.int64], at_least: int) -> None:
    groups = pooled_groups(counts, at_least)
    assert set(np.diff(groups).tolist()) <= {0, 1}
    totals = np.bincount(groups, weights=counts)
    assert totals.size == 1 or totals.min() >= at_least


@given(histograms)
def test_psi_is_a_divergence(pair: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
    then, now = pair
    assert psi(then, now) >= 0.0
    assert np.isclose(psi(then, now), psi(now, then))
    assert psi(then, then) == 0.0


@given(histograms)
def test_p_values_are_probabilities_whatever_the_counts(
    pair: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> None:
    then, now = pool(*pair)
    assert 0.0 <= chi_squared_p(then, now) <= 1.0


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(0.0, 1.0)))
def test_adjusting_never_lowers_a_p_value_nor_changes_their_order(p_values: NDArray[np.float64]) -> None:
    adjusted = benjamini_hochberg(p_values)
    assert np.all(adjusted >= p_values)
    assert np.all(adjusted <= 1.0)
    assert np.all(np.diff(adjusted[np.argsort(p_values)]) >= 0.0)
