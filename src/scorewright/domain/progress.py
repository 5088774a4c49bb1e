"""How long work tells of itself without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One step of a task: `done` of `total`, with a short note."""

    task: str
    done: int
    total: int
    note: str = ""


Listener = Callable[[Step], None]


def silent(_step: Step) -> None:
    """Listen to nothing."""
