"""The candidate that every other must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorewright.models.numbers import logit
from scorewright.models.prior import Prior

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureMatrix
    from scorewright.models.seam import Parameters, ParameterValue, Suggest


@dataclass(frozen=True)
class Dummy:
    """Gives everybody the default rate of training."""

    name: str = "dummy"
    tunable: bool = False
    calibrated: bool = True

    def defaults(self) -> dict[str, ParameterValue]:
        """Give no parameters: there are none."""
        return {}

    def suggest(self, trial: Suggest) -> dict[str, ParameterValue]:  # noqa: ARG002 - the seam's
        """Draw nothing."""
        return {}

    def fit(
        self,
        matrix: FeatureMatrix,  # noqa: ARG002 - the seam's
        target: NDArray[np.int8],
        parameters: Parameters,  # noqa: ARG002 - the seam's
        seed: int,  # noqa: ARG002 - the seam's
    ) -> Prior:
        """Count the defaults among `target`."""
        return Prior(float(logit(np.array([target.mean()]))[0]))
