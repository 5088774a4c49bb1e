"""What logistic regression and the forest need of a matrix before they learn: no gaps, no categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorewright.errors import TrainingError
from scorewright.models.numbers import LARGEST_VALUE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureColumn, FeatureMatrix


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
    values : ndarray of bool, shape (n, k)
        Whether the application has the category.
    """

    of: tuple[tuple[int, int], ...]
    values: NDArray[np.bool_]


def fill_numbers(values: NDArray[np.float64], columns: Sequence[FeatureColumn]) -> Numbers:
    """Fill the gaps of the numeric columns with the mean of each."""
    at = np.array([position for position, column in enumerate(columns) if column.kind == "numeric"], dtype=np.intp)
    filled = np.clip(values[:, at], -LARGEST_VALUE, LARGEST_VALUE)
    gaps = np.isnan(filled)
    known = np.maximum(len(filled) - gaps.sum(axis=0), 1)
    low, high = (
        reach(filled, axis=0, where=~gaps, initial=start) for reach, start in ((np.min, np.inf), (np.max, -np.inf))
    )
    mean = np.sum(filled, axis=0, where=~gaps) / known
    # The mean of a constant may differ from it by rounding, and would then look like a second value.
    mean = np.where(low == high, low, mean)
    np.copyto(filled, mean, where=gaps)
    return Numbers(at, mean, filled, gaps, low < high)


def indicate_categories(values: NDArray[np.float64], columns: Sequence[FeatureColumn]) -> Indicators:
    """Give every category that occurs a column of zeros and ones."""
    of = tuple(
        (position, int(category))
        for position, column in enumerate(columns)
        if column.kind == "category"
        for category in np.unique(values[:, position][~np.isnan(values[:, position])])
    )
    found = np.empty((len(values), len(of)), dtype=np.bool_)
    for at, (position, category) in enumerate(of):
        np.equal(values[:, position], category, out=found[:, at])
    return Indicators(of, found)


def check_learnable(matrix: FeatureMatrix, target: NDArray[np.int8]) -> None:
    """Refuse what nothing can be learnt from.

    Raises
    ------
    TrainingError
        When all applications have the same outcome, or there is no feature.
    """
    defaulted = int(target.sum())
    if not 0 < defaulted < len(target):
        raise TrainingError(
            "A model needs defaulted and repaid applications to learn from.",
            f"{defaulted} of {len(target)} defaulted",
            "Give more applications, or check which value of the target means defaulted.",
        )
    if not matrix.columns:
        raise TrainingError(
            "A model needs at least one feature to learn from.",
            "no feature is left",
            "Add features to the portfolio, or keep more of them in selection.",
        )


def weight_of_defaults(target: NDArray[np.int8], power: float) -> float:
    """Give the weight of a default against a repaid loan: ``(repaid / defaulted) ** power``.

    Examples
    --------
    >>> [weight_of_defaults(np.array([1, 0, 0, 0, 0], dtype=np.int8), power) for power in (0.0, 0.5, 1.0)]
    [1.0, 2.0, 4.0]
    """
    defaulted = int(target.sum())
    return float(((len(target) - defaulted) / defaulted) ** power)


def class_weights(target: NDArray[np.int8], power: float) -> dict[int, float]:
    """Give the weight of each outcome, in the ratio of `weight_of_defaults` and one on average.

    On average one, because what else is set beside the weights, as a penalty or a share of the rows, then means the
    same for every power.
    """
    weight = weight_of_defaults(target, power)
    repaid = len(target) / float(np.where(target == 1, weight, 1.0).sum())
    return {0: repaid, 1: repaid * weight}


def keep_algebra_on_one_thread() -> None:
    """Let BLAS use one thread from now on, in the whole process: how it deals sums out shows in their last bits.

    The limit is not lifted again. OpenBLAS forgets to obey other threads once the one that set a limit has lifted it,
    and what runs side by side here are folds and trials.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    threadpool_limits(1, "blas")
