"""Scorecards and their bins, over all the counts and columns there may be."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.models.candidates.binning import (
    CHARGE,
    MOST_PARTS,
    Counts,
    Direction,
    Limits,
    fine_edges,
    information_value,
    optimal_starts,
    roundest,
    weights_of_evidence,
)
from scorewright.models.candidates.scorecard import WoeScorecard
from scorewright.models.scorecard import Scorecard

amounts = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=8)
numbers = st.floats(-1e150, 1e150)


def counts(of: list[tuple[int, int]]) -> Counts:
    good, bad = np.array(of, dtype=np.float64).T
    return Counts(good, bad)


def value(starts: tuple[int, ...], of: Counts) -> float:
    """The log-likelihood of the outcomes at each bin's own rate, less the charge, written out."""
    total = -CHARGE * (len(starts) - 1)
    for begin, end in zip(starts, (*starts[1:], len(of.good)), strict=True):
        good, bad = float(of.good[begin:end].sum()), float(of.bad[begin:end].sum())
        total += sum(side * np.log(side / (good + bad)) for side in (good, bad) if side)
    return total


def fits(starts: tuple[int, ...], of: Counts, limits: Limits, direction: Direction) -> bool:
    joined = of.joined(np.array(starts, dtype=np.intp))
    steps = np.diff(limits.smoothed(joined))
    ways = [1, -1] if direction == 0 else [direction]
    return bool((joined.rows >= limits.fewest).all()) and any((way * steps >= 0).all() for way in ways)


@given(amounts, st.integers(0, 60), st.integers(1, 5), st.sampled_from([-1, 0, 1]), st.floats(0.01, 0.9))
def test_no_other_cut_is_better(
    of: list[tuple[int, int]], fewest: int, most: int, direction: Direction, rate: float
) -> None:
    parts, limits = counts(of), Limits(fewest, most, rate)
    found = tuple(int(start) for start in optimal_starts(parts, limits, direction))
    every = [(0, *cuts) for size in range(most) for cuts in combinations(range(1, len(of)), size)]
    possible = [starts for starts in every if fits(starts, parts, limits, direction)]
    if not possible:
        assert found == (0,)
        return
    assert found in possible
    assert value(found, parts) >= max(value(starts, parts) for starts in possible) - 1e-9


@given(amounts)
def test_woe_is_finite_and_the_information_value_is_never_below_zero(of: list[tuple[int, int]]) -> None:
    parts = counts([*of, (30, 10)])
    assert np.isfinite(weights_of_evidence(parts)).all()
    assert information_value(parts) >= 0.0


@given(st.lists(numbers, min_size=1, max_size=200))
def test_fine_edges_lie_between_values_and_leave_no_part_empty(values: list[float]) -> None:
    edges = fine_edges(np.array(values))
    parts = np.searchsorted(edges, np.array(values), side="right")
    assert len(edges) < MOST_PARTS
    assert (np.diff(edges) > 0).all()
    assert len(np.unique(parts)) == len(edges) + 1


@given(numbers, numbers)
def test_a_round_number_lies_between_two_others(one: float, other: float) -> None:
    low, high = sorted((one, other))
    if low < high:
        assert low < roundest(low, high) <= high


@st.composite
def portfolios(draw: st.DrawFn) -> tuple[FeatureMatrix, NDArray[np.int8]]:
    """A trend, a category, noise with gaps and a constant, of a few to a few hundred applications."""
    rows, seed = draw(st.integers(8, 300)), draw(st.integers(0, 10_000))
    declared = draw(st.sampled_from([-1, 0, 1]))
    random = np.random.default_rng(seed)
    trend, kind = random.normal(size=rows), random.integers(0, 4, rows) * 1.0
    values = np.column_stack([trend, kind, random.lognormal(3, 2, rows), np.full(rows, 5.0)])
    values[random.random(values.shape) < draw(st.sampled_from([0.0, 0.2, 0.9]))] = np.nan
    target = (random.random(rows) < 1 / (1 + np.exp(1 - trend - (kind == 2)))).astype(np.int8)
    target[:2] = 0, 1
    columns = (
        FeatureColumn("trend", "numeric", Label("t", "t"), ("a.t",), (), declared),
        FeatureColumn("kind", "category", Label("k", "k"), ("a.k",), ("p", "q", "r", "s", "unseen")),
        FeatureColumn("noise", "numeric", Label("n", "n"), ("a.n",)),
        FeatureColumn("constant", "numeric", Label("c", "c"), ("a.c",)),
    )
    return FeatureMatrix(pl.Series("key", np.arange(rows)), columns, values), target


def fitted(portfolio: tuple[FeatureMatrix, NDArray[np.int8]]) -> Scorecard:
    of = WoeScorecard()
    return of.fit(of.prepare(*portfolio), {}, 0)


@given(portfolios())
def test_points_are_a_line_through_the_log_odds(portfolio: tuple[FeatureMatrix, NDArray[np.int8]]) -> None:
    values, model = portfolio[0].values, fitted(portfolio)
    np.testing.assert_allclose(model.contributions(values).sum(axis=1), model.score(values), rtol=0, atol=1e-12)
    odds = np.exp(-model.log_odds(values))
    np.testing.assert_allclose(model.points(values).sum(axis=1), 600 + 20 * np.log2(odds / 50), rtol=0, atol=1e-9)


@given(portfolios())
def test_the_base_is_the_mean_score_of_training(portfolio: tuple[FeatureMatrix, NDArray[np.int8]]) -> None:
    model = fitted(portfolio)
    assert abs(model.score(portfolio[0].values).mean() - model.base) < 1e-9


@given(portfolios())
def test_a_sealed_scorecard_scores_the_same_one_by_one(portfolio: tuple[FeatureMatrix, NDArray[np.int8]]) -> None:
    matrix, model = portfolio[0], fitted(portfolio)
    loaded = Scorecard.load(model.files(), matrix.columns)
    one_by_one = [loaded.score(matrix.values[row : row + 1])[0] for row in range(len(matrix.values))]
    np.testing.assert_array_equal(one_by_one, model.score(matrix.values))


@given(portfolios())
def test_risk_follows_the_declared_direction(portfolio: tuple[FeatureMatrix, NDArray[np.int8]]) -> None:
    matrix, model = portfolio[0], fitted(portfolio)
    grid = np.repeat(matrix.values[:1], 50, axis=0)
    grid[:, 0] = np.linspace(-4, 4, 50)
    steps = np.diff(model.score(grid))
    declared = matrix.columns[0].monotone
    assert (declared * steps >= 0).all() if declared else (steps >= 0).all() or (steps <= 0).all()
