"""Expressions over the rows of one table, prepared for few rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.features import arrays
from scorewright.features.arrays import Column
from scorewright.features.numbers import UnsureError, is_nan
from scorewright.features.plan import Projection
from scorewright.features.program import Reader, Sheet, UnknownPartError
from scorewright.features.rewriting import ZERO
from scorewright.features.single import Row, Single, row_function
from scorewright.tables.types import OWNER

#: Position of the parent's row; it cannot clash with a raw column, which SQL could not name.
PARENT = "\x00parent"
PASSED = "\x00passed "
_FLOAT = pl.Float64()

#: A computed column: an array with its mask, or a value for each row.
Values = Column | Sequence[Any]


class Raw(Protocol):
    """Raw rows of one table: a frame, or rows as they were posted."""

    @property
    def height(self) -> int:
        """Number of rows."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns."""
        ...

    @property
    def parents(self) -> Sequence[int] | None:
        """Position of the parent's row of each row, where it is known already and each row has one."""
        ...

    def listed(self, name: str) -> Sequence[Any]:
        """Give a column as a list of values, None where there is none."""
        ...

    def series(self, name: str) -> pl.Series:
        """Give a column as Polars has it."""
        ...


class FrameRows:
    """Raw rows that stand in a frame."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame, self.height, self.columns = frame, frame.height, frame.columns
        self.parents: Sequence[int] | None = None

    def listed(self, name: str) -> Sequence[Any]:
        """Give a column as a list; without NaN, which single values are not written for."""
        series = self._frame.get_column(name)
        values = series.to_list()
        if series.dtype == _FLOAT and any(map(is_nan, values)):
            raise UnsureError("NaN in a raw column")
        return values

    def series(self, name: str) -> pl.Series:
        """Give a column as Polars has it."""
        return self._frame.get_column(name)

    def array(self, name: str, held: np.dtype[Any]) -> Column:
        """Give a column as an array."""
        return arrays.from_series(self._frame.get_column(name), held)


class Rows:
    """Rows of one table: raw columns, and those that were computed for them.

    Parameters
    ----------
    raw : Raw
        Raw columns.
    more : mapping of str to Values
        Computed columns, in the order of the rows: features of histories.
    order : ndarray of intp, shape (n,), optional
        Raw rows that are meant, in order; all by default.
    types : mapping of str to polars.DataType
        Types of all.
    held : mapping of str to numpy.dtype
        How values of each are held: looking types up by Polars' own takes long.
    """

    def __init__(
        self,
        raw: Raw,
        more: Mapping[str, Values],
        order: NDArray[np.intp] | None,
        types: Mapping[str, pl.DataType],
        held: Mapping[str, np.dtype[Any]],
    ) -> None:
        self._raw, self._more, self._types, self._held, self.order = raw, more, types, held, order
        self.height = raw.height if order is None else len(order)

    def listed(self, name: str) -> Sequence[Any]:
        """Give a column as a list of values."""
        if name == ZERO:
            return [0.0] * self.height
        found = self._more.get(name)
        if found is not None:
            return as_list(found, self.height)
        values = self._raw.listed(name)
        return values if self.order is None else [values[row] for row in self.order.tolist()]

    def keys(self, on: str, *, shared: bool) -> Sequence[Any]:
        """Key of each row, with its owner where applications of several callers stand together."""
        return list(zip(self.listed(OWNER), self.listed(on), strict=True)) if shared else self.listed(on)

    def tuples(self, names: Sequence[str]) -> Sequence[Row]:
        """Give rows as tuples of columns."""
        if not names:
            return [()] * self.height
        return list(zip(*map(self.listed, names), strict=True))

    def column(self, name: str) -> Column:
        """Give a column as an array."""
        if name == ZERO:
            return np.zeros(self.height), None
        if name in self._more:
            return as_column(self._more[name], self._held[name])
        if isinstance(self._raw, FrameRows):
            values, valid = self._raw.array(name, self._held[name])
        else:
            values, valid = arrays.from_list(self._raw.listed(name), self._held[name])
        if self.order is None:
            return values, valid
        return values[self.order], None if valid is None else valid[self.order]

    def series(self, name: str) -> pl.Series:
        """Give a column as Polars has it."""
        if name in self._more or name == ZERO:
            return arrays.to_series(name, self.column(name), self._types[name], self.height)
        series = self._raw.series(name)
        return series if self.order is None else series.gather(self.order)

    def all_series(
        self, taken: Mapping[str, tuple[int | None, pl.DataType]], slots: Sequence[Column]
    ) -> dict[str, pl.Series]:
        """Give columns to Polars: given ones as they are, and those that slots hold."""
        doubles = {name: slots[slot] for name, (slot, dtype) in taken.items() if slot is not None and dtype == _FLOAT}
        made = arrays.to_doubles(doubles, self.height) if doubles else {}
        for name, (slot, dtype) in taken.items():
            if slot is None:
                made[name] = self.series(name)
            elif name not in made:
                made[name] = arrays.to_series(name, slots[slot], dtype, self.height)
        return made


def is_array(values: Values) -> TypeGuard[Column]:
    """Whether computed values are an array with its mask."""
    return bool(values) and values[0].__class__ is np.ndarray


def as_list(values: Values, rows: int) -> Sequence[Any]:
    """Give computed values as a list."""
    if not is_array(values):
        return values
    column, valid = arrays.broadcast(values, rows)
    listed: list[Any] = column.tolist()
    if valid is None:
        return listed
    return [value if known else None for value, known in zip(listed, valid.tolist(), strict=True)]


def as_column(values: Values, held: np.dtype[Any]) -> Column:
    """Give computed values as an array."""
    return values if is_array(values) else arrays.from_list(values, held)


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
    tame : collection of str
        Columns that never hold NaN.
    """

    def __init__(
        self, types: Mapping[str, pl.DataType], stages: Sequence[Sequence[Projection]], tame: Collection[str] = ()
    ) -> None:
        self.sheet = Sheet(dict(types))
        self._tame = tame
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
            slots = tuple(self.sheet.other((PASSED, p.name), types[p.name]) for p in left)
            held = tuple(arrays.held_as(types[p.name]) for p in left)
            self._parts.append((slots[0], _passed(self.sheet, [p.expression for p in left], slots, held)))
            made |= dict(zip((p.name for p in left), slots, strict=True))
        self.sheet.types |= types
        self.sheet.named |= {name: slot for name, slot in made.items() if slot is not None}

    def single(self, names: Sequence[str]) -> Single | None:
        """Write columns as a function of single rows, unless part of them is left to Polars."""
        return written(lambda: row_function(self.sheet, [self.sheet.column(name) for name in names], self._tame))

    def run(self, rows: Rows) -> list[Column]:
        """Compute every slot of the sheet."""
        slots, start = self.sheet.begin(), 0
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


def written(write: Callable[[], Single]) -> Single | None:
    """Write a function, or nothing where part of it is left to Polars."""
    try:
        return write()
    except UnknownPartError:
        return None


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
