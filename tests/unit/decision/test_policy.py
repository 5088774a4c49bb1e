from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from scorewright.decision.policy import Policy
from scorewright.decision.threshold import APPROVE_ALL
from scorewright.domain.costs import CostMatrix
from scorewright.errors import BundleCorruptError

POLICY = Policy(0.25, CostMatrix(10.0, 1.0))


def test_the_threshold_itself_is_refused() -> None:
    assert POLICY.decide(np.array([0.2499, 0.25, 0.3])).tolist() == [False, True, True]
    assert POLICY.outcomes(np.array([0.2499, 0.25])) == ("approve", "refuse")


def test_a_missing_pd_is_never_approved() -> None:
    with pytest.raises(ValueError, match="PDs must be"):
        POLICY.decide(np.array([float("nan")]))


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_threshold_that_json_or_pds_do_not_know_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        Policy(threshold, CostMatrix())


@pytest.mark.parametrize("threshold", [0.0, 0.1 + 0.2, APPROVE_ALL])
def test_it_survives_json(threshold: float) -> None:
    policy = Policy(threshold, CostMatrix(12.5, 0.1))
    assert Policy.from_dict(json.loads(json.dumps(policy.to_dict(), allow_nan=False))) == policy


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"threshold": 0.5},
        {"threshold": 2.0, "costs": {"false_negative": 1, "false_positive": 1}},
        {"threshold": 0.5, "costs": {"false_negative": None, "false_positive": 1}},
        {"threshold": 0.5, "costs": 3},
    ],
)
def test_a_broken_policy_is_a_broken_bundle(content: dict[str, Any]) -> None:
    with pytest.raises(BundleCorruptError, match="threshold and two costs"):
        Policy.from_dict(content)
