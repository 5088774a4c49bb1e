"""Bins that a person can read: the likeliest monotone ones there are, found exactly.

A column is cut finely first (`prebin`), and neighbouring parts are then joined (`optimal_starts`). WoE here is positive
where applications are safer than on average.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from scorewright.models.numbers import LARGEST_VALUE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureColumn

Direction = Literal[-1, 0, 1]

MOST_PARTS = 64
"""A column is cut into at most so many parts before they are joined."""
RARE_SHARE = 0.01
"""Categories of fewer applications than this share are taken together."""
SMOOTHING = 20.0
"""Applications at the default rate of all that every bin is given on top of its own."""
FEWEST = 10
"""A bin of fewer applications says nothing: its WoE is 0 and its default rate is told to nobody."""
CHARGE = 0.5
"""Log-likelihood that each further bin must add: enough to join what does not differ. What noise is left is held back
by the penalty on the coefficients, which did better on real data than a higher charge."""


@dataclass(frozen=True)
class Counts:
    """Applications repaid and defaulted in each of k parts: two arrays of float64, shape (k,)."""

    good: NDArray[np.float64]
    bad: NDArray[np.float64]

    @property
    def rows(self) -> NDArray[np.float64]:
        """Applications in each part."""
        return self.good + self.bad

    def joined(self, starts: NDArray[np.intp]) -> Counts:
        """Add up neighbouring parts; bin b begins with part ``starts[b]``."""
        return Counts(np.add.reduceat(self.good, starts), np.add.reduceat(self.bad, starts))


@dataclass(frozen=True)
class Parts:
    """A column of n applications, cut finely.

    Parameters
    ----------
    code : ndarray of uint8, shape (n,)
        Part of each application; k where the value is missing.
    counts : Counts
        Of the k parts, and last of the missing.
    edges : ndarray of float64, shape (k - 1,)
        Numeric columns: part i begins with edge i - 1. Empty for categories.
    group : ndarray of intp, shape (categories,)
        Part of each category. Empty for numeric columns.
    """

    code: NDArray[np.uint8]
    counts: Counts
    edges: NDArray[np.float64]
    group: NDArray[np.intp]

    @property
    def known(self) -> Counts:
        """Counts of the k parts, without the missing."""
        return Counts(self.counts.good[:-1], self.counts.bad[:-1])


@dataclass(frozen=True)
class Limits:
    """What bins must be.

    Parameters
    ----------
    fewest : float
        Applications that a bin holds at least, unless all known values together are fewer.
    most : int
        Number of bins at most.
    rate : float
        Default rate of all applications, towards which those of the bins are smoothed.
    """

    fewest: float
    most: int
    rate: float

    def smoothed(self, counts: Counts) -> NDArray[np.float64]:
        """Give each part's default rate with `SMOOTHING` applications at the rate of all on top."""
        return np.asarray((counts.bad + SMOOTHING * self.rate) / (counts.rows + SMOOTHING), dtype=np.float64)


def weights_of_evidence(counts: Counts) -> NDArray[np.float64]:
    """Weigh what each of k bins says: ln(share of the repaid / share of the defaulted), shape (k,).

    Smoothed by `SMOOTHING` applications at the default rate of all, so that it is finite, and near 0 where little is
    known; exactly 0 in bins of fewer than `FEWEST`. It has nine decimals, so that the order in which a machine adds
    decides nothing.

    References
    ----------
    Good 1950, *Probability and the weighing of evidence*; Siddiqi 2017, *Intelligent credit scoring*, chapter 10.

    Examples
    --------
    >>> [float(woe) for woe in weights_of_evidence(Counts(np.array([980.0, 480.0]), np.array([30.0, 130.0]))).round(3)]
    [1.23, -0.883]
    """
    rate = counts.bad.sum() / counts.rows.sum()
    good, bad = counts.good + SMOOTHING * (1.0 - rate), counts.bad + SMOOTHING * rate
    woe = np.log(good / bad) - np.log((1.0 - rate) / rate)
    return np.asarray(np.where(counts.rows < FEWEST, 0.0, np.round(woe, 9) + 0.0), dtype=np.float64)


def information_value(counts: Counts) -> float:
    """Sum what k bins say: (share of the repaid - share of the defaulted) * WoE, never below 0.

    References
    ----------
    Kullback and Leibler 1951, *On information and sufficiency*: their symmetric divergence between the two outcomes.
    """
    shares = counts.good / counts.good.sum() - counts.bad / counts.bad.sum()
    return float(np.sum(shares * weights_of_evidence(counts)))


def prebin(values: NDArray[np.float64], column: FeatureColumn, target: NDArray[np.int8]) -> Parts:
    """Cut a column into at most `MOST_PARTS` parts, or group its rare categories: n values, n outcomes."""
    missing = np.isnan(values)
    if column.kind == "category":
        edges, group = np.zeros(0), _groups(values[~missing], len(column.categories), len(values))
        found = group[values[~missing].astype(np.intp)]
        parts = int(group.max(initial=0)) + 1
    else:
        edges, group = fine_edges(values[~missing]), np.zeros(0, dtype=np.intp)
        found = np.searchsorted(edges, values[~missing], side="right")
        parts = len(edges) + 1
    code = np.full(len(values), parts, dtype=np.uint8)
    code[~missing] = found
    rows = np.bincount(code, minlength=parts + 1).astype(np.float64)
    bad = np.bincount(code, weights=target, minlength=parts + 1).astype(np.float64)
    return Parts(code, Counts(rows - bad, bad), edges, group)


def _groups(codes: NDArray[np.float64], categories: int, rows: int) -> NDArray[np.intp]:
    """Number the categories; all rare ones, and those not seen here, share the last number."""
    seen = np.bincount(codes.astype(np.intp), minlength=categories)
    often = seen >= max(FEWEST, RARE_SHARE * rows)
    return np.asarray(np.where(often, np.cumsum(often) - 1, often.sum()), dtype=np.intp)


def fine_edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut n known numbers into at most `MOST_PARTS` parts of about equal size, at round numbers.

    Where there are few different values, between any two of them. An edge may move by a quarter of a part to be
    rounder.
    """
    different, counts = np.unique(np.clip(values, -LARGEST_VALUE, LARGEST_VALUE), return_counts=True)
    below = np.cumsum(counts) - counts
    if len(different) <= MOST_PARTS:
        return np.array([roundest(*pair) for pair in pairwise(different)], dtype=np.float64)
    part = len(values) / MOST_PARTS
    aims = np.arange(1, MOST_PARTS) * part
    after = np.clip(np.searchsorted(below, aims), 1, len(below) - 1)
    before = np.maximum(after - 1, 1)
    at = np.unique(np.where(aims - below[before] < below[after] - aims, before, after))
    low = np.searchsorted(below, below[at] - part / 4)
    high = np.searchsorted(below, below[at] + part / 4, side="right") - 1
    pairs = zip(different[np.maximum(low, 1) - 1], different[high], strict=True)
    return np.unique([roundest(*pair) for pair in pairs])


def roundest(low: float, high: float) -> float:
    """Find the number above `low` and not above `high` that has the fewest digits.

    Examples
    --------
    >>> roundest(0.4987, 0.5013), roundest(-2.0, 7.0), roundest(1.0, 2.0), roundest(1218.0, 1226.0)
    (0.5, 0.0, 2.0, 1220.0)
    """
    if low < 0.0 <= high:
        return 0.0
    largest = math.floor(math.log10(max(abs(low), abs(high))))
    for exponent in range(largest, largest - 18, -1):
        digits = math.floor(high / 10.0**exponent) if exponent > -300 else 0
        found = float(f"{digits}e{exponent}")
        if low < found <= high:
            return found
    return float(high)


@dataclass(frozen=True)
class _Table:
    """For every run of neighbouring parts: its log-likelihood (minus infinity if too small) and its smoothed rate."""

    gain: NDArray[np.float64]
    rate: NDArray[np.float64]


def optimal_starts(counts: Counts, limits: Limits, direction: Direction = 0) -> NDArray[np.intp]:
    """Join k neighbouring parts into the best bins whose default rates only rise, or only fall.

    The best have the highest log-likelihood of the outcomes, less `CHARGE` for each bin after the first, of all ways
    to cut in which every bin keeps `limits` and smoothed default rates are monotone. Found by dynamic programming
    over the last bin, in O(k² (log k + most)).

    Parameters
    ----------
    counts : Counts
        Of the k parts, in order.
    limits : Limits
        What bins must be.
    direction : {-1, 0, 1}
        1: rates may only rise, -1: only fall, 0: whichever is better.

    Returns
    -------
    ndarray of intp
        Position of the first part of each bin; only 0 where no cut is worth it, or possible.
    """
    table = _all_runs(counts, limits)
    ways = (1, -1) if direction == 0 else (direction,)
    found = [_climb(_Table(table.gain, way * table.rate), limits.most) for way in ways]
    return max(found, key=lambda result: result[0])[1]


def _all_runs(counts: Counts, limits: Limits) -> _Table:
    good, bad = (np.concatenate([[0.0], np.cumsum(side)]) for side in (counts.good, counts.bad))
    runs = Counts(good[None, 1:] - good[:-1, None], bad[None, 1:] - bad[:-1, None])
    upper = np.triu(np.ones(runs.good.shape, dtype=np.bool_)) & (runs.rows >= limits.fewest)
    safe = Counts(np.maximum(runs.good, 0.0), np.maximum(runs.bad, 0.0))
    return _Table(np.where(upper, _log_likelihood(safe), -np.inf), limits.smoothed(safe))


def _log_likelihood(counts: Counts) -> NDArray[np.float64]:
    rows = np.maximum(counts.rows, 1.0)
    good = counts.good * np.log(np.maximum(counts.good, 1.0) / rows)
    return np.asarray(good + counts.bad * np.log(np.maximum(counts.bad, 1.0) / rows), dtype=np.float64)


def _climb(table: _Table, most: int) -> tuple[float, NDArray[np.intp]]:
    """Find the best bins of rising rates: their value, and where they start.

    ``best[b, i, j]`` is the value of the best b + 1 bins over parts 0 to j of which the last starts at i, and
    ``before[b, i, j]`` where the bin before that one starts. Bins before a start i can be followed by any bin of a rate
    no lower, so they are sorted by rate and the best of each beginning of that list is kept.
    """
    parts = len(table.gain)
    best = np.full((most, parts, parts), -np.inf)
    before = np.zeros((most, parts, parts), dtype=np.intp)
    best[0, 0] = table.gain[0]
    bins = np.arange(most - 1)[:, None]
    for start in range(1, parts):
        order = np.argsort(table.rate[:start, start - 1], kind="stable")
        values = best[:-1, order, start - 1]
        reached = np.maximum.accumulate(values, axis=1)
        leader = np.maximum.accumulate(np.where(values == reached, np.arange(start), 0), axis=1)
        rates = table.rate[order, start - 1]
        last = np.searchsorted(rates, table.rate[start, start:], side="right") - 1
        follows = np.where(last >= 0, reached[:, last], -np.inf) - CHARGE
        best[1:, start, start:] = table.gain[start, start:] + follows
        before[1:, start, start:] = order[leader[bins, last]]
    return _traced(best[:, :, -1], before)


def _traced(last: NDArray[np.float64], before: NDArray[np.intp]) -> tuple[float, NDArray[np.intp]]:
    value = float(last.max())
    if value == -np.inf:
        return value, np.zeros(1, dtype=np.intp)
    bins, start = (int(at) for at in np.unravel_index(int(last.argmax()), last.shape))
    starts, end = [start], before.shape[2] - 1
    while bins:
        bins, start, end = bins - 1, int(before[bins, start, end]), start - 1
        starts.append(start)
    return value, np.array(starts[::-1], dtype=np.intp)
