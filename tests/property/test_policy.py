"""Policies: monotone in the PD, hard rules first, referral within capacity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scorewright.decision.cases import APPROVE, REFER, REFUSE, Cases
from scorewright.decision.policy import Policy
from scorewright.decision.referral import Band, Straddle
from scorewright.decision.threshold import APPROVE_ALL
from scorewright.domain.costs import CostMatrix, MoneyTerms
from scorewright.domain.decisions import HardRule
from scorewright.domain.matrix import Label
from scorewright.errors import SettingsError

shares = st.one_of(st.integers(0, 16).map(lambda parts: parts / 16), st.floats(0.0, 1.0))
thresholds = st.one_of(shares, st.just(APPROVE_ALL))
referrals = st.one_of(
    st.none(), st.builds(Band, st.just(0.5), st.floats(1e-6, 1.0), st.just(0.1)), st.just(Straddle(0.1))
)
TERMS = MoneyTerms("amount", 0.5, 0.1)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    outcomes = draw(st.lists(st.sampled_from(["refer", "refuse"]), max_size=3))
    rules = tuple(HardRule(f"r{i}", outcome, Label("r", "r")) for i, outcome in enumerate(outcomes))
    rule = draw(st.sampled_from(["threshold", "money"]))
    return Policy(draw(thresholds), CostMatrix(), rule, TERMS, draw(referrals), rules)


@st.composite
def rising(draw: st.DrawFn) -> tuple[Policy, Cases]:
    """A policy and one loan at rising PDs: its interval rises along, its rules and its own threshold stay."""
    policy = draw(policies())
    rows = draw(st.integers(2, 12))
    pd, one, other = (np.sort(draw(st.lists(shares, min_size=rows, max_size=rows))) for _ in range(3))
    own = draw(st.one_of(thresholds, st.just(np.nan)))
    broken = draw(st.lists(st.booleans(), min_size=len(policy.rules), max_size=len(policy.rules)))
    cases = Cases(
        pd,
        np.minimum(one, other),
        np.maximum(one, other),
        np.full(rows, own),
        np.tile(np.array(broken, dtype=np.bool_), (rows, 1)),
    )
    return policy, cases


@given(rising())
def test_a_higher_pd_is_never_treated_better(loan: tuple[Policy, Cases]) -> None:
    policy, cases = loan
    decided = policy.decide(cases)
    assert np.all(np.diff(decided.codes) >= 0)
    assert np.all(np.diff(decided.opinion) >= 0)


@given(rising())
def test_a_rule_that_refuses_wins_and_one_that_refers_comes_next(loan: tuple[Policy, Cases]) -> None:
    policy, cases = loan
    decided = policy.decide(cases)
    spoken = {rule.outcome for rule in decided.rules_of(0)}
    if "refuse" in spoken:
        assert set(decided.codes.tolist()) == {REFUSE}
    elif "refer" in spoken:
        assert set(decided.codes.tolist()) == {REFER}


@given(rising())
def test_one_more_rule_never_helps_against_the_model(loan: tuple[Policy, Cases]) -> None:
    """A rule that refuses can only turn outcomes into refusals, whatever else holds."""
    policy, cases = loan
    stricter = replace(policy, rules=(*policy.rules, HardRule("new", "refuse", Label("n", "n"))))
    assert cases.broken is not None
    more = replace(cases, broken=np.column_stack([cases.broken, cases.pd > 0.5]))
    assert np.all(stricter.decide(more).codes >= policy.decide(cases).codes)


@given(rising())
def test_an_application_is_decided_alone_as_among_others(loan: tuple[Policy, Cases]) -> None:
    policy, cases = loan
    together = policy.decide(cases).codes
    alone = [policy.decide(cases.take(np.array([row]))).codes[0] for row in range(len(cases))]
    assert together.tolist() == alone


@given(rising())
def test_the_opinion_is_that_of_the_threshold_alone(loan: tuple[Policy, Cases]) -> None:
    policy, cases = loan
    assert cases.thresholds is not None
    own = policy.threshold if policy.rule == "threshold" or np.isnan(cases.thresholds[0]) else cases.thresholds[0]
    assert policy.decide(cases).opinion.tolist() == [REFUSE if pd >= own else APPROVE for pd in cases.pd]


@given(st.lists(shares, min_size=1, max_size=40), thresholds, st.floats(0.01, 0.99))
def test_the_band_holds_as_many_as_capacity_allows_and_no_wider_one_does(
    pds: list[float], threshold: float, share: float
) -> None:
    cases, policy = Cases(np.array(pds)), Policy(threshold, CostMatrix())
    try:
        banded = policy.with_capacity(cases, share)
    except SettingsError:
        nearest = np.round(np.abs(cases.pd - threshold), 12)
        assert np.sum(nearest == nearest.min()) > np.floor(share * len(pds) * (1 + 1e-12))
        return
    inside = int(banded.decide(cases).referred.sum())
    assert 1 <= inside <= share * len(pds) * (1 + 1e-9)
    assert isinstance(banded.referral, Band)
    distances = np.unique(np.round(np.abs(cases.pd - threshold), 12))
    wider = distances[distances > banded.referral.half_width]
    if wider.size:
        reached = replace(banded, referral=replace(banded.referral, half_width=min(2.0, float(wider[0]) + 1e-12)))
        assert reached.decide(cases).referred.sum() > share * len(pds) * (1 - 1e-9)


@given(policies())
def test_policies_survive_json(policy: Policy) -> None:
    assert Policy.from_dict(policy.to_dict()) == policy
