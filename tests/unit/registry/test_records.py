from __future__ import annotations

import json
import math
from typing import Any, get_args

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scorewright.domain.evaluation import CandidateRecord, Curve, Evaluation, Importance, Interval, Trial, TrialState
from scorewright.domain.training import TrainingRecord
from scorewright.registry.records import flat_metrics, from_json, to_json

texts = st.text(max_size=8)
numbers = st.floats(width=64)
parameters = st.dictionaries(texts, st.one_of(numbers, st.integers(), texts, st.booleans(), st.none()), max_size=4)
few_numbers = st.lists(numbers, max_size=3).map(tuple)
evaluations = st.builds(
    Evaluation,
    st.dictionaries(texts, numbers, max_size=3),
    st.dictionaries(texts, st.builds(Interval, numbers, numbers, numbers), max_size=2),
)
states = st.sampled_from(get_args(TrialState))
importances = st.lists(st.builds(Importance, texts, texts, numbers, numbers), max_size=2).map(tuple)
candidates = st.builds(
    CandidateRecord,
    name=texts,
    parameters=parameters,
    out_of_fold=evaluations,
    test=evaluations,
    threshold=numbers,
    seconds=numbers,
    curves=st.lists(st.builds(Curve, texts, texts, texts, few_numbers, few_numbers), max_size=2).map(tuple),
    features=importances,
    raw_columns=importances,
    trials=st.lists(st.builds(Trial, st.integers(), parameters, numbers, states, numbers), max_size=2).map(tuple),
    bundle=texts,
    importances=st.dictionaries(texts, numbers, max_size=2),
)
trainings = st.builds(
    TrainingRecord,
    portfolio=texts,
    seed=st.integers(),
    fingerprint=texts,
    applications=st.integers(),
    features=st.integers(),
    winner=texts,
    settings=parameters,
    candidates=st.lists(candidates, max_size=2).map(tuple),
    warnings=st.lists(texts, max_size=2).map(tuple),
    baselines=st.dictionaries(texts, numbers, max_size=2),
)


def refused(name: str) -> Any:
    raise AssertionError(name)


def small(**changes: Any) -> CandidateRecord:
    given_anyway: dict[str, Any] = {
        "name": "trees",
        "parameters": {},
        "out_of_fold": Evaluation({}),
        "test": Evaluation({}),
        "threshold": 0.1,
        "seconds": 2.0,
    }
    return CandidateRecord(**{**given_anyway, **changes})


def record(candidate: CandidateRecord, **settings: Any) -> TrainingRecord:
    return TrainingRecord("lender", 1, "f", 10, 2, candidate.name, settings, (candidate,))


@given(trainings)
def test_a_training_comes_back_as_it_was(training: TrainingRecord) -> None:
    assert repr(from_json(to_json(training))) == repr(training)  # repr, because NaN differs from itself


@given(trainings)
def test_the_text_is_strict_json(training: TrainingRecord) -> None:
    json.loads(to_json(training), parse_constant=refused)


def test_nan_is_null_and_infinity_is_named() -> None:
    candidate = small(threshold=math.inf, seconds=math.nan)
    written = json.loads(to_json(record(candidate, rate=-math.inf)))["training"]
    assert written["candidates"][0]["threshold"] == "inf"
    assert written["candidates"][0]["seconds"] is None
    assert written["settings"] == {"rate": {"float": "-inf"}}


def test_numpy_numbers_are_written_as_plain_ones() -> None:
    candidate = small(threshold=np.float64(0.5), parameters={"leaves": np.int64(31), "flag": np.bool_(1)})
    found = from_json(to_json(record(candidate))).candidates[0]
    assert found.parameters == {"leaves": 31, "flag": True}
    assert type(found.parameters["leaves"]) is int
    assert type(found.parameters["flag"]) is bool


def test_unknown_fields_are_passed_over_and_absent_ones_take_their_defaults() -> None:
    content = json.loads(to_json(record(small())))
    content["training"]["added_later"] = 1
    del content["training"]["warnings"], content["training"]["candidates"][0]["trials"]
    found = from_json(json.dumps(content))
    assert found.warnings == ()
    assert found.candidates[0].trials == ()


def test_a_trial_written_before_it_had_a_state_ran_to_its_end() -> None:
    content = json.loads(to_json(record(small(trials=(Trial(0, {"leaves": 8}, 0.5),)))))
    del content["training"]["candidates"][0]["trials"][0]["state"]
    del content["training"]["candidates"][0]["importances"]
    found = from_json(json.dumps(content)).candidates[0]
    assert found.trials[0].state == "complete"
    assert found.importances == {}


def test_flat_metrics_name_sets_and_ends_of_intervals() -> None:
    candidate = small(
        out_of_fold=Evaluation({"auc": 0.7, "ks": math.nan}),
        test=Evaluation({"auc": 0.75}, {"cost": Interval(0.5, 0.4, math.inf)}),
    )
    assert flat_metrics(candidate) == {
        "threshold": 0.1,
        "seconds": 2.0,
        "out_of_fold.auc": 0.7,
        "test.auc": 0.75,
        "test.cost": 0.5,
        "test.cost_low": 0.4,
    }
