from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from scorewright.features import arrays
from scorewright.features.arrays import Column

NUMBERS = [None, 0.0, -0.0, 1.5, -2.5, math.inf, -math.inf, math.nan]
FLAGS = [None, False, True]


def pairs(values: list[Any]) -> tuple[list[Any], list[Any]]:
    """Every value with every value."""
    return [one for one in values for _ in values], [other for _ in values for other in values]


def listed(column: Column, rows: int, dtype: pl.DataType) -> str:
    return repr(arrays.to_series("x", column, dtype, rows).to_list())


def polars(expression: pl.Expr, **columns: pl.Series) -> str:
    return repr(pl.DataFrame(columns).select(expression).to_series().to_list())


def hold(values: list[Any], dtype: pl.DataType) -> Column:
    return arrays.from_list(values, arrays.held_as(dtype))


A, B = pl.col("a"), pl.col("b")
COMPARED = {"Eq": A == B, "NotEq": A != B, "Lt": A < B, "LtEq": A <= B, "Gt": A > B, "GtEq": A >= B}


@pytest.mark.parametrize("name", COMPARED)
def test_numbers_compare_as_in_polars_nan_and_null_too(name: str) -> None:
    left, right = pairs(NUMBERS)
    ours = arrays.comparison(arrays.TOTAL[name])(hold(left, pl.Float64()), hold(right, pl.Float64()))
    theirs = polars(COMPARED[name], a=pl.Series(left, dtype=pl.Float64), b=pl.Series(right, dtype=pl.Float64))
    assert listed(ours, len(left), pl.Boolean()) == theirs


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.parametrize("number", [0.0, -2.5])
def test_numbers_compare_with_a_number_as_in_polars(name: str, number: float) -> None:
    ours = arrays.comparison(arrays.TOTAL_NUMBER[name])(hold(NUMBERS, pl.Float64()), (np.array(number), None))
    expression = COMPARED[name].meta.serialize()
    theirs = pl.DataFrame({"a": pl.Series(NUMBERS, dtype=pl.Float64)}).with_columns(b=pl.lit(number))
    assert listed(ours, len(NUMBERS), pl.Boolean()) == repr(
        theirs.select(pl.Expr.deserialize(expression)).to_series().to_list()
    )


LOGIC: dict[str, tuple[Callable[..., Column], pl.Expr]] = {
    "and": (arrays.both_true, A & B),
    "or": (arrays.either_true, A | B),
    "coalesce": (arrays.first_known, pl.coalesce(A, B)),
}


@pytest.mark.parametrize("name", LOGIC)
def test_three_values_are_those_of_polars(name: str) -> None:
    ours, theirs = LOGIC[name]
    left, right = pairs(FLAGS)
    made = ours(hold(left, pl.Boolean()), hold(right, pl.Boolean()))
    expected = polars(theirs, a=pl.Series(left, dtype=pl.Boolean), b=pl.Series(right, dtype=pl.Boolean))
    assert listed(made, len(left), pl.Boolean()) == expected


ONE: dict[str, tuple[Callable[[Column], Column], pl.Expr]] = {
    "not": (arrays.not_true, ~A),
    "null": (arrays.is_null, A.is_null()),
    "known": (arrays.is_known, A.is_not_null()),
}


@pytest.mark.parametrize("name", ONE)
def test_one_truth_is_as_in_polars(name: str) -> None:
    ours, theirs = ONE[name]
    made = ours(hold(FLAGS, pl.Boolean()))
    assert listed(made, len(FLAGS), pl.Boolean()) == polars(theirs, a=pl.Series(FLAGS, dtype=pl.Boolean))


@pytest.mark.parametrize("other", ["x", None])
def test_a_case_chooses_as_in_polars(other: str | None) -> None:
    truth, values = pairs([None, False, True])
    words = [None if value is None else str(value) for value in values]
    made = arrays.choose(hold(truth, pl.Boolean()), hold(words, pl.String()), arrays.constant(other, pl.String()))
    expected = pl.when(A).then(B).otherwise(pl.lit(other, pl.String))
    given = {"a": pl.Series(truth, dtype=pl.Boolean), "b": pl.Series(words, dtype=pl.String)}
    assert listed(made, len(truth), pl.String()) == polars(expected, **given)


def test_columns_go_to_polars_and_back() -> None:
    for dtype, values in ((pl.Float64(), NUMBERS), (pl.Int64(), [None, -3, 2**62]), (pl.String(), [None, "é"])):
        series = pl.Series("x", values, dtype=dtype)
        held = arrays.from_series(series, arrays.held_as(dtype))
        assert repr(arrays.to_series("x", held, dtype, len(values)).to_list()) == repr(values)
        whole = arrays.to_doubles({"x": held}, len(values))["x"] if dtype == pl.Float64() else series
        assert repr(whole.to_list()) == repr(values)


def test_nothing_is_spread_where_there_is_no_group() -> None:
    column: Column = (np.array([1.0, 2.0]), None)
    spread = arrays.spread(column, 2, np.array([1, -1, 0]))
    assert arrays.to_series("x", spread, pl.Float64(), 3).to_list() == [2.0, None, 1.0]
