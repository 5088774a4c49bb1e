"""From record batches to raw rows by table, and from answers to record batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from polars.exceptions import PolarsError

from scorewright.errors import BodyShapeError, BodyTooLargeError, ScorewrightError
from scorewright.serve.arrow_stream import not_arrow
from scorewright.serve.batch import BatchLimits, Read
from scorewright.serve.bodies import INT64, ROOT, RawApplication

#: Longest text of a dictionary, in bytes. It stands for categories, and each use of one makes a text of its own.
_LONGEST_CATEGORY = 1000
_EPOCH = date(1970, 1, 1).toordinal()
_UNITS = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}
_EXAMPLE = "See the documentation of batches for what a column may be."

_LABEL = pa.struct([("en", pa.string()), ("fr", pa.string())])
_RULE = pa.struct([("name", pa.string()), ("outcome", pa.string()), ("label", _LABEL)])
_WARNING = pa.struct([(name, pa.string()) for name in ("code", "table", "column")])
_ANSWER = pa.struct(
    [
        *((name, pa.string()) for name in ("id", "time", "application")),
        ("pd", pa.float64()),
        ("interval", pa.struct([("low", pa.float64()), ("high", pa.float64())])),
        ("decision", pa.string()),
        ("opinion", pa.string()),
        ("rules", pa.list_(_RULE)),
        ("threshold", pa.float64()),
        ("loan_threshold", pa.float64()),
        ("coverage", pa.float64()),
        ("warnings", pa.list_(_WARNING)),
        ("scale", pa.string()),
        ("policy", pa.struct([(name, pa.string()) for name in ("version", "rule", "referral")])),
        ("model", pa.struct([(name, pa.string()) for name in ("portfolio", "version", "bundle", "candidate")])),
    ]
)
_TEXTS = ("type", "title", "detail", "code", "rule", "value", "remedy", "instance")
_PROBLEM = pa.struct([("status", pa.int64()), *((name, pa.string()) for name in _TEXTS)])

#: What the stream of answers looks like: the rows of NDJSON, except that keys of applications are text.
ANSWERS = pa.schema(
    [pa.field("position", pa.int64(), nullable=False), pa.field("answer", _ANSWER), pa.field("problem", _PROBLEM)]
)


@dataclass(frozen=True)
class Columns:
    """What the columns of a stream hold.

    Parameters
    ----------
    root : tuple of str
        Columns of the root table.
    histories : tuple of str
        Tables of histories, each a column of lists of rows.
    """

    root: tuple[str, ...]
    histories: tuple[str, ...]


def columns_of(schema: pa.Schema) -> Columns:
    """Sort the columns of a stream.

    Raises
    ------
    BodyShapeError
        Two have one name, or one is neither a column of plain values nor a list of rows of such.
    """
    try:
        names = schema.names
        root = tuple(field.name for field in schema if _is_plain(field.type))
        histories = tuple(field.name for field in schema if _is_history(field.type) and field.name != ROOT)
    except UnicodeDecodeError:
        raise not_arrow("a name that is not UTF-8") from None
    if len(set(names)) < len(names):
        raise _wrong("Each column must have a name of its own.", "one name twice")
    strange = [field for field in schema if field.name not in {*root, *histories}]
    if strange:
        rule = "A column must hold numbers, texts, booleans, days or times; a history, lists of rows of such."
        raise _wrong(rule, f"{strange[0].name[:60]!r} is {str(strange[0].type)[:100]}")
    return Columns(root, histories)


def spans_of(batch: pa.RecordBatch, columns: Columns, limits: BatchLimits) -> list[tuple[int, int]]:
    """Divide the rows of a record batch into chunks that are read at a time; an application too large is alone."""
    rows, spans, start, size = _history_rows(batch, columns), list[tuple[int, int]](), 0, 0
    if batch.num_rows and int(rows.sum()) > batch.nbytes:
        raise not_arrow("histories of more rows than bytes")
    for row, more in enumerate(rows.tolist()):
        if row - start >= limits.rows or (row > start and size + more > limits.history_rows):
            spans.append((start, row))
            start, size = row, 0
        size += more
    return [*spans, (start, batch.num_rows)] if batch.num_rows else []


def bodies_of(batch: pa.RecordBatch, columns: Columns, limits: BatchLimits) -> list[Read]:
    """Read a chunk: each row an application as ``POST /v1/decisions`` takes it, or why it is none."""
    many = f"The histories of an application must have at most {limits.history_rows} rows."
    if batch.num_rows == 1 and int(_history_rows(batch, columns).sum()) > limits.history_rows:
        return [BodyTooLargeError(many, "more", "Send a shorter history, or let the operator raise the limit.")]
    try:
        root = _Rows.read(ROOT, batch.select(list(columns.root)), np.ones(batch.num_rows, np.int64))
        histories = [_history(name, batch.column(name)) for name in columns.histories]
    except (pa.ArrowException, PolarsError):
        raise not_arrow("values that cannot be read") from None
    read: list[Read] = []
    for row in range(batch.num_rows):
        wrong = next((each.wrong[row] for each in (root, *histories) if row in each.wrong), None)
        body: RawApplication = {ROOT: root.of(row)[0], **{each.table: each.of(row) for each in histories}}
        read.append(wrong or body)
    return read


def encode(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Write rows of answers as one message of the stream that `ANSWERS` describes."""
    batch: bytes = pa.RecordBatch.from_pylist([_keyed(row) for row in rows], ANSWERS).serialize().to_pybytes()
    return batch


@dataclass(frozen=True)
class _Rows:
    """Rows of one table of a chunk, how many each application has, and which applications cannot be taken."""

    table: str
    rows: list[dict[str, Any]]
    starts: NDArray[np.int64]
    wrong: Mapping[int, ScorewrightError]

    def of(self, application: int) -> list[dict[str, Any]]:
        return self.rows[int(self.starts[application]) : int(self.starts[application + 1])]

    @staticmethod
    def read(table: str, batch: pa.RecordBatch, counts: NDArray[np.int64]) -> _Rows:
        starts = np.concatenate([[0], np.cumsum(counts)])
        wrong: dict[int, ScorewrightError] = {}
        series = []
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            rule, beyond = _beyond(column)
            for place in np.searchsorted(starts, np.flatnonzero(beyond), side="right").tolist():
                wrong.setdefault(place - 1, _wrong(rule, f"{table!r}.{name[:60]!r} is beyond that"))
            kept = pc.if_else(pa.array(beyond), pa.scalar(None, column.type), column) if beyond.any() else column
            series.append(pl.Series(name, _simple(name, kept)))
        frame = pl.DataFrame(series)
        rows = frame.select(_plain(name, dtype) for name, dtype in frame.schema.items()).to_dicts()
        return _Rows(table, rows if batch.num_columns else [{} for _ in range(batch.num_rows)], starts, wrong)


def _history(table: str, lists: pa.Array) -> _Rows:
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    structs = lists.flatten()
    empty = np.flatnonzero(structs.is_null().to_numpy(zero_copy_only=False))
    read = _Rows.read(table, pa.RecordBatch.from_struct_array(structs), counts)
    wrong = dict(read.wrong)
    for place in np.searchsorted(read.starts, empty, side="right").tolist():
        wrong.setdefault(place - 1, _wrong("A row must be an object.", f"a row of {table!r} is null"))
    return _Rows(table, read.rows, read.starts, wrong)


def _history_rows(batch: pa.RecordBatch, columns: Columns) -> NDArray[np.int64]:
    """Rows of histories of each application, all tables together."""
    rows = np.zeros(batch.num_rows, np.int64)
    for name in columns.histories:
        lengths = pc.fill_null(pc.list_value_length(batch.column(name)), 0)
        rows += lengths.to_numpy(zero_copy_only=False).astype(np.int64)
    return rows


def _plain(name: str, dtype: pl.DataType) -> pl.Expr:
    """Values as JSON has them: no NaN, days and times as ISO 8601 text, times in UTC, decimals as numbers."""
    column = pl.col(name)
    if dtype.is_float():
        return column.fill_nan(None)
    if dtype.is_decimal():
        return column.cast(pl.Float64)
    if dtype == pl.Date:
        return column.dt.to_string("%Y-%m-%d")
    if isinstance(dtype, pl.Datetime):
        utc = column if dtype.time_zone is None else column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        # Many writers have no days, only midnights; both are read where a day or a time is asked for.
        day, time = utc.dt.to_string("%Y-%m-%d"), utc.dt.to_string("%Y-%m-%dT%H:%M:%S%.6f")
        return pl.when(utc == utc.dt.truncate("1d")).then(day).otherwise(time).alias(name)
    return column


def _beyond(column: pa.Array) -> tuple[str, NDArray[np.bool_]]:
    """Which values a body cannot hold, and by which rule."""
    kind = column.type
    if pa.types.is_floating(kind):
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return "Numbers must fit a double.", np.isinf(values)
    if pa.types.is_uint64(kind):
        return "Integers must fit 64 bits.", pc.fill_null(column, 0).to_numpy() >= INT64.stop
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        whole = column.view(pa.int32() if pa.types.is_date32(kind) else pa.int64())
        values = pc.fill_null(whole, 0).to_numpy().astype(np.int64)
        units = 1 if pa.types.is_date32(kind) else 86400 * _UNITS[getattr(kind, "unit", "ms")]
        # A day less at both ends, for the time zones.
        low, high = ((day - _EPOCH) * units for day in (date.min.toordinal() + 1, date.max.toordinal() - 1))
        return "Days and times must lie in the years 1 to 9999.", (values < low) | (values > high)
    return "", np.zeros(len(column), np.bool_)


def _simple(name: str, column: pa.Array) -> pa.Array:
    """Write dictionaries out, which Polars would keep, and days as days."""
    if pa.types.is_date64(column.type):
        return column.cast(pa.date32(), safe=False)
    if not pa.types.is_dictionary(column.type):
        return column
    longest = pc.max(pc.binary_length(column.dictionary)).as_py() or 0
    if longest > _LONGEST_CATEGORY:
        rule = f"A text in a dictionary must have at most {_LONGEST_CATEGORY} bytes."
        raise _wrong(rule, f"a longer one in {name[:60]!r}")
    return column.dictionary_decode()


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_dictionary(kind):
        return bool(types.is_string(kind.value_type) or types.is_large_string(kind.value_type))
    numbers = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal128(kind) or types.is_boolean(kind)
    texts = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return bool(numbers or texts or types.is_date(kind) or types.is_timestamp(kind) or types.is_null(kind))


def _is_history(kind: pa.DataType) -> bool:
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    if not lists or not pa.types.is_struct(kind.value_type) or not kind.value_type.num_fields:
        return False
    fields = [kind.value_type.field(place) for place in range(kind.value_type.num_fields)]
    return len({field.name for field in fields}) == len(fields) and all(_is_plain(field.type) for field in fields)


def _keyed(row: Mapping[str, Any]) -> Mapping[str, Any]:
    answer = row["answer"]
    return row if answer is None else {**row, "answer": {**answer, "application": str(answer["application"])}}


def _wrong(rule: str, found: str) -> BodyShapeError:
    return BodyShapeError(rule, found, _EXAMPLE)
