from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorewright.domain.ledger import AccessEntry, DecisionEntry, OutcomeEntry, OverrideEntry, Recorded
from scorewright.errors import LedgerBusyError, LedgerUnavailableError, TargetError, UnknownDecisionError
from scorewright.flows.records import (
    Matured,
    Trail,
    check_observed,
    decision_entry,
    find_decision,
    read_trail,
    record_outcomes,
)
from tests.ledgers import MemoryLedger

ENTRY = DecisionEntry("1", "desk", b"{}", 0.1, "approve", "book", "7", "sha256:ab", "0")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MISSING = "00000000-0000-0000-0000-00000000ffff"


def ledger_of(*clients: str) -> MemoryLedger:
    ledger = MemoryLedger()
    for client in clients or ("1",):
        ledger.append(replace(ENTRY, client=client))
    return ledger


def ids(ledger: MemoryLedger) -> list[str]:
    return [one.id for one in ledger.of_kind("decision")]


def ended(results: list[Any]) -> list[Any]:
    return [one.repeated if isinstance(one, Recorded) else type(one) for one in results]


def test_what_holds_is_the_decision_until_the_last_override() -> None:
    ledger = ledger_of()
    (id_,) = ids(ledger)
    assert read_trail(ledger, id_).standing == "approve"  # type: ignore[arg-type]
    for outcome in ("refuse", "refer"):
        ledger.append(OverrideEntry(id_, "desk", "Zoé", outcome, "Papers."))  # type: ignore[arg-type]
        ledger.append(OutcomeEntry(id_, "core", defaulted=True))
        assert read_trail(ledger, id_).standing == outcome  # type: ignore[arg-type]


def test_what_followed_is_given_by_its_kind() -> None:
    entries = [OutcomeEntry("a", "core", defaulted=True), replace(ENTRY, shadow_of="a"), AccessEntry("x", "GET", True)]  # noqa: FBT003
    records = [Recorded(number, str(number), NOON, entry) for number, entry in enumerate(entries)]
    trail = Trail(Recorded(9, "a", NOON, ENTRY), tuple(records))
    assert [one.id for one, _ in trail.of(DecisionEntry)] == ["1"]
    assert [entry for _, entry in trail.of(OutcomeEntry)] == [entries[0]]
    assert list(trail.of(OverrideEntry)) == []


def test_what_is_no_decision_is_not_read_as_one() -> None:
    with pytest.raises(TypeError, match="not outcome"):
        decision_entry(Recorded(1, "a", NOON, OutcomeEntry("a", "core", defaulted=True)))


@pytest.mark.parametrize("text", ["", "\0", "batch", MISSING.upper(), f"{MISSING}\n", "é" * 36])
def test_a_text_that_is_no_id_is_unknown_without_asking_the_database(text: str) -> None:
    ledger = ledger_of()
    ledger.failure = LedgerUnavailableError("a database that is not asked")
    with pytest.raises(UnknownDecisionError):
        find_decision(ledger, text)  # type: ignore[arg-type]


@pytest.mark.parametrize(("hour", "ahead"), [(9, 0), (9, -400), (10, 1), (23, 1)])
def test_a_day_that_has_begun_somewhere_can_have_been_observed(hour: int, ahead: int) -> None:
    now = NOON.replace(hour=hour)
    check_observed((now + timedelta(days=ahead)).date(), now)
    check_observed(None, now)


@pytest.mark.parametrize(("hour", "ahead"), [(9, 1), (10, 2), (9, 4000)])
def test_a_day_that_has_begun_nowhere_cannot(hour: int, ahead: int) -> None:
    now = NOON.replace(hour=hour)
    with pytest.raises(TargetError, match="in the future"):
        check_observed((now + timedelta(days=ahead)).date(), now)


def test_each_outcome_is_recorded_or_refused_by_itself() -> None:
    ledger = ledger_of("1", "2")
    first, second = ids(ledger)
    told = [Matured(first, True), Matured(MISSING, True), Matured("-", True), Matured(second, False, date(2999, 1, 1))]  # noqa: FBT003
    results = record_outcomes(ledger, told, "core")  # type: ignore[arg-type]
    assert ended(results) == [False, UnknownDecisionError, UnknownDecisionError, TargetError]
    assert [one.entry for one in ledger.of_kind("outcome")] == [OutcomeEntry(first, "core", defaulted=True)]


def test_outcomes_are_handed_over_together_before_any_is_waited_for() -> None:
    ledger = ledger_of("1", "2", "3")
    told = [Matured(id_, defaulted=False) for id_ in ids(ledger)]
    for _ in told:
        ledger.submitted.acquire()
    ledger.held = True
    with ThreadPoolExecutor(1) as pool:
        recording = pool.submit(record_outcomes, ledger, told, "core")  # type: ignore[arg-type]
        assert all(ledger.submitted.acquire(timeout=60) for _ in told)
        assert not recording.done()
        ledger.release()
        assert ended(recording.result()) == [False] * 3


def test_others_decisions_are_unknown_to_the_caller() -> None:
    ledger = ledger_of("1", "2")
    told = [Matured(id_, defaulted=True) for id_ in [*ids(ledger), MISSING]]
    results = record_outcomes(ledger, told, "core", {"2"}.__contains__)  # type: ignore[arg-type]
    assert ended(results) == [UnknownDecisionError, False, UnknownDecisionError]


def test_a_ledger_that_cannot_write_refuses_each() -> None:
    ledger = ledger_of()
    told = [Matured(id_, defaulted=True) for id_ in ids(ledger) * 2]
    ledger.late_failure = LedgerUnavailableError("a full disk")
    assert ended(record_outcomes(ledger, told, "core")) == [LedgerUnavailableError] * 2  # type: ignore[arg-type]
    ledger.failure = LedgerBusyError(1)
    assert ended(record_outcomes(ledger, told, "core")) == [LedgerBusyError] * 2  # type: ignore[arg-type]


days = st.none() | st.dates(date(2020, 1, 1), date(2025, 12, 31))
outcomes = st.lists(st.tuples(st.integers(0, 2), st.booleans(), days), max_size=12)


@given(first=outcomes, second=outcomes)
def test_however_often_it_is_told_there_is_one_entry_for_each_thing_told(first: Any, second: Any) -> None:
    ledger = ledger_of("1", "2", "3")
    known = ids(ledger)
    for told in (first, second, first):
        record_outcomes(ledger, [Matured(known[place], *rest) for place, *rest in told], "core")  # type: ignore[arg-type]
    kept = [one.entry for one in ledger.of_kind("outcome")]
    told_of = [
        (known.index(one.decision), one.defaulted, one.observed) for one in kept if isinstance(one, OutcomeEntry)
    ]
    assert len(told_of) == len(set(told_of))
    assert set(told_of) == {*first, *second}


def test_no_header_can_hold_the_key_of_an_outcome() -> None:
    assert not Matured(MISSING, defaulted=True).name.isprintable()
