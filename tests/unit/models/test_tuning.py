from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.domain.progress import Step
from scorewright.errors import SettingsError
from scorewright.models.calibration import fit_calibration, log_loss
from scorewright.models.candidates import candidate
from scorewright.models.cross_validation import Lesson, cross_validate
from scorewright.models.folds import stratified_folds
from scorewright.models.prior import Prior
from scorewright.models.seam import Parameters, ParameterValue, Suggest
from scorewright.models.tuning import Budget, calibrated_log_loss, tune


@dataclass(frozen=True)
class Scaled(Prior):
    """Scores an application by its only feature, blurred by how far the parameter is from its best value."""

    blur: float = 0.0

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values[:, 0] + self.blur * np.sin(1000 * values[:, 0])


@dataclass
class Blurry:
    """A candidate that is best at ``x = 0.7`` and counts its fits."""

    start: float = 0.2
    fits: list[float] = field(default_factory=list)
    name: str = "blurry"
    tunable: bool = True
    calibrated: bool = False

    def defaults(self) -> dict[str, ParameterValue]:
        return {"x": self.start, "fixed": 3}

    def suggest(self, trial: Suggest) -> dict[str, ParameterValue]:
        return {"x": trial.suggest_float("x", 0.0, 1.0)}

    def fit(self, matrix: FeatureMatrix, target: NDArray[np.int8], parameters: Parameters, seed: int) -> Scaled:
        assert parameters["fixed"] == 3
        self.fits.append(float(parameters["x"]))
        return Scaled(0.0, 5 * abs(float(parameters["x"]) - 0.7))


def plan(rows: int = 400, listen: list[Step] | None = None) -> Lesson:
    draw = np.random.default_rng(4)
    value = draw.normal(size=rows)
    target = (draw.random(rows) < 1 / (1 + np.exp(1.5 - 1.5 * value))).astype(np.int8)
    column = FeatureColumn("value", "numeric", Label("value", "valeur"), ("application.value",))
    matrix = FeatureMatrix(pl.Series("key", np.arange(rows)), (column,), value[:, None])
    told = [] if listen is None else listen
    return Lesson(matrix, target, stratified_folds(target, 7), 7, told.append)


def objective_of(of: Blurry, at: float) -> float:
    out_of_fold = cross_validate(of, plan(), {"x": at})
    return calibrated_log_loss(out_of_fold.log_odds, plan().target)


def test_no_trials_keep_the_defaults_and_fit_nothing() -> None:
    of = Blurry()
    found = tune(of, plan(), Budget(0))
    assert (dict(found.parameters), found.trials, of.fits) == (of.defaults(), (), [])


def test_what_has_nothing_to_tune_keeps_its_defaults() -> None:
    assert tune(candidate("dummy"), plan(), Budget(5)).trials == ()


def test_the_defaults_are_the_first_trial_and_the_answer_is_no_worse() -> None:
    of = Blurry()
    found = tune(of, plan(), Budget(12))
    assert found.trials[0].parameters == of.defaults()
    assert found.trials[0].objective == pytest.approx(objective_of(of, 0.2), rel=1e-12)
    best = min(found.trials, key=lambda trial: trial.objective)
    assert found.parameters == best.parameters
    assert best.objective < found.trials[0].objective
    assert abs(found.parameters["x"] - 0.7) < abs(0.2 - 0.7)


def test_defaults_that_are_best_are_kept() -> None:
    found = tune(Blurry(start=0.7), plan(), Budget(8))
    assert found.parameters == {"x": 0.7, "fixed": 3}


def test_hopeless_trials_are_given_up_before_their_last_fold() -> None:
    of = Blurry()
    found = tune(of, plan(), Budget(25))
    assert len(of.fits) < 25 * 5
    assert len(found.trials) < 25


def test_the_same_plan_gives_the_same_answer() -> None:
    assert tune(Blurry(), plan(), Budget(10)) == tune(Blurry(), plan(), Budget(10))


def test_another_objective_is_obeyed() -> None:
    found = tune(Blurry(), plan(), Budget(12), lambda log_odds, target: float(np.abs(log_odds).max()))
    worst = tune(Blurry(), plan(), Budget(12), lambda log_odds, target: -float(np.abs(log_odds).max()))
    assert abs(found.parameters["x"] - 0.7) < abs(worst.parameters["x"] - 0.7)


def test_time_bounds_the_search_too() -> None:
    found = tune(Blurry(), plan(), Budget(1000, minutes=1e-9))
    assert [trial.number for trial in found.trials] == [0]


def test_progress_is_told_trial_by_trial() -> None:
    told: list[Step] = []
    tune(Blurry(), plan(listen=told), Budget(3))
    assert [(step.task, step.done, step.total) for step in told] == [("tuning blurry", done, 3) for done in (1, 2, 3)]
    assert told[-1].note.startswith("best 0.")


def test_the_default_objective_is_the_log_loss_of_calibrated_scores() -> None:
    of = plan()
    log_odds = of.matrix.values[:, 0]
    expected = log_loss(fit_calibration(log_odds, of.target).pd(log_odds), of.target)
    assert calibrated_log_loss(10 * log_odds - 3, of.target) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("trials", "minutes"), [(-1, None), (3, 0.0), (3, -2.0), (3, math.nan)])
def test_a_budget_that_is_none_is_refused(trials: int, minutes: float | None) -> None:
    with pytest.raises(SettingsError, match="Tuning needs"):
        Budget(trials, minutes)
