"""What is left on the disk of a client who was forgotten."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from scorewright.domain.ledger import DecisionEntry
from scorewright.ledger import LedgerKeys, open_ledger

KEYS = LedgerKeys(b"the secret of a ledger in a test")


def decision(client: str) -> DecisionEntry:
    return DecisionEntry(client, "desk", b"inputs", 0.5, "approve", "p", "1", "b", "0")


def subjects(file: Path) -> list[tuple[bytes, bytes]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT tag, wrapped FROM ledger_subjects").fetchall()


def test_neither_key_nor_tag_is_left_in_any_file(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    ledger = open_ledger(f"sqlite:///{file}", KEYS)
    ledger.append(decision("A"))
    mine = subjects(file)
    for number in range(50):
        ledger.append(decision(f"other {number}"))
    assert found(tmp_path, mine)
    ledger.forget("A", "dpo")
    assert found(tmp_path, mine) == []
    assert len(subjects(file)) == 50
    ledger.close()
    assert found(tmp_path, mine) == []


def found(folder: Path, secrets: list[tuple[bytes, bytes]]) -> list[str]:
    wanted = [part for pair in secrets for part in pair]
    assert wanted
    return [file.name for file in folder.iterdir() for part in wanted if part in file.read_bytes()]
