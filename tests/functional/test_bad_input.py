"""Each kind of bad input ends with one message, its exit code, and nothing half written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

Verb = Callable[..., Any]


@pytest.fixture
def tables(sample: Path, tmp_path: Path) -> Path:
    """A copy of the generated tables to spoil."""
    return Path(shutil.copytree(sample, tmp_path / "tables"))


def spoil(path: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    change(pl.read_parquet(path)).write_parquet(path)


def assert_refused(ran: Any, code: int, error: str, *words: str) -> None:
    assert ran.code == code, ran.err
    assert f"error [{error}]" in ran.err
    assert "Traceback" not in ran.err
    said = " ".join(ran.err.split())
    for word in words:
        assert word in said, said


TRAINING = [
    ("application_train", lambda f: f.drop("TARGET"), "data-columns", "missing TARGET"),
    ("application_train", lambda f: f.with_columns(TARGET=pl.lit(0)), "data-target", "1 different"),
    ("application_train", lambda f: f.with_columns(TARGET=pl.int_range(pl.len()) % 3), "data-target", "3 different"),
    ("application_train", lambda f: pl.concat([f, f[:1]]), "data-duplicate-keys", "SK_ID_CURR"),
    ("application_train", lambda f: f.clear(), "data-table-empty", "application"),
    ("application_train", lambda f: f.with_columns(AMT_CREDIT=pl.lit(float("inf"))), "data-not-finite", "AMT_CREDIT"),
    ("previous_application", lambda f: pl.concat([f, f[:1]]), "data-duplicate-keys", "SK_ID_PREV"),
]


@pytest.mark.parametrize(("table", "change", "error", "words"), TRAINING, ids=[f"{t}-{e}" for t, _, e, _ in TRAINING])
def test_spoilt_training_tables(
    tables: Path, verb: Verb, tmp_path: Path, table: str, change: Callable[..., pl.DataFrame], error: str, words: str
) -> None:
    spoil(tables / f"{table}.parquet", change)
    home = tmp_path / "home"
    assert_refused(verb(home, "train", "home_credit", "--data", tables), 5, error, words)
    assert not (home / "bundles").exists()


# Selection may leave one of them out; a column that feeds nothing may hold anything.
TEXTS = ("NAME_INCOME_TYPE", "NAME_EDUCATION_TYPE", "OCCUPATION_TYPE", "ORGANIZATION_TYPE")

SCORING = [
    ("application_test", lambda f: f.drop("AMT_CREDIT"), "data-columns", "missing AMT_CREDIT"),
    ("application_test", lambda f: f.with_columns(HORSE=pl.lit(1)), "data-columns", "unknown HORSE"),
    (
        "application_test",
        lambda f: f.with_columns(pl.col("AMT_CREDIT").cast(pl.String)),
        "data-columns",
        "AMT_CREDIT is text",
    ),
    (
        "application_test",
        lambda f: f.with_columns(pl.lit("Astronaut").alias(name) for name in TEXTS),
        "data-unseen-category",
        "Astronaut",
    ),
    ("bureau", lambda f: f.with_columns(SK_ID_CURR=pl.lit(-1, f.schema["SK_ID_CURR"])), "data-orphan-rows", "bureau"),
]


@pytest.mark.parametrize(("table", "change", "error", "words"), SCORING, ids=[f"{t}-{e}" for t, _, e, _ in SCORING])
def test_spoilt_tables_to_score(
    home: Path,
    tables: Path,
    verb: Verb,
    tmp_path: Path,
    table: str,
    change: Callable[..., pl.DataFrame],
    error: str,
    words: str,
) -> None:
    spoil(tables / f"{table}.parquet", change)
    out = tmp_path / "scores.parquet"
    assert_refused(verb(home, "score", "--data", tables, "--out", out), 5, error, words)
    assert not out.exists()


def test_a_category_never_seen_may_be_taken_as_missing(home: Path, tables: Path, verb: Verb, tmp_path: Path) -> None:
    spoil(tables / "application_test.parquet", lambda f: f.with_columns(pl.lit("Astronaut").alias(n) for n in TEXTS))
    ran = verb(home, "score", "--data", tables, "--out", tmp_path / "s.parquet", "--unseen", "null")
    assert ran.code == 0, ran.err


def test_cut_parquet(tables: Path, verb: Verb, tmp_path: Path) -> None:
    path = tables / "bureau.parquet"
    path.write_bytes(path.read_bytes()[:-200])
    assert_refused(verb(tmp_path, "check", "home_credit", "--data", tables), 5, "data-unreadable", "bureau.parquet")


def test_half_written_csv(verb: Verb, lending_book: Callable[..., Path], tmp_path: Path) -> None:
    data = lending_book()
    text = data.read_text()
    data.write_text(text[: text.rindex(",", 0, -20)])
    ran = verb(tmp_path, "init", tmp_path / "book", "--data", data, "--target", "status")
    assert_refused(ran, 5, "data-unreadable", "cut short")
    assert not (tmp_path / "book").exists()


def test_no_data(verb: Verb, tmp_path: Path) -> None:
    assert_refused(verb(tmp_path, "train", "home_credit", "--data", tmp_path / "nowhere"), 5, "data-unreadable")
    (tmp_path / "empty").mkdir()
    ran = verb(tmp_path, "train", "home_credit", "--data", tmp_path / "empty")
    assert_refused(ran, 5, "data-table-missing", "application_train.parquet")


def test_a_portfolio_with_a_typo(verb: Verb, lending_book: Callable[..., Path], tmp_path: Path) -> None:
    data, book = lending_book(), tmp_path / "book"
    verb(tmp_path, "init", book, "--data", data, "--target", "status")
    toml = book / "portfolio.toml"
    toml.write_text(toml.read_text().replace("protected", "protectd"))
    assert_refused(verb(tmp_path, "train", book, "--data", data), 4, "portfolio-invalid", "did you mean 'protected'")
    assert_refused(verb(tmp_path, "train", "home_credti", "--data", data), 4, "portfolio-invalid", "home_credit")


def test_feature_sql_names_file_and_line(verb: Verb, lending_book: Callable[..., Path], tmp_path: Path) -> None:
    data, book = lending_book(), tmp_path / "book"
    verb(tmp_path, "init", book, "--data", data, "--target", "status")
    (book / "features/application.sql").write_text("SELECT\n  income,\n  incme * 2 AS twice\nFROM application\n")
    ran = verb(tmp_path, "train", book, "--data", data)
    assert_refused(ran, 4, "feature-sql-invalid", "application.sql:3", "did you mean income")


def test_no_model_yet(verb: Verb, sample: Path, tmp_path: Path) -> None:
    for arguments in (("score", "--data", sample), ("serve",), ("compare",), ("rollback",)):
        assert_refused(verb(tmp_path, *arguments), 8, "registry-no-model")


def test_one_byte_of_a_bundle_changed(home: Path, sample: Path, verb: Verb, tmp_path: Path) -> None:
    spoilt = Path(shutil.copytree(home, tmp_path / "home"))
    for policy in spoilt.rglob("policy.json"):
        content = bytearray(policy.read_bytes())
        content[-3] ^= 1
        policy.write_bytes(content)
    assert_refused(verb(spoilt, "score", "--data", sample), 7, "bundle-corrupt", "policy.json has changed")


def test_an_application_that_is_not_there(home: Path, sample: Path, verb: Verb) -> None:
    ran = verb(home, "explain", "--id", "1", "--data", sample)
    assert_refused(ran, 5, "data-unknown-application", "SK_ID_CURR = 1")


def test_an_output_that_cannot_be_written(home: Path, sample: Path, verb: Verb, tmp_path: Path) -> None:
    assert_refused(
        verb(home, "score", "--data", sample, "--out", tmp_path / "s.xlsx"), 9, "output-unwritable", ".parquet"
    )
    ran = verb(home, "score", "--data", sample, "--out", tmp_path / "no" / "s.csv")
    assert_refused(ran, 9, "output-unwritable", "must exist")
    assert_refused(verb(home, "sample", sample), 9, "output-unwritable", "empty folder")


def test_settings_that_cannot_be_used(verb: Verb, sample: Path, tmp_path: Path) -> None:
    ran = verb(tmp_path, "compare", registry="carrier-pigeon")
    assert_refused(ran, 3, "settings-invalid", "carrier-pigeon")
