"""Append to the chain, inside one transaction."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from scorewright.domain.ledger import Anchor, AnyEntry, ForgetEntry, Recorded
from scorewright.errors import ForgottenError, LedgerError, LedgerTamperedError, UnknownDecisionError
from scorewright.ledger.canonical import encode
from scorewright.ledger.chain import Head, make_anchor, make_head, row_mac
from scorewright.ledger.identifiers import identifier, to_datetime
from scorewright.ledger.keys import KeyRing, Subject, request_digest, seal
from scorewright.ledger.reading import Found, by_id, by_idempotency, data_key, read_head, repeated
from scorewright.ledger.rows import Draft, forget_columns
from scorewright.ledger.schema import ENTRIES, HEAD, SUBJECTS
from scorewright.ledger.statements import Lookup, Statement

_BY_TAG = Lookup(select(SUBJECTS.c.id, SUBJECTS.c.tag, SUBJECTS.c.key, SUBJECTS.c.wrapped), SUBJECTS.c.tag)
_NEW_ROW = Statement(insert(ENTRIES))
_NEW_SUBJECT = Statement(insert(SUBJECTS))
_NEW_HEAD = Statement(update(HEAD).values({name: bindparam(name) for name in ("sequence", "mac", "key", "seal")}))

Clock: TypeAlias = Callable[[], int]
"""Microseconds since 1970, UTC."""


@dataclass(frozen=True)
class Pen:
    """What is needed to append: the secrets, the time, and every how many rows an anchor is made."""

    ring: KeyRing
    clock: Clock
    anchor_every: int


@dataclass(frozen=True)
class Written:
    """What became of each draft, and the anchors that were passed."""

    results: tuple[Recorded | LedgerError, ...]
    anchors: tuple[Anchor, ...]


def record(connection: Connection, drafts: Sequence[Draft], pen: Pen) -> Written:
    """Append what is new among drafts, and find again what is not.

    Raises
    ------
    LedgerTamperedError
        The head of the chain, or a row that was found again, is not as it was written.
    """
    batch = _Batch(connection, drafts, pen)
    results = tuple(map(batch.take, drafts))
    return Written(results, batch.write(connection))


def forget(connection: Connection, client: str, caller: str, pen: Pen) -> int:
    """Destroy a client's key, append that it was done, and return how many entries it concerns."""
    end = _End(read_head(connection, pen.ring, lock=True), pen)
    tags = pen.ring.indexes("client", client)
    subject = connection.scalar(select(SUBJECTS.c.id).where(SUBJECTS.c.tag.in_(tags)))
    columns = forget_columns(caller)
    if subject is None:
        return 0
    concerned = connection.scalar(select(func.count()).where(ENTRIES.c.subject == subject))
    end.add({**columns, "subject": subject}, ForgetEntry(caller))
    connection.execute(delete(SUBJECTS).where(SUBJECTS.c.id == subject))
    end.write(connection)
    return int(concerned or 0)


def rewrap(connection: Connection, ring: KeyRing, most: int) -> int:
    """Bring the data keys of so many clients at most under the secret in force, and return how many it were."""
    read_head(connection, ring, lock=True)
    rows = connection.execute(select(SUBJECTS).where(SUBJECTS.c.key != ring.current).limit(most)).all()
    for row in rows:
        subject = ring.rewrap(Subject(row.id, row.tag, row.key, row.wrapped))
        values = {"key": subject.key, "wrapped": subject.wrapped}
        connection.execute(update(SUBJECTS).where(SUBJECTS.c.id == subject.id).values(values))
    return len(rows)


class _End:
    """The growing end of the chain."""

    def __init__(self, head: Head, pen: Pen) -> None:
        self._ledger = head.ledger
        self._sequence = head.sequence
        self._mac = head.mac
        self._pen = pen
        self.rows: list[dict[str, Any]] = []

    @property
    def next(self) -> int:
        """Number of the next row."""
        return self._sequence + 1

    def moment(self) -> tuple[int, str]:
        """Return the time, and an id made from it."""
        now = self._pen.clock()
        return now, identifier(now, os.urandom(8))

    def add(self, columns: dict[str, Any], entry: AnyEntry, moment: tuple[int, str] | None = None) -> Recorded:
        """Chain one more row."""
        time, id_ = moment or self.moment()
        row = {"idempotency": None, "request": None, "subject": None, "sealed": None} | columns
        row |= {"sequence": self.next, "id": id_, "time": time}
        row |= {"key": self._pen.ring.current, "previous": self._mac}
        row["mac"] = row_mac(self._pen.ring, row)
        self._sequence, self._mac = row["sequence"], row["mac"]
        self.rows.append(row)
        return Recorded(self._sequence, id_, to_datetime(time), entry)

    def write(self, connection: Connection) -> tuple[Anchor, ...]:
        """Write the new rows and the head, and return the anchors that were passed."""
        if not self.rows:
            return ()
        ring = self._pen.ring
        _NEW_ROW.run(connection, self.rows)
        head = make_head(ring, self._ledger, self._sequence, self._mac)
        _NEW_HEAD.run(connection, [vars(head)])
        passed = [row for row in self.rows if row["sequence"] % self._pen.anchor_every == 0]
        return tuple(make_anchor(ring, self._ledger, row) for row in passed)


class _Batch:
    """Drafts on their way into the chain, and what the database knows of them."""

    def __init__(self, connection: Connection, drafts: Sequence[Draft], pen: Pen) -> None:
        self._ring = pen.ring
        self._end = _End(read_head(connection, pen.ring, lock=True), pen)
        keys = {digest for draft in drafts for digest in draft.idempotency}
        self._repeats = {one.row["idempotency"]: one for one in by_idempotency(connection, keys)}
        referred = {draft.decision for draft in drafts if draft.decision is not None}
        decisions = by_id(connection, referred)
        self._decisions = {one.row["id"]: one for one in decisions if one.row["kind"] == "decision"}
        tags = {tag for draft in drafts for tag in draft.tags}
        self._subjects = {row[1]: Subject(*row) for row in _BY_TAG.rows(connection, tags)}
        self._new: list[Subject] = []

    def take(self, draft: Draft) -> Recorded | LedgerError:
        """Chain a draft, or find it again, or say why it cannot be."""
        try:
            return self._known(draft) or self._chain(draft)
        except LedgerTamperedError:
            raise
        except LedgerError as error:
            return error

    def write(self, connection: Connection) -> tuple[Anchor, ...]:
        """Write what was chained."""
        if self._new:
            _NEW_SUBJECT.run(connection, [vars(subject) for subject in self._new])
        return self._end.write(connection)

    def _known(self, draft: Draft) -> Recorded | None:
        for digest in draft.idempotency:
            if digest in self._repeats:
                return repeated(self._repeats[digest], draft.request, self._ring)
        return None

    def _chain(self, draft: Draft) -> Recorded:
        subject = self._subject(draft)
        moment = self._end.moment()
        columns = dict(draft.columns)
        if subject is not None:
            columns |= self._sealed(draft, subject, moment[1])
        made = self._end.add(columns, draft.entry, moment)
        one = Found(self._end.rows[-1], subject)
        if columns["kind"] == "decision":
            self._decisions[made.id] = one
        if draft.idempotency:
            self._repeats[draft.idempotency[0]] = one
        return made

    def _sealed(self, draft: Draft, subject: Subject, id_: str) -> dict[str, Any]:
        key = data_key(self._ring, subject, self._end.next)
        columns: dict[str, Any] = {"subject": subject.id}
        if draft.private is not None:
            columns["sealed"] = seal(key, draft.private, encode((subject.id, id_)))
        if draft.idempotency:
            columns |= {"idempotency": draft.idempotency[0], "request": request_digest(key, draft.request)}
        return columns

    def _subject(self, draft: Draft) -> Subject | None:
        if draft.decision is not None and draft.client is None:
            return self._subject_of_decision(draft.decision)
        if draft.decision is not None and draft.decision not in self._decisions:
            raise UnknownDecisionError(draft.decision)
        return None if draft.client is None else self._subject_of_client(draft.client, draft.tags)

    def _subject_of_decision(self, decision: str) -> Subject:
        one = self._decisions.get(decision)
        if one is None:
            raise UnknownDecisionError(decision)
        if one.subject is None:
            raise ForgottenError(decision)
        return one.subject

    def _subject_of_client(self, client: str, tags: tuple[bytes, ...]) -> Subject:
        for tag in tags:
            if tag in self._subjects:
                return self._subjects[tag]
        _, id_ = self._end.moment()
        subject = self._ring.new_subject(client, id_)
        self._subjects[subject.tag] = subject
        self._new.append(subject)
        return subject
