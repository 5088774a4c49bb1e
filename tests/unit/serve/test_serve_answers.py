from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scorewright.domain.decisions import Contribution, Decision, HardRule, ModelInfo, PolicyInfo
from scorewright.domain.matrix import Label
from scorewright.serve.answers import DecisionAnswer, ModelAnswer, decision_answer, model_answer

MODEL = ModelInfo("book", "7", "sha256:ab", "lightgbm", "log-odds", 0.09, 3, ("application", "loans"))


def decided(*weights: float, pd: float = 0.2) -> Decision:
    parts = (Contribution(f"f{i}", Label("one", "un"), float(i), weight) for i, weight in enumerate(weights))
    return Decision(12, pd, "refuse", MODEL, tuple(parts))


@given(st.lists(st.floats(-5, 5), max_size=20), st.integers(0, 15))
def test_the_largest_contributions_are_shown_whichever_their_sign(weights: list[float], top: int) -> None:
    shown = [one.contribution for one in decision_answer(decided(*weights), top).contributions]
    assert [abs(weight) for weight in shown] == sorted(map(abs, weights), reverse=True)[:top]


def test_equal_contributions_keep_their_order() -> None:
    shown = decision_answer(decided(1.0, -1.0, 1.0), 2).contributions
    assert [one.feature for one in shown] == ["f0", "f1"]


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
        "scale": "log-odds",
        "policy": {"version": "0", "rule": "threshold", "referral": None},
        "model": {"portfolio": "book", "version": "7", "bundle": "sha256:ab", "candidate": "lightgbm"},
        "contributions": [
            {"feature": "f0", "label": {"en": "one", "fr": "un"}, "value": 0.0, "contribution": 0.5},
        ],
    }


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
    told = json.loads(decision_answer(Decision("k", 0.1, "approve", MODEL, parts), 10).model_dump_json())
    assert [one["value"] for one in told["contributions"]] == [None, None]


@pytest.mark.parametrize("pd", [math.nan, math.inf, -0.01, 1.01])
def test_what_is_not_a_probability_is_never_answered(pd: float) -> None:
    with pytest.raises(ValidationError):
        decision_answer(decided(pd=pd), 10)


def test_the_model_says_what_it_is() -> None:
    told = model_answer(MODEL)
    assert (told.portfolio, told.version, told.bundle, told.candidate) == ("book", "7", "sha256:ab", "lightgbm")
    assert (told.scale, told.threshold, told.features, told.tables) == ("log-odds", 0.09, 3, ("application", "loans"))


@pytest.mark.parametrize("answer", [DecisionAnswer, ModelAnswer])
def test_the_examples_shown_are_answers(answer: type[DecisionAnswer | ModelAnswer]) -> None:
    for example in answer.model_json_schema()["examples"]:
        assert json.loads(answer.model_validate(example).model_dump_json()) == example
