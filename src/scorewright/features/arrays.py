"""Columns as NumPy arrays, and what Polars does with them element by element, bit for bit.

A column is a pair: its values, and where it has one (None: everywhere). What stands where there is no value means
nothing, but a boolean is False there. Only operations with one right answer in IEEE arithmetic are here; whatever is
summed, sorted or transcendental stays with Polars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Valid = NDArray[np.bool_] | None
Column = tuple[NDArray[Any], Valid]
Operation = Callable[..., Column]

_DOUBLE: np.dtype[Any] = np.dtype(np.float64)
#: How values are held; other types are held as Python objects, and only compared for equality.
HELD: Mapping[pl.DataType, np.dtype[Any]] = {
    pl.Float64(): _DOUBLE,
    pl.Int64(): np.dtype(np.int64),
    pl.Int32(): np.dtype(np.int32),
    pl.UInt32(): np.dtype(np.uint32),
    pl.Boolean(): np.dtype(np.bool_),
}
OBJECT = np.dtype(np.object_)


def held_as(dtype: pl.DataType) -> np.dtype[Any]:
    """Say how values of a Polars type are held."""
    return HELD.get(dtype, OBJECT)


def from_list(values: Sequence[Any], held: np.dtype[Any]) -> Column:
    """Hold values, None where there is none."""
    if held is _DOUBLE:
        # NumPy reads None as NaN.
        doubles = np.array(values, dtype=held)
        strange = np.isnan(doubles)
        if not strange.any():
            return doubles, None
        if values.count(None) == np.count_nonzero(strange):
            return doubles, ~strange
    if None not in values:
        return np.array(values, dtype=held), None
    valid = np.array([value is not None for value in values], dtype=np.bool_)
    if held is OBJECT:
        return np.array(values, dtype=held), valid
    zero = held.type()
    return np.array([zero if value is None else value for value in values], dtype=held), valid


def from_series(series: pl.Series, held: np.dtype[Any]) -> Column:
    """Hold a column of a table."""
    if held is not OBJECT and not series.null_count():
        return series.to_numpy(), None
    return from_list(series.to_list(), held)


def to_series(name: str, column: Column, dtype: pl.DataType, rows: int) -> pl.Series:
    """Give a column back to Polars."""
    held = held_as(dtype)
    values, valid = broadcast(column, rows)
    if valid is None and held is not OBJECT:
        return pl.Series(name, values, dtype=dtype)
    if valid is not None and held is _DOUBLE and not np.isnan(values[valid]).any():
        return pl.Series(name, np.where(valid, values, np.nan), dtype=dtype, nan_to_null=True)
    listed = values.tolist()
    if valid is not None:
        listed = [value if known else None for value, known in zip(listed, valid.tolist(), strict=True)]
    return pl.Series(name, listed, dtype=dtype)


def to_doubles(columns: Mapping[str, Column], rows: int) -> dict[str, pl.Series]:
    """Give columns of doubles back to Polars, as slices of one series: making many takes longer."""
    values = np.empty((len(columns), rows), dtype=np.float64)
    missing = np.zeros(values.shape, dtype=np.bool_)
    for place, (column, valid) in enumerate(columns.values()):
        values[place] = column
        if valid is not None:
            missing[place] = ~valid
    values[missing] = np.nan
    if np.count_nonzero(np.isnan(values)) > np.count_nonzero(missing):
        return {name: to_series(name, column, pl.Float64(), rows) for name, column in columns.items()}
    whole = pl.Series(values.ravel(), nan_to_null=True)
    return {name: whole.slice(place * rows, rows).alias(name) for place, name in enumerate(columns)}


def broadcast(column: Column, rows: int) -> Column:
    """Repeat what is one value for all rows."""
    values, valid = column
    if values.shape != (rows,):
        values = np.broadcast_to(values, (rows,))
    if valid is not None and valid.shape != (rows,):
        valid = np.broadcast_to(valid, (rows,))
    return values, valid


def constant(value: Any, dtype: pl.DataType) -> Column:
    """Hold one value for all rows."""
    held = held_as(dtype)
    if value is not None:
        return np.array(value, dtype=held), None
    return np.array(None if held is OBJECT else held.type(), dtype=held), np.array(False)  # noqa: FBT003 - a value


def spread(column: Column, groups: int, place: NDArray[np.intp] | None) -> Column:
    """Give each parent the value of its group, `place` of it, or none where `place` is negative."""
    values, valid = broadcast(column, groups)
    if place is None:
        return values, valid
    found = place >= 0
    return values[place], found if valid is None else found & valid[place]


def nothing(dtype: pl.DataType, rows: int) -> Column:
    """Hold a column without any value."""
    return broadcast(constant(None, dtype), rows)


def _both(left: Valid, right: Valid) -> Valid:
    if left is None or left is right:
        return right
    return left if right is None else left & right


def arithmetic(function: Callable[..., Any]) -> Operation:
    """Lift an operation on numbers; null with anything is null."""

    def run(*columns: Column) -> Column:
        return function(*(values for values, _ in columns)), reduce(_both, (valid for _, valid in columns))

    return run


def same_shape(function: Callable[[Any], Any]) -> Operation:
    """Lift an operation on one number."""

    def run(column: Column) -> Column:
        return function(column[0]), column[1]

    return run


def comparison(function: Callable[[Any, Any], Any]) -> Operation:
    """Lift a comparison; null with anything is null."""

    def run(left: Column, right: Column) -> Column:
        truth, valid = function(left[0], right[0]), _both(left[1], right[1])
        return (truth, None) if valid is None else (truth & valid, valid)

    return run


def _equal(left: Any, right: Any) -> Any:
    return (left == right) | (np.isnan(left) & np.isnan(right))


def _less(left: Any, right: Any) -> Any:
    return ~(np.isnan(left) | (left >= right))


#: Polars orders NaN above every number, and equal to itself.
TOTAL: Mapping[str, Callable[[Any, Any], Any]] = {
    "Eq": _equal,
    "NotEq": lambda left, right: ~_equal(left, right),
    "Lt": _less,
    "LtEq": lambda left, right: ~_less(right, left),
    "Gt": lambda left, right: _less(right, left),
    "GtEq": lambda left, right: ~_less(left, right),
}
#: The same against a number on the right that is not NaN.
TOTAL_NUMBER: Mapping[str, Callable[[Any, Any], Any]] = {
    "Eq": np.equal,
    "NotEq": np.not_equal,
    "Lt": np.less,
    "LtEq": np.less_equal,
    "Gt": lambda left, right: ~np.less_equal(left, right),
    "GtEq": lambda left, right: ~np.less(left, right),
}
PLAIN: Mapping[str, Callable[[Any, Any], Any]] = {
    "Eq": np.equal,
    "NotEq": np.not_equal,
    "Lt": np.less,
    "LtEq": np.less_equal,
    "Gt": np.greater,
    "GtEq": np.greater_equal,
}


def both_true(left: Column, right: Column) -> Column:
    """AND of three values: false with null is false."""
    (a, known_a), (b, known_b) = left, right
    truth = a & b
    if known_a is None and known_b is None:
        return truth, None
    false_a, false_b = (~a if known_a is None else known_a & ~a), (~b if known_b is None else known_b & ~b)
    return truth, truth | false_a | false_b


def either_true(left: Column, right: Column) -> Column:
    """OR of three values: true with null is true."""
    (a, known_a), (b, known_b) = left, right
    truth, known = a | b, _both(known_a, known_b)
    return truth, None if known is None else known | truth


def not_true(column: Column) -> Column:
    """NOT of three values."""
    truth, valid = column
    return (~truth, None) if valid is None else (~truth & valid, valid)


def is_null(column: Column) -> Column:
    """Whether there is no value."""
    values, valid = column
    return (np.zeros(values.shape, dtype=np.bool_) if valid is None else ~valid), None


def is_known(column: Column) -> Column:
    """Whether there is a value."""
    values, valid = column
    return (np.ones(values.shape, dtype=np.bool_) if valid is None else valid), None


def choose(condition: Column, then: Column, otherwise: Column) -> Column:
    """CASE: what is not known to be true is otherwise."""
    truth, (a, known_a), (b, known_b) = condition[0], then, otherwise
    values = np.where(truth, a, b)
    if known_a is None and known_b is None:
        return values, None
    # With the condition, either side is known or decided by the other: no need for a second choice.
    if known_a is None:
        return values, truth | known_b
    return values, (known_a & truth) | (~truth if known_b is None else known_b & ~truth)


def first_known(*columns: Column) -> Column:
    """COALESCE."""
    values, valid = columns[0]
    for other, known in columns[1:]:
        if valid is None:
            break
        values, valid = np.where(valid, values, other), None if known is None else valid | known
    return values, valid


def where_true(column: Column, condition: Column) -> Column:
    """Empty the rows in which a condition is not true."""
    values, valid = column
    return values, condition[0] if valid is None else valid & condition[0]


def unless_zero(column: Column, count: Column) -> Column:
    """Empty the rows that count nothing."""
    return where_true(column, (count[0] > 0, None))


def one_of(choices: frozenset[Any]) -> Operation:
    """Whether a value that is no number is among some."""

    def run(column: Column) -> Column:
        values, valid = column
        return np.array([value in choices for value in values.ravel()], dtype=np.bool_).reshape(values.shape), valid

    return run


def starting(prefix: str) -> Operation:
    """Whether a text begins with another."""

    def run(column: Column) -> Column:
        values, valid = column
        found = [text is not None and text.startswith(prefix) for text in values.ravel()]
        return np.array(found, dtype=np.bool_).reshape(values.shape), valid

    return run


def written(column: Column) -> Column:
    """Write whole numbers in digits."""
    values, valid = column
    texts = np.array([str(value) for value in values.ravel().tolist()], dtype=OBJECT)
    return texts.reshape(values.shape), valid


def convert(held: np.dtype[Any]) -> Operation:
    """Change how numbers are held; none is lost."""

    def run(column: Column) -> Column:
        return column[0].astype(held), column[1]

    return run


def each_value(quick: Callable[..., float], safe: Callable[..., float]) -> Operation:
    """Lift a function of single numbers, where each has a value; `safe` where `quick` fails."""

    def every(rows: Sequence[Sequence[float]]) -> list[float]:
        try:
            return list(map(quick, *rows))
        except (ArithmeticError, ValueError):
            return list(map(safe, *rows))

    def run(*columns: Column) -> Column:
        valid = reduce(_both, (known for _, known in columns))
        shape = np.broadcast_shapes(*(values.shape for values, _ in columns), () if valid is None else valid.shape)
        given = [np.broadcast_to(values, shape).ravel() for values, _ in columns]
        if valid is None:
            return np.array(every([each.tolist() for each in given]), dtype=np.float64).reshape(shape), None
        known, made = np.broadcast_to(valid, shape).ravel(), np.zeros(given[0].shape)
        made[known] = every([each[known].tolist() for each in given])
        return made.reshape(shape), valid

    return run


def best_of(better: Callable[[Any, Any], Any]) -> Operation:
    """GREATEST or LEAST of doubles: what is missing or NaN counts only where nothing else is there."""

    def pair(left: Column, right: Column) -> Column:
        (a, known_a), (b, known_b) = left, right
        here = True if known_a is None else known_a
        there = True if known_b is None else known_b
        first = here & (~there | np.isnan(b) | (~np.isnan(a) & better(a, b)))
        return np.where(first, a, b), None if known_a is None or known_b is None else known_a | known_b

    def run(*columns: Column) -> Column:
        return reduce(pair, columns)

    return run
