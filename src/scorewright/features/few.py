"""Features of few applications, by programs that were prepared once (see `prepared`, `grouping` and `single`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.features import arrays
from scorewright.features.aggregates import BLOCK, Groups
from scorewright.features.grouping import GroupProgram
from scorewright.features.numbers import UnsureError
from scorewright.features.plan import CompiledFeatures, CompiledTable
from scorewright.features.prepared import Raw, RowProgram, Rows, Values, as_column, as_list, is_array
from scorewright.features.rewriting import ZERO, storage
from scorewright.features.single import Row, Single
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.types import OWNER

#: Before the name of what is computed beside the matrix, so that it cannot clash with a feature.
BESIDE = "\x00beside "
#: Up to so many rows of a history, in so many groups, and so many applications go through functions of single values;
#: more are faster as arrays.
_MOST_SINGLE, _MOST_GROUPS = 1000, 32
Schemas = Mapping[str, Mapping[str, pl.DataType]]


class RepeatedKeysError(Exception):
    """Two rows of a parent have one key: rows of histories would count for both."""


@dataclass(frozen=True)
class ComputedFew:
    """What was computed of n applications; see `scorewright.features.engine.Computed`.

    Parameters
    ----------
    columns : mapping of str to Values
        Features, and under `BESIDE` and its name what stands beside them.
    types : mapping of str to polars.DataType
        Their types.
    names, beside : sequence of str
        Features of the matrix and extra expressions, in order.
    rows : int
        The number of applications, n.
    """

    columns: Mapping[str, Values]
    types: Mapping[str, pl.DataType]
    names: Sequence[str]
    beside: Sequence[str]
    rows: int

    @cached_property
    def features(self) -> pl.DataFrame:
        """One column per feature of the matrix."""
        return pl.DataFrame([self._series(name, name) for name in self.names])

    @cached_property
    def extra(self) -> pl.DataFrame:
        """One column per extra expression."""
        return pl.DataFrame([self._series(BESIDE + name, name) for name in self.beside])

    def _series(self, name: str, shown: str) -> pl.Series:
        column, dtype = as_column(self.columns[name], arrays.held_as(self.types[name])), self.types[name]
        return arrays.to_series(shown, column, dtype, self.rows)

    def numbers(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Give features as numbers, shape (n, k); NaN where there is none."""
        columns = [self.columns[name] for name in names]
        if self.rows == 1:
            # NumPy reads None as NaN, and single values faster than lists of one.
            return np.array([_only(column) for column in columns], dtype=np.float64).reshape(1, -1)
        values = np.empty((len(names), self.rows), dtype=np.float64)
        listed = [place for place, column in enumerate(columns) if not is_array(column)]
        if listed:
            values[listed] = np.array([columns[place] for place in listed], dtype=np.float64)
        for place in {*range(len(columns))}.difference(listed):
            column, valid = columns[place]
            values[place] = column if valid is None else np.where(valid, column, np.nan)
        return values.T

    def listed(self, name: str) -> Sequence[Any]:
        """Give a feature as it is, None where there is no value."""
        return as_list(self.columns[name], self.rows)


class FewApplications:
    """Computes the features of few applications from tables of certain types.

    Parameters
    ----------
    portfolio : Portfolio
        How the tables hang together.
    features : CompiledFeatures
        What to compute.
    schemas : mapping of str to mapping of str to polars.DataType
        Types of the tables' columns. An absent table gives null features.
    """

    def __init__(self, portfolio: Portfolio, features: CompiledFeatures, schemas: Schemas) -> None:
        self._portfolio, self._features, self._schemas = portfolio, features, schemas
        self._groups: dict[str, GroupProgram] = {}
        self._types: dict[str, dict[str, pl.DataType]] = {}
        self._held: dict[str, dict[str, np.dtype[Any]]] = {}
        root = portfolio.root
        self._prepare(root)
        renamed = ((p, BESIDE + p.name) for p in features.extra)
        beside = [replace(p, name=name, expression=p.expression.alias(name)) for p, name in renamed]
        compiled = features.tables[root]
        stages = [*compiled.stages, [*compiled.outputs, *beside]]
        self._root = RowProgram(self._types[root], stages, frozenset(schemas[root]))
        self._names, self._beside = [p.name for p in features.features], [p.name for p in features.extra]
        self._own = [*(p.name for p in compiled.outputs), *(p.name for p in beside)]
        self._inherited = [name for name in self._names if name not in set(self._own)]
        self._single = self._root.single(self._own)
        self._made = {**self._types[root], **self._root.sheet.types}

    def _prepare(self, table: str) -> None:
        """Learn the types of a table's columns, with the features of its histories, and prepare these."""
        types = {**self._schemas[table], ZERO: pl.Float64()}
        for child in self._children(table):
            if self._absent(child):
                types |= {p.name: storage(p.kind) for p in child.outputs}
            else:
                self._prepare(child.table)
                tame = frozenset(self._schemas[child.table]) | {ZERO}
                program = GroupProgram(child, self._types[child.table], tame)
                self._groups[child.table] = program
                types |= program.types
        self._types[table] = types
        self._held[table] = {name: arrays.held_as(dtype) for name, dtype in types.items()}

    def _children(self, table: str) -> list[CompiledTable]:
        tables = self._features.tables
        return [tables[child] for child in self._portfolio.children(table) if child in tables]

    def _absent(self, child: CompiledTable) -> bool:
        return child.table not in self._schemas or child.on is None

    def single_tables(self) -> set[str]:
        """Tables whose features are written as functions of single values."""
        written = {table for table, program in self._groups.items() if program.single is not None}
        return written | ({self._portfolio.root} if self._single is not None else set())

    def compute_all(self, tables: Mapping[str, Raw], most_single: int = _MOST_SINGLE) -> ComputedFew:
        """Compute the features of the matrix and what stands beside it.

        Parameters
        ----------
        tables : mapping of str to Raw
            Rows of each table of `schemas`.
        most_single : int
            Up to so many rows of a table go through functions of single values, where no group has as many as Polars
            adds in blocks; the others go through arrays.

        Raises
        ------
        RepeatedKeysError
            Two rows of a parent have one key.
        UnsureError
            Only Polars itself gives the bits that Polars would give.
        """
        with np.errstate(all="ignore"):
            if most_single:
                try:
                    return self._computed(_Job(tables, most_single))
                except UnsureError:
                    pass
            return self._computed(_Job(tables, 0))

    def _computed(self, job: _Job) -> ComputedFew:
        rows, more = self._rows(job, self._portfolio.root, None)
        made: dict[str, Values] = {name: more[name] for name in self._inherited}
        if self._single is not None and rows.height <= min(job.most_single, _MOST_GROUPS):
            made |= _turned(self._own, self._single.run(rows.tuples(self._single.columns)))
        else:
            slots, named = self._root.run(rows), self._root.sheet.named
            made |= {name: arrays.broadcast(slots[named[name]], rows.height) for name in self._own}
        return ComputedFew(made, self._made, self._names, self._beside, rows.height)

    def _rows(self, job: _Job, table: str, order: NDArray[np.intp] | None) -> tuple[Rows, dict[str, Values]]:
        """Rows of a table with the features of its histories."""
        more = dict[str, Values]()
        rows = Rows(job.tables[table], more, order, self._types[table], self._held[table])
        for child in self._children(table):
            more |= self._aggregated(job, child, rows)
        return rows, more

    def _aggregated(self, job: _Job, child: CompiledTable, parent: Rows) -> dict[str, Values]:
        raw = job.tables.get(child.table)
        order, places = (None, ()) if raw is None or not raw.height else _gathered(raw, str(child.on), parent)
        if self._absent(child) or not places:
            return {p.name: [None] * parent.height for p in child.outputs}
        rows, _ = self._rows(job, child.table, order)
        program = self._groups[child.table]
        if program.single is not None and job.takes(rows.height, parent.height, places):
            return _one_by_one(program.single, list(program.types), rows, places, parent.height)
        return _all_at_once(program, rows, np.array(places, dtype=np.intp), parent.height)


@dataclass(frozen=True)
class _Job:
    """What is computed of, and up to how many rows of a table by functions of single values."""

    tables: Mapping[str, Raw]
    most_single: int

    def takes(self, rows: int, parents: int, places: Sequence[int]) -> bool:
        """Whether rows of a history go through functions of single values: not in groups that Polars adds in blocks."""
        if rows > self.most_single or parents > _MOST_GROUPS:
            return False
        return rows < BLOCK or max(Counter(places).values()) < BLOCK


def _all_at_once(program: GroupProgram, rows: Rows, places: NDArray[np.intp], parents: int) -> dict[str, Values]:
    """Compute all groups as arrays."""
    starts = np.flatnonzero(np.diff(places, prepend=-1))
    made, present, own = program.run(rows, Groups(starts, rows.height)), places[starts], None
    if len(present) < parents:
        own = np.full(parents, -1, dtype=np.intp)
        own[present] = np.arange(len(present))
    return {name: arrays.spread(column, len(present), own) for name, column in made.items()}


def _one_by_one(
    single: Single, names: Sequence[str], rows: Rows, places: Sequence[int], parents: int
) -> dict[str, Values]:
    """Compute each group by itself."""
    tuples = rows.tuples(single.columns)
    if parents == 1:
        return _turned(names, [single.run(tuples)])
    groups: list[list[Row]] = [[] for _ in range(parents)]
    for place, row in zip(places, tuples, strict=True):
        groups[place].append(row)
    nothing = (None,) * len(names)
    return _turned(names, [single.run(group) if group else nothing for group in groups])


def _only(column: Values) -> Any:
    """Give the value of the only row."""
    value = column[0]
    return value if value.__class__ is not np.ndarray else as_list(column, 1)[0]


def _turned(names: Sequence[str], rows: Sequence[Row]) -> dict[str, Values]:
    """Turn rows to columns."""
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def _gathered(rows: Raw, on: str, parent: Rows) -> tuple[NDArray[np.intp] | None, Sequence[int]]:
    """Rows that belong to a row of the parent, in its order (None: as they stand), and the parent of each."""
    if rows.parents is not None:
        return _sorted(rows.parents if parent.order is None else np.argsort(parent.order)[rows.parents].tolist())
    shared = OWNER in rows.columns
    keys, own = parent.keys(on, shared=shared), _keys(rows, on, shared=shared)
    if len(keys) == 1 and keys[0] is not None and own.count(keys[0]) == len(own):
        return None, [0] * len(own)
    place = {key: number for number, key in enumerate(keys)}
    if len(place) < len(keys):
        raise RepeatedKeysError(on)
    place = {key: number for key, number in place.items() if (key[1] if shared else key) is not None}
    return _sorted([place.get(key, -1) for key in own])


def _sorted(found: Sequence[int]) -> tuple[NDArray[np.intp] | None, Sequence[int]]:
    """Sort rows by the place of their parent, and leave out those that have none."""
    ordered = sorted(found)
    if ordered == found and found[0] >= 0:
        return None, found
    kept = sorted((row for row, place in enumerate(found) if place >= 0), key=found.__getitem__)
    return np.array(kept, dtype=np.intp), [found[row] for row in kept]


def _keys(rows: Raw, on: str, *, shared: bool) -> Sequence[Any]:
    """Key of each row, with its owner where applications of several callers stand together."""
    keys = rows.listed(on)
    return list(zip(rows.listed(OWNER), keys, strict=True)) if shared else keys
