"""From a PD to an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.inputs import checked_pd
from scorewright.decision.threshold import APPROVE_ALL, REFUSE_ALL
from scorewright.domain.costs import CostMatrix
from scorewright.domain.decisions import Outcome
from scorewright.errors import BundleCorruptError


@dataclass(frozen=True)
class Policy:
    """Refuse when ``pd >= threshold``, else approve: monotone, a higher PD is never treated better.

    Parameters
    ----------
    threshold : float
        From 0 (refuse all) to the number next above 1 (approve all).
    costs : CostMatrix
        The costs for which the threshold was chosen.

    Raises
    ------
    ValueError
        When the threshold is outside that range.
    """

    threshold: float
    costs: CostMatrix

    def __post_init__(self) -> None:
        if not REFUSE_ALL <= self.threshold <= APPROVE_ALL:
            raise ValueError("The threshold must lie between 0 and the number next above 1.")

    def decide(self, pd: NDArray[Any]) -> NDArray[np.bool_]:
        """Return true where an application is refused, shape (n,). Raises ``ValueError`` on what is no PD."""
        refused: NDArray[np.bool_] = checked_pd(pd) >= self.threshold
        return refused

    def outcomes(self, pd: NDArray[Any]) -> tuple[Outcome, ...]:
        """Return the outcome of each application, in words. Raises ``ValueError`` on what is no PD."""
        return tuple("refuse" if refused else "approve" for refused in self.decide(pd))

    def to_dict(self) -> dict[str, Any]:
        """Return what ``policy.json`` holds."""
        costs = {"false_negative": self.costs.false_negative, "false_positive": self.costs.false_positive}
        return {"threshold": self.threshold, "costs": costs}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Policy:
        """Read what `to_dict` gave. Raises ``BundleCorruptError`` on anything else."""
        try:
            costs = content["costs"]
            matrix = CostMatrix(float(costs["false_negative"]), float(costs["false_positive"]))
            return cls(float(content["threshold"]), matrix)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleCorruptError(
                "A policy holds a threshold and two costs.",
                f"{type(error).__name__}: {error}",
                "Train again, or restore the bundle from its source.",
            ) from error
