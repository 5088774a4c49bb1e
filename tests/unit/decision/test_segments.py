from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from scorewright.decision.costs import cost_per_application
from scorewright.decision.segments import banded, segment_measures
from scorewright.domain.costs import CostMatrix
from scorewright.domain.measures import expected_calibration_error

COSTS = CostMatrix(10.0, 1.0)


def population(rows: int = 1200) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    rng = np.random.default_rng(8)
    pd = rng.beta(1.0, 6.0, rows).round(2)
    return pd, rng.random(rows) < pd, pd >= 0.1


def test_each_part_has_the_measures_of_its_rows() -> None:
    pd, target, refused = population()
    kind = np.array(["cash", "revolving", "cash"] * 400)
    found = segment_measures({"contract": kind}, pd, target, refused, COSTS)
    assert [(each.name, each.value) for each in found] == [("contract", "cash"), ("contract", "revolving")]
    for each in found:
        rows = kind == each.value
        assert each.applications == rows.sum()
        assert each.default_rate == pytest.approx(target[rows].mean())
        assert each.mean_pd == pytest.approx(pd[rows].mean())
        assert each.approval_rate == pytest.approx(1.0 - refused[rows].mean())
        assert each.cost == cost_per_application(target[rows], refused[rows], COSTS)
        assert each.ece == expected_calibration_error(pd[rows], target[rows])
        assert each.auc == pytest.approx(roc_auc_score(target[rows], pd[rows]))


def test_parts_make_up_the_whole() -> None:
    pd, target, refused = population()
    found = segment_measures({"band": np.arange(1200) % 7}, pd, target, refused, COSTS)
    sizes = [each.applications for each in found]
    assert sum(sizes) == 1200
    assert np.average([each.cost for each in found], weights=sizes) == pytest.approx(
        cost_per_application(target, refused, COSTS)
    )


def test_auc_ranks_only_within_a_fold() -> None:
    pd, target, refused = population()
    folds = np.arange(1200) % 3
    shifted = np.clip(pd / 4 + folds / 4, 0.0, 1.0)
    (found,) = segment_measures({"all": ["x"] * 1200}, shifted, target, refused, COSTS, folds)
    pairs = [target[folds == fold].sum() * (~target[folds == fold]).sum() for fold in range(3)]
    within = [roc_auc_score(target[folds == fold], pd[folds == fold]) for fold in range(3)]
    assert found.auc == pytest.approx(np.average(within, weights=pairs))
    (pooled,) = segment_measures({"all": ["x"] * 1200}, shifted, target, refused, COSTS)
    assert pooled.auc == pytest.approx(roc_auc_score(target, shifted))


@pytest.mark.parametrize("values", [
    pl.Series(["a", None] * 600),
    pl.Series([1.0, float("nan")] * 600),
    pl.Series(["a", None] * 600, dtype=pl.Categorical),
    np.array(["a", None] * 600, dtype=object),
    ["a", None] * 600,
    np.array([1.0, np.nan] * 600),
])  # fmt: skip
def test_what_is_missing_is_a_part_of_its_own(values: pl.Series) -> None:
    found = segment_measures({"kind": values}, *population(), COSTS)
    assert [each.applications for each in found] == [600, 600]
    assert found[1].value == "unknown"


def test_too_few_rows_or_one_outcome_have_no_auc_and_everything_else() -> None:
    pd, target, refused = population()
    parts = np.where(np.arange(1200) < 99, "few", np.where(target, "bad", "good"))
    found = {each.value: each for each in segment_measures({"part": parts}, pd, target, refused, COSTS)}
    assert [found[name].auc for name in ("few", "bad", "good")] == [None, None, None]
    assert found["good"].default_rate == 0.0
    assert found["few"].applications == 99
    (few,) = (
        each for each in segment_measures({"part": parts}, pd, target, refused, COSTS, least=50) if each.value == "few"
    )
    assert few.auc == pytest.approx(roc_auc_score(target[:99], pd[:99]))


def test_values_must_be_as_many_as_applications() -> None:
    with pytest.raises(ValueError, match="2 values of kind"):
        segment_measures({"kind": ["a", "b"]}, *population(), COSTS)


def test_bands_hold_about_equal_numbers_and_name_their_bounds() -> None:
    names = banded(np.random.default_rng(0).permutation(1000) + 1.0)
    counts = pl.Series(names).value_counts(sort=False).sort(by=pl.nth(0))
    assert counts.get_columns()[0].to_list() == ["1: up to 250", "2: 250 to 500", "3: 500 to 750", "4: above 750"]
    assert counts.get_columns()[1].to_list() == [250, 250, 250, 250]


def test_equal_amounts_share_a_band() -> None:
    assert banded([5.0] * 9 + [7.5]) == ["1: up to 5"] * 9 + ["2: above 5"]
    assert banded([5, 5, 5]) == ["1: all"] * 3
    assert banded([0.12345, 0.5], bands=2) == ["1: up to 0.1235", "2: above 0.1235"]


def test_unknown_amounts_have_no_band() -> None:
    assert banded([None, float("nan")]) == [None, None]
    assert banded(pl.Series([1.0, None, 2.0]), bands=2) == ["1: up to 1", None, "2: above 1"]
