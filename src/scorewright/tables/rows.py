"""One application posted as raw rows becomes the same checked tables that files become."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from scorewright.errors import BodyShapeError, ColumnsError, DuplicateKeysError, NotFiniteError, OrphanRowsError
from scorewright.tables.door import admit, number_rows, sealed_layout, without_sentinels
from scorewright.tables.holding import hold_categories, known_categories
from scorewright.tables.loading import Sealed
from scorewright.tables.plain import NotPlainError, PlainReader, plain_table
from scorewright.tables.portfolio import ROW_KEY, Portfolio
from scorewright.tables.posted import Posted
from scorewright.tables.types import OWNER, ColumnType, Tables

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
        self._dates = {
            table: frozenset(name for name, dtype in schema.items() if dtype.is_temporal())
            for table, schema in self._schemas.items()
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

        self._plain = PlainReader(
            portfolio,
            {
                table: plain_table(
                    portfolio.tables[table],
                    portfolio.key if table == portfolio.root else portfolio.tables[table].key,
                    self._layouts[table],
                    self._known[table],
                    sealed.unseen,
                )
                for table in sealed.contract.tables
            },
            self._schemas,
        )

    def plain(self, bodies: Sequence[Mapping[str, Any]], *, shared: bool = True) -> Posted | None:
        """Read bodies the short way (see `scorewright.tables.plain`); None where one of them needs the long one.

        Parameters
        ----------
        shared : bool
            Whether bodies of several callers stand together, as in `read_together`.
        """
        try:
            return self._plain.read(bodies, shared=shared)
        except NotPlainError:
            return None

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
        plain = self.plain([body], shared=False)
        return self.read_long(body) if plain is None else plain

    def read_long(self, body: Mapping[str, Any]) -> Tables:
        """Read one application the long way, by frames; what both ways read is the same."""
        checked = self._checked(body)
        tables = {table: self._converted(table, rows) for table, rows in checked.items()}
        root = self._portfolio.root
        tables[root] = self._keyed(tables[root])
        self._check(tables)
        return tables

    def read_together(self, bodies: Sequence[Mapping[str, Any]]) -> Tables:
        """Check and convert applications of several callers, who may use the same keys.

        Returns
        -------
        mapping of str to DataFrame
            Rows of all, in the order of the bodies, and under `OWNER` the number of each row's body. Rows of different
            bodies never belong together, whatever their keys.

        Raises
        ------
        BodyShapeError, DataError
            A body is refused; which one, only `read` tells.
        """
        plain = self.plain(bodies)
        return self.read_together_long(bodies) if plain is None else plain

    def read_together_long(self, bodies: Sequence[Mapping[str, Any]]) -> Tables:
        """Read applications of several callers the long way, by frames."""
        checked = [self._checked(body) for body in bodies]
        root = self._portfolio.root
        tables = {}
        for table in checked[0]:
            rows = [row for each in checked for row in each[table]]
            owners = np.repeat(np.arange(len(checked)), [len(each[table]) for each in checked])
            frame = self._converted(table, rows)
            tables[table] = frame.with_columns(pl.Series(OWNER, owners))
        # Where rows are numbered, each application is the first of its body.
        alone = self._keyed(tables[root])
        tables[root] = (
            alone.with_columns(pl.lit(0).alias(ROW_KEY).cast(pl.Int64)) if self._portfolio.numbered else alone
        )
        self._check(tables)
        return tables

    def _checked(self, body: Mapping[str, Any]) -> dict[str, Sequence[Row]]:
        """Check the shape of one body and the types of its rows, by table."""
        root = self._portfolio.root
        self._refuse_unknown_tables(body)
        row = body.get(root)
        if not isinstance(row, Mapping):
            raise BodyShapeError(
                f"The body needs one object under {root!r}.", f"{_kind(row)}", "Send its raw columns there."
            )
        checked = {root: self._typed(root, [row])}
        for table in self._columns:
            if table != root:
                checked[table] = self._typed(table, self._tied(table, body.get(table) or [], row))
        return checked

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
        if application[key].null_count():
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

    def _typed(self, table: str, rows: Sequence[Row]) -> Sequence[Row]:
        """Check names and types of rows."""
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
        return self._finite(table, rows)

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
        dates = self._dates[table]
        if dates:
            written = {name: pl.String() if name in dates else dtype for name, dtype in schema.items()}
            frame = admit(table, pl.from_dicts(rows, schema=written, strict=False), spec, self._layouts[table])
        else:
            frame = pl.from_dicts(rows, schema=schema, strict=False)
            frame = frame.with_columns(self._emptied[table]) if self._emptied[table] else frame
        return hold_categories(table, frame, self._known[table], self._unseen)

    def _check(self, tables: Tables) -> None:
        """Check keys and ties. Where bodies stand together, so that a key is one of its body."""
        for name, frame in tables.items():
            key = self._portfolio.key if name == self._portfolio.root else self._portfolio.tables[name].key
            if key is not None and key in frame.columns:
                keys = self._keys(frame, key)
                known = {each for each in keys if each[-1] is not None}
                if len(known) < len(keys):
                    raise DuplicateKeysError(name, key, len(keys) - len(known))
        for name, frame in tables.items():
            parent = self._portfolio.tables[name].parent
            if parent in tables and frame.height:
                self._refuse_orphans(name, frame, tables[str(parent)])

    def _refuse_orphans(self, name: str, frame: pl.DataFrame, parent: pl.DataFrame) -> None:
        spec = self._portfolio.tables[name]
        known = {each for each in self._keys(parent, str(spec.on)) if each[-1] is not None}
        rows = sum(each not in known for each in self._keys(frame, str(spec.on)))
        if rows:
            raise OrphanRowsError(name, str(spec.parent), str(spec.on), rows)

    def _keys(self, frame: pl.DataFrame, key: str) -> list[tuple[Any, ...]]:
        names = [OWNER, key] if OWNER in frame.columns else [key]
        return list(zip(*(frame.get_column(name).to_list() for name in names), strict=True))


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
