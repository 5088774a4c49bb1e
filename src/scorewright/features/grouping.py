"""The features of a history, prepared for few rows: aggregates of groups of rows, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.features import arrays
from scorewright.features.arrays import HELD, Column
from scorewright.features.plan import CompiledTable, Projection
from scorewright.features.prepared import PARENT, PASSED, RowProgram, Rows, planned
from scorewright.features.program import Reader, Sheet, UnknownPartError
from scorewright.features.rewriting import ZERO

#: So many aggregates of single groups take as long as one query for all.
_MOST_SLICES = 150


@dataclass(frozen=True)
class Aggregate:
    """One aggregate that Polars computes: of groups, or of all rows at once; they give the same bits.

    Parameters
    ----------
    column : str
        What is aggregated.
    grouped : polars.Expr
        The aggregate of each group.
    whole : callable
        The same of a series.
    held : numpy.dtype
        How its values are held.
    """

    column: str
    grouped: pl.Expr
    whole: Callable[[pl.Series], Any]
    held: np.dtype[Any]


_Aggregates = Mapping[str, Callable[[Any], tuple[Callable[[pl.Expr], pl.Expr], Callable[[pl.Series], Any]]]]

#: Aggregates by the name in Polars' plan, with their option. None of them minds rows without a value.
_AGGREGATES: _Aggregates = {
    "sum": lambda _: (pl.Expr.sum, pl.Series.sum),
    "mean": lambda _: (pl.Expr.mean, pl.Series.mean),
    "median": lambda _: (pl.Expr.median, pl.Series.median),
    "min": lambda _: (pl.Expr.min, pl.Series.min),
    "max": lambda _: (pl.Expr.max, pl.Series.max),
    "std": lambda ddof: (methodcaller("std", ddof), methodcaller("std", ddof)),
    "var": lambda ddof: (methodcaller("var", ddof), methodcaller("var", ddof)),
    "quantile": lambda level: (methodcaller("quantile", level, "linear"), methodcaller("quantile", level, "linear")),
    "n_unique": lambda _: (lambda each: each.drop_nulls().n_unique(), lambda each: each.n_unique() - each.has_nulls()),
}
_FLOAT = pl.Float64()
_UNORDERED = frozenset({"median", "min", "max", "quantile", "n_unique"})


class GroupProgram:
    """The features of a history: derived columns of its rows, aggregates, and what is made of them for each group.

    Parameters
    ----------
    compiled : CompiledTable
        What to compute.
    types : mapping of str to polars.DataType
        Columns that are given.
    """

    def __init__(self, compiled: CompiledTable, types: Mapping[str, pl.DataType]) -> None:
        self._rows = RowProgram(types, compiled.stages)
        rows = self._rows.sheet
        outputs = [p.expression for p in compiled.outputs]
        query = pl.LazyFrame(schema={**rows.types, PARENT: pl.UInt32()}).group_by(PARENT, maintain_order=True)
        plan, nodes = planned(query.agg(outputs), "aggs")
        self.types = {p.name: plan.get_dtype(node) for p, node in zip(compiled.outputs, nodes, strict=True)}
        self._groups = Sheet({})
        self._aggregates: dict[int, Aggregate] = {}
        self._passed: dict[int, pl.Expr] = {}
        self._held: list[np.dtype[Any]] = []
        self._native: dict[int, Native] = {}
        self._doubles: dict[str, int] = {}
        self._others: dict[str, tuple[int | None, pl.DataType]] = {}
        self._made: dict[str, int] = {}
        for projection, node in zip(compiled.outputs, nodes, strict=True):
            self._made[projection.name] = self._output(projection, plan, node)

    def _output(self, projection: Projection, plan: Any, node: int) -> int:
        try:
            return GroupReader(self, self._rows.sheet, self._groups, plan).read(node)
        except UnknownPartError:
            for name in (ZERO, *projection.expression.meta.root_names()):
                self.takes(name, self._rows.sheet.named.get(name), self._rows.sheet.types[name])
            slot = self._groups.add((PASSED, projection.name), None)
            self._passed[slot] = projection.expression
            self._held.append(arrays.held_as(self.types[projection.name]))
            return slot

    def takes(self, name: str, slot: int | None, dtype: pl.DataType) -> None:
        """Hand a column to Polars when groups are aggregated."""
        if slot is not None and dtype == _FLOAT:
            self._doubles[name] = slot
        else:
            self._others[name] = (slot, dtype)

    def aggregate(self, name: str, option: Any, column: str, dtype: pl.DataType) -> int:
        """Let Polars aggregate a column; give the slot."""
        slot = self._groups.add((name, option, column), None)
        grouped, whole = _AGGREGATES[name](option)
        expression = grouped(pl.col(column)).alias(f"{PASSED}{slot}")
        self._aggregates.setdefault(slot, Aggregate(column, expression, whole, arrays.held_as(dtype)))
        return slot

    def native(self, key: Any, count: Native) -> int:
        """Count; give the slot."""
        slot = self._groups.add(("count", key), None)
        self._native.setdefault(slot, count)
        return slot

    def run(self, rows: Rows, parents: NDArray[np.uint32]) -> tuple[dict[str, Column], NDArray[np.uint32]]:
        """Compute the features of each group of rows that stand together; give them, and the groups' parents."""
        slots = self._rows.run(rows)
        starts = np.flatnonzero(np.diff(parents, prepend=parents[:1] + 1))
        groups = self._groups.begin()
        for slot, count in self._native.items():
            groups[slot] = count(slots, rows.height, starts)
        single = len(starts) * len(self._aggregates) <= _MOST_SLICES and not self._passed
        made = self._sliced(rows, slots, starts) if single else self._queried(rows, slots, parents)
        for slot, column in made.items():
            groups[slot] = column
        self._groups.run(groups, 0, len(groups))
        return {name: groups[slot] for name, slot in self._made.items()}, parents[starts]

    def _sliced(self, rows: Rows, slots: Sequence[Column], starts: NDArray[np.intp]) -> dict[int, Column]:
        """Aggregate each group by itself: without a query, which would take longer than a few aggregates."""
        series, ends = self._series(rows, slots), [*starts[1:].tolist(), rows.height]
        spans = [(start, end - start) for start, end in zip(starts.tolist(), ends, strict=True)]
        return {
            slot: arrays.from_list([each.whole(series[each.column].slice(*span)) for span in spans], each.held)
            for slot, each in self._aggregates.items()
        }

    def _queried(self, rows: Rows, slots: Sequence[Column], parents: NDArray[np.uint32]) -> dict[int, Column]:
        """Aggregate all groups in one query."""
        keyed = [*self._series(rows, slots).values(), pl.Series(PARENT, parents).set_sorted()]
        named = [each.grouped for each in self._aggregates.values()]
        queried = pl.DataFrame(keyed).group_by(PARENT, maintain_order=True).agg(*named, *self._passed.values())
        held = [*(each.held for each in self._aggregates.values()), *self._held]
        made = map(arrays.from_series, queried.get_columns()[1:], held)
        return dict(zip([*self._aggregates, *self._passed], made, strict=True))

    def _series(self, rows: Rows, slots: Sequence[Column]) -> dict[str, pl.Series]:
        """What is aggregated, as Polars has it."""
        made = arrays.to_doubles({name: slots[slot] for name, slot in self._doubles.items()}, rows.height)
        for name, (slot, dtype) in self._others.items():
            made[name] = rows.series(name) if slot is None else arrays.to_series(name, slots[slot], dtype, rows.height)
        return made


Native = Callable[[Sequence[Column], int, NDArray[np.intp]], Column]


class GroupReader(Reader):
    """Reads outputs under GROUP BY: what stands within aggregates goes to the sheet of the rows."""

    def __init__(self, program: GroupProgram, rows: Sheet, groups: Sheet, plan: Any) -> None:
        super().__init__(groups, plan)
        self._program, self._rows, self._inner = program, rows, Reader(rows, plan)

    def _column(self, _: int, part: Any) -> int:
        raise UnknownPartError(f"{part.name} outside of an aggregate")

    def _length(self, _: int, __: Any) -> int:
        def count(_: Sequence[Column], rows: int, starts: NDArray[np.intp]) -> Column:
            return np.diff(starts, append=rows).astype(np.uint32), None

        return self._program.native("*", count)

    def _aggregated(self, node: int, part: Any) -> int:
        name, inner = part.name, part.arguments[0]
        if name == "count" and part.options is False:
            return self._counted(self._inner.known(inner))
        if name == "sum" and self._type(inner) == pl.Boolean():
            return self._counted(self._inner.read(inner))
        if name == "n_unique":
            return self._distinct(node, inner)
        if name not in _AGGREGATES or name == "quantile":
            raise UnknownPartError(name)
        option = part.options if name in {"std", "var"} else None
        slot = self._program.aggregate(name, option, self._input(name, inner), self._type(node))
        if name == "sum" and part.options:
            # In SQL the sum of nothing is null.
            known = self._counted(self._inner.known(inner))
            return self._sheet.operation("SUM", arrays.unless_zero, [slot, known])
        return slot

    def _distinct(self, node: int, inner: int) -> int:
        part = self._plan.view_expression(inner)
        if type(part).__name__ != "Function" or part.function_data != ("drop_nulls",):
            raise UnknownPartError("n_unique")
        return self._program.aggregate("n_unique", None, self._input("n_unique", part.input[0]), self._type(node))

    def _counted(self, slot: int) -> int:
        if slot in self._rows.constants:
            raise UnknownPartError("a count of one value")

        def count(slots: Sequence[Column], rows: int, starts: NDArray[np.intp]) -> Column:
            truth = arrays.broadcast(slots[slot], rows)[0]
            return np.add.reduceat(truth.astype(np.uint32), starts, dtype=np.uint32), None

        return self._program.native(slot, count)

    def _input(self, name: str, node: int) -> str:
        """Name what is aggregated: a raw column as it is, or a computed one."""
        part = self._plan.view_expression(node)
        if type(part).__name__ == "Filter" and name in _UNORDERED:
            return self._handed(self._inner.filtered(part), self._type(node))
        if type(part).__name__ == "Column" and part.name not in self._rows.named:
            self._program.takes(part.name, None, self._type(node))
            return str(part.name)
        return self._handed(self._inner.read(node), self._type(node))

    def _handed(self, slot: int, dtype: pl.DataType) -> str:
        if dtype not in HELD or slot in self._rows.constants:
            raise UnknownPartError(dtype)
        name = f"{PASSED}{slot}"
        self._program.takes(name, slot, dtype)
        return name

    def _function(self, node: int, part: Any) -> int:
        name, *more = part.function_data
        if name == "quantile" and more == ["linear"]:
            level = self._plan.view_expression(part.input[1]).value
            return self._program.aggregate(name, level, self._input(name, part.input[0]), self._type(node))
        return super()._function(node, part)

    READERS: ClassVar[Mapping[str, Callable[[Any, int, Any], int]]] = {
        **Reader.READERS,
        "Column": _column,
        "Function": _function,
        "Len": _length,
        "Agg": _aggregated,
    }
