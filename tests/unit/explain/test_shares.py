from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from scorewright.domain.explanations import PointScale, Shares
from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.errors import AdditivityError
from scorewright.explain.shares import Scored, SharedOut, check_additive, points_of, share_out
from scorewright.models.calibration import Beta, Calibration, Isotonic, Platt, Uncalibrated
from scorewright.models.candidates import CANDIDATES
from scorewright.models.seam import Candidate

MOVES = np.array([[0.5, -0.2, 0.0, 1.1], [-0.4, -0.3, 0.1, 0.0]])
BASE = -2.0


def log_odds_scored(moves: NDArray[np.float64] = MOVES, base: float = BASE) -> Scored:
    contributions = np.column_stack([moves, np.full(len(moves), base)])
    score = contributions.sum(axis=1)
    return Scored(contributions, score, score)


def logit(p: float) -> float:
    return math.log(p / (1.0 - p))


def forest_scored(moves: NDArray[np.float64], base: float) -> Scored:
    contributions = np.column_stack([moves, np.full(len(moves), base)])
    score = contributions.sum(axis=1)
    clipped = np.clip(score, 1e-6, 1.0 - 1e-6)
    return Scored(contributions, score, np.log(clipped / (1.0 - clipped)), "probability")


def gaps(found: SharedOut) -> float:
    scales = (found.log_odds, found.pd, found.points)
    return max(float(np.abs(each.base + each.shares.sum(axis=1) - each.value).max()) for each in scales)


def test_log_odds_are_shared_as_the_model_shares_them() -> None:
    found = share_out(log_odds_scored(), Platt(0.7, -0.1).pd)
    assert found.log_odds.shares.tolist() == MOVES.tolist()
    assert found.log_odds.base.tolist() == [BASE, BASE]


@pytest.mark.parametrize("calibration", [Uncalibrated(), Platt(0.7, -0.3), Beta(1.2, 0.8, -0.1)], ids=lambda c: c.kind)
def test_every_scale_goes_from_the_average_to_the_answer(calibration: Calibration) -> None:
    scored = log_odds_scored()
    found = share_out(scored, calibration.pd)
    assert found.pd.value.tolist() == calibration.pd(scored.score).tolist()
    assert found.pd.base.tolist() == calibration.pd(np.array([BASE, BASE])).tolist()
    assert found.points.value.tolist() == points_of(calibration.pd(scored.score)).tolist()
    assert gaps(found) < 1e-12


def test_shares_keep_the_proportions_of_the_contributions() -> None:
    found = share_out(log_odds_scored(), Beta(1.2, 0.8, -0.1).pd)
    for scale, sign in ((found.pd, 1.0), (found.points, -1.0)):
        ratios = scale.shares[0] / scale.shares[0, 0]
        assert ratios == pytest.approx(MOVES[0] / MOVES[0, 0], rel=1e-12)
        assert np.sign(scale.shares[0]).tolist() == (sign * np.sign(MOVES[0])).tolist()


def test_a_lone_feature_gets_all_of_it() -> None:
    moves = np.array([[0.0, 1.3, 0.0]])
    found = share_out(log_odds_scored(moves), Platt().pd)
    risen = 1 / (1 + math.exp(0.7)) - 1 / (1 + math.exp(2.0))
    assert found.pd.shares[0].tolist() == pytest.approx([0.0, risen, 0.0], rel=1e-12)


def test_points_of_a_line_are_a_line() -> None:
    """Log-odds times -pdo / ln 2 times the slope of the calibration, as a scorecard has it."""
    found = share_out(log_odds_scored(), Platt(0.7, -0.3).pd, PointScale(600.0, 50.0, 20.0))
    assert found.points.shares == pytest.approx(-20.0 / math.log(2.0) * 0.7 * MOVES, rel=1e-9)


def test_a_forest_is_shared_by_the_chord_of_its_log_odds() -> None:
    moves, base = np.array([[0.1, -0.04, 0.06]]), 0.1
    found = share_out(forest_scored(moves, base), Platt().pd)
    slope = (logit(0.22) - logit(0.1)) / 0.12
    assert found.log_odds.shares == pytest.approx(slope * moves, rel=1e-12)
    assert found.totals() == Shares(
        pytest.approx(logit(0.1)),
        pytest.approx(logit(0.22)),
        pytest.approx(0.1),
        pytest.approx(0.22),
        pytest.approx(float(points_of(np.array([0.1]))[0])),
        pytest.approx(float(points_of(np.array([0.22]))[0])),
    )
    # Uncalibrated, a forest's PD is its own score: there and back, nothing is lost.
    assert found.pd.shares == pytest.approx(moves, rel=1e-9)


@pytest.mark.parametrize("sure", [0.0, 1.0])
def test_a_forest_that_is_sure_counts_as_its_log_odds_do(sure: float) -> None:
    found = share_out(forest_scored(np.array([[sure - 0.1 - 0.02, 0.02]]), 0.1), Platt().pd)
    assert gaps(found) < 1e-9
    assert float(found.log_odds.value[0]) == pytest.approx(math.copysign(logit(1.0 - 1e-6), sure - 0.5))


@pytest.mark.parametrize("beside", [0.0, 1e-16, -1e-12, 1e-9])
def test_where_the_ends_meet_the_slope_is_the_derivative(beside: float) -> None:
    """Contributions that cancel still moved the score; the chord of a point, or of rounding, has no slope."""
    found = share_out(log_odds_scored(np.array([[0.6, -0.6 + beside]]), -1.0), Platt().pd)
    p = 1 / (1 + math.e)
    assert found.pd.shares[0].tolist() == pytest.approx([0.6 * p * (1 - p), -0.6 * p * (1 - p)], rel=1e-5)
    forest = share_out(forest_scored(np.array([[0.05, -0.05 + beside]]), 0.2), Platt().pd)
    assert forest.log_odds.shares[0].tolist() == pytest.approx([0.05 / 0.16, -0.05 / 0.16], rel=1e-5)
    assert max(gaps(found), gaps(forest)) < 1e-12


def test_where_a_calibration_is_level_nothing_is_shared() -> None:
    found = share_out(log_odds_scored(), Isotonic((0.0, 1.0), (0.2, 0.4)).pd)
    assert found.pd.shares.tolist() == np.zeros_like(MOVES).tolist()
    assert found.points.shares.tolist() == np.zeros_like(MOVES).tolist()
    assert gaps(found) == 0.0


def test_a_cliff_beside_the_average_is_shared_too() -> None:
    """Two knots of an isotonic calibration may lie closer than the ends that meet."""
    cliff = Isotonic((-2.0, -2.0 + 1e-8), (0.1, 0.4))
    found = share_out(log_odds_scored(np.array([[0.3, -0.3 + 2e-8]])), cliff.pd)
    assert float(found.pd.value[0] - found.pd.base[0]) == pytest.approx(0.3)
    assert gaps(found) < 1e-12


def test_certainty_is_clipped_in_points_alone() -> None:
    found = share_out(log_odds_scored(np.array([[80.0, 2.0]])), lambda log_odds: (log_odds > 0.0).astype(np.float64))
    assert (float(found.pd.base[0]), float(found.pd.value[0])) == (0.0, 1.0)
    assert np.isfinite(found.points.shares).all()
    assert gaps(found) < 1e-9


def test_points_state_their_scale() -> None:
    """600 points at 50 good to one bad, 20 more where these odds double."""
    odds = np.array([25.0, 50.0, 100.0, 200.0])
    assert points_of(1.0 / (1.0 + odds)).tolist() == pytest.approx([580.0, 600.0, 620.0, 640.0])
    assert points_of(1.0 / (1.0 + odds), PointScale(500.0, 25.0, 50.0)).tolist() == pytest.approx(
        [500.0, 550.0, 600.0, 650.0]
    )


def test_rows_are_shared_alone() -> None:
    together = share_out(log_odds_scored(), Platt(0.7, -0.3).pd)
    for row in range(len(MOVES)):
        alone = share_out(log_odds_scored(MOVES[[row]]), Platt(0.7, -0.3).pd)
        assert alone.totals() == together.totals(row)
        assert alone.points.shares[0].tolist() == together.points.shares[row].tolist()


@pytest.mark.parametrize("off", [4e-9, -1.0, math.nan, math.inf])
def test_contributions_that_do_not_sum_to_the_score_are_refused(off: float) -> None:
    scored = log_odds_scored()
    wrong = scored.contributions.copy()
    wrong[1, 2] += off
    with pytest.raises(AdditivityError, match="1 that does not"):
        share_out(Scored(wrong, scored.score, scored.log_odds), Platt().pd)
    with pytest.raises(AdditivityError, match="add up to the score"):
        check_additive(wrong, scored.score)


def test_the_tolerance_is_relative_where_scores_are_large() -> None:
    check_additive(np.array([[5e5, 5e5 + 1e-4]]), np.array([1e6]))
    with pytest.raises(AdditivityError):
        check_additive(np.array([[5e5, 5e5 + 1e-2]]), np.array([1e6]))


def test_a_calibration_that_gives_no_number_is_refused() -> None:
    with pytest.raises(AdditivityError, match="add up to the PD"):
        share_out(log_odds_scored(), lambda log_odds: np.full_like(log_odds, np.nan))


def lesson(rows: int = 400) -> tuple[FeatureMatrix, NDArray[np.int8]]:
    draw = np.random.default_rng(5)
    ratio, age, kind = draw.normal(size=rows), draw.integers(20, 70, rows) * 1.0, draw.integers(0, 3, rows) * 1.0
    chance = 1.0 / (1.0 + np.exp(1.5 - 1.2 * ratio + 0.03 * (age - 45.0) - (kind == 2.0)))
    ratio[draw.random(rows) < 0.1] = np.nan
    names = ("ratio", "age", "kind")
    columns = tuple(
        FeatureColumn(name, "category" if name == "kind" else "numeric", Label(name, name), (f"a.{name}",), categories)
        for name, categories in zip(names, ((), (), ("a", "b", "c")), strict=True)
    )
    values = np.ascontiguousarray(np.column_stack([ratio, age, kind]))
    return FeatureMatrix(pl.Series("key", range(rows)), columns, values), (draw.random(rows) < chance).astype(np.int8)


@pytest.mark.parametrize("family", CANDIDATES, ids=lambda family: family.name)
def test_every_model_is_shared_out_exactly(family: Candidate) -> None:
    """The check at run time passes for the scores that models give, and not for those of another application."""
    matrix, target = lesson()
    few = {each: 40 for each in ("n_estimators", "lightgbm.n_estimators") if each in family.defaults()}
    model = family.fit(family.prepare(matrix, target), few, 0)
    contributions, score = model.contributions(matrix.values), model.score(matrix.values)
    found = share_out(Scored(contributions, score, model.log_odds(matrix.values), model.scale), Platt(0.9, -0.2).pd)
    assert gaps(found) < 1e-9
    assert found.pd.value == pytest.approx(Platt(0.9, -0.2).pd(model.log_odds(matrix.values)), abs=0.0)
    if np.ptp(score) > 0.0:
        with pytest.raises(AdditivityError, match="add up to the score"):
            check_additive(contributions, score[::-1].copy())
