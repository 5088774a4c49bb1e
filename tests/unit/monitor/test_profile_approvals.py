"""How many of each group a profile says were approved, and what is typical of them."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.monitor.binning import MINIMUM_COUNT, bin_counts
from scorewright.monitor.profile import CategoryProfile, NumericProfile, Profile, build_profile

COLOURS = ("blue", "green", "red")
COLUMNS = (
    FeatureColumn("amount", "numeric", Label("Amount", "Montant"), ("application.AMOUNT",)),
    FeatureColumn("colour", "category", Label("Colour", "Couleur"), ("application.COLOUR",), COLOURS),
)
NAN = math.nan


def profile_of(amounts: Any, colours: Any, approved: Any, pd: NDArray[np.float64] | None = None) -> Profile:
    """Profile a population; of those not approved, every second is referred."""
    away = ~np.asarray(approved, dtype=np.bool_)
    referred = away & (np.arange(away.size) % 2 == 0)
    matrix = FeatureMatrix(pl.Series("key", range(away.size)), COLUMNS, np.column_stack([amounts, colours]))
    return build_profile(matrix, np.linspace(0, 1, away.size) if pd is None else pd, away & ~referred, referred)


def features_of(profile: Profile) -> tuple[NumericProfile, CategoryProfile]:
    amount, colour = profile.features
    assert isinstance(amount, NumericProfile)
    assert isinstance(colour, CategoryProfile)
    return amount, colour


applicants = st.tuples(
    st.sampled_from([NAN, 0.0, 1.0, 1.5, 2.0, 40.0, 41.5]), st.sampled_from([NAN, 0.0, 1.0, 2.0]), st.booleans()
)


@settings(max_examples=60, deadline=None)
@given(st.lists(applicants, min_size=MINIMUM_COUNT, max_size=120))
def test_approvals_are_counted_by_bin_and_never_of_a_few(applications: list[tuple[float, float, bool]]) -> None:
    amounts, colours, approved = (np.array(each) for each in zip(*applications, strict=True))
    amount, colour = features_of(profile_of(amounts, colours, approved))
    edges, known = np.array(amount.edges), ~np.isnan(amounts)
    counted = bin_counts(amounts[known & approved], edges).tolist()
    assert amount.approved == tuple(
        told if among >= MINIMUM_COUNT else None for told, among in zip(counted, amount.counts, strict=True)
    )
    missing = int(np.sum(approved & ~known))
    assert amount.approved_missing == (missing if amount.missing >= MINIMUM_COUNT else None)
    by_colour = {name: int(np.sum(approved & (colours == place))) for place, name in enumerate(COLOURS)}
    assert colour.approved == {name: by_colour[name] for name in colour.counts}
    others = sum(count for name, count in by_colour.items() if name not in colour.counts)
    assert colour.approved_other == (others if colour.other >= MINIMUM_COUNT else None)


def test_approvals_by_pd_are_those_of_the_policy() -> None:
    pd = np.linspace(0.0, 0.4, 1000)
    profile = profile_of(np.zeros(1000), np.zeros(1000), pd < 0.3, pd)
    assert sum(count or 0 for count in profile.pd.approved) == round(1000 * profile.approval_rate) == 750
    rates = [(told or 0) / among for told, among in zip(profile.pd.approved, profile.pd.counts, strict=True)]
    assert rates == sorted(rates, reverse=True)
    assert rates.count(1.0) + rates.count(0.0) >= len(rates) - 1


def test_the_typical_of_those_approved_is_their_median_and_no_one_s_own() -> None:
    amounts = np.random.default_rng(3).lognormal(8, 1, 3001)
    approved = amounts > np.quantile(amounts, 0.4)
    amount, _ = features_of(profile_of(amounts, np.zeros(3001), approved))
    assert amount.approved_typical == pytest.approx(np.median(amounts[approved]), rel=0.02)
    assert amount.typical == pytest.approx(np.median(amounts), rel=0.02)
    assert amount.approved_typical not in amounts


def test_the_typical_category_of_those_approved_may_be_another_one() -> None:
    colours = [0.0] * 60 + [2.0] * 40
    _, colour = features_of(profile_of(np.zeros(100), colours, [False] * 50 + [True] * 50))
    assert (colour.typical, colour.approved_typical) == ("blue", "red")


@pytest.mark.parametrize("approved", [0, 1, MINIMUM_COUNT - 1])
def test_a_few_who_are_approved_have_no_typical_value(approved: int) -> None:
    amount, colour = features_of(profile_of(np.arange(200.0), np.zeros(200), np.arange(200) < approved))
    assert (amount.approved_typical, colour.approved_typical) == (None, None)
    assert amount.typical is not None


def test_a_typical_value_in_a_bin_without_width_is_not_told() -> None:
    rare = np.linspace(-3.001, -1.234567, 24)
    amounts = np.concatenate([rare, np.zeros(5000)])
    amount, _ = features_of(profile_of(amounts, np.zeros(5024), amounts < 0))
    assert amount.approved_typical not in rare.tolist()


def test_approvals_survive_json() -> None:
    rng = np.random.default_rng(4)
    profile = profile_of(rng.normal(0, 1, 400), rng.integers(0, 3, 400), rng.random(400) < 0.6)
    assert Profile.from_json_bytes(profile.to_json_bytes()) == profile


def test_a_profile_from_before_approvals_were_counted_is_read() -> None:
    profile = profile_of(np.arange(100.0), np.arange(100) % 3, np.arange(100) < 60)
    content = json.loads(profile.to_json_bytes())
    for part in (*content["features"], content["pd"]):
        for name in [name for name in part if name.startswith("approved")]:
            del part[name]
    amount, colour = features_of(old := Profile.from_json_bytes(json.dumps(content).encode()))
    assert (amount.approved, amount.approved_missing, amount.approved_typical) == ((), None, None)
    assert (colour.approved, colour.approved_other, colour.approved_missing, colour.approved_typical) == (
        {},
        None,
        None,
        None,
    )
    assert old.pd.approved == ()
    assert (old.pd.counts, amount.counts) == (profile.pd.counts, features_of(profile)[0].counts)
