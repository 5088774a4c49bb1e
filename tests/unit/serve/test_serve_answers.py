from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scorewright.domain.decisions import (
    Contribution,
    Decision,
    HardRule,
    Include,
    ModelInfo,
    PolicyInfo,
    Simulated,
)
from scorewright.domain.explanations import (
    Change,
    Option,
    Place,
    PointScale,
    Reason,
    Reasons,
    Recourse,
    SharedContribution,
    Shares,
    Withheld,
)
from scorewright.domain.matrix import Label
from scorewright.serve.answers import (
    DecisionAnswer,
    ModelAnswer,
    SimulationAnswer,
    decision_answer,
    decision_json,
    model_answer,
    simulation_answer,
)
from scorewright.serve.explained import ContributionAnswer

CONTRIBUTIONS: frozenset[Include] = frozenset({"contributions"})
MODEL = ModelInfo("book", "7", "sha256:ab", "lightgbm", "log-odds", 0.09, 3, ("application", "loans"))


PARTS = ("base", "score", "contributions", "points", "reasons", "withheld", "recourse", "standing")
ONE, SAID_ONE = Label("one", "un"), {"en": "one", "fr": "un"}


def decided(*weights: float, pd: float = 0.2) -> Decision:
    parts = (Contribution(f"f{i}", Label("one", "un"), float(i), weight) for i, weight in enumerate(weights))
    return Decision(12, pd, "refuse", MODEL, tuple(parts), base=-1.0, score=-1.0 + sum(weights))


def named(*weights: float, top: int) -> tuple[ContributionAnswer, ...]:
    told = decision_answer(decided(*weights), top, CONTRIBUTIONS).contributions
    assert told is not None
    return told


@given(st.lists(st.floats(-5, 5), max_size=20), st.integers(0, 15))
def test_the_largest_contributions_are_shown_whichever_their_sign(weights: list[float], top: int) -> None:
    shown = [one.contribution for one in named(*weights, top=top)]
    assert [abs(weight) for weight in shown] == sorted(map(abs, weights), reverse=True)[:top]


def test_equal_contributions_keep_their_order() -> None:
    assert [one.feature for one in named(1.0, -1.0, 1.0, top=2)] == ["f0", "f1"]


def test_everything_is_said_once() -> None:
    told = json.loads(decision_answer(decided(0.5), 10).model_dump_json())
    assert told == {
        "application": 12,
        "pd": 0.2,
        "interval": None,
        "decision": "refuse",
        "opinion": None,
        "rules": [],
        "threshold": 0.09,
        "loan_threshold": None,
        "coverage": None,
        "warnings": [],
        "scale": "log-odds",
        "policy": {"version": "0", "rule": "threshold", "referral": None},
        "model": {"portfolio": "book", "version": "7", "bundle": "sha256:ab", "candidate": "lightgbm"},
        **dict.fromkeys(PARTS),
    }


def test_what_is_unusual_about_the_rows_is_said() -> None:
    decision = replace(decided(), coverage=0.75, outside=("application.AGE", "loan.a.b"))
    told = decision_answer(decision, 10)
    assert told.coverage == 0.75
    assert [one.model_dump() for one in told.warnings] == [
        {"code": "out-of-range", "table": "application", "column": "AGE"},
        {"code": "out-of-range", "table": "loan", "column": "a.b"},
    ]


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
shares = st.floats(0, 1)
rules = st.builds(HardRule, names, st.sampled_from(["refer", "refuse"]), st.builds(Label, names, names))
policies = st.builds(PolicyInfo, names, st.sampled_from(["threshold", "money"]), st.none() | st.just("interval"))
decisions = st.builds(
    Decision,
    application=st.integers(-(2**63), 2**63 - 1) | names,
    pd=shares,
    outcome=st.sampled_from(["approve", "refer", "refuse"]),
    model=st.builds(replace, st.just(MODEL), policy=policies, threshold=shares, version=names),
    opinion=st.none() | st.just("approve"),
    rules=st.lists(rules, max_size=2).map(tuple),
    interval=st.none() | st.tuples(shares, shares),
    loan_threshold=st.none() | shares,
    coverage=st.none() | shares,
    outside=st.lists(st.just("loan.SUM"), max_size=2).map(tuple),
)


@given(decisions)
def test_what_is_said_in_a_hurry_is_the_same_to_the_byte(decision: Decision) -> None:
    assert decision_json(decision, 10) == decision_answer(decision, 10).model_dump_json().encode()


def test_an_explained_decision_is_said_whole() -> None:
    told = decision_answer(decided(0.5), 10, CONTRIBUTIONS).model_dump_json().encode()
    assert decision_json(decided(0.5), 10, CONTRIBUTIONS) == told


def test_contributions_are_told_with_what_they_sum_to_to_those_who_ask() -> None:
    told = json.loads(decision_answer(decided(0.5), 10, CONTRIBUTIONS).model_dump_json())
    label = {"en": "one", "fr": "un"}
    assert told["contributions"] == [{"feature": "f0", "label": label, "value": 0.0, "contribution": 0.5}]
    assert (told["base"], told["score"]) == (-1.0, -0.5)
    assert {name for name in PARTS if told[name] is not None} == {"contributions", "base", "score"}


RULE = HardRule("of_age", "refuse", Label("Under age", "Mineur"))
SAID = {"name": "of_age", "outcome": "refuse", "label": {"en": "Under age", "fr": "Mineur"}}


def test_the_policy_and_what_it_went_by_are_said() -> None:
    policy = PolicyInfo("2026-01", "money", "capacity", (RULE,))
    model = replace(MODEL, policy=policy)
    decision = replace(
        decided(), model=model, opinion="approve", rules=(RULE,), interval=(0.1, 0.3), loan_threshold=0.25
    )
    told = json.loads(decision_answer(decision, 10).model_dump_json())
    assert told["policy"] == {"version": "2026-01", "rule": "money", "referral": "capacity"}
    assert told["interval"] == {"low": 0.1, "high": 0.3}
    assert (told["decision"], told["opinion"], told["rules"]) == ("refuse", "approve", [SAID])
    assert (told["threshold"], told["loan_threshold"]) == (0.09, 0.25)
    assert json.loads(model_answer(model).model_dump_json())["policy"] == {**told["policy"], "rules": [SAID]}


def test_a_referral_is_an_answer() -> None:
    assert decision_answer(replace(decided(), outcome="refer"), 10).decision == "refer"


def test_a_missing_value_is_null() -> None:
    parts = tuple(Contribution(name, Label("", ""), value, 1.0) for name, value in (("a", None), ("b", math.nan)))
    decision = Decision("k", 0.1, "approve", MODEL, parts)
    told = json.loads(decision_answer(decision, 10, CONTRIBUTIONS).model_dump_json())
    assert [one["value"] for one in told["contributions"]] == [None, None]


@pytest.mark.parametrize("pd", [math.nan, math.inf, -0.01, 1.01])
def test_what_is_not_a_probability_is_never_answered(pd: float) -> None:
    with pytest.raises(ValidationError):
        decision_answer(decided(pd=pd), 10)


def test_the_model_says_what_it_is() -> None:
    told = model_answer(MODEL)
    assert (told.portfolio, told.version, told.bundle, told.candidate) == ("book", "7", "sha256:ab", "lightgbm")
    assert (told.scale, told.threshold, told.features, told.tables) == ("log-odds", 0.09, 3, ("application", "loans"))


parts = st.builds(SharedContribution, st.just("f"), st.just(ONE), st.none(), *[st.floats(-5, 5)] * 3)


@given(st.lists(parts, max_size=12), st.integers(0, 15))
def test_on_each_scale_base_features_and_others_sum_to_the_score(shared: list[SharedContribution], top: int) -> None:
    sums = [math.fsum(getattr(one, scale) for one in shared) for scale in ("log_odds", "pd", "points")]
    shares = Shares(0.5, 0.5 + sums[0], 0.1, 0.1 + sums[1], 550.0, 550.0 + sums[2])
    decision = replace(decided(), shares=shares, shared=tuple(shared), point_scale=PointScale())
    told = json.loads(decision_answer(decision, top).model_dump_json())["points"]
    assert told["scale"] == {"points": 600.0, "odds": 50.0, "pdo": 20.0}
    for scale in ("log_odds", "pd", "points"):
        named = [told["base"], *told["features"], told["others"]]
        assert math.fsum(part[scale] for part in named) == pytest.approx(told["score"][scale], abs=1e-9)
    weights = [abs(one["log_odds"]) for one in told["features"]]
    assert weights == sorted((abs(one.log_odds) for one in shared), reverse=True)[:top]


def test_what_is_withheld_is_told_apart_from_the_reasons() -> None:
    given = Reason("late", ONE, Label("31 % late", "31 % en retard"), 0.6, -16.0, ("late_share",))
    kept = Withheld("region", ONE, 0.1, ("application.REGION",))
    told = json.loads(decision_answer(replace(decided(), reasons=Reasons((given,), (kept,))), 10).model_dump_json())
    sentence = {"en": "31 % late", "fr": "31 % en retard"}
    figures = {"log_odds": 0.6, "points": -16.0, "features": ["late_share"]}
    assert told["reasons"] == [{"family": "late", "label": SAID_ONE, "sentence": sentence, **figures}]
    columns = ["application.REGION"]
    assert told["withheld"] == [{"family": "region", "label": SAID_ONE, "log_odds": 0.1, "columns": columns}]


def test_no_reason_at_all_is_another_answer_than_none_asked_for() -> None:
    told = decision_answer(replace(decided(), reasons=Reasons()), 10)
    assert (told.reasons, told.withheld) == ((), ())


def test_recourse_is_told_with_its_changes_or_why_there_is_none() -> None:
    change = Change("amount", "application.AMT_CREDIT", 1, 600.0, 450.0)
    option = Option((ONE,), (change,), 0.25, 0.08, "approve")
    found, none = (
        decision_answer(replace(decided(), recourse=recourse), 10).recourse
        for recourse in (Recourse((option,), 64), Recourse((), 64, ONE))
    )
    assert found is not None
    assert none is not None
    changes = [{"lever": "amount", "column": "application.AMT_CREDIT", "rows": 1, "old": 600.0, "new": 450.0}]
    way = {"labels": [SAID_ONE], "changes": changes, "effort": 0.25, "pd": 0.08, "decision": "approve"}
    assert found.model_dump(mode="json") == {"options": [way], "tried": 64, "none_because": None}
    assert none.model_dump(mode="json") == {"options": [], "tried": 64, "none_because": SAID_ONE}


def test_a_place_is_told_bar_by_bar_with_the_approvals_of_the_application_s_own() -> None:
    known = Place("f", ONE, 2.0, ("≤ 1", "> 1"), (0.25, 0.75), (None, 0.5), 1, 62.5)
    missing = replace(known, value=None, bin=None, percentile=None)
    told = json.loads(decision_answer(replace(decided(), places=(known, missing)), 10).model_dump_json())["standing"]
    bars = [
        {"name": "≤ 1", "share": 0.25, "approval_rate": None},
        {"name": "> 1", "share": 0.75, "approval_rate": 0.5},
    ]
    same = {"name": "f", "label": SAID_ONE, "bins": bars}
    assert told == [
        {**same, "value": 2.0, "bin": 1, "percentile": 62.5, "approval_rate": 0.5},
        {**same, "value": None, "bin": None, "percentile": None, "approval_rate": None},
    ]


def test_a_simulation_tells_two_decisions_and_that_it_is_none() -> None:
    before, after = decided(1.0), decided(0.25, pd=0.05)
    told = simulation_answer(Simulated(before, after), 10, CONTRIBUTIONS)
    assert told.simulated is True
    assert told.before == decision_answer(before, 10, CONTRIBUTIONS)
    assert told.after == decision_answer(after, 10, CONTRIBUTIONS)


@pytest.mark.parametrize("answer", [DecisionAnswer, ModelAnswer, SimulationAnswer])
def test_the_examples_shown_are_answers(answer: type[DecisionAnswer | ModelAnswer | SimulationAnswer]) -> None:
    for example in answer.model_json_schema()["examples"]:
        assert json.loads(answer.model_validate(example).model_dump_json()) == example
