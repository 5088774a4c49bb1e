from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from scorewright.cli.app import run
from scorewright.tables.portfolio import Portfolio, load_portfolio
from scorewright.tables.sample import SampleConfig, write_sample
from tests.made_up import loans


@dataclass(frozen=True)
class Ran:
    """How a verb ended and what it said."""

    code: int
    out: str
    err: str


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run_verb(home: Path, *arguments: object, registry: str = "folder") -> Ran:
    """Run a verb in this process, as the installed command would."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    settings = {"SCOREWRIGHT_HOME": str(home), "SCOREWRIGHT_REGISTRY": registry, "COLUMNS": "160"}
    with _environment(**settings), redirect_stdout(out), redirect_stderr(err):
        try:
            run([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Ran(code, out.getvalue(), err.getvalue())


Verb = Callable[..., Ran]


@pytest.fixture(scope="session")
def verb() -> Verb:
    """Run a verb: ``verb(home, "score", "--data", folder)``."""
    return run_verb


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of generated tables, read only."""
    folder = tmp_path_factory.mktemp("sample") / "tables"
    write_sample(SampleConfig(applications=1000, seed=11), folder)
    return folder


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Path:
    """A home in which all four candidates were trained once; tests only read it."""
    folder = tmp_path_factory.mktemp("home")
    ran = run_verb(folder, "train", "home_credit", "--data", sample, "--trials", "0")
    assert ran.code == 0, ran.err
    return folder


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one small model, quick to train, of the made-up loans; tests copy it before they write."""
    folder = tmp_path_factory.mktemp("small")
    loans().write_csv(folder / "loans.csv")
    book, home, data = folder / "book", folder / "home", ("--data", folder / "loans.csv")
    assert run_verb(home, "init", book, *data, "--target", "status").code == 0
    ran = run_verb(home, "train", book, *data, "--candidate", "logistic_regression", "--trials", "0")
    assert ran.code == 0, ran.err
    return home


@pytest.fixture
def lending_book(tmp_path: Path) -> Callable[..., Path]:
    """Write a small table of loans as CSV; columns and rows can be changed."""

    def write(change: Callable[[pl.DataFrame], pl.DataFrame] = lambda frame: frame, name: str = "loans.csv") -> Path:
        path = tmp_path / name
        change(loans()).write_csv(path)
        return path

    return write


@pytest.fixture(scope="session")
def home_credit() -> Portfolio:
    return load_portfolio("home_credit")
