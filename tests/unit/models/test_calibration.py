from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from scorewright.errors import BundleCorruptError
from scorewright.models.calibration import (
    IDENTITY,
    KINDS,
    SMALLEST_SLOPE,
    Beta,
    CalibrationKind,
    Isotonic,
    Platt,
    calibration_from_dict,
    cross_fitted,
    fit_calibration,
    log_loss,
)
from scorewright.models.calibrators.isotonic import FEWEST_PER_BLOCK, pool


def scores(rows: int = 2000, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    log_odds = draw.normal(0.3, 1.7, rows)
    return log_odds, (draw.random(rows) < expit(0.6 * log_odds - 2.4)).astype(np.int8)


def aims(target: np.ndarray) -> np.ndarray:
    defaulted = target.sum()
    return np.where(target == 1, (defaulted + 1) / (defaulted + 2), 1 / (len(target) - defaulted + 2))


def platt(log_odds: np.ndarray, target: np.ndarray) -> Platt:
    found = fit_calibration(log_odds, target, "platt")
    assert isinstance(found, Platt)
    return found


def beta(log_odds: np.ndarray, target: np.ndarray) -> Beta:
    found = fit_calibration(log_odds, target, "beta")
    assert isinstance(found, Beta)
    return found


def isotonic(log_odds: np.ndarray, target: np.ndarray) -> Isotonic:
    found = fit_calibration(log_odds, target, "isotonic")
    assert isinstance(found, Isotonic)
    return found


def peer(columns: np.ndarray, target: np.ndarray) -> LogisticRegression:
    """Logistic regression of scikit-learn on Platt's targets: each row once defaulted and once repaid."""
    aim = aims(target)
    outcome = np.r_[np.ones(len(aim)), np.zeros(len(aim))]
    found = LogisticRegression(C=np.inf, tol=1e-10, solver="newton-cholesky")
    return found.fit(np.r_[columns, columns], outcome, sample_weight=np.r_[aim, 1 - aim])


def test_platt_is_the_logistic_regression_of_scikit_learn_on_targets_of_platt() -> None:
    log_odds, target = scores()
    expected = peer(log_odds[:, None], target)
    found = platt(log_odds, target)
    assert found.slope == pytest.approx(expected.coef_[0, 0], rel=1e-6)
    assert found.intercept == pytest.approx(expected.intercept_[0], rel=1e-6)


def test_beta_is_the_logistic_regression_of_scikit_learn_on_both_logarithms() -> None:
    log_odds, target = scores()
    pd = expit(log_odds)
    expected = peer(np.column_stack([np.log(pd), -np.log1p(-pd)]), target)
    found = beta(log_odds, target)
    assert (expected.coef_ > 0).all()
    np.testing.assert_allclose([found.a, found.b, found.c], [*expected.coef_[0], *expected.intercept_], rtol=1e-5)


def test_no_other_line_is_likelier() -> None:
    log_odds, target = scores(400)
    aim = aims(target)
    best = minimize(lambda line: log_loss(expit(line[0] * log_odds + line[1]), aim), [1.0, 0.0])
    assert log_loss(platt(log_odds, target).pd(log_odds), aim) <= best.fun + 1e-12


@pytest.mark.parametrize("bend", ["low", "high", "none"])
def test_no_other_shape_allowed_to_beta_is_likelier(bend: str) -> None:
    draw = np.random.default_rng(8)
    log_odds = draw.normal(0.0, 2.0, 3000)
    falls = {"low": np.minimum(log_odds, 0), "high": np.maximum(log_odds, 0), "none": log_odds}[bend]
    target = (draw.random(3000) < expit(log_odds - 2.0 * falls - 1.0)).astype(np.int8)
    found, aim = beta(log_odds, target), aims(target)
    assert min(found.a, found.b) == 0.0
    best = minimize(
        lambda shape: log_loss(Beta(*shape).pd(log_odds), aim),
        [0.5, 0.5, 0.0],
        bounds=[(0, None), (0, None), (None, None)],
    )
    assert log_loss(found.pd(log_odds), aim) <= best.fun + 1e-9


@pytest.mark.parametrize("kind", ["platt", "beta"])
def test_pds_average_to_the_share_of_defaults(kind: CalibrationKind) -> None:
    log_odds, target = scores()
    assert fit_calibration(log_odds, target, kind).pd(log_odds).mean() == pytest.approx(aims(target).mean(), rel=1e-7)


def test_isotonic_pds_average_to_the_share_of_defaults_but_for_smoothing() -> None:
    log_odds, target = scores()
    assert isotonic(log_odds, target).pd(log_odds).mean() == pytest.approx(target.mean(), rel=0.02)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_pds_of_platt_do_not_depend_on_the_scale_of_the_scores(scale: float) -> None:
    log_odds, target = scores()
    moved = log_odds / scale + 3.0
    expected = platt(log_odds, target).pd(log_odds)
    np.testing.assert_allclose(platt(moved, target).pd(moved), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["platt", "beta", "isotonic"])
def test_scores_that_separate_the_outcomes_still_have_a_finite_answer(kind: CalibrationKind) -> None:
    log_odds = np.r_[np.linspace(-3, -1, 50), np.linspace(1, 3, 50)]
    target = (log_odds > 0).astype(np.int8)
    pd = fit_calibration(log_odds, target, kind).pd(log_odds)
    assert ((pd > 0.5) == (target == 1)).all()
    assert ((pd > 1e-4) & (pd < 1 - 1e-4)).all()


@pytest.mark.parametrize("kind", ["platt", "beta", "isotonic"])
def test_equal_scores_move_to_the_share_of_defaults(kind: CalibrationKind) -> None:
    target = np.r_[np.ones(30), np.zeros(70)].astype(np.int8)
    found = fit_calibration(np.full(100, 4.0), target, kind)
    np.testing.assert_allclose(found.pd(np.array([4.0])), target.mean(), rtol=0.02)


def test_equal_scores_say_nothing_of_a_slope() -> None:
    target = np.r_[np.ones(30), np.zeros(70)].astype(np.int8)
    assert platt(np.full(100, 4.0), target).slope == 1.0
    assert beta(np.full(100, 4.0), target).a == beta(np.full(100, 4.0), target).b == 1.0


def test_scores_worse_than_chance_hardly_move_the_pd_of_platt() -> None:
    log_odds, target = scores()
    found = platt(-log_odds, target)
    assert found.slope * log_odds.std() == pytest.approx(SMALLEST_SLOPE)
    assert found.pd(-log_odds).mean() == pytest.approx(target.mean(), rel=1e-3)
    assert np.ptp(found.pd(-log_odds)) < 0.03


@pytest.mark.parametrize("kind", ["beta", "isotonic"])
def test_scores_worse_than_chance_give_one_pd(kind: CalibrationKind) -> None:
    log_odds = np.linspace(-3, 3, 200)
    target = (log_odds < 0).astype(np.int8)
    assert np.ptp(fit_calibration(log_odds, target, kind).pd(log_odds)) < 1e-9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("outcome", [0, 1])
def test_one_outcome_alone_makes_no_pd_certain(kind: CalibrationKind, outcome: int) -> None:
    log_odds = np.linspace(-2, 2, 50)
    pd = fit_calibration(log_odds, np.full(50, outcome, dtype=np.int8), kind).pd(log_odds)
    assert ((pd > 0) & (pd < 1)).all()


def test_isotonic_knots_are_blocks_of_several_applications() -> None:
    log_odds, target = scores()
    found, blocks = isotonic(log_odds, target), pool(log_odds, target)
    assert 2 < len(found.scores) < len(blocks.score)
    assert blocks.applications.min() < FEWEST_PER_BLOCK
    middles = np.concatenate([[-np.inf], np.add(found.scores[1:], found.scores[:-1]) / 2, [np.inf]])
    assert np.histogram(log_odds, middles)[0].min() >= FEWEST_PER_BLOCK // 2
    assert not set(found.scores) & set(log_odds.tolist())


def test_isotonic_follows_a_shape_that_no_line_can() -> None:
    draw = np.random.default_rng(2)
    log_odds = draw.normal(0, 1, 20_000)
    true = np.where(log_odds < 0, 0.05, 0.05 + 0.2 * np.minimum(log_odds, 1))
    target = (draw.random(20_000) < true).astype(np.int8)
    assert np.abs(isotonic(log_odds, target).pd(log_odds) - true).mean() < 0.008
    assert np.abs(platt(log_odds, target).pd(log_odds) - true).mean() > 0.015


def test_isotonic_of_a_handful_is_their_smoothed_rate() -> None:
    found = isotonic(np.array([-1.0, 0.0, 1.0]), np.array([0, 0, 1], dtype=np.int8))
    assert found.pds == pytest.approx(((1 + 2 / 5) / 4,))


@pytest.mark.parametrize("kind", KINDS)
def test_a_fold_is_calibrated_by_the_others_alone(kind: CalibrationKind) -> None:
    log_odds, target = scores(300)
    folds = np.arange(300) % 3
    expected = fit_calibration(log_odds[folds != 1], target[folds != 1], kind).pd(log_odds[folds == 1])
    np.testing.assert_array_equal(cross_fitted(log_odds, target, folds, kind)[folds == 1], expected)
    flipped = np.where(folds == 1, 1 - target, target).astype(np.int8)
    np.testing.assert_array_equal(cross_fitted(log_odds, flipped, folds, kind)[folds == 1], expected)


def test_identity_changes_nothing_but_the_scale() -> None:
    np.testing.assert_allclose(IDENTITY.pd(np.linspace(-30, 30, 101)), expit(np.linspace(-30, 30, 101)), rtol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_that_is_missing_has_no_pd(kind: CalibrationKind) -> None:
    found = fit_calibration(*scores(), kind).pd(np.array([0.0, np.nan]))
    assert np.isnan(found).tolist() == [False, True]


@pytest.mark.parametrize("kind", KINDS)
def test_it_travels_through_json_unchanged(kind: CalibrationKind) -> None:
    found = fit_calibration(*scores(), kind)
    assert found.kind == kind
    assert calibration_from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_a_line_sealed_before_there_were_kinds_is_read_as_platts() -> None:
    assert calibration_from_dict({"slope": 0.5, "intercept": -2.0}) == Platt(0.5, -2.0)


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"slope": 1.0},
        {"slope": "1", "intercept": 0},
        {"slope": 0.0, "intercept": 0.0},
        {"slope": np.nan},
        [],
        {"kind": "magic"},
        {"kind": ["platt"]},
        {"kind": "beta", "a": 1.0, "b": -0.1, "c": 0.0},
        {"kind": "beta", "a": 1.0, "b": 1.0},
        {"kind": "beta", "a": 1.0, "b": 1e200, "c": 0.0},
        {"kind": "isotonic", "log_odds": [], "pd": []},
        {"kind": "isotonic", "log_odds": [0.0, 1.0], "pd": [0.1]},
        {"kind": "isotonic", "log_odds": [0.0, 0.0], "pd": [0.1, 0.2]},
        {"kind": "isotonic", "log_odds": [0.0, 1.0], "pd": [0.2, 0.1]},
        {"kind": "isotonic", "log_odds": [0.0, 1.0], "pd": [0.0, 0.1]},
        {"kind": "isotonic", "log_odds": [0.0, 1.0], "pd": [0.1, 1.0]},
        {"kind": "isotonic", "log_odds": [-1e308, 1e308], "pd": [0.1, 0.2]},
        {"kind": "isotonic", "log_odds": 3, "pd": [0.1]},
    ],
)
def test_what_is_no_calibration_is_refused(found: dict[str, object]) -> None:
    with pytest.raises(BundleCorruptError, match=r"calibration\.json"):
        calibration_from_dict(found)
