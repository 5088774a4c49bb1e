"""A ledger in memory, for tests of those who write to one: it can hold back, fail and remember."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from scorewright.domain.ledger import DecisionEntry, Entry, Kind, Page, Recorded
from scorewright.errors import IdempotencyConflictError, LedgerUnavailableError, UnknownDecisionError

BEGINNING = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class MemoryLedger:
    """Keeps entries in a list; follows `scorewright.domain.ledger.Ledger` as far as the service uses it.

    Attributes
    ----------
    held : bool
        Whether what is submitted waits for `release`.
    failure : Exception or None
        Raised by whatever is asked.
    late_failure : Exception or None
        What the futures of later submits end with.
    """

    def __init__(self) -> None:
        self.records: list[Recorded] = []
        self.held = False
        self.failure: Exception | None = None
        self.late_failure: Exception | None = None
        self.is_closed = False
        self.submitted = threading.Semaphore(0)
        self._keys: dict[tuple[str, str], tuple[Any, Recorded]] = {}
        self._waiting: list[Callable[[], None]] = []
        self._lock = threading.RLock()

    def submit(self, entry: Entry) -> Future[Recorded]:
        self._answer()
        if not 0 < len(entry.caller) <= 200:
            raise ValueError("caller must be printable, of 1 to 200 characters")
        future: Future[Recorded] = Future()

        def record() -> None:
            if future.set_running_or_notify_cancel():
                self._settle(future, entry)

        with self._lock:
            if self.held:
                self._waiting.append(record)
            else:
                record()
        self.submitted.release()
        return future

    def append(self, entry: Entry) -> Recorded:
        return self.submit(entry).result()

    def recall(self, entry: Any) -> Recorded | None:
        self._answer()
        with self._lock:
            return self._known(entry)

    def get(self, decision: str) -> Recorded:
        self._answer()
        for record in self.of_kind("decision") + self.of_kind("shadow"):
            if record.id == decision:
                return record
        raise UnknownDecisionError(decision)

    def of_client(self, client: str, limit: int = 50, before: int | None = None) -> Page:
        self._answer()
        found = [one for one in reversed(self.of_kind("decision")) if cast("DecisionEntry", one.entry).client == client]
        found = [one for one in found if before is None or one.sequence < before]
        return Page(tuple(found[:limit]), found[limit - 1].sequence if len(found) > limit else None)

    def of_decision(self, decision: str) -> tuple[Recorded, ...]:
        self._answer()
        about = [
            (one, getattr(one.entry, "shadow_of", None) or getattr(one.entry, "decision", None)) for one in self.records
        ]
        return tuple(one for one, named in about if named == decision)

    def check(self) -> None:
        self._answer()

    def close(self) -> None:
        self.release()
        self.is_closed = True

    def release(self) -> None:
        """Record what was held back, and hold nothing back any more."""
        with self._lock:
            self.held, waiting, self._waiting = False, self._waiting, []
        for record in waiting:
            record()

    def of_kind(self, kind: Kind) -> list[Recorded]:
        """Return the entries of a kind, the oldest first."""
        return [record for record in list(self.records) if record.kind == kind]

    @property
    def decisions(self) -> list[DecisionEntry]:
        """What was recorded of decisions that were answered, the oldest first."""
        return [cast("DecisionEntry", record.entry) for record in self.of_kind("decision")]

    def _answer(self) -> None:
        if self.is_closed:
            raise LedgerUnavailableError("a ledger that was closed")
        if self.failure is not None:
            raise self.failure

    def _settle(self, future: Future[Recorded], entry: Entry) -> None:
        try:
            with self._lock:
                recorded = self._keep(entry)
        except Exception as error:  # noqa: BLE001 - tests choose what it fails with
            future.set_exception(error)
        else:
            future.set_result(recorded)

    def _keep(self, entry: Entry) -> Recorded:
        if self.late_failure is not None:
            raise self.late_failure
        referred = getattr(entry, "shadow_of", None) or getattr(entry, "decision", None)
        if referred is not None and referred not in {record.id for record in self.of_kind("decision")}:
            raise UnknownDecisionError(referred)
        known = self._known(entry)
        if known is not None:
            return known
        number = len(self.records) + 1
        nameless = replace(cast("DecisionEntry", entry), idempotency=None) if hasattr(entry, "idempotency") else entry
        recorded = Recorded(number, str(UUID(int=number)), BEGINNING + timedelta(microseconds=number), nameless)
        self.records.append(recorded)
        key = getattr(entry, "idempotency", None)
        if key is not None:
            self._keys[entry.caller, key] = (request_of(entry), recorded)
        return recorded

    def _known(self, entry: Entry) -> Recorded | None:
        known = self._keys.get((entry.caller, getattr(entry, "idempotency", None) or ""))
        if known is None:
            return None
        request, recorded = known
        if request != request_of(entry):
            raise IdempotencyConflictError
        return replace(recorded, repeated=True)


def request_of(entry: Entry) -> object:
    """Return what the caller sent: of a decision its inputs alone."""
    return entry.inputs if isinstance(entry, DecisionEntry) else entry
