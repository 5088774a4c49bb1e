"""The ledger and past decisions, as the command line holds them to account: real bundles, a real database."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scorewright.bootstrap import Settings, Workbench
from scorewright.domain.decisions import INCLUDES, NOTHING
from scorewright.domain.ledger import DecisionEntry, Recorded, Wanted
from scorewright.domain.replays import Replayed
from scorewright.domain.service import Asked, Wish
from scorewright.errors import BundleCorruptError, LedgerTamperedError, ReplayDifferenceError
from scorewright.flows.champion import load_version
from scorewright.flows.decide import ModelService
from scorewright.flows.desk import Desk
from scorewright.flows.plan import Plan
from scorewright.flows.train import train
from scorewright.ledger import SqlLedger
from scorewright.tables.portfolio import portfolio_from_files
from tests.functional.conftest import Verb
from tests.made_up import loans
from tests.unit.flows.test_training import BOOK, SQL

EACH = 40
BULK = ("identical to the last bit", "different", "could not be computed", "client forgotten")


def workbench(home: Path) -> Workbench:
    return Workbench(Settings(home=home, registry="folder"))


def bodies() -> list[bytes]:
    """Applications as callers send them, with gaps, and with numbers that no decimal is equal to."""
    frame = loans(EACH).drop("status", "remark", "opened").with_columns(income=loans(EACH)["income"] / 3)
    return [json.dumps({"application": row}).encode() for row in frame.to_dicts()]


def decide(home: Path, version: str, ledger: SqlLedger) -> None:
    """Decide all applications with a version, a few at a time, the first of them with every explanation."""
    desk = Desk(ModelService(load_version(workbench(home).registry, "book", version)), ledger)
    asked = [
        Asked(Wish(json.loads(body), frozenset(INCLUDES) if not place else NOTHING), "desk", body)
        for place, body in enumerate(bodies())
    ]
    for first in range(0, EACH, 7):
        for pending in desk.decide_each(asked[first : first + 7], lambda decision, include: b"{}"):
            assert not isinstance(pending, Exception), pending
            pending.result()


@pytest.fixture(scope="module")
def kept_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two versions, both of which decided, and the first of which is champion no more."""
    home = tmp_path_factory.mktemp("home")
    loans(600).write_parquet(home / "loans.parquet")
    bench = workbench(home)
    book = portfolio_from_files({"portfolio.toml": BOOK.encode(), "features/application.sql": SQL}, "book")
    for candidate in ("logistic_regression", "lightgbm"):
        train(book, home, Plan((candidate,), folds=3, repeats=1, workers=1, pictures=False), bench.shelves)
    for version in ("1", "2"):
        decide(home, version, bench.ledger)
    bench.registry.set_alias("book", "champion", "2")
    bench.ledger.close()
    return home


@pytest.fixture
def home(kept_home: Path, tmp_path: Path) -> Path:
    return shutil.copytree(kept_home, tmp_path / "home")


@contextmanager
def opened(home: Path) -> Iterator[tuple[Workbench, SqlLedger]]:
    bench = workbench(home)
    with closing(bench.ledger):
        yield bench, bench.ledger


def entries(ledger: SqlLedger) -> list[Recorded]:
    return list(ledger.iterate(Wanted()))


def edit(home: Path, statement: str) -> None:
    """Change the database by another hand."""
    with closing(sqlite3.connect(home / "ledger.db", isolation_level=None)) as connection:
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER ledger_entries_no_{verb}")
        connection.execute(statement)


def counted(told: str) -> dict[str, int]:
    lines = [line for line in told.splitlines() if line.strip().startswith(BULK)]
    cells = [line.replace("│", "|").rpartition("|")[::2] for line in lines]
    return {what.strip(): int(number) for what, number in cells}


# Replay


def test_a_past_decision_comes_out_the_same_by_the_bundle_that_made_it(home: Path, verb: Verb) -> None:
    with opened(home) as (_, ledger):
        first, later = entries(ledger)[0], entries(ledger)[-1]
    ran = verb(home, "replay", first.id)
    assert ran.code == 0, ran.err
    assert "book version 1" in ran.out
    assert "pd, interval, outcome, policy, rules, features, reasons" in ran.out
    assert "book version 2" in verb(home, "replay", later.id).out


def test_decisions_over_two_versions_come_out_the_same(home: Path, verb: Verb) -> None:
    ran = verb(home, "replay", "--all")
    assert ran.code == 0, ran.err
    assert counted(ran.out) == dict(zip(BULK, (2 * EACH, 0, 0, 0), strict=True))
    assert counted(verb(home, "replay", "--limit", "3").out)["identical to the last bit"] == 3
    assert counted(verb(home, "replay", "--since", "2100-01-01").out)["identical to the last bit"] == 0


def test_the_same_application_differs_between_the_versions(kept_home: Path, home: Path) -> None:
    with opened(home) as (_, ledger):
        recorded = [one.entry for one in entries(ledger) if isinstance(one.entry, DecisionEntry)]
    assert len({entry.bundle for entry in recorded}) == 2
    assert recorded[0].inputs == recorded[EACH].inputs
    assert recorded[0].pd != recorded[EACH].pd


@pytest.mark.parametrize(
    "wrong",
    [
        lambda entry: {"pd": math.nextafter(entry.pd, 1)},
        lambda entry: {"interval": (entry.interval[0], math.nextafter(entry.interval[1], 1))},
        lambda entry: {"outcome": "refer" if entry.outcome != "refer" else "approve"},
        lambda entry: {"features": "0" * 64},
        lambda entry: {"rules": ("far", "near")},
        lambda entry: {"reasons": ("nothing",)},
    ],
    ids=("pd", "interval", "outcome", "features", "rules", "reasons"),
)
def test_a_wrong_value_is_found_whatever_recorded_it(
    home: Path, verb: Verb, wrong: Any, request: pytest.FixtureRequest
) -> None:
    part = request.node.callspec.id
    with opened(home) as (bench, ledger):
        entry = entries(ledger)[0].entry
        assert isinstance(entry, DecisionEntry)
        made = ledger.append(replace(entry, **wrong(entry)))
        with pytest.raises(ReplayDifferenceError) as caught:
            bench.replayer.replay(made.id)
    assert list(caught.value.differences) == [part]
    ran = verb(home, "replay", made.id)
    assert ran.code == 12
    for told in caught.value.differences[part]:
        assert told in ran.err
    ran = verb(home, "replay", "--all")
    assert ran.code == 12
    assert counted(ran.out) == dict(zip(BULK, (2 * EACH, 1, 0, 0), strict=True))
    assert made.id in ran.err


def test_a_value_edited_in_the_database_is_not_replayed_as_if_it_were_true(home: Path, verb: Verb) -> None:
    edit(home, "UPDATE ledger_entries SET pd = 0.01 WHERE sequence = 3")
    with opened(home) as (bench, ledger):
        ids = [one.id for one in ledger.iterate(Wanted(after=3))]
        with pytest.raises(LedgerTamperedError, match="row 3"):
            list(bench.replayer.replay_many(Wanted()))
        assert {type(result) for _, result in bench.replayer.replay_many(ids)} == {Replayed}
    ran = verb(home, "replay", "--all")
    assert ran.code == 12
    assert "row 3: it was edited" in ran.err


def test_a_bundle_that_is_gone_or_changed_is_told_and_the_others_are_replayed(home: Path, verb: Verb) -> None:
    with opened(home) as (bench, ledger):
        first = bench.registry.version("book", "1").bundle
        (home / "registry" / "bundles" / first / "card.md").write_text("another")
        results = [result for _, result in bench.replayer.replay_many(Wanted())]
        id_ = entries(ledger)[0].id
    assert [isinstance(result, BundleCorruptError) for result in results] == [True] * EACH + [False] * EACH
    assert verb(home, "replay", id_).code == 7
    shutil.rmtree(home / "registry" / "bundles" / first)
    assert verb(home, "replay", id_).code == 8
    assert counted(verb(home, "replay", "--all").out) == dict(zip(BULK, (EACH, 0, EACH, 0), strict=True))


def test_replay_wants_one_id_or_many(home: Path, verb: Verb) -> None:
    assert verb(home, "replay").code == 3
    assert verb(home, "replay", "some-id", "--all").code == 3
    assert verb(home, "replay", "no-such-id").code == 12


# The chain


def test_a_whole_ledger_is_said_to_be_whole(home: Path, verb: Verb) -> None:
    ran = verb(home, "ledger", "verify")
    assert ran.code == 0, ran.err
    assert f"{2 * EACH} rows" in ran.out


def test_a_broken_chain_names_the_row(home: Path, verb: Verb) -> None:
    edit(home, "DELETE FROM ledger_entries WHERE sequence = 5")
    ran = verb(home, "ledger", "verify")
    assert ran.code == 12
    assert "row 5: it is missing" in ran.err


def test_anchors_betray_a_ledger_that_was_set_back(home: Path, verb: Verb, tmp_path: Path) -> None:
    shutil.copy(home / "ledger.db", tmp_path / "earlier.db")
    with opened(home) as (_, ledger):
        ledger.append(entries(ledger)[0].entry)  # type: ignore[arg-type]
    out = tmp_path / "anchors.jsonl"
    assert verb(home, "ledger", "anchors", "--out", out).code == 0
    assert verb(home, "ledger", "anchors", "--out", out).code == 9
    assert "1 anchors" in verb(home, "ledger", "verify", "--anchors", out).out
    shutil.copy(tmp_path / "earlier.db", home / "ledger.db")
    assert verb(home, "ledger", "verify").code == 0
    ran = verb(home, "ledger", "verify", "--anchors", out)
    assert ran.code == 12
    assert f"row {2 * EACH + 1}" in ran.err
    assert verb(home, "ledger", "verify", "--anchors", tmp_path / "absent").code == 3


def test_a_ledger_that_is_not_there_is_no_empty_one(home: Path, verb: Verb) -> None:
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (home / name).unlink(missing_ok=True)
    for verbs in (("verify",), ("counts",), ("forget", "1", "--yes"), ("rewrap",)):
        ran = verb(home, "ledger", *verbs)
        assert ran.code == 3
        assert "There must be a ledger" in ran.err
    assert not (home / "ledger.db").exists()


# Forgetting


def test_a_forgotten_client_is_gone_for_good_and_the_chain_stays_whole(home: Path, verb: Verb) -> None:
    with opened(home) as (_, ledger):
        first = entries(ledger)[0]
    client = first.entry.client  # type: ignore[union-attr]
    assert verb(home, "replay", first.id).code == 0
    ran = verb(home, "ledger", "forget", client, "--yes")
    assert "2 entries" in ran.out
    assert "no such client" in verb(home, "ledger", "forget", client, "--yes").out
    assert verb(home, "replay", first.id).code == 12
    assert counted(verb(home, "replay", "--all").out) == dict(zip(BULK, (2 * EACH - 2, 0, 0, 2), strict=True))
    assert verb(home, "ledger", "verify").code == 0
    with opened(home) as (_, ledger):
        (wish,) = ledger.iterate(Wanted("forget"))
    assert wish.entry.caller.startswith("local:")  # type: ignore[union-attr]


def test_counts_and_rewrapping_are_told(home: Path, verb: Verb) -> None:
    assert f"{2 * EACH}" in verb(home, "ledger", "counts").out
    assert verb(home, "ledger", "rewrap").out.startswith("0 clients")
