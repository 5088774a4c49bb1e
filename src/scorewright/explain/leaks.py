"""Features that separate defaults too well to be true.

What is only known after the decision (collections, write-offs, a date of default) separates almost perfectly in
training and is absent when an application is scored. The whole score of a good application model reaches an AUC of
about 0.80, and a single column far less (0.66 for the best of Home Credit), so one that reaches `BOUND` alone deserves
a question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix

BOUND = 0.85
FOLDS = 5
LEVELS = 20
PRIOR_ROWS = 10.0
LEAST_OF_EACH = 10
MOST_ROWS = 50_000
NOISE_DEVIATIONS = 5.0

Positions = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class SeparationWarning:
    """Raw columns that, alone, separate defaults implausibly well.

    Parameters
    ----------
    columns : tuple of str
        The raw columns (``"table.column"``) that feed the simplest such feature.
    features : tuple of str
        All such features that hold one of them, best first.
    auc : float
        The best feature's out-of-fold AUC.
    """

    columns: tuple[str, ...]
    features: tuple[str, ...]
    auc: float

    @property
    def sentence(self) -> str:
        """What was seen, why it is suspicious and what to do."""
        named, shown = " with ".join(self.columns), ", ".join(self.features[:5])
        more = f" and {len(self.features) - 5} more" if len(self.features) > 5 else ""
        return (
            f"{named} alone separates defaults from repayments with an AUC of {self.auc:.3f} ({shown}{more}). "
            "A whole application model reaches about 0.80, so this may be known only after the decision. "
            "Check that it is known when the application is scored; if not, list it under never in portfolio.toml."
        )


@dataclass
class _Suspicion:
    columns: tuple[str, ...]
    features: list[tuple[float, str]] = field(default_factory=list)


def _folds(defaulted: Flags) -> Positions:
    """Spread each class evenly over the folds, in an order drawn once and for all."""
    shuffled = np.random.default_rng(0).permutation(defaulted.size)
    dealt = shuffled[np.argsort(defaulted[shuffled], kind="stable")]
    fold = np.empty(defaulted.size, dtype=np.intp)
    fold[dealt] = np.arange(defaulted.size) % FOLDS
    return fold


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


def _levels(column: FeatureColumn, values: Floats) -> Positions:
    """Turn values into levels from 0: categories or bins, then one for missing."""
    missing = np.isnan(values)
    place = np.zeros(values.size, dtype=np.intp)
    if column.kind == "category":
        place[~missing] = values[~missing]
    elif not missing.all():
        place[~missing] = np.searchsorted(_edges(values[~missing]), values[~missing], side="right")
    place[missing] = place.max() + 1
    return place


def _binned_auc(levels: Positions, rates: Floats, defaulted: Flags) -> float:
    """Return the AUC of rates by level, levels of equal rate tied: O(n + levels log levels)."""
    _, rank = np.unique(rates, return_inverse=True)
    bad, good = (np.bincount(rank[levels[flags]], minlength=rank.size) for flags in (defaulted, ~defaulted))
    below = np.cumsum(good) - good / 2
    return float(np.sum(bad * below) / (bad.sum() * good.sum()))


def separation(levels: Positions, defaulted: Flags, folds: Positions) -> float:
    """Return the mean over folds of the AUC of each level's default rate, learnt on the other folds.

    Rates are drawn towards the overall rate by `PRIOR_ROWS` rows (Micci-Barreca 2001). Learnt out-of-fold, a category
    of a few rows each tells nothing by itself, and any shape of dependence is seen, not only a rising one. Each fold
    has its own AUC because rates learnt on different rows do not compare.
    """
    size = int(levels.max()) + 1
    rows = np.bincount(folds * size + levels, minlength=FOLDS * size).reshape(FOLDS, size)
    bad = np.bincount((folds * size + levels)[defaulted], minlength=FOLDS * size).reshape(FOLDS, size)
    rows_else, bad_else = rows.sum(axis=0) - rows, bad.sum(axis=0) - bad
    prior = bad_else.sum(axis=1, keepdims=True) / rows_else.sum(axis=1, keepdims=True)
    rates = (bad_else + prior * PRIOR_ROWS) / (rows_else + PRIOR_ROWS)
    inside = [folds == fold for fold in range(FOLDS)]
    return float(np.mean([_binned_auc(levels[i], rate, defaulted[i]) for i, rate in zip(inside, rates, strict=True)]))


def _bound(threshold: float, defaults: int, rows: int) -> float:
    """Raise the bound where few rows could reach it by luck: five standard deviations of the AUC of noise.

    The Mann-Whitney statistic of noise has variance ``(n + 1) / (12 * defaults * repaid)``.
    """
    return max(threshold, 0.5 + NOISE_DEVIATIONS * sqrt((rows + 1) / (12.0 * defaults * (rows - defaults))))


def _grouped(suspects: Iterable[tuple[float, FeatureColumn]]) -> list[_Suspicion]:
    """Blame the simplest feature first; one that holds a column already blamed is explained by it."""
    suspicions: list[_Suspicion] = []
    for auc, column in sorted(suspects, key=lambda pair: (len(pair[1].sources), -pair[0], pair[1].name)):
        sources = column.sources or (column.name,)
        known = [suspicion for suspicion in suspicions if set(suspicion.columns) & set(sources)]
        if not known:
            known = [_Suspicion(sources)]
            suspicions += known
        for suspicion in known:
            suspicion.features.append((auc, column.name))
    return suspicions


def _warnings(suspicions: Sequence[_Suspicion]) -> tuple[SeparationWarning, ...]:
    found = []
    for suspicion in suspicions:
        ranked = sorted(suspicion.features, key=lambda pair: (-pair[0], pair[1]))
        found.append(SeparationWarning(suspicion.columns, tuple(name for _, name in ranked), ranked[0][0]))
    return tuple(sorted(found, key=lambda warning: (-warning.auc, warning.columns)))


def separation_warnings(
    matrix: FeatureMatrix, target: NDArray[Any], threshold: float = BOUND
) -> tuple[SeparationWarning, ...]:
    """Return a warning for each raw column, or few together, that separates too well to be true; the worst first.

    Parameters
    ----------
    matrix : FeatureMatrix, n rows
        Training applications. Of more than 50,000, as many evenly spaced are looked at.
    target : ndarray of {0, 1}, shape (n,)
        1 where the application defaulted.
    threshold : float
        Out-of-fold AUC of one feature from which it is implausible; raised where few rows could reach it by luck.

    Notes
    -----
    With fewer than ten defaults or ten repayments nothing can be told from luck, and nothing is said.
    """
    rows = np.linspace(0, target.size - 1, min(target.size, MOST_ROWS)).round().astype(np.intp)
    defaulted = np.asarray(target)[rows] == 1
    if min(int(defaulted.sum()), int((~defaulted).sum())) < LEAST_OF_EACH:
        return ()
    folds, bound = _folds(defaulted), _bound(threshold, int(defaulted.sum()), rows.size)
    aucs = (
        separation(_levels(column, matrix.values[rows, place]), defaulted, folds)
        for place, column in enumerate(matrix.columns)
    )
    suspects = [(auc, column) for auc, column in zip(aucs, matrix.columns, strict=True) if auc >= bound]
    return _warnings(_grouped(suspects))
