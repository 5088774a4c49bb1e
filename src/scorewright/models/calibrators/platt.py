"""No calibration, and Platt scaling: a line through the log-odds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scorewright.models import numbers
from scorewright.models.calibrators.likelihood import aims, shift, varies, weigh
from scorewright.models.calibrators.seam import FILE, probability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SMALLEST_SLOPE = 0.01  # per standard deviation of the scores


@dataclass(frozen=True)
class Uncalibrated:
    """PD = sigmoid(log-odds): the scores are frequencies as they are."""

    @property
    def kind(self) -> Literal["none"]:
        """Name among the kinds."""
        return "none"

    def pd(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn n log-odds into n PDs."""
        return probability(log_odds)

    def to_dict(self) -> dict[str, Any]:
        """Give what is written to JSON."""
        return {"kind": self.kind}

    @classmethod
    def from_dict(cls, _: Mapping[str, object]) -> Uncalibrated:
        """Read what ``to_dict`` gave: nothing is to be known."""
        return cls()


@dataclass(frozen=True)
class Platt:
    """PD = sigmoid(slope * log-odds + intercept): Platt scaling.

    Learning with weighted classes ranks applications well but overstates their PDs; this line brings the log-odds back.
    The slope is above zero, so that the order of applications is kept.

    References
    ----------
    Platt 1999, *Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods*.

    Examples
    --------
    >>> [round(float(pd), 3) for pd in Platt(0.5, -2.0).pd(np.array([0.0, 4.0]))]
    [0.119, 0.5]
    """

    slope: float = 1.0
    intercept: float = 0.0

    @property
    def kind(self) -> Literal["platt"]:
        """Name among the kinds."""
        return "platt"

    def pd(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn n log-odds into n PDs."""
        with np.errstate(over="ignore"):
            return probability(self.slope * log_odds + self.intercept)

    def to_dict(self) -> dict[str, Any]:
        """Give what is written to JSON."""
        return {"kind": self.kind, "slope": self.slope, "intercept": self.intercept}

    @classmethod
    def from_dict(cls, found: Mapping[str, object]) -> Platt:
        """Read what ``to_dict`` gave. Raises ``BundleCorruptError``, ``KeyError`` and ``ValueError``."""
        slope, intercept = numbers.number(found["slope"]), numbers.number(found["intercept"])
        if slope <= 0.0:
            raise numbers.corrupt(FILE, "the slope must be above 0")
        return cls(slope, intercept)


def fit_platt(log_odds: NDArray[np.float64], target: NDArray[np.int8]) -> Platt:
    """Find the most likely slope and intercept, for n scores and outcomes.

    Equal scores say nothing of the slope, which is then 1. Scores that rank no better than chance get the smallest
    slope, and so PDs that hardly differ from the share of defaults.
    """
    aim = aims(target)
    if not varies(log_odds):
        return Platt(1.0, shift(log_odds, aim))
    intercept, (slope,) = weigh(log_odds[:, None], aim)
    smallest = SMALLEST_SLOPE / float(log_odds.std())
    if slope < smallest:
        return Platt(smallest, shift(smallest * log_odds, aim))
    return Platt(slope, intercept)
