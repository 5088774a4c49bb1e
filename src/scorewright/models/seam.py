"""The seam between what learns and what scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureMatrix

ParameterValue = float | int | str | bool | None
Parameters = Mapping[str, ParameterValue]
ModelKind = Literal["prior", "scorecard", "linear", "trees", "blend"]
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

    def calibrated(self, parameters: Parameters) -> bool:
        """Whether its PDs are frequencies as they are with these parameters: no class weights distort them."""
        ...

    def defaults(self) -> dict[str, ParameterValue]:
        """Give the parameters used without tuning."""
        ...

    def suggest(self, trial: Suggest) -> dict[str, ParameterValue]:
        """Draw parameters; those left out keep their defaults. The defaults lie within the space."""
        ...

    def prepare(self, matrix: FeatureMatrix, target: NDArray[np.int8]) -> Any:
        """Do once what depends on neither parameters nor seed: imputing, scaling, encoding, binning.

        All of it is learnt from these n rows alone. ``fit`` may be called on the result many times, from several
        threads.

        Parameters
        ----------
        matrix : FeatureMatrix
            Features, n rows.
        target : ndarray of int8, shape (n,)
            1 = defaulted.
        """
        ...

    def settle(self, prepared: Any, parameters: Parameters, seed: int, threads: int = 1) -> dict[str, ParameterValue]:
        """Complete the parameters of a trial by what learning finds, as the number of trees by early stopping."""
        ...

    def fit(self, prepared: Any, parameters: Parameters, seed: int, threads: int = 1) -> Model:
        """Learn from what ``prepare`` made and seal the result.

        Parameters
        ----------
        prepared : object
            What ``prepare`` of this candidate gave.
        parameters : mapping
            Values that override the defaults.
        seed : int
            Same data, parameters and seed give the same bytes.
        threads : int
            Threads it may use; they change no bit of the result.
        """
        ...
