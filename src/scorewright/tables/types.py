"""The six types a column may have, and how they look in Polars."""

from __future__ import annotations

from collections.abc import Mapping
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
