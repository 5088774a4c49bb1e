"""How many cores there are to use, and work shared out among them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_CELLS_WORTH_THREADS = 5_000_000
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def cores(quota: Path = _QUOTA) -> int:
    """Count the cores this process may use: those it is bound to, and no more than its container's share of time.

    Parameters
    ----------
    quota : Path
        Control group file of the container: microseconds of processor time, or ``max``, and the period they are for.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        time, period = (int(part) for part in quota.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return bound
    return max(1, min(bound, -(-time // period)))


def threads_for(cells: int) -> int:
    """Say how many threads one fit should use: threads that wait for each other cost more than they give on little."""
    return cores() if cells >= _CELLS_WORTH_THREADS else 1


def side_by_side(work: Callable[[Task], Result], tasks: Iterable[Task], threads: int) -> Iterator[Result]:
    """Give what `work` makes of each task, in order, with as many at a time as there are threads.

    For work that leaves Python's lock alone, as learning in LightGBM, scikit-learn and NumPy does. What has not begun
    is left undone when one of them fails.
    """
    if threads == 1:
        yield from map(work, tasks)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        yield from pool.map(work, tasks)
    finally:
        pool.shutdown(cancel_futures=True)
