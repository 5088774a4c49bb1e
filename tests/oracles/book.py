"""A small made-up portfolio with three levels of tables, to be filled with any feature SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import polars as pl

from scorewright.features.compile import CompiledFeatures, compile_features
from scorewright.features.engine import FeatureEngine
from scorewright.tables.contract import infer_contract
from scorewright.tables.portfolio import Portfolio, portfolio_from_files
from scorewright.tables.types import Tables

TOML = """
[portfolio]
name = "book"
label = { en = "Book", fr = "Livre" }
[target]
column = "BAD"
default = 1
[tables.application]
key = "ID"
identifiers = ["PASSPORT"]
never = ["SEX"]
protected = ["SEX"]
[tables.application.labels]
AMOUNT = { en = "Amount", fr = "Montant" }
[tables.loan]
parent = "application"
on = "ID"
key = "LOAN"
optional = true
never = ["BRANCH"]
[tables.month]
parent = "loan"
on = "LOAN"
optional = true
"""

APPLICATION = "SELECT * FROM application"
LOAN = "SELECT COUNT(*) AS loans FROM loan GROUP BY ID"

SCHEMAS: Mapping[str, Mapping[str, pl.DataType]] = {
    "application": {
        "ID": pl.Int64(),
        "PASSPORT": pl.String(),
        "SEX": pl.String(),
        "AMOUNT": pl.Float64(),
        "AGE": pl.Int64(),
        "JOB": pl.String(),
        "OWNER": pl.Boolean(),
        "DAY": pl.Date(),
        "BAD": pl.Int64(),
    },
    "loan": {
        "ID": pl.Int64(),
        "LOAN": pl.Int64(),
        "SUM": pl.Float64(),
        "TERM": pl.Int64(),
        "STATE": pl.String(),
        "PAID": pl.Boolean(),
        "START": pl.Date(),
        "BRANCH": pl.String(),
    },
    "month": {"LOAN": pl.Int64(), "LATE": pl.Int64(), "DUE": pl.Float64()},
}

DAY = dt.date(2024, 2, 29)
ROWS: Mapping[str, list[tuple[object, ...]]] = {
    "application": [
        (10, "a1", "F", 100.5, 40, "cook", True, DAY, 0),
        (20, "b2", "M", None, 25, None, False, None, 1),
        (30, "c3", "F", 0.0, None, "nurse", None, dt.date(1999, 12, 31), 0),
    ],
    "loan": [
        (20, 1, 10.25, 12, "open", True, DAY, "x"),
        (10, 2, None, 24, "closed", None, None, "y"),
        (20, 3, -4.0, None, "open", False, dt.date(2020, 1, 1), "x"),
        (20, 4, 0.0, 6, None, None, DAY, None),
    ],
    "month": [(1, 0, 1.5), (3, 30, None), (1, 5, 2.5), (2, None, 0.1)],
}


def frames(**rows: list[tuple[object, ...]]) -> dict[str, pl.DataFrame]:
    """Tables of the book, with other rows for the tables named."""
    return {
        table: pl.DataFrame(rows.get(table, ROWS[table]), schema=dict(schema), orient="row")
        for table, schema in SCHEMAS.items()
    }


def portfolio(toml: str = TOML, **sql: str) -> Portfolio:
    """Make the book with feature SQL by table."""
    texts = {"application": APPLICATION} | sql
    files = {"portfolio.toml": toml.encode()} | {f"features/{name}.sql": text.encode() for name, text in texts.items()}
    return portfolio_from_files(files, "book")


def compiled(book: Portfolio, tables: Tables | None = None) -> CompiledFeatures:
    """Compile against the columns of the given tables."""
    return compile_features(book, infer_contract(book, frames() if tables is None else tables))


def computed(book: Portfolio, tables: Tables | None = None) -> pl.DataFrame:
    """Compile and compute over the given tables."""
    tables = frames() if tables is None else tables
    return FeatureEngine(book, compiled(book, tables)).compute(tables)
