"""A lever on the raw rows of one application: what would stand in them, position by position.

Empty values stay empty, and no value leaves the range or the categories that training saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.errors import PortfolioError
from scorewright.tables.contract import ColumnContract, Contract
from scorewright.tables.declarations import Scalar, TableSpec
from scorewright.tables.levers import Choose, Lever, Scale
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.problems import nearest
from scorewright.tables.types import Tables

#: Positions of a lever that moves amounts: each is this share of its range further.
STEPS = 50

_NUMBERS = frozenset({"integer", "number"})
_ACCEPTED: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "text": (str,),
    "boolean": (bool,),
}

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Columns = Mapping[str, pl.Series]


@dataclass(frozen=True)
class Turn:
    """A lever of one application, as positions to choose from.

    Parameters
    ----------
    lever : Lever
        What it is.
    efforts : tuple of float, length k
        Share of the lever's range that each position uses: above 0, at most 1, rising.
    columns : mapping of str to tuple of polars.Series, length k + 1
        Each moved column as it is, then at each position.
    """

    lever: Lever
    efforts: tuple[float, ...]
    columns: Mapping[str, tuple[pl.Series, ...]]

    @property
    def names(self) -> frozenset[str]:
        """What it changes, as ``"table.column"``."""
        return frozenset(f"{self.lever.table}.{column}" for column in self.columns)


def check_levers(portfolio: Portfolio, contract: Contract) -> None:
    """Check that the levers of a portfolio fit the data: a table that is absent has nothing to move.

    Raises
    ------
    PortfolioError
        A lever names a column that is not there, or moves one to what cannot stand in it.
    """
    for lever in portfolio.recourse.levers:
        columns = contract.tables.get(lever.table, {})
        for name in (*lever.moved, *lever.where) if columns else ():
            if name not in columns:
                raise _misfit(lever, f"names no column: {lever.table}.{name}{nearest(name, columns)}")
            _check_fit(lever, name, columns[name])


def _check_fit(lever: Lever, name: str, column: ColumnContract) -> None:
    named = [lever.where[name]] if name in lever.where else []
    if name in lever.columns and isinstance(lever.move, Choose):
        named += lever.move.values
    strange = [value for value in named if not _fits(value, column)]
    if strange:
        raise _misfit(lever, f"wants {strange[0]!r} in {lever.table}.{name}, which is {column.type}")
    if name in lever.moved and isinstance(lever.move, Scale) and column.type not in _NUMBERS:
        raise _misfit(lever, f"moves {lever.table}.{name} by a factor, which is {column.type}")


def _fits(value: Scalar, column: ColumnContract) -> bool:
    accepted = _ACCEPTED.get(column.type, ())
    return isinstance(value, accepted) and isinstance(value, bool) == (column.type == "boolean")


def _misfit(lever: Lever, found: str) -> PortfolioError:
    rule = "A lever moves columns of the data to values that they can hold."
    return PortfolioError(rule, f"recourse.levers.{lever.name} {found}", "Correct it in portfolio.toml.")


def turned(lever: Lever, tables: Tables, contract: Contract, spec: TableSpec) -> Turn | None:
    """Lay out a lever on the rows of one application.

    Parameters
    ----------
    lever : Lever
        It fits the contract: see `check_levers`.
    tables : mapping of str to DataFrame
        Checked tables of one application.
    contract : Contract
        Ranges and categories that training saw.
    spec : TableSpec
        Of the lever's table; values that mean "missing" are never reached.

    Returns
    -------
    Turn or None
        None where it moves nothing, or nothing within the ranges.
    """
    frame, columns = tables.get(lever.table), contract.tables.get(lever.table)
    if frame is None or columns is None or frame.is_empty():
        return None
    chosen = _chosen(lever, frame)
    before = {name: frame[name] for name in lever.moved}
    move = lever.move
    made = _scaled(move, lever.columns, before, chosen) if isinstance(move, Scale) else _set(move, before, chosen)
    efforts: list[float] = []
    kept: list[Columns] = [before]
    for effort, after in made:
        if not _same(after, kept[-1]) and not _same(after, before) and _allowed(before, after, columns, spec):
            efforts.append(effort)
            kept.append(after)
    return Turn(lever, tuple(efforts), {c: tuple(each[c] for each in kept) for c in before}) if efforts else None


def _chosen(lever: Lever, frame: pl.DataFrame) -> Flags:
    """Rows that have the values which the lever asks for, shape (rows,)."""
    chosen = np.ones(frame.height, dtype=np.bool_)
    for name, value in lever.where.items():
        chosen &= (frame[name] == value).fill_null(value=False).to_numpy()
    return chosen


def _same(one: Columns, other: Columns) -> bool:
    return all(one[name].equals(other[name]) for name in one)


def _allowed(before: Columns, after: Columns, columns: Mapping[str, ColumnContract], spec: TableSpec) -> bool:
    """Whether every changed value is one that training saw, or lies between such, and means something."""
    for name, series in after.items():
        changed = series.filter(series.ne_missing(before[name]))
        if not _seen(changed, columns[name]) or set(changed.to_list()) & set(spec.sentinels.get(name, ())):
            return False
    return True


def _seen(values: pl.Series, column: ColumnContract) -> bool:
    if column.type == "text":
        return set(values.to_list()) <= set(column.categories)
    if column.type not in _NUMBERS or values.is_empty():
        return True
    if column.minimum is None or column.maximum is None:
        return False
    return bool(((values >= column.minimum) & (values <= column.maximum)).all())


def _set(move: Choose, before: Columns, chosen: Flags) -> Iterator[tuple[float, Columns]]:
    """Yield each value of the lever, set in the rows that can still reach it."""
    for place, value in enumerate(move.values):
        after = {}
        for name, series in before.items():
            beyond = series.is_in(pl.Series(name, move.values[place:], dtype=series.dtype).implode())
            moves = pl.Series(chosen) & ~beyond & series.is_not_null()
            if move.replaces:
                moves &= series.is_in(pl.Series(name, move.replaces, dtype=series.dtype, strict=False).implode())
            after[name] = (
                pl.Series(name, [value], dtype=series.dtype).new_from_index(0, len(series)).zip_with(moves, series)
            )
        yield (place + 1) / len(move.values), after


def _scaled(move: Scale, names: tuple[str, ...], before: Columns, chosen: Flags) -> Iterator[tuple[float, Columns]]:
    """Yield the amounts at each position: the first column's are rounded, the others follow its factor row by row."""
    old = {name: before[name].cast(pl.Float64).to_numpy() for name in before}
    first = _Amounts(old[names[0]], before[names[0]], move.fixed.get(names[0], 0.0), chosen)
    others = [_Amounts(old[name], before[name], move.fixed.get(name, 0.0), chosen) for name in names[1:]]
    for step in range(1, STEPS + 1):
        new, factor = first.rounded(1.0 + (move.limit - 1.0) * step / STEPS)
        lost = np.where(first.moves, first.old - new, 0.0)
        after = {names[0]: first.written(new)}
        after |= {each.series.name: each.written(each.followed(factor)) for each in others}
        after |= {name: _written(before[name], np.round(old[name] + lost, 6), lost != 0.0) for name in move.into}
        yield step / STEPS, after


@dataclass(frozen=True)
class _Amounts:
    """One column of amounts: those above its fixed part move, in the chosen rows."""

    old: Floats
    series: pl.Series
    fixed: float
    chosen: Flags

    @cached_property
    def moves(self) -> Flags:
        return self.chosen & (self.old > self.fixed)

    @cached_property
    def _places(self) -> Floats:
        """Decimal places of three significant digits, negative left of the point; none of a whole number's."""
        size = np.floor(np.log10(np.where(self.moves & (self.old > 0), self.old, 1.0)))
        return np.minimum(2.0 - size, 0.0) if self.series.dtype.is_integer() else 2.0 - size

    def rounded(self, factor: float) -> tuple[Floats, Floats]:
        """Amounts at a factor, rounded towards the old ones, and the factor that each row then has."""
        unit = 10.0**self._places
        raw = (self.fixed + (self.old - self.fixed) * factor) * unit
        near = np.ceil(raw - 1e-6) if factor < 1 else np.floor(raw + 1e-6)
        new = np.where(np.sign(self.old - near / unit) == np.sign(1 - factor), near / unit, self.old)
        own = (new - self.fixed) / np.where(self.moves, self.old - self.fixed, 1.0)
        return new, np.where(self.moves, own, factor)

    def followed(self, factors: Floats) -> Floats:
        """Amounts at each row's factor: whole ones towards the old, others to a hundredth or six digits."""
        raw = self.fixed + (self.old - self.fixed) * factors
        unit = 10.0 ** np.maximum(self._places + 3.0, 2.0)
        whole = np.where(factors < 1, np.ceil(raw - 1e-6), np.floor(raw + 1e-6))
        near = whole if self.series.dtype.is_integer() else np.round(raw * unit) / unit
        return np.where(np.sign(self.old - near) == np.sign(1 - factors), near, self.old)

    def written(self, new: Floats) -> pl.Series:
        return _written(self.series, new, self.moves)


def _written(series: pl.Series, new: Floats, moves: Flags) -> pl.Series:
    """Put new amounts in the rows that move; all others keep every bit, and empty ones stay empty."""
    moves = moves & ~np.isnan(new)
    values = np.where(moves, np.round(new) if series.dtype.is_integer() else new, 0.0)
    return pl.Series(series.name, values).cast(series.dtype).zip_with(pl.Series(moves), series)
