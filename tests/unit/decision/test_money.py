from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from scorewright.decision.money import (
    check_terms,
    expected_costs,
    known,
    loan_costs,
    loan_rule,
    loan_threshold,
    matrix_as_loans,
    realised_money,
    take,
)
from scorewright.domain.costs import CostMatrix, LoanCosts, MoneyTerms
from scorewright.errors import DataError, PortfolioError

TERMS = MoneyTerms("AMT_CREDIT", 0.4, 0.1, "AMT_ANNUITY", recovery_cost=50.0, handling_cost=30.0)
ONCE = replace(TERMS, annuity=None)


def one(amount: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([amount])


def test_a_missed_default_loses_its_share_of_the_exposure_the_collecting_and_the_handling() -> None:
    assert loan_costs(ONCE, np.array([1000.0, 0.0])).missed_default.tolist() == [480.0, 80.0]


def test_without_an_annuity_the_margin_is_earned_on_the_exposure_once() -> None:
    costs = loan_costs(ONCE, np.array([1000.0, 100.0]))
    assert costs.refused_good.tolist() == [70.0, 0.0]
    assert costs.unprofitable.tolist() == [0.0, 20.0]


def test_with_an_annuity_the_margin_is_the_sum_over_the_months_of_a_straight_line() -> None:
    """Independent: what is outstanding in the middle of each month, twelfth by twelfth of the yearly rate."""
    exposure, annuity = 2400.0, 100.0
    months = int(exposure / annuity)
    outstanding = [exposure - annuity * (month + 0.5) for month in range(months)]
    margin = sum(owed * TERMS.margin_rate / 12 for owed in outstanding)
    found = loan_costs(TERMS, one(exposure), one(annuity))
    assert found.refused_good.item() == pytest.approx(margin - TERMS.handling_cost)


@pytest.mark.parametrize("annuity", [0.0, float("nan")])
def test_an_unknown_or_empty_instalment_leaves_only_the_margin_unknown(annuity: float) -> None:
    found = loan_costs(TERMS, one(1000.0), one(annuity))
    assert found.missed_default.item() == 480.0
    assert np.isnan(found.refused_good.item())
    assert np.isnan(found.unprofitable.item())
    assert not known(found).any()


def test_an_unknown_exposure_makes_every_cost_unknown_and_harms_no_other_loan() -> None:
    found = loan_costs(ONCE, np.array([np.nan, 1000.0]))
    assert known(found).tolist() == [False, True]
    assert np.isnan(found.missed_default[0])


@pytest.mark.parametrize(("exposure", "annuity", "column", "words"), [
    ([np.inf, 1.0], [1.0, 1.0], "AMT_CREDIT", "1 infinite in 2 rows"),
    ([-5.0, -np.inf], [1.0, 1.0], "AMT_CREDIT", "1 infinite and 1 negative in 2 rows"),
    ([1.0], [-1.0], "AMT_ANNUITY", "1 negative in 1 row"),
    ([1e300], [1e-300], "AMT_CREDIT and AMT_ANNUITY", "an infinite cost in 1 row"),
])  # fmt: skip
def test_impossible_amounts_are_refused_by_column_count_and_remedy(
    exposure: list[float], annuity: list[float], column: str, words: str
) -> None:
    for terms in (TERMS, replace(TERMS, margin_rate=0.0)):
        with pytest.raises(DataError) as caught:
            loan_costs(terms, np.array(exposure), np.array(annuity))
        assert repr(column) in caught.value.rule
        assert caught.value.value == words
        assert caught.value.remedy


@pytest.mark.parametrize(("name", "value"), [
    ("lgd", 1.01), ("lgd", -0.01), ("lgd", float("nan")), ("margin_rate", -0.1), ("margin_rate", float("inf")),
    ("recovery_cost", -1.0), ("handling_cost", float("nan")), ("referral_cost", float("inf")),
])  # fmt: skip
def test_impossible_terms_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(PortfolioError, match=f"The term {name} must be") as caught:
        check_terms(replace(TERMS, **{name: value}))
    assert caught.value.value == str(value)


@pytest.mark.parametrize("lgd", [0.0, 1.0])
def test_the_ends_of_the_range_are_allowed(lgd: float) -> None:
    check_terms(replace(ONCE, lgd=lgd, margin_rate=0.0))


def test_instalments_are_given_exactly_where_they_are_stated() -> None:
    for terms, annuity in ((TERMS, None), (ONCE, one(1.0))):
        with pytest.raises(ValueError, match="exactly where"):
            loan_costs(terms, one(1.0), annuity)
    with pytest.raises(ValueError, match="do not belong"):
        loan_costs(TERMS, one(1.0), np.ones(2))


def test_expected_costs_weigh_each_outcome_by_the_pd() -> None:
    loans = LoanCosts(np.array([100.0, 100.0]), np.array([20.0, 0.0]), np.array([0.0, 8.0]))
    found = expected_costs(np.array([0.25, 0.25]), loans)
    assert found.granting.tolist() == [25.0, 31.0]
    assert found.refusing.tolist() == [15.0, 0.0]


def test_what_earns_nothing_is_refused_at_any_pd_and_what_cannot_lose_only_when_default_is_certain() -> None:
    loans = LoanCosts(np.array([10.0, 0.0, 0.0, 10.0]), np.array([0.0, 10.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, 5.0]))
    assert loan_threshold(loans).tolist() == [0.0, 1.0, 0.0, 0.0]


def test_a_loan_of_unknown_amounts_is_never_approved_by_accident() -> None:
    unknown = LoanCosts(np.array([np.nan, 90.0]), np.array([np.nan, np.nan]), np.zeros(2))
    assert np.isnan(loan_threshold(unknown)).all()
    assert loan_rule(np.array([0.3, 0.3]), unknown, 0.2).all()
    assert not loan_rule(np.array([0.1, 0.1]), unknown, 0.2).any()


def test_realised_money_is_each_cell_of_the_table() -> None:
    loans = LoanCosts(np.full(4, 100.0), np.full(4, 20.0), np.full(4, 7.0))
    target, refused = np.array([1, 1, 0, 0]), np.array([True, False, True, False])
    assert realised_money(target, refused, loans).tolist() == [0.0, 100.0, 20.0, 7.0]


def test_realised_money_of_unknown_amounts_is_unknown() -> None:
    loans = LoanCosts(np.array([100.0]), np.array([np.nan]), np.array([np.nan]))
    assert np.isnan(realised_money(np.array([1]), np.array([False]), loans)).all()


def test_loans_are_taken_by_position_or_by_flag() -> None:
    loans = LoanCosts(np.arange(3.0), np.arange(3.0), np.arange(3.0))
    assert take(loans, np.array([2, 0])).missed_default.tolist() == [2.0, 0.0]
    assert take(loans, np.array([False, True, False])).unprofitable.tolist() == [1.0]


def test_the_constant_matrix_is_a_book_of_equal_loans() -> None:
    loans = matrix_as_loans(CostMatrix(10.0, 1.0), 2)
    assert loan_threshold(loans) == pytest.approx(CostMatrix(10.0, 1.0).closed_form_threshold)
    assert not loans.unprofitable.any()
