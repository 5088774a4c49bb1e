"""From a URL and a secret to a ledger."""

from __future__ import annotations

import os

from sqlalchemy import Connection, func, insert, inspect, select, text

from scorewright.ledger.chain import beginning, make_head
from scorewright.ledger.database import Database, no_ledger
from scorewright.ledger.identifiers import identifier
from scorewright.ledger.keys import KeyRing, LedgerKeys
from scorewright.ledger.migrating import migrate
from scorewright.ledger.reading import read_head
from scorewright.ledger.schema import ENTRIES, HEAD
from scorewright.ledger.sql_ledger import LedgerOptions, SqlLedger, utc_now

#: PostgreSQL's lock, by number, of whoever creates or upgrades a ledger.
_UPGRADING = 7262626100531


def open_ledger(url: str, keys: LedgerKeys, options: LedgerOptions | None = None, *, new: bool = True) -> SqlLedger:
    """Open a ledger, created or upgraded where that is needed.

    Any number of processes may do so at the same time. The database of SQLite must lie on a disk of this machine: its
    locks do not hold over networks.

    Parameters
    ----------
    url : str
        ``sqlite:///PATH``, whose folder exists, or ``postgresql://USER@HOST/NAME``, whose database exists.
    keys : LedgerKeys
        Its secrets.
    options : LedgerOptions, optional
        How it works.
    new : bool
        Whether to make the ledger where there is none. What only reads had better not: a ledger that was taken away
        would pass for an empty one.

    Raises
    ------
    SettingsError
        The URL names no database that can hold a ledger, or one without, and none is to be made.
    LedgerUnavailableError
        The database does not answer or may not be written.
    LedgerVersionError
        A later version of Scorewright wrote it.
    LedgerTamperedError
        Its head is not as it was sealed, or was sealed under another secret.
    """
    options = options or LedgerOptions()
    ring = KeyRing(keys)
    database = Database(url, options.patience, new=new)
    try:
        with database.writing() as connection:
            if not new:
                _check_kept(connection, url)
            _prepare(connection, ring)
    except BaseException:
        database.close()
        raise
    return SqlLedger(database, ring, options)


def _check_kept(connection: Connection, url: str) -> None:
    if not inspect(connection).has_table(HEAD.name):
        raise no_ledger(url)


def _prepare(connection: Connection, ring: KeyRing) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _UPGRADING})
    migrate(connection)
    is_new = not connection.scalar(select(func.count()).select_from(HEAD))
    if is_new and connection.scalar(select(func.max(ENTRIES.c.sequence))) is None:
        ledger = identifier(utc_now(), os.urandom(8))
        connection.execute(insert(HEAD), vars(make_head(ring, ledger, 0, beginning(ledger))))
    read_head(connection, ring)
