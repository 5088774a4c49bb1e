"""What every calibration is, and the bounds of its PDs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from scorewright.models import numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

CalibrationKind = Literal["none", "platt", "beta", "isotonic"]
KINDS: tuple[CalibrationKind, ...] = ("none", "platt", "beta", "isotonic")
"""Every way of calibrating, the simplest first."""

FILE = "calibration.json"
_LEAST = float(np.finfo(np.float64).eps)


class Calibration(Protocol):
    """From scores on the scale of log-odds to PDs.

    A riskier score never gets a lower PD, but for the last bit. PDs lie between 0 and 1, neither of them included,
    whatever the score, be it infinite; a score that is NaN has none, and NaN comes back. A row's PD does not depend on
    the other rows, to the last bit.
    """

    @property
    def kind(self) -> CalibrationKind:
        """Which of `KINDS`."""
        ...

    def pd(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn n log-odds into n PDs."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Give what is written to JSON; ``calibration_from_dict`` reads it."""
        ...


def probability(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn log-odds into probabilities that never reach 0 or 1: no score makes an outcome certain."""
    # What `clip` does, several times faster for one application.
    return np.minimum(np.maximum(numbers.sigmoid(log_odds), _LEAST), 1.0 - _LEAST)
