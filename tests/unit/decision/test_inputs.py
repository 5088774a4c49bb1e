from __future__ import annotations

import numpy as np
import pytest

from scorewright.decision.inputs import checked_decisions, checked_pair, checked_pd, checked_target


@pytest.mark.parametrize("bad", [[float("nan")], [-0.1], [1.1], [float("inf")], [[0.5]]])
def test_what_is_no_pd_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        checked_pd(np.array(bad))


@pytest.mark.parametrize("bad", [[], [2], [-1], [0.5], [float("nan")], [[0, 1]]])
def test_what_is_no_target_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="0 or 1"):
        checked_target(np.array(bad))


def test_targets_of_any_numeric_type_become_flags() -> None:
    for dtype in (np.int8, np.int64, np.float64, np.bool_):
        assert checked_target(np.array([0, 1], dtype=dtype)).tolist() == [False, True]


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 PDs cannot be measured against 1 targets"):
        checked_pair(np.array([0.1, 0.2]), np.array([1]))


def test_decisions_become_flags_and_must_belong_to_their_targets() -> None:
    defaulted, refused = checked_decisions(np.array([1, 0]), np.array([0, 1]))
    assert (defaulted.tolist(), refused.tolist()) == ([True, False], [False, True])
    with pytest.raises(ValueError, match="1 decisions cannot be judged by 2 targets"):
        checked_decisions(np.array([1, 0]), np.array([True]))
