"""From scores to PDs that are frequencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorewright.models import numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_SLOPE = 0.01  # per standard deviation of the scores
_FILE = "calibration.json"
_MOST_STEPS = 100
_TOLERANCE = 1e-10
_RIDGE = 1e-12
_ROUNDING = 1e-13


@dataclass(frozen=True)
class Calibration:
    """PD = sigmoid(slope * log-odds + intercept): Platt scaling.

    Learning with balanced classes ranks applications well but overstates their PDs; this line brings the log-odds back.
    The slope is above zero, so that the order of applications is kept.

    References
    ----------
    Platt 1999, *Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods*.

    Examples
    --------
    >>> [round(float(pd), 3) for pd in Calibration(0.5, -2.0).pd(np.array([0.0, 4.0]))]
    [0.119, 0.5]
    """

    slope: float = 1.0
    intercept: float = 0.0

    def pd(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn n log-odds into n PDs."""
        return numbers.sigmoid(self.slope * log_odds + self.intercept)

    def to_dict(self) -> dict[str, float]:
        """Give what is written to JSON."""
        return {"intercept": self.intercept, "slope": self.slope}

    @classmethod
    def from_dict(cls, found: Mapping[str, object]) -> Calibration:
        """Read what ``to_dict`` gave. Raises ``BundleCorruptError``."""
        try:
            slope, intercept = numbers.number(found["slope"]), numbers.number(found["intercept"])
        except (KeyError, ValueError) as error:
            raise numbers.corrupt(_FILE, f"slope and intercept are needed: {error}") from error
        if slope <= 0.0:
            raise numbers.corrupt(_FILE, "the slope must be above 0")
        return cls(slope, intercept)


IDENTITY = Calibration()


def fit_calibration(log_odds: NDArray[np.float64], target: NDArray[np.int8]) -> Calibration:
    """Find the most likely slope and intercept.

    The targets are Platt's, ``(defaults + 1) / (defaults + 2)`` and ``1 / (repaid + 2)``, which keep the answer
    finite even where scores separate the outcomes; the mean PD remains the share of defaults but for one part in n.
    Equal scores say nothing of the slope, which is then 1. Scores that rank no better than chance get the smallest
    slope, and so PDs that hardly differ from the share of defaults.

    Parameters
    ----------
    log_odds : ndarray of float64, shape (n,)
        Scores of applications that the model has not learnt from.
    target : ndarray of int8, shape (n,)
        1 = defaulted.
    """
    defaulted = float(target.sum())
    repaid = len(target) - defaulted
    aim = np.where(target == 1, (defaulted + 1.0) / (defaulted + 2.0), 1.0 / (repaid + 2.0))
    middle = float(log_odds.mean())
    spread = float(log_odds.std())
    if spread <= 1e-9 * max(1.0, abs(middle)):
        return Calibration(1.0, _shift(log_odds, aim))
    standard = (log_odds - middle) / spread
    intercept, slope = _newton(np.column_stack([np.ones(len(aim)), standard]), np.zeros(len(aim)), aim)
    if slope < SMALLEST_SLOPE:
        slope = SMALLEST_SLOPE
        intercept = _shift(slope * standard, aim)
    return Calibration(slope / spread, intercept - slope / spread * middle)


def cross_fitted(
    log_odds: NDArray[np.float64], target: NDArray[np.int8], fold_of_row: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Calibrate each fold's out-of-fold scores by those of the other folds.

    Parameters
    ----------
    log_odds, target, fold_of_row : ndarray, shape (n,)
        Out-of-fold scores, outcomes (1 = defaulted), and the fold of each application.

    Returns
    -------
    ndarray of float64, shape (n,)
        PDs; no calibration was fitted on a score of its own fold.
    """
    pd = np.empty(len(log_odds))
    for fold in np.unique(fold_of_row):
        inside = fold_of_row == fold
        pd[inside] = fit_calibration(log_odds[~inside], target[~inside]).pd(log_odds[inside])
    return pd


def log_loss(pd: NDArray[np.float64], target: NDArray[np.float64] | NDArray[np.int8]) -> float:
    """Mean of ``-t ln(pd) - (1 - t) ln(1 - pd)`` over n PDs and their targets t between 0 and 1."""
    tiny = np.finfo(np.float64).tiny
    losses = target * np.log(np.maximum(pd, tiny)) + (1.0 - target) * np.log(np.maximum(1.0 - pd, tiny))
    return -float(losses.mean())


def _shift(log_odds: NDArray[np.float64], aim: NDArray[np.float64]) -> float:
    return _newton(np.ones((len(aim), 1)), log_odds, aim)[0]


def _newton(design: NDArray[np.float64], offset: NDArray[np.float64], aim: NDArray[np.float64]) -> list[float]:
    """Minimise the log loss of ``offset + design @ weights`` by Newton's method, halving steps that overshoot."""
    weights = np.zeros(design.shape[1])
    loss = _loss(offset, aim)
    for _ in range(_MOST_STEPS):
        pd = numbers.sigmoid(offset + (design * weights).sum(axis=1))
        gradient = (design * (pd - aim)[:, None]).mean(axis=0)
        curvature = np.einsum("ni,nj,n->ij", design, design, pd * (1.0 - pd)) / len(aim)
        step = np.linalg.solve(curvature + _RIDGE * np.eye(len(weights)), gradient)
        while (after := _loss(offset + (design * (weights - step)).sum(axis=1), aim)) > loss + _ROUNDING:
            step /= 2.0
        weights, loss = weights - step, after
        if np.abs(step).max() < _TOLERANCE:
            break
    return [float(weight) for weight in weights]


def _loss(log_odds: NDArray[np.float64], aim: NDArray[np.float64]) -> float:
    return float((np.logaddexp(0.0, log_odds) - aim * log_odds).mean())
