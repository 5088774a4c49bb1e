"""Measures of PDs against targets.

Every measure is written for weighted rows. Weights of one give the plain measure; the number of times a resample drew
each row gives its bootstrap replicate, without sorting again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.inputs import Flags, Floats, checked_pair
from scorewright.domain.costs import CostMatrix
from scorewright.domain.evaluation import Evaluation
from scorewright.domain.measures import ECE_BINS

COUNTS = ("true_negative", "false_negative", "false_positive", "true_positive")


@dataclass(frozen=True)
class Ranked:
    """Rows in ascending order of PD, with what no weighting changes. Arrays have shape (n,) but for `ends`.

    Parameters
    ----------
    defaulted : ndarray of float64
        1.0 where the application defaulted.
    ends : ndarray of intp
        Position of the last row of each run of equal PDs.
    cell : ndarray of intp
        Position in `COUNTS` of each row's cell of the confusion matrix.
    surplus, squares, losses : ndarray of float64
        ``pd - target``, its square, and the negative log-likelihood of each PD.
    """

    defaulted: Floats
    ends: NDArray[np.intp]
    cell: NDArray[np.intp]
    surplus: Floats
    squares: Floats
    losses: Floats


def _log_losses(pd: Floats, defaulted: Flags) -> Floats:
    eps = np.finfo(np.float64).eps
    given = np.clip(np.where(defaulted, pd, 1.0 - pd), eps, 1.0)
    losses: Floats = -np.log(given)
    return losses


def rank(pd: NDArray[Any], target: NDArray[Any], threshold: float) -> Ranked:
    """Order rows by PD, then target, so that the order they came in has no say.

    Raises
    ------
    ValueError
        When the arrays are empty, of unequal length, or hold anything but PDs and 0/1.
    """
    values, defaulted = checked_pair(pd, target)
    order = np.lexsort((defaulted, values))
    values, defaulted = values[order], defaulted[order]
    ends = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    cell = 2 * (values >= threshold).astype(np.intp) + defaulted
    surplus = values - defaulted
    return Ranked(defaulted.astype(np.float64), ends, cell, surplus, surplus**2, _log_losses(values, defaulted))


def _separation(ranked: Ranked, weights: Floats, mass: Floats) -> dict[str, float]:
    """AUC, Gini and KS from cumulative shares at the end of each run of equal PDs; nothing when a class is absent.

    AUC is the Mann-Whitney statistic, ties counting one half: the trapezoids under the ROC (Bamber 1975). KS is the
    largest distance between the two classes' distribution functions.
    """
    bad = np.cumsum(weights * ranked.defaulted)[ranked.ends]
    good = mass - bad
    if bad[-1] == 0 or good[-1] == 0:
        return {}
    bad, good = bad / bad[-1], good / good[-1]
    auc = float(np.sum(np.diff(bad, prepend=0.0) * (good - np.diff(good, prepend=0.0) / 2)))
    return {"auc": auc, "gini": 2 * auc - 1, "ks": float(np.max(np.abs(good - bad)))}


def _calibration_error(mass: Floats, surplus: Floats) -> float:
    """Expected calibration error from cumulative sums at the end of each run of equal PDs: O(k) for k runs.

    The same as `scorewright.domain.measures.expected_calibration_error`, for weighted rows that are ranked already.
    `mass` holds the weights up to each run, `surplus` those of weight times ``pd - target``.
    """
    twice_the_middle = mass + np.concatenate(([0.0], mass[:-1]))
    # Products, not quotients: ranks of whole rows are compared without rounding.
    first = np.searchsorted(twice_the_middle * ECE_BINS, 2 * np.arange(1, ECE_BINS) * mass[-1])
    at_edges = np.concatenate(([0.0], surplus))[np.concatenate(([0], first, [mass.size]))]
    return float(np.sum(np.abs(np.diff(at_edges))) / mass[-1])


def _decisions(counts: dict[str, float], rows: float, costs: CostMatrix) -> dict[str, float]:
    approved = counts["true_negative"] + counts["false_negative"]
    missed, spurned = counts["false_negative"], counts["false_positive"]
    return {
        "accuracy": 1.0 - (missed + spurned) / rows,
        "approval_rate": approved / rows,
        **({"bad_rate": missed / approved} if approved else {}),
        "cost": (costs.false_negative * missed + costs.false_positive * spurned) / rows,
    }


def measure(ranked: Ranked, weights: Floats, costs: CostMatrix) -> dict[str, float]:
    """Return every measure that is defined on rows of these weights, shape (n,)."""
    mass = np.cumsum(weights)[ranked.ends]
    rows = float(mass[-1])
    cells = np.bincount(ranked.cell, weights=weights, minlength=len(COUNTS)).tolist()
    counts = dict(zip(COUNTS, cells, strict=True))
    return {
        **_separation(ranked, weights, mass),
        "brier": float(np.sum(weights * ranked.squares)) / rows,
        "log_loss": float(np.sum(weights * ranked.losses)) / rows,
        "ece": _calibration_error(mass, np.cumsum(weights * ranked.surplus)[ranked.ends]),
        **_decisions(counts, rows, costs),
        **counts,
    }


def evaluate(pd: NDArray[Any], target: NDArray[Any], threshold: float, costs: CostMatrix) -> Evaluation:
    """Measure PDs against targets, at one threshold.

    A measure that these rows do not define is left out, never invented: ``auc``, ``gini`` and ``ks`` when all rows
    share one target, ``bad_rate`` (defaults among the approved) when none is approved.

    Parameters
    ----------
    pd : ndarray of float, shape (n,)
        Probabilities of default, between 0 and 1.
    target : ndarray of {0, 1}, shape (n,)
        1 where the application defaulted.
    threshold : float
        Refuse when ``pd >= threshold``.
    costs : CostMatrix
        Costs of the two wrong decisions; ``cost`` is per application.

    Notes
    -----
    ``log_loss`` is the mean negative log-likelihood in nats, likelihoods clipped from below at the machine epsilon.
    ``brier`` is the mean squared error of the PD (Brier 1950). ``gini`` is ``2 * auc - 1``. ``ece`` is the
    `scorewright.domain.measures.expected_calibration_error` in 15 bins of equal mass.

    Examples
    --------
    >>> metrics = evaluate(np.array([0.1, 0.8, 0.3, 0.9]), np.array([0, 0, 1, 1]), 0.5, CostMatrix(10.0, 1.0)).metrics
    >>> metrics["auc"], metrics["bad_rate"], metrics["cost"]
    (0.75, 0.5, 2.75)
    """
    ranked = rank(pd, target, threshold)
    return Evaluation(measure(ranked, np.ones(ranked.defaulted.size), costs))


def evaluate_folds(
    pd: NDArray[Any], target: NDArray[Any], fold_of_row: NDArray[np.intp], threshold: float, costs: CostMatrix
) -> Evaluation:
    """Measure out-of-fold PDs: how well they rank within each fold, everything else over all rows.

    ``auc``, ``gini`` and ``ks`` are means over the folds. Each fold's PDs come from a model of its own, and ranking
    them against another fold's measures how the models differ as well; a constant PD would then seem to rank backwards,
    because the fold with more defaults learnt from fewer.

    Parameters
    ----------
    pd, target : ndarray, shape (n,)
        Out-of-fold PDs, and 0 or 1.
    fold_of_row : ndarray of intp, shape (n,)
        Fold of each row.

    Raises
    ------
    ValueError
        As `evaluate`.

    References
    ----------
    Forman and Scholz 2010, *Apples-to-apples in cross-validation studies*.
    """
    pooled = dict(evaluate(pd, target, threshold, costs).metrics)
    parts = [evaluate(pd[rows], target[rows], threshold, costs).metrics for rows in _rows_of_folds(fold_of_row)]
    for name in ("auc", "gini", "ks"):
        within = [part[name] for part in parts if name in part]
        if within:
            pooled[name] = float(np.mean(within))
    return Evaluation(pooled)


def _rows_of_folds(fold_of_row: NDArray[np.intp]) -> list[NDArray[np.bool_]]:
    return [fold_of_row == fold for fold in np.unique(fold_of_row)]
