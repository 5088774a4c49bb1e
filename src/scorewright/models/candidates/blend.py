"""Logistic regression and LightGBM averaged: what is additive, and what is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scorewright.models.blend import Blend as Averaged
from scorewright.models.candidates.boosting import Binned, Boosting
from scorewright.models.candidates.logistic import Design, LogisticRegression

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureMatrix
    from scorewright.models.seam import Candidate, Parameters, ParameterValue, Suggest

_SHARED = "positive_weight_power"
_WEIGHT = "linear_weight"


@dataclass(frozen=True)
class Blend:
    """The weighted mean of the log-odds of logistic regression and of LightGBM.

    ``linear_weight`` is the regression's weight. The members' parameters bear their names as a prefix, as
    ``lightgbm.max_depth``. ``positive_weight_power`` is one for both: both then score the log-odds of the same weighted
    applications, which is the common scale that a mean needs.
    """

    name: str = "blend"
    tunable: bool = True
    linear: LogisticRegression = field(default_factory=LogisticRegression)
    trees: Boosting = field(default_factory=Boosting)

    @property
    def members(self) -> tuple[Candidate, Candidate]:
        """The regression, then the trees."""
        return self.linear, self.trees

    def calibrated(self, parameters: Parameters) -> bool:
        """Without weights, both members' log-odds are those of frequencies."""
        return {**self.defaults(), **parameters}[_SHARED] == 0.0

    def defaults(self) -> dict[str, ParameterValue]:
        """Give the parameters used without tuning: the members' own."""
        own = {
            f"{member.name}.{name}": value
            for member in self.members
            for name, value in member.defaults().items()
            if name != _SHARED
        }
        return {_WEIGHT: 0.4, _SHARED: 0.0, **own}

    def suggest(self, trial: Suggest) -> dict[str, ParameterValue]:
        """Draw the weights and what each member draws."""
        shared = {
            _WEIGHT: trial.suggest_float(_WEIGHT, 0.05, 0.95),
            _SHARED: trial.suggest_float(_SHARED, 0.0, 1.0),
        }
        drawn: dict[str, ParameterValue] = dict(shared)
        for member in self.members:
            own = member.suggest(_Prefixed(trial, f"{member.name}.", shared[_SHARED]))
            drawn |= {f"{member.name}.{name}": value for name, value in own.items() if name != _SHARED}
        return drawn

    def prepare(self, matrix: FeatureMatrix, target: NDArray[np.int8]) -> tuple[Design, Binned]:
        """Prepare both members. Raises ``TrainingError``."""
        return self.linear.prepare(matrix, target), self.trees.prepare(matrix, target)

    def settle(
        self, prepared: tuple[Design, Binned], parameters: Parameters, seed: int, threads: int = 1
    ) -> dict[str, ParameterValue]:
        """Settle both members."""
        settled = {**self.defaults(), **parameters}
        for member, part in zip(self.members, prepared, strict=True):
            own = member.settle(part, _own(settled, member.name), seed, threads)
            settled |= {f"{member.name}.{name}": value for name, value in own.items() if name != _SHARED}
        return settled

    def fit(self, prepared: tuple[Design, Binned], parameters: Parameters, seed: int, threads: int = 1) -> Averaged:
        """Fit both members and seal them as a ``Blend`` model."""
        chosen: dict[str, Any] = {**self.defaults(), **parameters}
        weight = float(chosen[_WEIGHT])
        linear = self.linear.fit(prepared[0], _own(chosen, self.linear.name), seed, threads)
        trees = self.trees.fit(prepared[1], _own(chosen, self.trees.name), seed, threads)
        return Averaged((linear, trees), (weight, 1.0 - weight))


@dataclass(frozen=True)
class _Prefixed:
    """A trial in which a member's parameters bear its name, and the shared one has been drawn."""

    trial: Suggest
    prefix: str
    shared: float

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return self.shared if name == _SHARED else self.trial.suggest_float(self.prefix + name, low, high, log=log)

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return self.trial.suggest_int(self.prefix + name, low, high, log=log)


def _own(parameters: Parameters, member: str) -> dict[str, ParameterValue]:
    prefix = f"{member}."
    own = {name.removeprefix(prefix): value for name, value in parameters.items() if name.startswith(prefix)}
    return {**own, _SHARED: parameters[_SHARED]}
