from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from scorewright.cli.store import add_verbs
from scorewright.domain.progress import Step
from scorewright.errors import (
    ColumnsError,
    DataError,
    DuplicateKeysError,
    EmptyTableError,
    NotFiniteError,
    OrphanRowsError,
    OutputError,
    StoreUnusableError,
    TableMissingError,
)
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.store import ParquetClientStore, build_store, open_store
from scorewright.tables.store.reading import _number_ranges
from tests.oracles.book import TOML, frames, portfolio

SENTINELS = TOML.replace('never = ["SEX"]', 'never = ["SEX", "NOTE"]\nsentinels = { AGE = [40] }')
TWO_FILES = TOML.replace('key = "ID"\nid', 'train = "old"\nscore = "new"\nkey = "ID"\nid')


def written(folder: Path, **tables: pl.DataFrame) -> Path:
    folder.mkdir(exist_ok=True)
    for name, frame in tables.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return folder


def store_of(tmp_path: Path, book: Portfolio | None = None, **tables: pl.DataFrame) -> ParquetClientStore:
    build_store(book or portfolio(), written(tmp_path / "tables", **(tables or frames())), tmp_path / "store")
    return open_store(tmp_path / "store")


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as JSON holds them."""
    read: list[dict[str, Any]] = json.loads(json.dumps(rows, default=str))
    return read


def rows_of(key: int) -> dict[str, Any]:
    """What a client's body is, looked up in the tables the slow way."""
    tables = frames()
    loans = tables["loan"].filter(pl.col("ID") == key)
    months = [row for row in tables["month"].to_dicts() if row["LOAN"] in loans["LOAN"].to_list()]
    root = tables["application"].drop("BAD").filter(pl.col("ID") == key)
    return {"application": plain(root.to_dicts())[0], "loan": plain(loans.to_dicts()), "month": plain(months)}


def test_a_client_is_its_row_and_the_rows_below_it_without_the_outcome(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    assert store.keys() == (10, 20, 30)
    assert [store.get(key) for key in (10, 20, 30)] == [rows_of(10), rows_of(20), rows_of(30)]


def test_days_and_times_are_iso_text(tmp_path: Path) -> None:
    when = dt.datetime(2024, 2, 29, 10, 30, 0, 250, dt.timezone(dt.timedelta(hours=2)))
    root = frames()["application"].with_columns(
        MIDNIGHT=pl.lit(dt.date(2024, 2, 29)).cast(pl.Datetime("us")),
        WHEN=pl.lit(when),
        TEXT=pl.lit("2024-02-29 10:30"),
        OTHER=pl.lit("29/02/2024"),
    )
    row = store_of(tmp_path, application=root).get(10)["application"]
    assert row["DAY"] == "2024-02-29"
    assert row["WHEN"] == "2024-02-29T08:30:00.000250"
    assert row["MIDNIGHT"] == "2024-02-29"
    assert (row["TEXT"], row["OTHER"]) == ("2024-02-29T10:30:00.000000", "29/02/2024")


def test_values_that_a_portfolio_takes_as_missing_are_kept(tmp_path: Path) -> None:
    root = frames()["application"].with_columns(NOTE=pl.lit("x"))
    assert store_of(tmp_path, portfolio(SENTINELS), application=root).get(10)["application"]["AGE"] == 40


def test_numbers_that_json_does_not_have_are_empty_where_nothing_reads_them_and_refused_elsewhere(
    tmp_path: Path,
) -> None:
    infinite = pl.Series([float("inf"), float("nan"), 1.5])
    root = frames()["application"].with_columns(NOTE=infinite, AMOUNT=pl.Series([float("nan"), 1.0, 2.0]))
    store = store_of(tmp_path, portfolio(SENTINELS), application=root)
    assert [store.get(key)["application"]["NOTE"] for key in (10, 20, 30)] == [None, None, 1.5]
    assert store.get(10)["application"]["AMOUNT"] is None
    with pytest.raises(NotFiniteError, match=r"application.AMOUNT"):
        store_of(tmp_path / "tables", application=frames()["application"].with_columns(AMOUNT=infinite))


def test_a_long_history_is_found_whole_across_row_groups(tmp_path: Path) -> None:
    loans = frames()["loan"][:2]
    month = pl.DataFrame({"LOAN": [1, 2] * 15_000, "LATE": range(30_000), "DUE": [0.5] * 30_000})
    store = store_of(tmp_path, application=frames()["application"], loan=loans, month=month)
    assert [row["LATE"] for row in store.get(20)["month"]] == list(range(0, 30_000, 2))
    assert [row["LATE"] for row in store.get(10)["month"]] == list(range(1, 30_000, 2))
    assert store.get(30)["month"] == []


def test_a_table_without_file_is_left_out_and_said(tmp_path: Path) -> None:
    folder = written(tmp_path / "tables", application=frames()["application"], loan=frames()["loan"])
    built = build_store(portfolio(), folder, tmp_path / "store")
    assert built.rows == {"application": 3, "loan": 4}
    assert built.notices == ("month: no file, so no client has rows of it",)
    assert set(open_store(tmp_path / "store").get(30)) == {"application", "loan"}


def test_empty_history(tmp_path: Path) -> None:
    assert store_of(tmp_path, **frames(loan=[], month=[])).get(10)["loan"] == []


def test_rows_of_nobody_are_refused_or_left_out_as_the_portfolio_says(tmp_path: Path) -> None:
    astray = frames(month=[(1, 0, 1.5), (99, 1, 1.0)], loan=[*frames()["loan"].rows(), (99, 5, *[None] * 6)])
    folder = written(tmp_path / "tables", **astray)
    with pytest.raises(OrphanRowsError):
        build_store(portfolio(), folder, tmp_path / "store")
    lenient = portfolio(TOML.replace("optional = true", 'optional = true\norphans = "drop"'))
    built = build_store(lenient, folder, tmp_path / "store")
    assert built.notices == (
        "loan: 1 rows belong to no application and were left out",
        "month: 1 rows belong to no application and were left out",
    )
    assert built.rows == {"application": 3, "loan": 4, "month": 1}


def test_applications_to_score_and_of_training_are_taken_and_the_former_win(tmp_path: Path) -> None:
    old = frames()["application"]
    new = old.drop("BAD")[1:2].with_columns(AMOUNT=pl.lit(7.0))
    newest = new.with_columns(ID=pl.lit(40, pl.Int64))
    tables = frames(loan=[*frames()["loan"].rows(), (40, 9, *[None] * 6)]) | {
        "old": old,
        "new": pl.concat([new, newest]),
    }
    del tables["application"]
    folder = written(tmp_path / "tables", **tables)
    built = build_store(portfolio(TWO_FILES), folder, tmp_path / "store")
    assert built.notices == ("application: 1 applications are in both files; the rows to score were taken",)
    store = open_store(tmp_path / "store")
    assert store.keys() == (10, 20, 30, 40)
    assert store.get(10) == rows_of(10)
    changed = rows_of(20)
    changed["application"]["AMOUNT"] = 7.0
    assert store.get(20) == changed
    assert [loan["LOAN"] for loan in store.get(40)["loan"]] == [9]


def test_a_history_in_two_files_follows_its_application(tmp_path: Path) -> None:
    toml = TWO_FILES.replace("[tables.loan]\n", '[tables.loan]\ntrain = "loan_old"\nscore = "loan_new"\n')
    old, loans = frames()["application"], frames()["loan"]
    tables = {
        "old": old,
        "new": old.drop("BAD")[1:2],
        "loan_old": loans,
        "loan_new": loans[:1].with_columns(TERM=pl.lit(99, pl.Int64)),
        "month": frames()["month"][:1],
    }
    store = store_of(tmp_path, portfolio(toml), **tables)
    assert [(loan["LOAN"], loan["TERM"]) for loan in store.get(20)["loan"]] == [(1, 99)]
    assert [(loan["LOAN"], loan["TERM"]) for loan in store.get(10)["loan"]] == [(2, 24)]
    assert [month["LATE"] for month in store.get(20)["month"]] == [0]


def test_the_file_to_score_takes_the_types_of_training(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "old.csv").write_text("ID,PASSPORT,SEX,BAD,DAY\nA1,x,F,0,29/02/2024\nA2,y,M,1,2024-01-01\n")
    (folder / "new.csv").write_text("ID,PASSPORT,SEX,DAY\n007,12,F,2024-01-02\n")
    build_store(portfolio(TWO_FILES), folder, tmp_path / "store")
    store = open_store(tmp_path / "store")
    assert store.keys() == ("007", "A1", "A2")
    assert store.get("007")["application"] == {"ID": "007", "PASSPORT": "12", "SEX": "F", "DAY": "2024-01-02"}
    (folder / "new.csv").write_text("ID,PASSPORT,SEX,DAY,MORE\n008,12,F,2024-01-02,1\n")
    with pytest.raises(ColumnsError, match="unknown MORE"):
        build_store(portfolio(TWO_FILES), folder, tmp_path / "other")


def test_applications_without_key_are_found_by_their_number(tmp_path: Path) -> None:
    toml = TOML.split("[tables.loan]")[0].replace('key = "ID"\n', "")
    store = store_of(tmp_path, portfolio(toml), application=frames()["application"])
    assert store.keys() == (0, 1, 2)
    assert store.get("1")["application"] == rows_of(20)["application"]


def test_a_single_file_is_the_root_table(tmp_path: Path) -> None:
    folder = written(tmp_path / "tables", **frames())
    build_store(portfolio(), folder / "application.parquet", tmp_path / "store")
    assert open_store(tmp_path / "store").get(10) == {"application": rows_of(10)["application"]}


BROKEN: dict[str, tuple[dict[str, pl.DataFrame], type[DataError]]] = {
    "no applications": ({"loan": frames()["loan"]}, TableMissingError),
    "an empty file of applications": ({"application": frames()["application"].clear()}, EmptyTableError),
    "a client twice": ({"application": pl.concat([frames()["application"]] * 2)}, DuplicateKeysError),
    "a loan twice": (frames() | {"loan": pl.concat([frames()["loan"]] * 2)}, DuplicateKeysError),
    "no key": ({"application": frames()["application"].drop("ID")}, ColumnsError),
    "a key of another type": (frames() | {"month": frames()["month"].with_columns(LOAN=pl.lit("x"))}, ColumnsError),
}


@pytest.mark.parametrize(("tables", "error"), BROKEN.values(), ids=BROKEN)
def test_broken_tables_leave_nothing_behind(
    tables: dict[str, pl.DataFrame], error: type[DataError], tmp_path: Path
) -> None:
    with pytest.raises(error):
        store_of(tmp_path, **tables)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tables"]


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    store_of(tmp_path)
    with pytest.raises(OutputError):
        build_store(portfolio(), tmp_path / "tables", tmp_path / "store")
    assert len(open_store(tmp_path / "store")) == 3


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    folder = written(tmp_path / "tables", **frames())
    for name in ("one", "two"):
        build_store(portfolio(), folder, tmp_path / name)
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two


def test_progress_goes_from_none_to_all(tmp_path: Path) -> None:
    told: list[Step] = []
    build_store(portfolio(), written(tmp_path / "tables", **frames()), tmp_path / "store", told.append)
    assert [(step.done, step.total) for step in told] == [(0, 3), (1, 3), (2, 3), (3, 3)]


def spoil(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def act(store: Path) -> None:
        (store / name).write_bytes(change((store / name).read_bytes()))

    return act


def remove(name: str) -> Callable[[Path], None]:
    return lambda store: (store / name).unlink()


SPOILT: dict[str, Callable[[Path], None]] = {
    "one bit of a table": spoil("loan.parquet", lambda content: content[:9] + bytes([content[9] ^ 1]) + content[10:]),
    "an index cut short": spoil("index.arrow", lambda content: content[:-1]),
    "a table removed": remove("month.parquet"),
    "no manifest": remove("manifest.json"),
    "a manifest that is no JSON": spoil("manifest.json", lambda _: b"{"),
    "a manifest that is a list": spoil("manifest.json", lambda _: b"[]"),
    "a newer protocol": spoil("manifest.json", lambda content: content.replace(b'"protocol": 1', b'"protocol": 2')),
    "no protocol": spoil("manifest.json", lambda content: content.replace(b'"protocol"', b'"other"')),
    "another number of clients": spoil("manifest.json", lambda content: content.replace(b'ions": 3', b'ions": 4')),
    "a way out of the folder": spoil("manifest.json", lambda content: content.replace(b'"loan', b'"../loan')),
    "a table without file": spoil("manifest.json", lambda content: content.replace(b'"month":', b'"year":')),
}  # fmt: skip


@pytest.mark.parametrize("act", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_store_is_refused_before_it_is_read(act: Callable[[Path], None], tmp_path: Path) -> None:
    store_of(tmp_path)
    act(tmp_path / "store")
    with pytest.raises(StoreUnusableError):
        open_store(tmp_path / "store")


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusableError):
        open_store(tmp_path / "nowhere")


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-2000, 2000), max_size=30),
    st.integers(-2000, 2000).map(str) | st.sampled_from(["", "-", "0", "-0", "00", "9223372036854775807", "x", "+1"]),
)
@example([-(2**63), 2**63 - 1, -1, 0], "-9223372036854775808")
def test_ranges_of_numbers_are_those_whose_text_begins_so(numbers: list[int], prefix: str) -> None:
    ranges = _number_ranges(prefix)
    assert ranges == sorted(ranges)
    within = [number for number in numbers if any(low <= number < high for low, high in ranges)]
    assert within == [number for number in numbers if str(number).startswith(prefix)]


def test_the_verb_builds_and_says_what_was_written(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(lambda: None)
    add_verbs(app)
    book = tmp_path / "book"
    (book / "features").mkdir(parents=True)
    (book / "portfolio.toml").write_text(TOML)
    (book / "features" / "application.sql").write_text("SELECT * FROM application")
    folder = written(tmp_path / "tables", **frames())
    asked = ["store", "build", "--portfolio", book, "--data", folder, "--out", tmp_path / "store"]
    ran = CliRunner().invoke(app, [str(each) for each in asked])
    assert ran.exit_code == 0, ran.output
    assert "3 clients can be looked up." in ran.output
    assert open_store(tmp_path / "store").get(20) == rows_of(20)
