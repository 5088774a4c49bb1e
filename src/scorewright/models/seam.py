"""The seam between what learns and what scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureMatrix

ParameterValue = float | int | str | bool | None
Parameters = Mapping[str, ParameterValue]
ModelKind = Literal["prior", "linear", "trees"]
Scale = Literal["log-odds", "probability"]


class Model(Protocol):
    """A fitted model, sealed in an open format.

    ``values`` is always a matrix of shape (n, p) in the column order of training: numbers, category positions, and NaN
    where a value is missing. A row's answer does not depend on the other rows of the batch, to the last bit.
    """

    @property
    def kind(self) -> ModelKind:
        """Family of the format, which ``load_model`` asks for."""
        ...

    @property
    def scale(self) -> Scale:
        """Scale of ``score`` and ``contributions``."""
        ...

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score n applications, higher meaning riskier: shape (n,), on the model's scale."""
        ...

    def log_odds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring ``score`` to log-odds: shape (n,), finite."""
        ...

    def contributions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share ``score`` out among the features: shape (n, p + 1), the base value last; rows sum to ``score``."""
        ...

    def files(self) -> Mapping[str, bytes]:
        """Give the sealed files by name, from which ``load_model`` builds the same model."""
        ...


class Suggest(Protocol):
    """What a candidate needs of a trial to draw its parameters (an optuna trial is one)."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Draw a number between `low` and `high`."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Draw a whole number between `low` and `high`, both included."""
        ...


class Candidate(Protocol):
    """A model family with its preparation and its search space."""

    @property
    def name(self) -> str:
        """Name in reports and settings."""
        ...

    @property
    def tunable(self) -> bool:
        """Whether there is anything to tune."""
        ...

    @property
    def calibrated(self) -> bool:
        """Whether its PDs are frequencies as they are, so that no calibration is fitted."""
        ...

    def defaults(self) -> dict[str, ParameterValue]:
        """Give the parameters used without tuning."""
        ...

    def suggest(self, trial: Suggest) -> dict[str, ParameterValue]:
        """Draw parameters; those left out keep their defaults. The defaults lie within the space."""
        ...

    def fit(self, matrix: FeatureMatrix, target: NDArray[np.int8], parameters: Parameters, seed: int) -> Model:
        """Learn from n applications and seal the result.

        Parameters
        ----------
        matrix : FeatureMatrix
            Features, n rows. Imputation, scaling and encoding are learnt from these rows alone.
        target : ndarray of int8, shape (n,)
            1 = defaulted.
        parameters : mapping
            Values that override the defaults.
        seed : int
            Same data, parameters and seed give the same bytes.
        """
        ...
