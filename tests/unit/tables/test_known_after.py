from __future__ import annotations

from pathlib import Path

import pytest

from scorewright.errors import ColumnsError, PortfolioError
from scorewright.flows.dataset import build_dataset, read_labelled
from scorewright.tables.portfolio import Portfolio, portfolio_from_files
from tests.made_up import loans

TOML = """
[portfolio]
name = "book"
label = { en = "Book", fr = "Livre" }
[target]
column = "status"
default = "charged off"
[tables.application]
train = "loans"
key = "loan id"
never = ["remark"]
known_after = ["income", "order"]
"""


def book(toml: str = TOML, sql: str = "SELECT * FROM application") -> Portfolio:
    return portfolio_from_files({"portfolio.toml": toml.encode(), "features/application.sql": sql.encode()}, "book")


def features(folder: Path, portfolio: Portfolio) -> set[str]:
    loans().write_parquet(folder / "loans.parquet")
    dataset = build_dataset(read_labelled(portfolio, folder), 0.25)
    return {column.name for column in dataset.matrix.columns}


def test_star_leaves_them_out(tmp_path: Path) -> None:
    assert features(tmp_path, book()) == {"purpose"}


def test_sql_may_name_them(tmp_path: Path) -> None:
    sql = 'SELECT *, income, "order" + 1 AS place FROM application'
    assert features(tmp_path, book(sql=sql)) == {"purpose", "income", "place"}


def test_the_table_must_have_them(tmp_path: Path) -> None:
    loans().drop("income").write_parquet(tmp_path / "loans.parquet")
    with pytest.raises(ColumnsError, match="missing income"):
        read_labelled(book(), tmp_path)


def test_one_may_be_declared_monotone() -> None:
    declared = TOML + '[tables.application.monotone]\nincome = "decreasing"\n'
    assert book(declared).tables["application"].known_after == ("income", "order")


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ('"status"', "target.column cannot be"),
        ('"loan id"', "known_after cannot name a key or the date"),
        ('"opened"', "known_after cannot name a key or the date"),
    ],
)
def test_key_date_and_target_are_none(column: str, words: str) -> None:
    toml = TOML.replace('["income", "order"]', f"[{column}]").replace("never =", 'date = "opened"\nnever =')
    with pytest.raises(PortfolioError, match=words):
        _ = book(toml).tables
