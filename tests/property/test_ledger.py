"""Whatever is done to a ledger, in whatever order, it answers as a plain list would."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorewright.domain.ledger import (
    KINDS,
    AccessEntry,
    AnyEntry,
    DecisionEntry,
    Entry,
    ForgetEntry,
    OutcomeEntry,
    OverrideEntry,
    Wanted,
    kind_of,
)
from scorewright.errors import ForgottenError, IdempotencyConflictError, LedgerError, UnknownDecisionError
from scorewright.ledger import LedgerKeys, SqlLedger, open_ledger

# Where the machine has it, a disk of memory: what is tested here is not whether the disk keeps what it was given.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
KEYS = LedgerKeys(b"the secret of a ledger in a test")
CLIENTS = ("A", "B", "C")


@dataclass
class Kept:
    """One row of the oracle."""

    entry: AnyEntry
    client: str | None = None
    asked: tuple[Any, ...] | None = None
    forgotten: bool = False


@dataclass
class Oracle:
    """A ledger without a database, secrets or threads."""

    rows: list[Kept] = field(default_factory=list)

    def append(self, entry: Entry) -> int:
        """Return the number of the entry's row, or raise what the ledger raises."""
        key = getattr(entry, "idempotency", None)
        asked = None if key is None else (entry.caller, key, self.request(entry))
        for number, row in enumerate(self.rows, 1):
            if asked and row.asked and row.asked[:2] == asked[:2]:
                if row.forgotten:
                    raise ForgottenError(str(number))
                if row.asked != asked:
                    raise IdempotencyConflictError
                return number
        client = self.client_of(entry)
        self.rows.append(Kept(entry, client, asked))
        return len(self.rows)

    def client_of(self, entry: Entry) -> str | None:
        if isinstance(entry, DecisionEntry) and entry.shadow_of is not None:
            self.decision(entry.shadow_of)
        if isinstance(entry, DecisionEntry | AccessEntry):
            return entry.client
        row = self.decision(entry.decision)
        if row.forgotten:
            raise ForgottenError(entry.decision)
        return row.client

    def decision(self, number: str) -> Kept:
        row = self.rows[int(number) - 1] if 0 < int(number) <= len(self.rows) else None
        if row is None or kind_of(row.entry) != "decision":
            raise UnknownDecisionError(number)
        return row

    def forget(self, client: str) -> int:
        concerned = [row for row in self.rows if row.client == client and not row.forgotten]
        for row in concerned:
            row.forgotten = True
        if concerned:
            self.rows.append(Kept(ForgetEntry("dpo"), client, forgotten=True))
        return len(concerned)

    @staticmethod
    def request(entry: Entry) -> Any:
        return ("decision", entry.inputs) if isinstance(entry, DecisionEntry) else entry

    def read(self, number: int) -> AnyEntry:
        """Return what reading a row gives."""
        row = self.rows[number - 1]
        entry = row.entry
        if isinstance(entry, DecisionEntry | OverrideEntry | OutcomeEntry):
            entry = replace(entry, idempotency=None)
        if not row.forgotten:
            return entry
        if isinstance(entry, DecisionEntry):
            return replace(entry, client="", inputs=b"", answer=b"", features="")
        if isinstance(entry, OverrideEntry):
            return replace(entry, reason="")
        return replace(entry, client=None) if isinstance(entry, AccessEntry) else entry


keys = st.none() | st.sampled_from(["k1", "k2", "k3"])
names = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=5)
callers = st.sampled_from(["desk", "é ü"])
outcomes = st.sampled_from(["approve", "refer", "refuse"])
rows = st.integers(0, 12).map(str)
decisions = st.builds(
    DecisionEntry,
    client=st.sampled_from(CLIENTS),
    caller=callers,
    inputs=st.sampled_from([b"", b"body", b"\x00other"]),
    pd=st.floats(0, 1).map(lambda pd: pd + 0.0),
    outcome=outcomes,
    portfolio=names,
    model=st.sampled_from(["1", "2"]),
    bundle=names,
    policy=names,
    interval=st.none() | st.just((0.25, 0.5)),
    reasons=st.lists(st.text(st.characters(exclude_categories=("Cs",)))).map(tuple),
    features=st.just("ab"),
    answer=st.binary(max_size=10),
    idempotency=keys,
)
nameless = decisions.map(lambda entry: replace(entry, idempotency=None))
shadows = st.builds(lambda entry, row: replace(entry, shadow_of=row, idempotency=None), decisions, rows)
words = st.text(st.characters(exclude_categories=("Cs",)))
overrides = st.builds(OverrideEntry, rows, callers, names, outcomes, words, keys)
matured = st.builds(OutcomeEntry, rows, callers, st.booleans(), st.none() | st.dates(), keys)
accesses = st.builds(AccessEntry, callers, names, st.booleans(), st.just(""), st.none() | st.sampled_from(CLIENTS))
forgets = st.sampled_from(CLIENTS)
operations = st.lists(decisions | shadows | overrides | matured | accesses | forgets, max_size=20)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a ledger without entries, to be copied."""
    file = tmp_path_factory.mktemp("empty") / "ledger.db"
    open_ledger(f"sqlite:///{file}", KEYS).close()
    return file


class Pair:
    """A ledger and its oracle, which calls decisions by their row."""

    def __init__(self, ledger: SqlLedger) -> None:
        self.ledger = ledger
        self.oracle = Oracle()
        self.ids: list[str] = []

    def id_of(self, number: str) -> str:
        return self.ids[int(number) - 1] if 0 < int(number) <= len(self.ids) else "unknown"

    def translated(self, entry: Any) -> Any:
        """Write a row's number as the id that the ledger gave it."""
        name = "shadow_of" if isinstance(entry, DecisionEntry) else "decision"
        number = getattr(entry, name, None)
        return entry if number is None else replace(entry, **{name: self.id_of(number)})

    def do(self, operation: Entry | str) -> None:
        if isinstance(operation, str):
            assert self.ledger.forget(operation, "dpo") == self.oracle.forget(operation)
            self.ids += ["forget"] * (len(self.oracle.rows) - len(self.ids))
            return
        try:
            expected = self.oracle.append(operation)
        except LedgerError as error:
            with pytest.raises(type(error)):
                self.ledger.append(self.translated(operation))
            return
        made = self.ledger.append(self.translated(operation))
        assert made.sequence == expected
        assert made.repeated is (expected <= len(self.ids))
        self.ids += [made.id] * (not made.repeated)

    def compare(self) -> None:
        numbers = range(1, len(self.ids) + 1)
        kinds = [kind_of(row.entry) for row in self.oracle.rows]
        assert self.ledger.counts() == {kind: Counter(kinds)[kind] for kind in KINDS}
        for kind in KINDS:
            told = [(one.sequence, one.entry) for one in self.ledger.iterate(Wanted(kind))]
            assert told == [(n, self.translated(self.oracle.read(n))) for n in numbers if kinds[n - 1] == kind]
        for client in CLIENTS:
            mine = [n for n in reversed(numbers) if self.is_of(client, n)]
            assert [one.sequence for one in self.ledger.of_client(client, limit=100).records] == mine
        assert self.ledger.verify(self.ledger.anchors()).broken is None

    def is_of(self, client: str, number: int) -> bool:
        row = self.oracle.rows[number - 1]
        return row.client == client and not row.forgotten and kind_of(row.entry) == "decision"


@given(operations)
def test_a_ledger_answers_as_a_list_would(empty: Path, operations: list[Entry | str]) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        shutil.copy(empty, folder)
        url = f"sqlite:///{folder}/{empty.name}"
        pair = Pair(open_ledger(url, KEYS))
        for operation in operations:
            pair.do(operation)
        pair.ledger.close()
        pair.ledger = open_ledger(url, KEYS)
        pair.compare()
        pair.ledger.close()


@given(st.lists(nameless, min_size=1, max_size=12), st.data())
def test_a_flipped_bit_anywhere_in_the_chain_is_found(empty: Path, entries: list[Entry], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        shutil.copy(empty, folder)
        file = Path(folder) / empty.name
        with closing(open_ledger(f"sqlite:///{file}", KEYS)) as ledger:
            made = [ledger.append(entry) for entry in entries]
        row = data.draw(st.sampled_from(made)).sequence
        flip(file, row, data.draw(st.sampled_from(["sealed", "mac", "previous"])), data)
        with closing(open_ledger(f"sqlite:///{file}", KEYS)) as ledger:
            broken = ledger.verify().broken
    assert broken is not None
    assert broken.sequence == row


def flip(file: Path, sequence: int, column: str, data: st.DataObject) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER ledger_entries_no_update")
        (content,) = connection.execute(
            f"SELECT {column} FROM ledger_entries WHERE sequence = ?", (sequence,)
        ).fetchone()
        at = data.draw(st.integers(0, len(content) * 8 - 1))
        changed = bytearray(content)
        changed[at // 8] ^= 1 << at % 8
        connection.execute(f"UPDATE ledger_entries SET {column} = ? WHERE sequence = ?", (bytes(changed), sequence))
