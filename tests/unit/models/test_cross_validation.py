from __future__ import annotations

import numpy as np
import polars as pl

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.domain.progress import Step
from scorewright.models.calibration import IDENTITY, cross_fitted, fit_calibration
from scorewright.models.candidates import candidate
from scorewright.models.cross_validation import Lesson, cross_validate, fit_final
from scorewright.models.folds import stratified_folds


def plan(told: list[Step] | None = None, rows: int = 300) -> Lesson:
    draw = np.random.default_rng(6)
    values = draw.normal(size=(rows, 2))
    target = (draw.random(rows) < 1 / (1 + np.exp(1.0 - values[:, 0]))).astype(np.int8)
    columns = tuple(FeatureColumn(name, "numeric", Label(name, name), (f"a.{name}",)) for name in "xy")
    matrix = FeatureMatrix(pl.Series("key", np.arange(rows)), columns, values)
    heard = [] if told is None else told
    return Lesson(matrix, target, stratified_folds(target, 7), 7, heard.append)


def test_each_fold_is_scored_by_a_model_of_the_others() -> None:
    of, known = candidate("logistic_regression"), plan()
    found = cross_validate(of, known, {"C": 0.5})
    for fold in range(5):
        outside = np.flatnonzero(known.fold_of_row != fold)
        model = of.fit(known.matrix.take(outside), known.target[outside], {"C": 0.5}, 7)
        inside = known.fold_of_row == fold
        np.testing.assert_array_equal(found.log_odds[inside], model.log_odds(known.matrix.values[inside]))
    np.testing.assert_array_equal(found.pd, cross_fitted(found.log_odds, known.target, known.fold_of_row))
    assert found.parameters == {"C": 0.5}


def test_an_outcome_never_reaches_its_own_pd() -> None:
    of, known = candidate("logistic_regression"), plan()
    inside = known.fold_of_row == 2
    flipped = np.where(inside, 1 - known.target, known.target).astype(np.int8)
    other = Lesson(known.matrix, flipped, known.fold_of_row, 7)
    before, after = cross_validate(of, known), cross_validate(of, other)
    np.testing.assert_array_equal(after.log_odds[inside], before.log_odds[inside])
    assert not np.array_equal(after.log_odds[~inside], before.log_odds[~inside])


def test_the_dummy_gives_the_share_of_defaults_of_the_other_folds() -> None:
    known = plan()
    found = cross_validate(candidate("dummy"), known)
    for fold in range(5):
        expected = known.target[known.fold_of_row != fold].mean()
        np.testing.assert_allclose(found.pd[known.fold_of_row == fold], expected, rtol=1e-12)
    fitted = fit_final(candidate("dummy"), known, found)
    assert fitted.calibration == IDENTITY
    np.testing.assert_allclose(fitted.pd(known.matrix.values), known.target.mean(), rtol=1e-12)


def test_the_final_model_learns_from_all_and_is_calibrated_out_of_fold() -> None:
    of, known = candidate("lightgbm"), plan()
    found = cross_validate(of, known, {"n_estimators": 20})
    fitted = fit_final(of, known, found)
    assert fitted.calibration == fit_calibration(found.log_odds, known.target)
    assert fitted.model.files() == of.fit(known.matrix, known.target, {"n_estimators": 20}, 7).files()
    values = known.matrix.values
    np.testing.assert_array_equal(fitted.pd(values), fitted.calibration.pd(fitted.model.log_odds(values)))


def test_progress_is_told_fold_by_fold() -> None:
    told: list[Step] = []
    cross_validate(candidate("dummy"), plan(told))
    assert [(step.task, step.done, step.total) for step in told] == [("dummy", done, 5) for done in range(1, 6)]
