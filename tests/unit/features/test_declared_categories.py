from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from scorewright.domain.matrix import FeatureColumn, Label
from scorewright.errors import UnseenCategoryError
from scorewright.features.encoding import Encoder, declared_categories
from scorewright.tables.portfolio import load_portfolio

COLUMN = FeatureColumn("job", "category", Label("Job", "Métier"), ("application.job",), ("baker", "cook"))
KEYS = pl.Series("id", [1, 2, 3])


@pytest.mark.parametrize("rows", [1, 3])
def test_a_declared_category_that_training_never_saw_is_missing(rows: int) -> None:
    encoder = Encoder([COLUMN], "refuse", {"job": frozenset({"baker", "cook", "tailor"})})
    features = pl.DataFrame({"job": ["tailor", "cook", None][:rows]})
    values = encoder.encode(features, KEYS[:rows]).values[:, 0]
    np.testing.assert_array_equal(values, [np.nan, 1.0, np.nan][:rows])


@pytest.mark.parametrize("rows", [1, 2])
def test_any_other_category_is_refused_and_only_that_one_is_named(rows: int) -> None:
    encoder = Encoder([COLUMN], "refuse", {"job": frozenset({"tailor"})})
    features = pl.DataFrame({"job": ["pilot", "tailor"][:rows]})
    with pytest.raises(UnseenCategoryError, match=r"'pilot' in 1 row"):
        encoder.encode(features, KEYS[:rows])


def test_a_portfolio_declares_by_raw_column() -> None:
    portfolio = load_portfolio("home_credit")
    column = FeatureColumn("NAME_INCOME_TYPE", "category", Label("", ""), ("application.NAME_INCOME_TYPE",))
    assert "Businessman" in declared_categories([column], portfolio)["NAME_INCOME_TYPE"]
