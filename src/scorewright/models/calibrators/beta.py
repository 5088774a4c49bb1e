"""Beta calibration: a line that may bend differently for low and high PDs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from scorewright.models import numbers
from scorewright.models.calibrators.likelihood import aims, loss_of, shift, varies, weigh
from scorewright.models.calibrators.seam import FILE, probability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_SHAPES = ((0,), (1,))


@dataclass(frozen=True)
class Beta:
    """PD = sigmoid(a ln p - b ln(1 - p) + c), where p = sigmoid(log-odds); a and b are at least 0.

    With a = b it is Platt's line. Else the log-odds rise with slope a where PDs are low and with slope b where they are
    high.

    References
    ----------
    Kull, Silva Filho and Flach 2017, *Beta calibration: a well-founded and easily implemented improvement on logistic
    calibration for binary classifiers*.

    Examples
    --------
    >>> [round(float(pd), 3) for pd in Beta(2.0, 1.0, 0.0).pd(np.array([-2.0, 0.0, 2.0]))]
    [0.016, 0.333, 0.867]
    """

    a: float
    b: float
    c: float

    @property
    def kind(self) -> Literal["beta"]:
        """Name among the kinds."""
        return "beta"

    def pd(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn n log-odds into n PDs."""
        with np.errstate(over="ignore", invalid="ignore"):
            lower, upper = _columns(np.clip(log_odds, -numbers.LARGEST_VALUE, numbers.LARGEST_VALUE)).T
            return probability(self.a * lower + (self.b * upper + self.c))

    def to_dict(self) -> dict[str, Any]:
        """Give what is written to JSON."""
        return {"kind": self.kind, "a": self.a, "b": self.b, "c": self.c}

    @classmethod
    def from_dict(cls, found: Mapping[str, object]) -> Beta:
        """Read what ``to_dict`` gave. Raises ``BundleCorruptError``, ``KeyError`` and ``ValueError``."""
        a, b, c = (numbers.number(found[name]) for name in "abc")
        if min(a, b) < 0.0 or max(a, b, abs(c)) > numbers.LARGEST_VALUE:
            raise numbers.corrupt(FILE, "a and b must be at least 0, and no number larger than scores can be")
        return cls(a, b, c)


def fit_beta(log_odds: NDArray[np.float64], target: NDArray[np.int8]) -> Beta:
    """Find the most likely a, b >= 0 and c, for n scores and outcomes, on Platt's targets.

    The loss is convex: where its minimum has a or b below 0, the best that is allowed lies where one of them is 0, and
    else where both are. Equal scores say nothing of the shape, which is then a = b = 1.
    """
    aim, columns = aims(target), _columns(log_odds)
    if not varies(log_odds):
        return Beta(1.0, 1.0, shift(log_odds, aim))
    tried = [found for shape in ((0, 1), *_SHAPES) if (found := _shaped(columns, aim, shape)) is not None]
    flat = Beta(0.0, 0.0, shift(np.zeros(len(aim)), aim))
    return min((*tried, flat), key=lambda found: loss_of(columns @ np.array([found.a, found.b]) + found.c, aim))


def _columns(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give ``ln p`` and ``-ln(1 - p)``, shape (n, 2): both rise with the score."""
    return np.column_stack([-np.logaddexp(0.0, -log_odds), np.logaddexp(0.0, log_odds)])


def _shaped(columns: NDArray[np.float64], aim: NDArray[np.float64], shape: tuple[int, ...]) -> Beta | None:
    """Fit with the weights outside `shape` at 0; None where that cannot be done or a weight falls below 0."""
    if not all(varies(columns[:, position]) for position in shape):
        return None
    intercept, found = weigh(columns[:, shape], aim)
    weights = dict(zip(shape, found, strict=True))
    return Beta(weights.get(0, 0.0), weights.get(1, 0.0), intercept) if min(found) >= 0.0 else None
