"""Calibration and intervals, over all the shapes, scores and outcomes there may be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from scorewright.domain.measures import equal_mass_bins, expected_calibration_error
from scorewright.models.calibration import (
    KINDS,
    Beta,
    Calibration,
    CalibrationKind,
    Isotonic,
    Platt,
    Uncalibrated,
    calibration_from_dict,
    fit_calibration,
)
from scorewright.models.calibrators.isotonic import pool
from scorewright.models.calibrators.newcomer import both_ends
from scorewright.models.numbers import logit, sigmoid
from scorewright.models.venn_abers import VennAbers

ROUNDING = 1e-15
any_score = st.floats(allow_nan=False)
kinds = pytest.mark.parametrize("kind", KINDS)


@st.composite
def isotonics(draw: st.DrawFn) -> Isotonic:
    scores = draw(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8, unique=True))
    pds = draw(st.lists(st.floats(1e-9, 1 - 1e-9), min_size=len(scores), max_size=len(scores)))
    return Isotonic(tuple(sorted(scores)), tuple(sorted(pds)))


weights = st.floats(0, 1e6)
calibrations: st.SearchStrategy[Calibration] = st.one_of(
    st.just(Uncalibrated()),
    st.builds(Platt, st.floats(1e-6, 1e6), st.floats(-1e6, 1e6)),
    st.builds(Beta, weights, weights, st.floats(-1e6, 1e6)),
    isotonics(),
)


@st.composite
def outcomes(draw: st.DrawFn, most: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """Scores, many of them tied or close, and outcomes."""
    score = st.one_of(st.integers(-8, 8).map(lambda eighths: eighths / 4), st.floats(-40, 40), st.floats(-1e-6, 1e-6))
    rows = draw(st.lists(st.tuples(score, st.booleans()), min_size=2, max_size=most))
    return np.array([score for score, _ in rows]), np.array([outcome for _, outcome in rows], dtype=np.int8)


def sound(calibration: Calibration, scores: list[float] | np.ndarray) -> None:
    """Hold a calibration to what every one promises."""
    asked = np.sort(np.array(scores, dtype=np.float64))
    pd = calibration.pd(asked)
    assert (pd[1:] >= pd[:-1] - ROUNDING).all()
    assert ((pd > 0) & (pd < 1)).all()
    one_by_one = np.concatenate([calibration.pd(asked[row : row + 1]) for row in range(len(asked))])
    np.testing.assert_array_equal(one_by_one, pd)
    assert calibration_from_dict(calibration.to_dict()) == calibration


def test_what_holds_a_calibration_to_its_promises_can_fail() -> None:
    with pytest.raises(AssertionError):
        sound(Platt(-1.0, 0.0), [0.0, 1.0])


@given(calibrations, st.lists(any_score, min_size=1, max_size=40))
def test_a_riskier_score_never_gets_a_lower_pd_and_no_pd_is_certain(found: Calibration, scores: list[float]) -> None:
    sound(found, scores)


@kinds
@given(rows=outcomes(), more=st.lists(any_score, max_size=20))
def test_any_scores_and_outcomes_have_a_sound_calibration(
    kind: CalibrationKind, rows: tuple[np.ndarray, np.ndarray], more: list[float]
) -> None:
    sound(fit_calibration(*rows, kind), [*rows[0], *more])


@kinds
@given(rows=outcomes(), seed=st.integers(0, 9))
def test_the_order_of_the_rows_has_no_say(
    kind: CalibrationKind, rows: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    mixed = np.random.default_rng(seed).permutation(len(rows[0]))
    assert fit_calibration(rows[0][mixed], rows[1][mixed], kind) == fit_calibration(*rows, kind)


@given(st.lists(st.tuples(st.integers(-20, 20), st.booleans()), min_size=2, max_size=80))
def test_pooled_rates_are_the_isotonic_regression_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    scores, target = np.array(rows, dtype=np.float64).T
    blocks = pool(scores, target.astype(np.int8))
    expected = IsotonicRegression().fit(scores, target).predict(np.sort(scores))
    found = np.repeat(blocks.defaults / blocks.applications, blocks.applications.astype(int))
    np.testing.assert_allclose(found, expected, atol=1e-12)


@given(st.lists(st.floats(-30, 30), min_size=1))
def test_a_beta_of_ones_changes_nothing(scores: list[float]) -> None:
    np.testing.assert_allclose(Beta(1.0, 1.0, 0.0).pd(np.array(scores)), expit(scores), rtol=1e-12)


@given(st.integers(0, 10_000), st.floats(0.2, 3), st.floats(-3, 1))
@settings(max_examples=20)
def test_platt_is_the_logistic_regression_of_scikit_learn(seed: int, slope: float, intercept: float) -> None:
    draw = np.random.default_rng(seed)
    scores = draw.normal(size=300)
    target = (draw.random(300) < expit(slope * scores + intercept)).astype(np.int8)
    assume(5 < target.sum() < 295)
    aim = np.where(target == 1, (target.sum() + 1) / (target.sum() + 2), 1 / (300 - target.sum() + 2))
    peer = LogisticRegression(C=np.inf, tol=1e-10, solver="newton-cholesky")
    peer.fit(np.r_[scores, scores][:, None], np.repeat([1, 0], 300), sample_weight=np.r_[aim, 1 - aim])
    assume(peer.coef_[0, 0] > 0.05)
    asked = np.linspace(-3, 3, 20)
    expected = peer.predict_proba(asked[:, None])[:, 1]
    np.testing.assert_allclose(fit_calibration(scores, target, "platt").pd(asked), expected, rtol=1e-5)


@given(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1))
def test_log_odds_and_probabilities_are_each_others_inverse(probabilities: list[float]) -> None:
    np.testing.assert_allclose(sigmoid(logit(np.array(probabilities))), probabilities, rtol=1e-9)


@given(rows=outcomes(), more=st.lists(any_score, max_size=20), resamples=st.sampled_from([0, 5]))
def test_any_scores_and_outcomes_have_intervals_that_never_fall(
    rows: tuple[np.ndarray, np.ndarray], more: list[float], resamples: int
) -> None:
    asked = np.sort(np.array([*rows[0], *more]))
    found = VennAbers.fit(*rows, resamples=resamples)
    low, high = found.interval(asked)
    assert ((low >= 0) & (low <= high) & (high <= 1)).all()
    assert (low[1:] >= low[:-1]).all()
    assert (high[1:] >= high[:-1]).all()
    mixed = np.random.default_rng(0).permutation(len(rows[0]))
    assert VennAbers.fit(rows[0][mixed], rows[1][mixed], resamples=resamples) == found
    assert VennAbers.from_dict(found.to_dict()) == found


@given(st.lists(st.integers(0, 4).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=1, max_size=12))
def test_the_ends_are_isotonic_regressions_with_one_more_application(groups: list[tuple[int, int]]) -> None:
    amount, defaults = (list(column) for column in zip(*groups, strict=True))
    low, high = both_ends(defaults, amount)
    for place in range(len(groups) + 1):
        assert low[place] == pytest.approx(newcomer(defaults, amount, place, outcome=0), abs=1e-12)
        assert high[place] == pytest.approx(newcomer(defaults, amount, place, outcome=1), abs=1e-12)


def newcomer(defaults: list[int], amount: list[int], place: int, outcome: int) -> float:
    """Isotonic regression at one more row between two groups, by its max-min formula over all blocks that hold it."""
    bad = [*defaults[:place], outcome, *defaults[place:]]
    rows = [*amount[:place], 1, *amount[place:]]
    starts, ends = range(place + 1), range(place + 1, len(rows) + 1)
    mean = {(a, b): sum(bad[a:b]) / sum(rows[a:b]) for a, b in itertools.product(starts, ends)}
    return max(min(mean[start, end] for end in ends) for start in starts)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), st.integers(1, 20))
def test_the_calibration_error_does_not_depend_on_the_order_of_the_rows(
    rows: list[tuple[float, bool]], bins: int
) -> None:
    pd, target = np.array(rows, dtype=np.float64).T
    error = expected_calibration_error(pd, target, bins)
    assert -1e-12 <= abs(pd.mean() - target.mean()) <= error + 1e-12
    assert expected_calibration_error(pd[::-1], target[::-1], bins) == pytest.approx(error, abs=1e-12)
    in_bin = equal_mass_bins(pd, bins)
    assert ((in_bin >= 0) & (in_bin < bins)).all()
    assert all(len(set(in_bin[pd == value])) == 1 for value in pd)
