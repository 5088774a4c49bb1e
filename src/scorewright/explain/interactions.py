"""Which pairs of features move a score together otherwise than each alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from scorewright.domain.explanations import Interaction
from scorewright.domain.matrix import FeatureColumn
from scorewright.explain.held_out import Floats, HeldOut, Score, evenly

#: Applications per fold over which partial dependences are averaged: the work grows with their square.
SAMPLE = 80

_ROWS_AT_ONCE = 20_000

#: A pair whose joint effect has a smaller variance than this has none: scores are exact to 1e-9.
_NO_EFFECT = 1e-18


def interactions(
    folds: Sequence[HeldOut], columns: Sequence[FeatureColumn], features: Sequence[int], sample: int = SAMPLE
) -> tuple[Interaction, ...]:
    """Measure every pair of some features with the H statistic of Friedman and Popescu, the strongest first.

    With partial dependences ``PD`` centred over the sample,
    ``H² = sum((PD_jk - PD_j - PD_k)²) / sum(PD_jk²)``: the share of the variance of the pair's joint effect that is
    no sum of two effects; 0 where there is no joint effect. It is computed for the model of each fold on a sample of
    the fold's applications; both sums run over all folds.

    Parameters
    ----------
    folds : sequence of HeldOut
        The applications of each fold and their model.
    columns : sequence of FeatureColumn, length p
        The features, in order.
    features : sequence of int
        Positions of the features to pair.
    sample : int
        Most applications of each fold.

    References
    ----------
    Friedman & Popescu 2008, *Predictive learning via rule ensembles*, equation 44.
    """
    pairs = list(combinations(features, 2))
    sums = sum((_sums(fold, features, sample) for fold in folds), np.zeros((len(pairs), 2)))
    least = _NO_EFFECT * sum(min(sample, len(fold.values)) for fold in folds)
    shares = [float(apart / joint) if joint > least else 0.0 for apart, joint in sums]
    found = [
        Interaction(columns[first].name, columns[second].name, share)
        for (first, second), share in zip(pairs, shares, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: -one.strength))


def _sums(fold: HeldOut, features: Sequence[int], sample: int) -> Floats:
    """Sum the squares above and below the line of H²: shape (pairs, 2)."""
    values = fold.values[evenly(len(fold.values), sample)]
    alone = {feature: partial_dependence(fold.score, values, (feature,)) for feature in features}
    sums = []
    for first, second in combinations(features, 2):
        joint = partial_dependence(fold.score, values, (first, second))
        sums.append([np.sum((joint - alone[first] - alone[second]) ** 2), np.sum(joint**2)])
    return np.array(sums, dtype=np.float64).reshape(-1, 2)


def partial_dependence(score: Score, values: Floats, features: tuple[int, ...]) -> Floats:
    """Mean score when some features are set to each application's own values, in all applications: shape (n,), centred.

    Parameters
    ----------
    score : callable
        Scores applications.
    values : ndarray of float64, shape (n, p)
        The sample.
    features : tuple of int
        Positions of the features to set.
    """
    code = np.zeros(len(values), dtype=np.intp)
    for feature in features:
        distinct, own = np.unique(values[:, feature], return_inverse=True)
        code = code * len(distinct) + own
    # Applications that share their values share their mean: each is computed once.
    _, first, place = np.unique(code, return_index=True, return_inverse=True)
    block = max(1, _ROWS_AT_ONCE // len(values))
    parts = [first[start : start + block] for start in range(0, len(first), block)]
    means = np.concatenate([_means(score, values, features, part) for part in parts])[place]
    return np.asarray(means - means.mean(), dtype=np.float64)


def _means(score: Score, values: Floats, features: tuple[int, ...], settings: NDArray[np.intp]) -> Floats:
    """Mean score of all applications with the features of each of s applications: shape (s,)."""
    rows = np.tile(values, (len(settings), 1))
    rows[:, features] = np.repeat(values[settings][:, features], len(values), axis=0)
    return np.asarray(score(rows).reshape(len(settings), len(values)).mean(axis=1), dtype=np.float64)
