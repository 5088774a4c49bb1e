"""Functions over single values, written for the rows of one table or for one group of them (see `writing`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scorewright.features.aggregates import NUMBERS, Aggregate
from scorewright.features.program import Sheet, UnknownPartError
from scorewright.features.writing import Script, Writer

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Single:
    """A written function.

    Parameters
    ----------
    columns : tuple of str
        Columns that it reads.
    run : callable
        From rows, as tuples of these columns, to what is computed: a tuple for each row, or one for the group.
    """

    columns: tuple[str, ...]
    run: Callable[[Sequence[Row]], Any]


def row_function(sheet: Sheet, outputs: Sequence[int], tame: Collection[str]) -> Single:
    """Write a function that gives slots of a sheet for each row.

    Raises
    ------
    UnknownPartError
        Part of the sheet is left to Polars.
    """
    script = Script(indent=" " * 8)
    writer = Writer(sheet, script, "v", tame)
    made = [writer.value(slot) for slot in outputs]
    body, script.lines, script.indent = script.lines, [], " " * 4
    script.line("made = []")
    script.line(f"for {_tuple(writer.columns.values())} in rows:")
    script.lines += body
    script.line(f"    made.append({_tuple(made)})")
    script.line("return made")
    return Single(tuple(writer.columns), script.function("rows"))


def group_function(
    rows: Sheet, groups: Sheet, gathered: Gathered, outputs: Sequence[int], tame: Collection[str]
) -> Single:
    """Write a function that gives slots of the groups' sheet for the rows of one group, fewer than `BLOCK`.

    Raises
    ------
    UnknownPartError
        Part of either sheet is left to Polars.
    """
    script = Script(indent=" " * 8)
    inner = Writer(rows, script, "v", tame)
    gatherer = Gatherer(script, inner)
    for slot, counted in gathered.counts.items():
        gatherer.count(slot, counted)
    for slot, each in gathered.aggregates.items():
        gatherer.aggregate(slot, each)
    body, script.lines, script.indent = script.lines, [], " " * 4
    script.lines += [f"    {line}" for line in gatherer.before]
    script.line(f"for {_tuple(inner.columns.values())} in rows:")
    script.lines += [*body, *gatherer.within(), *(() if body or gatherer.updates else ("        pass",))]
    script.lines += [f"    {line}" for line in gatherer.after]
    outer = Writer(groups, script, "g")
    for slot, name in gatherer.names.items():
        outer.give(slot, name)
    script.line(f"return {_tuple([outer.value(slot) for slot in outputs])}")
    return Single(tuple(inner.columns), script.function("rows"))


@dataclass(frozen=True)
class Gathered:
    """What is gathered of the rows of a group, by slot of the groups' sheet.

    Parameters
    ----------
    counts : mapping of int to int or None
        Slots of the rows that are counted where they are true; None counts rows.
    aggregates : mapping of int to Aggregate
        Aggregates.
    """

    counts: Mapping[int, int | None]
    aggregates: Mapping[int, Aggregate]


class Gatherer:
    """Writes how values are gathered over the rows of a group."""

    def __init__(self, script: Script, rows: Writer) -> None:
        self._script, self._rows = script, rows
        #: Lines before, and after, the loop.
        self.before: list[str] = []
        self.after: list[str] = []
        #: What to do for a row, by the condition for it.
        self.updates: dict[str, list[str]] = {}
        #: Names of what was gathered, by slot.
        self.names: dict[int, str] = {}

    def within(self) -> list[str]:
        """Lines of the loop."""
        lines = []
        for condition, updates in self.updates.items():
            indent = " " * 8
            if condition != "True":
                lines.append(f"{indent}if {condition}:")
                indent += " " * 4
            lines += [f"{indent}{update}" for update in updates]
        return lines

    def count(self, slot: int, counted: int | None) -> None:
        """Count rows, or those in which something is true."""
        if counted is None:
            self.names[slot] = "n"
            self.before.append("n = length(rows)")
            return
        self.names[slot] = self._updated(self._rows.truth(counted), f"n{slot}", "0", "{} += 1")

    def aggregate(self, slot: int, each: Aggregate) -> None:
        """Aggregate the values of a slot.

        Raises
        ------
        UnknownPartError
            It is left to Polars.
        """
        value = self._rows.value(each.slot)
        known = f"{value} is not None" if self._rows.nullable(each.slot) else "True"
        if each.name in {"sum", "mean"}:
            self.names[slot] = self._added(each, value, known)
            return
        if each.name in {"std", "var"} and each.taken in NUMBERS:
            listed = self._listed("True", f"d{each.slot}", value)
            text = f"deviation({listed}, {self._script.bind(each.name)}, {self._script.bind(each.option)})"
        else:
            text = self._of_known(each, self._listed(known, f"l{each.slot}", value))
        self.after.append(f"a{slot} = {text}")
        self.names[slot] = f"a{slot}"

    def _added(self, each: Aggregate, value: str, known: str) -> str:
        if not each.adds:
            raise UnknownPartError(each.name)
        # Of one row Polars gives its value: from minus zero on, a sum does too.
        total = self._updated(known, f"s{each.slot}", "-0.0 if length(rows) == 1 else 0.0", f"{{}} += {value}")
        if each.name == "sum":
            return total
        number = self._updated(known, f"c{each.slot}", "0", "{} += 1")
        name = f"m{each.slot}"
        self.after.append(f"{name} = {total} / {number} if {number} else None")
        return name

    def _of_known(self, each: Aggregate, listed: str) -> str:
        if each.name in {"min", "max"}:
            return f"extreme({listed}, largest={each.name == 'max'})"
        if each.name in {"median", "quantile"} and each.taken in NUMBERS:
            level = 0.5 if each.name == "median" else float(each.option)
            return f"quantile({listed}, {self._script.bind(level)})"
        if each.name == "n_unique":
            return f"distinct({listed})"
        raise UnknownPartError(each.name)

    def _listed(self, condition: str, name: str, value: str) -> str:
        add = self._updated(condition, f"{name}_add", f"{name}.append", f"{{}}({value})")
        if f"{name} = []" not in self.before:
            self.before.insert(self.before.index(f"{add} = {name}.append"), f"{name} = []")
        return name

    def _updated(self, condition: str, name: str, start: str, update: str) -> str:
        """Start something before the loop, and change it where a condition holds; once by its name."""
        line = f"{name} = {start}"
        if line not in self.before:
            self.before.append(line)
            self.updates.setdefault(condition, []).append(update.format(name))
        return name


def _tuple(names: Collection[str]) -> str:
    return f"({', '.join(names)},)" if names else "()"
