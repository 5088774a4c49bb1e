"""Expressions that Polars has planned once, to be run on few rows without being planned again.

Polars plans every query anew: it types each expression, checks it, and builds what will run. For one application that
takes ten times as long as the arithmetic. Here Polars' own typed plan is read once, equal parts are shared, and what
IEEE arithmetic defines to the last bit runs on arrays (`scorewright.features.arrays`) or, for fewer rows still, on
single values (`scorewright.features.writing`). Whatever is not known here is run by Polars as it was compiled: nothing
is defined twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, ClassVar

import numpy as np
import polars as pl

from scorewright.features import arrays
from scorewright.features.arrays import HELD, Column, Operation
from scorewright.features.numbers import CHECKED, FROM_LIBM, as_in_polars

_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "Plus": np.add,
    "Minus": np.subtract,
    "Multiply": np.multiply,
    "TrueDivide": np.divide,
}
_SHAPED: Mapping[str, Operation] = {
    **{name: arrays.same_shape(getattr(np, name)) for name in ("abs", "floor", "ceil", "sqrt")},
    # Zero keeps its sign.
    "sign": arrays.same_shape(lambda values: np.where(values == 0.0, values, np.sign(values))),
}
_BEST: Mapping[str, Operation] = {
    "max_horizontal": arrays.best_of(np.greater),
    "min_horizontal": arrays.best_of(np.less),
}
_ANY: Mapping[str, Operation] = dict.fromkeys(("coalesce", "fill_null"), arrays.first_known)
#: Functions of doubles.
_DOUBLES: Mapping[str, Operation] = {
    **{name: arrays.each_value(*functions) for name, functions in FROM_LIBM.items()},
    "fma": arrays.arithmetic(lambda a, b, c: a * b + c),
    "fms": arrays.arithmetic(lambda a, b, c: a * b - c),
    "fsm": arrays.arithmetic(lambda a, b, c: a - b * c),
    **_SHAPED,
    **_BEST,
    **_ANY,
}
_BOOLEAN: Mapping[str, Operation] = {
    "IsNull": arrays.is_null,
    "IsNotNull": arrays.is_known,
    "Not": arrays.not_true,
}
_FLOAT, _BOOL = pl.Float64(), pl.Boolean()
#: Whole numbers that are added and subtracted; beyond their ends they go on from the other.
_WHOLE = frozenset({pl.Int32(), pl.Int64()})


class UnknownPartError(Exception):
    """A part of a plan that only Polars runs."""


@dataclass(frozen=True)
class Step:
    """One operation on arrays: what it is, and the slots of its arguments."""

    run: Operation
    arguments: Callable[[Sequence[Column]], tuple[Column, ...]] | int


@dataclass(frozen=True)
class Node:
    """What a slot holds.

    Parameters
    ----------
    name : str
        Operation; ``"column"``, ``"constant"``, or ``"given"`` for what is filled in from elsewhere.
    slots : tuple of int
        Its arguments.
    dtype : polars.DataType
        Type of its values.
    value : Any
        The column's name, the constant, the choices of ``"IsIn"``, or the beginning for ``"StartsWith"``.
    """

    name: str
    slots: tuple[int, ...]
    dtype: pl.DataType
    value: Any = None


@dataclass
class Sheet:
    """Steps that are gathered, equal ones once; the slot of a step is its position.

    Parameters
    ----------
    types : dict of str to polars.DataType
        Columns that may be named.
    named : dict of str to int
        Slots of columns that steps compute.
    given : dict of int to str
        Slots that are filled before the steps run, by column.
    steps : list of Step or None
        None where a slot is not filled by a step.
    nodes : list of Node
        What each slot holds.
    kept : dict of int to Column
        Slots that hold one value for all rows.
    constants : set of int
        These slots, and those made of nothing else.
    """

    types: dict[str, pl.DataType]
    named: dict[str, int] = field(default_factory=dict)
    given: dict[int, str] = field(default_factory=dict)
    steps: list[Step | None] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    kept: dict[int, Column] = field(default_factory=dict)
    constants: set[int] = field(default_factory=set)
    _known: dict[Any, int] = field(default_factory=dict)

    def add(self, key: Any, node: Node, run: Operation | None = None) -> int:
        """Add a slot unless an equal one is there; give its number."""
        if key not in self._known:
            self._known[key] = len(self.steps)
            where = node.slots[0] if len(node.slots) == 1 else itemgetter(*node.slots) if node.slots else -1
            self.steps.append(None if run is None else Step(run, where))
            self.nodes.append(node)
        return self._known[key]

    def operation(self, name: str, run: Operation, slots: Sequence[int], dtype: pl.DataType, value: Any = None) -> int:
        """Add an operation on slots."""
        slot = self.add((name, str(dtype), value, *slots), Node(name, tuple(slots), dtype, value), run)
        if self.constants.issuperset(slots):
            self.constants.add(slot)
        return slot

    def constant(self, value: Any, dtype: pl.DataType) -> int:
        """Add one value for all rows."""
        slot = self.add(("constant", repr(value), str(dtype)), Node("constant", (), dtype, value))
        self.kept[slot] = arrays.constant(value, dtype)
        self.constants.add(slot)
        return slot

    def other(self, key: Any, dtype: pl.DataType, value: Any = None) -> int:
        """Add a slot that is filled in from elsewhere."""
        return self.add(key, Node("given", (), dtype, value))

    def column(self, name: str) -> int:
        """Name a column: one that was computed, or one that will be given."""
        if name in self.named:
            return self.named[name]
        slot = self.add(("column", name), Node("column", (), self.types[name], name))
        self.given[slot] = name
        return slot

    def begin(self) -> list[Column]:
        """Lay out the slots before a run."""
        blank: list[Any] = [None] * len(self.steps)
        for slot, column in self.kept.items():
            blank[slot] = column
        return blank

    def run(self, slots: list[Column], start: int, stop: int) -> None:
        """Fill the slots of some steps."""
        for slot in range(start, stop):
            step = self.steps[slot]
            if step is not None:
                where = step.arguments
                slots[slot] = step.run(slots[where]) if isinstance(where, int) else step.run(*where(slots))


class Reader:
    """Reads the plan of expressions over the columns of a sheet into its steps.

    Parameters
    ----------
    sheet : Sheet
        Where the steps go.
    plan : Any
        Polars' plan, placed at the input of the expressions.
    """

    def __init__(self, sheet: Sheet, plan: Any) -> None:
        self._sheet, self._plan = sheet, plan

    def read(self, node: int) -> int:
        """Read an expression; give its slot.

        Raises
        ------
        UnknownPartError
            Only Polars runs it.
        """
        part = self._plan.view_expression(node)
        reader = self.READERS.get(type(part).__name__)
        if reader is None:
            raise UnknownPartError(type(part).__name__)
        return reader(self, node, part)

    def filtered(self, part: Any) -> int:
        """Read a FILTER: the rows it leaves out have no value."""
        slots = [self.read(part.input), self.read(part.by)]
        return self._sheet.operation("FILTER", arrays.where_true, slots, self._sheet.nodes[slots[0]].dtype)

    def known(self, node: int) -> int:
        """Read whether an expression, filtered or not, has a value."""
        part = self._plan.view_expression(node)
        slot = self.filtered(part) if type(part).__name__ == "Filter" else self.read(node)
        return self._sheet.operation("IsNotNull", arrays.is_known, [slot], _BOOL)

    def _type(self, node: int) -> pl.DataType:
        found: pl.DataType = self._plan.get_dtype(node)
        return found

    def _column(self, _: int, part: Any) -> int:
        return self._sheet.column(part.name)

    def _literal(self, node: int, part: Any) -> int:
        dtype = self._type(node)
        if dtype not in HELD and dtype not in {pl.String(), pl.Null()}:
            raise UnknownPartError(dtype)
        return self._sheet.constant(part.value, dtype)

    def _binary(self, _: int, part: Any) -> int:
        name = str(part.op).rpartition(".")[2]
        types = self._type(part.left), self._type(part.right)
        slots = self.read(part.left), self.read(part.right)
        if name in {"And", "Or"} and set(types) == {_BOOL}:
            run = arrays.both_true if name == "And" else arrays.either_true
            return self._sheet.operation(name, run, slots, _BOOL)
        if name in arrays.PLAIN:
            return self._comparison(name, part, types, slots)
        if name in {"Plus", "Minus"} and types[0] == types[1] and types[0] in _WHOLE:
            return self._sheet.operation(f"{name} {types[0]}", arrays.arithmetic(_ARITHMETIC[name]), slots, types[0])
        # Polars divides by one number for all rows by multiplying with its reciprocal.
        reciprocal = name == "TrueDivide" and type(self._plan.view_expression(part.right)).__name__ == "Literal"
        whole = name == "TrueDivide" and set(types) == {pl.Int64()}
        if name not in _ARITHMETIC or reciprocal or not (set(types) == {_FLOAT} or whole):
            raise UnknownPartError(name)
        return self._sheet.operation(name, arrays.arithmetic(_ARITHMETIC[name]), slots, _FLOAT)

    def _comparison(self, name: str, part: Any, types: tuple[pl.DataType, pl.DataType], slots: tuple[int, int]) -> int:
        if types[0] != types[1] or (types[0] not in HELD and (types[0] != pl.String() or name not in {"Eq", "NotEq"})):
            raise UnknownPartError(name)
        table = arrays.PLAIN
        if types[0] == _FLOAT:
            right = self._plan.view_expression(part.right)
            number = type(right).__name__ == "Literal" and right.value is not None and right.value == right.value
            table = arrays.TOTAL_NUMBER if number else arrays.TOTAL
        return self._sheet.operation(name, arrays.comparison(table[name]), slots, _BOOL)

    def _ternary(self, node: int, part: Any) -> int:
        slots = [self.read(child) for child in (part.predicate, part.truthy, part.falsy)]
        if len({self._type(part.truthy), self._type(part.falsy)}) != 1:
            raise UnknownPartError("CASE")
        return self._sheet.operation("CASE", arrays.choose, slots, self._type(node))

    def _cast(self, node: int, part: Any) -> int:
        to, inner = self._type(node), self._plan.view_expression(part.expr)
        if type(inner).__name__ == "Literal" and inner.value is None:
            return self._sheet.constant(None, to)
        have, slot = self._type(part.expr), self.read(part.expr)
        if have == to:
            return slot
        if have in _WHOLE and to == pl.String():
            return self._sheet.operation("TEXT", arrays.written, [slot], to)
        if have not in HELD or to not in HELD or have == _FLOAT or to == _BOOL or to == pl.UInt32():
            raise UnknownPartError(f"{have} to {to}")
        return self._sheet.operation("CAST", arrays.convert(HELD[to]), [slot], to)

    def _function(self, node: int, part: Any) -> int:
        name, *more = part.function_data
        name = str(name).rpartition(".")[2]
        if name == "IsIn":
            return self._one_of(part)
        if name == "StartsWith":
            return self._starts(part)
        if name == "fused":
            # A product and a sum in one: Polars rounds both.
            name, *more = more
        inputs = self._inputs(name, part)
        types = [self._type(each) for each in inputs]
        run = None if more and name not in _BOOLEAN else _lifted(name, types)
        if run is None:
            raise UnknownPartError(name)
        slots = [self.read(each) for each in inputs]
        return self._sheet.operation("coalesce" if name == "fill_null" else name, run, slots, self._type(node))

    def _inputs(self, name: str, part: Any) -> list[int]:
        """Arguments of a function. Polars' logarithm has a base, which here is that of the natural one."""
        inputs = list(part.input)
        if name == "log":
            base = self._plan.view_expression(inputs.pop())
            if type(base).__name__ != "Literal" or base.value != math.e:
                raise UnknownPartError(name)
        # By one number for all rows Polars multiplies, in an order of its own.
        if name == "pow" and any(type(self._plan.view_expression(each)).__name__ == "Literal" for each in inputs):
            raise UnknownPartError(name)
        return inputs

    def _starts(self, part: Any) -> int:
        prefix = self._plan.view_expression(part.input[1])
        if type(prefix).__name__ != "Literal" or not isinstance(prefix.value, str):
            raise UnknownPartError("StartsWith")
        slots = [self.read(part.input[0])]
        return self._sheet.operation("StartsWith", arrays.starting(prefix.value), slots, _BOOL, prefix.value)

    def _one_of(self, part: Any) -> int:
        column, choices = part.input
        listed = self._plan.view_expression(choices)
        if self._type(column) != pl.String() or type(listed).__name__ != "Literal" or part.function_data[1]:
            raise UnknownPartError("IsIn")
        among = frozenset(pl.Series._from_pyseries(listed.value).explode().to_list())  # noqa: SLF001 - no public way
        return self._sheet.operation("IsIn", arrays.one_of(among), [self.read(column)], _BOOL, among)

    READERS: ClassVar[Mapping[str, Callable[[Any, int, Any], int]]] = {
        "Column": _column,
        "Literal": _literal,
        "BinaryExpr": _binary,
        "Ternary": _ternary,
        "Cast": _cast,
        "Function": _function,
    }


def _lifted(name: str, types: Sequence[pl.DataType]) -> Operation | None:
    """Find a function for arguments of such types; None where only Polars runs it."""
    if name in _BOOLEAN:
        return _BOOLEAN[name]
    if len(set(types)) != 1:
        return None
    if types[0] == _FLOAT and (name not in CHECKED or as_in_polars(name)):
        return _DOUBLES.get(name)
    return _ANY.get(name) or (_BEST.get(name) if types[0] == pl.Int64() else None)
