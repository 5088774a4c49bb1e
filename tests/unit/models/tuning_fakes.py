"""Candidates to tune without learning anything, and a search in a process of its own that hangs where it is told."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.domain.evaluation import Trial
from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.domain.progress import Step
from scorewright.errors import TrainingError
from scorewright.models.cross_validation import Lesson
from scorewright.models.prior import Prior
from scorewright.models.seam import Parameters, ParameterValue, Suggest
from scorewright.models.studies import Store
from scorewright.models.tuning import Budget, tune


@dataclass(frozen=True)
class Scaled(Prior):
    """Scores an application by its only feature, blurred by how far the parameter is from its best value."""

    blur: float = 0.0

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values[:, 0] + self.blur * np.sin(1000 * values[:, 0])


@dataclass
class Blurry:
    """A candidate that is best at ``x = 0.7`` and notes what is asked of it."""

    start: float = 0.2
    fails: Callable[[float], bool] = lambda x: False
    fits: list[float] = field(default_factory=list)
    prepared: list[int] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    name: str = "blurry"
    tunable: bool = True

    def calibrated(self, parameters: Parameters) -> bool:
        return False

    def defaults(self) -> dict[str, ParameterValue]:
        return {"x": self.start, "fixed": 3}

    def suggest(self, trial: Suggest) -> dict[str, ParameterValue]:
        return {"x": trial.suggest_float("x", 0.0, 1.0), "leaves": 2 ** trial.suggest_int("fixed", 2, 4)}

    def prepare(self, matrix: FeatureMatrix, target: NDArray[np.int8]) -> int:
        self.prepared.append(len(target))
        return len(self.prepared)

    def settle(self, prepared: int, parameters: Parameters, seed: int, threads: int = 1) -> dict[str, ParameterValue]:
        self.settled.append(prepared)
        return {**parameters, "trees": np.int64(10 * parameters.get("leaves", 8))}

    def fit(self, prepared: int, parameters: Parameters, seed: int, threads: int = 1) -> Scaled:
        assert parameters["trees"] == 10 * parameters["leaves"]
        self.fits.append(float(parameters["x"]))
        self.threads.append(threads)
        if self.fails(parameters["x"]):
            raise TrainingError("x must be learnable.", "it is not", "Choose another.")
        return Scaled(0.0, 5 * abs(float(parameters["x"]) - 0.7))


def lesson(rows: int = 400, listen: list[Step] | None = None, seed: int = 7) -> Lesson:
    """Give applications whose outcome hangs on their only feature."""
    draw = np.random.default_rng(4)
    value = draw.normal(size=rows)
    target = (draw.random(rows) < 1 / (1 + np.exp(1.5 - 1.5 * value))).astype(np.int8)
    column = FeatureColumn("value", "numeric", Label("value", "valeur"), ("application.value",))
    matrix = FeatureMatrix(pl.Series("key", np.arange(rows)), (column,), value[:, None])
    told = [] if listen is None else listen
    return Lesson(matrix, target, np.arange(rows) % 5, seed, told.append)


def told(trials: tuple[Trial, ...]) -> list[tuple[object, ...]]:
    """Tell trials without their times, so that they compare; what is not a number differs from itself."""
    return [(trial.number, dict(trial.parameters), repr(trial.objective), trial.state) for trial in trials]


@dataclass
class Hanging(Blurry):
    """Hangs for good in a fit, once so many were begun."""

    after: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fit(self, prepared: int, parameters: Parameters, seed: int, threads: int = 1) -> Scaled:
        with self.lock:
            hangs = len(self.fits) == self.after
            made = super().fit(prepared, parameters, seed, threads)
        if hangs:
            print("hangs", flush=True)  # noqa: T201 - heard by the test that waits to kill this process
            time.sleep(600)
        return made


def main() -> None:
    """Search: folder, trials, workers, and the number of fits after which to hang."""
    folder, trials, workers, after = sys.argv[1:]
    tune(Hanging(after=int(after)), lesson(), Budget(int(trials), workers=int(workers)), store=Store(Path(folder)))


if __name__ == "__main__":
    main()
