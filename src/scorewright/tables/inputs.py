"""How much of what a model reads one application holds, and which of its numbers training never saw the like of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter, ne
from typing import Any

from scorewright.errors import CoverageError, RangesError
from scorewright.tables.contract import ColumnContract, Contract
from scorewright.tables.declarations import Scalar, TableSpec
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.posted import Posted
from scorewright.tables.types import Tables

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Outside:
    """A column that holds a number outside the range of training. Which number is not told."""

    table: str
    column: str

    @property
    def name(self) -> str:
        """The same as ``"table.column"``."""
        return f"{self.table}.{self.column}"


@dataclass(frozen=True)
class Inputs:
    """What one application brings.

    Parameters
    ----------
    coverage : float
        Share, 0 to 1, of the columns of the application's own row that the model reads which have a value. Of a model
        that reads none of them: 1.
    outside : tuple of Outside
        Columns with a number outside the range of training, in the order of the contract.
    """

    coverage: float
    outside: tuple[Outside, ...] = ()


class InputCheck:
    """Looks at applications before they are decided, as one portfolio asks for. Prepared once; nothing in it changes.

    Only columns that the model reads, or a rule or an amount of the portfolio, are looked at. Values that the portfolio
    says mean "missing" are missing. An absent or empty history is a fact about the applicant, not a gap, and a value
    that is missing in a history says nothing of what the caller left out: coverage is of the application's own row.

    Parameters
    ----------
    portfolio : Portfolio
        How much must be there, and whether ranges are kept.
    contract : Contract
        Ranges that training saw.
    used : mapping of str to collection of str
        Raw columns that are read, by table.
    """

    def __init__(self, portfolio: Portfolio, contract: Contract, used: Mapping[str, Collection[str]]) -> None:
        self._root, self._rules = portfolio.root, portfolio.inputs
        read = {
            table: {name: column for name, column in columns.items() if name in used.get(table, ())}
            for table, columns in contract.tables.items()
        }
        specs = portfolio.tables
        own = specs[self._root].sentinels
        self._fields = [_Field.of(name, each, own.get(name, ())) for name, each in read[self._root].items()]
        plain = [field.name for field in self._fields if field.is_plain]
        # With the first once more: of one column alone no tuple would be made.
        self._plain: Callable[[Row], tuple[Any, ...]] | None = itemgetter(*plain, plain[0]) if plain else None
        self._others = [field for field in self._fields if not field.is_plain]
        self._all = {table: _ranges(table, specs[table], columns) for table, columns in read.items()}

    def suspects(self, tables: Tables) -> Suspects:
        """Find the columns of many checked applications in which one of them may hold a number outside the range.

        What a column holds becomes numbers where it is checked, and "missing" is emptied: what lies within the range
        then, lies within it as it was sent.
        """
        if not isinstance(tables, Posted):
            return self._all
        return {
            table: tuple(
                each for each in ranges if each.left_by(tables.rows[table].values.get(each.outside.column, ()))
            )
            for table, ranges in self._all.items()
            if table in tables
        }

    def check(self, body: Mapping[str, Any], suspects: Suspects | None = None) -> Inputs:
        """Look at one application.

        Parameters
        ----------
        body : mapping
            Raw rows by table that `scorewright.tables.rows.RowReader` accepts: one row under the root table's name, a
            list of rows under each other's.
        suspects : Suspects, optional
            Columns that may hold a number outside their range; any may by default.
        """
        row, ranges = body[self._root], self._all if suspects is None else suspects
        coverage = self._held(row) / len(self._fields) if self._fields else 1.0
        found = [each.outside for each in ranges.get(self._root, ()) if each.left_by_one(row.get(each.outside.column))]
        for table, each in ranges.items():
            if each and table != self._root:
                found += _outside(each, body.get(table) or ())
        return Inputs(coverage, tuple(found))

    def _held(self, row: Row) -> int:
        """Count the fields that have a value."""
        if self._plain is None:
            return sum(field.is_in(row) for field in self._others)
        try:
            values = self._plain(row)[:-1]
        except KeyError:
            return sum(field.is_in(row) for field in self._fields)
        # What is not equal to itself is NaN.
        missing: int = values.count(None) + sum(map(ne, values, values))
        return len(values) - missing + sum(field.is_in(row) for field in self._others)

    def require(self, inputs: Inputs) -> None:
        """Refuse what the portfolio does not let a model decide.

        Raises
        ------
        CoverageError
            Too little is there.
        RangesError
            Numbers lie outside the ranges of training, and the portfolio refuses those.
        """
        if inputs.coverage < self._rules.coverage:
            raise CoverageError(inputs.coverage, self._rules.coverage)
        if inputs.outside and self._rules.ranges == "refuse":
            table = inputs.outside[0].table
            raise RangesError(table, [each.column for each in inputs.outside if each.table == table])


@dataclass(frozen=True)
class _Range:
    """The range of one column."""

    outside: Outside
    minimum: float
    maximum: float
    missing: frozenset[Scalar]

    def left_by(self, values: Sequence[Any]) -> bool:
        """Whether a value lies outside."""
        known = values if None not in values else [value for value in values if value is not None]
        if not known or (self.minimum <= min(known) and max(known) <= self.maximum):
            return False
        # Not yet sure: it may be a value that means "missing", or a NaN, which is less than nothing and more than none.
        return any(map(self.left_by_one, known))

    def left_by_one(self, value: Any) -> bool:
        """Whether a value is there and lies outside. A NaN is neither below nor above."""
        if value is None or self.minimum <= value <= self.maximum:
            return False
        return (value < self.minimum or value > self.maximum) and value not in self.missing


#: Columns that may hold a number outside their range, by table.
Suspects = Mapping[str, Sequence[_Range]]


def _outside(ranges: Sequence[_Range], rows: Sequence[Row]) -> list[Outside]:
    return [each.outside for each in ranges if each.left_by([row.get(each.outside.column) for row in rows])]


def _ranges(table: str, spec: TableSpec, columns: Mapping[str, ColumnContract]) -> tuple[_Range, ...]:
    return tuple(
        _Range(Outside(table, name), each.minimum, each.maximum, frozenset(spec.sentinels.get(name, ())))
        for name, each in columns.items()
        if each.minimum is not None and each.maximum is not None
    )


@dataclass(frozen=True)
class _Field:
    """One column of the application's own row."""

    name: str
    missing: frozenset[object]
    dated: bool

    @property
    def is_plain(self) -> bool:
        """Whether it has a value wherever it is neither null nor NaN."""
        return len(self.missing) == 1

    @classmethod
    def of(cls, name: str, column: ColumnContract, sentinels: Sequence[Scalar]) -> _Field:
        dated = bool(sentinels) and column.type in {"date", "datetime"}
        return cls(name, frozenset({None, *(map(_moment, sentinels) if dated else sentinels)}), dated)

    def is_in(self, row: Row) -> bool:
        """Whether the row has a value of it: NaN is none."""
        value = row.get(self.name)
        return (_moment(value) if self.dated else value) not in self.missing and value == value  # noqa: PLR0124


def _moment(value: object) -> object:
    """Read a day or time, which may be written in several ways."""
    try:
        return datetime.fromisoformat(str(value)) if value is not None else None
    except ValueError:
        return value
