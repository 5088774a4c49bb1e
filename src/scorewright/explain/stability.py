"""Whether the models of several folds agree on what matters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from scorewright.explain.held_out import Floats


def rank_ranges(importances: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Best and worst rank of each feature over the folds, from 1; equals share the best of their ranks.

    Parameters
    ----------
    importances : ndarray of float64, shape (m, p)
        Importance of each feature in each fold, the higher the better.

    Returns
    -------
    best, worst : ndarray of intp, shape (p,)

    Examples
    --------
    >>> best, worst = rank_ranges(np.array([[3.0, 2.0, 0.0, 0.0], [1.0, 2.0, 0.0, 0.0]]))
    >>> best.tolist(), worst.tolist()
    ([1, 1, 3, 3], [2, 2, 3, 3])
    """
    ranks = stats.rankdata(-importances, method="min", axis=1).astype(np.intp)
    return ranks.min(axis=0), ranks.max(axis=0)


def kendall_w(importances: Floats) -> float:
    """Kendall's W: how far m judges agree on the ranks of p features, 1 where all agree, ties accounted for.

    ``W = 12 S / (m² (p³ - p) - m sum(T))`` with S the sum of squares of the features' rank sums around their mean, and
    T the sum of ``t³ - t`` over a judge's runs of t equal values. One judge agrees with itself, and so do judges to
    whom all features are equal. Without ties it is ``((m - 1) r + 1) / m``, r being the mean of Spearman's correlations
    of all pairs of judges.

    Parameters
    ----------
    importances : ndarray of float64, shape (m, p)
        What each judge ranks by.

    References
    ----------
    Kendall & Babington Smith 1939, *The problem of m rankings*; for ties, Kendall 1948, *Rank correlation methods*,
    chapter 6.
    """
    ranks = stats.rankdata(importances, axis=1)
    # The sum of squares of a judge's ranks around their mean is (p³ - p - T) / 12.
    most = len(ranks) * float(np.sum((ranks - ranks.mean(axis=1, keepdims=True)) ** 2))
    sums = ranks.sum(axis=0)
    return float(np.sum((sums - sums.mean()) ** 2)) / most if most else 1.0
