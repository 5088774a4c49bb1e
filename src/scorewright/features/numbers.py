"""Operations on single numbers as IEEE arithmetic and Polars have them: none of them fails."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import polars as pl

#: So many arguments tell two libraries of functions apart: they differ in more than one last bit of a thousand.
_TRIED = 4096


class UnsureError(Exception):
    """These very values are not sure to give the bits that Polars gives."""


def is_nan(value: object) -> bool:
    """Whether a value, or None, is NaN: alone it differs from itself."""
    return value != value  # noqa: PLR0124 - that is NaN


def divided(left: float, right: float) -> float:
    """Divide, also by zero.

    Examples
    --------
    >>> divided(1.0, -0.0), divided(3.0, 2.0)
    (-inf, 1.5)
    """
    if right:
        return left / right
    if left == 0.0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def wrapped(number: int, size: int) -> int:
    """Bring a whole number back between the ends of a type of `size` values, as Polars does.

    Examples
    --------
    >>> wrapped(7, 2**32), wrapped(2**31, 2**32), wrapped(-(2**63) - 1, 2**64) == 2**63 - 1
    (7, -2147483648, True)
    """
    half = size // 2
    return number if -half <= number < half else (number + half) % size - half


def floored(number: float) -> float:
    """Round downwards; zero keeps its sign."""
    if number == 0.0 or not math.isfinite(number):
        return number
    return float(math.floor(number))


def ceiled(number: float) -> float:
    """Round upwards; what comes to zero from below is minus zero."""
    if not math.isfinite(number):
        return number
    return math.copysign(float(math.ceil(number)), number)


def sign(number: float) -> float:
    """Give 1 or -1; zero and NaN stay as they are."""
    return number if number == 0.0 or math.isnan(number) else math.copysign(1.0, number)


def root(number: float) -> float:
    """Take the square root, NaN of what is negative."""
    return math.sqrt(number) if number >= 0.0 else math.nan


def exponential(number: float) -> float:
    """Raise e."""
    try:
        return math.exp(number)
    except OverflowError:
        return math.inf


def logarithm(number: float) -> float:
    """Take the natural logarithm."""
    if number > 0.0:
        return math.log(number)
    return -math.inf if number == 0.0 else math.nan


def power(base: float, exponent: float) -> float:
    """Raise a number.

    Raises
    ------
    UnsureError
        To small whole powers, and to the root, Polars raises one row in another way than many; and what overflows or
        is not defined is left to it.
    """
    if exponent in _OTHERWISE:
        raise UnsureError("power")
    try:
        return math.pow(base, exponent)
    except (OverflowError, ValueError):
        raise UnsureError("power") from None


_OTHERWISE = frozenset({0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0})

#: Functions without one right last bit: one that is quick and may fail, and one that does not. Python and Polars both
#: take them from the C library, where there is one.
FROM_LIBM: Mapping[str, tuple[Callable[..., float], Callable[..., float]]] = {
    "exp": (math.exp, exponential),
    "log": (math.log, logarithm),
    "pow": (power, power),
}

#: Functions that are compared with those of Polars before they are used, and products that a sum is fused with.
CHECKED = frozenset({*FROM_LIBM, "fma", "fms", "fsm"})


@cache
def as_in_polars(name: str) -> bool:
    """Whether Python and Polars compute a function here by the same steps: they agree to the last bit, or it is left.

    The libraries in use round to less than one unit in the last place, not to the nearest: two of them differ in about
    one argument of a hundred, so that some thousands tell. A product that is added without being rounded shows as soon.
    """
    draw = np.random.default_rng(0)
    given = {"a": np.abs(draw.normal(size=_TRIED)) * 10.0 ** draw.integers(-6, 7, _TRIED)}
    given |= {letter: draw.normal(size=_TRIED) * 7.0 for letter in "bc"}
    a, b, c = map(pl.col, "abc")
    tried: dict[str, tuple[pl.Expr, Callable[..., float], str]] = {
        "exp": (b.exp(), exponential, "b"),
        "log": (a.log(), logarithm, "a"),
        "pow": (a.pow(b), power, "ab"),
        "fma": (c + a * b, lambda one, two, three: one * two + three, "abc"),
        "fms": (a * b - c, lambda one, two, three: one * two - three, "abc"),
        "fsm": (c - a * b, lambda one, two, three: one - two * three, "cab"),
    }
    expression, function, letters = tried[name]
    theirs = pl.DataFrame(given).select(expression).to_series().to_numpy()
    ours = [function(*row) for row in zip(*(given[letter].tolist() for letter in letters), strict=True)]
    return np.array(ours).tobytes() == theirs.tobytes()


def extreme(values: Sequence[Any], *, largest: bool) -> Any:
    """Give the smallest or the largest of values, None of nothing.

    Raises
    ------
    UnsureError
        Among them is NaN, or minus zero beside zero: which of these Polars gives depends on where they stand.
    """
    if not values:
        return None
    found = max(values) if largest else min(values)
    if found.__class__ is float:
        _refuse_strange(values)
    return found


def _refuse_strange(values: Sequence[float]) -> None:
    # Infinities of both signs have no sum either: they are rare enough to be left to Polars with NaN.
    if math.isnan(sum(values)):
        raise UnsureError("NaN")
    zeros = {math.copysign(1.0, value) for value in values if value == 0.0}
    if len(zeros) > 1:
        raise UnsureError("minus zero beside zero")


def quantile(values: Sequence[float], level: float) -> float | None:
    """Interpolate linearly between the two nearest of the sorted values, as Polars does.

    Raises
    ------
    UnsureError
        As for `extreme`.
    """
    if not values:
        return None
    if values[0].__class__ is float:
        _refuse_strange(values)
    place, ordered = (len(values) - 1) * level, sorted(values)
    below, above = math.floor(place), math.ceil(place)
    low, high = float(ordered[below]), float(ordered[above])
    return low if below == above or low == high else (place - below) * (high - low) + low


def deviation(values: Sequence[float | None], name: str, freedom: int) -> float | None:
    """Let Polars compute a deviation or a variance: it adds in an order of its own."""
    series = pl.Series(values, dtype=pl.Float64)
    found = series.std(freedom) if name == "std" else series.var(freedom)
    return None if found is None else float(found)  # type: ignore[arg-type]  # of doubles it is one


def distinct(values: Sequence[Any]) -> int:
    """Count different values.

    Raises
    ------
    UnsureError
        NaN is among them.
    """
    if values and values[0].__class__ is float and any(map(is_nan, values)):
        raise UnsureError("NaN")
    return len(set(values))
