from __future__ import annotations

import numpy as np
import pytest

from scorewright.domain.decisions import Contribution
from scorewright.domain.explanations import SharedContribution
from scorewright.domain.matrix import FeatureColumn, Label
from scorewright.explain.local import largest, shared_contributions
from scorewright.explain.shares import Scored, SharedOut, share_out

LABELS = tuple(Label(name, name) for name in ("Amount", "Colour", "Age", "Still"))
COLUMNS = (
    FeatureColumn("amount", "numeric", LABELS[0], ("application.AMOUNT",)),
    FeatureColumn("colour", "category", LABELS[1], ("application.COLOUR",), ("blue", "red")),
    FeatureColumn("age", "numeric", LABELS[2], ("application.AGE",)),
    FeatureColumn("still", "numeric", LABELS[3], ("application.STILL",)),
)
CONTRIBUTIONS = np.array([0.1, -0.7, 0.3, 0.0, 99.0])
VALUES = np.array([1234.5, 1.0, np.nan, 7.0])


def test_the_largest_come_first_with_categories_as_text_and_missing_as_none() -> None:
    assert largest(CONTRIBUTIONS, COLUMNS, VALUES) == (
        Contribution("colour", LABELS[1], "red", -0.7),
        Contribution("age", LABELS[2], None, 0.3),
        Contribution("amount", LABELS[0], 1234.5, 0.1),
    )


def test_a_missing_category_is_none_too() -> None:
    assert largest(CONTRIBUTIONS, COLUMNS, np.full(4, np.nan))[0].value is None


def test_no_more_than_asked_for() -> None:
    assert [each.feature for each in largest(CONTRIBUTIONS, COLUMNS, VALUES, top=2)] == ["colour", "age"]
    assert largest(CONTRIBUTIONS, COLUMNS, VALUES, top=0) == ()


def test_equals_keep_the_order_of_the_matrix() -> None:
    found = largest(np.array([0.2, 0.2, -0.2, 0.0, 1.0]), COLUMNS, VALUES)
    assert [each.feature for each in found] == ["amount", "colour", "age"]


def test_values_are_plain_python() -> None:
    assert [type(each.value) for each in largest(CONTRIBUTIONS, COLUMNS, VALUES)] == [str, type(None), float]
    assert {type(each.contribution) for each in largest(CONTRIBUTIONS, COLUMNS, VALUES)} == {float}


def test_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match="4 features have as many values"):
        largest(CONTRIBUTIONS[:-1], COLUMNS, VALUES)
    with pytest.raises(ValueError, match="4 features have as many values"):
        largest(CONTRIBUTIONS, COLUMNS, VALUES[:-1])


def shared() -> SharedOut:
    contributions = np.vstack([CONTRIBUTIONS, CONTRIBUTIONS])
    contributions[:, -1], contributions[1, 0] = -2.0, 0.9
    score = contributions.sum(axis=1)
    return share_out(Scored(contributions, score, score), lambda log_odds: 1.0 / (1.0 + np.exp(-log_odds)))


def test_shared_contributions_come_largest_first_on_three_scales() -> None:
    shares, values = shared(), np.vstack([VALUES, VALUES])
    found = shared_contributions(shares, COLUMNS, values)
    assert [(each.feature, each.value) for each in found] == [("colour", "red"), ("age", None), ("amount", 1234.5)]
    assert found[0] == SharedContribution(
        "colour", LABELS[1], "red", -0.7, float(shares.pd.shares[0, 1]), float(shares.points.shares[0, 1])
    )
    assert [each.feature for each in shared_contributions(shares, COLUMNS, values, row=1)][:2] == ["amount", "colour"]
    assert shared_contributions(shares, COLUMNS, values, top=1) == found[:1]


def test_shared_contributions_sum_on_every_scale() -> None:
    shares = shared()
    total = shares.totals(1)
    found = shared_contributions(shares, COLUMNS, np.vstack([VALUES, VALUES]), row=1)
    assert sum(each.log_odds for each in found) == pytest.approx(total.log_odds - total.base, abs=1e-12)
    assert sum(each.pd for each in found) == pytest.approx(total.pd - total.base_pd, abs=1e-12)
    assert sum(each.points for each in found) == pytest.approx(total.points - total.base_points, abs=1e-9)


def test_shared_contributions_need_shapes_that_fit() -> None:
    with pytest.raises(ValueError, match="4 features have as many values and shares"):
        shared_contributions(shared(), COLUMNS, VALUES)
