"""Which candidate is better, and whether that is more than noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.inputs import Floats, checked_pair
from scorewright.decision.metrics import evaluate
from scorewright.decision.threshold import best_threshold
from scorewright.domain.costs import CostMatrix
from scorewright.domain.evaluation import Comparison, Interval


@dataclass(frozen=True)
class FoldMeasures:
    """Measures of each fold, ascending by its number; ``auc`` is NaN where the fold holds one outcome only.

    Arrays have shape (folds,).
    """

    auc: Floats
    cost: Floats


@dataclass(frozen=True)
class Choice:
    """The candidate chosen, and why.

    Parameters
    ----------
    name : str
        The simplest candidate within noise of the best.
    best : str
        The candidate of the lowest mean cost.
    comparisons : tuple of Comparison
        Cost of every other candidate minus that of the best, in the order of simplicity.
    reason : str
        A sentence for people.
    """

    name: str
    best: str
    comparisons: tuple[Comparison, ...]
    reason: str


def fold_measures(
    pd: NDArray[Any],
    target: NDArray[Any],
    fold_of_row: NDArray[np.intp],
    threshold: float | NDArray[np.float64],
    costs: CostMatrix,
) -> FoldMeasures:
    """Measure each fold by itself.

    Parameters
    ----------
    pd, target : ndarray, shape (n,)
        Out-of-fold PDs, and 0 or 1.
    fold_of_row : ndarray of intp, shape (n,)
        Fold of each row.
    threshold : float or ndarray of float64, shape (folds,)
        One for all folds, or each fold's own.
    costs : CostMatrix
        Costs of the two wrong decisions.
    """
    values, defaulted = checked_pair(pd, target)
    folds = np.unique(fold_of_row)
    cuts = np.broadcast_to(np.asarray(threshold, dtype=np.float64), folds.shape).tolist()
    parts = [
        evaluate(values[fold_of_row == fold], defaulted[fold_of_row == fold], cut, costs).metrics
        for fold, cut in zip(folds, cuts, strict=True)
    ]
    return FoldMeasures(
        auc=np.array([part.get("auc", np.nan) for part in parts]), cost=np.array([part["cost"] for part in parts])
    )


def cross_fitted_thresholds(
    pd: NDArray[Any], target: NDArray[Any], fold_of_row: NDArray[np.intp], costs: CostMatrix
) -> Floats:
    """Return for each fold the threshold that costs least on all other folds, shape (folds,).

    Raises
    ------
    ValueError
        When there are fewer than two folds.
    """
    values, defaulted = checked_pair(pd, target)
    folds = np.unique(fold_of_row)
    if folds.size < 2:
        raise ValueError("A threshold is chosen on the other folds: there must be at least two.")
    others = (fold_of_row != fold for fold in folds)
    return np.array([best_threshold(values[rows], defaulted[rows], costs).value for rows in others])


def cross_fitted_threshold_costs(
    pd: NDArray[Any], target: NDArray[Any], fold_of_row: NDArray[np.intp], costs: CostMatrix
) -> Floats:
    """Return each fold's cost per application at a threshold that was chosen without it, shape (folds,).

    A threshold chosen on the fold itself would flatter the candidate whose PDs are noisiest.
    """
    thresholds = cross_fitted_thresholds(pd, target, fold_of_row, costs)
    return fold_measures(pd, target, fold_of_row, thresholds, costs).cost


def mean_by_fold(values: NDArray[np.float64], fold_of_row: NDArray[np.intp]) -> Floats:
    """Return each fold's mean of what is known, shape (folds,): of `realised_money`, say; NaN where nothing is."""
    _, place = np.unique(fold_of_row, return_inverse=True)
    told = ~np.isnan(values)
    rows = np.bincount(place, weights=told)
    return np.bincount(place, weights=np.where(told, values, 0.0)) / np.where(rows > 0.0, rows, np.nan)


def corrected_difference(
    first: NDArray[Any], second: NDArray[Any], test_share: float, level: float = 0.95
) -> tuple[Interval, float]:
    """Return the mean of ``first - second`` over paired folds with its interval, and its corrected standard error.

    ``SE = sqrt((1 / m + n_test / n_train) * s**2)`` for m paired differences of variance s**2, with m - 1 degrees of
    freedom: the corrected resampled t-test (Nadeau & Bengio 2003, *Inference for the Generalization Error*), over
    repeated k-fold cross-validation as Bouckaert & Frank 2004 (*Evaluating the Replicability of Significance Tests for
    Comparing Learning Algorithms*) use it. Folds share most of their training rows; the plain t-test takes them for
    independent and finds differences that are not there.

    Parameters
    ----------
    first, second : ndarray of float, shape (m,)
        A measure of both candidates on the same folds of every repeat, in the same order.
    test_share : float
        Share of rows in each fold: 1 / k for k folds. 0 leaves the correction out.
    level : float
        Level of the interval.

    Raises
    ------
    ValueError
        When the folds do not pair, are fewer than two or hold a NaN, or the share is not in [0, 1).
    """
    difference = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    if np.shape(first) != np.shape(second) or difference.ndim != 1 or difference.size < 2:
        raise ValueError("Two candidates are compared on the same folds, of which there must be at least two.")
    if np.isnan(difference).any() or not 0.0 <= test_share < 1.0:
        raise ValueError("Every fold must have its measure, and the tested share must lie in [0, 1).")
    from scipy.special import stdtrit

    mean = float(difference.mean())
    correction = 1.0 / difference.size + test_share / (1.0 - test_share)
    error = float(np.sqrt(correction * difference.var(ddof=1)))
    reach = float(stdtrit(difference.size - 1, (1.0 + level) / 2)) * error
    return Interval(mean, mean - reach, mean + reach), error


def compare(
    measures: Mapping[str, NDArray[Any]], against: str, metric: str, test_share: float
) -> tuple[Comparison, ...]:
    """Compare every other candidate with one, by `corrected_difference`, in the order of the mapping.

    Parameters
    ----------
    measures : mapping of str to ndarray, shape (repeats * folds,)
        For each candidate, its measure on the same folds in the same order.
    against : str
        The candidate that is subtracted.
    metric : str
        Name of the measure, for the record.
    test_share : float
        Share of rows in each fold.
    """
    others = (name for name in measures if name != against)
    found = ((name, *corrected_difference(measures[name], measures[against], test_share)) for name in others)
    return tuple(Comparison(name, against, metric, difference, error) for name, difference, error in found)


def simplest_within_noise(order: Sequence[str], costs: Mapping[str, NDArray[Any]], test_share: float) -> Choice:
    """Choose the simplest candidate whose mean cost is within noise of the best one's.

    Within noise is: it exceeds the lowest mean by no more than one corrected standard error of their paired
    difference. This is the one-standard-error rule (Breiman, Friedman, Olshen & Stone 1984, *Classification and
    Regression Trees*, section 3.4.3), on paired differences, because folds that are hard for one candidate are hard
    for all.

    Parameters
    ----------
    order : sequence of str
        Names of the candidates, the simplest first.
    costs : mapping of str to ndarray, shape (repeats * folds,)
        Each candidate's cost on the same folds, see `cross_fitted_threshold_costs`.
    test_share : float
        Share of rows in each fold.

    Raises
    ------
    ValueError
        When a candidate has no place in the order, or as `corrected_difference`.
    """
    unplaced = sorted(set(costs) - set(order))
    if unplaced or not costs:
        raise ValueError(f"Every candidate needs a place in the order of simplicity: {', '.join(unplaced) or 'none'}.")
    ordered = {name: np.asarray(costs[name], dtype=np.float64) for name in order if name in costs}
    best = min(ordered, key=lambda name: float(ordered[name].mean()))
    comparisons = compare(ordered, best, "cost", test_share)
    near = {found.candidate for found in comparisons if found.difference.estimate <= found.standard_error}
    name = next(name for name in ordered if name == best or name in near)
    means = {candidate: float(values.mean()) for candidate, values in ordered.items()}
    return Choice(name, best, comparisons, _reason(name, best, means, comparisons))


def _reason(name: str, best: str, means: Mapping[str, float], comparisons: Sequence[Comparison]) -> str:
    if not comparisons:
        return f"{name} is the only candidate."
    if name == best:
        return (
            f"{name} costs least ({means[best]:.4f} per application), and no simpler candidate is within noise of it."
        )
    found = next(comparison for comparison in comparisons if comparison.candidate == name)
    return (
        f"{name} costs {means[name]:.4f} per application, {found.difference.estimate:.4f} more than {best}, which is "
        f"within one corrected standard error ({found.standard_error:.4f}) over paired folds: the simplest such "
        "candidate is taken."
    )
