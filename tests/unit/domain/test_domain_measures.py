from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from scorewright.domain.measures import equal_mass_bins, expected_calibration_error


def drawn(rows: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    pd = draw.beta(1.5, 12.0, rows)
    return pd, (draw.random(rows) < 1.3 * pd).astype(np.int8)


def test_bins_of_different_pds_hold_equal_numbers() -> None:
    pd, _ = drawn(150)
    in_bin = equal_mass_bins(pd, 15)
    assert np.bincount(in_bin).tolist() == [10] * 15
    assert (np.diff(in_bin[np.argsort(pd)]) >= 0).all()


def test_equal_pds_share_the_bin_of_their_middle() -> None:
    assert equal_mass_bins(np.array([0.1, 0.2, 0.2, 0.2, 0.2, 0.9]), 3).tolist() == [0, 1, 1, 1, 1, 2]
    assert equal_mass_bins(np.full(7, 0.3), 15).tolist() == [7] * 7


def test_the_error_is_that_of_the_reliability_curve_of_scikit_learn() -> None:
    pd, target = drawn(3000)
    observed, predicted = calibration_curve(target, pd, n_bins=15, strategy="quantile")
    assert expected_calibration_error(pd, target) == pytest.approx(np.abs(observed - predicted).mean(), rel=1e-9)


def test_one_pd_for_all_is_as_wrong_as_its_distance_from_the_share_of_defaults() -> None:
    assert expected_calibration_error(np.full(10, 0.25), np.repeat([0, 1], [9, 1])) == pytest.approx(0.15)


def test_the_error_of_true_pds_is_what_chance_gives() -> None:
    draw = np.random.default_rng(1)
    pd = np.linspace(0.05, 0.11, 6000)
    found = [expected_calibration_error(pd, (draw.random(6000) < pd).astype(np.int8)) for _ in range(200)]
    assert np.mean(found) == pytest.approx(np.sqrt(2 * 15 * 0.08 * 0.92 / (np.pi * 6000)), rel=0.05)
