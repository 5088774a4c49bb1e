"""The door: raw frames become checked frames, or one error that names every problem."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from polars.exceptions import PolarsError

from scorewright.errors import (
    ColumnsError,
    DuplicateKeysError,
    EmptyTableError,
    NotFiniteError,
    OrphanRowsError,
    PortfolioError,
)
from scorewright.tables.contract import ColumnContract, storage_types
from scorewright.tables.portfolio import ROW_KEY, Portfolio, Scalar, TableSpec
from scorewright.tables.types import POLARS_TYPES, ColumnType, Tables, column_type, iso_date, iso_datetime

#: Conversions that lose nothing or are checked row by row. All others are a mistyped column.
_LOSSLESS = {("integer", "number"), ("date", "datetime")}
_CHECKED = {("number", "integer"), ("text", "date"), ("text", "datetime"), ("datetime", "date")}
_NO_HEADER = "The first line does not look like a header: add one, or rename the columns."
_WIDE = (pl.UInt64(), pl.Int128(), pl.UInt128())


@dataclass(frozen=True)
class Layout:
    """What one table must look like.

    Parameters
    ----------
    types : mapping of str to ColumnType
        Columns to keep, with the type to store them in.
    required : frozenset of str
        Columns that must be there; the others are empty when absent.
    known : frozenset of str
        Columns that may be there.
    """

    types: Mapping[str, ColumnType]
    required: frozenset[str]
    known: frozenset[str]


def first_layout(
    portfolio: Portfolio, table: str, schema: pl.Schema, parent: Mapping[str, pl.DataType] | None = None
) -> Layout:
    """Lay out a table seen for the first time: every column is kept, declared ones are required.

    Parameters
    ----------
    parent : mapping of str to polars.DataType, optional
        Types of the parent's columns: the column that ties the two together takes the type it has there.

    Raises
    ------
    ColumnsError
        A column has a type that is not read, or the column of dates holds none.
    """
    spec = portfolio.tables[table]
    types = storage_types(table, schema, spec.types, unused=spec.never)
    tie = column_type(parent[spec.on]) if parent is not None and spec.on is not None else None
    if tie is not None and spec.on in types:
        types[spec.on] = tie
    if spec.date is not None:
        _refuse_other_dates(table, spec.date, types.get(spec.date))
    target = {portfolio.target.column} if table == portfolio.root else set()
    return Layout(types, frozenset(spec.declared_columns) | target, frozenset(schema))


def _refuse_other_dates(table: str, column: str, kind: ColumnType | None) -> None:
    if kind not in {None, "date", "datetime"}:
        hint = "Write every day as 2024-02-29, or take `date` out of portfolio.toml."
        raise ColumnsError(table, mistyped={column: f"is {kind}, must be date or datetime"}, hint=hint)


def sealed_layout(
    portfolio: Portfolio, table: str, columns: Mapping[str, ColumnContract], used: frozenset[str]
) -> Layout:
    """Lay out a table held to its contract: columns that feed a feature are required; the target may come along."""
    spec = portfolio.tables[table]
    types = {name: column.type for name, column in columns.items()}
    keys = frozenset(name for name in (spec.key, spec.on) if name)
    target = {portfolio.target.column} if table == portfolio.root else set()
    return Layout(types, (used | keys) & frozenset(types), frozenset(types) | frozenset(spec.never) | target)


def admit(table: str, frame: pl.DataFrame, spec: TableSpec, layout: Layout) -> pl.DataFrame:
    """Bring one table to its layout: names, types, nulls. The result has exactly the layout's columns.

    Raises
    ------
    ColumnsError
        Every missing, unknown and mistyped column, in one message.
    NotFiniteError
        A number is infinite.
    """
    missing = sorted(layout.required - set(frame.columns))
    if missing and not layout.required & set(frame.columns):
        raise ColumnsError(table, missing, hint=_NO_HEADER)
    unknown = sorted(set(frame.columns) - layout.known)
    present = {name: kind for name, kind in layout.types.items() if name in frame.columns}
    mistyped = _mistyped(frame, spec, present)
    if missing or unknown or mistyped:
        raise ColumnsError(table, missing, unknown, mistyped)
    cast = frame.select(_canonical(name, frame.schema[name], kind) for name, kind in present.items())
    absent = [
        pl.lit(None, POLARS_TYPES[kind]).alias(name) for name, kind in layout.types.items() if name not in present
    ]
    _refuse_infinite(table, cast.drop(spec.unread, strict=False))
    return cast.with_columns(*absent, *without_sentinels(spec, cast.schema)).select(list(layout.types))


def without_sentinels(spec: TableSpec, schema: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    """Expressions that empty the values which a portfolio says mean "missing".

    Raises
    ------
    PortfolioError
        A value could never stand in its column.
    """
    return [
        pl.when(pl.col(name).is_in(_sentinels(name, values, schema[name]).implode()))
        .then(None)
        .otherwise(pl.col(name))
        .alias(name)
        for name, values in spec.sentinels.items()
        if name in schema and values
    ]


def _sentinels(name: str, values: Sequence[Scalar], dtype: pl.DataType) -> pl.Series:
    kind = column_type(dtype)
    accepted: dict[str | None, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}
    fitting = [
        v for v in values if isinstance(v, accepted.get(kind, (str,))) and (kind == "boolean") == isinstance(v, bool)
    ]
    series = pl.Series(name, fitting, dtype=pl.String() if dtype.is_temporal() else dtype, strict=False)
    if dtype.is_temporal() and kind is not None:
        series = series.to_frame().select(_canonical(name, series.dtype, kind)).to_series()
    if len(series) < len(values) or series.null_count():
        rule = f"A sentinel of {name} must be a value that the column can hold: {kind}."
        raise PortfolioError(rule, f"{list(values)}", "Correct the sentinels in portfolio.toml.")
    return series


def check_keys(portfolio: Portfolio, tables: Tables) -> None:
    """Check that keys are present and unique.

    Raises
    ------
    DuplicateKeysError
        The first table in which one is missing or repeats.
    """
    for name, frame in tables.items():
        key = portfolio.key if name == portfolio.root else portfolio.tables[name].key
        if key is not None and key in frame.columns:
            repeated = frame.height - frame[key].drop_nulls().n_unique()
            if repeated:
                raise DuplicateKeysError(name, key, repeated)


def check_filled(portfolio: Portfolio, tables: Tables) -> None:
    """Check that required tables have rows.

    Raises
    ------
    EmptyTableError
        The first table that has none.
    """
    for name, frame in tables.items():
        if frame.is_empty() and not portfolio.tables[name].optional:
            raise EmptyTableError(name)


def check_orphans(portfolio: Portfolio, tables: Tables, root_keys: pl.Series) -> dict[str, int]:
    """Count rows of each table that belong to no row of their parent.

    Parameters
    ----------
    root_keys : polars.Series
        Keys of all applications in the data folder, not only of those in `tables`: a history that belongs to an
        application of the other file is no orphan.

    Raises
    ------
    OrphanRowsError
        There are some, and the portfolio says ``orphans = "refuse"``.
    """
    orphans = {}
    for name, frame in tables.items():
        spec = portfolio.tables[name]
        if spec.parent is None or spec.on is None or spec.parent not in tables:
            continue
        keys = root_keys if spec.parent == portfolio.root else tables[spec.parent][spec.on]
        rows = frame.height - int(frame[spec.on].is_in(keys.drop_nulls().unique().implode()).sum())
        if rows and spec.orphans == "refuse":
            raise OrphanRowsError(name, spec.parent, spec.on, rows)
        orphans[name] = rows
    return {name: rows for name, rows in orphans.items() if rows}


def number_rows(portfolio: Portfolio, root: pl.DataFrame) -> pl.DataFrame:
    """Number the applications from 0 where the portfolio names no key.

    Raises
    ------
    ColumnsError
        A column bears the name that the numbers take.
    """
    if not portfolio.numbered:
        return root
    refuse_row_key(portfolio.root, root.columns)
    return root.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW_KEY))


def refuse_row_key(table: str, columns: Collection[str]) -> None:
    """Keep the name of the row numbers free in a table without a key.

    Raises
    ------
    ColumnsError
        A column bears it.
    """
    if ROW_KEY in columns:
        problem = {ROW_KEY: "has the name that row numbers take"}
        raise ColumnsError(table, mistyped=problem, hint="Rename it, or declare it as the key in portfolio.toml.")


def _canonical(name: str, have: pl.DataType, want: ColumnType) -> pl.Expr:
    column = pl.col(name)
    if have.is_float():
        column = column.fill_nan(None)
    if have == pl.String and want in {"date", "datetime"}:
        return (iso_date if want == "date" else iso_datetime)(column)
    if isinstance(have, pl.Datetime) and have.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(POLARS_TYPES[want], strict=False)


def _mistyped(frame: pl.DataFrame, spec: TableSpec, types: Mapping[str, ColumnType]) -> dict[str, str]:
    problems, doubtful = {}, []
    for name, want in types.items():
        dtype = frame.schema[name]
        have = column_type(dtype)
        if dtype == pl.Null or (have, want) in _LOSSLESS or (have == want and dtype not in _WIDE):
            continue
        if have == want or (have, want) in _CHECKED or name in spec.types:
            doubtful.append(name)
        elif frame[name].null_count() < frame.height:
            problems[name] = f"is {have or dtype}, must be {want}"
    return problems | _lossy(frame, {name: types[name] for name in doubtful})


def _lossy(frame: pl.DataFrame, types: Mapping[str, ColumnType]) -> dict[str, str]:
    """Columns in which a conversion changes or loses a value."""
    return {
        name: f"is {column_type(frame.schema[name])} with values that are not {want}, must be {want}"
        for name, want in types.items()
        if _changes(frame[name], want)
    }


def _changes(before: pl.Series, want: ColumnType) -> bool:
    if before.dtype.is_float():
        before = before.fill_nan(None)
    try:
        after = before.to_frame().select(_canonical(before.name, before.dtype, want)).to_series()
    except PolarsError:
        return True
    if after.null_count() > before.null_count():
        return True
    numbers = before.dtype.is_float() and want == "integer"
    days = isinstance(before.dtype, pl.Datetime) and want == "date"
    return (numbers or days) and not bool((after.cast(before.dtype) == before).all())


def _refuse_infinite(table: str, frame: pl.DataFrame) -> None:
    floats = [name for name, dtype in frame.schema.items() if dtype.is_float()]
    if not floats:
        return
    counts = frame.select(pl.col(name).is_infinite().sum() for name in floats).row(0, named=True)
    for name, rows in counts.items():
        if rows:
            raise NotFiniteError(table, name, rows)
