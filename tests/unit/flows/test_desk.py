from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from scorewright.domain.decisions import NOTHING, Decision, Include
from scorewright.domain.ledger import OutcomeEntry
from scorewright.domain.service import Answered, Asked, Judged, Wish
from scorewright.errors import (
    ForgottenError,
    IdempotencyConflictError,
    LedgerBusyError,
    LedgerUnavailableError,
    NoModelError,
    ScorewrightError,
)
from scorewright.flows.desk import Desk, Offer, answered, entry_of, nothing_beside
from tests.ledgers import MemoryLedger
from tests.serving import FEATURES, FakeService

LOST = LedgerUnavailableError("a lock")


def asked(number: int = 1, key: str | None = None, **changes: Any) -> Asked:
    row = {"id": number, "income": 2000.5}
    given = {"caller": "api-key:branch", "sent": b"body %d" % number, "idempotency": key}
    return Asked(Wish({"application": row}), **{**given, **changes})


def write(decision: Decision, include: frozenset[Include]) -> bytes:
    return f'{{"pd":{decision.pd},"parts":{len(include)}}}'.encode()


def desk(ledger: MemoryLedger | None = None, service: FakeService | None = None, offer: Offer = nothing_beside) -> Desk:
    return Desk(service or FakeService(), ledger or MemoryLedger(), offer)  # type: ignore[arg-type]


def settled(each: Any) -> Answered:
    assert not isinstance(each, Exception), each
    assert each.done()
    told: Answered = each.result()
    return told


def test_each_is_answered_in_its_place_as_it_was_recorded() -> None:
    ledger = MemoryLedger()
    told = [settled(one) for one in desk(ledger).decide_each([asked(3), asked(1)], write)]
    records = ledger.of_kind("decision")
    assert [one.id for one in told] == [record.id for record in records]
    assert [one.time for one in told] == [record.time for record in records]
    assert [entry.client for entry in ledger.decisions] == ["3", "1"]
    assert {one.told for one in told} == {b'{"pd":0.01,"parts":0}'}
    assert not any(one.repeated for one in told)


def test_nothing_asked_is_nothing_answered() -> None:
    service = FakeService()
    assert desk(service=service).decide_each([], write) == []
    assert service.batches == []


def test_a_future_ends_when_the_ledger_says_so_and_is_not_cancelled_by_those_who_leave() -> None:
    ledger = MemoryLedger()
    ledger.held = True
    (pending,) = desk(ledger).decide_each([asked()], write)
    assert not isinstance(pending, Exception)
    assert not pending.done()
    assert not pending.cancel()
    ledger.release()
    assert settled(pending).id == ledger.of_kind("decision")[0].id


def test_known_requests_are_not_computed_again() -> None:
    ledger, service = MemoryLedger(), FakeService()
    bench = desk(ledger, service)
    (first,) = bench.decide_each([asked(1, "a")], write)
    again, new = bench.decide_each([asked(1, "a"), asked(2, "b")], write)
    assert settled(again) == replace(settled(first), repeated=True)
    assert not settled(new).repeated
    assert service.batches == [1, 1]


def test_one_key_twice_in_one_batch_is_recorded_once() -> None:
    ledger = MemoryLedger()
    first, second = (settled(one) for one in desk(ledger).decide_each([asked(1, "a"), asked(1, "a")], write))
    assert (first.id, first.told) == (second.id, second.told)
    assert (first.repeated, second.repeated) == (False, True)
    assert len(ledger.decisions) == 1


def test_a_key_with_another_body_fails_alone() -> None:
    bench = desk()
    bench.decide_each([asked(1, "a")], write)
    conflict, good = bench.decide_each([asked(2, "a"), asked(3)], write)
    assert isinstance(conflict, IdempotencyConflictError)
    assert settled(good).outcome == "approve"


def test_a_silent_ledger_is_asked_once_for_all_keys_of_a_batch() -> None:
    class Silent(MemoryLedger):
        asked = 0

        def recall(self, entry: Any) -> None:
            self.asked += 1
            raise LOST

    ledger = Silent()
    told = desk(ledger).decide_each([asked(1, "a"), asked(2), asked(3, "c")], write)
    assert (told[0], told[2], ledger.asked) == (LOST, LOST, 1)
    assert settled(told[1]).outcome == "approve"


def test_a_forgotten_client_fails_alone_and_others_are_asked_for_still() -> None:
    class Forgetful(MemoryLedger):
        def recall(self, entry: Any) -> Any:
            if entry.idempotency == "gone":
                raise ForgottenError("1")
            return super().recall(entry)

    told = desk(Forgetful()).decide_each([asked(1, "gone"), asked(2, "b")], write)
    assert isinstance(told[0], ForgottenError)
    assert settled(told[1]).outcome == "approve"


class Fragile(FakeService):
    """Breaks over some applications, and so over any batch that holds one."""

    def decide_each(self, wishes: Sequence[Wish]) -> list[Judged | ScorewrightError]:
        if any(wish.application["application"]["id"] < 0 for wish in wishes):
            raise ZeroDivisionError("Mrs Martin")
        return super().decide_each(wishes)


def test_an_application_that_breaks_the_model_fails_alone() -> None:
    ledger = MemoryLedger()
    told = desk(ledger, Fragile()).decide_each([asked(1), asked(-2), asked(3)], write)
    assert isinstance(told[1], ZeroDivisionError)
    assert [settled(told[place]).id for place in (0, 2)] == [record.id for record in ledger.of_kind("decision")]


def test_an_answer_that_cannot_be_said_or_recorded_fails_alone() -> None:
    def fussy(decision: Decision, include: frozenset[Include]) -> bytes:
        if decision.application == 2:
            raise TypeError("not JSON")
        return write(decision, include)

    told = desk().decide_each([asked(1), asked(2), asked(3, caller="x" * 300), asked(4)], fussy)
    assert [type(one).__name__ for one in told] == ["Future", "TypeError", "ValueError", "Future"]


def test_without_a_model_all_fail() -> None:
    class Empty(FakeService):
        def decide_each(self, wishes: Sequence[Wish]) -> list[Judged | ScorewrightError]:
            raise NoModelError("One must be.", "none", "Promote one.")

    with pytest.raises(NoModelError):
        desk(service=Empty()).decide_each([asked(1), asked(2)], write)


@pytest.mark.parametrize("failure", [LOST, LedgerBusyError(3)])
def test_what_the_ledger_refuses_is_not_answered(failure: ScorewrightError) -> None:
    ledger = MemoryLedger()
    ledger.failure = failure
    assert desk(ledger).decide_each([asked()], write) == [failure]
    ledger.failure, ledger.late_failure = None, failure
    (pending,) = desk(ledger).decide_each([asked()], write)
    assert not isinstance(pending, Exception)
    assert pending.exception() is failure


def test_only_new_recorded_decisions_are_offered() -> None:
    offered: list[tuple[Asked, Answered]] = []
    ledger = MemoryLedger()
    bench = desk(ledger, offer=lambda one, told: offered.append((one, told)))
    ledger.held = True
    (first,) = bench.decide_each([asked(1, "a")], write)
    assert offered == []
    ledger.release()
    bench.decide_each([asked(1, "a")], write)
    ledger.late_failure = LOST
    bench.decide_each([asked(2)], write)
    assert offered == [(asked(1, "a"), settled(first))]


def test_an_entry_is_the_decision_and_a_shadow_bears_no_key() -> None:
    (judged,) = FakeService().decide_each([Wish({"application": {"id": 9, "income": 1.5}}, frozenset({"reasons"}))])
    assert isinstance(judged, Judged)
    entry, shadow = entry_of(asked(9, "a"), judged, b"{}"), entry_of(asked(9, "a"), judged, shadow_of="id-1")
    assert (entry.client, entry.idempotency, entry.shadow_of, entry.answer) == ("9", "a", None, b"{}")
    assert (shadow.idempotency, shadow.shadow_of, shadow.answer) == (None, "id-1", b"")
    assert (entry.reasons, entry.features, entry.inputs) == (("late",), FEATURES, b"body 9")


def test_what_is_no_decision_is_not_answered_as_one() -> None:
    ledger = MemoryLedger()
    desk(ledger).decide_each([asked()], write)
    outcome = ledger.append(OutcomeEntry(ledger.records[0].id, "import", defaulted=True))
    with pytest.raises(TypeError, match="outcome"):
        answered(outcome)


def test_reading_asks_for_no_part_by_itself() -> None:
    service = FakeService()
    desk(service=service).decide_each([asked()], write)
    assert service.included == [NOTHING]
