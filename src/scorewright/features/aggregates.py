"""Aggregates of groups of rows that stand together, as Polars computes them, for many columns at once.

Polars adds up to 127 numbers one after the other, more in blocks of 128 (`polars_compute::float_sum`): groups of more
rows are summed by Polars, with zeros where there is no value, as its own blocks have them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.features import arrays
from scorewright.features.arrays import HELD, Column
from scorewright.features.numbers import UnsureError

#: From so many rows on Polars adds in blocks.
BLOCK = 128
_FLOAT = pl.Float64()
_WHOLE = frozenset({pl.Int64(), pl.Int32()})
#: Types that are added and compared here.
NUMBERS = frozenset({_FLOAT, *_WHOLE})


@dataclass(frozen=True)
class Aggregate:
    """One aggregate of a slot of the rows' sheet.

    Parameters
    ----------
    name : str
        As in Polars' plan.
    option : Any
        Degrees of freedom, or the level of a quantile.
    slot : int
        What is aggregated.
    column : str
        Its name, where Polars aggregates it.
    taken, given : polars.DataType
        Types of the values and of the aggregate.
    """

    name: str
    option: Any
    slot: int
    column: str
    taken: pl.DataType
    given: pl.DataType

    @property
    def adds(self) -> bool:
        """Whether it adds numbers as doubles."""
        return (self.name == "mean" and self.taken in NUMBERS) or (self.name == "sum" and self.taken == _FLOAT)


@dataclass(frozen=True)
class Groups:
    """Groups of n rows, each of which stands together.

    Parameters
    ----------
    starts : ndarray of intp, shape (g,)
        First row of each.
    rows : int
        Number of rows, n.
    """

    starts: NDArray[np.intp]
    rows: int

    @cached_property
    def sizes(self) -> NDArray[np.intp]:
        """Rows of each group, shape (g,)."""
        return np.diff(self.starts, append=self.rows)

    @cached_property
    def places(self) -> NDArray[np.intp]:
        """Group of each row, shape (n,)."""
        return np.repeat(np.arange(len(self.starts)), self.sizes)

    def counts(self, columns: Sequence[NDArray[np.bool_]]) -> NDArray[np.uint32]:
        """Count true values, shape (k, g)."""
        return np.add.reduceat(np.array(columns, dtype=np.uint32), self.starts, axis=1, dtype=np.uint32)

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add the values of k columns, shape (k, n), in the order of Polars; shape (k, g)."""
        each, groups = len(values), len(self.starts)
        places = (np.arange(each) * groups)[:, np.newaxis] + self.places
        added = np.bincount(places.ravel(), weights=values.ravel(), minlength=each * groups)
        sums = added.astype(np.float64, copy=False).reshape(each, groups)
        # Of one row Polars gives its value, which may be minus zero.
        alone = np.flatnonzero(self.sizes == 1)
        sums[:, alone] = values[:, self.starts[alone]]
        for group in np.flatnonzero(self.sizes >= BLOCK).tolist():
            rows = slice(self.starts[group], self.starts[group] + self.sizes[group])
            sums[:, group] = [pl.Series(column).sum() for column in values[:, rows]]
        return sums


def computed(wanted: Mapping[int, Aggregate], slots: Sequence[Column], groups: Groups) -> dict[int, Column]:
    """Compute the aggregates that are sure to have the bits of Polars; the others are left out.

    Raises
    ------
    UnsureError
        Only Polars' own queries give what they give of these values.
    """
    made = _added({slot: each for slot, each in wanted.items() if each.adds}, slots, groups)
    for name, dtype in (("min", _FLOAT), ("max", _FLOAT), *((n, t) for t in _WHOLE for n in ("min", "max"))):
        alike = {slot: each for slot, each in wanted.items() if each.name == name and each.taken == dtype}
        made |= _extremes(alike, slots, groups)
    return made


def _added(wanted: Mapping[int, Aggregate], slots: Sequence[Column], groups: Groups) -> dict[int, Column]:
    if not wanted:
        return {}
    columns = list(dict.fromkeys(each.slot for each in wanted.values()))
    values, valid = _laid_out([slots[slot] for slot in columns], np.float64(0.0), groups.rows)
    sums, counts = groups.sums(values), groups.counts(list(valid))
    made: dict[int, Column] = {}
    for slot, each in wanted.items():
        place = columns.index(each.slot)
        known = counts[place] > 0
        if each.name == "sum":
            made[slot] = sums[place], None
        else:
            made[slot] = sums[place] / counts[place], known
    return made


def _extremes(wanted: Mapping[int, Aggregate], slots: Sequence[Column], groups: Groups) -> dict[int, Column]:
    """Smallest or largest values of columns of one type."""
    if not wanted:
        return {}
    each = next(iter(wanted.values()))
    held, largest = HELD[each.taken], each.name == "max"
    ends = (-np.inf, np.inf) if held.kind == "f" else (np.iinfo(held).min, np.iinfo(held).max)
    values, valid = _laid_out([slots[one.slot] for one in wanted.values()], held.type(ends[not largest]), groups.rows)
    if held.kind == "f":
        refuse_both_zeros(values)
        if bool(np.isnan(values).any()):
            return {}
    found = (np.maximum if largest else np.minimum).reduceat(values, groups.starts, axis=1)
    counts = groups.counts(list(valid))
    return {slot: (found[place], counts[place] > 0) for place, slot in enumerate(wanted)}


def refuse_both_zeros(values: NDArray[np.float64]) -> None:
    """Leave columns, shape (k, n), that hold zero and minus zero to Polars' queries.

    Raises
    ------
    UnsureError
        One does: which of the two is the least or the middle depends on how Polars goes through the rows.
    """
    zero, negative = values == 0.0, np.signbit(values)
    if bool(((zero & negative).any(axis=1) & (zero & ~negative).any(axis=1)).any()):
        raise UnsureError("minus zero beside zero")


def _laid_out(columns: Sequence[Column], blank: Any, rows: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Lay columns out as rows of one array, with something else where there is no value."""
    values = np.empty((len(columns), rows), dtype=blank.dtype)
    valid = np.ones(values.shape, dtype=np.bool_)
    for place, column in enumerate(columns):
        held, known = arrays.broadcast(column, rows)
        values[place] = held
        if known is not None:
            valid[place] = known
    values[~valid] = blank
    return values, valid
