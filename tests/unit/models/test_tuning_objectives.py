from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from scorewright.models.calibration import fit_calibration
from scorewright.models.objectives import AUC, LOG_LOSS, OBJECTIVES, area, scored
from tests.unit.models.tuning_fakes import lesson

PLAN = lesson()
ROWS = np.flatnonzero(PLAN.fold_of_row != 3)
LOG_ODDS = np.round(2 * PLAN.matrix.values[ROWS, 0])  # with ties


def test_the_area_is_that_of_scikit_learn() -> None:
    assert area(LOG_ODDS, PLAN.target[ROWS]) == pytest.approx(roc_auc_score(PLAN.target[ROWS], LOG_ODDS), rel=1e-12)


def test_one_outcome_has_no_area() -> None:
    assert math.isnan(area(np.array([1.0, 2.0]), np.array([1, 1], dtype=np.int8)))
    assert math.isnan(area(np.array([1.0, 2.0]), np.array([0, 0], dtype=np.int8)))


def test_auc_is_the_mean_within_folds() -> None:
    of = scored(ROWS, LOG_ODDS + 10.0 * (PLAN.fold_of_row[ROWS] == 1), PLAN.target, PLAN.fold_of_row)
    inside = [PLAN.fold_of_row[ROWS] == fold for fold in (0, 1, 2, 4)]
    expected = np.mean([roc_auc_score(PLAN.target[ROWS][fold], LOG_ODDS[fold]) for fold in inside])
    assert AUC.function(of) == pytest.approx(1.0 - expected, rel=1e-12)  # one fold's offset changes nothing


def test_log_loss_is_that_of_scikit_learn_once_calibrated_whatever_the_scale() -> None:
    expected = log_loss(PLAN.target[ROWS], fit_calibration(LOG_ODDS, PLAN.target[ROWS]).pd(LOG_ODDS))
    for scale, shift in ((1.0, 0.0), (10.0, -3.0)):
        of = scored(ROWS, scale * LOG_ODDS + shift, PLAN.target, PLAN.fold_of_row)
        assert LOG_LOSS.function(of) == pytest.approx(expected, rel=1e-7)


def test_objectives_are_found_by_name() -> None:
    assert dict(OBJECTIVES) == {"log_loss": LOG_LOSS, "auc": AUC}
