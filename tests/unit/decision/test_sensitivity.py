from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from scorewright.decision.money import loan_costs, loan_rule, loan_threshold, realised_money
from scorewright.decision.sensitivity import LGDS, RATIOS, Amounts, sweep_cost_ratio, sweep_lgd
from scorewright.decision.threshold import best_threshold
from scorewright.domain.costs import CostMatrix, MoneyTerms
from scorewright.errors import DataError

COSTS = CostMatrix(10.0, 1.0)
TERMS = MoneyTerms("AMT_CREDIT", 0.5, 0.1, "AMT_ANNUITY", handling_cost=20.0)


def population(rows: int = 2000) -> tuple[NDArray[np.float64], NDArray[np.bool_], Amounts]:
    rng = np.random.default_rng(9)
    pd = rng.beta(1.0, 6.0, rows)
    exposure = rng.lognormal(9.0, 1.0, rows)
    exposure[:10] = np.nan
    return pd, rng.random(rows) < pd, Amounts(exposure, exposure / rng.uniform(12.0, 48.0, rows))


def test_each_ratio_has_the_choice_made_for_it() -> None:
    pd, target, _ = population()
    points = sweep_cost_ratio(pd, target, COSTS)
    assert [point.value for point in points] == list(RATIOS)
    for point in points:
        best = best_threshold(pd, target, CostMatrix(point.value, 1.0))
        assert (point.threshold, point.approval_rate) == (best.value, pytest.approx(best.approval_rate))
        assert point.cost == pytest.approx(best.cost)


def test_nothing_is_lost_by_having_stated_the_true_ratio() -> None:
    points = {point.value: point for point in sweep_cost_ratio(*population()[:2], COSTS)}
    assert points[10.0].kept_cost == points[10.0].cost
    assert points[20.0].kept_cost > points[20.0].cost


def test_only_the_ratio_of_the_stated_costs_matters() -> None:
    pd, target, _ = population()
    assert sweep_cost_ratio(pd, target, CostMatrix(20.0, 2.0)) == sweep_cost_ratio(pd, target, COSTS)


def test_each_lgd_has_both_rules_priced_as_if_it_were_true() -> None:
    pd, target, amounts = population()
    points = sweep_lgd(pd, target, TERMS, amounts)
    assert [(point.value, point.rule) for point in points] == [
        (lgd, rule) for lgd in LGDS for rule in ("constant", "per_loan")
    ]
    stated = loan_rule(pd, loan_costs(TERMS, amounts.exposure, amounts.annuity), 0.5)
    for point in points:
        loans = loan_costs(replace(TERMS, lgd=point.value), amounts.exposure, amounts.annuity)
        if point.rule == "per_loan":
            refused = loan_rule(pd, loans, 0.5)
            assert point.threshold == np.nanmedian(loan_threshold(loans))
            assert point.cost == pytest.approx(np.nanmean(realised_money(target, refused, loans)))
            assert point.kept_cost == pytest.approx(np.nanmean(realised_money(target, stated, loans)))
            assert point.approval_rate == pytest.approx(np.mean(~refused[10:]))


def test_at_the_stated_lgd_nothing_is_lost_by_keeping() -> None:
    pd, target, amounts = population()
    for point in sweep_lgd(pd, target, TERMS, amounts, (TERMS.lgd,)):
        assert point.kept_cost == point.cost


def test_a_book_without_amounts_is_refused() -> None:
    pd, target, amounts = population()
    with pytest.raises(DataError, match="known amounts"):
        sweep_lgd(pd, target, TERMS, replace(amounts, exposure=np.full(pd.size, np.nan)))
