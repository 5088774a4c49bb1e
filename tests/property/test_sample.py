from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorewright.tables.sample import SampleConfig
from scorewright.tables.sample.applicants import application_keys
from scorewright.tables.sample.draws import Ragged, normal_cdf, pick, rounded, words
from scorewright.tables.sample.reference import along
from scorewright.tables.sample.request import annuity
from scorewright.tables.sample.timeline import arrivals

lengths = st.lists(st.integers(0, 12), min_size=1, max_size=20).map(np.array)


@given(lengths)
def test_ragged_rows_are_groups_laid_end_to_end(sizes: np.ndarray) -> None:
    rows = Ragged(sizes)
    expected = [(group, place) for group, size in enumerate(sizes) for place in range(size)]
    assert list(zip(rows.owner.tolist(), rows.position.tolist(), strict=True)) == expected
    assert rows.total == len(expected)


@given(lengths, st.integers(0, 2**32), st.floats(0, 1), st.floats(1, 6))
def test_a_spell_grows_by_one_a_row_and_stays_in_its_group(
    sizes: np.ndarray, seed: int, probability: float, mean: float
) -> None:
    rows = Ragged(sizes)
    ages = rows.spells(np.random.default_rng(seed), np.full(rows.total, probability), mean)
    for row, age in enumerate(ages):
        assert 0 <= age <= rows.position[row] + 1
        if age > 1:
            assert ages[row - 1] == age - 1


@given(lengths, st.integers(0, 2**32))
def test_spells_that_never_start_never_are_and_that_always_start_are_always_new(sizes: np.ndarray, seed: int) -> None:
    rows = Ragged(sizes)
    never, always = (rows.spells(np.random.default_rng(seed), np.full(rows.total, p), 3.0) for p in (0.0, 1.0))
    assert (never == 0).all()
    assert (always == 1).all()


@given(st.floats(-6, 6))
def test_the_normal_distribution_function_is_close_to_the_true_one(score: float) -> None:
    assert normal_cdf(np.array([score]))[0] == pytest.approx(0.5 * math.erfc(-score / math.sqrt(2)), abs=2e-4)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=8), st.integers(1, 400))
def test_categories_come_in_their_shares(weights: list[float], count: int) -> None:
    shares = {f"c{number}": weight for number, weight in enumerate(weights)}
    evenly = (np.arange(count) + 0.5) / count
    drawn = pick(shares, evenly)
    for label, weight in shares.items():
        assert abs((drawn == label).sum() - count * weight / sum(weights)) <= 1 + 1e-6


@given(st.lists(st.integers(-3, 5), min_size=1))
def test_positions_outside_the_labels_are_blank(codes: list[int]) -> None:
    labels = ("a", "b", "c")
    assert words(labels, np.array(codes)).to_list() == [labels[code] if 0 <= code < 3 else None for code in codes]


@given(st.lists(st.floats(-1e3, 1e3), min_size=11, max_size=11).map(sorted), st.floats(-6, 6), st.floats(-6, 6))
def test_a_larger_score_gives_no_smaller_quantile(quantiles: list[float], one: float, other: float) -> None:
    low, high = along(quantiles, np.array(sorted((one, other))))
    assert quantiles[0] <= low <= high + 1e-9
    assert high <= quantiles[-1]


@given(st.floats(1e3, 1e6), st.integers(1, 72), st.floats(0.01, 0.9))
def test_an_annuity_repays_the_credit_exactly(credit: float, months: int, rate: float) -> None:
    payment = float(annuity(np.array([credit]), np.array([float(months)]), np.array([rate]))[0])
    left = credit
    for _ in range(months):
        left = left * (1 + rate / 12) - payment
    assert left == pytest.approx(0.0, abs=1e-6 * credit)


@given(st.floats(-1e6, 1e6), st.sampled_from([0.005, 4.5, 4500.0]))
def test_rounding_moves_an_amount_by_half_a_unit_at_most(amount: float, unit: float) -> None:
    assert abs(float(rounded(np.array([amount]), unit)[0]) - amount) <= unit / 2 + 1e-6


@given(st.integers(0, 10**7), st.integers(1, 3000), st.integers(0, 10**7), st.integers(1, 3000))
def test_keys_of_the_two_parts_never_meet(first: int, size: int, other: int, count: int) -> None:
    train, test = application_keys("train", first, size), application_keys("test", other, count)
    assert not np.intersect1d(train, test).size
    assert np.unique(train).size == size
    assert train.max() < 2**31


@given(st.integers(100, 5000), st.integers(1, 120), st.data())
def test_applications_arrive_in_order_and_drift_from_the_stated_month_only(
    applications: int, months: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(1, months + 1))
    config = SampleConfig(applications=applications, months=months, drift_from=start)
    when = arrivals(config, "train", np.arange(applications))
    assert when.dates is not None
    month = when.dates.astype("datetime64[M]").astype(int) - np.datetime64("2023-01").astype(int) + 1
    assert (np.diff(when.dates) >= np.timedelta64(0)).all()
    assert month.min() >= 1
    assert month.max() <= months
    assert ((when.drift > 0) == (month >= start)).all()
    assert (np.diff(when.drift) >= 0).all()
