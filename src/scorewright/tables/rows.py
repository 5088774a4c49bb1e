"""One application posted as raw rows becomes the same checked tables that files become."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from scorewright.errors import BodyShapeError, ColumnsError, NotFiniteError, OrphanRowsError
from scorewright.tables.door import admit, check_keys, number_rows, sealed_layout, without_sentinels
from scorewright.tables.holding import hold_categories, known_categories
from scorewright.tables.loading import Sealed
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.types import ColumnType, Tables

Row = Mapping[str, Any]

#: Python types a JSON value may have for a column of a type. ``bool`` is an ``int`` in Python, but not here.
_ACCEPTED: Mapping[ColumnType, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "text": (str,),
    "boolean": (bool,),
    "date": (str,),
    "datetime": (str,),
}


class RowReader:
    """Reads applications posted one by one.

    Parameters
    ----------
    portfolio : Portfolio
        Which tables there are and how they hang together.
    sealed : Sealed
        Contract to hold the rows to.
    """

    def __init__(self, portfolio: Portfolio, sealed: Sealed) -> None:
        self._portfolio = portfolio
        self._columns = sealed.contract.tables
        self._schemas = {table: sealed.contract.polars_schema(table) for table in sealed.contract.tables}
        self._floats = {
            table: [
                name for name, each in schema.items() if each.is_float() and name not in portfolio.tables[table].unread
            ]
            for table, schema in self._schemas.items()
        }
        self._emptied = {
            table: without_sentinels(portfolio.tables[table], each) for table, each in self._schemas.items()
        }
        self._layouts = {
            table: sealed_layout(portfolio, table, columns, sealed.used.get(table, frozenset()))
            for table, columns in sealed.contract.tables.items()
        }
        self._unseen = sealed.unseen
        self._known = {
            table: known_categories(portfolio.tables[table], columns, sealed.used.get(table, frozenset()))
            for table, columns in sealed.contract.tables.items()
        }

    def read(self, body: Mapping[str, Any]) -> Tables:
        """Check and convert one application.

        Parameters
        ----------
        body : mapping
            One row under the root table's name; a list of rows under each other table's. An absent or empty history
            means that there is none. The column that ties a history to the application may be left out.

        Raises
        ------
        BodyShapeError
            A table is unknown or absent, or not rows.
        DataError
            The rows break the contract.
        """
        root = self._portfolio.root
        self._refuse_unknown_tables(body)
        row = body.get(root)
        if not isinstance(row, Mapping):
            raise BodyShapeError(
                f"The body needs one object under {root!r}.", f"{_kind(row)}", "Send its raw columns there."
            )
        tables = {root: self._keyed(self._frame(root, [row]))}
        for table in self._columns:
            if table != root:
                tables[table] = self._frame(table, self._tied(table, body.get(table) or [], row))
        self._check(tables)
        return tables

    def _refuse_unknown_tables(self, body: Mapping[str, Any]) -> None:
        unknown = sorted(_printable(name) for name in body if name not in self._portfolio.tables)
        if unknown:
            raise BodyShapeError(
                f"The tables of an application are {', '.join(self._portfolio.tables)}.",
                f"unknown {', '.join(unknown[:5])}",
                "Remove or rename them.",
            )

    def _keyed(self, application: pl.DataFrame) -> pl.DataFrame:
        key = self._portfolio.key
        if self._portfolio.tables[self._portfolio.root].key is None:
            return number_rows(self._portfolio, application)
        if application[key][0] is None:
            raise ColumnsError(self._portfolio.root, missing=[key], hint="Send the application's own key.")
        return application

    def _tied(self, table: str, rows: Any, application: Row) -> Sequence[Row]:
        if not isinstance(rows, Sequence) or isinstance(rows, str) or not all(isinstance(row, Mapping) for row in rows):
            raise BodyShapeError(
                f"The rows of {table!r} are a list of objects.", _kind(rows), "Send [] where there are none."
            )
        spec = self._portfolio.tables[table]
        if spec.parent != self._portfolio.root:
            return rows
        key = application.get(str(spec.on))
        return [row if spec.on in row else {**row, str(spec.on): key} for row in rows]

    def _frame(self, table: str, rows: Sequence[Row]) -> pl.DataFrame:
        layout, columns = self._layouts[table], self._columns[table]
        names = dict.fromkeys(name for row in rows for name in row)
        unknown = [name for name in names if name not in layout.known]
        missing = sorted(layout.required - set(names)) if rows else []
        mistyped = {
            name: problem
            for name in names
            if name in columns and (problem := _mistyped(rows, name, columns[name].type))
        }
        if missing or unknown or mistyped:
            raise ColumnsError(table, missing, [_printable(name) for name in unknown], mistyped)
        converted = self._converted(table, self._finite(table, rows))
        return hold_categories(table, converted, self._known[table], self._unseen)

    def _finite(self, table: str, rows: Sequence[Row]) -> Sequence[Row]:
        """Empty NaN and refuse infinity, as the door does: JSON has neither, but 1e999 becomes one where it is read."""
        strange = [
            (name, row[name])
            for name in self._floats[table]
            for row in rows
            if isinstance(row.get(name), float) and not math.isfinite(row[name])
        ]
        infinite = Counter(name for name, value in strange if math.isinf(value))
        for name, times in infinite.items():
            raise NotFiniteError(table, name, times)
        empty = dict.fromkeys({name for name, _ in strange})
        return (
            [{**row, **{name: None for name in empty if row.get(name) != row.get(name)}} for row in rows]
            if empty
            else rows
        )

    def _converted(self, table: str, rows: Sequence[Row]) -> pl.DataFrame:
        """Convert checked rows as the door converts files."""
        schema, spec = self._schemas[table], self._portfolio.tables[table]
        dates = {name for name, dtype in schema.items() if dtype.is_temporal()}
        if dates:
            written = {name: pl.String() if name in dates else dtype for name, dtype in schema.items()}
            return admit(table, pl.from_dicts(rows, schema=written, strict=False), spec, self._layouts[table])
        frame = pl.from_dicts(rows, schema=schema, strict=False)
        return frame.with_columns(self._emptied[table]) if self._emptied[table] else frame

    def _check(self, tables: Tables) -> None:
        check_keys(self._portfolio, tables)
        for name, frame in tables.items():
            parent = self._portfolio.tables[name].parent
            if parent in tables and frame.height:
                self._refuse_orphans(name, frame, tables[str(parent)])

    def _refuse_orphans(self, name: str, frame: pl.DataFrame, parent: pl.DataFrame) -> None:
        spec = self._portfolio.tables[name]
        tie, keys = frame[str(spec.on)], parent[str(spec.on)]
        belongs = tie == keys[0] if parent.height == 1 else tie.is_in(keys.implode())
        rows = frame.height - int(belongs.sum())
        if rows:
            raise OrphanRowsError(name, str(spec.parent), str(spec.on), rows)


def _mistyped(rows: Sequence[Row], name: str, kind: ColumnType) -> str | None:
    accepted = _ACCEPTED[kind]
    for row in rows:
        value = row.get(name)
        if value is None:
            continue
        whole = kind == "integer" and isinstance(value, float) and value.is_integer()
        if not (isinstance(value, accepted) or whole) or isinstance(value, bool) != (kind == "boolean"):
            return f"is {_kind(value)}, must be {kind}"
        if not _storable(value, kind):
            return f"cannot be stored as {kind}"
    return None


def _storable(value: Any, kind: ColumnType) -> bool:
    """Whether a value of the right JSON type fits the column: Python's integers have no end, its text may be broken."""
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)
    if kind == "integer":
        return -(2**63) <= int(value) < 2**63
    return isinstance(value, float) or abs(int(value)) < 2**1023


def _printable(name: object) -> str:
    return str(name)[:60].encode("utf-8", "replace").decode()


def _kind(value: object) -> str:
    """Say what JSON a value is, without the value."""
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", int: "an integer", float: "a number"}
    return "nothing" if value is None else names.get(type(value), type(value).__name__)
