"""Connections to SQLite and PostgreSQL that lose nothing they said was written."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from scorewright.errors import LedgerUnavailableError, SettingsError

_WRITES = "scorewright_writes"
_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}


class Database:
    """A database that holds one ledger.

    Parameters
    ----------
    url : str
        ``sqlite:///PATH`` or ``postgresql://USER@HOST/NAME``.
    patience : float
        How long to wait for a lock, a connection or a free connection of the pool, in seconds.

    Raises
    ------
    SettingsError
        The URL names neither.
    LedgerUnavailableError
        The file cannot be made.
    """

    def __init__(self, url: str, patience: float) -> None:
        parsed = _parsed(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._engine = _sqlite(parsed, patience) if self.is_sqlite else _postgresql(parsed, patience)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection to read with.

        Raises
        ------
        LedgerUnavailableError
            The database does not answer.
        """
        with _reached(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection inside a transaction that is on disk when the block ends well, and never was otherwise.

        With SQLite it is the only writer from its first line on; with PostgreSQL, from where it locks the head.

        Raises
        ------
        LedgerUnavailableError
            The database does not answer, is full, or was locked for too long.
        """
        with _reached(), self._engine.connect() as connection:
            connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    def scrub(self) -> None:
        """Overwrite what was deleted, as far as the database can; what is left is said in the log of the database."""
        with _reached():
            if self.is_sqlite:
                with closing(self._engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
                    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            else:
                with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    connection.execute(text("VACUUM ledger_subjects"))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise LedgerUnavailableError(reason_of(error)) from error


def reason_of(error: SQLAlchemyError) -> str:
    """Say in one line why a database failed; what it quotes of rows stands in the lines after the first."""
    told = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return next(iter(told.splitlines()), type(error).__name__)[:300].rstrip(".")


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        raise _no_database(url.partition(":")[0]) from None
    if backend not in _DRIVERS or not parsed.database or ":memory:" in parsed.database:
        raise _no_database(parsed.render_as_string())
    return parsed.set(drivername=_DRIVERS[backend])


def _no_database(shown: str) -> SettingsError:
    return SettingsError(
        "The ledger must be a file of SQLite or a database of PostgreSQL.",
        repr(shown[:200]),
        "Write for example sqlite:////srv/ledger.db or postgresql://lender@db.example/ledger.",
    )


def _sqlite(url: URL, patience: float) -> Engine:
    _make_private(Path(str(url.database)))
    engine = create_engine(
        url, connect_args={"timeout": patience}, pool_timeout=patience, pool_size=8, hide_parameters=True
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _make_private(file: Path) -> None:
    # Never a file that exists: closing it would take away the locks that this process may hold on it.
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise LedgerUnavailableError(f"{file}: {error.strerror or type(error).__name__}") from error


def _set_up(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # this module says where transactions begin
    with closing(connection.cursor()) as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA secure_delete = ON")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for another writer, so writers lock at once.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL, patience: float) -> Engine:
    milliseconds = int(patience * 1000)
    options = f"-c synchronous_commit=on -c lock_timeout={milliseconds} -c timezone=UTC"
    arguments = {
        "options": f"{url.query.get('options', '')} {options}".strip(),
        "connect_timeout": max(2, round(patience)),
        "tcp_user_timeout": milliseconds,
    }
    return create_engine(
        url.difference_update_query(["options"]),
        connect_args=arguments,
        pool_timeout=patience,
        pool_size=8,
        pool_pre_ping=True,
        hide_parameters=True,
    )
