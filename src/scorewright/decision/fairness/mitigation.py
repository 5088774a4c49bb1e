"""What less discriminatory alternatives are made of: features that stand for a group, and balanced applications."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.bootstrap import Resampling
from scorewright.decision.inputs import Floats
from scorewright.decision.metrics import measure, rank
from scorewright.domain.costs import CostMatrix
from scorewright.domain.evaluation import Interval

#: Parts that a numeric feature is cut into, by quantiles, when it is set against groups.
LEVELS = 20

Positions = NDArray[np.intp]

#: A surplus that is only this large is none: the root of a rounding error would look like a weak association.
_ROUNDING = 1e-12


def levels_of(values: Floats, *, category: bool) -> Positions:
    """Turn a feature's values into levels from 0: categories or quantiles, and the missing.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        NaN where missing.
    category : bool
        Whether they are positions of categories.
    """
    known = ~np.isnan(values)
    if not category and known.any():
        edges = np.unique(np.quantile(values[known], np.arange(1, LEVELS) / LEVELS, method="lower"))
        values = np.where(known, np.searchsorted(edges, values, side="left"), np.nan)
    _, levels = np.unique(np.where(known, values, -1.0), return_inverse=True)
    return levels.astype(np.intp)


def association(levels: Positions, group_of_row: Positions) -> float:
    """Return how well a feature's levels tell the group, from 0 (not at all) to 1: Cramér's V, corrected for its bias.

    ``V**2 = max(0, chi2 / n - (r - 1) * (c - 1) / (n - 1)) / (min(r', c') - 1)`` for r levels and c groups, where
    ``r' = r - (r - 1)**2 / (n - 1)`` and c' likewise (Bergsma 2013, *A bias-correction for Cramér's V and Tschuprow's
    T*). Any shape of dependence counts, gaps included, and numbers compare with categories.

    Parameters
    ----------
    levels, group_of_row : ndarray of intp, shape (n,)
        From 0, every number in use or not.

    Examples
    --------
    >>> association(np.arange(100) % 2, np.arange(100) % 2), association(np.arange(100) % 2, np.arange(100) // 50)
    (1.0, 0.0)
    """
    n, width = levels.size, int(group_of_row.max()) + 1
    table = np.bincount(levels * width + group_of_row, minlength=(int(levels.max()) + 1) * width).reshape(-1, width)
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi2 = float(np.sum((table - expected) ** 2 / expected)) / n
    lost = [(size - 1) / (n - 1) for size in table.shape]
    free = min(size - (size - 1) * share for size, share in zip(table.shape, lost, strict=True)) - 1
    surplus = phi2 - (table.shape[0] - 1) * lost[1]
    return min(1.0, (surplus / free) ** 0.5) if surplus > _ROUNDING and free > 0 else 0.0


def balanced(group_of_row: Positions, target: NDArray[np.int8], seed: int) -> Positions:
    """Draw applications so that group and outcome are independent; shares of groups and of outcomes stay as they are.

    Each group's defaults, and its repayments, are drawn ``n_group * n_outcome / n`` times: all of them as often as goes
    into that, and a random part once more. Kamiran and Calders 2012, *Data preprocessing techniques for classification
    without discrimination*, whose reweighing this is for models that take no weights (their uniform sampling). A group
    without defaults stays so.

    Parameters
    ----------
    group_of_row : ndarray of intp, shape (n,)
        Group of each application, from 0.
    target : ndarray of int8, shape (n,)
        1 where it defaulted.
    seed : int
        Seed of the draws.

    Returns
    -------
    ndarray of intp
        Rows to learn from, ascending; some more than once, some not at all.

    Examples
    --------
    >>> balanced(np.array([0, 0, 0, 0, 1, 1, 1, 1]), np.array([1, 1, 1, 0, 1, 0, 0, 0], dtype=np.int8), 0).tolist()
    [1, 2, 3, 3, 4, 4, 5, 7]
    """
    rng, cell = np.random.default_rng(seed), 2 * group_of_row + target
    groups, outcomes = np.bincount(group_of_row), np.bincount(target, minlength=2)
    drawn = []
    for at in np.unique(cell).tolist():
        rows = np.flatnonzero(cell == at)
        wanted = round(int(groups[at // 2]) * int(outcomes[at % 2]) / cell.size)
        copies, more = divmod(wanted, rows.size)
        drawn += [np.tile(rows, copies), rng.choice(rows, more, replace=False)]
    return np.sort(np.concatenate(drawn))


def auc_within_folds(pd: Floats, target: NDArray[np.int8], fold_of_row: Positions, resampling: Resampling) -> Interval:
    """Return the mean over folds of the AUC of out-of-fold PDs, with its bootstrap interval.

    Applications are drawn within each fold; a fold that holds one outcome only says nothing, and where all do so it is
    0.5 (see `scorewright.decision.metrics.evaluate_folds`).

    Parameters
    ----------
    pd, target, fold_of_row : ndarray, shape (n,)
        Out-of-fold PDs, 0 or 1, and the fold of each row.
    resampling : Resampling
        How often to draw, from which seed, and how wide the interval is.
    """
    folds = [rank(pd[fold_of_row == fold], target[fold_of_row == fold], 0.5) for fold in np.unique(fold_of_row)]
    sizes = [fold.defaulted.size for fold in folds]
    draws = (Resampling(resampling.repeats, seed=resampling.seed + at).draws(n) for at, n in enumerate(sizes))

    def auc(weights: tuple[Floats, ...]) -> float:
        found = [measure(fold, each, CostMatrix()).get("auc") for fold, each in zip(folds, weights, strict=True)]
        known = [value for value in found if value is not None]
        return float(np.mean(known)) if known else 0.5

    replicates = [auc(weights) for weights in zip(*draws, strict=True)]
    return resampling.interval(auc(tuple(np.ones(size) for size in sizes)), np.array(replicates))
