"""What a training learns from, as the looks see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureMatrix
from scorewright.explain.leaks.outcomes import Floats, Outcomes, Positions, levels_of_numbers, outcomes


@dataclass(frozen=True)
class Learnt:
    """The applications of training.

    Parameters
    ----------
    matrix : FeatureMatrix, n rows
        Their features.
    target : ndarray of {0, 1}, shape (n,)
        1 where the application defaulted.
    raw : DataFrame, n rows
        Raw columns of the application that features read, each named as in `FeatureColumn.sources`.
    """

    matrix: FeatureMatrix
    target: NDArray[Any]
    raw: pl.DataFrame = field(default_factory=pl.DataFrame)

    @cached_property
    def outcomes(self) -> Outcomes | None:
        """What is known of their outcomes; None where there are too few to tell anything from luck."""
        return outcomes(self.target)

    def readers(self, column: str) -> tuple[str, ...]:
        """Features that read a raw column."""
        return tuple(feature.name for feature in self.matrix.columns if column in feature.sources)


def levels_of_raw(values: pl.Series) -> Positions:
    """Turn a raw column into levels from 0: bins of numbers and dates, distinct texts, then one for missing."""
    if values.dtype == pl.String:
        return levels_of_text(values)
    return levels_of_numbers(as_numbers(values))


def levels_of_text(values: pl.Series) -> Positions:
    """One level for each text, and one for missing."""
    place = values.rank("dense").fill_null(0).to_numpy()
    return place.astype("intp")


def as_numbers(values: pl.Series) -> Floats:
    """Numbers, flags, days and times as floats, NaN where missing; shape (k,)."""
    numbers: Floats = values.to_physical().cast(pl.Float64).to_numpy()
    return numbers
