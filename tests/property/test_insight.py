"""What holds of importances, ranks and bins whatever the numbers."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats

from scorewright.domain.matrix import FeatureColumn, Label
from scorewright.explain.dependence import BINS, MINIMUM_COUNT, dependence, direction
from scorewright.explain.held_out import HeldOut
from scorewright.explain.interactions import interactions
from scorewright.explain.permutation import auc, permutation_falls
from scorewright.explain.stability import kendall_w, rank_ranges
from scorewright.explain.swarm import swarm

Floats = NDArray[np.float64]
COLUMN = FeatureColumn("x", "numeric", Label("X", "X"), ("application.X",))
COLUMNS = tuple(FeatureColumn(name, "numeric", Label(name, name), ("application.X",)) for name in "abc")

coarse = st.integers(-6, 6).map(float)
judged = st.tuples(st.integers(2, 6), st.integers(2, 9)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=coarse)
)
orders = st.tuples(st.integers(2, 6), st.integers(2, 9)).flatmap(
    lambda shape: st.lists(st.permutations(range(shape[1])), min_size=shape[0], max_size=shape[0])
)
numbers = st.one_of(coarse, st.floats(-1e9, 1e9), st.just(float("nan")))
seen = st.integers(1, 120).flatmap(
    lambda rows: st.tuples(
        arrays(np.float64, rows, elements=numbers), arrays(np.float64, rows, elements=st.floats(-5, 5))
    )
)


@given(orders)
def test_without_ties_w_is_the_mean_correlation_of_spearman(drawn: list[list[int]]) -> None:
    judges = np.array(drawn, dtype=np.float64)
    m = len(judges)
    mean = np.mean([stats.spearmanr(one, other).statistic for one, other in combinations(judges, 2)])
    assert abs(kendall_w(judges) - ((m - 1) * mean + 1) / m) < 1e-12


@given(judged)
def test_w_is_a_share_and_friedmans_statistic(judges: Floats) -> None:
    m, p = judges.shape
    w = kendall_w(judges)
    assert -1e-12 <= w <= 1 + 1e-12
    if p > 2 and (np.ptp(judges, axis=1) > 0).any():
        assert abs(stats.friedmanchisquare(*judges.T).statistic - w * m * (p - 1)) < 1e-8


@given(judged)
def test_the_best_rank_is_no_worse_than_the_worst(judges: Floats) -> None:
    best, worst = rank_ranges(judges)
    assert (best >= 1).all()
    assert (best <= worst).all()
    assert (worst <= judges.shape[1]).all()
    assert best.min() == 1


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(arrays(float, n, elements=coarse), arrays(bool, n))))
def test_the_auc_is_the_share_of_pairs_won(drawn: tuple[Floats, NDArray[np.bool_]]) -> None:
    score, bad = drawn
    gaps = score[bad][:, None] - score[~bad][None, :]
    expected = np.mean((gaps > 0) + 0.5 * (gaps == 0)) if gaps.size else np.nan
    np.testing.assert_allclose(auc(score, bad.astype(int)), expected, atol=1e-12)


@given(arrays(np.float64, (12, 3), elements=numbers), st.tuples(coarse, coarse, coarse))
def test_a_sum_has_neither_interaction_nor_a_fall_for_what_it_leaves_out(
    values: Floats, slopes: tuple[float, float, float]
) -> None:
    def score(rows: Floats) -> Floats:
        return np.tanh(np.nan_to_num(rows, nan=0.5)) @ np.array(slopes)

    fold = HeldOut(values, (np.arange(12) % 2).astype(np.int8), score)
    assert all(pair.strength < 1e-9 for pair in interactions([fold], COLUMNS, [0, 1, 2]))
    falls = permutation_falls([fold, fold], [at for at, slope in enumerate(slopes) if slope == 0.0], seed=1)
    assert all(fall is not None and abs(fall.estimate) < 1e-12 for fall in falls.values())


@given(seen)
def test_the_direction_is_that_of_spearman(drawn: tuple[Floats, Floats]) -> None:
    values, moved = drawn
    known = ~np.isnan(values)
    found = direction(COLUMN, values, moved)
    if known.sum() > 1 and np.ptp(values[known]) > 0 and np.ptp(moved[known]) > 0:
        assert abs(found - stats.spearmanr(values[known], moved[known]).statistic) < 1e-9
    else:
        assert found == 0.0


@given(seen)
def test_bins_are_large_and_part_the_applications_in_order(drawn: tuple[Floats, Floats]) -> None:
    values, moved = drawn
    found = dependence(COLUMN, values, moved)
    assert len(set(found.bins)) == len(found.bins) <= BINS + 1
    assert all(rows >= MINIMUM_COUNT for rows in found.rows)
    known, missing = int(np.sum(~np.isnan(values))), int(np.sum(np.isnan(values)))
    assert sum(found.rows) == sum(count for count in (known, missing) if count >= MINIMUM_COUNT)
    assert all(low <= high for low, high in zip(found.low, found.high, strict=True))


@given(seen)
def test_a_swarm_holds_ranks_and_no_row_can_be_told(drawn: tuple[Floats, Floats]) -> None:
    values, moved = drawn
    found = swarm(COLUMN, values, moved)
    assert list(found.contributions) == sorted(found.contributions)
    assert sum(rank is None for rank in found.ranks) == int(np.sum(np.isnan(values)))
    assert all(rank is None or 0.0 <= rank <= 1.0 for rank in found.ranks)
    order = np.random.default_rng(0).permutation(len(values))
    assert swarm(COLUMN, values[order], moved[order]) == found
