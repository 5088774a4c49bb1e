from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from scorewright.errors import LedgerUnavailableError, SettingsError
from scorewright.ledger import LedgerKeys, open_ledger
from scorewright.ledger.database import Database

KEYS = LedgerKeys(b"the secret of a ledger in a test")


@pytest.mark.parametrize(
    "url",
    ["", "ledger.db", "sqlite://", "sqlite:///:memory:", "mysql://lender@db/ledger", "postgresql://db", "x://y/z"],
)
def test_what_cannot_hold_a_ledger_is_refused_with_examples(url: str) -> None:
    with pytest.raises(SettingsError, match="Write for example sqlite:"):
        Database(url, 1.0)


def test_a_refusal_shows_no_password() -> None:
    with pytest.raises(SettingsError) as refusal:
        Database("mysql://lender:secret@db/ledger", 1.0)
    assert "secret" not in str(refusal.value)


def test_sqlite_keeps_what_it_said_it_kept(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'ledger.db'}", 1.5)
    with database.reading() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "busy_timeout")
        }
    database.close()
    assert found == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "busy_timeout": 1500}


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", KEYS).close()
    assert stat.S_IMODE((tmp_path / "ledger.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("place", ["no folder/ledger.db", "."])
def test_a_file_that_cannot_be_made_is_an_unavailable_ledger(tmp_path: Path, place: str) -> None:
    with pytest.raises(LedgerUnavailableError):
        open_ledger(f"sqlite:///{tmp_path / place}", KEYS)


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    file.write_text("no database " * 1000)
    with pytest.raises(LedgerUnavailableError, match="not a database"):
        open_ledger(f"sqlite:///{file}", KEYS)
    assert file.read_text() == "no database " * 1000


def test_a_server_that_is_not_there_is_an_unavailable_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailableError):
        open_ledger(f"postgresql://lender:secret@/ledger?host={tmp_path}", KEYS)


def test_a_failed_block_leaves_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'ledger.db'}", 1.0)
    with pytest.raises(LedgerUnavailableError, match="no such table"), database.writing() as connection:
        connection.execute(text("CREATE TABLE half (written)")).connection.execute(text("SELECT * FROM missing"))
    with database.reading() as connection:
        assert connection.execute(text("SELECT name FROM sqlite_master")).all() == []
    database.close()


def test_opening_takes_no_lock_away(tmp_path: Path) -> None:
    # A process that closes any descriptor of a file loses every lock that it has on it.
    file = tmp_path / "ledger.db"
    first = Database(f"sqlite:///{file}", 0.1)
    with first.writing() as connection:
        connection.execute(text("CREATE TABLE made (it)"))
        Database(f"sqlite:///{file}", 0.1).close()
        script = f"import sqlite3; sqlite3.connect({str(file)!r}, timeout=0).execute('BEGIN IMMEDIATE')"
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert "database is locked" in other.stderr
    first.close()
