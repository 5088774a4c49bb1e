from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from scorewright.decision.bootstrap import Resampling
from scorewright.decision.costs import cost_per_application
from scorewright.decision.metrics import evaluate
from scorewright.decision.money import loan_costs, loan_rule, realised_money
from scorewright.decision.rules import Books, compare_rules, compare_thresholds_with_loans
from scorewright.decision.savings import savings
from scorewright.decision.threshold import best_money_threshold
from scorewright.domain.costs import CostMatrix, MoneyTerms
from scorewright.errors import DataError

COSTS = CostMatrix(10.0, 1.0)
TERMS = MoneyTerms("AMT_CREDIT", 0.5, 0.12, recovery_cost=100.0, handling_cost=200.0)


def population(rows: int = 3000, seed: int = 1) -> tuple[NDArray[np.float64], Books]:
    rng = np.random.default_rng(seed)
    pd = rng.beta(1.0, 6.0, rows)
    exposure = rng.lognormal(9.0, 1.0, rows)
    exposure[:50] = np.nan
    return pd, Books(rng.random(rows) < pd, COSTS, loan_costs(TERMS, exposure))


def test_each_rule_has_the_measures_of_its_decisions() -> None:
    pd, books = population()
    found = compare_thresholds_with_loans(pd, 0.1, books, Resampling(20))
    money = best_money_threshold(pd, books.target, books.loans).value
    unknown = np.isnan(books.loans.missed_default)
    rules = {
        "constant": pd >= 0.1,
        "constant_money": np.where(unknown, pd >= 0.1, pd >= money),
        "per_loan": loan_rule(pd, books.loans, 0.1),
    }
    assert list(found.rules) == list(rules)
    assert (found.applications, found.priced) == (3000, 2950)
    for name, refused in rules.items():
        told, saved = found.rules[name].metrics, savings(books.target, refused, books.loans)
        expected = {
            "approval_rate": 1.0 - refused.mean(),
            "bad_rate": books.target[~refused].mean(),
            "cost": cost_per_application(books.target, refused, COSTS),
            "money": np.nanmean(realised_money(books.target, refused, books.loans)),
            "money_savings": saved.over_cheaper,
            "money_savings_approve_all": saved.over_approve_all,
            "money_savings_refuse_all": saved.over_refuse_all,
        }
        assert {measure: told[measure] for measure in expected} == pytest.approx(expected)


def test_savings_in_units_of_the_matrix_are_over_its_baselines() -> None:
    pd, books = population()
    told = compare_thresholds_with_loans(pd, 0.1, books, Resampling(20)).rules["constant"].metrics
    approve, refuse = 10.0 * books.target.mean(), 1.0 - books.target.mean()
    assert told["cost_savings_approve_all"] == pytest.approx(1.0 - told["cost"] / approve)
    assert told["cost_savings_refuse_all"] == pytest.approx(1.0 - told["cost"] / refuse)
    assert told["cost_savings"] == pytest.approx(1.0 - told["cost"] / min(approve, refuse))


def test_the_constant_rule_agrees_with_the_evaluation_of_its_threshold() -> None:
    pd, books = population()
    told = compare_thresholds_with_loans(pd, 0.1, books, Resampling(20)).rules["constant"].metrics
    evaluated = evaluate(pd, books.target, 0.1, COSTS).metrics
    for name in ("approval_rate", "bad_rate", "cost"):
        assert told[name] == pytest.approx(evaluated[name])


def test_looking_at_each_loan_loses_less_money_and_the_matrix_less_of_its_own_units() -> None:
    pd, books = population(20_000)
    found = compare_thresholds_with_loans(pd, COSTS.closed_form_threshold, books, Resampling(100))
    money = [found.rules[name].metrics["money"] for name in ("per_loan", "constant_money", "constant")]
    assert money == sorted(money)
    assert found.rules["constant"].metrics["cost"] < found.rules["per_loan"].metrics["cost"]
    difference = found.money_difference
    assert difference is not None
    assert difference.low < difference.estimate == pytest.approx(money[0] - money[2])
    assert difference.high < 0.0


def test_the_interval_of_money_is_as_wide_as_the_central_limit_theorem_says() -> None:
    pd, books = population()
    refused = pd >= 0.1
    interval = compare_rules({"rule": refused}, books, Resampling(2000)).rules["rule"].intervals["money"]
    each = realised_money(books.target, refused, books.loans)
    deviation = np.nanstd(each) / np.sqrt(np.sum(~np.isnan(each)))
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * deviation, rel=0.1)


def test_every_measure_has_an_interval_around_its_estimate() -> None:
    pd, books = population()
    for told in compare_thresholds_with_loans(pd, 0.1, books, Resampling(200)).rules.values():
        assert set(told.intervals) == set(told.metrics)
        assert all(interval.low < interval.estimate < interval.high for interval in told.intervals.values())


def test_a_seed_fixes_the_intervals() -> None:
    pd, books = population(300)
    first, again, other = (
        compare_thresholds_with_loans(pd, 0.1, books, Resampling(20, seed=seed)).rules for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_what_the_applications_do_not_define_is_left_out() -> None:
    _, books = population(300)
    none = compare_rules({"all refused": np.ones(300, dtype=np.bool_)}, books, Resampling(5)).rules["all refused"]
    assert "bad_rate" not in none.metrics
    good = replace(books, target=np.zeros(300))
    told = compare_rules({"none refused": np.zeros(300, dtype=np.bool_)}, good, Resampling(5)).rules["none refused"]
    assert "cost_savings" not in told.metrics
    assert told.metrics["cost_savings_refuse_all"] == 1.0


def test_a_book_without_amounts_is_refused() -> None:
    pd, books = population(300)
    unknown = replace(books, loans=loan_costs(TERMS, np.full(300, np.nan)))
    with pytest.raises(DataError, match="known amounts"):
        compare_thresholds_with_loans(pd, 0.1, unknown)
