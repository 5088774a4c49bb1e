from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scorewright.decision.bootstrap import Resampling
from scorewright.decision.costs import cost_per_application
from scorewright.decision.money import matrix_as_loans
from scorewright.decision.stability import threshold_choice
from scorewright.decision.threshold import best_threshold
from scorewright.domain.costs import CostMatrix, LoanCosts
from scorewright.errors import DataError

COSTS = CostMatrix(10.0, 1.0)


def population(rows: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    pd = rng.beta(1.0, 6.0, rows).round(3)
    return pd, rng.random(rows) < pd


def test_choosing_again_by_hand_gives_the_same_intervals() -> None:
    """Independent: rows drawn and written out, each resample given to `best_threshold`."""
    pd, target = population(300, 1)
    resampling = Resampling(40, seed=3)
    found = threshold_choice(pd, target, matrix_as_loans(COSTS, 300), resampling)
    order = np.lexsort((target, pd))
    pd, target = pd[order], target[order]
    chosen, seen, everywhere = [], [], []
    for times in resampling.draws(300):
        rows = np.repeat(np.arange(300), times.astype(int))
        again = best_threshold(pd[rows], target[rows], COSTS)
        seen.append(again.cost)
        chosen.append(again.value)
        everywhere.append(cost_per_application(target, pd >= again.value, COSTS))
    optimism = np.mean(np.array(everywhere) - seen)
    assert found.apparent == best_threshold(pd, target, COSTS).cost
    assert found.optimism == pytest.approx(optimism, abs=0.01)
    assert found.cost.low == pytest.approx(np.quantile(seen, 0.025) + found.optimism)
    assert found.threshold.low == pytest.approx(np.quantile(chosen, 0.025), abs=0.005)
    assert found.threshold.high == pytest.approx(np.quantile(chosen, 0.975), abs=0.005)


def test_the_corrected_cost_is_nearer_to_that_on_new_rows() -> None:
    truth_pd, truth_target = population(200_000, 2)
    gaps = []
    for seed in range(40):
        rows = np.random.default_rng(seed).integers(0, truth_pd.size, 200)
        pd, target = truth_pd[rows], truth_target[rows]
        found = threshold_choice(pd, target, matrix_as_loans(COSTS, 200), Resampling(40, seed=seed))
        truth = cost_per_application(truth_target, truth_pd >= found.threshold.estimate, COSTS)
        gaps.append((found.apparent - truth, found.cost.estimate - truth))
    apparent, corrected = np.mean(gaps, axis=0)
    assert apparent < 0.0
    assert abs(corrected) < abs(apparent)


def test_more_rows_fix_the_threshold_more_firmly() -> None:
    few, many = (
        threshold_choice(*population(rows, 4), matrix_as_loans(COSTS, rows), Resampling(100)) for rows in (300, 10_000)
    )
    assert many.threshold.high - many.threshold.low < few.threshold.high - few.threshold.low
    assert many.threshold.low < COSTS.closed_form_threshold < many.threshold.high


def test_the_order_of_the_rows_has_no_say_and_the_seed_has() -> None:
    pd, target = population(200, 5)
    loans = matrix_as_loans(COSTS, 200)
    order = np.random.default_rng(0).permutation(200)
    first = threshold_choice(pd, target, loans, Resampling(20))
    assert threshold_choice(pd[order], target[order], loans, Resampling(20)) == first
    assert threshold_choice(pd, target, loans, Resampling(20, seed=1)) != first


def test_a_book_without_amounts_is_refused() -> None:
    unknown = LoanCosts(np.full(2, np.nan), np.full(2, np.nan), np.full(2, np.nan))
    with pytest.raises(DataError, match="known amounts"):
        threshold_choice(np.array([0.1, 0.2]), np.array([0, 1]), unknown)
