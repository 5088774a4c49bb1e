"""The candidate that every other must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorewright.models.candidates.preparation import check_learnable
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

    def calibrated(self, parameters: Parameters) -> bool:  # noqa: ARG002 - the seam's
        """Its PD is the frequency itself."""
        return True

    def defaults(self) -> dict[str, ParameterValue]:
        """Give no parameters: there are none."""
        return {}

    def suggest(self, trial: Suggest) -> dict[str, ParameterValue]:  # noqa: ARG002 - the seam's
        """Draw nothing."""
        return {}

    def prepare(self, matrix: FeatureMatrix, target: NDArray[np.int8]) -> Prior:
        """Count the defaults among `target`. Raises ``TrainingError`` as `check_learnable`."""
        check_learnable(matrix, target)
        return Prior(float(logit(np.array([target.mean()]))[0]))

    def settle(
        self,
        prepared: Prior,  # noqa: ARG002 - the seam's
        parameters: Parameters,
        seed: int,  # noqa: ARG002 - the seam's
        threads: int = 1,  # noqa: ARG002 - the seam's
    ) -> dict[str, ParameterValue]:
        """Give the parameters back: nothing is left to find."""
        return dict(parameters)

    def fit(
        self,
        prepared: Prior,
        parameters: Parameters,  # noqa: ARG002 - the seam's
        seed: int,  # noqa: ARG002 - the seam's
        threads: int = 1,  # noqa: ARG002 - the seam's
    ) -> Prior:
        """Give what the counting gave."""
        return prepared
