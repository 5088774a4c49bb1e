from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from scorewright.bootstrap import Settings, Workbench
from scorewright.cli import outcomes
from scorewright.domain.ledger import DecisionEntry, Wanted
from scorewright.errors import OutputError, SettingsError
from scorewright.ledger import SqlLedger

app = typer.Typer()
outcomes.add_verbs(app)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    made = Workbench(Settings(home=tmp_path, registry="folder")).ledger
    made.append(DecisionEntry("1", "desk", b"{}", 0.1, "approve", "book", "7", "sha256:ab", "0"))
    yield made
    made.close()


def run(home: Path, *arguments: object) -> Result:
    environment = {"SCOREWRIGHT_HOME": str(home), "SCOREWRIGHT_REGISTRY": "folder", "LOGNAME": "anne"}
    return CliRunner().invoke(app, ["outcomes", "import", *map(str, arguments)], env=environment)


def write(ledger: SqlLedger, folder: Path, *others: str) -> Path:
    (decision,) = ledger.iterate(Wanted())
    path = folder / "outcomes.ndjson"
    path.write_text("\n".join(json.dumps({"decision": id_, "defaulted": True}) for id_ in [decision.id, *others]))
    return path


def test_outcomes_are_recorded_once_by_the_user_of_this_machine(ledger: SqlLedger, tmp_path: Path) -> None:
    source = write(ledger, tmp_path)
    first, again = run(tmp_path, source), run(tmp_path, source)
    assert (first.exit_code, again.exit_code) == (0, 0), first.output
    (recorded,) = ledger.iterate(Wanted("outcome"))
    assert recorded.entry.caller == "local:anne"


def test_refused_rows_are_written_to_a_file_and_the_first_gives_the_exit_code(
    ledger: SqlLedger, tmp_path: Path
) -> None:
    ran = run(tmp_path, write(ledger, tmp_path, "unknown"), "--problems", tmp_path / "refused.csv")
    assert ran.exit_code == 12
    with (tmp_path / "refused.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["row"], row["decision"], row["code"]) == ("2", "unknown", "ledger-unknown-decision")
    assert ledger.counts()["outcome"] == 1


def test_no_file_of_problems_is_made_where_there_are_none(ledger: SqlLedger, tmp_path: Path) -> None:
    assert run(tmp_path, write(ledger, tmp_path), "--problems", tmp_path / "refused.csv").exit_code == 0
    assert not (tmp_path / "refused.csv").exists()


def test_a_file_of_problems_is_never_written_over(ledger: SqlLedger, tmp_path: Path) -> None:
    (tmp_path / "refused.csv").write_text("kept")
    ran = run(tmp_path, write(ledger, tmp_path), "--problems", tmp_path / "refused.csv")
    assert isinstance(ran.exception, OutputError)
    assert ledger.counts()["outcome"] == 0


def test_no_ledger_is_made_for_outcomes(tmp_path: Path) -> None:
    (tmp_path / "outcomes.csv").write_text("decision,defaulted\na,true\n")
    assert isinstance(run(tmp_path, tmp_path / "outcomes.csv").exception, SettingsError)
    assert not (tmp_path / "ledger.db").exists()
