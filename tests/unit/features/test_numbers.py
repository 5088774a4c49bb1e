"""Single numbers do what arrays and Polars do, in every special case."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pytest

from scorewright.features import arrays, numbers
from scorewright.features.numbers import UnsureError

STRANGE = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan]

ONE: dict[str, tuple[Callable[[float], float], Callable[[Any], Any]]] = {
    "floor": (numbers.floored, np.floor),
    "ceil": (numbers.ceiled, np.ceil),
    "root": (numbers.root, np.sqrt),
    "sign": (numbers.sign, lambda each: np.where(each == 0.0, each, np.sign(each))),
}


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("number", STRANGE)
def test_one_number_is_as_in_an_array(name: str, number: float) -> None:
    ours, theirs = ONE[name]
    with np.errstate(all="ignore"):
        assert repr(ours(number)) == repr(float(theirs(np.float64(number))))


@pytest.mark.parametrize(("left", "right"), list(product(STRANGE, STRANGE)))
def test_a_quotient_is_as_in_an_array_also_by_zero(left: float, right: float) -> None:
    with np.errstate(all="ignore"):
        assert repr(numbers.divided(left, right)) == repr(float(np.float64(left) / np.float64(right)))


@pytest.mark.parametrize("number", [*STRANGE, 709.0, 710.0, -745.2, 1e-320])
def test_exponential_and_logarithm_are_those_of_polars(number: float) -> None:
    theirs = pl.DataFrame({"x": [number]}).select(exp=pl.col("x").exp(), log=pl.col("x").log()).row(0)
    assert repr((numbers.exponential(number), numbers.logarithm(number))) == repr(theirs)


@pytest.mark.parametrize("name", sorted(numbers.CHECKED))
def test_functions_that_are_used_agree_with_polars(name: str) -> None:
    assert numbers.as_in_polars(name)


@pytest.mark.parametrize(("base", "exponent"), [(2.0, 2.0), (2.0, 0.5), (-8.0, 0.3), (0.0, -1.0), (1e200, 3.7)])
def test_powers_that_polars_takes_another_way_are_left_to_it(base: float, exponent: float) -> None:
    with pytest.raises(UnsureError):
        numbers.power(base, exponent)


@pytest.mark.parametrize("values", [[1.0, math.nan], [-0.0, 0.0], [math.inf, -math.inf]])
def test_an_extreme_that_depends_on_the_way_through_the_rows_is_left_to_polars(values: list[float]) -> None:
    with pytest.raises(UnsureError):
        numbers.extreme(values, largest=True)
    with pytest.raises(UnsureError):
        numbers.quantile(values, 0.5)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7, 127, 128, 129, 1000])
@pytest.mark.parametrize("level", [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])
def test_quantiles_are_those_of_polars(rows: int, level: float) -> None:
    values = (np.random.default_rng(rows).normal(size=rows) * 1e3).tolist()
    assert numbers.quantile(values, level) == pl.Series(values).quantile(level, "linear")
    assert numbers.quantile(values, 0.5) == pl.Series(values).median()


def test_nothing_has_no_extreme_and_no_quantile() -> None:
    assert numbers.extreme([], largest=False) is None
    assert numbers.quantile([], 0.5) is None
    assert numbers.deviation([None], "std", 1) is None
    assert numbers.distinct([]) == 0


def test_nan_is_not_counted_here() -> None:
    assert numbers.distinct(["a", "b", "a"]) == 2
    with pytest.raises(UnsureError):
        numbers.distinct([math.nan, 1.0])


KINDS = [None, 0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("name", ["max_horizontal", "min_horizontal"])
def test_greatest_and_least_are_those_of_polars(name: str) -> None:
    rows = list(product(KINDS, KINDS, KINDS))
    frame = pl.DataFrame(rows, schema=dict.fromkeys("abc", pl.Float64), orient="row")
    theirs = frame.select(getattr(pl, name)("a", "b", "c")).to_series().to_list()
    columns = [arrays.from_list([row[place] for row in rows], np.dtype(np.float64)) for place in range(3)]
    ours = arrays.best_of(np.greater if name == "max_horizontal" else np.less)(*columns)
    assert repr(arrays.to_series("x", ours, pl.Float64(), len(rows)).to_list()) == repr(theirs)
