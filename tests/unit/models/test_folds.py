from __future__ import annotations

import numpy as np
import pytest

from scorewright.errors import TrainingError
from scorewright.models.folds import hold_out, stratified_folds


def outcomes(rows: int = 1000, rate: float = 0.08) -> np.ndarray:
    return (np.random.default_rng(1).random(rows) < rate).astype(np.int8)


def test_a_random_test_set_has_the_share_and_the_rate_asked_for() -> None:
    target = outcomes()
    train, test = hold_out(target, seed=7)
    assert sorted([*train, *test]) == list(range(1000))
    assert len(test) == pytest.approx(200, abs=1)
    assert target[test].mean() == pytest.approx(target.mean(), abs=1 / 200)


def test_the_seed_decides_the_test_set() -> None:
    target = outcomes()
    np.testing.assert_array_equal(hold_out(target, 7)[1], hold_out(target, 7)[1])
    assert not np.array_equal(hold_out(target, 7)[1], hold_out(target, 8)[1])


def test_the_smallest_data_still_have_both_outcomes_on_both_sides() -> None:
    target = np.array([1, 1, 0, 0], dtype=np.int8)
    for part in hold_out(target, 7):
        assert set(target[part]) == {0, 1}


def test_with_dates_the_latest_whole_months_are_locked_away() -> None:
    target = outcomes()
    dates = np.datetime64("2020-01-01") + np.random.default_rng(2).integers(0, 600, 1000)
    train, test = hold_out(target, 7, dates=dates)
    months = dates.astype("datetime64[M]")
    assert months[train].max() < months[test].min()
    assert len(test) == pytest.approx(200, abs=40)


def test_with_few_months_whole_days_are_locked_away() -> None:
    target = outcomes()
    dates = np.datetime64("2020-01-01") + np.random.default_rng(2).integers(0, 40, 1000)
    train, test = hold_out(target, 7, dates=dates)
    assert dates[train].max() < dates[test].min()
    assert len(test) == pytest.approx(200, abs=20)


def test_an_unknown_date_is_never_the_latest() -> None:
    dates = np.datetime64("2020-01-01") + np.random.default_rng(2).integers(0, 600, 1000)
    dates[:100] = np.datetime64("NaT")
    train, _ = hold_out(outcomes(), 7, dates=dates)
    assert set(range(100)) <= set(train)


@pytest.mark.parametrize(
    "dates", [np.full(1000, np.datetime64("2020-01-01")), np.full(1000, np.datetime64("NaT", "D"))]
)
def test_dates_that_leave_one_side_empty_are_refused(dates: np.ndarray) -> None:
    with pytest.raises(TrainingError, match="0 of 0 defaulted.*random test set"):
        hold_out(outcomes(), 7, dates=dates)


def test_one_outcome_alone_is_refused() -> None:
    with pytest.raises(TrainingError, match="at least 2 defaulted and 2 repaid.*0 defaulted and 50 repaid"):
        hold_out(np.zeros(50, dtype=np.int8), 7)


def test_folds_are_stratified_and_of_equal_size() -> None:
    target = outcomes()
    fold_of_row = stratified_folds(target, 7)
    assert np.ptp(np.bincount(fold_of_row)) <= 1
    assert np.ptp(np.bincount(fold_of_row[target == 1])) <= 1
    assert set(fold_of_row) == set(range(5))


def test_fewer_defaults_than_folds_are_refused() -> None:
    target = np.zeros(100, dtype=np.int8)
    target[:4] = 1
    with pytest.raises(TrainingError, match="at least 5 defaulted.*4 defaulted and 96 repaid"):
        stratified_folds(target, 7)
