from __future__ import annotations

import datetime as dt
import json
from typing import Any

import polars as pl
import pytest

from scorewright.errors import (
    BodyShapeError,
    ColumnsError,
    DuplicateKeysError,
    NotFiniteError,
    OrphanRowsError,
)
from scorewright.tables.contract import infer_contract
from scorewright.tables.door import sealed_layout
from scorewright.tables.loading import Sealed, restrict
from scorewright.tables.rows import RowReader
from tests.oracles.book import TOML, frames, portfolio

BOOK = portfolio(TOML.replace('never = ["SEX"]', 'never = ["SEX"]\nsentinels = { AGE = [99], DAY = ["1900-01-01"] }'))
USED = {"application": frozenset({"AGE", "AMOUNT"}), "loan": frozenset({"TERM"})}
READER = RowReader(BOOK, Sealed(infer_contract(BOOK, frames()), USED))

ROOT = {"ID": 20, "AMOUNT": 1.5, "AGE": 40}


def body(**more: Any) -> dict[str, Any]:
    return {"application": ROOT, "loan": [{"LOAN": 1, "TERM": 6}], "month": [{"LOAN": 1, "LATE": 2}]} | more


def root(**values: Any) -> dict[str, Any]:
    return body(application=ROOT | values)


def test_rows_become_frames_with_every_column_of_the_contract() -> None:
    tables = READER.read(body())
    for name, frame in frames().items():
        assert tables[name].schema == frame.drop("BAD", strict=False).schema
    assert tables["application"].row(0) == (20, None, None, 1.5, 40, None, None, None)
    assert tables["loan"].row(0) == (20, 1, None, 6, None, None, None, None)


@pytest.mark.parametrize("row", [0, 1, 2])
def test_the_same_frames_as_from_files(row: int) -> None:
    own = restrict(BOOK, frames(), pl.Series([row]))
    posted = {
        name: json.loads(json.dumps(frame.drop("BAD", strict=False).to_dicts(), default=str))
        for name, frame in own.items()
    }
    tables = READER.read(posted | {"application": posted["application"][0]})
    assert {name: frame.rows() for name, frame in tables.items()} == {
        name: frame.drop("BAD", strict=False).rows() for name, frame in own.items()
    }


def test_absent_and_empty_histories_are_the_same() -> None:
    for absent in ({"application": ROOT}, body(loan=[], month=[]), body(loan=None, month=None)):
        tables = READER.read(absent)
        assert tables["loan"].is_empty()
        assert tables["loan"].schema == frames()["loan"].schema


def test_whole_numbers_dates_sentinels_and_gaps() -> None:
    tables = READER.read(root(AMOUNT=3, AGE=40.0, DAY="2024-02-29", JOB="", BAD=1))
    assert tables["application"].row(0, named=True) | {"ID": 0} == {
        "ID": 0, "PASSPORT": None, "SEX": None, "AMOUNT": 3.0, "AGE": 40, "JOB": "",
        "OWNER": None, "DAY": dt.date(2024, 2, 29),
    }  # fmt: skip
    assert READER.read(root(AGE=99, DAY="1900-01-01"))["application"].select("AGE", "DAY").row(0) == (None, None)
    assert READER.read(root(AMOUNT=float("nan")))["application"]["AMOUNT"][0] is None


MISTYPED = {
    "text for a number": ({"AMOUNT": "1"}, "AMOUNT is text, must be number"),
    "boolean for a number": ({"AMOUNT": True}, "AMOUNT is a boolean, must be number"),
    "fraction for an integer": ({"AGE": 1.5}, "AGE is a number, must be integer"),
    "boolean for an integer": ({"AGE": False}, "AGE is a boolean, must be integer"),
    "number for text": ({"JOB": 1}, "JOB is an integer, must be text"),
    "number for a boolean": ({"OWNER": 1}, "OWNER is an integer, must be boolean"),
    "list": ({"AGE": [1]}, "AGE is a list, must be integer"),
    "object": ({"JOB": {}}, "JOB is an object, must be text"),
    "other date": ({"DAY": "29/02/2024"}, "DAY is text with values that are not date"),
    "no such day": ({"DAY": "2023-02-29"}, "DAY is text with values that are not date"),
    "number for a date": ({"DAY": 1}, "DAY is an integer, must be date"),
    "huge integer": ({"AGE": 2**63}, "AGE cannot be stored as integer"),
    "huge whole number": ({"AGE": 1e300}, "AGE cannot be stored as integer"),
    "endless number": ({"AMOUNT": 10**400}, "AMOUNT cannot be stored as number"),
    "broken text": ({"JOB": "\ud800"}, "JOB cannot be stored as text"),
}


@pytest.mark.parametrize(("values", "words"), MISTYPED.values(), ids=MISTYPED)
def test_mistyped_value(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ColumnsError) as caught:
        READER.read(root(**values))
    assert words in str(caught.value)
    str(caught.value).encode()


@pytest.mark.parametrize("value", [float("inf"), json.loads("-1e999")])
def test_infinity(value: float) -> None:
    with pytest.raises(NotFiniteError, match=r"application\.AMOUNT must be finite"):
        READER.read(root(AMOUNT=value))


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(ColumnsError) as caught:
        READER.read(body(application={"ID": 20, "AGE": "x", "EXTRA": 1, "\ud800": 2}))
    assert caught.value.missing == ("AMOUNT",)
    assert caught.value.unknown == ("EXTRA", "?")
    assert set(caught.value.mistyped) == {"AGE"}


SHAPES: dict[str, dict[str, Any]] = {
    "unknown table": body(cards=[]),
    "no root": {"loan": []},
    "root as a list": body(application=[ROOT]),
    "history as an object": body(loan={"LOAN": 1}),
    "history as text": body(loan="x"),
    "history of numbers": body(loan=[1]),
}


@pytest.mark.parametrize("posted", SHAPES.values(), ids=SHAPES)
def test_other_shapes(posted: dict[str, Any]) -> None:
    with pytest.raises(BodyShapeError):
        READER.read(posted)


def test_keys() -> None:
    for application in ({"AMOUNT": 1.0, "AGE": 1}, ROOT | {"ID": None}):
        with pytest.raises(ColumnsError, match="missing ID"):
            READER.read(body(application=application))
    with pytest.raises(DuplicateKeysError, match=r"loan\.LOAN"):
        READER.read(body(loan=[{"LOAN": 1, "TERM": 1}, {"LOAN": 1, "TERM": 2}]))
    with pytest.raises(DuplicateKeysError, match=r"loan\.LOAN"):
        READER.read(body(loan=[{"LOAN": None, "TERM": 1}], month=[]))


def test_rows_of_another_application_are_refused() -> None:
    for tie in (21, None):
        with pytest.raises(OrphanRowsError, match="'loan' must belong to a row of 'application'"):
            READER.read(body(loan=[{"ID": tie, "LOAN": 1, "TERM": 6}], month=[]))
    with pytest.raises(OrphanRowsError, match="'month' must belong to a row of 'loan'"):
        READER.read(body(month=[{"LOAN": 2, "LATE": 2}]))
    with pytest.raises(OrphanRowsError):
        READER.read(body(loan=[]))
    with pytest.raises(ColumnsError, match="missing LOAN"):
        READER.read(body(month=[{"LATE": 2}]))


def test_infinity_in_a_column_that_feeds_nothing_is_let_be() -> None:
    book = portfolio(TOML.replace('never = ["SEX"]', 'never = ["SEX", "AMOUNT"]'))
    reader = RowReader(book, Sealed(infer_contract(book, frames()), {}))
    assert reader.read(root(AMOUNT=float("inf")))["application"]["AMOUNT"].to_list() == [float("inf")]


def test_without_a_key_the_application_is_row_0() -> None:
    keyless = portfolio(TOML.split("[tables.loan]")[0].replace('key = "ID"', ""))
    tables = {"application": frames()["application"].with_columns(row_number=pl.int_range(pl.len()))}
    reader = RowReader(keyless, Sealed(infer_contract(keyless, tables), {}))
    assert reader.read({"application": {"AGE": 40}})["application"]["row_number"].to_list() == [0]
    with pytest.raises(ColumnsError, match="unknown row_number"):
        reader.read({"application": {"row_number": 3}})


def test_layout_and_reader_agree() -> None:
    columns = infer_contract(BOOK, frames()).tables["loan"]
    assert set(READER.read(body())["loan"].columns) == set(sealed_layout(BOOK, "loan", columns, frozenset()).types)
