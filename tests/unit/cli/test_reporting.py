from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from scorewright.bootstrap import Settings, Workbench
from scorewright.cli.app import app
from scorewright.errors import NoModelError, OutputError
from scorewright.flows.plan import Plan
from scorewright.flows.train import train
from scorewright.tables.portfolio import portfolio_from_files
from tests.made_up import loans
from tests.unit.flows.small_book import BOOK


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a model was trained; tests only read it."""
    place = tmp_path_factory.mktemp("home")
    loans().write_csv(place / "loans.csv")
    files = {"portfolio.toml": BOOK.encode(), "features/application.sql": b"SELECT * FROM application"}
    plan = Plan(("dummy",), folds=3, repeats=1, pictures=False)
    train(portfolio_from_files(files, "book"), place, plan, Workbench(Settings(home=place, registry="folder")).shelves)
    return place


def ran(home: Path, *arguments: object) -> Result:
    environment = {"SCOREWRIGHT_HOME": str(home), "SCOREWRIGHT_REGISTRY": "folder"}
    return CliRunner().invoke(app, ["report", *map(str, arguments)], env=environment)


def test_a_report_is_written_and_said_to_be(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "book.html"
    told = ran(home, "--out", out)
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("Report on book version 1 (bundle ")
    assert told.stdout.rstrip().endswith(f"in {out}, {out.stat().st_size / 1e6:.1f} MB.")
    assert "Writing the report" in told.stderr
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_version_may_be_named(home: Path, tmp_path: Path) -> None:
    named = ran(home, "--out", tmp_path / "1.html", "--portfolio", "book", "--model", "1")
    assert named.exit_code == 0, named.output
    usual = ran(home, "--out", tmp_path / "champion.html")
    assert usual.exit_code == 0, usual.output
    assert (tmp_path / "1.html").read_bytes() == (tmp_path / "champion.html").read_bytes()


@pytest.mark.parametrize("name", ["report.pdf", "report", "none/report.html"])
def test_what_cannot_be_written_is_refused(home: Path, tmp_path: Path, name: str) -> None:
    assert isinstance(ran(home, "--out", tmp_path / name).exception, OutputError)
    assert list(tmp_path.iterdir()) == []


def test_without_a_model_there_is_no_report(tmp_path: Path) -> None:
    assert isinstance(ran(tmp_path / "empty", "--out", tmp_path / "report.html").exception, NoModelError)
    assert not (tmp_path / "report.html").exists()
