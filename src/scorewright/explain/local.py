"""What moved one application's score most."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scorewright.domain.decisions import Contribution
from scorewright.domain.explanations import SharedContribution
from scorewright.domain.matrix import FeatureColumn
from scorewright.explain.shares import SharedOut


def shown(column: FeatureColumn, value: float) -> float | str | None:
    """Return a value of the matrix as it is shown: a category as its text, a missing value as None."""
    if math.isnan(value):
        return None
    return column.categories[int(value)] if column.kind == "category" else value


def largest(
    contributions_row: NDArray[np.float64],
    columns: Sequence[FeatureColumn],
    values_row: NDArray[np.float64],
    top: int = 10,
) -> tuple[Contribution, ...]:
    """Return the contributions furthest from zero, largest first, equals in the order of the matrix.

    A feature that did not move the score is never listed.

    Parameters
    ----------
    contributions_row : ndarray of float64, shape (p + 1,)
        One application's contributions; the last is the base value and is left aside.
    columns : sequence of FeatureColumn, length p
        The features, in order.
    values_row : ndarray of float64, shape (p,)
        Their values: a category is shown as its text, a missing value as None.
    top : int
        Most contributions to return.

    Raises
    ------
    ValueError
        When the shapes do not fit.
    """
    if contributions_row.shape != (len(columns) + 1,) or values_row.shape != (len(columns),):
        raise ValueError(f"{len(columns)} features have as many values and one contribution more.")
    moved = contributions_row[:-1]
    return tuple(
        Contribution(columns[place].name, columns[place].label, shown(columns[place], value), moved_by)
        for place, value, moved_by in _furthest(moved, values_row, top)
    )


def shared_contributions(
    shares: SharedOut,
    columns: Sequence[FeatureColumn],
    values: NDArray[np.float64],
    row: int = 0,
    top: int | None = None,
) -> tuple[SharedContribution, ...]:
    """Return how far the features moved one score, on three scales, largest first, equals in the order of the matrix.

    A feature that did not move the score is never listed. With all of them, each scale sums to the value of
    ``shares.totals(row)`` less its base.

    Parameters
    ----------
    shares : SharedOut
        Shares of n applications.
    columns : sequence of FeatureColumn, length p
        The features, in order.
    values : ndarray of float64, shape (n, p)
        Their values: a category is shown as its text, a missing value as None.
    row : int
        Which application.
    top : int, optional
        Most contributions to return; all by default.

    Raises
    ------
    ValueError
        When the shapes do not fit.
    """
    if shares.log_odds.shares.shape != values.shape or values.shape[1] != len(columns):
        raise ValueError(f"{len(columns)} features have as many values and shares for each application.")
    chances, points = shares.pd.shares[row], shares.points.shares[row]
    return tuple(
        SharedContribution(
            columns[place].name,
            columns[place].label,
            shown(columns[place], value),
            moved_by,
            float(chances[place]),
            float(points[place]),
        )
        for place, value, moved_by in _furthest(shares.log_odds.shares[row], values[row], top)
    )


def _furthest(
    moved: NDArray[np.float64], values: NDArray[np.float64], top: int | None
) -> list[tuple[int, float, float]]:
    """Positions, values and contributions of the features that moved the score, largest first."""
    order = np.argsort(-np.abs(moved), kind="stable")[:top]
    order = order[moved[order] != 0.0]
    return list(zip(order.tolist(), values[order].tolist(), moved[order].tolist(), strict=True))
