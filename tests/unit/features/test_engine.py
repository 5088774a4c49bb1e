from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from polars.exceptions import PanicException

from scorewright.errors import FeatureSqlError
from scorewright.features.engine import FeatureEngine
from scorewright.tables.types import Tables
from tests.oracles.book import compiled, computed, frames, portfolio

BOOK = portfolio(
    application="SELECT AGE, COALESCE(loans, 0) AS n FROM application",
    loan="SELECT COUNT(*) AS loans, SUM(late) AS late, MAX(STATE) AS state, MAX(PAID) AS paid FROM loan GROUP BY ID",
    month="SELECT SUM(LATE) AS late FROM month GROUP BY LOAN",
)


def features(tables: Tables) -> list[tuple[object, ...]]:
    return FeatureEngine(BOOK, compiled(BOOK)).compute(tables).rows()


def test_rows_come_in_the_order_of_the_applications() -> None:
    expected = [(40, 1, 1, None, "closed", None), (25, 3, 3, 35.0, "open", True), (None, 0, None, None, None, None)]
    assert features(frames()) == expected
    tables = frames()
    assert features(tables | {"application": tables["application"].reverse()}) == expected[::-1]


def test_absent_table_gives_nulls_of_the_types_it_would_have() -> None:
    tables = frames()
    engine = FeatureEngine(BOOK, compiled(BOOK))
    absent = engine.compute({"application": tables["application"]})
    assert absent.schema == engine.compute(tables).schema
    assert absent.rows() == [(40, 0, *[None] * 4), (25, 0, *[None] * 4), (None, 0, *[None] * 4)]


def test_table_without_rows_is_as_good_as_absent() -> None:
    tables = frames()
    assert features(tables | {"loan": tables["loan"].clear()}) == features({"application": tables["application"]})
    assert features(tables | {"month": tables["month"].clear()})[1] == (25, 3, 3, None, "open", True)


def test_one_application_with_and_without_history() -> None:
    tables = frames()
    for row, expected in enumerate(features(tables)):
        assert features(tables | {"application": tables["application"][row]}) == [expected]


def test_rows_of_nobody_and_rows_without_a_key_are_left_out() -> None:
    tables = frames()
    stray = pl.DataFrame(
        [(99, 9, 1.0, 1, "open", True, None, "x"), (None, 8, 1.0, 1, "open", True, None, "x")],
        schema=tables["loan"].schema,
        orient="row",
    )
    assert features(tables | {"loan": pl.concat([stray, tables["loan"]])}) == features(tables)


def test_no_application_at_all() -> None:
    tables = frames()
    assert features(tables | {"application": tables["application"].clear()}) == []


@pytest.mark.parametrize("key", [pl.String(), pl.Float64(), pl.Date()], ids=str)
def test_keys_of_any_type(key: pl.DataType) -> None:
    tables = frames()
    whole = {name: frame.with_columns(pl.col("^ID|LOAN$").cast(pl.Int32).cast(key)) for name, frame in tables.items()}
    assert computed(BOOK, whole).rows() == features(tables)


def test_tables_are_not_changed() -> None:
    tables = frames()
    features(tables)
    for name, frame in frames().items():
        assert frame.equals(tables[name])


def breaking(series: pl.Series, **_: object) -> pl.Series:
    raise PanicException("index out of bounds")


@pytest.mark.parametrize("table", ["application", "loan"])
def test_an_expression_that_breaks_polars_is_named(table: str) -> None:
    whole = compiled(BOOK)
    first, *others = whole.tables[table].outputs
    broken = replace(first, expression=pl.col("ID").map_batches(breaking).alias(first.name))
    outputs = replace(whole.tables[table], outputs=(broken, *others))
    engine = FeatureEngine(BOOK, replace(whole, tables={**whole.tables, table: outputs}))
    with pytest.raises(FeatureSqlError) as caught:
        engine.compute(frames())
    assert caught.value.place == f"book/features/{table}.sql"
    assert first.name in caught.value.value
