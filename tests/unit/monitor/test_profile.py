from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.errors import BundleCorruptError, TrainingError
from scorewright.monitor.binning import MINIMUM_COUNT
from scorewright.monitor.profile import CategoryProfile, NumericProfile, Profile, build_profile

COLOURS = ("blue", "green", "red", "violet", "white")
COLUMNS = (
    FeatureColumn("amount", "numeric", Label("Amount", "Montant"), ("application.AMOUNT",)),
    FeatureColumn("colour", "category", Label("Colour", "Couleur"), ("application.COLOUR",), COLOURS),
)


def profile_of(amounts: list[float], colours: list[float]) -> Profile:
    values = np.column_stack([amounts, colours]).astype(np.float64)
    pd = np.linspace(0.0, 0.4, len(amounts))
    matrix = FeatureMatrix(pl.Series("key", range(len(amounts))), COLUMNS, values)
    return build_profile(matrix, pd, pd >= 0.3)


def numeric(amounts: list[float]) -> NumericProfile:
    feature = profile_of(amounts, [0.0] * len(amounts)).features[0]
    assert isinstance(feature, NumericProfile)
    return feature


def category(colours: list[float]) -> CategoryProfile:
    feature = profile_of([0.0] * len(colours), colours).features[1]
    assert isinstance(feature, CategoryProfile)
    return feature


def test_every_row_is_counted_once() -> None:
    feature = numeric([*np.random.default_rng(0).normal(0, 1, 470), *[float("nan")] * 30])
    assert feature.missing == 30
    assert sum(feature.counts) == 470
    assert len(feature.counts) == len(feature.edges) + 1 == 10


def test_typical_and_extreme_values_are_near_and_no_ones_own() -> None:
    amounts = np.random.default_rng(1).lognormal(8, 1, 3001)
    feature = numeric(amounts.tolist())
    assert feature.low is not None
    assert feature.typical is not None
    assert feature.high is not None
    assert feature.typical == pytest.approx(np.median(amounts), rel=0.02)
    assert feature.low == pytest.approx(np.quantile(amounts, 0.005), rel=0.2)
    assert feature.high == pytest.approx(np.quantile(amounts, 0.995), rel=0.02)
    assert not np.isin([feature.low, feature.typical, feature.high, *feature.edges], amounts).any()


def test_the_typical_whole_number_stays_whole() -> None:
    assert numeric([0.0] * 30 + [1.0] * 40 + [2.0] * 30).typical == 1.0


@pytest.mark.parametrize("present", [0, 1, 2 * MINIMUM_COUNT - 1])
def test_few_values_leave_only_their_number(present: int) -> None:
    feature = numeric([*np.arange(float(present)), *[float("nan")] * 50])
    assert (feature.missing, feature.edges, feature.counts) == (50, (), (present,))
    assert (feature.low, feature.typical, feature.high, feature.approved_typical) == (None, None, None, None)


def test_frequent_categories_are_named_and_rare_ones_counted_together() -> None:
    feature = category([0.0] * 50 + [2.0] * 70 + [1.0] * 6 + [3.0] * 5 + [float("nan")] * 4)
    assert (feature.missing, feature.counts, feature.other) == (4, {"blue": 50, "red": 70}, 11)
    assert feature.typical == "red"


def test_too_few_others_take_the_rarest_named_category_along() -> None:
    feature = category([0.0] * 50 + [2.0] * 12 + [1.0] * 3)
    assert (feature.missing, feature.counts, feature.other, feature.typical) == (0, {"blue": 50}, 15, "blue")


def test_when_every_category_is_rare_none_is_typical() -> None:
    feature = category([0.0] * 6 + [1.0] * 6)
    assert (feature.missing, feature.counts, feature.other, feature.typical) == (0, {}, 12, None)


def test_pds_are_kept_in_fine_bins_with_their_mean_and_approvals() -> None:
    profile = profile_of([0.0] * 1000, [0.0] * 1000)
    assert len(profile.pd.counts) == 50
    assert sum(profile.pd.counts) == profile.rows == 1000
    assert profile.pd.mean == pytest.approx(0.2)
    assert profile.approval_rate == pytest.approx(0.75)


def test_those_referred_are_neither_approved_nor_refused() -> None:
    matrix, pd = FeatureMatrix(pl.Series("key", range(100)), (), np.empty((100, 0))), np.linspace(0, 1, 100)
    profile = build_profile(matrix, pd, pd >= 0.7, (pd >= 0.5) & (pd < 0.7))
    assert (profile.approval_rate, profile.referral_rate) == (pytest.approx(0.5), pytest.approx(0.2))
    assert Profile.from_json_bytes(profile.to_json_bytes()) == profile


def test_a_profile_of_old_referred_nobody() -> None:
    content = json.loads(profile_of([0.0] * 100, [0.0] * 100).to_json_bytes())
    del content["referral_rate"]
    assert Profile.from_json_bytes(json.dumps(content).encode()).referral_rate == 0.0


def test_a_handful_of_persons_has_no_profile() -> None:
    with pytest.raises(TrainingError, match=r"at least 10 applications.*9 rows"):
        profile_of([0.0] * 9, [0.0] * 9)


def test_it_survives_json_and_equal_profiles_give_equal_bytes() -> None:
    rng = np.random.default_rng(2)
    amounts, colours = rng.normal(0, 1, 400).tolist(), rng.integers(0, 5, 400).astype(float).tolist()
    profile = profile_of(amounts, colours)
    content = profile.to_json_bytes()
    assert Profile.from_json_bytes(content) == profile
    assert content == profile_of(amounts[::1], colours).to_json_bytes()
    assert content == json.dumps(json.loads(content), sort_keys=True, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{}", b'{"rows": 1, "features": [{}], "pd": {}}'])
def test_a_broken_profile_is_a_broken_bundle(content: bytes) -> None:
    with pytest.raises(BundleCorruptError, match="as Scorewright writes it"):
        Profile.from_json_bytes(content)
