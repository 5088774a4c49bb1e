"""Bins that tell of many and of no one.

A bin holds at least `MINIMUM_COUNT` applications, and its edges are rounded midpoints between neighbouring values, so
that neither a count nor an edge is one person's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.domain.measures import rounded

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MINIMUM_COUNT = 10


def pooled_groups(counts: NDArray[Any], at_least: float) -> NDArray[np.intp]:
    """Group neighbouring bins, first to last, until each group counts `at_least`; what is left joins the last group.

    Parameters
    ----------
    counts : ndarray, shape (B,)
        Count of each bin.
    at_least : float
        Least total of a group; a single group may hold less, when all bins together do.

    Returns
    -------
    ndarray of intp, shape (B,)
        Number of each bin's group, from 0, ascending.

    Examples
    --------
    >>> pooled_groups(np.array([3, 8, 12, 4, 4]), 10).tolist()
    [0, 0, 1, 1, 1]
    """
    groups, group, held = np.zeros(len(counts), dtype=np.intp), 0, 0.0
    for position, count in enumerate(counts.tolist()):
        groups[position] = group
        held += count
        if held >= at_least:
            group, held = group + 1, 0.0
    return np.minimum(groups, max(group - 1, 0))


def tail_quantiles(ordered: Floats) -> tuple[float, float]:
    """Return the 0.5 % and 99.5 % quantiles, or the outermost with `MINIMUM_COUNT` values beyond; rounded.

    `ordered` holds at least twice `MINIMUM_COUNT` ascending values.
    """
    beyond = max(MINIMUM_COUNT, ordered.size // 200)
    low, high = float(ordered[beyond - 1]), float(ordered[-beyond])
    step = high / 1000 - low / 1000
    return rounded(low, step), rounded(high, step)


def _midpoints(ordered: Floats, bins: int) -> Floats:
    """Return midpoints just above the values at the quantiles i / bins, and also just below those that fill a bin.

    Cut on both sides, a frequent value never hides rare ones: neither a flag seldom raised nor one seldom lowered.
    """
    distinct, counts = np.unique(ordered, return_counts=True)
    at = np.searchsorted(np.cumsum(counts), np.arange(1, bins) * ordered.size // bins, side="right")
    below = np.union1d(at, at[counts[at] * bins >= ordered.size] - 1)
    below = below[(below >= 0) & (below < distinct.size - 1)]
    return np.unique(distinct[below] / 2 + distinct[below + 1] / 2)


def _rounded_edges(edges: Floats, low: float, high: float) -> Floats:
    """Round each edge to a tenth of the narrower of the two bins it parts, which keeps their order."""
    fenced = np.concatenate(([min(low, edges[0])], edges, [max(high, edges[-1])]))
    tenths = np.diff(fenced / 10)
    tenths[tenths == 0.0] = np.inf
    steps = np.minimum(tenths[:-1], tenths[1:])
    return np.unique([rounded(edge, step) for edge, step in zip(edges.tolist(), steps.tolist(), strict=True)])


def bin_counts(values: Floats, edges: NDArray[Any] | tuple[float, ...]) -> Counts:
    """Count values in the bins ``(-inf, e1], (e1, e2], ..., (eB-1, inf)``, shape (B,)."""
    place = np.searchsorted(np.asarray(edges, dtype=np.float64), values, side="left")
    return np.bincount(place, minlength=len(edges) + 1).astype(np.int64)


def quantile_edges(ordered: Floats, bins: int) -> Floats:
    """Return the inner edges of bins of about equal counts, each of at least `MINIMUM_COUNT`.

    A value that fills a bin has one of its own.

    Parameters
    ----------
    ordered : ndarray of float64, shape (n,)
        Ascending values, none missing.
    bins : int
        Bins to aim at: few values give fewer, values that repeat fewer or more, but less than twice as many.

    Returns
    -------
    ndarray of float64, shape (B - 1,)
        Strictly ascending; empty when one bin holds all.
    """
    edges = _midpoints(ordered, bins) if ordered.size >= 2 * MINIMUM_COUNT else np.empty(0)
    if edges.size == 0:
        return edges
    edges = _rounded_edges(edges, *tail_quantiles(ordered))
    groups = pooled_groups(bin_counts(ordered, edges), MINIMUM_COUNT)
    kept: Floats = edges[groups[1:] != groups[:-1]]
    return kept
