"""Contracts, rows posted one by one and CSV files of any content."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorewright.errors import UnreadableFileError
from scorewright.features.compile import compile_features
from scorewright.features.engine import FeatureEngine
from scorewright.tables.contract import Contract, infer_contract
from scorewright.tables.delimited import open_csv
from scorewright.tables.loading import Sealed, load_tables, open_data, restrict
from scorewright.tables.portfolio import Portfolio, load_portfolio, shipped_portfolios
from scorewright.tables.readers import collect, scan_table
from scorewright.tables.rows import RowReader
from scorewright.tables.types import Tables
from tests.oracles.book import SCHEMAS, frames, portfolio

letters = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5)
VALUES: dict[pl.DataType, st.SearchStrategy[object]] = {
    pl.Int64(): st.integers(-(2**63), 2**63 - 1),
    pl.Float64(): st.floats(allow_nan=False, allow_infinity=False),
    pl.String(): letters,
    pl.Boolean(): st.booleans(),
    pl.Date(): st.dates(),
    pl.Datetime("us"): st.datetimes(),
}


@st.composite
def roots(draw: st.DrawFn) -> pl.DataFrame:
    names = draw(st.lists(letters, min_size=1, max_size=5, unique=True))
    size = draw(st.integers(0, 8))
    types = [draw(st.sampled_from(list(VALUES))) for _ in names]
    return pl.DataFrame(
        {
            name: pl.Series(draw(st.lists(st.none() | VALUES[dtype], min_size=size, max_size=size)), dtype=dtype)
            for name, dtype in zip(names, types, strict=True)
        }
    )


@given(roots())
def test_a_contract_survives_json(root: pl.DataFrame) -> None:
    contract = infer_contract(portfolio(), {"application": root})
    again = Contract.from_json(contract.to_json())
    assert again == contract
    assert again.to_json() == contract.to_json()


rows = {
    table: st.lists(st.tuples(*(st.none() | VALUES[dtype] for dtype in schema.values())), min_size=1, max_size=4)
    for table, schema in SCHEMAS.items()
}


@st.composite
def books(draw: st.DrawFn) -> dict[str, pl.DataFrame]:
    """One application with any values, keys apart."""
    tables = frames(**{table: [tuple(row) for row in draw(strategy)] for table, strategy in rows.items()})
    loans = tables["loan"].with_columns(
        pl.lit(7, pl.Int64).alias("ID"), pl.int_range(pl.len(), dtype=pl.Int64).alias("LOAN")
    )
    return {
        "application": tables["application"][:1].with_columns(pl.lit(7, pl.Int64).alias("ID")),
        "loan": loans,
        "month": tables["month"].with_columns(pl.lit(0, pl.Int64).alias("LOAN")),
    }


def posted(own: Tables, root: str) -> dict[str, object]:
    """The rows as a client sends them: through JSON, dates as ISO text."""
    body = {name: [dict(row) for row in frame.to_dicts()] for name, frame in own.items()}
    told = json.loads(json.dumps(body, default=lambda value: value.isoformat()))
    return told | {root: told[root][0]}


@given(books())
def test_posted_rows_give_the_frames_they_came_from(tables: dict[str, pl.DataFrame]) -> None:
    book = portfolio()
    held = {name: frame.drop("BAD", strict=False) for name, frame in tables.items()}
    reader = RowReader(book, Sealed(infer_contract(book, tables), {}))
    for name, frame in reader.read(posted(held, "application")).items():
        assert frame.equals(held[name])
        assert frame.schema == held[name].schema


REAL = {
    "home_credit": "home_credit/clients_100",
    "uci_credit_card": "uci_default_credit_card",
    "south_german_credit": "south_german_credit",
}


def sealed(book: Portfolio, tables: Tables) -> tuple[Sealed, FeatureEngine]:
    contract = infer_contract(book, tables)
    compiled = compile_features(book, contract)
    return Sealed(contract, compiled.used_columns()), FeatureEngine(book, compiled)


@pytest.mark.real
@pytest.mark.parametrize("name", shipped_portfolios())
def test_real_applications_posted_give_what_files_give(name: str, real_data: Path) -> None:
    book = load_portfolio(name)
    data = open_data(book, real_data / REAL[name])
    contract, engine = sealed(book, load_tables(data, "train").tables)
    tables = load_tables(data, "train", contract).tables
    reader, features = RowReader(book, contract), engine.compute(tables)
    added = [] if book.tables["application"].key else [book.key]
    for row in range(0, min(86, features.height), 7):
        own = restrict(book, tables, pl.Series([row]))
        sent = {table: frame.drop(added, strict=False) for table, frame in own.items()}
        read = reader.read(posted(sent, "application"))
        for table, frame in own.items():
            assert read[table].drop(added, strict=False).equals(frame.drop(added, strict=False))
        assert engine.compute(read).equals(features[row])


@pytest.mark.real
def test_real_application_asked_for_by_key_is_that_of_the_batch(real_data: Path) -> None:
    book = load_portfolio("home_credit")
    data = open_data(book, real_data / "home_credit" / "clients_100")
    contract, _ = sealed(book, load_tables(data, "train").tables)
    whole = load_tables(data, "score", contract).tables
    for row in (0, 5):
        found = load_tables(data, "score", contract, only=[whole["application"]["SK_ID_CURR"][row]]).tables
        for table, frame in restrict(book, whole, pl.Series([row])).items():
            assert found[table].equals(frame)


fields = st.text(st.sampled_from('ab1,"\n\r é;'), max_size=4)


@given(lines=st.lists(st.tuples(fields, fields, fields), max_size=6), end=st.sampled_from(["\n", "\r\n"]))
def test_a_whole_csv_is_read_whole(
    lines: list[tuple[str, str, str]], end: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("x", "y", "z"), *lines])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(text.getvalue().encode())
    assert collect(scan_table(path, {"x", "y", "z"}), path).rows() == lines


@given(lines=st.lists(st.tuples(fields, fields, fields), min_size=1, max_size=6), data=st.data())
def test_a_csv_that_lost_a_field_is_refused(
    lines: list[tuple[str, str, str]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    short = data.draw(st.integers(0, len(lines) - 1))
    left = [row[:-1] if number == short else row for number, row in enumerate(lines)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([("x", "y", "z"), *left])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(text.getvalue().encode())
    with pytest.raises(UnreadableFileError, match="has 2 of 3 fields"):
        open_csv(path)


def test_dates_can_be_told_apart() -> None:
    assert posted({"application": pl.DataFrame({"d": [dt.date(2024, 2, 29)]})}, "application") == {
        "application": {"d": "2024-02-29"}
    }
