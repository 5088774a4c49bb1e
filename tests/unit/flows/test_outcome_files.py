from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from scorewright.domain.ledger import DecisionEntry, OutcomeEntry
from scorewright.domain.progress import Step
from scorewright.errors import (
    ColumnsError,
    LedgerBusyError,
    LedgerUnavailableError,
    ScorewrightError,
    TargetError,
    UnknownDecisionError,
    UnreadableFileError,
)
from scorewright.flows.outcome_files import Imported, import_outcomes
from tests.ledgers import MemoryLedger

ENTRY = DecisionEntry("1", "desk", b"{}", 0.1, "approve", "book", "7", "sha256:ab", "0")
DAY = date(2026, 1, 31)
Rows = list[dict[str, Any]]
Write = Callable[[Rows, Path], Path]


@pytest.fixture
def ledger() -> MemoryLedger:
    made = MemoryLedger()
    for number in range(600):
        made.append(replace(ENTRY, client=str(number)))
    return made


def csv(rows: Rows, folder: Path) -> Path:
    pl.DataFrame(rows).write_csv(folder / "outcomes.csv")
    return folder / "outcomes.csv"


def parquet(rows: Rows, folder: Path) -> Path:
    pl.DataFrame(rows).write_parquet(folder / "outcomes.parquet")
    return folder / "outcomes.parquet"


def lines(rows: Rows, folder: Path) -> Path:
    path = folder / "outcomes.ndjson"
    path.write_text("\n\n".join(json.dumps(row, default=str) for row in rows))
    return path


def run(ledger: MemoryLedger, source: Path, **more: Any) -> Imported:
    return import_outcomes(ledger, source, "local:me", **more)  # type: ignore[arg-type]


def kept(ledger: MemoryLedger) -> list[tuple[str, bool, date | None]]:
    entries = [one.entry for one in ledger.of_kind("outcome")]
    return [(one.decision, one.defaulted, one.observed) for one in entries if isinstance(one, OutcomeEntry)]


def refused(imported: Imported) -> list[tuple[int, type[ScorewrightError]]]:
    return [(one.row, type(one.error)) for one in imported.refused]


formats = pytest.mark.parametrize("write", [csv, parquet, lines])


@formats
def test_every_format_tells_the_same(ledger: MemoryLedger, write: Write, tmp_path: Path) -> None:
    ids = [one.id for one in ledger.of_kind("decision")]
    rows = [{"decision": ids[0], "defaulted": True, "observed": DAY}]
    rows += [{"decision": ids[1], "defaulted": False, "observed": None}]
    assert run(ledger, write(rows, tmp_path)) == Imported(2, 0, ())
    assert kept(ledger) == [(ids[0], True, DAY), (ids[1], False, None)]


@formats
def test_a_file_given_again_makes_no_second_entry(ledger: MemoryLedger, write: Write, tmp_path: Path) -> None:
    ids = [one.id for one in ledger.of_kind("decision")]
    source = write([{"decision": id_, "defaulted": True} for id_ in ids], tmp_path)
    assert run(ledger, source) == Imported(600, 0, ())
    assert run(ledger, source) == Imported(0, 600, ())
    assert len(kept(ledger)) == 600


@formats
def test_a_row_that_is_refused_keeps_no_other_from_being_recorded(
    ledger: MemoryLedger, write: Write, tmp_path: Path
) -> None:
    ids = [one.id for one in ledger.of_kind("decision")][:300]
    rows = [{"decision": id_, "defaulted": "true", "observed": "2026-01-31"} for id_ in ids]
    rows[1]["decision"] = "unknown"
    rows[2]["defaulted"] = "perhaps"
    rows[254]["observed"] = "31/01/2026"
    rows[299]["observed"] = "2999-01-01"
    imported = run(ledger, write(rows, tmp_path))
    assert refused(imported) == [(2, UnknownDecisionError), (3, TargetError), (255, TargetError), (300, TargetError)]
    assert [one.decision for one in imported.refused] == ["unknown", ids[2], ids[254], ids[299]]
    assert imported.recorded == len(kept(ledger)) == 296
    assert not any("perhaps" in str(one.error) or "31/01" in str(one.error) for one in imported.refused)


@pytest.mark.parametrize(("told", "meant"), [(True, True), (1, True), ("TRUE", True), (0, False), ("false ", False)])
def test_whether_it_defaulted_is_read_from_words_and_numbers(
    ledger: MemoryLedger, told: Any, meant: bool, tmp_path: Path
) -> None:
    id_ = ledger.of_kind("decision")[0].id
    run(ledger, lines([{"decision": f" {id_} ", "defaulted": told, "observed": ""}], tmp_path))
    assert kept(ledger) == [(id_, meant, None)]


def test_a_moment_is_read_as_its_day(ledger: MemoryLedger, tmp_path: Path) -> None:
    id_ = ledger.of_kind("decision")[0].id
    run(
        ledger,
        parquet([{"decision": id_, "defaulted": 1, "observed": datetime(2026, 1, 31, 23, 59, tzinfo=UTC)}], tmp_path),
    )
    assert kept(ledger) == [(id_, True, DAY)]


@pytest.mark.parametrize(
    "line", ["{", "1", "[]", '{"decision": "a", "defaulted": true, "more": 1}', "[" * 100_000, "{}"]
)
def test_a_line_that_is_no_outcome_is_refused_alone(ledger: MemoryLedger, line: str, tmp_path: Path) -> None:
    good = json.dumps({"decision": ledger.of_kind("decision")[0].id, "defaulted": True})
    path = tmp_path / "outcomes.jsonl"
    path.write_text(f"{line}\n{good}\n")
    imported = run(ledger, path)
    assert (refused(imported), imported.recorded) == ([(1, TargetError)], 1)
    assert imported.refused[0].decision == ""


@pytest.mark.parametrize("header", ["decision,observed", "decision,defaulted,observd", "id,defaulted"])
def test_other_columns_are_refused_before_anything_is_recorded(
    ledger: MemoryLedger, header: str, tmp_path: Path
) -> None:
    path = tmp_path / "outcomes.csv"
    path.write_text(f"{header}\n{ledger.of_kind('decision')[0].id},true{',' * (header.count(',') - 1)}\n")
    with pytest.raises(ColumnsError, match="outcomes"):
        run(ledger, path)
    assert kept(ledger) == []


@pytest.mark.parametrize("name", ["absent.csv", "absent.ndjson", "outcomes.xlsx"])
def test_a_file_that_cannot_be_read_is_named(ledger: MemoryLedger, name: str, tmp_path: Path) -> None:
    (tmp_path / "outcomes.xlsx").write_bytes(b"PK")
    with pytest.raises(UnreadableFileError, match=name):
        run(ledger, tmp_path / name)


def test_a_ledger_that_cannot_write_ends_the_import(ledger: MemoryLedger, tmp_path: Path) -> None:
    source = csv([{"decision": one.id, "defaulted": True} for one in ledger.of_kind("decision")], tmp_path)
    ledger.late_failure = LedgerUnavailableError("a full disk")
    with pytest.raises(LedgerUnavailableError):
        run(ledger, source)


def test_a_ledger_that_is_busy_refuses_rows(ledger: MemoryLedger, tmp_path: Path) -> None:
    source = csv([{"decision": ledger.of_kind("decision")[0].id, "defaulted": True}], tmp_path)
    ledger.late_failure = LedgerBusyError(1)
    assert refused(run(ledger, source)) == [(1, LedgerBusyError)]


def test_progress_ends_at_the_last_row(ledger: MemoryLedger, tmp_path: Path) -> None:
    steps: list[Step] = []
    source = csv([{"decision": one.id, "defaulted": True} for one in ledger.of_kind("decision")], tmp_path)
    run(ledger, source, listen=steps.append)
    assert [(step.done, step.total) for step in steps] == [(250, 600), (500, 600), (600, 600)]
