"""Points of a beeswarm: enough of them to see the shape, and none to be told from the others."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from scorewright.domain.explanations import Swarm
from scorewright.domain.matrix import FeatureColumn
from scorewright.explain.held_out import Floats, evenly

POINTS = 300


def swarm(column: FeatureColumn, values: Floats, contributions: Floats, points: int = POINTS) -> Swarm:
    """Give contributions and ranks of values of a sample, from the smallest contribution to the largest.

    A rank is that of the value among all the applications given that have one, from 0 to 1 in steps of 0.01, equals
    sharing their mean rank; a category's is that of its position among the categories. Sorted by contribution, the
    points of two features cannot be matched: nobody's row can be put together from them.

    Parameters
    ----------
    column : FeatureColumn
        The feature.
    values, contributions : ndarray of float64, shape (n,)
        Of the same applications.
    points : int
        Most points to give.
    """
    ranks = _ranks(values)
    taken = evenly(len(values), points)
    drawn = [(float(f"{contributions[row]:.3g}"), round(float(ranks[row]), 2)) for row in taken]
    # Not a number compares with nothing: the missing go last among equals.
    drawn.sort(key=lambda point: (point[0], math.isnan(point[1]), 0.0 if math.isnan(point[1]) else point[1]))
    return Swarm(
        name=column.name,
        label=column.label.en,
        contributions=tuple(moved for moved, _ in drawn),
        ranks=tuple(None if math.isnan(rank) else rank for _, rank in drawn),
    )


def _ranks(values: Floats) -> Floats:
    """Rank known values from 0 to 1, 0.5 where all are equal; NaN stays."""
    ranks = np.full(len(values), np.nan)
    known = ~np.isnan(values)
    if known.any():
        found = stats.rankdata(values[known])
        ranks[known] = (found - 1.0) / (len(found) - 1.0) if len(found) > 1 else 0.5
    return ranks
