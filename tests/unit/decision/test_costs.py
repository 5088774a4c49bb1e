from __future__ import annotations

import numpy as np
import pytest

from scorewright.decision.costs import baselines, cost_of_each, cost_per_application, total_cost
from scorewright.domain.costs import CostMatrix

COSTS = CostMatrix(false_negative=10.0, false_positive=1.0)
TARGET = np.array([1, 1, 0, 0, 0], dtype=np.int8)
REFUSED = np.array([True, False, True, True, False])


def test_each_cell_of_the_confusion_matrix_has_its_cost() -> None:
    assert cost_of_each(TARGET, REFUSED, COSTS).tolist() == [0.0, 10.0, 1.0, 1.0, 0.0]


def test_total_is_the_sum_and_the_mean_counts_right_decisions_too() -> None:
    assert total_cost(TARGET, REFUSED, COSTS) == 12.0
    assert cost_per_application(TARGET, REFUSED, COSTS) == 12.0 / 5


def test_refusing_everyone_does_not_win_by_making_cheap_errors() -> None:
    everyone = np.ones(5, dtype=np.bool_)
    one_missed = np.array([True, False, False, False, False])
    costs = CostMatrix(false_negative=2.0, false_positive=1.0)
    assert cost_per_application(TARGET, one_missed, costs) < cost_per_application(TARGET, everyone, costs)


def test_right_decisions_cost_nothing() -> None:
    assert total_cost(TARGET, TARGET == 1, COSTS) == 0.0


def test_baselines_are_the_two_constant_policies() -> None:
    assert baselines(TARGET, COSTS) == {"approve_all": 20.0 / 5, "refuse_all": 3.0 / 5}


def test_decisions_must_belong_to_the_targets() -> None:
    with pytest.raises(ValueError, match="4 decisions cannot be judged by 5 targets"):
        total_cost(TARGET, REFUSED[:4], COSTS)
