from __future__ import annotations

import json

import numpy as np
import pytest

from scorewright.decision.costs import cost_per_application
from scorewright.decision.threshold import (
    APPROVE_ALL,
    REFUSE_ALL,
    all_cuts,
    best_money_threshold,
    best_threshold,
    priced_cuts,
)
from scorewright.domain.costs import CostMatrix, LoanCosts

COSTS = CostMatrix(10.0, 1.0)


def test_the_threshold_lies_midway_between_neighbours() -> None:
    found = best_threshold(np.array([0.1, 0.2, 0.4, 0.9]), np.array([0, 0, 1, 1]), COSTS)
    assert found.value == pytest.approx(0.3)
    assert found.cost == 0.0
    assert found.approval_rate == 0.5


def test_equal_pds_are_never_parted() -> None:
    found = best_threshold(np.array([0.2, 0.2, 0.2]), np.array([1, 0, 0]), CostMatrix(1.0, 1.0))
    assert found.value == APPROVE_ALL
    assert found.cost == pytest.approx(1 / 3)


def test_when_no_one_defaults_everyone_is_approved_even_at_a_pd_of_one() -> None:
    pd = np.array([0.0, 0.5, 1.0])
    found = best_threshold(pd, np.zeros(3), COSTS)
    assert not (pd >= found.value).any()
    assert found.approval_rate == 1.0


def test_when_everyone_defaults_everyone_is_refused_even_at_a_pd_of_zero() -> None:
    pd = np.array([0.0, 0.5, 1.0])
    found = best_threshold(pd, np.ones(3), COSTS)
    assert found.value == REFUSE_ALL
    assert (pd >= found.value).all()


def test_between_equal_costs_the_fewest_are_refused() -> None:
    found = best_threshold(np.array([0.1, 0.5]), np.array([1, 0]), CostMatrix(1.0, 1.0))
    assert found.value == APPROVE_ALL


def test_neighbouring_floats_are_parted_all_the_same() -> None:
    low = 0.3
    high = float(np.nextafter(low, 1.0))
    found = best_threshold(np.array([low, high]), np.array([0, 1]), COSTS)
    assert low < found.value <= high


def test_thresholds_survive_json() -> None:
    assert json.loads(json.dumps([APPROVE_ALL, REFUSE_ALL], allow_nan=False)) == [APPROVE_ALL, REFUSE_ALL]
    assert APPROVE_ALL > 1.0


def test_cuts_go_from_refusing_all_to_approving_all() -> None:
    cuts = all_cuts(np.array([0.3, 0.1, 0.3]), np.array([1, 0, 0]))
    assert cuts.true_positive.tolist() == [1.0, 1.0, 0.0]
    assert cuts.false_positive.tolist() == [2.0, 1.0, 0.0]
    assert (cuts.defaults, cuts.rows) == (1, 3)


def test_on_calibrated_pds_it_comes_near_the_closed_form() -> None:
    rng = np.random.default_rng(5)
    pd = rng.beta(1.0, 8.0, 200_000)
    target = rng.random(pd.size) < pd
    found = best_threshold(pd, target, COSTS)
    assert found.value == pytest.approx(COSTS.closed_form_threshold, abs=0.02)
    at_closed_form = cost_per_application(target, pd >= COSTS.closed_form_threshold, COSTS)
    assert found.cost == pytest.approx(at_closed_form, rel=0.005)


LOANS = LoanCosts(
    np.array([50.0, 80.0, 90.0, np.nan]), np.array([10.0, 0.0, 40.0, 5.0]), np.array([0.0, 3.0, 0.0, 0.0])
)


def test_money_is_priced_loan_by_loan_at_every_cut_and_the_unknown_left_out() -> None:
    cuts = priced_cuts(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 0, 1, 1]), LOANS)
    assert cuts.thresholds == pytest.approx([REFUSE_ALL, 0.15, 0.25, APPROVE_ALL])
    assert (3 * cuts.costs(np.ones(3))).tolist() == [10.0, 0.0, 3.0, 93.0]
    assert (5 * cuts.costs(np.array([1.0, 0.0, 4.0]))).tolist() == [10.0, 0.0, 0.0, 360.0]


def test_the_best_threshold_in_money_is_that_of_the_cheapest_cut() -> None:
    found = best_money_threshold(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 0, 1, 1]), LOANS)
    assert (found.value, found.cost, found.approval_rate) == (pytest.approx(0.15), 0.0, pytest.approx(1 / 3))


def test_between_cuts_that_only_rounding_parts_the_fewest_are_refused() -> None:
    pd, loans = np.array([0.1, 0.2, 0.3]), LoanCosts(np.full(3, 0.3), np.array([0.1, 0.2, 0.0]), np.zeros(3))
    found = best_money_threshold(pd, np.array([0, 0, 1]), LoanCosts(loans.missed_default, np.zeros(3), np.zeros(3)))
    assert found.value == pytest.approx(0.25)
    equal = best_money_threshold(
        pd, np.array([1, 1, 0]), LoanCosts(np.array([0.1, 0.2, 0.0]), np.full(3, 0.3), np.zeros(3))
    )
    assert equal.value == APPROVE_ALL
