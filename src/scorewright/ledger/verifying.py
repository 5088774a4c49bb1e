"""Read a whole chain, page by page, and compare it with its head, its clients' keys and exported anchors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import Select, exists, func, select

from scorewright.domain.ledger import Anchor, Break, Verification
from scorewright.domain.progress import Listener, Step, silent
from scorewright.errors import LedgerUnavailableError
from scorewright.ledger.chain import Head, Row, Walk
from scorewright.ledger.database import Database
from scorewright.ledger.keys import KeyRing, Subject, UnknownKeyError
from scorewright.ledger.schema import ENTRIES, HEAD, SUBJECTS

_PAGE = 64
_CLIENTS = 1000


def verify(database: Database, ring: KeyRing, anchors: Sequence[Anchor], listen: Listener = silent) -> Verification:
    """Follow the chain from the first row to the last one there is now; later appends do not disturb.

    Raises
    ------
    LedgerUnavailableError
        The database does not answer.
    """
    last, head = _end(database)
    walk = Walk(ring, head, anchors)
    broken = _follow(database, walk, last, listen) or walk.end() or _clients(database, ring)
    return Verification(walk.rows, len(anchors), broken)


def _follow(database: Database, walk: Walk, last: int, listen: Listener) -> Break | None:
    try:
        for row in _rows(database, last):
            broken = walk.take(row)
            if broken is not None:
                return broken
            if walk.rows % _PAGE == 0 or walk.rows == last:
                listen(Step("Verify the chain", walk.rows, last))
    except _UnreadableError:
        return Break(walk.rows + 1, "it cannot be read")
    return None


def _end(database: Database) -> tuple[int, Head | None]:
    """Return the number of the last row and the head, as they are at one moment."""
    last = select(func.max(ENTRIES.c.sequence)).scalar_subquery().label("last")
    with database.reading() as connection:
        heads = connection.execute(select(last, HEAD)).all()
        if len(heads) != 1:
            return connection.scalar(select(last)) or 0, None
    end, *head = heads[0]
    return end or 0, Head(*head)


class _UnreadableError(Exception):
    """One row cannot be read, though the database answers."""


def _rows(database: Database, last: int) -> Iterator[Row]:
    """Yield the rows up to the last, a page at a time: no long transaction keeps the database from tidying up."""
    after: int | None = None
    size = _PAGE
    while after is None or after < last:
        try:
            page = _page(database, after, last, size)
        except LedgerUnavailableError as error:
            if size == 1:
                raise _UnreadableError from error
            size = 1  # to come as far as the row that cannot be read
            _answers(database)
            continue
        if not page:
            return
        yield from page
        after = page[-1]["sequence"]


def _page(database: Database, after: int | None, last: int, size: int) -> list[Row]:
    query: Select[*tuple[Any, ...]] = select(ENTRIES).where(ENTRIES.c.sequence <= last)
    if after is not None:
        query = query.where(ENTRIES.c.sequence > after)
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(query.order_by(ENTRIES.c.sequence).limit(size)).mappings()]


def _answers(database: Database) -> None:
    with database.reading() as connection:
        connection.execute(select(HEAD.c.sequence))


def _clients(database: Database, ring: KeyRing) -> Break | None:
    return _lost_key(database) or _returned_key(database) or _bad_key(database, ring)


def _lost_key(database: Database) -> Break | None:
    wishes = ENTRIES.alias()
    lost = select(func.min(ENTRIES.c.sequence)).where(
        ENTRIES.c.subject.is_not(None),
        ~exists().where(SUBJECTS.c.id == ENTRIES.c.subject),
        ~exists().where(wishes.c.subject == ENTRIES.c.subject, wishes.c.kind == "forget"),
    )
    return _first(database, lost, "the key of its client is gone, and no row says that the client was forgotten")


def _returned_key(database: Database) -> Break | None:
    back = select(func.min(ENTRIES.c.sequence)).where(
        ENTRIES.c.kind == "forget", exists().where(SUBJECTS.c.id == ENTRIES.c.subject)
    )
    return _first(database, back, "the client that it forgets has a key again")


def _first(database: Database, query: Select[int], what: str) -> Break | None:
    with database.reading() as connection:
        sequence = connection.scalar(query)
    return None if sequence is None else Break(sequence, what)


def _bad_key(database: Database, ring: KeyRing) -> Break | None:
    after = ""
    while True:
        with database.reading() as connection:
            query = select(SUBJECTS).where(SUBJECTS.c.id > after).order_by(SUBJECTS.c.id).limit(_CLIENTS)
            rows = connection.execute(query).all()
        for row in rows:
            if not _opens(ring, Subject(row.id, row.tag, row.key, row.wrapped)):
                of_client = select(func.min(ENTRIES.c.sequence)).where(ENTRIES.c.subject == row.id)
                return _first(database, of_client, "the key of its client was edited") or Break(
                    0, "a client's key stands there that no row needs"
                )
        if not rows:
            return None
        after = rows[-1].id


def _opens(ring: KeyRing, subject: Subject) -> bool:
    try:
        ring.data_key(subject)
    except (InvalidTag, UnknownKeyError, TypeError, ValueError):
        return False
    return True
