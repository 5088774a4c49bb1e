"""Isotonic calibration: whatever shape the scores ask for, as long as it never falls."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scorewright.models import numbers
from scorewright.models.calibrators.seam import FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FEWEST_PER_BLOCK = 10
"""A block of fewer applications is pooled with a neighbour: it says little, and it would say it of few persons."""

SMOOTHING = 1.0
"""Applications at the overall default rate that are added to each block, so that no PD is 0 or 1."""


@dataclass(frozen=True)
class Isotonic:
    """PD by straight lines between knots, level beyond the first and the last.

    A knot is the mean score of a block of applications and its smoothed share of defaults. Steps would be the textbook
    answer; lines keep the order within a block, so that applications do not pile up on equal PDs at either side of a
    threshold, and a slightly better application is never priced by a cliff.

    Parameters
    ----------
    scores : tuple of float
        Where the knots are, in log-odds, ascending.
    pds : tuple of float
        The PDs there, never falling.

    References
    ----------
    Zadrozny and Elkan 2002, *Transforming classifier scores into accurate multiclass probability estimates*; that
    blocks are best joined by a curve is from Jiang et al. 2011, *Smooth isotonic regression*.

    Examples
    --------
    >>> [round(float(pd), 3) for pd in Isotonic((-3.0, 1.0), (0.02, 0.4)).pd(np.array([-9.0, -1.0, 1.0, np.inf]))]
    [0.02, 0.21, 0.4, 0.4]
    """

    scores: tuple[float, ...]
    pds: tuple[float, ...]

    @property
    def kind(self) -> Literal["isotonic"]:
        """Name among the kinds."""
        return "isotonic"

    def pd(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn n log-odds into n PDs."""
        scores, pds = self._knots
        if len(scores) == 1:
            return np.where(np.isnan(log_odds), np.nan, self.pds[0])
        within = np.clip(log_odds, scores[0], scores[-1])
        left = np.minimum(np.searchsorted(scores, within, "right") - 1, len(scores) - 2)
        share = (within - scores[left]) / (scores[left + 1] - scores[left])
        # Rounding must not carry the end of a line above the start of the next.
        found: NDArray[np.float64] = np.minimum(pds[left] + share * (pds[left + 1] - pds[left]), pds[left + 1])
        return found

    @cached_property
    def _knots(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.array(self.scores), np.array(self.pds)

    def to_dict(self) -> dict[str, Any]:
        """Give what is written to JSON."""
        return {"kind": self.kind, "log_odds": list(self.scores), "pd": list(self.pds)}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Isotonic:
        """Read what ``to_dict`` gave. Raises ``BundleCorruptError``, ``KeyError``, ``TypeError`` and ``ValueError``."""
        scores, pds = (tuple(numbers.number(value) for value in found[name]) for name in ("log_odds", "pd"))
        if not scores or len(scores) != len(pds):
            raise numbers.corrupt(FILE, "isotonic calibration needs a PD for each score, and at least one")
        if max(map(abs, scores)) > numbers.LARGEST_VALUE or (np.diff(scores) <= 0.0).any():
            raise numbers.corrupt(FILE, "the scores of isotonic calibration must rise")
        if min(pds) <= 0.0 or max(pds) >= 1.0 or (np.diff(pds) < 0.0).any():
            raise numbers.corrupt(FILE, "the PDs of isotonic calibration must lie between 0 and 1 and never fall")
        return cls(scores, pds)


@dataclass(frozen=True)
class Blocks:
    """Applications pooled by neighbouring scores. Arrays have shape (k,), by ascending score.

    Parameters
    ----------
    applications, defaults : ndarray of float64
        How many, and how many of them defaulted.
    score : ndarray of float64
        Their mean score.
    """

    applications: NDArray[np.float64]
    defaults: NDArray[np.float64]
    score: NDArray[np.float64]

    def merged(self, starts: NDArray[np.intp]) -> Blocks:
        """Pool the blocks from each start to the next."""
        applications = np.add.reduceat(self.applications, starts)
        total = np.add.reduceat(self.applications * self.score, starts)
        return Blocks(applications, np.add.reduceat(self.defaults, starts), total / applications)

    def pooled(self, rate: NDArray[np.float64]) -> Blocks:
        """Pool neighbours until these rates no longer fall: the pool-adjacent-violators algorithm."""
        from scipy.optimize import isotonic_regression

        return self.merged(isotonic_regression(rate, weights=self.applications).blocks[:-1])

    def smoothed(self) -> NDArray[np.float64]:
        """Default rates with `SMOOTHING` applications added, at the overall rate by Laplace's rule."""
        overall = (self.defaults.sum() + 1.0) / (self.applications.sum() + 2.0)
        rates: NDArray[np.float64] = (self.defaults + SMOOTHING * overall) / (self.applications + SMOOTHING)
        return rates


def pool(log_odds: NDArray[np.float64], target: NDArray[np.int8]) -> Blocks:
    """Pool n applications into the blocks of isotonic regression; equal scores stay together."""
    scores, group, applications = np.unique(log_odds, return_inverse=True, return_counts=True)
    defaults = np.bincount(group, weights=target).astype(np.float64)
    return Blocks(applications.astype(np.float64), defaults, scores).pooled(defaults / applications)


def fit_isotonic(log_odds: NDArray[np.float64], target: NDArray[np.int8]) -> Isotonic:
    """Pool n scores and outcomes into blocks, smooth their default rates, and put a knot at each block's mean score.

    Where smoothing makes a rate fall below the one before it, the two are pooled again.
    """
    bounded = np.clip(log_odds, -numbers.LARGEST_VALUE, numbers.LARGEST_VALUE)
    blocks = pool(bounded, target)
    blocks = blocks.merged(_large_enough(blocks.applications))
    blocks = blocks.pooled(blocks.smoothed())
    rising = np.append(True, np.diff(blocks.score) > 0.0)  # rounding may make neighbours' means equal
    pds = np.maximum.accumulate(blocks.smoothed())
    return Isotonic(tuple(blocks.score[rising].tolist()), tuple(pds[rising].tolist()))


def _large_enough(applications: NDArray[np.float64]) -> NDArray[np.intp]:
    """Where blocks start once those of fewer than `FEWEST_PER_BLOCK` applications joined the ones before them."""
    starts, held = [0], 0.0
    for position, amount in enumerate(applications.tolist()):
        if held >= FEWEST_PER_BLOCK:
            starts.append(position)
            held = 0.0
        held += amount
    if held < FEWEST_PER_BLOCK and len(starts) > 1:
        starts.pop()
    return np.array(starts, dtype=np.intp)
