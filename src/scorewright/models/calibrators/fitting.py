"""Fitting any kind of calibration, and reading a sealed one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from scorewright.models import numbers
from scorewright.models.calibrators.beta import Beta, fit_beta
from scorewright.models.calibrators.isotonic import Isotonic, fit_isotonic
from scorewright.models.calibrators.platt import Platt, Uncalibrated, fit_platt
from scorewright.models.calibrators.seam import FILE, Calibration, CalibrationKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Fit = Callable[[NDArray[np.float64], NDArray[np.int8]], Calibration]

IDENTITY = Uncalibrated()
_FITS: dict[CalibrationKind, Fit] = {
    "none": lambda _scores, _target: IDENTITY,
    "platt": fit_platt,
    "beta": fit_beta,
    "isotonic": fit_isotonic,
}
_READERS: dict[str, Callable[[Mapping[str, Any]], Calibration]] = {
    "none": Uncalibrated.from_dict,
    "platt": Platt.from_dict,
    "beta": Beta.from_dict,
    "isotonic": Isotonic.from_dict,
}


def calibration_from_dict(found: Mapping[str, Any]) -> Calibration:
    """Read what ``to_dict`` of any calibration gave; a slope and an intercept without a kind are Platt's.

    Raises
    ------
    BundleCorruptError
        It is no calibration, or one that would give a riskier score a lower PD.
    """
    try:
        return _READERS[found.get("kind", "platt")](found)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise numbers.corrupt(FILE, f"no calibration: {error}"[:200]) from error


def fit_calibration(
    log_odds: NDArray[np.float64], target: NDArray[np.int8], kind: CalibrationKind = "platt"
) -> Calibration:
    """Fit a calibration of one kind. The same rows in another order give the same calibration, to the last bit.

    Parameters
    ----------
    log_odds : ndarray of float64, shape (n,)
        Scores of applications that the model has not learnt from.
    target : ndarray of int8, shape (n,)
        1 = defaulted.
    kind : {"none", "platt", "beta", "isotonic"}
        Which.
    """
    order = np.lexsort((target, log_odds))
    return _FITS[kind](log_odds[order], target[order])


def cross_fitted(
    log_odds: NDArray[np.float64],
    target: NDArray[np.int8],
    fold_of_row: NDArray[np.intp],
    kind: CalibrationKind = "platt",
) -> NDArray[np.float64]:
    """Calibrate each fold's out-of-fold scores by those of the other folds.

    Parameters
    ----------
    log_odds, target, fold_of_row : ndarray, shape (n,)
        Out-of-fold scores, outcomes (1 = defaulted), and the fold of each application.
    kind : {"none", "platt", "beta", "isotonic"}
        Which calibration.

    Returns
    -------
    ndarray of float64, shape (n,)
        PDs; no calibration was fitted on a score of its own fold.
    """
    pd = np.empty(len(log_odds))
    for fold in np.unique(fold_of_row):
        inside = fold_of_row == fold
        pd[inside] = fit_calibration(log_odds[~inside], target[~inside], kind).pd(log_odds[inside])
    return pd
