"""Measures that several rooms share: how far PDs are from what was observed."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ECE_BINS = 15
_HUGE = 1e300


def equal_mass_bins(pd: NDArray[np.float64], bins: int = ECE_BINS) -> NDArray[np.intp]:
    """Give each of n PDs its bin, from 0, so that all bins hold as near as can be the same number of rows.

    Equal PDs share a bin, that of the middle of their run, so that neither the order of the rows nor their outcomes
    have a say. Bins may therefore be empty.

    Examples
    --------
    >>> equal_mass_bins(np.array([0.3, 0.1, 0.2, 0.2]), 2).tolist()
    [1, 0, 1, 1]
    """
    _, run, length = np.unique(pd, return_inverse=True, return_counts=True)
    twice_the_middle = 2 * np.cumsum(length) - length
    in_bin: NDArray[np.intp] = (twice_the_middle * bins // (2 * max(len(pd), 1)))[run].astype(np.intp)
    return in_bin


def expected_calibration_error(pd: NDArray[np.float64], target: NDArray[Any], bins: int = ECE_BINS) -> float:
    """Mean over the rows of how far their bin's mean PD is from its share of defaults.

    The bins hold equal numbers of rows (`equal_mass_bins`). Chance alone keeps it above 0: with PDs that are exactly
    right it is near ``sqrt(2 * bins * p * (1 - p) / (pi * n))`` for n rows of which a share p defaults.

    Parameters
    ----------
    pd : ndarray of float64, shape (n,)
        Probabilities of default.
    target : ndarray of {0, 1}, shape (n,)
        1 where the application defaulted.
    bins : int
        Number of bins.

    References
    ----------
    Naeini, Cooper and Hauskrecht 2015, *Obtaining well calibrated probabilities using Bayesian binning*; equal masses
    as in Nguyen and O'Connor 2015, *Posterior calibration and exploratory analysis for natural language processing
    models*.

    Examples
    --------
    >>> round(expected_calibration_error(np.array([0.1, 0.1, 0.8, 0.8]), np.array([0, 0, 1, 1]), 2), 6)
    0.15
    """
    gaps = np.bincount(equal_mass_bins(pd, bins), weights=pd - target, minlength=bins)
    return float(np.abs(gaps).sum()) / len(pd)


def rounded(value: float, step: float) -> float:
    """Round to the largest power of ten not above `step`; a step of nothing, or beyond all reason, leaves the value.

    Examples
    --------
    >>> rounded(117003.4567, 2500.0), rounded(0.123456, 0.005), rounded(7.0, 0.0)
    (117000.0, 0.123, 7.0)
    """
    return round(value, -floor(log10(step))) + 0.0 if 0.0 < step < _HUGE else value
