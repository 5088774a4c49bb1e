"""The features of a history, prepared for few rows: aggregates of groups of rows, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from operator import methodcaller
from typing import Any, ClassVar

import numpy as np
import polars as pl

from scorewright.features import aggregates, arrays
from scorewright.features.aggregates import Aggregate, Groups
from scorewright.features.arrays import HELD, Column
from scorewright.features.plan import CompiledTable, Projection
from scorewright.features.prepared import PARENT, PASSED, RowProgram, Rows, planned, written
from scorewright.features.program import Reader, Sheet, UnknownPartError
from scorewright.features.rewriting import ZERO
from scorewright.features.single import Gathered, group_function
from scorewright.features.writing import COUNTED

#: So many aggregates of single groups take as long as one query for all.
_MOST_SLICES = 150

_Options = tuple[Callable[[pl.Expr], pl.Expr], Callable[[pl.Series], Any]]
#: Aggregates by the name in Polars' plan, with their option: of groups, and of a series. They give the same bits, and
#: none of them minds rows without a value.
_AGGREGATES: Mapping[str, Callable[[Any], _Options]] = {
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
_FLOAT, _COUNT = pl.Float64(), pl.UInt32()
_ORDERED = frozenset({"median", "min", "max", "quantile"})
#: Aggregates that do not mind the order of their rows: what a FILTER leaves out may stand among them, empty.
_UNORDERED = frozenset({"median", "min", "max", "quantile", "n_unique"})


class GroupProgram:
    """The features of a history: derived columns of its rows, aggregates, and what is made of them for each group.

    Parameters
    ----------
    compiled : CompiledTable
        What to compute.
    types : mapping of str to polars.DataType
        Columns that are given.
    tame : collection of str
        Those that never hold NaN.
    """

    def __init__(self, compiled: CompiledTable, types: Mapping[str, pl.DataType], tame: Collection[str]) -> None:
        self._rows = RowProgram(types, compiled.stages, tame)
        rows = self._rows.sheet
        outputs = [p.expression for p in compiled.outputs]
        query = pl.LazyFrame(schema={**rows.types, PARENT: _COUNT}).group_by(PARENT, maintain_order=True)
        plan, nodes = planned(query.agg(outputs), "aggs")
        self.types = {p.name: plan.get_dtype(node) for p, node in zip(compiled.outputs, nodes, strict=True)}
        self._groups = Sheet({})
        self._aggregates: dict[int, Aggregate] = {}
        self._counts: dict[int, int | None] = {}
        self._passed: dict[int, pl.Expr] = {}
        self._taken: dict[str, tuple[int | None, pl.DataType]] = {}
        self._made: dict[str, int] = {}
        for projection, node in zip(compiled.outputs, nodes, strict=True):
            self._made[projection.name] = self._output(projection, plan, node)
        gathered = Gathered(self._counts, self._aggregates)
        made = list(self._made.values())
        #: The same as a function of the rows of one group, unless part of it is left to Polars.
        self.single = written(lambda: group_function(rows, self._groups, gathered, made, tame))

    def _output(self, projection: Projection, plan: Any, node: int) -> int:
        try:
            return GroupReader(self, self._rows.sheet, self._groups, plan).read(node)
        except UnknownPartError:
            for name in (ZERO, *projection.expression.meta.root_names()):
                self._taken[name] = self._rows.sheet.named.get(name), self._rows.sheet.types[name]
            slot = self._groups.other((PASSED, projection.name), self.types[projection.name])
            self._passed[slot] = projection.expression
            return slot

    def aggregate(self, name: str, option: Any, taken: tuple[int, str, pl.DataType], given: pl.DataType) -> int:
        """Aggregate a slot of the rows, which has a name and a type; give the slot of the aggregate."""
        inner, column, dtype = taken
        slot = self._groups.other((name, option, column), given)
        self._aggregates.setdefault(slot, Aggregate(name, option, inner, column, dtype, given))
        return slot

    def count(self, counted: int | None) -> int:
        """Count the rows in which a slot is true, or all; give the slot of the count."""
        slot = self._groups.other(("count", counted), _COUNT, COUNTED)
        self._counts.setdefault(slot, counted)
        return slot

    def run(self, rows: Rows, groups: Groups) -> dict[str, Column]:
        """Compute the features of each group of rows that stand together."""
        slots = self._rows.run(rows)
        made = self._groups.begin()
        for slot, column in self._counted(slots, groups).items():
            made[slot] = column
        sure = aggregates.computed(self._aggregates, slots, groups)
        left = {slot: each for slot, each in self._aggregates.items() if slot not in sure}
        for slot, column in (sure | self._left(rows, slots, groups, left)).items():
            made[slot] = column
        self._groups.run(made, 0, len(made))
        return {name: made[slot] for name, slot in self._made.items()}

    def _counted(self, slots: Sequence[Column], groups: Groups) -> dict[int, Column]:
        made: dict[int, Column] = {}
        truths = {slot: counted for slot, counted in self._counts.items() if counted is not None}
        if truths:
            columns = [arrays.broadcast(slots[counted], groups.rows)[0] for counted in truths.values()]
            made |= {slot: (row, None) for slot, row in zip(truths, groups.counts(columns), strict=True)}
        for slot in self._counts.keys() - truths.keys():
            made[slot] = groups.sizes.astype(np.uint32), None
        return made

    def _left(
        self, rows: Rows, slots: Sequence[Column], groups: Groups, left: Mapping[int, Aggregate]
    ) -> dict[int, Column]:
        """Let Polars compute what is left: group by group, or all in one query where that is shorter."""
        for each in left.values():
            if each.taken == _FLOAT and each.name in _ORDERED:
                aggregates.refuse_both_zeros(np.atleast_2d(slots[each.slot][0]))
        taken: dict[str, tuple[int | None, pl.DataType]] = {
            each.column: (each.slot if each.column.startswith(PASSED) else None, each.taken) for each in left.values()
        }
        if self._passed:
            taken |= self._taken
        if len(groups.starts) * len(left) > _MOST_SLICES or self._passed:
            return self._queried(rows.all_series(taken, slots), left, groups)
        series = rows.all_series(taken, slots) if taken else {}
        spans = list(zip(groups.starts.tolist(), groups.sizes.tolist(), strict=True))
        made = {}
        for slot, each in left.items():
            whole = _AGGREGATES[each.name](each.option)[1]
            listed = [whole(series[each.column].slice(*span)) for span in spans]
            made[slot] = arrays.from_list(listed, arrays.held_as(each.given))
        return made

    def _queried(
        self, series: Mapping[str, pl.Series], left: Mapping[int, Aggregate], groups: Groups
    ) -> dict[int, Column]:
        keyed = [*series.values(), pl.Series(PARENT, groups.places.astype(np.uint32)).set_sorted()]
        named = [
            _AGGREGATES[each.name](each.option)[0](pl.col(each.column)).alias(f"{PASSED}{slot}")
            for slot, each in left.items()
        ]
        queried = pl.DataFrame(keyed).group_by(PARENT, maintain_order=True).agg(*named, *self._passed.values())
        held = [arrays.held_as(self._groups.nodes[slot].dtype) for slot in (*left, *self._passed)]
        made = map(arrays.from_series, queried.get_columns()[1:], held)
        return dict(zip((*left, *self._passed), made, strict=True))


class GroupReader(Reader):
    """Reads outputs under GROUP BY: what stands within aggregates goes to the sheet of the rows."""

    def __init__(self, program: GroupProgram, rows: Sheet, groups: Sheet, plan: Any) -> None:
        super().__init__(groups, plan)
        self._program, self._rows, self._inner = program, rows, Reader(rows, plan)

    def _column(self, _: int, part: Any) -> int:
        raise UnknownPartError(f"{part.name} outside of an aggregate")

    def _length(self, _: int, __: Any) -> int:
        return self._program.count(None)

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
            return self._sheet.operation("SUM", arrays.unless_zero, [slot, known], self._type(node))
        return slot

    def _distinct(self, node: int, inner: int) -> int:
        part = self._plan.view_expression(inner)
        if type(part).__name__ != "Function" or part.function_data != ("drop_nulls",):
            raise UnknownPartError("n_unique")
        return self._program.aggregate("n_unique", None, self._input("n_unique", part.input[0]), self._type(node))

    def _counted(self, slot: int) -> int:
        if slot in self._rows.constants:
            raise UnknownPartError("a count of one value")
        return self._program.count(slot)

    def _input(self, name: str, node: int) -> tuple[int, str, pl.DataType]:
        """Give the slot, name and type of what is aggregated: a raw column as it is, or a computed one."""
        part, dtype = self._plan.view_expression(node), self._type(node)
        if type(part).__name__ == "Column" and part.name not in self._rows.named:
            return self._rows.column(part.name), str(part.name), dtype
        filtered = type(part).__name__ == "Filter" and name in _UNORDERED
        slot = self._inner.filtered(part) if filtered else self._inner.read(node)
        if dtype not in HELD or slot in self._rows.constants:
            raise UnknownPartError(dtype)
        return slot, f"{PASSED}{slot}", dtype

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
