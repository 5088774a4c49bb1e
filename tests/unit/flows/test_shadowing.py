from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from scorewright.domain.ledger import DecisionEntry
from scorewright.domain.service import Answered, Asked, Judged, Wish
from scorewright.errors import LedgerUnavailableError, ScorewrightError, UnseenCategoryError
from scorewright.flows.desk import Desk
from scorewright.flows.shadowing import Shadow
from tests.ledgers import MemoryLedger
from tests.logs import lines_of, logged
from tests.serving import FakeService

PATIENCE = 30


class Challenger(FakeService):
    """Says when it was asked, and waits for its door to open."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__(failure)
        self.door, self.entered = threading.Event(), threading.Semaphore(0)
        self.door.set()

    def decide_each(self, wishes: Sequence[Wish]) -> list[Judged | ScorewrightError]:
        self.entered.release()
        assert self.door.wait(PATIENCE)
        return super().decide_each(wishes)


class Bench:
    """A ledger with decisions in it, a challenger, and what was missed."""

    def __init__(self, challenger: Challenger | None = None, waiting: int = 256) -> None:
        self.challenger = challenger
        self.ledger = MemoryLedger()
        self.missed: list[str] = []
        self.shadow = Shadow(self._held, self.ledger, waiting, self.missed.append)  # type: ignore[arg-type]
        self.desk = Desk(FakeService(), self.ledger, self.shadow.offer)  # type: ignore[arg-type]

    def _held(self) -> Any:
        return None if self.challenger is None else SimpleNamespace(service=self.challenger)

    def decide(self, number: int, key: str | None = None) -> Answered:
        asked = Asked(Wish({"application": {"id": number}}, frozenset({"reasons"})), "branch", b"body", key)
        (pending,) = self.desk.decide_each([asked], lambda decision, include: b"{}")
        assert not isinstance(pending, Exception)
        return pending.result(PATIENCE)

    @property
    def shadows(self) -> list[DecisionEntry]:
        return [record.entry for record in self.ledger.of_kind("shadow")]  # type: ignore[misc]


@contextmanager
def closing(bench: Bench) -> Iterator[Bench]:
    try:
        yield bench
    finally:
        if bench.challenger is not None:
            bench.challenger.door.set()
        bench.shadow.close(PATIENCE)


def test_each_decision_is_scored_beside_and_recorded_under_it() -> None:
    with closing(Bench(Challenger())) as bench:
        answered = [bench.decide(number) for number in (1, 2)]
    assert [entry.shadow_of for entry in bench.shadows] == [one.id for one in answered]
    assert [(entry.client, entry.inputs, entry.answer) for entry in bench.shadows] == [
        ("1", b"body", b""),
        ("2", b"body", b""),
    ]
    assert bench.missed == []


def test_a_shadow_is_not_explained() -> None:
    challenger = Challenger()
    with closing(Bench(challenger)) as bench:
        bench.decide(1)
    assert challenger.included == [frozenset()]


def test_the_answer_does_not_wait_for_the_challenger() -> None:
    challenger = Challenger()
    challenger.door.clear()
    with closing(Bench(challenger)) as bench:
        answered = bench.decide(1)
        assert challenger.entered.acquire(timeout=PATIENCE)
        assert bench.shadows == []
        assert answered.told == b"{}"


def test_without_a_challenger_nothing_is_scored_and_no_thread_runs() -> None:
    threads = threading.active_count()
    with closing(Bench()) as bench:
        bench.decide(1)
        assert threading.active_count() == threads
    assert bench.shadows == []
    assert bench.missed == []


def test_a_challenger_that_comes_and_goes_is_followed() -> None:
    with closing(Bench()) as bench:
        bench.decide(1)
        bench.challenger = Challenger()
        bench.decide(2)
        assert bench.challenger.entered.acquire(timeout=PATIENCE)
    assert [entry.client for entry in bench.shadows] == ["2"]


def test_what_comes_faster_than_it_can_be_scored_is_left_out_and_counted() -> None:
    challenger = Challenger()
    challenger.door.clear()
    with closing(Bench(challenger, waiting=2)) as bench:
        bench.decide(1)
        assert challenger.entered.acquire(timeout=PATIENCE)
        for number in range(2, 6):
            bench.decide(number)
        assert bench.missed == ["shadow-busy"] * 2
    assert [entry.client for entry in bench.shadows] == ["1", "2", "3"]
    assert len(bench.ledger.decisions) == 5


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (UnseenCategoryError("job", ["Martin"], ["cook"], 1), "data-unseen-category"),
        (ZeroDivisionError("Mrs Martin"), "unexpected"),
    ],
)
def test_a_challenger_that_fails_harms_nothing_and_is_counted(failure: Exception, code: str) -> None:
    challenger = Challenger(failure)
    with logged() as log, closing(Bench(challenger)) as bench:
        bench.decide(1)
        bench.decide(2)
    assert bench.missed == [code] * 2
    assert bench.shadows == []
    assert len(bench.ledger.decisions) == 2
    assert "Martin" not in log.getvalue()
    failed = [line for line in lines_of(log) if line["event"] == "shadow-failed"]
    assert [line["error"] for line in failed] == (["ZeroDivisionError"] * 2 if code == "unexpected" else [])


def test_a_shadow_that_cannot_be_recorded_is_counted_and_the_next_is_tried() -> None:
    challenger = Challenger()
    challenger.door.clear()
    with closing(Bench(challenger)) as bench:
        bench.decide(1)
        assert challenger.entered.acquire(timeout=PATIENCE)
        bench.ledger.late_failure = LedgerUnavailableError("a lock")
        challenger.door.set()
        while not bench.missed:
            threading.Event().wait(0.002)
        bench.ledger.late_failure = None
        bench.decide(2)
    assert bench.missed == ["ledger-unavailable"]
    assert [entry.client for entry in bench.shadows] == ["2"]


def test_a_repeated_request_is_scored_beside_once() -> None:
    with closing(Bench(Challenger())) as bench:
        bench.decide(1, "a")
        bench.decide(1, "a")
    assert len(bench.shadows) == 1


def test_closing_scores_what_waits_and_takes_nothing_more() -> None:
    bench = Bench(Challenger())
    for number in range(5):
        bench.decide(number)
    bench.shadow.close(PATIENCE)
    assert len(bench.shadows) == 5
    bench.decide(6)
    assert len(bench.shadows) == 5


def test_closing_does_not_wait_longer_than_told_for_a_challenger_that_hangs() -> None:
    challenger = Challenger()
    challenger.door.clear()
    with closing(Bench(challenger, waiting=1)) as bench:
        bench.decide(1)
        assert challenger.entered.acquire(timeout=PATIENCE)
        bench.decide(2)
        bench.shadow.close(0.01)
        assert bench.shadows == []
