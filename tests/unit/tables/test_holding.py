from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from scorewright.errors import UnseenCategoryError
from scorewright.tables.contract import Contract, infer_contract
from scorewright.tables.holding import departures
from scorewright.tables.loading import Sealed, hold, load_tables, open_data
from scorewright.tables.portfolio import Portfolio, UnseenCategory
from scorewright.tables.rows import RowReader
from scorewright.tables.types import Tables
from tests.oracles.book import TOML, frames, portfolio

DECLARING = TOML.replace('never = ["BRANCH"]', 'never = ["BRANCH"]\ncategories = { STATE = ["sold"] }')
BOOK = portfolio(DECLARING)
USED = {"application": frozenset({"JOB", "AGE", "AMOUNT"}), "loan": frozenset({"STATE"})}


def sealed(unseen: UnseenCategory = "refuse") -> Sealed:
    return Sealed(infer_contract(BOOK, frames()), USED, unseen)


def posted(tables: Tables, sealed: Sealed) -> Tables:
    own = {name: frame.drop("BAD", strict=False) for name, frame in tables.items()}
    rows: dict[str, Any] = {name: json.loads(json.dumps(each.to_dicts(), default=str)) for name, each in own.items()}
    return RowReader(BOOK, sealed).read(rows | {"application": rows["application"][0]})


def from_files(tables: Tables, sealed: Sealed, folder: Path) -> Tables:
    for name, frame in tables.items():
        frame.write_csv(folder / f"{name}.csv")
    return load_tables(open_data(BOOK, folder), "score", sealed).tables


def read(way: str, tables: Tables, sealed: Sealed, folder: Path) -> Tables:
    """Read one application by one of the three ways that lead to a scorer."""
    if way == "posted":
        return posted(tables, sealed)
    return from_files(tables, sealed, folder) if way == "files" else hold(BOOK, tables, sealed)


def one(state: str | None = "open", job: str | None = "cook", branch: str = "x", sex: str = "F") -> Tables:
    return frames(
        application=[(20, "b2", sex, None, 25, job, False, None, 1)],
        loan=[(20, 1, 1.0, 12, state, True, None, branch), (20, 2, 1.0, 12, "closed", True, None, branch)],
        month=[],
    )


WAYS = pytest.mark.parametrize("way", ["posted", "files", "held"])


@WAYS
@pytest.mark.parametrize(
    ("wrong", "column", "word"),
    [({"state": "opne"}, r"loan\.STATE", "opne"), ({"job": "kook"}, r"application\.JOB", "kook")],
)
def test_a_category_nobody_knows_is_refused(
    way: str, wrong: dict[str, str], column: str, word: str, tmp_path: Path
) -> None:
    with pytest.raises(UnseenCategoryError, match=rf"Categories of {column} .*'{word}' in 1 row"):
        read(way, one(**wrong), sealed(), tmp_path)


@WAYS
def test_or_emptied_where_the_portfolio_says_so(way: str, tmp_path: Path) -> None:
    tables = read(way, one(state="opne", job="kook"), sealed("null"), tmp_path)
    assert tables["loan"]["STATE"].to_list() == [None, "closed"]
    assert tables["application"]["JOB"].to_list() == [None]


@WAYS
def test_declared_and_empty_values_and_columns_that_feed_nothing_pass(way: str, tmp_path: Path) -> None:
    tables = read(way, one(state="sold", job=None, branch="new", sex="X"), sealed(), tmp_path)
    assert tables["loan"]["STATE"].to_list() == ["sold", "closed"]
    assert tables["loan"]["BRANCH"].to_list() == ["new", "new"]
    assert tables["application"]["SEX"].to_list() == ["X"]


def test_free_text_has_no_categories_to_hold() -> None:
    notes = [(n, "p", "F", 1.0, 1, f"note {n}", True, None, 0) for n in range(30)]
    contract = infer_contract(BOOK, frames(application=notes))
    assert hold(BOOK, one(job="another"), Sealed(contract, USED))["application"]["JOB"].to_list() == ["another"]


def ranged() -> Contract:
    """AGE was seen from 25 to 40 and empty, AMOUNT from 0 to 100.5 and never empty."""
    root = frames()["application"].with_columns(pl.col("AMOUNT").fill_null(7.0))
    return infer_contract(BOOK, frames() | {"application": root})


def test_gaps_and_values_outside_the_range_are_said() -> None:
    columns = ranged().tables["application"]
    root = pl.DataFrame({"AGE": [24, 40, None, 41, 26], "AMOUNT": [None, 110.0, -1.0, 1.0, None], "JOB": ["cook"] * 5})
    assert departures("application", root, columns, USED["application"]) == (
        "application.AMOUNT: 2 rows are empty; it never was in training",
        "application.AMOUNT: 1 row outside the range seen in training (0 to 110)",
        "application.AGE: 2 rows outside the range seen in training (25 to 40)",
    )
    assert departures("application", root, columns, {"JOB"}) == ()
    assert departures("application", root.clear(), columns, USED["application"]) == ()


def test_files_held_to_a_contract_come_with_these_notices(tmp_path: Path) -> None:
    book: Portfolio = portfolio(TOML.split("[tables.loan]")[0])
    root = frames()["application"]
    root.with_columns(AGE=pl.lit(99)).write_csv(tmp_path / "application.csv")
    contract = infer_contract(book, {"application": root})
    loaded = load_tables(open_data(book, tmp_path), "score", Sealed(contract, {"application": frozenset({"AGE"})}))
    assert loaded.notices == ("application.AGE: 3 rows outside the range seen in training (25 to 40)",)
    assert load_tables(open_data(book, tmp_path), "train").notices == ()
