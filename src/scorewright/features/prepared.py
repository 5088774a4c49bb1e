"""Expressions over the rows of one table, prepared for few rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from scorewright.features import arrays
from scorewright.features.arrays import Column
from scorewright.features.plan import Projection
from scorewright.features.program import Reader, Sheet, UnknownPartError
from scorewright.features.rewriting import ZERO

#: Position of the parent's row; it cannot clash with a raw column, which SQL could not name.
PARENT = "\x00parent"
PASSED = "\x00passed "
_FEW = 100


class Rows:
    """Rows of one table: raw columns as Polars has them, and those that were computed for them.

    Parameters
    ----------
    frame : DataFrame, n rows
        Raw columns.
    more : mapping of str to Column
        Computed columns: features of histories.
    types : mapping of str to polars.DataType
        Types of all.
    held : mapping of str to numpy.dtype
        How values of each are held: looking types up by Polars' own takes long.
    """

    def __init__(
        self,
        frame: pl.DataFrame,
        more: Mapping[str, Column],
        types: Mapping[str, pl.DataType],
        held: Mapping[str, np.dtype[Any]],
    ) -> None:
        self.frame, self.height, self._more, self._types, self._held = frame, frame.height, more, types, held
        self._listed: dict[str, tuple[Any, ...]] = {}

    def expect(self, names: Sequence[str]) -> None:
        """Read columns beforehand: few rows are read faster row by row than each column by itself."""
        raw = [name for name in names if name not in self._more and name != ZERO]
        if raw and 0 < self.height <= _FEW:
            self._listed = dict(zip(raw, zip(*self.frame[raw].rows(), strict=True), strict=True))

    def column(self, name: str) -> Column:
        """Give a column as an array."""
        if name == ZERO:
            return np.zeros(self.height), None
        if name in self._more:
            return self._more[name]
        if name in self._listed:
            return arrays.from_list(self._listed[name], self._held[name])
        return arrays.from_series(self.frame.get_column(name), self._held[name])

    def series(self, name: str) -> pl.Series:
        """Give a column as Polars has it."""
        if name in self._more or name == ZERO:
            return arrays.to_series(name, self.column(name), self._types[name], self.height)
        return self.frame.get_column(name)


@dataclass(frozen=True)
class Passed:
    """Expressions that are left to Polars: what they read from the sheet, and the slots of what they give."""

    expressions: tuple[pl.Expr, ...]
    reads: tuple[tuple[str, int | None, pl.DataType], ...]
    slots: tuple[int, ...]
    held: tuple[np.dtype[Any], ...]

    def frame(self, rows: Rows, slots: Sequence[Column]) -> pl.DataFrame:
        """Lay out what the expressions read."""
        return pl.DataFrame(
            [
                rows.series(name) if slot is None else arrays.to_series(name, slots[slot], dtype, rows.height)
                for name, slot, dtype in self.reads
            ]
        )


class RowProgram:
    """Expressions over the rows of one table, stage by stage.

    Parameters
    ----------
    types : mapping of str to polars.DataType
        Columns that are given.
    stages : sequence of sequences of Projection
        Expressions; each stage may name the columns of those before it.
    """

    def __init__(self, types: Mapping[str, pl.DataType], stages: Sequence[Sequence[Projection]]) -> None:
        self.sheet = Sheet(dict(types))
        self._parts: list[tuple[int, Passed]] = []
        for stage in filter(None, stages):
            self._stage(stage)

    def _stage(self, stage: Sequence[Projection]) -> None:
        expressions = [p.expression for p in stage]
        plan, nodes = planned(pl.LazyFrame(schema=self.sheet.types).select(expressions), "expr")
        made = {p.name: _read(self.sheet, plan, node) for p, node in zip(stage, nodes, strict=True)}
        types = {p.name: plan.get_dtype(node) for p, node in zip(stage, nodes, strict=True)}
        left = [p for p in stage if made[p.name] is None]
        if left:
            slots = tuple(self.sheet.add((PASSED, p.name), None) for p in left)
            held = tuple(arrays.held_as(types[p.name]) for p in left)
            self._parts.append((slots[0], _passed(self.sheet, [p.expression for p in left], slots, held)))
            made |= dict(zip((p.name for p in left), slots, strict=True))
        self.sheet.types |= types
        self.sheet.named |= {name: slot for name, slot in made.items() if slot is not None}

    def run(self, rows: Rows) -> list[Column]:
        """Compute every slot of the sheet."""
        slots, start = self.sheet.begin(), 0
        rows.expect(list(self.sheet.given.values()))
        for slot, name in self.sheet.given.items():
            slots[slot] = rows.column(name)
        for stop, part in self._parts:
            self.sheet.run(slots, start, stop)
            made = part.frame(rows, slots).select(part.expressions)
            for slot, series, held in zip(part.slots, made.get_columns(), part.held, strict=True):
                slots[slot] = arrays.from_series(series, held)
            start = stop
        self.sheet.run(slots, start, len(slots))
        return slots


def _passed(
    sheet: Sheet, expressions: Sequence[pl.Expr], slots: tuple[int, ...], held: tuple[np.dtype[Any], ...]
) -> Passed:
    """Leave expressions over the columns of a sheet to Polars."""
    names = dict.fromkeys([ZERO, *(name for each in expressions for name in each.meta.root_names())])
    reads = tuple((name, sheet.named.get(name), sheet.types[name]) for name in names)
    return Passed(tuple(expressions), reads, slots, held)


def planned(query: pl.LazyFrame, part: str) -> tuple[Any, list[int]]:
    """Let Polars plan a query; give its plan, placed at the input, and the nodes of its expressions."""
    # Polars gives its plan to engines, such as that for GPUs, in this way.
    plan: Any = query._ldf.with_optimizations(pl.QueryOptFlags._eager()._pyoptflags).visit()  # noqa: SLF001
    top = plan.view_current_node()
    plan.set_node(top.input)
    return plan, [each.node for each in getattr(top, part)]


def _read(sheet: Sheet, plan: Any, node: int) -> int | None:
    """Read an expression into a sheet, whole or not at all."""
    try:
        return Reader(sheet, plan).read(node)
    except UnknownPartError:
        return None
