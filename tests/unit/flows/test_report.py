"""The report on a registered model: what it is gathered from, and that it is written whole or not at all."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from scorewright.errors import BundleError, NoModelError, OutputError
from scorewright.flows.plan import Plan
from scorewright.flows.report import gather, report_on
from scorewright.flows.train import Shelves, Trained, train
from scorewright.registry.folder_registry import FolderRegistry
from scorewright.report.page import write_page
from scorewright.tables.portfolio import portfolio_from_files
from tests.made_up import loans
from tests.unit.flows.small_book import BOOK


@dataclass(frozen=True)
class Case:
    registry: FolderRegistry
    first: Trained
    second: Trained


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A champion and a challenger; tests only read them."""
    place = tmp_path_factory.mktemp("book")
    loans().write_csv(place / "loans.csv")
    files = {"portfolio.toml": BOOK.encode(), "features/application.sql": b"SELECT * FROM application"}
    shelves = Shelves(FolderRegistry(place / "registry"), place / "bundles")

    def trained(candidate: str) -> Trained:
        plan = Plan((candidate,), folds=3, repeats=1, pictures=False)
        return train(portfolio_from_files(files, "book"), place, plan, shelves)

    return Case(FolderRegistry(place / "registry"), trained("logistic_regression"), trained("dummy"))


@pytest.mark.parametrize("wanted", ["champion", "1"])
def test_a_version_is_gathered_with_the_training_it_comes_from(case: Case, wanted: str) -> None:
    report = gather(case.registry, None, wanted)
    assert (report.version, report.model.name) == ("1", "logistic_regression")
    assert report.record == case.first.record
    assert report.bundle.digest == case.first.version.bundle
    assert report.date == f"{case.first.version.created:%Y-%m-%d}"
    assert report.portfolio.name == "book"


def test_the_challenger_is_told_of_by_its_own_training(case: Case) -> None:
    report = gather(case.registry, "book", "challenger")
    assert (report.version, report.model.name) == ("2", "dummy")
    assert report.record == case.second.record


def test_what_is_written_is_the_page_and_its_size(case: Case, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    written = report_on(case.registry, None, "champion", out)
    assert out.read_text(encoding="utf-8") == write_page(gather(case.registry, None))
    assert written.size == out.stat().st_size < 3_000_000
    assert written.report.version == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_page_quotes_no_applicant(case: Case, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    report_on(case.registry, None, "champion", out)
    page = out.read_text(encoding="utf-8")
    assert [key for key in loans()["loan id"] if key in page] == []
    assert "note 31" not in page


@pytest.mark.parametrize("wanted", ["9", "nobody"])
def test_a_version_that_is_not_there_leaves_what_was_written_before(case: Case, tmp_path: Path, wanted: str) -> None:
    out = tmp_path / "report.html"
    out.write_text("before", encoding="utf-8")
    with pytest.raises(NoModelError):
        report_on(case.registry, "book", wanted, out)
    assert out.read_text(encoding="utf-8") == "before"


@pytest.mark.parametrize("name", ["report.pdf", "report", "none/report.html"])
def test_what_is_no_html_file_of_a_folder_is_refused_first(name: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        report_on(FolderRegistry(tmp_path / "nowhere"), None, "champion", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_was_changed_is_not_reported_on(case: Case, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(case.registry.fetch(case.first.version).parents[1], tmp_path / "registry"))
    policy = copied / "bundles" / case.first.version.bundle / "policy.json"
    policy.write_bytes(policy.read_bytes().replace(b"0.", b"1.", 1))
    with pytest.raises(BundleError):
        report_on(FolderRegistry(copied), None, "champion", tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
