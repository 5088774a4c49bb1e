from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as log_loss_of_scikit_learn

from scorewright.domain.evaluation import CalibrationRecord
from scorewright.domain.measures import expected_calibration_error
from scorewright.models.calibration import KINDS, chosen_kind, compare_calibrations, cross_fitted


def drawn(offset: float = 0.0, rows: int = 4000, seed: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, outcomes and folds; the true log-odds are the scores less the offset."""
    draw = np.random.default_rng(seed)
    log_odds = draw.normal(offset - 2.0, 1.0, rows)
    return log_odds, (draw.random(rows) < expit(log_odds - offset)).astype(np.int8), draw.permutation(rows) % 5


def by_kind(records: tuple[CalibrationRecord, ...]) -> dict[str, CalibrationRecord]:
    return {record.kind: record for record in records}


def test_pds_that_are_right_as_they_are_stay_as_they_are() -> None:
    records = compare_calibrations(*drawn(), unweighted=True, seed=1)
    assert chosen_kind(records) == "none"
    assert [record.kind for record in records] == list(KINDS)
    assert [record.chosen for record in records] == [True, False, False, False]


def test_a_weighted_model_is_always_calibrated() -> None:
    records = compare_calibrations(*drawn(), unweighted=False, seed=1)
    assert chosen_kind(records) == "platt"
    assert [record.eligible for record in records] == [False, True, True, True]


@pytest.mark.parametrize("unweighted", [True, False])
def test_pds_that_are_overstated_are_brought_back_by_the_simplest_kind_that_can(unweighted: bool) -> None:
    records = compare_calibrations(*drawn(2.0), unweighted=unweighted, seed=1)
    assert chosen_kind(records) == "platt"
    found = by_kind(records)
    assert found["none"].ece.low > found["platt"].ece.high
    assert found["none"].log_loss.low > found["platt"].log_loss.high


def test_a_shape_that_no_line_has_is_worth_its_price() -> None:
    draw = np.random.default_rng(2)
    log_odds = draw.normal(0, 1, 12_000)
    target = (draw.random(12_000) < np.where(log_odds < 0.5, 0.05, 0.3)).astype(np.int8)
    assert chosen_kind(compare_calibrations(log_odds, target, np.arange(12_000) % 5, unweighted=False)) == "isotonic"


def test_what_is_recorded_is_measured_on_cross_fitted_pds() -> None:
    rows = drawn(1.0)
    for record in compare_calibrations(*rows, unweighted=False, repeats=5):
        pd = cross_fitted(*rows, record.kind)
        assert record.brier.estimate == pytest.approx(brier_score_loss(rows[1], pd), rel=1e-9)
        assert record.log_loss.estimate == pytest.approx(log_loss_of_scikit_learn(rows[1], pd), rel=1e-9)
        assert record.ece.estimate == pytest.approx(expected_calibration_error(pd, rows[1]), rel=1e-9)


def test_intervals_are_as_wide_as_the_central_limit_says() -> None:
    rows = drawn()
    record = by_kind(compare_calibrations(*rows, unweighted=False, repeats=1000))["platt"]
    squares = (cross_fitted(*rows) - rows[1]) ** 2
    expected = 1.96 * squares.std() / np.sqrt(len(squares))
    assert record.brier.high - record.brier.estimate == pytest.approx(expected, rel=0.1)
    assert record.brier.estimate - record.brier.low == pytest.approx(expected, rel=0.1)
    assert 0.0 <= record.ece.low <= record.ece.estimate <= record.ece.high


def test_the_answer_depends_on_the_seed_and_not_on_the_order_of_the_rows() -> None:
    log_odds, target, folds = drawn(rows=600)
    mixed = np.random.default_rng(0).permutation(600)
    before = compare_calibrations(log_odds, target, folds, unweighted=True, repeats=20, seed=3)
    assert (
        compare_calibrations(log_odds[mixed], target[mixed], folds[mixed], unweighted=True, repeats=20, seed=3)
        == before
    )
    assert compare_calibrations(log_odds, target, folds, unweighted=True, repeats=20, seed=4) != before


def test_scores_that_do_not_differ_need_no_calibration() -> None:
    target = (np.arange(500) % 10 == 0).astype(np.int8)
    log_odds = np.full(500, np.log(1 / 9))
    assert chosen_kind(compare_calibrations(log_odds, target, np.arange(500) // 100, unweighted=True)) == "none"
