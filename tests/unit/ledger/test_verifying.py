"""Rows that no longer hold what their columns promise: SQLite keeps any type anywhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scorewright.domain.ledger import DecisionEntry
from scorewright.errors import LedgerTamperedError
from scorewright.ledger import LedgerKeys, SqlLedger, open_ledger

KEYS = LedgerKeys(b"the secret of a ledger in a test")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(file: Path) -> Iterator[SqlLedger]:
    made = open_ledger(f"sqlite:///{file}", KEYS)
    entries = [
        DecisionEntry(str(number), "desk", b"inputs", 0.5, "approve", "p", "1", "b", "0") for number in range(150)
    ]
    for future in [made.submit(entry) for entry in entries]:
        future.result()
    yield made
    made.close()


def change(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER IF EXISTS ledger_entries_no_update")
        connection.execute(statement)


@pytest.mark.parametrize("value", ["'text'", "1", "1e300", "X'ff'", "CAST(X'ff' AS TEXT)", "9223372036854775807"])
@pytest.mark.parametrize("column", ["mac", "sealed", "caller", "time", "pd", "key"])
def test_a_value_of_another_type_is_found_where_it_stands(
    ledger: SqlLedger, file: Path, column: str, value: str
) -> None:
    change(file, f"UPDATE ledger_entries SET {column} = {value} WHERE sequence = 100")
    verification = ledger.verify()
    assert verification.broken is not None
    assert (verification.broken.sequence, verification.rows) == (100, 99)


@pytest.mark.parametrize("column", ["sequence", "mac", "seal", "key", "ledger"])
def test_a_head_of_another_type_is_found(ledger: SqlLedger, file: Path, column: str) -> None:
    change(file, f"UPDATE ledger_head SET {column} = 'x'")
    assert ledger.verify().broken is not None
    with pytest.raises(LedgerTamperedError):
        ledger.check()


def test_two_heads_are_one_too_many(ledger: SqlLedger, file: Path) -> None:
    change(file, "INSERT INTO ledger_head SELECT 'x', sequence, mac, key, seal FROM ledger_head")
    assert ledger.verify().broken is not None
    with pytest.raises(LedgerTamperedError):
        ledger.check()


@pytest.mark.parametrize("column", ["tag", "wrapped", "key"])
def test_a_clients_key_of_another_type_is_found(ledger: SqlLedger, file: Path, column: str) -> None:
    change(
        file,
        f"UPDATE ledger_subjects SET {column} = 5 WHERE id = (SELECT subject FROM ledger_entries WHERE sequence = 7)",
    )
    broken = ledger.verify().broken
    assert broken is not None
    assert broken.sequence == 7
