from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from scorewright.errors import PortfolioError, UnseenCategoryError
from scorewright.features.encoding import MOST_CATEGORIES, Encoder, learn_columns
from tests.oracles.book import compiled, computed, frames, portfolio

BOOK = portfolio(application="SELECT AGE, JOB, OWNER, 1 / (AGE - 25) AS r, 0 - AMOUNT AS m FROM application")
KEYS = pl.Series("ID", [10, 20, 30])


def encoder(unseen: str = "refuse") -> Encoder:
    return Encoder(learn_columns(computed(BOOK), compiled(BOOK)), unseen)  # type: ignore[arg-type]


def test_columns_are_learnt_from_training() -> None:
    columns = learn_columns(computed(BOOK), compiled(BOOK))
    assert [(column.name, column.kind, column.categories) for column in columns] == [
        ("AGE", "numeric", ()),
        ("JOB", "category", ("cook", "nurse")),
        ("OWNER", "numeric", ()),
        ("r", "numeric", ()),
        ("m", "numeric", ()),
    ]
    assert columns[3].sources == ("application.AGE",)


def test_values_are_numbers_positions_and_nan() -> None:
    matrix = encoder().encode(computed(BOOK), KEYS)
    nan = np.nan
    expected = [[40, 0, 1, 1 / 15, -100.5], [25, nan, 0, nan, nan], [nan, 1, nan, nan, 0]]
    np.testing.assert_array_equal(matrix.values, expected)
    assert matrix.values.flags.c_contiguous
    assert not np.signbit(matrix.values[2, 4])
    assert matrix.keys.to_list() == [10, 20, 30]


@pytest.mark.parametrize("rows", [[0], [0, 1, 2]], ids=["one", "many"])
def test_unseen_category(rows: list[int]) -> None:
    other = computed(BOOK).with_columns(pl.Series("JOB", ["pilot", None, "cook"]))[rows]
    with pytest.raises(UnseenCategoryError, match="'pilot' in 1 row") as caught:
        encoder().encode(other, KEYS.gather(rows))
    assert "application.JOB" in str(caught.value)
    expected = [np.nan, np.nan, 0.0][: len(rows)]
    np.testing.assert_array_equal(encoder("null").encode(other, KEYS.gather(rows)).values[:, 1], expected)


def test_a_category_column_without_values() -> None:
    empty = computed(BOOK).with_columns(pl.lit(None, pl.String).alias("JOB"))
    columns = learn_columns(empty, compiled(BOOK))
    assert columns[1].categories == ()
    assert np.isnan(Encoder(columns, "refuse").encode(empty, KEYS).values[:, 1]).all()
    with pytest.raises(UnseenCategoryError):
        Encoder(columns, "refuse").encode(computed(BOOK), KEYS)


def test_too_many_categories() -> None:
    rows = [(n, "p", "F", 1.0, 1, f"job {n}", True, None, n % 2) for n in range(MOST_CATEGORIES + 1)]
    tables = frames(application=rows)
    with pytest.raises(PortfolioError, match="JOB has 1001"):
        learn_columns(computed(BOOK, tables), compiled(BOOK, tables))


def test_take_keeps_rows_together() -> None:
    matrix = encoder().encode(computed(BOOK), KEYS).take(np.array([2, 0]))
    assert matrix.keys.to_list() == [30, 10]
    assert matrix.values[1, 0] == 40


def test_text_that_hardly_repeats_is_no_feature() -> None:
    rows = [(n, "p", "F", 1.0, 1, f"Anna {n // 2}" if n < 24 else f"Paul {n}", True, None, n % 2) for n in range(26)]
    tables = frames(application=rows)
    with pytest.raises(PortfolioError, match="JOB has 14 in 26 rows .*`never` or `identifiers`"):
        learn_columns(computed(BOOK, tables), compiled(BOOK, tables))
    tables = frames(application=rows[:24])
    assert len(learn_columns(computed(BOOK, tables), compiled(BOOK, tables))[1].categories) == 12
