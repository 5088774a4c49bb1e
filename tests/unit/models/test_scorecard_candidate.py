"""How a scorecard is learnt: bins, weights of evidence, the choice of features and their coefficients."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import log

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.errors import SettingsError, TrainingError
from scorewright.models.candidates.binning import (
    FEWEST,
    MOST_PARTS,
    SMOOTHING,
    Counts,
    Limits,
    fine_edges,
    information_value,
    optimal_starts,
    prebin,
    weights_of_evidence,
)
from scorewright.models.candidates.scorecard import WoeScorecard
from scorewright.models.candidates.stepwise import Plan, forward, newton
from scorewright.models.scorecard import Scorecard

CARD = WoeScorecard()
CITIES = tuple(f"city {number:02d}" for number in range(30))


def column(name: str, categories: tuple[str, ...] = ()) -> FeatureColumn:
    kind = "category" if categories else "numeric"
    return FeatureColumn(name, kind, Label(name, name), (f"application.{name}",), categories)


COLUMNS = (
    column("ratio"),
    column("twin"),
    column("purpose", ("car", "home", "never seen", "travel")),
    column("city", CITIES),
    column("late"),
    column("noise"),
    column("empty"),
    column("constant"),
    column("one", ("only",)),
)


def portfolio(rows: int = 4000, seed: int = 1) -> tuple[FeatureMatrix, NDArray[np.int8]]:
    """Risk rises with the ratio, with late payments, which few have, and with travel; every third city is worse."""
    draw = np.random.default_rng(seed)
    ratio, purpose = draw.normal(size=rows), draw.choice([0.0, 1.0, 3.0], rows)
    city = np.floor(30 * draw.random(rows) ** 2)
    late = np.where(draw.random(rows) < 0.5, np.nan, draw.poisson(1.0, rows))
    risk = 0.9 * ratio + (purpose == 3) + 0.6 * (city % 3 == 0) + 0.5 * np.nan_to_num(late) - 3.0
    target = (draw.random(rows) < 1 / (1 + np.exp(-risk))).astype(np.int8)
    twin = ratio + draw.normal(size=rows) / 10
    rest = [draw.normal(size=rows), np.full(rows, np.nan), np.full(rows, 0.1), np.zeros(rows)]
    values = np.column_stack([ratio, twin, purpose, city, late, *rest])
    return FeatureMatrix(pl.Series("key", np.arange(rows)), COLUMNS, values), target


MATRIX, TARGET = portfolio()
PREPARED = CARD.prepare(MATRIX, TARGET)
MODEL = CARD.fit(PREPARED, {}, 0)


def named(model: Scorecard) -> dict[str, int]:
    return {feature.name: at for at, feature in enumerate(model.features)}


def test_woe_and_information_value_are_those_computed_by_hand() -> None:
    # 10 and 40 of 100 defaulted, a quarter of all: of the 20 rows of smoothing, 15 count as repaid and 5 as defaulted.
    woe = [log((90 + 15) / (10 + 5)) - log(3), log((60 + 15) / (40 + 5)) - log(3)]
    counts = Counts(np.array([90.0, 60.0]), np.array([10.0, 40.0]))
    assert SMOOTHING == 20
    np.testing.assert_allclose(weights_of_evidence(counts), woe, rtol=0, atol=1e-9)
    by_hand = (90 / 150 - 10 / 50) * woe[0] + (60 / 150 - 40 / 50) * woe[1]
    assert information_value(counts) == pytest.approx(by_hand, abs=1e-8)


def test_a_bin_of_one_outcome_has_a_finite_woe_and_a_tiny_bin_says_nothing() -> None:
    counts = Counts(np.array([500.0, 0.0, FEWEST - 1.0, 0.0]), np.array([0.0, 80.0, 0.0, 0.0]))
    woe = weights_of_evidence(counts)
    assert np.isfinite(woe).all()
    assert (woe[0] > 0, woe[1] < 0, woe[2:].any()) == (True, True, False)


def test_bins_of_equal_rates_are_joined() -> None:
    counts = Counts(np.full(10, 90.0), np.full(10, 10.0))
    np.testing.assert_array_equal(optimal_starts(counts, Limits(100, 6, 0.1)), [0])


def test_too_few_applications_are_one_bin() -> None:
    counts = Counts(np.array([3.0, 9.0]), np.array([8.0, 1.0]))
    np.testing.assert_array_equal(optimal_starts(counts, Limits(50, 6, 0.1)), [0])


def test_a_declared_direction_is_kept_against_the_data() -> None:
    falling = Counts(np.full(3, 100.0), np.array([60.0, 30.0, 10.0]))
    limits = Limits(50, 6, 0.2)
    np.testing.assert_array_equal(optimal_starts(falling, limits), [0, 1, 2])
    np.testing.assert_array_equal(optimal_starts(falling, limits, -1), [0, 1, 2])
    np.testing.assert_array_equal(optimal_starts(falling, limits, 1), [0])


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).normal(size=5000),
        np.random.default_rng(0).lognormal(0, 3, 5000),
        np.where(np.arange(5000) < 4000, 0.0, np.arange(5000)),
        np.random.default_rng(0).integers(0, 100, 5000) * 1.0,
    ],
    ids=["normal", "skewed", "mostly zero", "whole"],
)
def test_fine_parts_are_of_like_size(values: NDArray[np.float64]) -> None:
    edges = fine_edges(values)
    sizes = np.bincount(np.searchsorted(edges, values, side="right"))
    largest = max(int((values == value).sum()) for value in np.unique(values))
    assert len(edges) < MOST_PARTS
    assert sizes.max() <= max(largest, 0) + 2 * len(values) / MOST_PARTS


def test_edges_are_round() -> None:
    edges = fine_edges(np.random.default_rng(0).random(40_000))
    assert max(len(repr(float(edge))) for edge in edges) <= 5


def test_rare_and_unseen_categories_are_taken_together() -> None:
    codes = np.array([0.0] * 500 + [1.0] * 480 + [2.0] * 5 + [4.0] * 3 + [np.nan] * 12)
    parts = prebin(codes, column("c", tuple("abcde")), np.zeros(1000, dtype=np.int8))
    np.testing.assert_array_equal(parts.group, [0, 1, 2, 2, 2])
    np.testing.assert_array_equal(parts.counts.rows, [500, 480, 8, 12])


def test_every_bin_but_that_of_the_missing_has_its_share() -> None:
    for share in (0.05, 0.15):
        model = CARD.fit(PREPARED, {"min_bin_share": share, "max_bins": 4}, 0)
        for feature in model.features:
            assert len(feature.bins) <= 5
            assert all(each.share >= share for each in feature.bins[:-1])


def test_shares_and_default_rates_are_those_of_training() -> None:
    for feature in MODEL.features:
        values = MATRIX.values[:, MATRIX.columns.index(column_of(feature.name))]
        bins = feature.bin_of(values)
        for at, each in enumerate(feature.bins):
            assert each.share == (bins == at).mean()
            assert each.default_rate is None or each.default_rate == pytest.approx(TARGET[bins == at].mean())
        counts = Counts(
            *(np.bincount(bins[outcome == TARGET], minlength=len(feature.bins)) * 1.0 for outcome in (0, 1))
        )
        np.testing.assert_allclose([each.woe for each in feature.bins], weights_of_evidence(counts), rtol=0, atol=1e-9)
        assert feature.information_value == pytest.approx(information_value(counts), abs=1e-8)


def column_of(name: str) -> FeatureColumn:
    return next(known for known in COLUMNS if known.name == name)


def test_what_says_something_is_chosen_and_of_twins_one() -> None:
    found = set(named(MODEL))
    assert {"purpose", "city", "late"} <= found
    assert len(found & {"ratio", "twin"}) == 1
    assert not found & {"empty", "constant", "one"}


def test_bins_of_numbers_are_monotone_and_groups_are_in_order_of_woe() -> None:
    for feature in MODEL.features:
        steps = np.diff([each.woe for each in feature.bins[:-1]])
        assert (steps >= 0).all() or (steps <= 0).all()
        assert not feature.groups or (steps <= 0).all() or (steps >= 0).all()


def test_coefficients_are_those_of_scikit_learn_on_the_same_woe() -> None:
    design = np.column_stack(
        [
            -np.array([each.woe for each in feature.bins])[feature.bin_of(MATRIX.values[:, position])]
            for feature in MODEL.features
            for position in [MATRIX.columns.index(column_of(feature.name))]
        ]
    )
    penalty = float(CARD.defaults()["penalty"] or 0.0)
    peer = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-10, max_iter=200).fit(design, TARGET)
    np.testing.assert_allclose([each.coefficient for each in MODEL.features], peer.coef_[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(MODEL.score(MATRIX.values), peer.decision_function(design), rtol=0, atol=1e-6)


def test_pds_are_frequencies() -> None:
    pd = 1 / (1 + np.exp(-MODEL.log_odds(MATRIX.values)))
    assert CARD.calibrated(CARD.defaults())
    assert pd.mean() == pytest.approx(TARGET.mean(), abs=1e-6)


def test_fewer_features_are_taken_when_fewer_are_allowed() -> None:
    assert len(CARD.fit(PREPARED, {"max_features": 2}, 0).features) == 2


def test_points_are_scaled_as_asked() -> None:
    model = CARD.fit(PREPARED, {"pdo": 50.0, "base_points": 500.0, "base_odds": 10.0}, 0)
    odds = np.exp(-model.log_odds(MATRIX.values))
    expected = 500 + 50 * np.log2(odds / 10)
    np.testing.assert_allclose(model.points(MATRIX.values).sum(axis=1), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("wrong", [{"pdo": 0.0}, {"base_odds": -1.0}, {"penalty": 0.0}])
def test_what_must_be_above_zero_is_refused_otherwise(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="above 0"):
        CARD.fit(PREPARED, wrong, 0)


@pytest.mark.parametrize("outcome", [0, 1])
def test_one_outcome_teaches_nothing(outcome: int) -> None:
    with pytest.raises(TrainingError, match="defaulted and repaid"):
        CARD.prepare(MATRIX, np.full(len(TARGET), outcome, dtype=np.int8))


def test_nothing_to_learn_from_gives_everybody_the_default_rate() -> None:
    nothing = replace(MATRIX, columns=COLUMNS[6:], values=MATRIX.values[:, 6:])
    model = CARD.fit(CARD.prepare(nothing, TARGET), {}, 0)
    rate = TARGET.mean()
    np.testing.assert_allclose(model.score(nothing.values), np.log(rate / (1 - rate)), rtol=0, atol=1e-8)


def test_absurd_and_few_values_do_not_stop_the_learning() -> None:
    few = MATRIX.take(np.arange(30))
    values = few.values.copy()
    values[3, 0], values[4, 0] = 1e308, -1e308
    target = (np.arange(30) % 3 == 0).astype(np.int8)
    model = CARD.fit(CARD.prepare(replace(few, values=values), target), {}, 0)
    assert np.isfinite(model.contributions(values)).all()


def test_outcomes_that_a_feature_separates_have_finite_scores() -> None:
    values = np.arange(200.0)[:, None]
    matrix = FeatureMatrix(pl.Series("key", np.arange(200)), COLUMNS[:1], values)
    model = CARD.fit(CARD.prepare(matrix, (np.arange(200) >= 150).astype(np.int8)), {}, 0)
    assert np.isfinite(model.score(values)).all()
    assert model.score(values)[0] < -1 < 1 < model.score(values)[-1]


def test_neither_seed_nor_threads_nor_another_preparation_change_a_byte() -> None:
    again = CARD.fit(CARD.prepare(*portfolio()), {}, 99, 2)
    assert again.files() == MODEL.files()


def test_settling_changes_nothing() -> None:
    assert CARD.settle(PREPARED, {"max_bins": 3}, 0) == {"max_bins": 3}


@dataclass
class Asked:
    """A trial that answers with the defaults, when they lie in the space."""

    names: list[str] = field(default_factory=list)

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(self._inside(name, low, high))

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return int(self._inside(name, low, high))

    def _inside(self, name: str, low: float, high: float) -> float:
        value = CARD.defaults()[name]
        assert isinstance(value, float | int)
        assert low <= value <= high
        self.names.append(name)
        return value


def test_defaults_lie_in_the_search_space() -> None:
    asked = Asked()
    assert CARD.suggest(asked) == {name: CARD.defaults()[name] for name in asked.names}
    assert asked.names == ["max_features", "penalty", "min_bin_share", "max_bins"]


def test_newton_finds_what_a_general_optimiser_finds() -> None:
    draw = np.random.default_rng(0)
    design = draw.normal(size=(300, 3))
    target = (draw.random(300) < 0.3).astype(np.float64)

    def loss(weights: NDArray[np.float64]) -> float:
        log_odds = weights[0] + design @ weights[1:]
        return float((np.logaddexp(0, log_odds) - target * log_odds).sum() + 2.0 * (weights[1:] ** 2).sum())

    found = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-6}).x
    np.testing.assert_allclose(newton(design, target, 4.0), found, rtol=0, atol=1e-5)


def test_a_column_whose_sign_turns_is_not_kept() -> None:
    draw = np.random.default_rng(0)
    signal, noise = draw.normal(size=(2, 3000))
    target = (draw.random(3000) < 1 / (1 + np.exp(-signal))).astype(np.float64)
    # Beside the first column the second, which alone looks risky, would take its noise away with a minus sign.
    found = forward(np.column_stack([signal + noise, 0.1 * signal + noise]), target, Plan(5, 1.0))
    assert found.chosen == (0,)
    assert (found.coefficients > 0).all()


def test_a_column_whose_sign_turns_later_is_thrown_out() -> None:
    draw = np.random.default_rng(0)
    one, two, error = draw.normal(size=(3, 5000))
    both = one + two + 0.55 * error
    # Alone `both` says most; beside what it is made of, its error is all that it adds, with a minus sign.
    target = (draw.random(5000) < 1 / (1 + np.exp(both - 2 * one - 2 * two))).astype(np.float64)
    design = np.column_stack([both, one, two])
    assert forward(design, target, Plan(1, 1.0)).chosen == (0,)
    found = forward(design, target, Plan(3, 1.0))
    assert sorted(found.chosen) == [1, 2]
    expected = newton(design[:, found.chosen], target, 1.0)
    np.testing.assert_array_equal([found.intercept, *found.coefficients], expected)
