"""Features of few applications, by programs that were prepared once (see `prepared` and `grouping`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.features import arrays
from scorewright.features.arrays import Column
from scorewright.features.grouping import GroupProgram
from scorewright.features.plan import CompiledFeatures, CompiledTable
from scorewright.features.prepared import PARENT, RowProgram, Rows
from scorewright.features.rewriting import ZERO, storage
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.types import OWNER, Tables

#: Before the name of what is computed beside the matrix, so that it cannot clash with a feature.
BESIDE = "\x00beside "
#: Up to so many rows are looked up one by one: a join would take longer.
_LOOKED_UP = 1000
Schemas = Mapping[str, Mapping[str, pl.DataType]]


class RepeatedKeysError(Exception):
    """Two rows of a parent have one key: rows of histories would count for both."""


@dataclass(frozen=True)
class ComputedFew:
    """What was computed of n applications, as arrays; see `scorewright.features.engine.Computed`.

    Parameters
    ----------
    columns : mapping of str to Column
        Features, and under `BESIDE` and its name what stands beside them.
    types : mapping of str to polars.DataType
        Their types.
    names, beside : sequence of str
        Features of the matrix and extra expressions, in order.
    rows : int
        The number of applications, n.
    """

    columns: Mapping[str, Column]
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
        return arrays.to_series(shown, self.columns[name], self.types[name], self.rows)

    def numbers(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Give features as numbers, shape (n, k); NaN where there is none."""
        values = np.empty((len(names), self.rows), dtype=np.float64)
        for row, name in zip(values, names, strict=True):
            column, valid = self.columns[name]
            row[:] = column if valid is None else np.where(valid, column, np.nan)
        return values.T

    def text(self, name: str) -> pl.Series:
        """Give a feature as it is."""
        return self._series(name, name)


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
        self._root = RowProgram(self._types[root], [*compiled.stages, [*compiled.outputs, *beside]])
        self._names, self._beside = [p.name for p in features.features], [p.name for p in features.extra]
        self._own = [*(p.name for p in compiled.outputs), *(p.name for p in beside)]
        self._inherited = [name for name in self._names if name not in set(self._own)]

    def _prepare(self, table: str) -> None:
        """Learn the types of a table's columns, with the features of its histories, and prepare these."""
        types = {**self._schemas[table], ZERO: pl.Float64()}
        for child in self._children(table):
            if self._absent(child):
                types |= {p.name: storage(p.kind) for p in child.outputs}
            else:
                self._prepare(child.table)
                program = GroupProgram(child, self._types[child.table])
                self._groups[child.table] = program
                types |= program.types
        self._types[table] = types
        self._held[table] = {name: arrays.held_as(dtype) for name, dtype in types.items()}

    def _children(self, table: str) -> list[CompiledTable]:
        tables = self._features.tables
        return [tables[child] for child in self._portfolio.children(table) if child in tables]

    def _absent(self, child: CompiledTable) -> bool:
        return child.table not in self._schemas or child.on is None

    def compute_all(self, tables: Tables) -> ComputedFew:
        """Compute the features of the matrix and what stands beside it.

        Raises
        ------
        RepeatedKeysError
            Two rows of a parent have one key.
        """
        root = self._portfolio.root
        frame = tables[root]
        with np.errstate(all="ignore"):
            more = self._histories(root, frame, tables)
            slots = self._root.run(Rows(frame, more, self._types[root], self._held[root]))
        sheet = self._root.sheet
        made = {name: arrays.broadcast(slots[sheet.named[name]], frame.height) for name in self._own}
        made |= {name: more[name] for name in self._inherited}
        types = {**self._types[root], **sheet.types}
        return ComputedFew(made, types, self._names, self._beside, frame.height)

    def _histories(self, table: str, frame: pl.DataFrame, tables: Tables) -> dict[str, Column]:
        """Features of the histories of some rows, which keep their order."""
        more: dict[str, Column] = {}
        for child in self._children(table):
            more |= self._aggregated(child, frame, tables)
        return more

    def _aggregated(self, child: CompiledTable, parent: pl.DataFrame, tables: Tables) -> dict[str, Column]:
        if self._absent(child):
            return {p.name: arrays.nothing(storage(p.kind), parent.height) for p in child.outputs}
        program, on = self._groups[child.table], str(child.on)
        rows, places = _gathered(tables[child.table], on, parent)
        if rows.is_empty():
            return {name: arrays.nothing(dtype, parent.height) for name, dtype in program.types.items()}
        more = self._histories(child.table, rows, tables)
        made, present = program.run(Rows(rows, more, self._types[child.table], self._held[child.table]), places)
        return {name: arrays.spread(each, len(present), _places(present, parent.height)) for name, each in made.items()}


def _gathered(rows: pl.DataFrame, on: str, parent: pl.DataFrame) -> tuple[pl.DataFrame, NDArray[np.uint32]]:
    """Rows that belong to a row of the parent, in its order, and its place."""
    tie = [on] if OWNER not in parent.columns else [OWNER, on]
    found = _found(rows, tie, parent) if rows.height <= _LOOKED_UP else _joined(rows, tie, parent)
    if (found < 0).any() or (found[1:] < found[:-1]).any():
        kept = np.flatnonzero(found >= 0)
        order = kept[np.argsort(found[kept], kind="stable")]
        rows, found = rows[order], found[order]
    return rows, found.astype(np.uint32)


def _found(rows: pl.DataFrame, tie: list[str], parent: pl.DataFrame) -> NDArray[np.int64]:
    """Look the parent of each row up, -1 where there is none."""
    keys = _keys(parent, tie)
    place = {key: number for number, key in enumerate(keys)}
    if len(place) < len(keys):
        raise RepeatedKeysError(tie[-1])
    found = np.array([place.get(key, -1) for key in _keys(rows, tie)], dtype=np.int64)
    missing = rows.get_column(tie[-1])
    return np.where(missing.is_null().to_numpy(), -1, found) if missing.null_count() else found


def _joined(rows: pl.DataFrame, tie: list[str], parent: pl.DataFrame) -> NDArray[np.int64]:
    """The same for many rows."""
    places = parent[tie].hstack([pl.Series(PARENT, np.arange(parent.height))])
    found = rows[tie].join(places, on=tie, how="left", maintain_order="left").get_column(PARENT)
    if len(found) != rows.height:
        raise RepeatedKeysError(tie[-1])
    return found.to_numpy() if not found.null_count() else found.fill_null(-1).to_numpy()


def _keys(frame: pl.DataFrame, tie: list[str]) -> list[Any]:
    """Key of each row, with its owner where applications of several callers stand together."""
    if len(tie) == 1:
        return frame.get_column(tie[0]).to_list()
    return list(zip(*(frame.get_column(name).to_list() for name in tie), strict=True))


def _places(present: NDArray[np.uint32], parents: int) -> NDArray[np.intp] | None:
    """Place of each parent's group; None where each has its own, in order."""
    if len(present) == parents:
        return None
    places = np.full(parents, -1, dtype=np.intp)
    places[present] = np.arange(len(present))
    return places
