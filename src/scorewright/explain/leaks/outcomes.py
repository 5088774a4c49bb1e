"""How well levels of anything tell defaults from repayments, learnt and judged on different rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDS = 5
LEVELS = 20
PRIOR_ROWS = 10.0
LEAST_OF_EACH = 10
MOST_OF_EACH = 10_000
NOISE_DEVIATIONS = 5.0

Positions = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Outcomes:
    """Outcomes of the applications that are looked at.

    Parameters
    ----------
    rows : ndarray of intp, shape (k,)
        Their positions among the applications of training.
    defaulted : ndarray of bool, shape (k,)
        Whether each defaulted.
    """

    rows: Positions
    defaulted: Flags

    @cached_property
    def folds(self) -> Positions:
        """Fold of each row: each class spread evenly, in an order drawn once and for all."""
        shuffled = np.random.default_rng(0).permutation(self.defaulted.size)
        dealt = shuffled[np.argsort(self.defaulted[shuffled], kind="stable")]
        fold = np.empty(self.defaulted.size, dtype=np.intp)
        fold[dealt] = np.arange(self.defaulted.size) % FOLDS
        return fold

    @cached_property
    def luck(self) -> float:
        """AUC that noise hardly reaches: five of its standard deviations above one half.

        The Mann-Whitney statistic of noise has variance ``(k + 1) / (12 * defaults * repaid)``.
        """
        defaults, rows = int(self.defaulted.sum()), self.defaulted.size
        return 0.5 + NOISE_DEVIATIONS * sqrt((rows + 1) / (12.0 * defaults * (rows - defaults)))

    def auc(self, levels: Positions) -> float:
        """Return the mean over folds of the AUC of each level's default rate, learnt on the other folds.

        Rates are drawn towards the overall rate by `PRIOR_ROWS` rows (Micci-Barreca 2001). Learnt out-of-fold, a
        category of a few rows each tells nothing by itself, and any shape of dependence is seen, not only a rising one.
        Each fold has its own AUC because rates learnt on different rows do not compare.

        Parameters
        ----------
        levels : ndarray of intp, shape (k,)
            Level of each row, from 0.
        """
        folds, defaulted, size = self.folds, self.defaulted, int(levels.max()) + 1
        rows = np.bincount(folds * size + levels, minlength=FOLDS * size).reshape(FOLDS, size)
        bad = np.bincount((folds * size + levels)[defaulted], minlength=FOLDS * size).reshape(FOLDS, size)
        rows_else, bad_else = rows.sum(axis=0) - rows, bad.sum(axis=0) - bad
        prior = bad_else.sum(axis=1, keepdims=True) / rows_else.sum(axis=1, keepdims=True)
        rates = (bad_else + prior * PRIOR_ROWS) / (rows_else + PRIOR_ROWS)
        return float(np.mean([_tied_auc(*counts) for counts in zip(rates, bad, rows - bad, strict=True)]))

    def aucs_of_flags(self, flags: Flags) -> Floats:
        r"""Return for each flag the AUC that `auc` gives its two levels, but for the prior; shape (p,).

        The AUC of a flag is :math:`(1 + P(\mathrm{set} | \mathrm{bad}) - P(\mathrm{set} | \mathrm{good})) / 2`, or its
        complement where the other folds say that the flag speaks for repayment.

        Parameters
        ----------
        flags : ndarray of bool, shape (k, p)
        """
        groups = np.arange(FOLDS)[:, None] == self.folds
        bad, good = groups & self.defaulted, groups & ~self.defaulted
        set_bad, set_good = (part.astype(np.float32) @ flags.astype(np.float32) for part in (bad, good))
        sizes_bad, sizes_good = bad.sum(axis=1)[:, None], good.sum(axis=1)[:, None]
        inside = set_bad / sizes_bad - set_good / sizes_good
        elsewhere = (set_bad.sum(axis=0) - set_bad) / (sizes_bad.sum() - sizes_bad)
        elsewhere -= (set_good.sum(axis=0) - set_good) / (sizes_good.sum() - sizes_good)
        return np.asarray(0.5 + np.mean(np.sign(elsewhere) * inside, axis=0, dtype=np.float64) / 2)


def outcomes(target: NDArray[Any]) -> Outcomes | None:
    """Choose what is looked at: up to 10,000 of each outcome, evenly spaced. The AUC does not ask how rare one is.

    Parameters
    ----------
    target : ndarray of {0, 1}, shape (n,)
        1 where the application defaulted.

    Returns
    -------
    Outcomes or None
        None with fewer than ten of an outcome: nothing could be told from luck.
    """
    chosen = []
    for outcome in (0, 1):
        rows = np.flatnonzero(np.asarray(target) == outcome)
        if rows.size < LEAST_OF_EACH:
            return None
        chosen.append(rows[np.linspace(0, rows.size - 1, min(rows.size, MOST_OF_EACH)).round().astype(np.intp)])
    positions = np.sort(np.concatenate(chosen))
    return Outcomes(positions, np.asarray(target)[positions] == 1)


def levels_of_numbers(values: Floats) -> Positions:
    """Turn numbers into levels from 0, bins of them and then one for missing; shape (k,)."""
    missing = np.isnan(values)
    place = np.zeros(values.size, dtype=np.intp)
    if not missing.all():
        place[~missing] = np.searchsorted(_edges(values[~missing]), values[~missing], side="right")
    place[missing] = place.max() + 1
    return place


def levels_of_categories(positions: Floats) -> Positions:
    """Turn positions of categories into levels from 0, then one for missing; shape (k,)."""
    missing = np.isnan(positions)
    place = np.where(missing, 0.0, positions).astype(np.intp)
    place[missing] = place.max() + 1
    return place


def _edges(values: Floats) -> Floats:
    """Return lower edges that part `LEVELS` quantiles of the rows, and as many of the distinct values.

    The value at a quantile is parted from the next, so that a frequent value, often zero, hides no rare one.
    """
    distinct, counts = np.unique(values, return_counts=True)
    steps = np.arange(1, LEVELS)
    at = np.searchsorted(np.cumsum(counts), steps * values.size // LEVELS, side="right")
    firsts = np.unique(np.concatenate((at, at + 1, steps * distinct.size // LEVELS)))
    edges: Floats = distinct[firsts[firsts < distinct.size]]
    return edges


def _tied_auc(rates: Floats, bad: Positions, good: Positions) -> float:
    """Return the AUC of rates by level, levels of equal rate tied: O(levels log levels)."""
    distinct, rank = np.unique(rates, return_inverse=True)
    bad, good = (np.bincount(rank, weights=counts, minlength=distinct.size) for counts in (bad, good))
    below = np.cumsum(good) - good / 2
    return float(np.sum(bad * below) / (bad.sum() * good.sum()))
