from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scorewright.decision.bootstrap import Resampling, paired_cost_difference
from scorewright.decision.cases import Cases, Decided
from scorewright.decision.costs import cost_per_application
from scorewright.decision.policy import Policy
from scorewright.decision.referral import Band
from scorewright.decision.strategy import Move, Prices, compare, mean_interval, tally
from scorewright.domain.costs import CostMatrix, LoanCosts

COSTS = CostMatrix(10.0, 1.0)
CODES = np.array([0, 0, 1, 1, 1, 1, 2, 2], dtype=np.int8)
OPINION = np.array([0, 0, 0, 0, 2, 2, 2, 0], dtype=np.int8)
TARGET = np.array([0, 1, 0, 1, 0, 1, 0, 1], dtype=np.int8)


def decided(codes: NDArray[np.int8], opinion: NDArray[np.int8] | None = None) -> Decided:
    none = np.zeros((len(codes), 0), dtype=np.bool_)
    return Decided(codes, codes if opinion is None else opinion, np.full(len(codes), 0.5), none)


def population(rows: int) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    rng = np.random.default_rng(1)
    pd = rng.beta(1, 6, rows)
    return pd, (rng.random(rows) < pd).astype(np.int8)


def test_each_decision_has_its_price_and_referrals_that_of_the_pd_alone() -> None:
    units = Prices(COSTS).units(TARGET, decided(CODES, OPINION))
    #       approved  |  referred, PD approves  |  PD refuses | refused, whatever the PD says
    assert units.tolist() == [0, 10, 0, 10, 1, 0, 1, 0]


def test_money_adds_what_a_referral_costs() -> None:
    loans = LoanCosts(np.full(8, 500.0), np.full(8, 40.0), np.full(8, 2.0))
    money = Prices(COSTS, loans, 3.0).money(TARGET, decided(CODES, OPINION))
    assert money is not None
    assert money.tolist() == [2, 500, 5, 503, 43, 3, 40, 0]


def test_an_unknown_amount_has_no_price_in_money() -> None:
    loans = LoanCosts(np.array([np.nan, 500.0]), np.array([1.0, 40.0]), np.zeros(2))
    found = tally(decided(np.zeros(2, dtype=np.int8)), np.array([1, 1], dtype=np.int8), Prices(COSTS, loans))
    assert (found.money, found.priced, found.cost) == (500.0, 1, 10.0)


def test_a_tally_counts_outcomes_and_the_bad_rate_of_those_approved() -> None:
    found = tally(decided(CODES, OPINION), TARGET, Prices(COSTS))
    assert (found.applications, found.approved, found.referred, found.refused) == (8, 2, 4, 2)
    assert (found.bad_rate, found.cost, found.money) == (0.5, 22 / 8, None)
    nobody = tally(decided(np.full(3, 2, dtype=np.int8)), TARGET[:3], Prices(COSTS))
    assert nobody.bad_rate is None


def test_without_outcomes_decisions_are_counted_and_nothing_is_priced() -> None:
    found = tally(decided(CODES))
    assert (found.approved, found.referred, found.refused, found.bad_rate, found.cost) == (2, 4, 2, None, None)
    difference = compare(decided(CODES), decided(CODES[::-1].copy()))
    assert (difference.cost, difference.money) == (None, None)
    assert {move.default_rate for move in difference.moves} == {None}


def test_who_changes_sides_is_told_with_how_they_ended() -> None:
    after = np.array([0, 2, 0, 0, 1, 1, 2, 2], dtype=np.int8)
    difference = compare(decided(CODES), decided(after), TARGET, Prices(COSTS))
    assert difference.moves == (Move("approve", "refuse", 1, 1.0), Move("refer", "approve", 2, 0.5))


def test_without_a_referral_the_cost_and_its_difference_are_those_of_two_thresholds() -> None:
    pd, target = population(3000)
    before, after = (Policy(threshold, COSTS).decide(Cases(pd)) for threshold in (0.1, 0.2))
    prices = Prices(COSTS)
    difference = compare(before, after, target, prices, Resampling(2000, seed=3)).cost
    expected = paired_cost_difference(pd, 0.2, pd, 0.1, target, COSTS, 2000, 3)
    assert tally(before, target, prices).cost == pytest.approx(cost_per_application(target, pd >= 0.1, COSTS))
    assert difference is not None
    assert difference.estimate == pytest.approx(expected.estimate)
    assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))


def test_referring_by_a_band_costs_no_more_than_before_in_units_of_the_matrix() -> None:
    pd, target = population(500)
    plain, banded = Policy(0.1, COSTS), Policy(0.1, COSTS, referral=Band(0.2, 0.03, 0.2))
    before, after = plain.decide(Cases(pd)), banded.decide(Cases(pd))
    loans = LoanCosts(np.full(500, 10.0), np.full(500, 1.0), np.zeros(500))
    difference = compare(before, after, target, Prices(COSTS, loans, 0.5))
    assert difference.cost is not None
    assert difference.money is not None
    assert (difference.cost.estimate, difference.cost.low, difference.cost.high) == (0.0, 0.0, 0.0)
    assert difference.money.estimate == pytest.approx(0.5 * after.referred.mean())


def test_the_interval_of_a_mean_is_as_wide_as_the_central_limit_theorem_says() -> None:
    values = np.random.default_rng(2).normal(3.0, 2.0, 4000)
    interval = mean_interval(values, Resampling(1500, seed=1))
    assert interval.estimate == pytest.approx(values.mean())
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(4000), rel=0.1)


def test_large_draws_are_made_in_parts_of_the_same_distribution() -> None:
    values = np.random.default_rng(5).random(9000)
    interval = mean_interval(values, Resampling(1000, seed=2))
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(9000), rel=0.15)
    assert mean_interval(np.full(7, 2.5), Resampling(10)).high == 2.5
