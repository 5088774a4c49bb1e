"""One suite for every ledger: what is promised by the seam holds whatever database keeps it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, create_engine, text

from scorewright.domain.ledger import (
    AccessEntry,
    Anchor,
    DecisionEntry,
    ForgetEntry,
    OutcomeEntry,
    OverrideEntry,
    Recorded,
    Wanted,
)
from scorewright.errors import (
    ForgottenError,
    IdempotencyConflictError,
    LedgerTamperedError,
    LedgerUnavailableError,
    LedgerVersionError,
    UnknownDecisionError,
)
from scorewright.ledger import LedgerKeys, LedgerOptions, SqlLedger, open_ledger
from scorewright.ledger.schema import ENTRIES
from tests import postgres

SECRET = b"the secret of a ledger in a test"
KEYS = LedgerKeys(SECRET)
CHECKOUT = Path(__file__).resolve().parents[2]

Open = Callable[..., SqlLedger]


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    binaries = postgres.find_binaries()
    if binaries is None:
        pytest.skip(postgres.ABSENT)
    with postgres.running(binaries) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    made: str = request.getfixturevalue("server").new_database()
    return made


@pytest.fixture
def reopen(url: str) -> Iterator[Open]:
    """Return a way to open the same ledger, as often as wanted."""
    opened: list[SqlLedger] = []

    def open_it(keys: LedgerKeys = KEYS, **options: Any) -> SqlLedger:
        opened.append(open_ledger(url, keys, LedgerOptions(**options)))
        return opened[-1]

    yield open_it
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(reopen: Open) -> SqlLedger:
    return reopen()


@pytest.fixture
def database(url: str) -> Iterator[Engine]:
    """Give the database as whoever owns it sees it, without the triggers that keep mistakes from it."""
    engine = raw_engine(url)
    yield engine
    engine.dispose()


def raw_engine(url: str) -> Engine:
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"))


def change(database: Engine, *statements: str, **values: Any) -> None:
    """Change the tables by another hand."""
    with database.begin() as connection:
        if database.dialect.name == "sqlite":
            for verb in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS ledger_entries_no_{verb}"))
        else:
            connection.execute(text("DROP TRIGGER IF EXISTS ledger_entries_append_only ON ledger_entries"))
        for statement in statements:
            connection.execute(text(statement), values)


def decision(client: str = "100001", **changes: Any) -> DecisionEntry:
    entry = DecisionEntry(
        client=client,
        caller="branch-7",
        inputs=b'{"application": {"SK_ID_CURR": 100001}}',
        pd=0.1 + 0.2,
        outcome="refer",
        portfolio="home_credit",
        model="3",
        bundle="ab" * 32,
        policy="2",
        interval=(0.25, 1 / 3),
        reasons=("late_payments", "debt"),
        rules=("majority",),
        features="cd" * 32,
        answer=b'{"pd": 0.3}',
    )
    return replace(entry, **changes)


def filled(ledger: SqlLedger, rows: int = 6) -> list[Recorded]:
    """Append entries of every kind, decisions first."""
    made = [ledger.append(decision(str(number), idempotency=f"key-{number}")) for number in range(rows - 3)]
    made.append(ledger.append(OverrideEntry(made[0].id, "desk", "A. Officer", "approve", "Knows the client")))
    made.append(ledger.append(OutcomeEntry(made[1].id, "import", defaulted=True, observed=date(2026, 5, 1))))
    made.append(ledger.append(AccessEntry("branch-7", "GET /v1/clients/{id}", allowed=True, client="2")))
    return made


def broken_at(ledger: SqlLedger, anchors: tuple[Anchor, ...] = ()) -> int | None:
    broken = ledger.verify(anchors).broken
    return None if broken is None else broken.sequence


# What is recorded


def test_a_new_ledger_is_empty_and_whole(ledger: SqlLedger) -> None:
    assert set(ledger.counts().values()) == {0}
    assert ledger.anchors() == ()
    assert ledger.verify().rows == 0
    assert ledger.verify().broken is None
    assert ledger.of_client("100001").records == ()
    ledger.check()


def test_every_kind_of_entry_comes_back_as_it_went_in(reopen: Open) -> None:
    ledger = reopen()
    made = filled(ledger)
    shadow = ledger.append(decision("0", shadow_of=made[0].id, model="4"))
    again = reopen()
    assert [again.get(one.id) for one in made[:3]] == made[:3]
    assert again.get(shadow.id) == shadow
    assert again.of_decision(made[0].id) == (made[3], shadow)
    assert again.of_decision(made[1].id) == (made[4],)
    assert list(again.iterate(Wanted("access"))) == [made[5]]
    assert made[0].entry == decision("0")
    assert [one.kind for one in (*made[2:], shadow)] == ["decision", "override", "outcome", "access", "shadow"]
    assert again.counts() == {"decision": 3, "shadow": 1, "override": 1, "outcome": 1, "access": 1, "forget": 0}


@pytest.mark.parametrize("pd", [0.0, -0.0, 5e-324, 0.1 + 0.2, 1 - 2**-53, 1.0, 1])
def test_numbers_come_back_to_the_last_bit(ledger: SqlLedger, pd: float) -> None:
    made = ledger.append(decision(pd=pd, interval=(-0.0, pd)))
    kept = ledger.get(made.id).entry
    assert isinstance(kept, DecisionEntry)
    assert kept.interval is not None
    assert [number.hex() for number in (kept.pd, *kept.interval)] == [(pd + 0.0).hex(), "0x0.0p+0", (pd + 0.0).hex()]
    assert ledger.verify().broken is None


@pytest.mark.parametrize("inputs", [b"", b"\x00\xff" * 1000, "é\u0000".encode(), bytes(3_000_000)], ids=len)
def test_any_body_comes_back(ledger: SqlLedger, inputs: bytes) -> None:
    made = ledger.append(decision("nul\x00 é", inputs=inputs))
    assert ledger.get(made.id) == made
    assert ledger.of_client("nul\x00 é").records == (made,)


@pytest.mark.parametrize(
    "changes",
    [
        {"pd": float("nan")},
        {"pd": 1.5},
        {"interval": (0.1, float("inf"))},
        {"caller": ""},
        {"caller": "line\nbreak"},
        {"model": "x" * 201},
        {"client": "\ud800"},
        {"shadow_of": "x", "idempotency": "key"},
    ],
    ids=str,
)
def test_what_can_never_be_recorded_is_refused_at_once(ledger: SqlLedger, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ledger.submit(decision(**changes))
    assert ledger.counts()["decision"] == 0


def test_rows_say_when_and_in_which_order(ledger: SqlLedger) -> None:
    before = datetime.now(UTC)
    made = filled(ledger)
    assert [one.sequence for one in made] == [1, 2, 3, 4, 5, 6]
    assert sorted(one.id for one in made) == [one.id for one in made]
    assert {UUID(one.id).version for one in made} == {7}
    assert all(before <= one.time <= datetime.now(UTC) for one in made)
    assert {one.time.tzinfo for one in made} == {UTC}


def test_what_is_sealed_cannot_be_read_in_the_tables(ledger: SqlLedger, database: Engine) -> None:
    made = ledger.append(
        decision("client-4711", inputs=b"born 1970", answer=b"no, client-4711", idempotency="key-4711")
    )
    ledger.append(OverrideEntry(made.id, "desk", "A. Officer", "approve", "lives with client-4711"))
    ledger.append(AccessEntry("desk", "GET /v1/clients/{id}", allowed=False, client="client-4711"))
    with database.connect() as connection:
        tables = ("ledger_entries", "ledger_subjects", "ledger_head")
        told = [repr(row) for table in tables for row in connection.execute(text(f"SELECT * FROM {table}"))]
    assert "branch-7" in "".join(told)
    assert [line for line in told if "4711" in line or "born" in line or decision().features in line] == []
    assert "4711" not in repr(ledger.get(made.id))


# Idempotency


def test_a_repeated_request_is_recorded_once(reopen: Open) -> None:
    first = reopen().append(decision(idempotency="key"))
    again = reopen().append(decision(idempotency="key", pd=0.9, model="4"))
    assert again == first
    assert (first.repeated, again.repeated) == (False, True)
    assert reopen().counts()["decision"] == 1


def test_a_request_is_recalled_before_it_is_computed_again(ledger: SqlLedger) -> None:
    asked = decision(idempotency="key")
    assert ledger.recall(asked) is None
    assert ledger.recall(decision()) is None
    made = ledger.append(asked)
    assert ledger.recall(replace(asked, pd=0.0, answer=b"", client="")) == made
    with pytest.raises(IdempotencyConflictError):
        ledger.recall(replace(asked, inputs=b"{}"))


def test_a_key_with_another_request_is_a_conflict(ledger: SqlLedger) -> None:
    made = ledger.append(decision(idempotency="key"))
    for other in (
        decision(inputs=b"{}", idempotency="key"),
        OutcomeEntry(made.id, "branch-7", defaulted=True, idempotency="key"),
    ):
        with pytest.raises(IdempotencyConflictError):
            ledger.append(other)
    assert ledger.append(decision(caller="branch-8", inputs=b"{}", idempotency="key")).sequence == 2


def test_overrides_and_outcomes_repeat_likewise(ledger: SqlLedger) -> None:
    made = ledger.append(decision())
    override = OverrideEntry(made.id, "desk", "A. Officer", "approve", "reason", idempotency="key")
    outcome = OutcomeEntry(made.id, "desk", defaulted=False, idempotency="other")
    assert ledger.append(override) == ledger.append(override)
    assert ledger.append(outcome) == ledger.append(outcome)
    for changed in (replace(override, reason="another"), replace(outcome, defaulted=True)):
        with pytest.raises(IdempotencyConflictError):
            ledger.append(changed)
    assert [one.kind for one in ledger.of_decision(made.id)] == ["override", "outcome"]


def test_the_same_request_at_the_same_time_is_recorded_once(reopen: Open) -> None:
    ledgers = [reopen(), reopen()]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: ledgers[number % 2].append(decision(idempotency="key")), range(40)))
    assert len(set(made)) == 1
    assert sum(not one.repeated for one in made) == 1
    assert reopen().counts()["decision"] == 1


# Reading


def test_a_clients_decisions_come_page_by_page_the_newest_first(ledger: SqlLedger) -> None:
    made = [ledger.append(decision("A" if number % 2 else "B", policy=str(number))) for number in range(10)]
    ledger.append(OverrideEntry(made[1].id, "desk", "A. Officer", "refuse", "reason"))
    wanted = [one for one in reversed(made) if one.entry.client == "A"]  # type: ignore[union-attr]
    first = ledger.of_client("A", limit=2)
    second = ledger.of_client("A", limit=2, before=first.before)
    third = ledger.of_client("A", limit=2, before=second.before)
    assert [*first.records, *second.records, *third.records] == wanted
    assert third.before is None
    assert ledger.of_client("A", limit=5).before is None


def test_decisions_are_read_for_replay(ledger: SqlLedger) -> None:
    made = [
        ledger.append(decision(model=str(number % 2), portfolio="p" if number < 150 else "q")) for number in range(160)
    ]
    odd = [one for one in made if one.entry.model == "1"]  # type: ignore[union-attr]
    assert list(ledger.iterate(Wanted())) == made
    assert list(ledger.iterate(Wanted(model="1"))) == odd
    assert list(ledger.iterate(Wanted(model="1", limit=70))) == odd[:70]
    assert list(ledger.iterate(Wanted(model="1", limit=0))) == []
    assert list(ledger.iterate(Wanted(portfolio="q", model="1"))) == odd[-5:]
    assert list(ledger.iterate(Wanted(bundle="no such"))) == []
    assert list(ledger.iterate(Wanted(after=100, since=made[120].time))) == made[120:]
    assert list(ledger.iterate(Wanted(since=made[-1].time + timedelta(microseconds=1)))) == []


def test_what_is_not_recorded_is_said_to_be_unknown(ledger: SqlLedger) -> None:
    access = ledger.append(AccessEntry("desk", "GET /v1/model", allowed=True))
    for asked in ("no-such-id", access.id):
        for act in (
            ledger.get,
            lambda id_: ledger.append(OverrideEntry(id_, "desk", "A. Officer", "approve", "reason")),
            lambda id_: ledger.append(OutcomeEntry(id_, "desk", defaulted=True)),
            lambda id_: ledger.append(decision(shadow_of=id_)),
        ):
            with pytest.raises(UnknownDecisionError, match=asked):
                act(asked)
    assert ledger.verify().rows == 1


def test_one_bad_entry_does_not_keep_others_of_its_transaction_out(ledger: SqlLedger) -> None:
    futures = [
        ledger.submit(decision() if number % 2 else OutcomeEntry("nothing", "desk", defaulted=True))
        for number in range(20)
    ]
    failed = [future.exception() for future in futures]
    assert [type(error) for error in failed] == [UnknownDecisionError, type(None)] * 10
    assert ledger.verify().rows == 10


# Forgetting


def test_a_forgotten_client_cannot_be_read_and_the_chain_stays_whole(reopen: Open) -> None:
    ledger = reopen()
    made = [ledger.append(decision(client, idempotency=client + str(n))) for n in range(2) for client in ("A", "B")]
    override = ledger.append(OverrideEntry(made[0].id, "desk", "A. Officer", "approve", "Has a new job"))
    assert ledger.forget("A", "dpo") == 3
    again = reopen()
    kept = again.get(made[0].id)
    assert kept == replace(made[0], entry=decision("", inputs=b"", answer=b"", features=""))
    assert kept.forgotten
    assert again.of_decision(made[0].id) == (replace(override, entry=replace(override.entry, reason="")),)  # type: ignore[type-var]
    assert again.of_client("A").records == ()
    assert again.of_client("B").records == (made[3], made[1])
    assert [one.entry for one in again.iterate(Wanted("forget"))] == [ForgetEntry("dpo")]
    assert again.verify().broken is None


def test_nothing_that_names_the_client_is_appended_to_what_was_forgotten(ledger: SqlLedger) -> None:
    made = ledger.append(decision("A", idempotency="key"))
    ledger.forget("A", "dpo")
    for entry in (
        OverrideEntry(made.id, "desk", "A. Officer", "approve", "reason"),
        OutcomeEntry(made.id, "desk", defaulted=True),
        decision("A", idempotency="key"),
    ):
        with pytest.raises(ForgottenError, match=made.id):
            ledger.append(entry)
    with pytest.raises(ForgottenError):
        ledger.recall(decision("A", idempotency="key"))


def test_a_client_who_comes_back_is_a_new_one(ledger: SqlLedger) -> None:
    ledger.append(decision("A"))
    assert ledger.forget("A", "dpo") == 1
    assert ledger.forget("A", "dpo") == 0
    made = ledger.append(decision("A"))
    assert ledger.of_client("A").records == (made,)
    assert ledger.forget("A", "dpo") == 1
    assert ledger.forget("nobody", "dpo") == 0
    assert ledger.counts()["forget"] == 2
    assert ledger.verify().broken is None


# Another hand

_OTHER = {"sequence": "99", "time": "time + 1", "pd": "0.2", "low": "0.2", "high": "0.2", "details": "'{}'"}


@pytest.mark.parametrize("column", [column.name for column in ENTRIES.columns])
def test_an_edit_of_any_column_is_found(ledger: SqlLedger, database: Engine, column: str) -> None:
    filled(ledger)
    binary = "X'00'" if database.dialect.name == "sqlite" else "'\\x00'::bytea"
    is_binary = column in {"idempotency", "request", "previous", "mac", "sealed"}
    other = _OTHER.get(column, binary if is_binary else "'x'")
    change(database, f"UPDATE ledger_entries SET {column} = {other} WHERE sequence = 2")
    assert broken_at(ledger) == 2


@pytest.mark.parametrize("column", ["idempotency", "request", "subject", "sealed", "pd", "model", "outcome"])
def test_an_emptied_column_is_found(ledger: SqlLedger, database: Engine, column: str) -> None:
    filled(ledger)
    change(database, f"UPDATE ledger_entries SET {column} = NULL WHERE sequence = 3")
    assert broken_at(ledger) == 3


@pytest.mark.parametrize("row", [1, 3, 6])
def test_a_deleted_row_is_found(ledger: SqlLedger, database: Engine, row: int) -> None:
    filled(ledger)
    change(database, f"DELETE FROM ledger_entries WHERE sequence = {row}")
    assert broken_at(ledger) == row


def test_a_deleted_row_whose_followers_move_up_is_found(ledger: SqlLedger, database: Engine) -> None:
    filled(ledger)
    moves = [f"UPDATE ledger_entries SET sequence = {row - 1} WHERE sequence = {row}" for row in (4, 5, 6)]
    change(database, "DELETE FROM ledger_entries WHERE sequence = 3", *moves)
    assert broken_at(ledger) == 3


@pytest.mark.parametrize("place", [-1, 0, 7, 8])
def test_an_inserted_row_is_found(ledger: SqlLedger, database: Engine, place: int) -> None:
    filled(ledger)
    others = ", ".join(
        column.name for column in ENTRIES.columns if column.name not in {"sequence", "id", "idempotency"}
    )
    change(
        database,
        f"INSERT INTO ledger_entries (sequence, id, {others}) "
        f"SELECT {place}, 'x', {others} FROM ledger_entries WHERE sequence = 6",
    )
    assert broken_at(ledger) == (1 if place < 1 else 7)


def test_a_row_of_another_ledger_does_not_fit(ledger: SqlLedger, database: Engine, tmp_path: Path) -> None:
    other = open_ledger(f"sqlite:///{tmp_path / 'other.db'}", KEYS)
    ledger.append(decision())
    other.append(decision())
    foreign = raw_engine(f"sqlite:///{tmp_path / 'other.db'}")
    with foreign.connect() as connection:
        row = dict(connection.execute(text("SELECT * FROM ledger_entries")).mappings().one())
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    change(database, "DELETE FROM ledger_entries", f"INSERT INTO ledger_entries ({names}) VALUES ({values})", **row)
    assert broken_at(ledger) == 1
    foreign.dispose()
    other.close()


def test_swapped_rows_are_found(ledger: SqlLedger, database: Engine) -> None:
    filled(ledger)
    moves = [(2, 99), (4, 2), (99, 4)]
    change(database, *(f"UPDATE ledger_entries SET sequence = {new} WHERE sequence = {old}" for old, new in moves))
    assert broken_at(ledger) == 2


@pytest.mark.parametrize("left", [0, 1, 5])
def test_a_chain_cut_short_is_found_by_its_head(ledger: SqlLedger, database: Engine, left: int) -> None:
    filled(ledger)
    change(database, f"DELETE FROM ledger_entries WHERE sequence > {left}")
    verification = ledger.verify()
    assert (verification.rows, broken_at(ledger)) == (left, left + 1)


@pytest.mark.parametrize("column", ["ledger", "sequence", "mac", "key", "seal"])
def test_an_edited_head_is_found_and_nothing_is_appended_to_it(
    ledger: SqlLedger, database: Engine, column: str
) -> None:
    filled(ledger)
    change(
        database,
        "UPDATE ledger_head SET "
        + (
            "sequence = 5"
            if column == "sequence"
            else f"{column} = (SELECT previous FROM ledger_entries WHERE sequence = 2)"
            if column in {"mac", "seal"}
            else f"{column} = 'x'"
        ),
    )
    assert ledger.verify().broken is not None
    for act in (lambda: ledger.append(decision()), ledger.check, ledger.anchors):
        with pytest.raises(LedgerTamperedError):
            act()
    assert ledger.counts()["decision"] == 3


def test_a_lost_head_is_not_made_anew(reopen: Open, database: Engine) -> None:
    ledger = reopen()
    filled(ledger)
    change(database, "DELETE FROM ledger_head")
    assert broken_at(ledger) == 6
    with pytest.raises(LedgerTamperedError):
        reopen()


def test_an_old_copy_put_back_is_found_by_exported_anchors(reopen: Open, database: Engine) -> None:
    ledger = reopen(anchor_every=2)
    filled(ledger)
    with database.connect() as connection:
        head = dict(connection.execute(text("SELECT * FROM ledger_head")).mappings().one())
    for number in range(6):
        ledger.append(decision("first", policy=str(number)))
    anchors = ledger.anchors()
    assert [anchor.sequence for anchor in anchors] == [2, 4, 6, 8, 10, 12]
    change(
        database,
        "DELETE FROM ledger_entries WHERE sequence > 6",
        "UPDATE ledger_head SET sequence = :sequence, mac = :mac, key = :key, seal = :seal",
        **head,
    )
    assert broken_at(ledger) is None
    assert broken_at(ledger, anchors[:3]) is None
    assert broken_at(ledger, anchors) == 7
    for number in range(6):  # written again, differently
        ledger.append(decision("other", policy=str(number)))
    assert broken_at(ledger) is None
    assert broken_at(ledger, anchors) == 8


def test_anchors_that_were_edited_or_are_another_ledgers_are_no_anchors(ledger: SqlLedger, tmp_path: Path) -> None:
    filled(ledger)
    (anchor,) = ledger.anchors()
    assert ledger.verify([anchor, anchor]).anchors == 2
    assert broken_at(ledger, (anchor,)) is None
    other = open_ledger(f"sqlite:///{tmp_path / 'other.db'}", KEYS)
    filled(other)
    for wrong in (
        replace(anchor, mac="00" * 32),
        replace(anchor, sequence=2),
        replace(anchor, time=anchor.time + timedelta(seconds=1)),
        replace(anchor, seal="no number"),
        *other.anchors(),
    ):
        assert broken_at(ledger, (wrong,)) == wrong.sequence
    other.close()


def test_a_key_destroyed_put_back_or_edited_by_another_hand_is_found(ledger: SqlLedger, database: Engine) -> None:
    made = filled(ledger)
    with database.connect() as connection:
        query = text("SELECT s.* FROM ledger_subjects s JOIN ledger_entries e ON e.subject = s.id WHERE e.sequence = 2")
        subject = dict(connection.execute(query).mappings().one())
    put_back = "INSERT INTO ledger_subjects (id, tag, key, wrapped) VALUES (:id, :tag, :key, :wrapped)"
    change(database, "DELETE FROM ledger_subjects WHERE id = :id", id=subject["id"])
    assert broken_at(ledger) == 2
    change(database, put_back, **subject | {"wrapped": subject["wrapped"][:-1] + b"x"})
    assert broken_at(ledger) == 2
    with pytest.raises(LedgerTamperedError, match="row 2"):
        ledger.get(made[1].id)
    change(database, "DELETE FROM ledger_subjects WHERE id = :id", put_back, **subject)
    assert broken_at(ledger) is None
    ledger.forget("1", "dpo")
    change(database, put_back, **subject)
    assert broken_at(ledger) == 7


def test_a_tampered_row_is_not_read_as_if_it_were_whole(ledger: SqlLedger, database: Engine) -> None:
    made = filled(ledger)
    change(database, "UPDATE ledger_entries SET pd = 0.01 WHERE sequence = 2")
    for act in (
        lambda: ledger.get(made[1].id),
        lambda: ledger.of_client("1"),
        lambda: list(ledger.iterate(Wanted())),
        lambda: ledger.append(decision("1", idempotency="key-1")),
    ):
        with pytest.raises(LedgerTamperedError, match="row 2: it was edited"):
            act()
    assert ledger.get(made[0].id) == made[0]


def test_a_mistaken_hand_is_kept_off_the_chain(ledger: SqlLedger, database: Engine) -> None:
    filled(ledger)
    for statement in ("UPDATE ledger_entries SET pd = 0", "DELETE FROM ledger_entries"):
        with pytest.raises(Exception, match="append-only"), database.begin() as connection:
            connection.execute(text(statement))
    assert ledger.verify().broken is None


# Secrets


def test_another_secret_opens_nothing(ledger: SqlLedger, reopen: Open) -> None:
    filled(ledger)
    with pytest.raises(LedgerTamperedError, match="secret"):
        reopen(LedgerKeys(os.urandom(32)))


def test_a_new_secret_goes_on_where_the_former_one_ended(reopen: Open, database: Engine) -> None:
    made = filled(reopen())
    newer = LedgerKeys(b"another secret of the same ledger", (SECRET,))
    ledger = reopen(newer)
    assert ledger.append(decision("0", idempotency="key-0")) == made[0]
    later = ledger.append(decision("0"))
    assert ledger.of_client("0").records == (later, made[0])
    assert broken_at(ledger, ledger.anchors()) is None
    with pytest.raises(LedgerTamperedError):
        reopen()  # the former secret alone
    assert (ledger.rewrap(), ledger.rewrap()) == (3, 0)
    assert ledger.get(made[0].id) == made[0]
    assert broken_at(ledger) is None
    assert ledger.forget("0", "dpo") == 3
    with database.connect() as connection:
        assert len(set(connection.execute(text("SELECT key FROM ledger_subjects")).scalars())) == 1


# Layouts


def test_a_layout_of_a_later_version_is_refused(ledger: SqlLedger, reopen: Open, database: Engine) -> None:
    change(database, "UPDATE ledger_revision SET version_num = '9999'")
    with pytest.raises(LedgerVersionError, match=r"layout 9999"):
        reopen()


def test_many_may_open_a_new_ledger_at_once(url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        ledgers = list(pool.map(lambda _: open_ledger(url, KEYS), range(6)))
    made = [ledger.append(decision()) for ledger in ledgers]
    assert [one.sequence for one in made] == [1, 2, 3, 4, 5, 6]
    for ledger in ledgers:
        ledger.close()


# Many at once, and hard endings


def test_threads_of_one_process_share_one_chain(ledger: SqlLedger) -> None:
    def work(worker: int) -> list[Recorded]:
        return [ledger.append(decision(f"client {worker % 3}", policy=f"{worker}-{n}")) for n in range(25)]

    with ThreadPoolExecutor(8) as pool:
        made = [one for batch in pool.map(work, range(8)) for one in batch]
    assert sorted(one.sequence for one in made) == list(range(1, 201))
    assert {one.id: one for one in ledger.iterate(Wanted())} == {one.id: one for one in made}
    assert ledger.verify().broken is None


APPENDER = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from scorewright.domain.ledger import DecisionEntry
from scorewright.ledger import LedgerKeys, open_ledger

ledger = open_ledger(sys.argv[1], LedgerKeys(sys.argv[2].encode()))
lock = threading.Lock()

def work(worker):
    for number in range(int(sys.argv[3])):
        entry = DecisionEntry("c" + str(number % 5), "me", b"x" * 500, 0.5, "approve", "p", "1", "b", "0",
                              idempotency=f"{number}" if worker == 0 else None)
        made = ledger.append(entry)
        with lock:
            print(made.id, flush=True)

with ThreadPoolExecutor(4) as pool:
    list(pool.map(work, range(4)))
ledger.close()
"""


def appender(url: str, each: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", APPENDER, url, SECRET.decode(), str(each)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(CHECKOUT)})


def test_processes_share_one_chain(url: str, reopen: Open) -> None:
    both = [appender(url, 20) for _ in range(2)]
    told = [line for process in both for line in process.communicate(timeout=100)[0].split()]
    assert [process.returncode for process in both] == [0, 0]
    ledger = reopen()
    assert ledger.verify().broken is None
    times = Counter(told)
    assert {one.id for one in ledger.iterate(Wanted())} == set(times)
    # Worker 0 of both processes sends the same 20 requests: each is answered twice and recorded once.
    assert Counter(times.values()) == {1: 120, 2: 20}


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_what_was_acknowledged_survives_a_killed_process(url: str, reopen: Open, kills: int) -> None:
    told: set[str] = set()
    for kill in range(kills):
        process = appender(url, 100_000)
        assert process.stdout is not None
        told.update(process.stdout.readline().strip() for _ in range(10 + 7 * kill))
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0]
        told.update(rest[: rest.rfind("\n") + 1].split())
    ledger = reopen()
    kept = {one.id for one in ledger.iterate(Wanted())}
    assert told - kept == set()
    assert ledger.verify().broken is None
    assert ledger.append(decision()).sequence == len(kept) + 1


# When it cannot be written


def hold(database: Engine) -> Any:
    connection = database.connect()
    if database.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SELECT * FROM ledger_head FOR UPDATE"))
    return connection


def test_a_locked_ledger_refuses_everybody_after_its_patience_and_writes_nothing(
    reopen: Open, database: Engine
) -> None:
    ledger = reopen(patience=0.2, together=2)
    ledger.append(decision())
    holder = hold(database)
    waiting = [ledger.submit(decision()) for _ in range(7)]
    assert {type(future.exception()) for future in waiting} == {LedgerUnavailableError}
    with pytest.raises(LedgerUnavailableError, match="lock"):
        ledger.forget("100001", "dpo")
    holder.rollback()
    holder.close()
    assert ledger.append(decision()).sequence == 2
    assert ledger.verify().broken is None


def test_a_lock_that_is_let_go_in_time_is_waited_for(reopen: Open, database: Engine) -> None:
    ledger = reopen(patience=30.0)
    holder = hold(database)
    waiting = [ledger.submit(decision()) for _ in range(5)]
    holder.rollback()
    holder.close()
    assert [future.result().sequence for future in waiting] == [1, 2, 3, 4, 5]


def test_a_closed_ledger_wrote_what_waited_and_takes_no_more(reopen: Open) -> None:
    ledger = reopen()
    waiting = [ledger.submit(decision()) for _ in range(50)]
    ledger.close()
    assert sorted(future.result().sequence for future in waiting) == list(range(1, 51))
    for act in (lambda: ledger.submit(decision()), lambda: ledger.forget("A", "dpo"), ledger.check, ledger.rewrap):
        with pytest.raises(LedgerUnavailableError, match="closed"):
            act()
    assert reopen().verify().rows == 50


def test_tables_that_are_gone_are_an_unavailable_ledger(ledger: SqlLedger, database: Engine) -> None:
    change(database, "DROP TABLE ledger_head")
    for act in (lambda: ledger.append(decision()), ledger.check, ledger.verify):
        with pytest.raises(LedgerUnavailableError):
            act()


def test_a_server_that_restarts_is_found_again(server: postgres.Server) -> None:
    ledger = open_ledger(server.new_database(), KEYS, LedgerOptions(patience=2.0))
    ledger.append(decision())
    server.stop()
    with pytest.raises(LedgerUnavailableError):
        ledger.append(decision())
    server.start()
    assert ledger.append(decision()).sequence == 2
    assert ledger.verify().broken is None
    ledger.close()


def test_each_anchor_that_is_passed_is_told_once(reopen: Open) -> None:
    told: list[Anchor] = []

    def tell(anchor: Anchor) -> None:
        told.append(anchor)
        raise OSError("nobody listens")

    ledger = reopen(anchor_every=10, on_anchor=tell)
    barrier = threading.Barrier(4)

    def work(_: int) -> None:
        barrier.wait()
        for _ in range(10):
            ledger.append(decision())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    ledger.close()
    again = reopen(anchor_every=10)
    assert [anchor.sequence for anchor in told] == [10, 20, 30, 40]
    assert tuple(told) == again.anchors()
    assert broken_at(again, tuple(told)) is None
