"""Calibration, over all the lines and scores there may be."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scorewright.models.calibration import Calibration, fit_calibration
from scorewright.models.numbers import logit, sigmoid

log_odds = st.floats(-1e6, 1e6)


@given(st.floats(0.01, 100), st.floats(-50, 50), st.lists(log_odds, min_size=2, max_size=30))
def test_a_riskier_score_never_gets_a_lower_pd(slope: float, intercept: float, scores: list[float]) -> None:
    pd = Calibration(slope, intercept).pd(np.array(sorted(scores)))
    assert (np.diff(pd) >= -1e-15).all()
    assert ((pd >= 0) & (pd <= 1)).all()


@given(st.lists(st.tuples(st.floats(-30, 30), st.booleans()), min_size=2, max_size=60))
@settings(deadline=None)
def test_any_scores_and_outcomes_have_a_calibration_that_keeps_the_order(rows: list[tuple[float, bool]]) -> None:
    scores, target = np.array([score for score, _ in rows]), np.array([outcome for _, outcome in rows], dtype=np.int8)
    found = fit_calibration(scores, target)
    assert found.slope > 0
    assert np.isfinite([found.slope, found.intercept]).all()


@given(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1))
def test_log_odds_and_probabilities_are_each_others_inverse(probabilities: list[float]) -> None:
    np.testing.assert_allclose(sigmoid(logit(np.array(probabilities))), probabilities, rtol=1e-9)
