from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorewright.domain.matrix import FeatureColumn, Label
from scorewright.explain.importance import by_raw_column, by_table, global_importance

COLUMNS = (
    FeatureColumn("ratio", "numeric", Label("Ratio", "Rapport"), ("application.AMOUNT", "bureau.DEBT")),
    FeatureColumn("debt", "numeric", Label("Debt", "Dette"), ("bureau.DEBT",)),
    FeatureColumn("loans", "numeric", Label("Loans", "Prêts"), ()),
)
BASE = 100.0
CONTRIBUTIONS = np.array([[2.0, -1.0, 0.5, BASE], [-4.0, 1.0, 0.5, BASE]])

contributions = st.lists(st.tuples(*[st.floats(-1e6, 1e6, allow_subnormal=False)] * 4), min_size=1, max_size=10).map(
    np.array
)


def test_importance_is_the_mean_absolute_contribution_without_the_base() -> None:
    found = global_importance(CONTRIBUTIONS, COLUMNS)
    assert [(each.name, each.label, each.value) for each in found] == [
        ("ratio", "Ratio", 3.0),
        ("debt", "Debt", 1.0),
        ("loans", "Loans", 0.5),
    ]
    assert found[0].share == pytest.approx(3.0 / 4.5)


def test_a_features_importance_is_divided_equally_among_its_sources() -> None:
    found = by_raw_column(CONTRIBUTIONS, COLUMNS, {"bureau.DEBT": "Debt at other lenders"})
    assert [(each.name, each.label, each.value) for each in found] == [
        ("bureau.DEBT", "Debt at other lenders", 2.5),
        ("application.AMOUNT", "application.AMOUNT", 1.5),
        ("loans", "Loans", 0.5),
    ]


def test_equals_are_ordered_by_name() -> None:
    found = global_importance(np.array([[1.0, 1.0, 1.0, BASE]]), COLUMNS)
    assert [each.name for each in found] == ["debt", "loans", "ratio"]


def test_where_nothing_moves_the_score_shares_are_zero() -> None:
    still = np.array([[0.0, 0.0, 0.0, BASE]])
    assert {each.share for each in global_importance(still, COLUMNS)} == {0.0}


@given(contributions)
def test_nothing_is_lost_between_features_and_raw_columns(drawn: np.ndarray) -> None:
    features, raw = global_importance(drawn, COLUMNS), by_raw_column(drawn, COLUMNS)
    total = sum(each.value for each in features)
    assert math.isclose(sum(each.value for each in raw), total, rel_tol=1e-9)
    for found in (features, raw):
        assert math.isclose(sum(each.share for each in found), 1.0 if total else 0.0, rel_tol=1e-9)
        assert [each.value for each in found] == sorted((each.value for each in found), reverse=True)


@pytest.mark.parametrize("shape", [(2, 3), (2, 5), (0, 4), (4,)])
def test_contributions_must_fit_the_features(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"3 \+ 1 columns"):
        global_importance(np.zeros(shape), COLUMNS)


def test_a_table_is_worth_what_its_columns_are() -> None:
    found = by_table(CONTRIBUTIONS, COLUMNS, {"bureau": "Other lenders"})
    assert [(each.name, each.label, each.value) for each in found] == [
        ("bureau", "Other lenders", 2.5),
        ("application", "application", 1.5),
        ("loans", "Loans", 0.5),
    ]


def test_rows_counted_count_for_their_table() -> None:
    counted = FeatureColumn("loans", "numeric", Label("Loans", "Prêts"), ("bureau.*",))
    assert [each.name for each in by_table(np.array([[1.0, BASE]]), [counted])] == ["bureau"]


@given(contributions)
def test_nothing_is_lost_between_raw_columns_and_tables(drawn: np.ndarray) -> None:
    raw, tables = by_raw_column(drawn, COLUMNS), by_table(drawn, COLUMNS)
    for table in tables:
        own = sum(each.value for each in raw if each.name.partition(".")[0] == table.name)
        assert math.isclose(table.value, own, rel_tol=1e-9)
