"""Agreement of judges, against Kendall's own example and what can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from scorewright.explain.stability import kendall_w, rank_ranges


def test_judges_who_agree_agree_wholly() -> None:
    one = np.array([0.3, 0.2, 0.9, 0.1])
    assert kendall_w(np.array([one, 2.0 * one, one**3])) == pytest.approx(1.0, abs=1e-15)


def test_two_judges_who_contradict_each_other_do_not_agree_at_all() -> None:
    assert kendall_w(np.array([[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]])) == 0.0


def test_w_with_ties_by_the_formula_written_out() -> None:
    """Ranks 1, 2.5, 2.5, 4 and 1.5, 1.5, 3, 4 and 1, 2, 3, 4: S = 38.5, ties 6 + 6."""
    judged = np.array([[1.0, 2.0, 2.0, 3.0], [0.0, 0.0, 5.0, 6.0], [1.0, 2.0, 3.0, 4.0]])
    sums = np.array([3.5, 6.0, 8.5, 12.0])
    spread = float(np.sum((sums - 7.5) ** 2))
    assert kendall_w(judged) == pytest.approx(12 * spread / (9 * (64 - 4) - 3 * (6 + 6)), abs=1e-15)


@pytest.mark.parametrize("judged", [[[0.3, 0.1, 0.2]], [[1.0, 1.0], [2.0, 2.0]], [[1.0]]])
def test_where_nobody_can_disagree_all_agree(judged: list[list[float]]) -> None:
    assert kendall_w(np.array(judged)) == pytest.approx(1.0)


def test_ranks_go_from_the_best_to_the_worst_fold_and_equals_share_the_best() -> None:
    best, worst = rank_ranges(np.array([[0.5, 0.9, 0.0, 0.0], [0.5, 0.1, 0.2, 0.0], [0.9, 0.8, 0.0, 0.0]]))
    assert (best.tolist(), worst.tolist()) == ([1, 1, 2, 3], [2, 3, 3, 4])
