from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scorewright.decision.bootstrap import Resampling
from scorewright.decision.costs import cost_per_application, total_cost
from scorewright.decision.money import (
    expected_costs,
    known,
    loan_costs,
    loan_rule,
    loan_threshold,
    matrix_as_loans,
    realised_money,
)
from scorewright.decision.savings import savings
from scorewright.decision.sensitivity import Amounts, sweep_cost_ratio, sweep_lgd
from scorewright.decision.stability import threshold_choice
from scorewright.decision.threshold import APPROVE_ALL, best_money_threshold, best_threshold
from scorewright.domain.costs import CostMatrix, LoanCosts, MoneyTerms

Book = tuple[NDArray[np.float64], NDArray[np.int8], LoanCosts]

pds = st.one_of(st.integers(0, 8).map(lambda eighths: eighths / 8), st.floats(0.0, 1.0))
amounts = st.one_of(st.integers(0, 40).map(float), st.floats(0.0, 1e6))
nets = st.one_of(st.integers(-20, 20).map(float), st.floats(-1e5, 1e5))
cost_matrices = st.builds(CostMatrix, st.integers(0, 20).map(float), st.integers(0, 20).map(float))
terms = st.builds(
    MoneyTerms,
    exposure=st.just("amount"),
    lgd=st.floats(0.0, 1.0),
    margin_rate=st.floats(0.0, 0.5),
    annuity=st.just("instalment"),
    recovery_cost=st.floats(0.0, 100.0),
    handling_cost=st.floats(0.0, 100.0),
)


def as_loans(missed: NDArray[np.float64], net: NDArray[np.float64]) -> LoanCosts:
    return LoanCosts(missed, np.maximum(net, 0.0), np.maximum(-net, 0.0))


@st.composite
def books(draw: st.DrawFn, most: int = 25) -> Book:
    rows = draw(st.lists(st.tuples(pds, st.integers(0, 1), amounts, nets), min_size=1, max_size=most))
    pd, target, missed, net = (np.array(column) for column in zip(*rows, strict=True))
    return pd.astype(np.float64), target.astype(np.int8), as_loans(missed.astype(float), net.astype(float))


@st.composite
def decided(draw: st.DrawFn) -> tuple[Book, NDArray[np.bool_], int]:
    """A book, decisions on it, and the place of one of them."""
    book = draw(books())
    size = book[0].size
    refused = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    return book, refused, draw(st.integers(0, size - 1))


def right_decisions(target: NDArray[np.int8], loans: LoanCosts) -> NDArray[np.bool_]:
    """Refuse what defaults, and what would earn less than it costs to handle."""
    return (target == 1) | (loans.unprofitable > 0.0)


@given(decided(), cost_matrices)
def test_cost_never_falls_when_an_error_is_added(case: tuple[Book, NDArray[np.bool_], int], costs: CostMatrix) -> None:
    (_, target, loans), refused, place = case
    right, wrong = refused.copy(), refused.copy()
    right[place] = target[place] == 1
    wrong[place] = not right[place]
    assert total_cost(target, wrong, costs) >= total_cost(target, right, costs)
    right[place] = right_decisions(target, loans)[place]
    wrong[place] = not right[place]
    assert realised_money(target, wrong, loans)[place] >= realised_money(target, right, loans)[place] == 0.0
    others = np.arange(target.size) != place
    assert np.array_equal(*(realised_money(target, rule, loans)[others] for rule in (right, wrong)))


@given(books(most=7))
def test_the_per_loan_rule_is_the_cheapest_of_all_ways_to_decide(book: Book) -> None:
    pd, _, loans = book
    expected = expected_costs(pd, loans)
    every = [
        np.sum(np.where(refused, expected.refusing, expected.granting))
        for refused in product([True, False], repeat=pd.size)
    ]
    ruled = np.sum(np.where(loan_rule(pd, loans, 0.5), expected.refusing, expected.granting))
    assert np.isclose(ruled, min(every), rtol=1e-9, atol=1e-9)


@given(books())
def test_both_decisions_cost_the_same_at_a_loans_threshold_and_refusing_less_above_it(book: Book) -> None:
    _, _, loans = book
    own = loan_threshold(loans)
    assert np.all((own >= 0.0) & (own <= 1.0))
    at, above = expected_costs(own, loans), expected_costs((1.0 + own) / 2, loans)
    earning = loans.unprofitable == 0.0
    scale = loans.missed_default + loans.refused_good
    assert np.all(np.abs(at.granting - at.refusing)[earning] <= 1e-9 * scale[earning])
    assert np.all(above.granting + 1e-9 * scale >= above.refusing)


@given(books(), st.floats(0.0, 1.0))
def test_a_constant_matrix_gives_every_loan_the_closed_form_threshold(book: Book, share: float) -> None:
    costs = CostMatrix(10.0, 1.0 + share)
    own = loan_threshold(matrix_as_loans(costs, book[0].size))
    assert np.all(own == costs.closed_form_threshold)


@st.composite
def calibrated(draw: st.DrawFn) -> tuple[list[int], int]:
    """Groups of equally many applications of which exactly the share that the PD says defaults."""
    size = draw(st.integers(1, 12))
    return draw(st.lists(st.integers(0, size), min_size=1, max_size=6)), size


def population(bad: list[int], size: int) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    pd = np.repeat(np.array(bad) / size, size)
    return pd, np.concatenate([np.arange(size) < defaults for defaults in bad]).astype(np.int8)


@given(calibrated(), st.integers(0, 20), st.integers(1, 20))
def test_the_closed_form_threshold_is_the_brute_force_one_on_calibrated_pds(
    groups: tuple[list[int], int], missed: int, spurned: int
) -> None:
    costs = CostMatrix(float(missed), float(spurned))
    pd, target = population(*groups)
    every = [cost_per_application(target, pd >= cut, costs) for cut in (*pd, 0.0, APPROVE_ALL)]
    closed = cost_per_application(target, pd >= costs.closed_form_threshold, costs)
    assert np.isclose(closed, min(every), rtol=1e-12, atol=0.0)
    assert np.isclose(best_threshold(pd, target, costs).cost, closed, rtol=1e-12, atol=0.0)


@given(calibrated(), st.data())
def test_each_loans_threshold_is_the_brute_force_decision_on_calibrated_pds(
    groups: tuple[list[int], int], data: st.DataObject
) -> None:
    bad, size = groups
    missed, net = (data.draw(st.lists(s, min_size=len(bad), max_size=len(bad))) for s in (amounts, nets))
    pd, target = population(bad, size)
    loans = as_loans(np.repeat(np.array(missed), size), np.repeat(np.array(net), size))
    every = [
        np.sum(realised_money(target, np.repeat(refused, size), loans))
        for refused in product([True, False], repeat=len(bad))
    ]
    ruled = np.sum(realised_money(target, loan_rule(pd, loans, 0.5), loans))
    assert np.isclose(ruled, min(every), rtol=1e-9, atol=1e-9)


@given(books())
def test_no_threshold_costs_less_money_than_the_best(book: Book) -> None:
    pd, target, loans = book
    best = best_money_threshold(pd, target, loans)
    every = [np.mean(realised_money(target, pd >= cut, loans)) for cut in (*pd, 0.0, APPROVE_ALL)]
    scale = max(every)
    assert abs(best.cost - min(every)) <= 1e-9 * scale
    assert abs(np.mean(realised_money(target, pd >= best.value, loans)) - best.cost) <= 1e-9 * scale
    assert best.approval_rate == np.mean(pd < best.value)


@given(books(), cost_matrices)
def test_in_a_constant_matrix_money_chooses_the_threshold_of_the_matrix(book: Book, costs: CostMatrix) -> None:
    pd, target, _ = book
    found = best_money_threshold(pd, target, matrix_as_loans(costs, pd.size))
    expected = best_threshold(pd, target, costs)
    assert found.value == expected.value
    assert np.isclose(found.cost, expected.cost)
    assert np.isclose(found.approval_rate, expected.approval_rate)


@given(decided())
def test_perfect_decisions_save_all_and_simple_ones_nothing(case: tuple[Book, NDArray[np.bool_], int]) -> None:
    (_, target, loans), refused, _ = case
    everyone = np.ones(target.size, dtype=np.bool_)
    perfect = savings(target, right_decisions(target, loans), loans)
    assert perfect.cost == 0.0
    assert perfect.over_cheaper in (1.0, None)
    approve, refuse = savings(target, ~everyone, loans), savings(target, everyone, loans)
    assert approve.over_approve_all in (0.0, None)
    assert refuse.over_refuse_all in (0.0, None)
    cheaper = min((approve, refuse), key=lambda found: found.cost)
    assert cheaper.over_cheaper in (0.0, None)
    found = savings(target, refused, loans)
    if found.over_cheaper is not None:
        over = [share for share in (found.over_approve_all, found.over_refuse_all) if share is not None]
        assert np.isclose(found.over_cheaper, min(over))


@given(books(), cost_matrices)
def test_a_higher_cost_ratio_never_approves_more_or_costs_less(book: Book, costs: CostMatrix) -> None:
    pd, target, _ = book
    points = sweep_cost_ratio(pd, target, costs, (0.0, 1.0, 5.0, 10.0, 20.0, 100.0))
    for lower, higher in pairwise(points):
        assert higher.threshold <= lower.threshold
        assert higher.approval_rate <= lower.approval_rate
        assert higher.cost >= lower.cost
    assert all(point.kept_cost >= point.cost for point in points)


@given(books(), terms)
def test_a_higher_lgd_never_approves_more_loan_by_loan(book: Book, stated: MoneyTerms) -> None:
    pd, target, loans = book
    owed = Amounts(loans.missed_default, loans.refused_good + 1.0)
    points = sweep_lgd(pd, target, stated, owed, (0.0, 0.25, 0.5, 1.0))
    own = [point for point in points if point.rule == "per_loan"]
    constant = [point for point in points if point.rule == "constant"]
    stakes = loan_costs(replace(stated, lgd=1.0), owed.exposure, owed.annuity)
    rounding = 1e-9 * float(np.sum(stakes.missed_default + stakes.refused_good + stakes.unprofitable))
    for lower, higher in pairwise(own):
        assert higher.threshold <= lower.threshold
        assert higher.approval_rate <= lower.approval_rate
    for lower, higher in pairwise(constant):
        assert higher.cost >= lower.cost - rounding
    assert all(point.kept_cost >= point.cost - rounding for point in constant)


@given(books(), terms)
def test_costs_are_never_negative_and_a_loan_is_either_profitable_or_not(book: Book, stated: MoneyTerms) -> None:
    _, _, loans = book
    paid = np.where(loans.refused_good > 0.0, loans.refused_good + 1.0, 0.0)
    found = loan_costs(stated, loans.missed_default, paid)
    told = known(found)
    assert np.array_equal(told, paid > 0.0)
    for costs in (found.missed_default, found.refused_good[told], found.unprofitable[told]):
        assert np.all(costs >= 0.0)
    assert np.all((found.refused_good[told] == 0.0) | (found.unprofitable[told] == 0.0))


@given(books())
def test_the_choice_that_is_judged_is_the_choice_that_is_made(book: Book) -> None:
    pd, target, loans = book
    found = threshold_choice(pd, target, loans, Resampling(10))
    best = best_money_threshold(pd, target, loans)
    assert found.threshold.estimate == best.value
    assert found.apparent == best.cost
    assert found.cost.estimate == found.apparent + found.optimism
