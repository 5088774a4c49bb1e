from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.errors import EmptyTableError
from scorewright.monitor.drift import DriftReport, FeatureDrift, compare
from scorewright.monitor.profile import Profile, build_profile

LABEL = Label("Label", "Libellé")
CITIES = tuple(f"city {number:02d}" for number in range(40))
COLUMNS = (
    FeatureColumn("amount", "numeric", LABEL, ("application.AMOUNT",)),
    FeatureColumn("loans", "numeric", LABEL, ("bureau.ID",)),
    FeatureColumn("city", "category", LABEL, ("application.CITY",), CITIES),
    FeatureColumn("never_missing", "numeric", LABEL, ("application.X",)),
    FeatureColumn("always_missing", "numeric", LABEL, ("application.Y",)),
)


def applications(rows: int, seed: int) -> tuple[FeatureMatrix, NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    amount = np.where(rng.random(rows) < 0.2, np.nan, rng.lognormal(10, 1, rows))
    city = np.minimum(rng.geometric(0.12, rows), 40) - 1.0
    values = np.column_stack([amount, rng.poisson(2, rows), city, rng.random(rows), np.full(rows, np.nan)])
    return FeatureMatrix(pl.Series("key", range(rows)), COLUMNS, values), rng.beta(1, 8, rows)


def reference() -> Profile:
    matrix, pd = applications(5000, 0)
    return build_profile(matrix, pd, pd > 0.2)


def changed(matrix: FeatureMatrix, column: int, values: NDArray[np.float64]) -> FeatureMatrix:
    copy = matrix.values.copy()
    copy[:, column] = values
    return replace(matrix, values=copy)


def row(report: DriftReport, feature: str) -> FeatureDrift:
    return next(each for each in report.features if each.feature == feature)


def only_drifted(report: DriftReport) -> list[str]:
    return [each.feature for each in report.features if each.shift.verdict == "drifted"]


def test_the_reference_itself_has_not_drifted() -> None:
    matrix, pd = applications(5000, 0)
    report = compare(reference(), matrix, pd)
    assert not report.drifted
    assert {each.shift.psi for each in report.features} == {0.0}
    assert report.pd.shift.psi == 0.0
    assert report.pd.mean_then == report.pd.mean_now


def test_a_shifted_number_is_found_alone() -> None:
    matrix, pd = applications(1000, 1)
    report = compare(reference(), changed(matrix, 0, matrix.values[:, 0] * 2), pd)
    assert only_drifted(report) == ["amount"]
    assert report.drifted
    found = row(report, "amount").shift
    assert found.psi > max(0.1, found.psi_by_chance)
    assert found.ks is not None
    assert found.ks > 0.15


def test_a_new_mix_of_categories_is_found_alone() -> None:
    matrix, pd = applications(1000, 2)
    moved = np.where(np.arange(1000) % 3 == 0, 35.0, matrix.values[:, 2])
    report = compare(reference(), changed(matrix, 2, moved), pd)
    assert only_drifted(report) == ["city"]
    assert row(report, "city").shift.ks is None


def test_values_that_begin_to_be_missing_are_found_even_in_few_rows() -> None:
    matrix, pd = applications(100, 3)
    values = np.where(np.arange(100) < 10, np.nan, matrix.values[:, 3])
    report = compare(reference(), changed(matrix, 3, values), pd)
    assert only_drifted(report) == ["never_missing"]
    assert (row(report, "never_missing").missing_then, row(report, "never_missing").missing_now) == (0.0, 0.1)


def test_values_that_begin_to_be_present_are_found() -> None:
    matrix, pd = applications(100, 4)
    report = compare(reference(), changed(matrix, 4, np.where(np.arange(100) < 10, 1.0, np.nan)), pd)
    assert only_drifted(report) == ["always_missing"]


def test_shifted_pds_are_found_without_any_feature() -> None:
    matrix, pd = applications(500, 5)
    report = compare(reference(), matrix, np.minimum(2 * pd, 1.0))
    assert report.pd.shift.verdict == "drifted"
    assert report.drifted
    assert only_drifted(report) == []
    assert report.pd.mean_now == pytest.approx(2 * pd.mean(), rel=0.05)


def test_a_real_but_tiny_change_in_very_many_rows_is_minor() -> None:
    profile, (matrix, pd) = reference(), applications(60_000, 6)
    report = compare(profile, changed(matrix, 0, matrix.values[:, 0] * 1.15), pd)
    assert row(report, "amount").shift.verdict == "minor"
    assert row(report, "amount").shift.psi < 0.1
    assert not report.drifted


def test_what_is_material_is_the_lenders_to_say() -> None:
    profile, (matrix, pd) = reference(), applications(60_000, 6)
    report = compare(profile, changed(matrix, 0, matrix.values[:, 0] * 1.15), pd, material=0.01)
    assert only_drifted(report) == ["amount"]


def test_a_single_application_is_no_drift() -> None:
    matrix, pd = applications(1, 7)
    assert not compare(reference(), matrix, pd).drifted


def test_rare_categories_count_with_the_others() -> None:
    """All other categories together are as frequent then as now, whichever of them it is."""
    matrix, pd = applications(5000, 0)
    rare = [place for place, city in enumerate(CITIES) if city not in dict(reference().features[2].counts)]  # type: ignore[arg-type]
    city = np.where(np.isin(matrix.values[:, 2], rare), rare[0], matrix.values[:, 2])
    assert row(compare(reference(), changed(matrix, 2, city), pd), "city").shift.psi == 0.0


def test_the_report_becomes_json_with_its_verdict() -> None:
    matrix, pd = applications(200, 8)
    report = compare(reference(), matrix, pd)
    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert content["drifted"] is False
    assert [each["feature"] for each in content["features"]] == [column.name for column in COLUMNS]
    assert content["features"][0]["label"] == {"en": "Label", "fr": "Libellé"}
    assert {"psi", "psi_by_chance", "ks", "p_value", "p_adjusted", "verdict"} <= set(content["features"][0])
    assert {"mean_then", "mean_now", "psi", "p_value", "verdict"} <= set(content["pd"])
    assert (content["rows_then"], content["rows_now"], content["alpha"]) == (5000, 200, 0.01)


def test_no_application_cannot_be_compared() -> None:
    matrix, pd = applications(0, 9)
    with pytest.raises(EmptyTableError):
        compare(reference(), matrix, pd)


def test_features_must_be_those_of_the_profile() -> None:
    matrix, pd = applications(20, 9)
    with pytest.raises(ValueError, match="same features"):
        compare(reference(), replace(matrix, columns=COLUMNS[::-1]), pd)
    with pytest.raises(ValueError, match="19 PDs"):
        compare(reference(), matrix, pd[1:])
