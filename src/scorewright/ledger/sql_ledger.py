"""The ledger in a database: one chain, appended to by one thread of each process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select

from scorewright.domain.ledger import (
    KINDS,
    Anchor,
    DecisionEntry,
    Entry,
    Kind,
    OutcomeEntry,
    OverrideEntry,
    Page,
    Recorded,
    Verification,
    Wanted,
)
from scorewright.domain.progress import Listener, silent
from scorewright.errors import LedgerError, LedgerUnavailableError, UnknownDecisionError
from scorewright.ledger import recording, verifying
from scorewright.ledger.chain import make_anchor
from scorewright.ledger.database import Database
from scorewright.ledger.group_commit import GroupCommit
from scorewright.ledger.identifiers import to_microseconds
from scorewright.ledger.keys import KeyRing
from scorewright.ledger.reading import by_idempotency, find, read_head, recorded, repeated
from scorewright.ledger.recording import Clock, Pen
from scorewright.ledger.rows import Draft, draft
from scorewright.ledger.schema import ENTRIES, SUBJECTS

_PAGE = 64
_CLIENTS = 500
#: After so many rows the log is moved into the file once nobody waits: sooner than SQLite would, inside a commit.
_SETTLE_EVERY = 48
#: After so many it is done before the next are written, if somebody always waits: those before were told already.
_SETTLE_AT_LAST = 192


def utc_now() -> int:
    """Return the microseconds since 1970, UTC."""
    return time.time_ns() // 1000


def _nothing(anchor: Anchor) -> None:
    del anchor


@dataclass(frozen=True)
class LedgerOptions:
    """How a ledger works.

    Parameters
    ----------
    patience : float
        How long to wait for a lock or a connection before an append fails, in seconds.
    waiting : int
        How many entries may wait to be written.
    together : int
        How many are written in one transaction.
    anchor_every : int
        An anchor is made of every so manieth row.
    on_anchor : callable
        Told each anchor once its row is on disk, on the writing thread; what it raises is ignored. Where it puts the
        anchor should be out of reach of whoever can write the database.
    clock : callable
        Microseconds since 1970, UTC.
    """

    patience: float = 5.0
    waiting: int = 1000
    together: int = 256
    anchor_every: int = 1000
    on_anchor: Callable[[Anchor], None] = _nothing
    clock: Clock = utc_now


class SqlLedger:
    """A ledger whose tables exist. `open_ledger` makes one.

    Parameters
    ----------
    database : Database
        What holds it.
    ring : KeyRing
        Its secrets.
    options : LedgerOptions
        How it works.
    """

    def __init__(self, database: Database, ring: KeyRing, options: LedgerOptions) -> None:
        self._database = database
        self._ring = ring
        self._options = options
        self._pen = Pen(ring, options.clock, options.anchor_every)
        self._closed = False
        self._unsettled = 0
        self._writer = GroupCommit[Draft, Recorded](self._write, options.waiting, options.together, self._settle)

    def submit(self, entry: Entry) -> Future[Recorded]:
        """Hand an entry over to be written together with what else waits."""
        return self._writer.submit(draft(entry, self._ring))

    def append(self, entry: Entry) -> Recorded:
        """Record an entry, and wait for it."""
        return self.submit(entry).result()

    def recall(self, entry: DecisionEntry | OverrideEntry | OutcomeEntry) -> Recorded | None:
        """Return what was recorded under the entry's caller and idempotency key."""
        wanted = draft(entry, self._ring)
        if not wanted.idempotency:
            return None
        with self._database.reading() as connection:
            known = by_idempotency(connection, wanted.idempotency)
        return repeated(known[0], wanted.request, self._ring) if known else None

    def get(self, decision: str) -> Recorded:
        """Return a decision, or a shadow of one."""
        for one in self._find(ENTRIES.c.id == decision, ENTRIES.c.kind.in_(("decision", "shadow"))):
            return one
        raise UnknownDecisionError(decision)

    def of_client(self, client: str, limit: int = 50, before: int | None = None) -> Page:
        """Return a page of a client's decisions, the newest first."""
        known = select(SUBJECTS.c.id).where(SUBJECTS.c.tag.in_(self._ring.indexes("client", client)))
        conditions = [ENTRIES.c.subject.in_(known), ENTRIES.c.kind == "decision"]
        if before is not None:
            conditions.append(ENTRIES.c.sequence < before)
        records = self._find(*conditions, newest_first=True, limit=limit + 1)
        return Page(tuple(records[:limit]), records[limit - 1].sequence if len(records) > limit else None)

    def of_decision(self, decision: str) -> tuple[Recorded, ...]:
        """Return what was recorded about a decision, the oldest first."""
        return tuple(self._find(ENTRIES.c.decision == decision))

    def iterate(self, wanted: Wanted) -> Iterator[Recorded]:
        """Yield the entries wanted, the oldest first, a page at a time."""
        conditions = _conditions(wanted)
        after, left = wanted.after, wanted.limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            page = self._find(ENTRIES.c.sequence > after, *conditions, limit=size)
            yield from page
            if len(page) < size:
                return
            after = page[-1].sequence
            left = None if left is None else left - size

    def counts(self) -> Mapping[Kind, int]:
        """Return how many entries of each kind there are."""
        with self._database.reading() as connection:
            rows = connection.execute(select(ENTRIES.c.kind, func.count()).group_by(ENTRIES.c.kind)).all()
        counted = {str(kind): int(number) for kind, number in rows}
        return {kind: counted.get(kind, 0) for kind in KINDS}

    def forget(self, client: str, caller: str) -> int:
        """Destroy a client's key, and record that it was done."""
        self._check_open()
        with self._database.writing() as connection:
            concerned = recording.forget(connection, client, caller, self._pen)
        # The key is gone already. A reader that is in the way leaves the overwriting to the database's next chance.
        with suppress(LedgerUnavailableError):
            self._database.scrub()
        return concerned

    def rewrap(self) -> int:
        """Bring every client's data key under the secret in force, and return how many were not. May be cut short."""
        self._check_open()
        total = 0
        while True:
            with self._database.writing() as connection:
                done = recording.rewrap(connection, self._ring, _CLIENTS)
            total += done
            if done < _CLIENTS:
                return total

    def anchors(self) -> tuple[Anchor, ...]:
        """Return an anchor of every so many rows, and of the last one."""
        with self._database.reading() as connection:
            head = read_head(connection, self._ring)
            wanted = (ENTRIES.c.sequence % self._options.anchor_every == 0) | (ENTRIES.c.sequence == head.sequence)
            numbers = connection.scalars(
                select(ENTRIES.c.sequence).where(wanted, ENTRIES.c.sequence <= head.sequence).order_by("sequence")
            ).all()
            return tuple(self._anchor(connection, head.ledger, number) for number in numbers)

    def verify(self, anchors: Sequence[Anchor] = (), listen: Listener = silent) -> Verification:
        """Read the whole chain and compare it with its head, its clients' keys and exported anchors."""
        return verifying.verify(self._database, self._ring, anchors, listen)

    def check(self) -> None:
        """Read the head."""
        self._check_open()
        with self._database.reading() as connection:
            read_head(connection, self._ring)

    def close(self) -> None:
        """Write what waits, then close every connection."""
        self._closed = True
        self._writer.close()
        self._database.close()

    def _write(self, drafts: Sequence[Draft]) -> Sequence[Recorded | LedgerError]:
        self._settle_after(_SETTLE_AT_LAST)
        with self._database.writing() as connection:
            written = recording.record(connection, drafts, self._pen)
        for anchor in written.anchors:
            with suppress(Exception):
                self._options.on_anchor(anchor)
        self._unsettled += len(drafts)
        return written.results

    def _settle(self) -> None:
        self._settle_after(_SETTLE_EVERY)

    def _settle_after(self, rows: int) -> None:
        if self._unsettled >= rows:
            self._unsettled = 0
            with suppress(LedgerUnavailableError):
                self._database.settle()

    def _find(self, *conditions: ColumnElement[bool], **how: Any) -> list[Recorded]:
        with self._database.reading() as connection:
            rows = find(connection, *conditions, **how)
        return [recorded(one, self._ring) for one in rows]

    def _anchor(self, connection: Any, ledger: str, sequence: int) -> Anchor:
        (one,) = find(connection, ENTRIES.c.sequence == sequence)
        recorded(one, self._ring)
        return make_anchor(self._ring, ledger, one.row)

    def _check_open(self) -> None:
        if self._closed:
            raise LedgerUnavailableError("a ledger that was closed")


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [ENTRIES.c.kind == wanted.kind]
    for name in ("portfolio", "model", "bundle"):
        value = getattr(wanted, name)
        if value is not None:
            conditions.append(ENTRIES.c[name] == value)
    if wanted.since is not None:
        conditions.append(ENTRIES.c.time >= to_microseconds(wanted.since))
    return conditions
