"""Which features a model may learn from: those that say something, each once.

All of it is learnt from the rows that are given, so that inside cross-validation a fold's own applications have no say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorewright.domain.evaluation import Dropped
from scorewright.models.numbers import LARGEST_VALUE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureMatrix

TWINS = 0.999
"""Correlation from which two features with the same gaps count as one."""

_TREES = {
    "objective": "binary",
    "verbosity": -1,
    "deterministic": True,
    "force_col_wise": True,
    "num_leaves": 8,
    "learning_rate": 0.1,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 20.0,
}
_ROUNDS = 120
_REPEATS = 2
_ROWS_PER_RARE, _RARE = 50, 100


@dataclass(frozen=True)
class Selection:
    """What was kept and what was not.

    Parameters
    ----------
    kept : ndarray of intp, shape (k,)
        Positions of the features to learn from, ascending.
    dropped : tuple of Dropped
        The others, each with the reason.
    """

    kept: NDArray[np.intp]
    dropped: tuple[Dropped, ...]


def select_features(matrix: FeatureMatrix, target: NDArray[np.int8], seed: int, threads: int = 1) -> Selection:
    """Leave out features that say nothing, nothing new, or nothing that chance would not say.

    In this order: a feature with one value; a linear twin of an earlier one (the same gaps, and a correlation of at
    least `TWINS`); a feature whose gain in boosted trees never exceeds the median gain of shadows of its kind, which
    are the same features with their rows shuffled, and which therefore know nothing of the target. Numbers and
    categories are compared apart, because trees can do more with a number than with a category of few applications.

    Parameters
    ----------
    matrix : FeatureMatrix
        Features of n applications.
    target : ndarray of int8, shape (n,)
        1 = defaulted.
    seed : int
        Seed of the shuffles and of the trees.
    threads : int
        Threads that the trees may use.

    Notes
    -----
    The median, not the largest shadow as in Boruta (Kursa and Rudnicki 2010, *Feature selection with the Boruta
    package*): what is wanted are features to leave out, and a weak feature that many trees could do without may still
    serve a linear model. With hundreds of features most shadows gain nothing, and so does their median: a feature
    that gains nothing is then left out. At least one feature is always kept.
    """
    reasons = _constant(matrix) | _twins(matrix)
    left = np.array([position for position in range(len(matrix.columns)) if position not in reasons], dtype=np.intp)
    if len(left) > 1:
        reasons |= _no_better_than_chance(matrix, left, target, seed, threads)
    kept = np.array([position for position in range(len(matrix.columns)) if position not in reasons], dtype=np.intp)
    kept = kept if len(kept) else left[:1] if len(left) else np.arange(len(matrix.columns[:1]), dtype=np.intp)
    dropped = tuple(
        Dropped(column.name, reasons[position])
        for position, column in enumerate(matrix.columns)
        if position not in kept
    )
    return Selection(kept, dropped)


def stable_selection(selections: Sequence[Selection], names: Sequence[str]) -> Selection:
    """Keep what more than half of the folds kept; a feature that is left out gives the reason most folds had.

    Parameters
    ----------
    selections : sequence of Selection
        What each fold chose by itself.
    names : sequence of str
        Names of all features, in order.
    """
    votes = Counter(int(position) for selection in selections for position in selection.kept)
    kept = np.array([at for at in range(len(names)) if 2 * votes[at] > len(selections)], dtype=np.intp)
    if not len(kept):
        kept = np.array([votes.most_common(1)[0][0]], dtype=np.intp)
    reasons: dict[str, Counter[str]] = {}
    for selection in selections:
        for dropped in selection.dropped:
            reasons.setdefault(dropped.feature, Counter())[dropped.reason] += 1
    absent = [name for at, name in enumerate(names) if at not in set(kept.tolist())]
    return Selection(kept, tuple(_voted(name, reasons[name], len(selections)) for name in absent))


def _voted(name: str, reasons: Counter[str], folds: int) -> Dropped:
    reason, _ = reasons.most_common(1)[0]
    return Dropped(name, f"{reason} (left out in {reasons.total()} of {folds} folds)")


def _constant(matrix: FeatureMatrix) -> dict[int, str]:
    gaps = np.isnan(matrix.values)
    low = np.where(gaps, np.inf, matrix.values).min(axis=0, initial=np.inf)
    high = np.where(gaps, -np.inf, matrix.values).max(axis=0, initial=-np.inf)
    empty, constant = gaps.all(axis=0), (low == high) & ~gaps.any(axis=0)
    found = {int(at): "it is never known" for at in np.flatnonzero(empty)}
    return found | {int(at): "it has one value only" for at in np.flatnonzero(constant & ~empty)}


def _twins(matrix: FeatureMatrix) -> dict[int, str]:
    """Numeric features that are a straight line through an earlier one, gaps included."""
    at = np.array([at for at, column in enumerate(matrix.columns) if column.kind == "numeric"], dtype=np.intp)
    values = np.clip(matrix.values[:, at], -LARGEST_VALUE, LARGEST_VALUE)
    gaps = np.isnan(values)
    known = np.maximum((~gaps).sum(axis=0), 1)
    centred = np.where(gaps, 0.0, values - np.where(gaps, 0.0, values).sum(axis=0) / known)
    length = np.sqrt((centred**2).sum(axis=0))
    length[length == 0.0] = np.inf
    alike = np.abs((centred / length).T @ (centred / length)) >= TWINS
    patterns = [column.tobytes() for column in np.packbits(gaps, axis=0).T]
    found: dict[int, str] = {}
    for later in range(len(at)):
        for earlier in np.flatnonzero(alike[later, :later]):
            if int(at[earlier]) not in found and patterns[earlier] == patterns[later]:
                found[int(at[later])] = f"it says what {matrix.columns[int(at[earlier])].name} says"
                break
    return found


def _no_better_than_chance(
    matrix: FeatureMatrix, left: NDArray[np.intp], target: NDArray[np.int8], seed: int, threads: int
) -> dict[int, str]:
    draw = np.random.default_rng(seed)
    chosen = matrix.select(left)
    categories = np.array([column.kind == "category" for column in chosen.columns], dtype=np.bool_)
    beaten = np.zeros(len(left), dtype=np.intp)
    for repeat in range(_REPEATS):
        own, shadows = _gains(chosen, target, draw, seed + repeat, threads)
        for kind in (categories, ~categories):
            beaten[kind] += own[kind] <= np.median(shadows[kind]) if kind.any() else 0
    lost = left[beaten == _REPEATS]
    return {int(position): "shuffled features gain as much in boosted trees" for position in lost}


def _gains(
    matrix: FeatureMatrix, target: NDArray[np.int8], draw: np.random.Generator, seed: int, threads: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gain of each feature, and of its shuffled shadow, in the same trees."""
    import lightgbm

    amount = len(matrix.columns)
    # One order for all shadows: they keep what they know of each other, as the features do.
    both = np.hstack([matrix.values, matrix.values[draw.permutation(len(target))]])
    categories = [at for at, column in enumerate(matrix.columns) if column.kind == "category"]
    data = lightgbm.Dataset(both, target, categorical_feature=[*categories, *(at + amount for at in categories)])
    # A category needs company to be believed: a fiftieth of the rows, at most a hundred.
    rare = min(max(len(target) // _ROWS_PER_RARE, 1), _RARE)
    smooth = {"min_data_per_group": rare, "cat_smooth": rare, "cat_l2": rare, "min_data_in_leaf": min(20, rare)}
    trees = lightgbm.train({**_TREES, **smooth, "seed": seed, "num_threads": threads}, data, _ROUNDS)
    gains = np.asarray(trees.feature_importance("gain"), dtype=np.float64)
    return gains[:amount], gains[amount:]
