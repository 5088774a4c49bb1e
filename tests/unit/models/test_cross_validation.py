from __future__ import annotations

import numpy as np
import polars as pl

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.domain.progress import Step
from scorewright.models.calibration import IDENTITY, compare_calibrations, cross_fitted, fit_calibration
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
    chosen = {"C": 0.5, "positive_weight_power": 1.0}
    found = cross_validate(of, known, chosen)
    for fold in range(5):
        outside = np.flatnonzero(known.fold_of_row != fold)
        model = of.fit(of.prepare(known.matrix.take(outside), known.target[outside]), chosen, 7)
        inside = known.fold_of_row == fold
        np.testing.assert_array_equal(found.log_odds[inside], model.log_odds(known.matrix.values[inside]))
    assert found.parameters == {**of.defaults(), **chosen}


def test_scores_are_calibrated_by_what_the_comparison_chose() -> None:
    of, known = candidate("logistic_regression"), plan()
    found = cross_validate(of, known)
    rows = found.log_odds, known.target, known.fold_of_row
    assert found.calibrations == compare_calibrations(*rows, unweighted=of.calibrated(found.parameters), seed=7)
    assert [record.kind for record in found.calibrations if record.chosen] == [found.calibration]
    np.testing.assert_array_equal(found.pd, cross_fitted(*rows, found.calibration))


def test_every_pd_lies_within_its_interval_out_of_fold_and_in_the_end() -> None:
    of, known = candidate("logistic_regression"), plan()
    found = cross_validate(of, known)
    assert ((found.low <= found.pd) & (found.pd <= found.high)).all()
    values = known.matrix.values
    low, high = fit_final(of, known, found).interval(values)
    pd = fit_final(of, known, found).pd(values)
    assert ((low <= pd) & (pd <= high)).all()
    assert (low < high).all()


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
    chosen = {"n_estimators": 20, "positive_weight_power": 0.5}
    found = cross_validate(of, known, chosen)
    fitted = fit_final(of, known, found)
    assert fitted.calibration == fit_calibration(found.log_odds, known.target, found.calibration)
    assert fitted.model.files() == of.fit(of.prepare(known.matrix, known.target), chosen, 7).files()
    values = known.matrix.values
    np.testing.assert_array_equal(fitted.pd(values), fitted.calibration.pd(fitted.model.log_odds(values)))


def test_progress_is_told_fold_by_fold() -> None:
    told: list[Step] = []
    cross_validate(candidate("dummy"), plan(told))
    assert [(step.task, step.done, step.total) for step in told] == [("dummy", done, 5) for done in range(1, 6)]
