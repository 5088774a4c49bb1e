from __future__ import annotations

import json
import warnings
from bisect import bisect_right

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binomtest
from sklearn.isotonic import IsotonicRegression

from scorewright.errors import BundleCorruptError
from scorewright.models.calibrators.newcomer import both_ends
from scorewright.models.venn_abers import Steps, VennAbers, cross_fitted_intervals, interval_coverage, wilson


def drawn(rows: int, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    log_odds = draw.normal(-2.4, 1.0, rows)
    return log_odds, (draw.random(rows) < expit(log_odds)).astype(np.int8)


def tied(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    log_odds, target = drawn(rows, seed)
    return np.round(log_odds, seed % 3), target


def exact(log_odds: np.ndarray, target: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Ends for the scores asked, shape (m, 2), from the groups of equal scores."""
    scores, group, amount = np.unique(log_odds, return_inverse=True, return_counts=True)
    defaults = np.bincount(group, weights=target).astype(int)
    low, high = both_ends(defaults.tolist(), amount.tolist())
    return np.column_stack([low[np.searchsorted(scores, asked, "right")], high[np.searchsorted(scores, asked, "left")]])


def brute_force(log_odds: np.ndarray, target: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """One isotonic regression of scikit-learn per score asked and outcome of the newcomer."""

    def value(score: float, outcome: int) -> float:
        fitted = IsotonicRegression().fit(np.r_[log_odds, score], np.r_[target, outcome])
        return float(fitted.predict([score])[0])

    return np.array([[value(score, 0), value(score, 1)] for score in asked])


@pytest.mark.parametrize("seed", range(8))
def test_the_ends_are_isotonic_regressions_with_one_more_application(seed: int) -> None:
    log_odds, target = tied(30, seed)
    asked = np.r_[log_odds[:10], log_odds.min() - 1, log_odds.max() + 1, np.linspace(-3.03, -1.03, 8)]
    np.testing.assert_allclose(
        exact(log_odds, target, asked), brute_force(log_odds, target, asked), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_ends_are_those_of_the_library_venn_abers(seed: int) -> None:
    log_odds, target = tied(1500, seed)
    asked = np.linspace(-6, 2, 400)
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        # Importing it changes numpy's error handling; errstate gives it back.
        from venn_abers.venn_abers import VennAbers as Peer

        peer = Peer()
        peer.fit(np.column_stack([-log_odds, log_odds]), target.astype(float))
        _, expected = peer.predict_proba(np.column_stack([-asked, asked]))
    np.testing.assert_allclose(exact(log_odds, target, asked), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("outcome", [0, 1])
def test_one_outcome_alone_leaves_the_other_open(outcome: int) -> None:
    low, high = both_ends([outcome] * 4, [1] * 4)
    if outcome:
        low, high = 1 - high[::-1], 1 - low[::-1]
    np.testing.assert_allclose(low, 0.0)
    np.testing.assert_allclose(high, [1 / 5, 1 / 4, 1 / 3, 1 / 2, 1])


def test_the_bare_interval_is_exact_but_for_rounding_outwards() -> None:
    log_odds, target = drawn(4000)
    coarse = np.round(2 * log_odds) / 2
    low, high = VennAbers.fit(coarse, target, resamples=0).interval(coarse)
    expected_low, expected_high = exact(coarse, target, coarse + 0.0).T
    assert (low <= expected_low + 1e-12).all()
    assert (high >= expected_high - 1e-12).all()
    assert np.unique(expected_low - low).size > 1
    np.testing.assert_allclose(low, expected_low, atol=1.01e-4)


def test_the_interval_at_a_level_holds_the_bare_one() -> None:
    log_odds, target = drawn(2000)
    bare, wide = (VennAbers.fit(log_odds, target, resamples=resamples).interval(log_odds) for resamples in (0, 100))
    assert (wide[0] <= bare[0]).all()
    assert (wide[1] >= bare[1]).all()


def test_the_stated_level_is_how_often_the_true_pd_is_held() -> None:
    held, bare = [], []
    for seed in range(6):
        log_odds, target = drawn(3000, seed)
        asked, true = np.sort(log_odds), expit(np.sort(log_odds))
        for into, resamples in ((held, 100), (bare, 0)):
            low, high = VennAbers.fit(log_odds, target, resamples=resamples, seed=seed).interval(asked)
            into.append(((low <= true) & (true <= high)).mean())
    assert 0.93 < np.mean(held) < 0.99
    assert np.mean(bare) < 0.5


def test_more_applications_leave_less_open() -> None:
    asked = np.linspace(-4, -1, 50)
    widths = []
    for rows in (300, 3000, 30_000):
        low, high = VennAbers.fit(*drawn(rows), resamples=50).interval(asked)
        widths.append((high - low).mean())
    assert widths[0] > 1.5 * widths[1] > 1.5**2 * widths[2]


def test_nobody_had_so_high_a_score_so_anything_may_be() -> None:
    found = VennAbers.fit(*drawn(1000))
    assert found.interval(np.array([1e6]))[1] == [1.0]
    assert found.interval(np.array([-np.inf]))[0] == [0.0]


def test_around_a_pd_holds_it() -> None:
    log_odds, target = drawn(500)
    found = VennAbers.fit(log_odds, target)
    low, high = found.around(np.array([-2.0, -2.0, -2.0]), np.array([1e-9, 0.11, 0.99]))
    inner = found.interval(np.array([-2.0]))
    assert low.tolist() == [1e-9, inner[0][0], inner[0][0]]
    assert high.tolist() == [inner[1][0], inner[1][0], 0.99]


def test_steps_are_found_as_one_would_by_hand() -> None:
    scores, levels = (-2.5, 0.0, 1.0, 4.0), (0.0, 0.1, 0.25, 0.5, 1.0)
    asked = [*scores, -np.inf, np.inf, -0.0, 0.5, *np.nextafter(scores, -np.inf)]
    by_hand = [levels[bisect_right(scores, each)] for each in asked]
    assert Steps(scores, levels).at(np.array(asked)).tolist() == by_hand
    assert np.isnan(Steps((), (0.5,)).at(np.array([np.nan, -np.nan]))).all()


def test_a_missing_score_has_no_interval() -> None:
    low, high = VennAbers.fit(*drawn(100), resamples=10).interval(np.array([np.nan, 0.0]))
    assert np.isnan([low[0], high[0]]).all()
    assert np.isfinite([low[1], high[1]]).all()


def test_what_is_sealed_is_small_and_nobodys() -> None:
    log_odds, target = drawn(20_000)
    sealed = VennAbers.fit(log_odds, target, resamples=20).to_dict()
    assert len(json.dumps(sealed)) < 30_000
    steps = {*sealed["low"]["log_odds"], *sealed["high"]["log_odds"]}
    assert len(steps) <= 800
    assert not steps & set(log_odds.tolist())


def test_it_travels_through_json_unchanged() -> None:
    found = VennAbers.fit(*drawn(1000), resamples=20)
    assert VennAbers.from_dict(json.loads(json.dumps(found.to_dict()))) == found


FLAT = {"log_odds": [], "pd": [0.1]}


@pytest.mark.parametrize(
    "found",
    [
        [],
        {},
        {"low": FLAT, "high": FLAT},
        {"level": 0.95, "low": FLAT},
        {"level": 1.0, "low": FLAT, "high": FLAT},
        {"level": 0.95, "low": FLAT, "high": {"log_odds": [], "pd": []}},
        {"level": 0.95, "low": FLAT, "high": {"log_odds": [0.0], "pd": [0.1]}},
        {"level": 0.95, "low": FLAT, "high": {"log_odds": [0.0], "pd": [0.1, 1.1]}},
        {"level": 0.95, "low": FLAT, "high": {"log_odds": [0.0], "pd": [0.2, 0.1]}},
        {"level": 0.95, "low": FLAT, "high": {"log_odds": [1e308, -1e308], "pd": [0.1, 0.2, 0.3]}},
        {"level": 0.95, "low": {"log_odds": [0.0], "pd": [0.1, 0.3]}, "high": {"log_odds": [1.0], "pd": [0.2, 0.4]}},
    ],
)
def test_what_gives_no_interval_is_refused(found: dict[str, object]) -> None:
    with pytest.raises(BundleCorruptError, match=r"intervals\.json"):
        VennAbers.from_dict(found)


def test_steps_that_share_a_score_become_one() -> None:
    found = Steps.of(np.array([0.0, 0.0, 1.0, 2.0]), np.array([0.1, 0.2, 0.3, 0.3, 0.5]))
    assert found == Steps((0.0, 2.0), (0.1, 0.3, 0.5))


def test_an_interval_is_learnt_from_the_other_folds_alone() -> None:
    log_odds, target = drawn(300)
    folds = np.arange(300) % 3
    inside = folds == 2
    expected = VennAbers.fit(log_odds[~inside], target[~inside]).interval(log_odds[inside])
    flipped = np.where(inside, 1 - target, target).astype(np.int8)
    for outcome in (target, flipped):
        found = cross_fitted_intervals(log_odds, outcome, folds)
        np.testing.assert_array_equal([end[inside] for end in found], expected)


def test_held_out_bins_agree_with_intervals_as_often_as_is_stated() -> None:
    log_odds, target = drawn(6000)
    folds = np.arange(6000) % 5
    low, high = cross_fitted_intervals(log_odds, target, folds)
    assert interval_coverage(log_odds, (low, high), target, folds) >= 0.95
    assert interval_coverage(log_odds, (low / 3, high / 3), target, folds) < 0.5


def test_the_coverage_of_true_pds_is_that_of_wilsons_interval() -> None:
    draw = np.random.default_rng(9)
    pd = draw.uniform(0.05, 0.3, 60_000)
    target = (draw.random(60_000) < pd).astype(np.int8)
    assert interval_coverage(pd, (pd, pd), target, np.arange(60_000) % 20) == pytest.approx(0.95, abs=0.03)


def test_wilsons_interval_is_that_of_scipy() -> None:
    defaults, amount = np.array([0, 3, 40, 40]), np.array([10, 17, 500, 40])
    low, high = wilson(defaults / amount, amount)
    for position, (found, of) in enumerate(zip(defaults, amount, strict=True)):
        expected = binomtest(int(found), int(of)).proportion_ci(method="wilson")
        assert (low[position], high[position]) == pytest.approx((expected.low, expected.high), abs=1e-12)
