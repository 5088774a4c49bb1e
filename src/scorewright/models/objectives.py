"""What tuning makes as small as it can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorewright.models.calibration import fit_calibration, log_loss

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Scored:
    """The applications of the folds scored so far. Arrays have shape (m,).

    Parameters
    ----------
    rows : ndarray of intp
        Their positions among the applications of training, with which to look up amounts.
    pd : ndarray of float64
        PDs, calibrated on these out-of-fold scores.
    target : ndarray of int8
        1 = defaulted.
    fold_of_row : ndarray of intp
        The fold of each.
    """

    rows: NDArray[np.intp]
    pd: NDArray[np.float64]
    target: NDArray[np.int8]
    fold_of_row: NDArray[np.intp]


def scored(
    rows: NDArray[np.intp], log_odds: NDArray[np.float64], target: NDArray[np.int8], fold_of_row: NDArray[np.intp]
) -> Scored:
    """Calibrate out-of-fold scores, so that class weights and the scale of a model change no objective.

    The two parameters of the line are fitted on the very scores they bring back. Next to nothing of a single outcome
    comes through, and every trial gains alike, even after its first fold, when there is no other to learn them from.

    Parameters
    ----------
    rows : ndarray of intp, shape (m,)
        Positions of the applications scored.
    log_odds : ndarray of float64, shape (m,)
        Their scores.
    target, fold_of_row : ndarray, shape (n,)
        Outcome and fold of every application of training.
    """
    pd = fit_calibration(log_odds, target[rows]).pd(log_odds)
    return Scored(rows, pd, target[rows], fold_of_row[rows])


@dataclass(frozen=True)
class Objective:
    """What tuning makes as small as it can.

    Parameters
    ----------
    name : str
        Name in settings and reports.
    function : callable
        From applications scored out of fold to a number, lower being better. It takes any number of whole folds.
    """

    name: str
    function: Callable[[Scored], float]


def _log_loss(of: Scored) -> float:
    return log_loss(of.pd, of.target)


def _within_folds(of: Scored) -> float:
    """1 minus the mean AUC of the folds: scores of different models are never ranked against each other."""
    folds = [of.fold_of_row == fold for fold in np.unique(of.fold_of_row)]
    return 1.0 - float(np.mean([area(of.pd[fold], of.target[fold]) for fold in folds]))


def area(scores: NDArray[np.float64], target: NDArray[np.int8]) -> float:
    """Area under the ROC curve, as the Mann-Whitney statistic; NaN where there is one outcome only.

    References
    ----------
    Hanley and McNeil 1982, *The meaning and use of the area under a receiver operating characteristic curve*.

    Examples
    --------
    >>> area(np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 1, 0, 1], dtype=np.int8))
    0.875
    """
    _, place, ties = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2.0)[place]
    defaulted = float(target.sum())
    repaid = len(target) - defaulted
    if defaulted == 0.0 or repaid == 0.0:
        return float("nan")
    return (float(ranks[target == 1].sum()) - defaulted * (defaulted + 1.0) / 2.0) / (defaulted * repaid)


#: Log loss of calibrated PDs.
LOG_LOSS = Objective("log_loss", _log_loss)

#: 1 minus the mean AUC within folds, the default. On other folds, the parameters it chose cost about as little as
#: those that the cost chose, and they do not hang on what the costs are today.
AUC = Objective("auc", _within_folds)

#: Objectives that need nothing of the portfolio, by name. The cost is made by who knows the costs.
OBJECTIVES: Mapping[str, Objective] = {known.name: known for known in (LOG_LOSS, AUC)}
