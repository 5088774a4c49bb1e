from __future__ import annotations

import numpy as np
import pytest

from scorewright.decision.money import matrix_as_loans
from scorewright.decision.savings import checked_known, saved, savings
from scorewright.domain.costs import CostMatrix, LoanCosts
from scorewright.errors import DataError

TARGET = np.array([1, 1, 0, 0, 0])
LOANS = LoanCosts(np.full(5, 100.0), np.array([0.0, 0.0, 40.0, 60.0, np.nan]), np.array([0.0, 0.0, 0.0, 0.0, np.nan]))


def test_savings_are_shares_of_what_a_simple_policy_costs_on_loans_of_known_amounts() -> None:
    found = savings(TARGET, np.array([True, False, True, False, True]), LOANS)
    assert (found.cost, found.approve_all, found.refuse_all) == (140.0 / 4, 200.0 / 4, 100.0 / 4)
    assert found.over_approve_all == pytest.approx(0.3)
    assert found.over_refuse_all == pytest.approx(-0.4)
    assert found.over_cheaper == found.over_refuse_all


def test_nothing_to_save_gives_no_share() -> None:
    found = savings(np.zeros(3), np.ones(3, dtype=np.bool_), matrix_as_loans(CostMatrix(), 3))
    assert found.over_approve_all is None
    assert found.over_cheaper is None
    assert found.over_refuse_all == 0.0
    assert saved(1.0, 0.0) is None


def test_a_book_without_a_known_amount_is_refused() -> None:
    unknown = LoanCosts(np.full(2, np.nan), np.full(2, np.nan), np.full(2, np.nan))
    with pytest.raises(DataError, match="all 2 are empty"):
        checked_known(unknown)
