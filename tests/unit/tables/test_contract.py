from __future__ import annotations

import datetime as dt
import json
import sys

import polars as pl
import pytest

from scorewright.errors import BundleCorruptError
from scorewright.tables.contract import (
    FEWEST_ROWS,
    MOST_CATEGORIES,
    ColumnContract,
    Contract,
    hardly_repeats,
    infer_contract,
)
from tests.oracles.book import TOML, frames, portfolio

BOOK = portfolio()


def described(values: object, name: str = "JOB") -> ColumnContract:
    size = len(values)  # type: ignore[arg-type]
    root = pl.DataFrame({"ID": range(size), name: values})
    return infer_contract(BOOK, {"application": root}).tables["application"][name]


def test_numbers_have_a_range_and_a_typical_value() -> None:
    assert described([3.0, 1.0, None, 2.0]) == ColumnContract("number", True, 1.0, 3.0, typical=2.0)  # noqa: FBT003
    assert described([5, 7, 9]) == ColumnContract("integer", False, 5.0, 9.0, typical=7)  # noqa: FBT003
    assert described(pl.Series([None, None], dtype=pl.Float64)) == ColumnContract("number", True)  # noqa: FBT003


def test_keys_identifiers_and_ties_say_nothing_of_their_values() -> None:
    contract = infer_contract(BOOK, frames())
    for table, name in (
        ("application", "ID"),
        ("application", "PASSPORT"),
        ("loan", "ID"),
        ("loan", "LOAN"),
        ("month", "LOAN"),
    ):
        column = contract.tables[table][name]
        assert (column.minimum, column.maximum, column.categories, column.typical) == (None, None, (), None)
    assert b"a1" not in contract.to_json()


def test_the_target_is_no_part_of_it() -> None:
    assert "BAD" not in infer_contract(BOOK, frames()).tables["application"]


def test_row_numbers_are_no_part_of_it() -> None:
    keyless = portfolio(TOML.split("[tables.loan]")[0].replace('key = "ID"', ""))
    numbered = frames()["application"].with_columns(row_number=pl.int_range(pl.len()))
    assert "row_number" not in infer_contract(keyless, {"application": numbered}).tables["application"]


def test_every_category_is_known_but_only_a_common_one_is_typical() -> None:
    jobs = ["cook"] * FEWEST_ROWS + ["nurse"] * (FEWEST_ROWS + 1) + ["duke"] * (FEWEST_ROWS - 1) + [None]
    column = described(jobs)
    assert column.categories == ("cook", "duke", "nurse")
    assert column.typical == "nurse"
    assert column.nullable
    assert described(["duke"] * (FEWEST_ROWS - 1)).typical is None


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([25650.0, 117_000_000.0], 25_000.0, 120_000_000.0),
        ([-7489, -1], -7500.0, -1.0),
        ([0.1, 0.101], 0.1, 0.11),
        ([0, 99], 0.0, 99.0),
        ([2**63 - 1, 101], 100.0, 9.3e18),
        ([1.7e308, sys.float_info.max], 1.7e308, sys.float_info.max),
    ],
)
def test_no_bound_of_a_range_is_one_persons_value(values: list[float], low: float, high: float) -> None:
    column = described(values)
    assert (column.minimum, column.maximum) == (low, high)


def test_an_infinite_value_is_no_bound() -> None:
    column = described([1.0, float("inf"), 3.0, float("-inf")])
    assert (column.minimum, column.maximum) == (1.0, 3.0)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([f"name {n}" for n in range(20)], False),
        ([f"name {n}" for n in range(21)], True),
        ([f"name {n // 2}" for n in range(40)], False),
        ([f"name {n // 2}" for n in range(40)] + ["other", None, None], True),
        ([None] * 40, False),
    ],
)
def test_text_that_hardly_repeats(values: list[str | None], expected: bool) -> None:
    assert hardly_repeats(pl.Series(values, dtype=pl.String)) is expected
    hidden = described(pl.Series(values, dtype=pl.String)).categories == ()
    assert hidden is (expected or values[0] is None)


def test_free_text_is_not_written_down() -> None:
    assert described([f"word {n // 6}" for n in range(6 * MOST_CATEGORIES + 6)]).categories == ()
    assert described([f"note {n // 5}" for n in range(20)] * 2).categories == tuple(f"note {n}" for n in range(4))
    names = [f"name {n}" for n in range(20)] + ["name 0"] * 9
    assert described(names) == ColumnContract("text", False)  # noqa: FBT003


def test_booleans_and_dates_have_a_typical_value() -> None:
    assert described([True] * 6 + [False] * 5).typical is True
    day = dt.date(2024, 2, 29)
    assert described([day] * 5 + [dt.date(2020, 1, 1)]).typical == "2024-02-29"
    assert described([True, False]).typical is None


@pytest.mark.parametrize("name", ["rows", "value", "count", "len", ""])
def test_any_name_will_do(name: str) -> None:
    assert described(["a"] * 5 + ["b"] * 6, name).categories == ("a", "b")


def test_json_gives_back_the_same_contract_and_the_same_bytes() -> None:
    contract = infer_contract(BOOK, frames())
    again = Contract.from_json(contract.to_json())
    assert again == contract
    assert again.to_json() == contract.to_json()
    assert again.polars_schema("month") == {"LOAN": pl.Int64(), "LATE": pl.Int64(), "DUE": pl.Float64()}


COLUMN = {"type": "text", "nullable": True, "categories": []}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"\xff",
        b"{}",
        b'{"tables": 1}',
        b'{"tables": {"t": 1}}',
        b'{"tables": {"t": {"c": 1}}}',
        json.dumps({"tables": {"t": {"c": COLUMN | {"type": "color"}}}}).encode(),
        json.dumps({"tables": {"t": {"c": COLUMN | {"more": 1}}}}).encode(),
        json.dumps({"tables": {"t": {"c": {"type": "text"}}}}).encode(),
    ],
)
def test_other_json_is_no_contract(document: bytes) -> None:
    with pytest.raises(BundleCorruptError, match=r"contract\.json must hold tables of columns"):
        Contract.from_json(document)
