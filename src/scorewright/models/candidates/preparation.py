"""What logistic regression and the forest need of a matrix before they learn: no gaps, no categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorewright.models.numbers import LARGEST_VALUE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureColumn


@dataclass(frozen=True)
class Numbers:
    """The numeric columns of a matrix with their gaps filled by the mean.

    Parameters
    ----------
    at : ndarray of intp, shape (k,)
        Positions of the numeric columns.
    mean : ndarray of float64, shape (k,)
        Mean of the values there are; 0 where there are none.
    filled : ndarray of float64, shape (n, k)
        The columns, gaps filled.
    gaps : ndarray of bool, shape (n, k)
        Where the gaps were.
    varies : ndarray of bool, shape (k,)
        Whether there are two different values.
    """

    at: NDArray[np.intp]
    mean: NDArray[np.float64]
    filled: NDArray[np.float64]
    gaps: NDArray[np.bool_]
    varies: NDArray[np.bool_]


@dataclass(frozen=True)
class Indicators:
    """The categories of a matrix, each as a column of zeros and ones; a missing category is zero in all of its own.

    Parameters
    ----------
    of : tuple of (int, int)
        For each of k indicators, the position of its column in the matrix and of its category in the column. Only
        categories that occur have one.
    values : ndarray of float64, shape (n, k)
        1 where the application has the category.
    """

    of: tuple[tuple[int, int], ...]
    values: NDArray[np.float64]


def fill_numbers(values: NDArray[np.float64], columns: Sequence[FeatureColumn]) -> Numbers:
    """Fill the gaps of the numeric columns with the mean of each."""
    at = np.array([position for position, column in enumerate(columns) if column.kind == "numeric"], dtype=np.intp)
    found = np.clip(values[:, at], -LARGEST_VALUE, LARGEST_VALUE)
    gaps = np.isnan(found)
    known = np.maximum(len(found) - gaps.sum(axis=0), 1)
    mean = np.where(gaps, 0.0, found).sum(axis=0) / known
    low, high = np.where(gaps, np.inf, found).min(axis=0), np.where(gaps, -np.inf, found).max(axis=0)
    # The mean of a constant may differ from it by rounding, and would then look like a second value.
    mean = np.where(low == high, low, mean)
    return Numbers(at, mean, np.where(gaps, mean, found), gaps, low < high)


def indicate_categories(values: NDArray[np.float64], columns: Sequence[FeatureColumn]) -> Indicators:
    """Give every category that occurs a column of zeros and ones."""
    of = tuple(
        (position, int(category))
        for position, column in enumerate(columns)
        if column.kind == "category"
        for category in np.unique(values[:, position][~np.isnan(values[:, position])])
    )
    found = [values[:, position] == category for position, category in of]
    return Indicators(of, np.array(found, dtype=np.float64).reshape(len(of), len(values)).T)
