"""What moved one application's score most."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scorewright.domain.decisions import Contribution
from scorewright.domain.matrix import FeatureColumn


def _shown(column: FeatureColumn, value: float) -> float | str | None:
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
    order = np.argsort(-np.abs(moved), kind="stable")[:top]
    return tuple(
        Contribution(column.name, column.label, _shown(column, float(values_row[place])), float(moved[place]))
        for place, column in ((int(position), columns[position]) for position in order)
        if moved[place] != 0.0
    )
