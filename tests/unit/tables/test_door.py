from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from scorewright.errors import (
    ColumnsError,
    DuplicateKeysError,
    EmptyTableError,
    NotFiniteError,
    OrphanRowsError,
    PortfolioError,
)
from scorewright.tables.contract import infer_contract
from scorewright.tables.door import (
    Layout,
    admit,
    check_filled,
    check_keys,
    check_orphans,
    first_layout,
    number_rows,
    sealed_layout,
)
from scorewright.tables.portfolio import TableSpec
from scorewright.tables.types import ColumnType
from tests.oracles.book import TOML, frames, portfolio

DAY = dt.date(2024, 2, 29)
NOON = dt.datetime(2024, 2, 29, 12)  # noqa: DTZ001
MIDNIGHT = dt.datetime(2024, 2, 29)  # noqa: DTZ001
BOOK = portfolio()


def layout(**types: ColumnType) -> Layout:
    return Layout(types, frozenset(types), frozenset(types))


def convert(
    values: list[object], want: ColumnType, dtype: pl.DataType | None = None, **declared: ColumnType
) -> list[object]:
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype, strict=False)})
    return admit("t", frame, TableSpec(types=declared), layout(x=want))["x"].to_list()


LOSSLESS: list[tuple[list[object], ColumnType, pl.DataType, list[object]]] = [
    ([1, None], "number", pl.Int8(), [1.0, None]),
    ([1.0, None, 3.0], "integer", pl.Float64(), [1, None, 3]),
    ([1.0, float("nan")], "integer", pl.Float32(), [1, None]),
    ([1.5, float("nan")], "number", pl.Float64(), [1.5, None]),
    ([2**62], "integer", pl.UInt64(), [2**62]),
    (["1.10", None], "number", pl.Decimal(9, 2), [1.1, None]),
    (["2024-02-29", None], "date", pl.String(), [DAY, None]),
    (
        ["2024-02-29T12:00:00", "2024-02-29 12:00", "2024-02-29"],
        "datetime",
        pl.String(),
        [NOON, NOON, MIDNIGHT],
    ),
    ([DAY], "datetime", pl.Date(), [MIDNIGHT]),
    ([MIDNIGHT], "date", pl.Datetime("ns"), [DAY]),
    (["a", None], "text", pl.Categorical(), ["a", None]),
    ([None, None], "text", pl.Null(), [None, None]),
    ([None, None], "integer", pl.String(), [None, None]),
]


@pytest.mark.parametrize(("values", "want", "dtype", "expected"), LOSSLESS)
def test_lossless_conversion(
    values: list[object], want: ColumnType, dtype: pl.DataType, expected: list[object]
) -> None:
    if dtype == pl.Decimal:
        dtype, values = (
            pl.Decimal(9, 2),
            [None if value is None else Decimal(value) for value in values],
        )
    assert convert(values, want, dtype) == expected


LOSSY: list[tuple[list[object], ColumnType, pl.DataType]] = [
    ([1.5], "integer", pl.Float64()),
    ([float("inf")], "integer", pl.Float64()),
    ([1e300], "integer", pl.Float64()),
    ([2**63], "integer", pl.UInt64()),
    ([2**100], "integer", pl.Int128()),
    (["29/02/2024"], "date", pl.String()),
    (["2024-02-30"], "date", pl.String()),
    (["20240229"], "date", pl.String()),
    (["2024-02-29 12:00"], "date", pl.String()),
    (["noon"], "datetime", pl.String()),
    ([NOON], "date", pl.Datetime("us")),
    (["1"], "number", pl.String()),
    (["1"], "integer", pl.String()),
    ([1], "text", pl.Int64()),
    ([1], "boolean", pl.Int64()),
    ([True], "number", pl.Boolean()),
    ([[1]], "number", pl.List(pl.Int64())),
    ([1], "date", pl.Int64()),
]


@pytest.mark.parametrize(("values", "want", "dtype"), LOSSY)
def test_conversion_that_would_lose_something(values: list[object], want: ColumnType, dtype: pl.DataType) -> None:
    with pytest.raises(ColumnsError, match=f"must be {want}"):
        convert(values, want, dtype)


def test_declared_types_are_converted_if_nothing_is_lost() -> None:
    assert convert(["1", "2.5"], "number", x="number") == [1.0, 2.5]
    assert convert([7, 10], "text", x="text") == ["7", "10"]
    for values, want in ((["1", "x"], "number"), (["yes"], "boolean"), (["12,5"], "number"), (["1.5"], "integer")):
        with pytest.raises(ColumnsError, match=f"must be {want}"):
            convert(values, want, x=want)  # type: ignore[arg-type]


def test_everything_wrong_is_said_at_once() -> None:
    frame = pl.DataFrame({"a": ["x"], "b": [1.5], "extra": [1], "more": [2]})
    with pytest.raises(ColumnsError) as caught:
        admit("t", frame, TableSpec(), layout(a="integer", b="integer", c="text", d="text"))
    assert caught.value.missing == ("c", "d")
    assert caught.value.unknown == ("extra", "more")
    assert set(caught.value.mistyped) == {"a", "b"}
    assert "1.5" not in str(caught.value)


def test_the_result_has_the_columns_of_the_layout_in_its_order() -> None:
    wanted = Layout({"b": "text", "a": "integer", "c": "number"}, frozenset("a"), frozenset("abc"))
    result = admit("t", pl.DataFrame({"a": [1], "b": ["x"]}), TableSpec(), wanted)
    assert result.schema == {"b": pl.String, "a": pl.Int64, "c": pl.Float64}
    assert admit("t", pl.DataFrame({"b": ["x"], "a": [1]}), TableSpec(), wanted).equals(result)


def test_infinity_is_refused() -> None:
    with pytest.raises(NotFiniteError, match=r"t\.x must be finite.*in 2 rows"):
        convert([1.0, float("inf"), float("-inf")], "number")


def test_infinity_in_a_column_that_feeds_nothing_is_let_be() -> None:
    frame = pl.DataFrame({"x": [float("inf")]})
    assert admit("t", frame, TableSpec(never=("x",)), layout(x="number")).equals(frame)
    with pytest.raises(NotFiniteError):
        admit("t", frame, TableSpec(never=("x",), protected=("x",)), layout(x="number"))


def test_a_file_without_a_header_is_named_as_such_and_its_row_is_not_told() -> None:
    person = pl.DataFrame({"1": [2], "54000": [3], "Anna Martin": ["x"]})
    with pytest.raises(ColumnsError, match="does not look like a header") as caught:
        admit("t", person, TableSpec(), layout(key="integer", income="number"))
    assert caught.value.missing == ("income", "key")
    assert not any(value in str(caught.value) for value in ("54000", "Anna"))


def test_few_unknown_names_are_told_and_none_whole_if_long() -> None:
    frame = pl.DataFrame({"a": [1]} | {f"{n}{'x' * 90}": [1] for n in range(9)})
    with pytest.raises(ColumnsError) as caught:
        admit("t", frame, TableSpec(), layout(a="integer"))
    assert len(caught.value.unknown) == 9
    assert f"4{'x' * 59}, ..." in str(caught.value)
    assert not any(text in str(caught.value) for text in ("x" * 60, "5x"))


DATED = portfolio(TOML.replace('key = "ID"\nid', 'key = "ID"\ndate = "WHEN"\nid'))


@pytest.mark.parametrize("dtype", [pl.Int64(), pl.String(), pl.Null()])
def test_a_date_that_is_none_is_refused_at_once(dtype: pl.DataType) -> None:
    with pytest.raises(ColumnsError, match="WHEN is .*, must be date or datetime") as caught:
        first_layout(DATED, "application", pl.Schema({"ID": pl.Int64(), "WHEN": dtype}))
    assert "2024-02-29" in caught.value.remedy


@pytest.mark.parametrize("dtype", [pl.Date(), pl.Datetime("us")])
def test_a_date_is_a_day_or_a_time(dtype: pl.DataType) -> None:
    assert "WHEN" in first_layout(DATED, "application", pl.Schema({"WHEN": dtype})).types
    assert "WHEN" in first_layout(DATED, "application", pl.Schema({"ID": pl.Int64()})).required


def test_sentinels_become_null() -> None:
    frame = pl.DataFrame(
        {
            "a": [365243, 1, None],
            "b": [-1.0, 0.5, 9.0],
            "c": ["XNA", "x", None],
            "d": [DAY, None, dt.date(1900, 1, 1)],
            "e": [True, False, None],
        }
    )
    spec = TableSpec(
        sentinels={"a": (365243,), "b": (-1, 9.0), "c": ("XNA", "XAP"), "d": ("1900-01-01",), "e": (True,), "z": (1,)}
    )
    result = admit("t", frame, spec, layout(a="integer", b="number", c="text", d="date", e="boolean"))
    assert result.rows() == [(None, None, None, DAY, None), (1, 0.5, "x", None, False), (None, None, None, None, None)]


@pytest.mark.parametrize(
    ("kind", "sentinel"),
    [
        ("integer", 1.5),
        ("integer", "x"),
        ("integer", True),
        ("number", "x"),
        ("text", 1),
        ("date", "29/02/2024"),
        ("boolean", 1),
    ],
)
def test_sentinel_that_could_never_stand_there(kind: ColumnType, sentinel: object) -> None:
    frame = pl.DataFrame({"x": pl.Series([], dtype=pl.Null)})
    with pytest.raises(PortfolioError, match=f"must be a value that the column can hold: {kind}"):
        admit("t", frame, TableSpec(sentinels={"x": (sentinel,)}), layout(x=kind))  # type: ignore[dict-item]


def test_first_layout_keeps_everything_and_requires_what_is_declared() -> None:
    schema = pl.Schema({"ID": pl.Int64, "LOAN": pl.Int64, "BRANCH": pl.List(pl.Int64), "more": pl.Float32})
    found = first_layout(BOOK, "loan", schema, {"ID": pl.String()})
    assert found.types == {"ID": "text", "LOAN": "integer", "more": "number"}
    assert found.required == {"ID", "LOAN", "BRANCH"}
    assert found.known == set(schema)
    with pytest.raises(ColumnsError, match="odd has the type List"):
        first_layout(BOOK, "loan", pl.Schema({"ID": pl.Int64, "odd": pl.List(pl.Int64)}))
    assert "BAD" in first_layout(BOOK, "application", pl.Schema({"ID": pl.Int64})).required


def test_sealed_layout_requires_what_feeds_a_feature() -> None:
    columns = infer_contract(BOOK, frames()).tables
    found = sealed_layout(BOOK, "application", columns["application"], frozenset({"AGE"}))
    assert found.required == {"ID", "AGE"}
    assert "BAD" in found.known
    assert "BAD" not in found.types
    assert "BAD" not in sealed_layout(BOOK, "loan", columns["loan"], frozenset()).known


def test_keys_are_whole_and_unique() -> None:
    tables = frames()
    check_keys(BOOK, tables)
    with pytest.raises(DuplicateKeysError, match=r"application\.ID.*1 repeated or empty key$|1 repeated or empty key"):
        check_keys(BOOK, tables | {"application": pl.concat([tables["application"], tables["application"][:1]])})
    hollow = tables["loan"].with_columns(pl.when(pl.col("LOAN") > 2).then("LOAN").alias("LOAN"))
    with pytest.raises(DuplicateKeysError, match=r"loan\.LOAN.*2 repeated or empty keys"):
        check_keys(BOOK, tables | {"loan": hollow})


def test_a_required_table_has_rows() -> None:
    tables = frames()
    check_filled(BOOK, tables | {"loan": tables["loan"].clear()})
    with pytest.raises(EmptyTableError, match="'application' needs at least one row"):
        check_filled(BOOK, tables | {"application": tables["application"].clear()})


def test_orphans_are_refused_or_counted() -> None:
    tables, keys = frames(), pl.Series([10, 20, 30, None])
    assert check_orphans(BOOK, tables, keys) == {}
    with pytest.raises(
        OrphanRowsError, match="'loan' must belong to a row of 'application' by ID. Found: 3 rows belong to none"
    ):
        check_orphans(BOOK, tables, pl.Series([10]))
    lenient = portfolio(TOML.replace('key = "LOAN"', 'key = "LOAN"\norphans = "drop"'))
    assert check_orphans(lenient, tables, pl.Series([10])) == {"loan": 3}
    stray = tables["month"].with_columns(pl.lit(None, pl.Int64).alias("LOAN"))
    with pytest.raises(OrphanRowsError, match="'month' must belong to a row of 'loan'"):
        check_orphans(BOOK, tables | {"month": stray}, keys)


def test_rows_are_numbered_where_there_is_no_key() -> None:
    keyless = portfolio(TOML.split("[tables.loan]")[0].replace('key = "ID"', ""))
    frame = frames()["application"]
    assert number_rows(keyless, frame)["row_number"].to_list() == [0, 1, 2]
    assert number_rows(BOOK, frame) is frame
    with pytest.raises(ColumnsError, match="row_number has the name that row numbers take"):
        number_rows(keyless, frame.rename({"AGE": "row_number"}))
