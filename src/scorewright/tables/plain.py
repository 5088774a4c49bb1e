"""The short way in: bodies that leave nothing to decide become columns of values at once.

A body takes this way when every value has exactly the type its column wants, every key is there once and every row
belongs to one. Whatever else a body holds, from a whole number written as 3.0 in a column of integers to an unknown
table, goes the long way (`scorewright.tables.rows`), which alone converts, refuses, and words why.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, repeat
from operator import contains
from typing import Any

import polars as pl

from scorewright.tables.door import Layout
from scorewright.tables.portfolio import ROW_KEY, Portfolio, Scalar, TableSpec, UnseenCategory
from scorewright.tables.posted import Posted, PostedRows
from scorewright.tables.types import OWNER, ColumnType

Body = Mapping[str, Any]
Column = Sequence[Any]

#: Whole numbers of this size and beyond are not all doubles.
_EXACT = 2**53
_NOTHING = type(None)
_OBJECTS = frozenset({dict})
#: What may stand in a column of a type, missing values among them.
_NONE = frozenset({_NOTHING})
_NUMBERS, _TEXTS, _BOOLEANS = (frozenset({*kinds, _NOTHING}) for kinds in ((int, float), (str,), (bool,)))
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class NotPlainError(Exception):
    """A body must go the long way."""


@dataclass(frozen=True)
class PlainTable:
    """What rows of one table must be to be taken as they are.

    Parameters
    ----------
    spec : TableSpec
        The table as the portfolio declares it.
    layout : Layout
        Its columns.
    categories : mapping of str to frozenset of str
        Known categories, by column.
    empties : mapping of str to frozenset
        Values that mean "missing", by column.
    key : str or None
        Column whose values are there once.
    unseen : {"refuse", "null"}
        What happens to other categories.
    """

    spec: TableSpec
    layout: Layout
    categories: Mapping[str, frozenset[str]]
    empties: Mapping[str, frozenset[Any]]
    key: str | None
    unseen: UnseenCategory

    def columns(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
        """Turn rows to checked columns.

        Raises
        ------
        NotPlainError
            They need a longer look.
        """
        if len(rows) == 1:
            self._check_names(rows[0])
            return self._one(rows[0])
        made = _turned(rows)
        self._check_names(made)
        return {name: self._column(name, values) for name, values in made.items() if name in self.layout.types}

    def _check_names(self, made: Mapping[str, Any]) -> None:
        if not (made.keys() <= self.layout.known and self.layout.required <= made.keys()):
            raise NotPlainError

    @cached_property
    def _classes(self) -> dict[str, type | None]:
        """Class of the numbers that may stand in a column as they are, by column; None for other columns."""
        classes: dict[ColumnType, type] = {"number": float, "integer": int}
        return {name: None if name in self.empties else classes.get(kind) for name, kind in self.layout.types.items()}

    @cached_property
    def _texts(self) -> dict[str, frozenset[str]]:
        """Texts that may stand in a column as they are."""
        return {name: known for name, known in self.categories.items() if name not in self.empties}

    def _one(self, row: Mapping[str, Any]) -> dict[str, Column]:
        """Check a single row: most of its values need one look."""
        classes, texts, made = self._classes, self._texts, dict[str, Column]()
        for name, value in row.items():
            if name not in classes:
                continue
            kind = value.__class__
            sure = value is None or (kind is classes[name] and -_EXACT <= value <= _EXACT)
            if sure or (kind is str and value in texts.get(name, ())):
                made[name] = (value,)
            else:
                made[name] = self._column(name, (value,))
        return made

    def _column(self, name: str, values: Column) -> Column:
        """Check a column, empty what means "missing", and hold categories to those that are known."""
        kind, empty = self.layout.types[name], self.empties.get(name)
        checked = _CHECKS[kind](values)
        if empty is not None and not empty.isdisjoint(checked):
            checked = [None if value in empty else value for value in checked]
        return self._held(checked, self.categories.get(name)) if kind == "text" else checked

    def _held(self, values: Column, known: frozenset[str] | None) -> Column:
        """Hold categories to those that are known, and other text to what can be stored."""
        different = set(values)
        different.discard(None)
        new = different if known is None else different - known
        if not new:
            return values
        if not _storable(new) or (known is not None and self.unseen == "refuse"):
            raise NotPlainError
        return values if known is None else [None if value in new else value for value in values]


def plain_table(
    spec: TableSpec, key: str | None, layout: Layout, categories: Mapping[str, frozenset[str]], unseen: UnseenCategory
) -> PlainTable:
    """Say what plain rows of a table are."""
    types = layout.types
    empties = {name: _read(values, types[name]) for name, values in spec.sentinels.items() if name in types}
    return PlainTable(spec, layout, categories, empties, key, unseen)


def _read(values: Sequence[Scalar], kind: ColumnType) -> frozenset[Any]:
    """Read values that mean "missing" as the long way does, which has refused those that could never stand there."""
    return frozenset(dt.date.fromisoformat(str(value)) if kind == "date" else value for value in values)


class PlainReader:
    """Reads bodies of applications that leave nothing to decide.

    Parameters
    ----------
    portfolio : Portfolio
        How the tables hang together.
    tables : mapping of str to PlainTable
        What plain rows are, by table.
    schemas : mapping of str to mapping of str to polars.DataType
        Types of the columns by table, in order.
    """

    def __init__(
        self,
        portfolio: Portfolio,
        tables: Mapping[str, PlainTable],
        schemas: Mapping[str, Mapping[str, pl.DataType]],
    ) -> None:
        self._portfolio, self._tables = portfolio, tables
        self._known = frozenset(portfolio.tables)
        number = {ROW_KEY: pl.Int64()} if portfolio.numbered else {}
        more = {table: number if table == portfolio.root else {} for table in schemas}
        self._alone = {table: {**schema, **more[table]} for table, schema in schemas.items()}
        self._owned = {table: {**schema, OWNER: pl.Int64(), **more[table]} for table, schema in schemas.items()}

    def read(self, bodies: Sequence[Body], *, shared: bool) -> Posted:
        """Turn bodies to checked tables.

        Parameters
        ----------
        bodies : sequence of mappings
            One application each.
        shared : bool
            Whether each row is marked with the number of its body.

        Raises
        ------
        NotPlainError
            One of them needs a longer look.
        """
        if not all(body.__class__ is dict and body.keys() <= self._known for body in bodies):
            raise NotPlainError
        root, made = self._portfolio.root, dict[str, _Gathered]()
        applications: list[Any] = [body.get(root) for body in bodies]
        if not all(row.__class__ is dict for row in applications):
            raise NotPlainError
        for table in self._tables:
            alone = table == root
            rows = [[row] for row in applications] if alone else self._rows(table, bodies, applications)
            together = [row for each in rows for row in each]
            columns = self._tables[table].columns(together) if together else {}
            made[table] = _Gathered(columns, [len(each) for each in rows])
            self._check_key(table, made[table])
        ties = {table: self._tied(table, gathered, made) for table, gathered in made.items()}
        return self._posted(made, ties, shared=shared)

    def _rows(self, table: str, bodies: Sequence[Body], applications: Sequence[Any]) -> list[Sequence[Any]]:
        """Rows of a history by body, tied to their application."""
        spec, made = self._tables[table].spec, list[Sequence[Any]]()
        tied, on = spec.parent == self._portfolio.root, str(spec.on)
        for body, application in zip(bodies, applications, strict=True):
            rows = body.get(table) or []
            if rows.__class__ is not list or not set(map(type, rows)) <= _OBJECTS:
                raise NotPlainError
            if tied and not all(map(contains, rows, repeat(on))):
                key = application.get(on)
                rows = [row if on in row else {**row, on: key} for row in rows]
            made.append(rows)
        return made

    def _check_key(self, table: str, gathered: _Gathered) -> None:
        """Check that each key is there once in its body."""
        key = self._tables[table].key
        if key is not None and key in gathered.columns:
            for own in gathered.by_body(key):
                if None in own or len(set(own)) < len(own):
                    raise NotPlainError

    def _tied(self, table: str, gathered: _Gathered, made: Mapping[str, _Gathered]) -> list[int] | None:
        """Find the parent of each row in its own body: its position among all rows of the parent."""
        spec = self._tables[table].spec
        parent, on = made.get(str(spec.parent)), str(spec.on)
        if parent is None:
            return None
        if not gathered.columns:
            return []
        if on not in parent.columns or on not in gathered.columns:
            raise NotPlainError
        found: list[int] = []
        start = 0
        for here, there in zip(gathered.by_body(on), parent.by_body(on), strict=True):
            place = {key: start + number for number, key in enumerate(there) if key is not None}
            if len(place) < len(there):
                raise NotPlainError
            try:
                found += [place[key] for key in here]
            except KeyError:
                raise NotPlainError from None
            start += len(there)
        return found

    def _posted(self, made: Mapping[str, _Gathered], ties: Mapping[str, list[int] | None], *, shared: bool) -> Posted:
        schemas, root = self._owned if shared else self._alone, self._portfolio.root
        read = {}
        for table, gathered in made.items():
            columns, rows = dict(gathered.columns), sum(gathered.sizes)
            if shared:
                columns[OWNER] = [body for body, size in enumerate(gathered.sizes) for _ in range(size)]
            if table == root and self._portfolio.numbered:
                # Each application is the first of its body.
                columns[ROW_KEY] = [0] * rows
            read[table] = PostedRows(columns, schemas[table], rows, ties[table])
        return Posted(read, schemas)


@dataclass(frozen=True)
class _Gathered:
    """Columns of one table over all bodies, and how many rows each body has."""

    columns: Mapping[str, Column]
    sizes: Sequence[int]

    def by_body(self, name: str) -> list[Column]:
        """Cut a column where a body ends."""
        values, ends = self.columns.get(name, ()), list(accumulate(self.sizes))
        return [values[end - size : end] for end, size in zip(ends, self.sizes, strict=True)]


def _turned(rows: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """Turn rows to columns; at once where all rows name the same columns in the same order."""
    names, width = list(rows[0]), len(rows[0])
    # No row repeats a name: where they are the same over and over, each row has all of them.
    if list(chain.from_iterable(rows)) == names * len(rows):
        values: list[Any] = list(chain.from_iterable([row.values() for row in rows]))
        return {name: values[place::width] for place, name in enumerate(names)}
    every = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in every}


def _kinds(values: Column, accepted: frozenset[type]) -> set[type]:
    """Types of values."""
    kinds = set(map(type, values))
    if not kinds <= accepted:
        raise NotPlainError
    return kinds


def _known(values: Column, kinds: set[type]) -> Column:
    """Values that are there."""
    return values if _NOTHING not in kinds else [value for value in values if value is not None]


def _numbers(values: Column) -> Column:
    kinds = _kinds(values, _NUMBERS)
    known = _known(values, kinds)
    # What is not finite leaves no finite sum; a sum of what is may overflow, and is then looked at more closely.
    if int in kinds and not -_EXACT <= min(known) <= max(known) <= _EXACT:
        raise NotPlainError
    if not math.isfinite(sum(known)):
        raise NotPlainError
    return values if int not in kinds else [None if value is None else float(value) for value in values]


def _integers(values: Column) -> Column:
    kinds = _kinds(values, _NUMBERS)
    known = _known(values, kinds)
    if float not in kinds:
        if not known or -(2**63) <= min(known) <= max(known) < 2**63:
            return values
        raise NotPlainError
    if not all(-_EXACT <= value <= _EXACT and value == int(value) for value in known):
        raise NotPlainError
    return [None if value is None else int(value) for value in values]


def _texts(values: Column) -> Column:
    _kinds(values, _TEXTS)
    return values


def _storable(texts: Collection[str]) -> bool:
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True


def _booleans(values: Column) -> Column:
    _kinds(values, _BOOLEANS)
    return values


def _days(values: Column) -> Column:
    _kinds(values, _TEXTS)
    if not all(value is None or _DAY.fullmatch(value) for value in values):
        raise NotPlainError
    try:
        return [None if value is None else dt.date.fromisoformat(value) for value in values]
    except ValueError:
        raise NotPlainError from None


def _times(values: Column) -> Column:
    _kinds(values, _NONE)
    return values


_CHECKS: Mapping[ColumnType, Callable[[Column], Column]] = {
    "integer": _integers,
    "number": _numbers,
    "text": _texts,
    "boolean": _booleans,
    "date": _days,
    "datetime": _times,
}
