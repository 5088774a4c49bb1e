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
#: Bytes of a page of a new file of SQLite. A decision is some 40 kB, and each page of it takes calls of its own.
_PAGE = 8192
#: Pages of SQLite's log after which a commit itself moves them: many more than are left between two calls of `settle`.
_LONGEST_LOG = 4000
_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}


class Database:
    """A database that holds one ledger.

    Parameters
    ----------
    url : str
        ``sqlite:///PATH`` or ``postgresql://USER@HOST/NAME``.
    patience : float
        How long to wait for a lock, a connection or a free connection of the pool, in seconds.
    new : bool
        Whether to make the file of SQLite where there is none.

    Raises
    ------
    SettingsError
        The URL names neither, or a file that is not there and is not to be made.
    LedgerUnavailableError
        The file cannot be made.
    """

    def __init__(self, url: str, patience: float, *, new: bool = True) -> None:
        parsed = _parsed(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite and not new and not Path(str(parsed.database)).exists():
            raise no_ledger(url)
        self._engine = _sqlite(parsed, patience) if self.is_sqlite else _postgresql(parsed, patience)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection to read with.

        Raises
        ------
        LedgerUnavailableError
            The database does not answer.
        """
        with self._reached(), self._engine.begin() as connection:
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
        with self._reached(), self._engine.connect() as connection:
            connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    def scrub(self) -> None:
        """Overwrite what was deleted, as far as the database can; what is left is said in the log of the database."""
        if self.is_sqlite:
            self._checkpoint("TRUNCATE")
            return
        with self._reached(), self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ledger_subjects"))

    def settle(self) -> None:
        """Move what was written from SQLite's log into its file, as far as no reader is in the way.

        Nothing is lost without it. SQLite does it by itself too, inside a commit, when the log has grown long; here it
        keeps nobody waiting.
        """
        if self.is_sqlite:
            self._checkpoint("PASSIVE")

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _checkpoint(self, how: str) -> None:
        with self._reached(), closing(self._engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
            cursor.execute(f"PRAGMA wal_checkpoint({how})")

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            raise LedgerUnavailableError(reason_of(error)) from error


def reason_of(error: Exception) -> str:
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


def no_ledger(url: str) -> SettingsError:
    """Say that a database holds no ledger."""
    return SettingsError(
        "There must be a ledger, as the service makes it when it first starts.",
        f"none in {make_url(url).render_as_string()}",
        "Correct SCOREWRIGHT_LEDGER or SCOREWRIGHT_HOME, or restore a backup.",
    )


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
        cursor.execute(f"PRAGMA page_size = {_PAGE}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.execute(f"PRAGMA wal_autocheckpoint = {_LONGEST_LOG}")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for another writer, so writers lock at once.
    writes = connection.get_execution_options().get(_WRITES)
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute("BEGIN IMMEDIATE" if writes else "BEGIN")


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
