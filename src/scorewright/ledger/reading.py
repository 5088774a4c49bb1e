"""Read rows back, each checked against its own MAC."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import ColumnElement, Connection, select

from scorewright.domain.ledger import Recorded
from scorewright.errors import ForgottenError, IdempotencyConflictError, LedgerTamperedError
from scorewright.ledger.canonical import encode
from scorewright.ledger.chain import Head, Row, flaw, is_sealed
from scorewright.ledger.identifiers import to_datetime
from scorewright.ledger.keys import KeyRing, Subject, UnknownKeyError, request_digest, same, unseal
from scorewright.ledger.rows import entry_of
from scorewright.ledger.schema import ENTRIES, HEAD, SUBJECTS
from scorewright.ledger.statements import Lookup, Statement

_ROWS = select(
    ENTRIES,
    SUBJECTS.c.tag.label("subject_tag"),
    SUBJECTS.c.key.label("subject_key"),
    SUBJECTS.c.wrapped.label("subject_wrapped"),
).select_from(ENTRIES.outerjoin(SUBJECTS, SUBJECTS.c.id == ENTRIES.c.subject))
_HEAD = Statement(select(HEAD))
_LOCKED_HEAD = Statement(select(HEAD).with_for_update())
_BY_KEY = Lookup(_ROWS, ENTRIES.c.idempotency)
_BY_ID = Lookup(_ROWS, ENTRIES.c.id)
_COLUMNS = tuple(column.name for column in ENTRIES.columns)


@dataclass(frozen=True)
class Found:
    """A row, and the client that it is about, if there is one who was not forgotten."""

    row: Row
    subject: Subject | None


def find(
    connection: Connection, *conditions: ColumnElement[bool], newest_first: bool = False, limit: int | None = None
) -> list[Found]:
    """Read the rows that meet every condition, in the order of the chain."""
    order = ENTRIES.c.sequence.desc() if newest_first else ENTRIES.c.sequence
    return [_found(tuple(row)) for row in connection.execute(_ROWS.where(*conditions).order_by(order).limit(limit))]


def by_idempotency(connection: Connection, digests: Collection[bytes]) -> list[Found]:
    """Read the rows of requests that had these idempotency keys, in no order."""
    return [_found(row) for row in _BY_KEY.rows(connection, digests)]


def by_id(connection: Connection, ids: Collection[str]) -> list[Found]:
    """Read the rows of these ids, in no order."""
    return [_found(row) for row in _BY_ID.rows(connection, ids)]


def read_head(connection: Connection, ring: KeyRing, lock: bool = False) -> Head:
    """Read the end of the chain; with `lock`, keep every other writer waiting from here on.

    Raises
    ------
    LedgerTamperedError
        It is missing, or not as it was sealed.
    """
    heads = [Head(*row) for row in (_LOCKED_HEAD if lock else _HEAD).rows(connection)]
    if len(heads) != 1 or not is_sealed(ring, heads[0]):
        what = "the head of the chain is missing, was edited, or is under a secret not given"
        raise LedgerTamperedError(heads[0].sequence if heads and isinstance(heads[0].sequence, int) else 0, what)
    return heads[0]


def recorded(found: Found, ring: KeyRing) -> Recorded:
    """Check a row and read what was recorded.

    Raises
    ------
    LedgerTamperedError
        The row, or its client's key, is not as it was written.
    """
    row = found.row
    what = flaw(ring, row)
    if what is not None:
        raise LedgerTamperedError(row["sequence"] if isinstance(row["sequence"], int) else 0, what)
    return Recorded(
        sequence=row["sequence"],
        id=row["id"],
        time=to_datetime(row["time"]),
        entry=entry_of(row, _private(found, ring)),
        forgotten=row["subject"] is not None and found.subject is None,
    )


def repeated(found: Found, request: bytes, ring: KeyRing) -> Recorded:
    """Read what was recorded of a request that comes again.

    Raises
    ------
    IdempotencyConflictError
        It is another request than the one recorded.
    ForgottenError
        The client was forgotten, so that nobody can tell any more.
    LedgerTamperedError
        The row is not as it was written.
    """
    known = recorded(found, ring)
    if found.subject is None:
        raise ForgottenError(known.id)
    if not same(found.row["request"], request_digest(data_key(ring, found.subject, known.sequence), request)):
        raise IdempotencyConflictError
    return Recorded(known.sequence, known.id, known.time, known.entry, repeated=True)


def data_key(ring: KeyRing, subject: Subject, sequence: int) -> bytes:
    """Unwrap a client's data key, for a row.

    Raises
    ------
    LedgerTamperedError
        The client's record is not as it was written.
    """
    try:
        return ring.data_key(subject)
    except (InvalidTag, TypeError, ValueError) as error:
        raise LedgerTamperedError(sequence, "the key of its client was edited") from error
    except UnknownKeyError as error:
        raise LedgerTamperedError(sequence, "the key of its client is under a secret that is not given") from error


def _private(found: Found, ring: KeyRing) -> bytes | None:
    sealed = found.row["sealed"]
    if sealed is None or found.subject is None:
        return None
    context = encode((found.subject.id, found.row["id"]))
    try:
        return unseal(data_key(ring, found.subject, found.row["sequence"]), sealed, context)
    except InvalidTag as error:
        raise LedgerTamperedError(found.row["sequence"], "the key of its client was replaced") from error


def _found(values: tuple[Any, ...]) -> Found:
    row = dict(zip(_COLUMNS, values, strict=False))
    tag, key, wrapped = values[len(_COLUMNS) :]
    return Found(row, None if wrapped is None else Subject(row["subject"], tag, key, wrapped))
