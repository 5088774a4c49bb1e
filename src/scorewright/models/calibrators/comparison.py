"""Which calibration the scores call for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorewright.domain.evaluation import CalibrationRecord, Interval
from scorewright.domain.measures import ECE_BINS, equal_mass_bins
from scorewright.models.calibrators.fitting import cross_fitted
from scorewright.models.calibrators.likelihood import log_losses
from scorewright.models.calibrators.seam import KINDS, CalibrationKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TWO_SIDED = 1.959963984540054  # of a normal distribution, 95 % lie within so many standard deviations


def compare_calibrations(
    log_odds: NDArray[np.float64],
    target: NDArray[np.int8],
    fold_of_row: NDArray[np.intp],
    *,
    unweighted: bool,
    repeats: int = 200,
    seed: int = 0,
) -> tuple[CalibrationRecord, ...]:
    """Measure every kind of calibration on cross-fitted PDs, and choose one.

    The simplest kind within noise of the best is chosen, in the order none, Platt, beta, isotonic. The best has the
    lowest log loss; another is within noise of it when the 95 % interval of the difference between their losses on the
    same applications reaches 0. So a calibration that bends more must show that it pays. "none" may be chosen only
    where nothing distorted the PDs; it is measured all the same.

    Parameters
    ----------
    log_odds, target, fold_of_row : ndarray, shape (n,)
        Out-of-fold scores, outcomes (1 = defaulted), and the fold of each application. The order of the rows has no
        say.
    unweighted : bool
        Whether the model learnt without class weights.
    repeats : int
        Number of resamples of applications; every kind is measured on the same ones.
    seed : int
        Seed of the draws.

    Returns
    -------
    tuple of CalibrationRecord
        One per kind, the simplest first; one of them is chosen.

    Notes
    -----
    Intervals are those of a normal distribution with the bootstrap's standard error (Efron and Tibshirani 1993, *An
    Introduction to the Bootstrap*, ch. 13). The quantiles of the resamples would not do for ECE: a resample holds
    rows twice, which adds to the noise that ECE takes for error, so that its resamples lie above the estimate. The bins
    of ECE stay those of all the rows.
    """
    order = np.lexsort((target, log_odds, fold_of_row))
    rows = log_odds[order], target[order], fold_of_row[order]
    measured = tuple(_measured(cross_fitted(*rows, kind), rows[1]) for kind in KINDS)
    found, drawn = _resampled(measured, len(target), repeats, seed)
    eligible = tuple(unweighted or kind != "none" for kind in KINDS)
    chosen = _simplest_within_noise(found[:, 1], drawn[:, :, 1], eligible)
    return tuple(
        CalibrationRecord(
            kind,
            brier=_interval(found[at, 0], drawn[:, at, 0]),
            log_loss=_interval(found[at, 1], drawn[:, at, 1]),
            ece=_interval(found[at, 2], drawn[:, at, 2]),
            chosen=at == chosen,
            eligible=eligible[at],
        )
        for at, kind in enumerate(KINDS)
    )


def chosen_kind(records: tuple[CalibrationRecord, ...]) -> CalibrationKind:
    """Name the calibration that was chosen."""
    chosen = {record.kind for record in records if record.chosen}
    return next(kind for kind in KINDS if kind in chosen)


@dataclass(frozen=True)
class _Measured:
    """What each of n applications adds to the measures of its PD. Arrays have shape (n,)."""

    squares: NDArray[np.float64]
    losses: NDArray[np.float64]
    gaps: NDArray[np.float64]
    bins: NDArray[np.intp]

    def measures(self, weights: NDArray[np.float64]) -> tuple[float, float, float]:
        """Brier score, log loss and ECE, counting each row so many times as its weight says; weights sum to n."""
        gaps = np.bincount(self.bins, weights=self.gaps * weights, minlength=ECE_BINS)
        rows = len(weights)
        return float(self.squares @ weights) / rows, float(self.losses @ weights) / rows, float(abs(gaps).sum()) / rows


def _measured(pd: NDArray[np.float64], target: NDArray[np.int8]) -> _Measured:
    gaps = pd - target
    return _Measured(gaps**2, log_losses(pd, target), gaps, equal_mass_bins(pd))


def _resampled(
    measured: tuple[_Measured, ...], rows: int, repeats: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measures of each kind, shape (kinds, 3), and of each resample, shape (repeats, kinds, 3)."""
    rng = np.random.default_rng(seed)
    drawn = np.empty((repeats, len(measured), 3))
    for repeat in range(repeats):
        weights = np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(np.float64)
        drawn[repeat] = [one.measures(weights) for one in measured]
    return np.array([one.measures(np.ones(rows)) for one in measured]), drawn


def _simplest_within_noise(losses: NDArray[np.float64], drawn: NDArray[np.float64], eligible: tuple[bool, ...]) -> int:
    """Choose by log losses, shape (kinds,), and those of the resamples, shape (repeats, kinds)."""
    allowed = np.flatnonzero(eligible).tolist()
    best = min(allowed, key=losses.__getitem__)
    noise = _TWO_SIDED * (drawn - drawn[:, [best]]).std(axis=0, ddof=1)
    return next(position for position in allowed if losses[position] - losses[best] <= noise[position])


def _interval(estimate: np.float64, drawn: NDArray[np.float64]) -> Interval:
    """All these measures are at least 0, and so is the interval."""
    reach = _TWO_SIDED * float(drawn.std(ddof=1))
    return Interval(float(estimate), max(0.0, float(estimate) - reach), float(estimate) + reach)
