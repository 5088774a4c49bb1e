"""Functions of single values, arrays and queries give the same features, to the last bit."""

from __future__ import annotations

import gc
import logging
import math
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest

from scorewright.features.compile import compile_features
from scorewright.features.engine import FeatureEngine, Programs
from scorewright.features.few import ComputedFew, FewApplications
from scorewright.features.prepared import Raw
from scorewright.features.rewriting import storage
from scorewright.features.writing import Script
from scorewright.tables.contract import infer_contract
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.types import Tables
from tests.oracles.book import compiled, frames, portfolio

CALLS = ("SUM", "AVG", "MIN", "MAX", "MEDIAN", "STDDEV_SAMP", "VAR_SAMP", "COUNT", "COUNT_DISTINCT", "QUARTILE")
INNER = ('"SUM"', "TERM", '"SUM" / 7', '"SUM" * TERM', 'EXP("SUM" / 100)', 'LN("SUM")', 'SQRT("SUM")')
FILTERS = ("", " FILTER (WHERE TERM > 2)", " FILTER (WHERE STATE = 'a' OR PAID)", " FILTER (WHERE NOT PAID)")


def call(name: str, inner: str) -> str:
    if name == "QUARTILE":
        return f"QUANTILE_CONT({inner}, 0.25)"
    return f"COUNT(DISTINCT {inner})" if name == "COUNT_DISTINCT" else f"{name}({inner})"


def every_aggregate() -> Portfolio:
    parts = [f"{call(name, inner)}{where}" for name in CALLS for inner in INNER for where in FILTERS]
    parts += ["COUNT(*)", "MIN(STATE)", "MAX(PAID)", "MIN(START)", "COUNT(DISTINCT STATE)"]
    columns = ",\n".join(f"{part} AS f{number}" for number, part in enumerate(parts))
    return portfolio(
        application="SELECT *, f0 * 2 - AMOUNT AS a, GREATEST(f1, f2, AMOUNT) AS b, POWER(1.5 + AMOUNT / 9, AGE / 7.0) "
        "AS c, CASE WHEN f3 > 1 AND JOB IN ('x', 'y') THEN f4 WHEN f5 IS NULL THEN 0 END AS d, "
        "CASE WHEN JOB LIKE 'x%' THEN 'long' ELSE CAST(AGE AS VARCHAR) END AS e, "
        "POWER(1 + AMOUNT * AMOUNT, -CASE WHEN AGE > 40 THEN 12 WHEN AGE > 0 THEN 24 END) AS g, AGE + 1 - AGE AS h "
        "FROM application",
        loan=f"SELECT {columns} FROM loan GROUP BY ID",
    )


BOOK = every_aggregate()
STRANGE = [None, 0.0, -0.0, math.nan, math.inf, -math.inf, 1e308]


def loans(rows: int, seed: int, special: list[Any]) -> dict[str, pl.DataFrame]:
    """One application with so many loans, and two with few and none."""
    draw = np.random.default_rng(seed)
    amounts = (draw.normal(size=rows) * 10.0 ** draw.integers(-3, 6, rows)).tolist()
    if special:
        amounts = [special[draw.integers(len(special))] if draw.random() < 0.3 else one for one in amounts]
    made: list[tuple[object, ...]] = [
        (10 if number % 9 else 20, number, amount, None if draw.random() < 0.2 else int(draw.integers(-3, 9)),
         ("a", "b", None)[draw.integers(3)], (True, False, None)[draw.integers(3)], None, "x")
        for number, amount in enumerate(amounts)
    ]  # fmt: skip
    return frames(loan=made, month=[])


def engine_of(book: Portfolio, tables: Tables, prepare: Any = FewApplications) -> FeatureEngine:
    return FeatureEngine(book, compile_features(book, infer_contract(book, tables)), prepare)


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 40, 127, 128, 129, 146, 1000])
@pytest.mark.parametrize("special", [[], [None], [None, 0.0], STRANGE], ids=["plain", "null", "zero", "strange"])
def test_aggregates_have_the_bits_of_queries(rows: int, special: list[Any]) -> None:
    tables = loans(rows, rows, special)
    engine = engine_of(BOOK, frames())
    assert engine.agrees(tables)
    assert bits(engine.compute_all(tables).features) == bits(engine._queried(tables).features)
    alone = {**tables, "application": tables["application"][:1]}
    assert engine.agrees(alone)
    assert bits(engine.compute_all(alone).features) == bits(engine._queried(alone).features)


def bits(frame: pl.DataFrame) -> list[str]:
    return [repr(column.to_list()) for column in frame.get_columns()]


def test_these_features_are_written_as_functions_of_single_values() -> None:
    programs = FewApplications(BOOK, compiled(BOOK), {name: dict(frame.schema) for name, frame in frames().items()})
    assert programs.single_tables() == {"application", "loan"}


class Broken:
    """What another Polars might make of the way in which its plans are read."""

    def __init__(self, *_: object) -> None:
        raise AttributeError("'PyLazyFrame' object has no attribute 'visit'")


class Wrong:
    """Programs that are not those of the features."""

    def __init__(self, *_: object) -> None:
        self._features = compiled(BOOK)

    def compute_all(self, tables: Mapping[str, Raw], most_single: int = 0) -> ComputedFew:
        rows = tables["application"].height
        nothing = {p.name: [None] * rows for p in self._features.features}
        types = {p.name: storage(p.kind) for p in self._features.features}
        return ComputedFew(nothing, types, list(nothing), [], rows)


@pytest.mark.parametrize(("prepare", "why"), [(Broken, "failed"), (Wrong, "differ from Polars")])
def test_programs_that_cannot_be_trusted_are_left_with_one_warning(
    prepare: type[Programs], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    tables = frames()
    engine = engine_of(BOOK, tables, prepare)
    with caplog.at_level(logging.WARNING):
        assert not engine.agrees(tables)
        assert not engine.agrees(tables)
        assert bits(engine.compute(tables)) == bits(engine_of(BOOK, tables).compute(tables))
    assert [why in record.message for record in caplog.records] == [True]


def test_a_plan_that_is_refused_later_is_no_error_either(caplog: pytest.LogCaptureFixture) -> None:
    tables = frames()
    engine = engine_of(BOOK, tables, Broken)
    assert bits(engine.compute(tables)) == bits(engine_of(BOOK, tables).compute(tables))
    assert bits(engine.compute(tables)) == bits(engine_of(BOOK, tables).compute(tables))
    assert len(caplog.records) == 1


def test_nothing_of_a_feature_file_becomes_source() -> None:
    strange = "x'); import os; ('"
    quoted = strange.replace("'", "''")
    named = f"CASE WHEN JOB = '{quoted}' THEN 1 ELSE 2 END AS \"a b; import os\""
    book = portfolio(application=f"SELECT *, {named} FROM application")
    tables = frames(application=[(1, "p", "F", 1.0, 2, strange, True, None, 0)])
    engine = engine_of(book, tables)
    assert engine.agrees(tables)
    assert engine.compute(tables)["a b; import os"].to_list() == [1]


def test_a_written_function_is_gone_with_the_last_who_holds_it() -> None:
    script = Script()
    script.line("return row")
    written = script.function("row")
    assert written(7) == 7
    gone = weakref.ref(written)
    gc.disable()
    try:
        del written
        assert gone() is None
    finally:
        gc.enable()
