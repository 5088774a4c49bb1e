"""How much a model loses when it is told nothing of a feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from scorewright.domain.evaluation import Interval
from scorewright.explain.held_out import Floats, HeldOut

_LEVEL = 0.95

#: A fold of few applications is shuffled several times, until so many have been dealt a value.
_DEALT, _MOST_SHUFFLES = 2000, 10


def auc(score: Floats, target: NDArray[Any]) -> float:
    """Area under the ROC curve: the share of pairs in which the defaulter scores higher, ties counting one half.

    NaN where one outcome is absent.

    Examples
    --------
    >>> auc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 0, 1, 1]))
    0.875
    """
    bad = target == 1
    pairs = float(bad.sum()) * float((~bad).sum())
    if not pairs:
        return float("nan")
    won = stats.rankdata(score)[bad].sum() - bad.sum() * (bad.sum() + 1) / 2
    return float(won / pairs)


def t_interval(values: Floats, level: float = _LEVEL) -> Interval | None:
    """Mean of m values with its plain t interval, which takes them for independent; None of fewer than two.

    Folds share most of what their models learnt from: over folds, the interval is rather too narrow.
    """
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return None
    mean = float(known.mean())
    reach = float(stats.t.ppf(0.5 + level / 2, len(known) - 1)) * float(known.std(ddof=1)) / len(known) ** 0.5
    return Interval(mean, mean - reach, mean + reach)


def permutation_falls(folds: Sequence[HeldOut], features: Sequence[int], seed: int) -> Mapping[int, Interval | None]:
    """Measure how much the AUC of held-out applications falls when a feature is shuffled among them.

    The permutation importance of Breiman (2001, *Random Forests*), with the AUC as in Janitza, Strobl & Boulesteix
    (2013). A feature's values are dealt among the applications of its fold; the others stay. What two features both
    tell counts for neither. A small fold is shuffled up to ten times, and the mean fall counts.

    Parameters
    ----------
    folds : sequence of HeldOut
        The applications of each fold. A fold of one outcome says nothing.
    features : sequence of int
        Positions of the features to shuffle.
    seed : int
        Seed of the shuffling, which is the same for all features.

    Returns
    -------
    mapping of int to Interval or None
        By position: the mean fall over the folds with its 95 % t interval (`t_interval`); None where fewer than two
        folds hold both outcomes.
    """
    falls = np.array([_falls(fold, features, [seed, number]) for number, fold in enumerate(folds)])
    return {feature: t_interval(falls[:, place]) for place, feature in enumerate(features)}


def _falls(fold: HeldOut, features: Sequence[int], seed: list[int]) -> Floats:
    """Mean fall over the shuffles: shape (features,)."""
    before, rows = auc(fold.score(fold.values), fold.target), len(fold.values)
    shuffles = min(-(-_DEALT // rows), _MOST_SHUFFLES)
    draw = np.random.default_rng(seed)
    orders = [draw.permutation(rows) for _ in range(shuffles)]
    values = np.tile(fold.values, (shuffles, 1))
    falls = []
    for feature in features:
        values[:, feature] = np.concatenate([fold.values[order, feature] for order in orders])
        after = [auc(part, fold.target) for part in np.split(fold.score(values), shuffles)]
        falls.append(before - float(np.mean(after)))
        values[:, feature] = np.tile(fold.values[:, feature], shuffles)
    return np.array(falls)
