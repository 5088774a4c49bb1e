from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from scorewright.decision.cases import Cases
from scorewright.decision.policy import Policy
from scorewright.decision.referral import Band, Straddle
from scorewright.decision.threshold import APPROVE_ALL
from scorewright.domain.costs import CostMatrix, MoneyTerms
from scorewright.domain.decisions import HardRule
from scorewright.domain.matrix import Label
from scorewright.errors import BundleCorruptError, SettingsError

COSTS = CostMatrix(10.0, 1.0)
POLICY = Policy(0.25, COSTS)
YOUNG = HardRule("of_age", "refuse", Label("Under age", "Mineur"))
BURDEN = HardRule("burden", "refer", Label("Annuity above a third of income", "Mensualité au-delà du tiers du revenu"))
TERMS = MoneyTerms("AMT_CREDIT", 0.6, 0.05, "AMT_ANNUITY", 100.0, 20.0, 15.0, "EUR")
FULL = Policy(0.1, COSTS, "money", TERMS, Band(0.1, 0.02, 0.09), (YOUNG, BURDEN), "2026-01")


def decided(policy: Policy, *pd: float, **more: Any) -> tuple[str, ...]:
    return policy.decide(Cases(np.array(pd), **{name: np.array(value) for name, value in more.items()})).outcomes


def test_the_threshold_itself_is_refused() -> None:
    assert decided(POLICY, 0.2499, 0.25, 0.3) == ("approve", "refuse", "refuse")


def test_a_missing_pd_is_never_approved() -> None:
    with pytest.raises(ValueError, match="PDs must be"):
        Cases(np.array([float("nan")]))


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_threshold_that_json_or_pds_do_not_know_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        Policy(threshold, CostMatrix())
    with pytest.raises(ValueError, match="between"):
        Policy(0.5, COSTS, "money", TERMS, Band(0.1, threshold - threshold, 0.1))


def test_money_needs_its_terms_and_rules_their_names() -> None:
    with pytest.raises(ValueError, match="money terms"):
        Policy(0.5, COSTS, "money")
    with pytest.raises(ValueError, match="own name"):
        Policy(0.5, COSTS, rules=(YOUNG, YOUNG))
    with pytest.raises(ValueError, match="threshold or money"):
        Policy(0.5, COSTS, "random")  # type: ignore[arg-type]


def test_a_rule_that_refuses_wins_then_one_that_refers_then_the_pd() -> None:
    policy = Policy(0.25, COSTS, rules=(BURDEN, YOUNG))
    broken = [[False, False], [False, True], [True, False], [True, True], [True, False]]
    found = policy.decide(Cases(np.array([0.1, 0.1, 0.1, 0.1, 0.9]), broken=np.array(broken)))
    assert found.outcomes == ("approve", "refuse", "refer", "refuse", "refer")
    assert found.opinion.tolist() == [0, 0, 0, 0, 2]
    assert [[rule.name for rule in found.rules_of(row)] for row in range(4)] == [
        [],
        ["of_age"],
        ["burden"],
        ["burden", "of_age"],
    ]


def test_the_three_outcomes_are_told_apart() -> None:
    found = Policy(0.25, COSTS, referral=Band(0.1, 0.05, 0.1)).decide(Cases(np.array([0.1, 0.25, 0.9])))
    assert (found.approved.tolist(), found.referred.tolist(), found.refused.tolist()) == (
        [True, False, False],
        [False, True, False],
        [False, False, True],
    )
    assert found.take(np.array([2])).outcomes == ("refuse",)
    assert len(found) == 3


def test_under_the_money_rule_each_loan_has_its_own_threshold() -> None:
    policy = Policy(0.25, COSTS, "money", TERMS)
    assert decided(policy, 0.1, 0.1, 0.3, thresholds=[0.05, 0.2, 0.4]) == ("refuse", "approve", "approve")


def test_a_loan_whose_amount_is_unknown_is_referred_and_the_constant_threshold_has_an_opinion() -> None:
    policy = Policy(0.25, COSTS, "money", TERMS, Band(0.1, 0.02, 0.1))
    found = policy.decide(Cases(np.array([0.1, 0.9]), thresholds=np.array([np.nan, np.nan])))
    assert found.outcomes == ("refer", "refer")
    assert found.opinion.tolist() == [0, 2]


def test_an_unknown_amount_does_not_save_from_a_rule_that_refuses() -> None:
    policy = Policy(0.25, COSTS, "money", TERMS, rules=(YOUNG,))
    assert decided(policy, 0.1, thresholds=[np.nan], broken=[[True]]) == ("refuse",)


@pytest.mark.parametrize(
    ("policy", "cases", "what"),
    [
        (Policy(0.5, COSTS, "money", TERMS), Cases(np.zeros(2)), "each loan's threshold"),
        (Policy(0.5, COSTS, referral=Straddle(0.1)), Cases(np.zeros(2)), "interval"),
        (Policy(0.5, COSTS, rules=(YOUNG,)), Cases(np.zeros(2)), "1 hard rules"),
        (POLICY, Cases(np.zeros(2), broken=np.zeros((2, 1), dtype=np.bool_)), "0 hard rules"),
    ],
)
def test_cases_must_hold_what_the_policy_asks(policy: Policy, cases: Cases, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        policy.decide(cases)


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": np.zeros(1)},
        {"low": np.zeros(2), "high": np.zeros(1)},
        {"low": np.ones(2), "high": np.zeros(2)},
        {"thresholds": np.array([0.5, 1.5])},
        {"thresholds": np.array([0.5])},
        {"broken": np.zeros((1, 1), dtype=np.bool_)},
    ],
)
def test_cases_that_do_not_fit_together_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Every array|interval|Thresholds"):
        Cases(np.array([0.1, 0.2]), **wrong)


def test_rows_of_cases_are_taken_together() -> None:
    cases = Cases(np.array([0.1, 0.2]), np.array([0.0, 0.1]), np.array([0.2, 0.3]), broken=np.array([[True], [False]]))
    taken = cases.take(np.array([1]))
    assert (taken.pd.tolist(), taken.high.tolist(), taken.broken.tolist()) == ([0.2], [0.3], [[False]])  # type: ignore[union-attr]
    assert taken.thresholds is None


def test_rules_are_left_out_by_name() -> None:
    assert FULL.without(["burden"]).rules == (YOUNG,)
    assert FULL.without([]) == FULL
    with pytest.raises(SettingsError, match="'x'.*of_age, burden"):
        FULL.without(["x"])


def test_it_tells_what_it_is() -> None:
    info = FULL.info
    assert (info.version, info.rule, info.referral, info.rules) == ("2026-01", "money", "capacity", (YOUNG, BURDEN))
    assert POLICY.info.referral is None


@pytest.mark.parametrize("policy", [Policy(t, CostMatrix(12.5, 0.1)) for t in (0.0, 0.1 + 0.2, APPROVE_ALL)])
def test_it_survives_json(policy: Policy) -> None:
    assert Policy.from_dict(json.loads(json.dumps(policy.to_dict(), allow_nan=False))) == policy


@pytest.mark.parametrize("referral", [None, Band(0.1, 0.1 / 3, 0.09), Straddle(1 / 3)])
def test_every_part_survives_json(referral: Band | Straddle | None) -> None:
    policy = Policy(0.1, COSTS, "money", TERMS, referral, (YOUNG, BURDEN), "2026-01")
    assert Policy.from_dict(json.loads(json.dumps(policy.to_dict(), allow_nan=False))) == policy


def test_a_bundle_of_old_is_read() -> None:
    assert Policy.from_dict({"threshold": 0.25, "costs": {"false_negative": 10, "false_positive": 1}}) == POLICY


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        None,
        {"threshold": 0.5},
        {"threshold": 0.5, "costs": {"false_negative": 1}},
        {"threshold": 2.0, "costs": {"false_negative": 1, "false_positive": 1}},
        {"threshold": 0.5, "costs": {"false_negative": None, "false_positive": 1}},
        {"threshold": 0.5, "costs": {"false_negative": -1, "false_positive": 1}},
        {"threshold": 0.5, "costs": 3},
    ],
)
def test_a_broken_policy_is_a_broken_bundle(content: Any) -> None:
    with pytest.raises(BundleCorruptError, match="threshold and two costs"):
        Policy.from_dict(content)


@pytest.mark.parametrize(
    "change",
    [
        {"rule": "random"},
        {"rule": None},
        {"money": None},
        {"money": {"exposure": "x", "lgd": 1.5, "margin_rate": 0.1}},
        {"money": {"exposure": "x", "lgd": 0.5}},
        {"money": {"exposure": 3, "lgd": 0.5, "margin_rate": 0.1}},
        {"money": {"exposure": "x", "lgd": 0.5, "margin_rate": 0.1, "odd": 1}},
        {"referral": {"kind": "luck"}},
        {"referral": {"kind": "capacity"}},
        {"referral": {"kind": "capacity", "share": 0.0, "half_width": 0.1, "referred": 0.1}},
        {"referral": {"kind": "capacity", "share": 0.1, "half_width": float("nan"), "referred": 0.1}},
        {"referral": {"kind": "interval", "referred": 2.0}},
        {"rules": [{"name": "a", "outcome": "approve", "label": {"en": "a", "fr": "a"}}]},
        {"rules": [{"name": "a", "outcome": "refer", "label": {"en": "a"}}]},
        {"rules": [{"name": "", "outcome": "refer", "label": {"en": "a", "fr": "a"}}]},
        {"rules": 3},
        {"version": 3},
        {"more": 1},
    ],
)
def test_a_part_that_makes_no_sense_is_a_broken_bundle(change: dict[str, Any]) -> None:
    with pytest.raises(BundleCorruptError):
        Policy.from_dict({**FULL.to_dict(), **change})
