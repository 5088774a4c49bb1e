from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from scorewright.bootstrap import Settings, Workbench
from scorewright.cli import ledger as verbs
from scorewright.domain.ledger import AccessEntry
from scorewright.ledger import SqlLedger

app = typer.Typer()
verbs.add_verbs(app)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    made = Workbench(Settings(home=tmp_path, registry="folder")).ledger
    made.append(AccessEntry("desk", "GET /v1/clients/{id}", allowed=True, client="A"))
    yield made
    made.close()


@pytest.mark.parametrize(("answer", "code", "forgotten"), [("y\n", 0, 1), ("n\n", 1, 0), ("", 1, 0)])
def test_nobody_is_forgotten_without_a_yes(
    ledger: SqlLedger, tmp_path: Path, answer: str, code: int, forgotten: int
) -> None:
    environment = {"SCOREWRIGHT_HOME": str(tmp_path), "SCOREWRIGHT_REGISTRY": "folder"}
    ran = CliRunner().invoke(app, ["ledger", "forget", "A"], input=answer, env=environment)
    assert ran.exit_code == code
    assert "Destroy for ever" in ran.stderr
    assert "Destroy" not in ran.stdout
    assert ledger.counts()["forget"] == forgotten
