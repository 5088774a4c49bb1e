from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from scorewright.errors import BundleCorruptError
from scorewright.models.calibration import (
    IDENTITY,
    SMALLEST_SLOPE,
    Calibration,
    cross_fitted,
    fit_calibration,
    log_loss,
)


def scores(rows: int = 2000, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    log_odds = draw.normal(0.3, 1.7, rows)
    return log_odds, (draw.random(rows) < expit(0.6 * log_odds - 2.4)).astype(np.int8)


def platt(target: np.ndarray) -> np.ndarray:
    defaulted = target.sum()
    return np.where(target == 1, (defaulted + 1) / (defaulted + 2), 1 / (len(target) - defaulted + 2))


def test_it_is_the_logistic_regression_of_scikit_learn_on_targets_of_platt() -> None:
    log_odds, target = scores()
    aim = platt(target)
    twice = np.r_[log_odds, log_odds][:, None]
    outcome = np.r_[np.ones(len(aim)), np.zeros(len(aim))]
    peer = LogisticRegression(C=np.inf, tol=1e-10, solver="newton-cholesky")
    peer.fit(twice, outcome, sample_weight=np.r_[aim, 1 - aim])
    found = fit_calibration(log_odds, target)
    assert found.slope == pytest.approx(peer.coef_[0, 0], rel=1e-6)
    assert found.intercept == pytest.approx(peer.intercept_[0], rel=1e-6)


def test_no_other_line_is_likelier() -> None:
    log_odds, target = scores(400)
    aim = platt(target)
    best = minimize(lambda line: log_loss(expit(line[0] * log_odds + line[1]), aim), [1.0, 0.0])
    found = fit_calibration(log_odds, target)
    assert log_loss(found.pd(log_odds), aim) <= best.fun + 1e-12


def test_pds_average_to_the_share_of_defaults() -> None:
    log_odds, target = scores()
    assert fit_calibration(log_odds, target).pd(log_odds).mean() == pytest.approx(platt(target).mean(), rel=1e-8)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_pds_do_not_depend_on_the_scale_of_the_scores(scale: float) -> None:
    log_odds, target = scores()
    expected = fit_calibration(log_odds, target).pd(log_odds)
    moved = log_odds / scale + 3.0
    np.testing.assert_allclose(fit_calibration(moved, target).pd(moved), expected, rtol=1e-6)


def test_scores_that_separate_the_outcomes_still_have_a_finite_answer() -> None:
    log_odds = np.r_[np.linspace(-3, -1, 50), np.linspace(1, 3, 50)]
    target = (log_odds > 0).astype(np.int8)
    found = fit_calibration(log_odds, target)
    assert 0 < found.slope < 100
    assert ((found.pd(log_odds) > 0.5) == (target == 1)).all()


def test_equal_scores_keep_their_slope_and_move_to_the_share_of_defaults() -> None:
    target = np.r_[np.ones(30), np.zeros(70)].astype(np.int8)
    found = fit_calibration(np.full(100, 4.0), target)
    assert found.slope == 1.0
    np.testing.assert_allclose(found.pd(np.array([4.0])), platt(target).mean(), rtol=1e-9)


def test_scores_worse_than_chance_hardly_move_the_pd() -> None:
    log_odds, target = scores()
    found = fit_calibration(-log_odds, target)
    assert found.slope * log_odds.std() == pytest.approx(SMALLEST_SLOPE)
    assert found.pd(-log_odds).mean() == pytest.approx(target.mean(), rel=1e-3)
    assert np.ptp(found.pd(-log_odds)) < 0.03


def test_a_fold_is_calibrated_by_the_others_alone() -> None:
    log_odds, target = scores(300)
    folds = np.arange(300) % 3
    expected = fit_calibration(log_odds[folds != 1], target[folds != 1]).pd(log_odds[folds == 1])
    np.testing.assert_array_equal(cross_fitted(log_odds, target, folds)[folds == 1], expected)
    flipped = np.where(folds == 1, 1 - target, target).astype(np.int8)
    np.testing.assert_array_equal(cross_fitted(log_odds, flipped, folds)[folds == 1], expected)


def test_identity_changes_nothing_but_the_scale() -> None:
    np.testing.assert_allclose(IDENTITY.pd(np.linspace(-30, 30, 101)), expit(np.linspace(-30, 30, 101)), rtol=1e-14)


def test_it_travels_through_json_unchanged() -> None:
    found = fit_calibration(*scores())
    assert Calibration.from_dict(found.to_dict()) == found


@pytest.mark.parametrize(
    "found",
    [{}, {"slope": 1.0}, {"slope": "1", "intercept": 0}, {"slope": 0.0, "intercept": 0.0}, {"slope": np.nan}],
)
def test_what_is_no_calibration_is_refused(found: dict[str, object]) -> None:
    with pytest.raises(BundleCorruptError, match=r"calibration\.json"):
        Calibration.from_dict(found)
