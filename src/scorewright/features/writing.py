"""Write the operations of a sheet as Python over single values: for few rows, faster than arrays.

An operation on an array takes a microsecond or two, however short the array; one on a Python number a thirtieth of
that. The functions are written as source and compiled once. That is safe whatever the feature files hold: the source is
put together from the templates below and from names that are numbered here (``v12``, ``k3``). Names of columns, texts
and numbers never become source; constants are bound as arguments. What is written has no attribute access but the
``append`` of its own lists, no import, and none of Python's builtins at hand.

Missing is ``None``. Every template gives the value that Polars gives; where that depends on an order in which Polars
alone adds, `scorewright.features.numbers.UnsureError` is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from scorewright.features import numbers
from scorewright.features.program import Node, Sheet, UnknownPartError

_FLOAT, _BOOL = pl.Float64(), pl.Boolean()

#: Longer conditions are kept in a name of their own; shorter ones from the second time on, but for the shortest.
_LONG, _SHORT = 300, 24

_SIGNS = (("Plus", "+"), ("Minus", "-"))
#: Operations that are missing where an argument is.
_STRICT: Mapping[str, str] = {
    "Plus": "{0} + {1}",
    "Minus": "{0} - {1}",
    "Multiply": "{0} * {1}",
    **{f"{name} Int{bits}": f"wrapped({{0}} {sign} {{1}}, {2**bits})" for name, sign in _SIGNS for bits in (32, 64)},
    "TrueDivide": "({0} / {1} if {1} else divided({0}, {1}))",
    "fma": "{0} * {1} + {2}",
    "fms": "{0} * {1} - {2}",
    "fsm": "{0} - {1} * {2}",
    "abs": "absolute({0})",
    "floor": "floored({0})",
    "ceil": "ceiled({0})",
    "sqrt": "root({0})",
    "sign": "sign({0})",
    "exp": "exponential({0})",
    "log": "logarithm({0})",
    "pow": "power({0}, {1})",
    "TEXT": "text({0})",
}
_WHOLE_DIVISION = "divided(double({0}), double({1}))"

_PLAIN: Mapping[str, str] = {
    "Eq": "{0} == {1}",
    "NotEq": "{0} != {1}",
    "Lt": "{0} < {1}",
    "LtEq": "{0} <= {1}",
    "Gt": "{0} > {1}",
    "GtEq": "{0} >= {1}",
}
#: Polars orders NaN above every number, and equal to itself.
_TOTAL: Mapping[str, str] = {
    "Eq": "({0} == {1} or ({0} != {0} and {1} != {1}))",
    "NotEq": "not ({0} == {1} or ({0} != {0} and {1} != {1}))",
    "Lt": "({0} == {0} and not {0} >= {1})",
    "LtEq": "not ({1} == {1} and not {1} >= {0})",
    "Gt": "({1} == {1} and not {1} >= {0})",
    "GtEq": "not ({0} == {0} and not {0} >= {1})",
}
#: Operations that make no NaN of what is none.
_TAME = frozenset({"abs", "floor", "ceil", "sign", "exp", "coalesce", "CASE", "FILTER"})
_KEPT_NULL = frozenset({"coalesce", "max_horizontal", "min_horizontal"})

_BOUND: Mapping[str, Any] = {
    **{name: getattr(numbers, name) for name in ("divided", "floored", "ceiled", "root", "sign", "wrapped")},
    **{name: getattr(numbers, name) for name in ("exponential", "logarithm", "power")},
    **{name: getattr(numbers, name) for name in ("extreme", "quantile", "deviation", "distinct")},
    "absolute": abs,
    "length": len,
    "double": float,
    "whole": int,
    "text": str,
}


@dataclass
class Script:
    """Source that grows, and the constants that it is bound to."""

    bound: dict[str, Any] = field(default_factory=lambda: dict(_BOUND))
    lines: list[str] = field(default_factory=list)
    indent: str = "    "

    def line(self, text: str) -> None:
        """Add a line."""
        self.lines.append(f"{self.indent}{text}")

    def bind(self, value: Any) -> str:
        """Give a constant a name."""
        name = f"k{len(self.bound)}"
        self.bound[name] = value
        return name

    def function(self, argument: str) -> Callable[[Any], Any]:
        """Compile what was written, as a function of one argument."""
        source = "\n".join([f"def written({', '.join([argument, *self.bound])}):", *self.lines])
        space: dict[str, Any] = {"__builtins__": {}}
        exec(compile(source, "<features>", "exec"), space)  # noqa: S102 - see the module: nothing foreign is in it
        # Taken out: a model that refers to itself would outlive its swap (see `scorewright.flows.memory`).
        written = space.pop("written")
        written.__defaults__ = tuple(self.bound.values())
        made: Callable[[Any], Any] = written
        return made


class Writer:
    """Writes the slots of one sheet, each once, when something asks for it.

    Parameters
    ----------
    sheet : Sheet
        What to write.
    script : Script
        Where to write it.
    prefix : str
        First letters of the names, so that two sheets may share a script.
    tame : collection of str
        Columns that never hold NaN: the door empties it in raw ones.
    """

    def __init__(self, sheet: Sheet, script: Script, prefix: str, tame: Collection[str] = ()) -> None:
        self._sheet, self._script, self._prefix, self._tame = sheet, script, prefix, tame
        self._values: dict[int, str] = {}
        self._truths: dict[tuple[int, bool], str] = {}
        self._asked: set[tuple[int, bool]] = set()
        #: Columns that are read, and their names in the script.
        self.columns: dict[str, str] = {}
        self._nullable: dict[int, bool] = {}
        self._wild: dict[int, bool] = {}

    def give(self, slot: int, name: str) -> None:
        """Name a slot that is filled in from elsewhere."""
        self._values[slot] = name

    def value(self, slot: int) -> str:
        """Write a slot; give its name.

        Raises
        ------
        UnknownPartError
            It is not known here.
        """
        if slot not in self._values:
            text = self._text(slot, self._sheet.nodes[slot])
            name = f"{self._prefix}{slot}"
            if not text.isidentifier():
                self._script.line(f"{name} = {text}")
                text = name
            self._values[slot] = text
        return self._values[slot]

    def _text(self, slot: int, node: Node) -> str:
        if node.name == "constant":
            return self._script.bind(_typed(node))
        if node.name == "column":
            return self.columns.setdefault(str(node.value), f"{self._prefix}{slot}")
        if node.name in _TESTS:
            return self._three_valued(slot)
        if node.name in _KEPT_NULL:
            return self._first(slot, node)
        return self._computed(node)

    def _computed(self, node: Node) -> str:
        if node.name in {"CASE", "FILTER"}:
            return self._chosen(node)
        if node.name not in _STRICT and node.name not in {"CAST", "SUM"}:
            raise UnknownPartError(node.name)
        names = [self.value(each) for each in node.slots]
        if node.name == "SUM":
            return "{} if {} else None".format(*names)
        return self._guarded(node.slots, self._strict(node).format(*names))

    def _guarded(self, slots: Sequence[int], text: str) -> str:
        known = self._known(slots)
        return f"({text}) if {known} else None" if known else text

    def _known(self, slots: Sequence[int]) -> str:
        """Write that all have a value; nothing where they always have."""
        names = dict.fromkeys(self.value(slot) for slot in slots if self.nullable(slot))
        return " and ".join(f"{name} is not None" for name in names)

    def _strict(self, node: Node) -> str:
        have = self._sheet.nodes[node.slots[0]].dtype
        if node.name == "CAST":
            if node.dtype == _FLOAT:
                return "double({0})"
            return "whole({0})" if have == _BOOL else "{0}"
        return _WHOLE_DIVISION if node.name == "TrueDivide" and have != _FLOAT else _STRICT[node.name]

    def _chosen(self, node: Node) -> str:
        if node.name == "FILTER":
            column, condition = node.slots
            return f"{self.value(column)} if {self.truth(condition)} else None"
        condition, then, otherwise = node.slots
        chosen, other = self.value(then), self.value(otherwise)
        return f"{chosen} if {self.truth(condition)} else {other}"

    def _first(self, slot: int, node: Node) -> str:
        """COALESCE, GREATEST and LEAST."""
        if node.name == "coalesce":
            names = [self.value(each) for each in node.slots]
            text = names[-1]
            for name in reversed(names[:-1]):
                text = f"({name} if {name} is not None else {text})"
            return text
        better = ">" if node.name == "max_horizontal" else "<"
        text = self.value(node.slots[0])
        for turn, each in enumerate(node.slots[1:]):
            other, name = self.value(each), f"{self._prefix}{slot}_{turn}"
            self._script.line(
                f"{name} = {other} if {text} is None else {text} if {other} is None or {other} != {other} "
                f"or {text} {better} {other} else {other}"
            )
            text = name
        return text

    def _three_valued(self, slot: int) -> str:
        true = self.truth(slot)
        if not self.nullable(slot):
            return true
        return f"True if {true} else False if {self.truth(slot, wanted=False)} else None"

    def truth(self, slot: int, *, wanted: bool = True) -> str:
        """Write whether a boolean is known to be true, or to be false."""
        form = slot, wanted
        text = self._truths.get(form)
        if text is None:
            text = self._condition(slot, self._sheet.nodes[slot], wanted=wanted)
        if len(text) > _LONG or (form in self._asked and len(text) > _SHORT):
            name = f"{self._prefix}{slot}{'t' if wanted else 'f'}"
            self._script.line(f"{name} = {text}")
            text = name
        self._asked.add(form)
        self._truths[form] = text
        return text

    def _condition(self, slot: int, node: Node, *, wanted: bool) -> str:
        name, slots = node.name, node.slots
        if slot in self._values or name not in _TESTS:
            return f"{self.value(slot)} is {wanted}"
        if name in {"And", "Or"}:
            joint = "and" if (name == "And") == wanted else "or"
            return f"({self.truth(slots[0], wanted=wanted)} {joint} {self.truth(slots[1], wanted=wanted)})"
        if name == "Not":
            return self.truth(slots[0], wanted=not wanted)
        if name in {"IsNull", "IsNotNull"}:
            return self._presence(slots[0], missing=(name == "IsNull") == wanted)
        text = self._test(node)
        return self._sure(slots, text if wanted else f"not ({text})")

    def _presence(self, slot: int, *, missing: bool) -> str:
        inner = self._sheet.nodes[slot]
        if inner.name == "FILTER":
            column, condition = inner.slots
            text = f"({self._presence(column, missing=False)} and {self.truth(condition)})"
            return f"not {text}" if missing else text
        if not self.nullable(slot):
            return str(not missing)
        return f"{self.value(slot)} is {'' if missing else 'not '}None"

    def _sure(self, slots: Sequence[int], text: str) -> str:
        known = self._known(slots)
        return f"({known} and {text})" if known else f"({text})"

    def _test(self, node: Node) -> str:
        names = [self.value(each) for each in node.slots]
        if node.name == "IsIn":
            return f"{names[0]} in {self._script.bind(node.value)}"
        if node.name == "StartsWith":
            return f"{names[0]}[:{len(node.value)}] == {self._script.bind(node.value)}"
        wild = any(self.wild(each) for each in node.slots)
        return (_TOTAL if wild else _PLAIN)[node.name].format(*names)

    def nullable(self, slot: int) -> bool:
        """Whether a value may be missing."""
        if slot not in self._nullable:
            self._nullable[slot] = self._may_be_null(self._sheet.nodes[slot])
        return self._nullable[slot]

    def _may_be_null(self, node: Node) -> bool:
        if node.name in {"column", "given", "FILTER", "SUM"}:
            return node.name != "given" or node.value != COUNTED
        if node.name == "constant":
            return node.value is None
        if node.name in {"IsNull", "IsNotNull"}:
            return False
        if node.name in _KEPT_NULL:
            return all(self.nullable(each) for each in node.slots)
        return any(self.nullable(each) for each in (node.slots[1:] if node.name == "CASE" else node.slots))

    def wild(self, slot: int) -> bool:
        """Whether a value may be NaN."""
        if slot not in self._wild:
            node = self._sheet.nodes[slot]
            self._wild[slot] = node.dtype == _FLOAT and self._may_be_nan(node)
        return self._wild[slot]

    def _may_be_nan(self, node: Node) -> bool:
        if node.name == "constant":
            return numbers.is_nan(node.value)
        if node.name in _TAME:
            slots = node.slots[1:] if node.name == "CASE" else node.slots[:1] if node.name == "FILTER" else node.slots
            return any(self.wild(each) for each in slots)
        return node.name != "CAST" and not (node.name == "column" and node.value in self._tame)


def _typed(node: Node) -> Any:
    """Give a constant the type of its slot: Polars' plan writes a whole number where a double is meant."""
    return float(node.value) if node.dtype == _FLOAT and node.value is not None else node.value


#: Marks a slot that holds a number of rows, and is never missing.
COUNTED = "counted"
_TESTS = frozenset({"And", "Or", "Not", "IsNull", "IsNotNull", "IsIn", "StartsWith", *_PLAIN})
