"""The six types a column may have, and how they look in Polars."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, get_args

import polars as pl

ColumnType = Literal["integer", "number", "text", "boolean", "date", "datetime"]
COLUMN_TYPES: tuple[ColumnType, ...] = get_args(ColumnType)

#: One storage type per column type: the same arithmetic for one row posted online and for millions read from files.
POLARS_TYPES: Mapping[ColumnType, pl.DataType] = {
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "text": pl.String(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
}

#: Number of the posted body that a row came with, where bodies of several callers, whose keys may be the same, stand
#: together; it cannot clash with a column, which SQL could not name.
OWNER = "\x00owner"

Tables = Mapping[str, pl.DataFrame]


def column_type(dtype: pl.DataType) -> ColumnType | None:
    """Name the column type that stores a Polars type; None for a type Scorewright does not read (lists, structs).

    A column without any value (``Null``) is taken as ``number``: the type that promises least.
    """
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric() or dtype == pl.Null:
        return "number"
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    simple: dict[pl.DataType, ColumnType] = {pl.Boolean(): "boolean", pl.Date(): "date"}
    return "datetime" if dtype == pl.Datetime else simple.get(dtype)


def iso_date(text: pl.Expr) -> pl.Expr:
    """Read ISO 8601 days such as ``2024-02-29``; null where a text is none."""
    return text.str.to_date("%Y-%m-%d", strict=False)


def iso_datetime(text: pl.Expr) -> pl.Expr:
    """Read ISO 8601 times without a zone, with or without seconds, or a day at midnight; null where a text is none."""
    joined = text.str.replace(" ", "T", literal=True)
    formats = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")
    times = [joined.str.to_datetime(each, strict=False, time_unit="us") for each in formats]
    return pl.coalesce(*times, iso_date(text).cast(pl.Datetime("us")))


def with_dates(frame: pl.DataFrame, keep: Collection[str] = ()) -> pl.DataFrame:
    """Give text columns whose every value is an ISO day or time that type, and columns without a value none.

    Days written in another order stay text: nobody can tell February the first from January the second.
    """
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String and name not in keep]
    return frame.with_columns(_settled(frame[name]) for name in texts)


def _settled(column: pl.Series) -> pl.Series:
    values = column.drop_nulls()
    if values.is_empty():
        return column.cast(pl.Null)
    if values.head(1).str.contains(r"^\d{4}-\d{2}-\d{2}").all():
        for read in (iso_date, iso_datetime):
            parsed = column.to_frame().select(read(pl.col(column.name))).to_series()
            if parsed.null_count() == column.null_count():
                return parsed
    return column
