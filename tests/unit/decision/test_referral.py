from __future__ import annotations

import numpy as np
import pytest

from scorewright.decision.cases import REFER, Cases
from scorewright.decision.policy import Policy
from scorewright.decision.referral import Band, Straddle, half_width
from scorewright.domain.costs import CostMatrix, MoneyTerms
from scorewright.domain.decisions import HardRule
from scorewright.domain.matrix import Label
from scorewright.errors import SettingsError

COSTS = CostMatrix(10.0, 1.0)
POLICY = Policy(0.1, COSTS)
TERMS = MoneyTerms("x", 0.5, 0.1)


def test_the_band_is_closed_below_and_open_above() -> None:
    band = Band(0.5, 0.25, 0.5)
    codes = band.codes(Cases(np.array([0.24, 0.25, 0.74, 0.75])), np.full(4, 0.5))
    assert codes.tolist() == [0, 1, 1, 2]


def test_an_interval_on_both_sides_is_referred() -> None:
    cases = Cases(np.array([0.1, 0.1, 0.3, 0.3]), np.array([0.0, 0.0, 0.1, 0.2]), np.array([0.1, 0.2, 0.4, 0.4]))
    assert Straddle(0.5).codes(cases, np.full(4, 0.2)).tolist() == [0, 1, 1, 2]


def test_a_pd_outside_its_interval_is_referred_when_they_disagree() -> None:
    cases = Cases(np.array([0.1, 0.3]), np.array([0.25, 0.05]), np.array([0.3, 0.1]))
    assert Straddle(0.5).codes(cases, np.full(2, 0.2)).tolist() == [1, 1]


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.5, 0.99])
def test_capacity_is_kept_and_used_up(share: float) -> None:
    pd = np.random.default_rng(3).beta(1, 8, 2000)
    policy = POLICY.with_capacity(Cases(pd), share)
    referred = policy.decide(Cases(pd)).referred
    assert isinstance(policy.referral, Band)
    assert referred.sum() == int(share * 2000)
    assert policy.referral.referred == referred.mean()


def test_those_referred_are_those_nearest_to_the_threshold() -> None:
    pd = np.random.default_rng(4).beta(1, 8, 500)
    referred = POLICY.with_capacity(Cases(pd), 0.2).decide(Cases(pd)).referred
    distance = np.abs(pd - 0.1)
    assert distance[referred].max() < distance[~referred].min()


def test_the_width_is_the_largest_of_all_that_fit() -> None:
    """Brute force: every wider band around the threshold holds too many."""
    pd = np.random.default_rng(5).random(60).round(2)
    for most in range(1, 59):
        width = half_width(pd - 0.37, most)
        inside = [int(np.sum((pd >= 0.37 - d) & (pd < 0.37 + d))) for d in (*np.abs(pd - 0.37) + 1e-9, width)]
        assert inside[-1] == max((count for count in inside if count <= most), default=0)


def test_around_each_loans_own_threshold() -> None:
    rng = np.random.default_rng(6)
    cases = Cases(rng.random(400), thresholds=rng.random(400))
    referred = Policy(0.1, COSTS, "money", TERMS).with_capacity(cases, 0.25).decide(cases).referred
    distance = np.abs(cases.pd - cases.thresholds)
    assert referred.sum() == 100
    assert distance[referred].max() < distance[~referred].min()


def test_hard_rules_and_unknown_amounts_use_the_capacity_first() -> None:
    rule = HardRule("burden", "refer", Label("Burden", "Charge"))
    rng = np.random.default_rng(7)
    thresholds = np.where(np.arange(1000) < 30, np.nan, 0.1)
    broken = np.zeros((1000, 1), dtype=np.bool_)
    broken[20:70] = True
    cases = Cases(rng.beta(1, 8, 1000), thresholds=thresholds, broken=broken)
    policy = Policy(0.1, COSTS, "money", TERMS, rules=(rule,)).with_capacity(cases, 0.1)
    decided = policy.decide(cases)
    assert decided.referred[:70].all()
    assert decided.referred.sum() == 100
    assert policy.referral is not None
    assert policy.referral.referred == 0.1
    with pytest.raises(SettingsError, match=r"5.00% of 1,000 is 50, .* refer 70 already"):
        Policy(0.1, COSTS, "money", TERMS, rules=(rule,)).with_capacity(cases, 0.05)


def test_an_application_that_a_rule_refuses_takes_no_place_in_the_band() -> None:
    rule = HardRule("young", "refuse", Label("Under age", "Mineur"))
    pd = np.full(100, 0.11)
    pd[:50] = 0.1
    broken = np.zeros((100, 1), dtype=np.bool_)
    broken[:50] = True
    policy = Policy(0.1, COSTS, rules=(rule,)).with_capacity(Cases(pd, broken=broken), 0.6)
    assert policy.decide(Cases(pd, broken=broken)).outcomes == ("refuse",) * 50 + ("refer",) * 50


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_is_between_none_and_all(share: float) -> None:
    with pytest.raises(SettingsError, match="between 0 and 1"):
        POLICY.with_capacity(Cases(np.array([0.1, 0.2])), share)


@pytest.mark.parametrize(
    ("pd", "share", "ties"),
    [([0.05, 0.2, 0.3, 0.4], 0.2, 1), ([0.12] * 30 + [0.5] * 70, 0.29, 30), ([0.1 - 0.01, 0.1 + 0.01, 0.5], 0.5, 2)],
)
def test_a_band_that_would_hold_nobody_is_refused(pd: list[float], share: float, ties: int) -> None:
    with pytest.raises(SettingsError, match=f"and {ties} are equally near") as refused:
        POLICY.with_capacity(Cases(np.array(pd)), share)
    assert "Raise the share" in refused.value.remedy


def test_everyone_decided_by_rules_leaves_no_band() -> None:
    rule = HardRule("young", "refuse", Label("Under age", "Mineur"))
    cases = Cases(np.array([0.1, 0.2]), broken=np.ones((2, 1), dtype=np.bool_))
    with pytest.raises(SettingsError, match="0 are equally near"):
        Policy(0.1, COSTS, rules=(rule,)).with_capacity(cases, 0.9)


def test_the_threshold_half_way_between_two_pds_is_equally_far_from_both() -> None:
    pd = np.array([0.1, 0.3, 0.7, 0.9, 0.2])
    threshold = 0.3 + (0.7 - 0.3) / 2
    assert half_width(pd - threshold, 1) == 0.0
    width = half_width(pd - threshold, 2)
    assert Band(0.5, width, 0.4).codes(Cases(pd), np.full(5, threshold)).tolist() == [0, REFER, REFER, 2, 0]


def test_intervals_that_never_straddle_are_refused() -> None:
    cases = Cases(np.array([0.05, 0.5]), np.array([0.04, 0.4]), np.array([0.06, 0.6]))
    with pytest.raises(SettingsError, match="no interval of 2"):
        POLICY.with_straddle(cases)


def test_the_share_that_straddles_is_remembered() -> None:
    cases = Cases(np.array([0.05, 0.5, 0.1, 0.09]), np.array([0.0, 0.4, 0.0, 0.0]), np.array([0.06, 0.6, 0.2, 0.1]))
    policy = POLICY.with_straddle(cases)
    assert policy.referral == Straddle(0.5)
    assert policy.decide(cases).outcomes == ("approve", "refuse", "refer", "refer")
