from __future__ import annotations

import threading
from pathlib import Path

import pytest

from scorewright.models.cores import cores, side_by_side, threads_for


def test_a_containers_share_of_time_bounds_the_cores(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text("100000 100000\n", encoding="ascii")
    assert cores(quota) == 1
    quota.write_text("max 100000\n", encoding="ascii")
    assert cores(quota) == cores(tmp_path / "absent") >= 1


def test_a_small_fit_gets_one_thread() -> None:
    assert threads_for(1_000) == 1
    assert threads_for(10**9) == cores()


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_tasks(threads: int) -> None:
    assert list(side_by_side(lambda task: task * task, range(20), threads)) == [task * task for task in range(20)]


def test_as_many_run_at_a_time_as_there_are_threads() -> None:
    together = threading.Barrier(2, timeout=20)
    assert list(side_by_side(lambda _: together.wait() >= 0, range(4), 2)) == [True] * 4


def test_a_failure_is_passed_on() -> None:
    def work(task: int) -> float:
        return 1 / (3 - task)

    with pytest.raises(ZeroDivisionError):
        list(side_by_side(work, range(8), 2))
