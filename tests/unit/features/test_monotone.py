"""Which way features go with a raw column, and whether a whole scorer keeps to it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from scorewright.errors import PortfolioError
from scorewright.features.compile import CompiledFeatures, compile_features
from scorewright.features.encoding import learn_columns
from scorewright.features.engine import FeatureEngine
from scorewright.features.monotone import (
    APPLICATIONS,
    VALUES,
    feature_directions,
    learn_monotone,
    sweep_violations,
    swept,
)
from scorewright.tables.contract import infer_contract
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.types import Tables
from tests.oracles.book import TOML, compiled, frames, portfolio


def many(rows: int = 60) -> dict[str, pl.DataFrame]:
    """Applications of many amounts and ages, some empty."""
    own = [
        (n, "p", "F", None if n % 7 == 0 else float(n % 30 - 10), 18 + n % 50, "cook", n % 2 == 0, None, n % 2)
        for n in range(rows)
    ]
    loans = [(n % rows, n, float(n), n % 5, "open", True, None, "x") for n in range(2 * rows)]
    return frames(application=own, loan=loans, month=[])


SQL = {
    "AMOUNT": "non-decreasing",
    "0 - AMOUNT AS down": "non-increasing",
    "AMOUNT / 3 + AGE AS up": "non-decreasing",
    "AMOUNT * AMOUNT AS square": "mixed",
    "ABS(AMOUNT) AS folded": "mixed",
    "AMOUNT / NULLIF(loans, 0) AS per_loan": "non-decreasing",
    "EXP(AMOUNT / 10) AS grown": "non-decreasing",
    "LN(AMOUNT) AS logarithm": "mixed",
    "CASE WHEN AMOUNT > 5 THEN AMOUNT END AS gap": "mixed",
    "CASE WHEN AGE > 30 THEN AMOUNT END AS for_some": "non-decreasing",
    "CASE WHEN AMOUNT > 5 THEN 'high' ELSE 'low' END AS word": "mixed",
    "CASE WHEN AMOUNT > 1e9 THEN 'high' ELSE JOB END AS same_word": "unaffected",
    "AMOUNT * 0 AS nothing": "unaffected",
    "CASE WHEN AMOUNT > 5 THEN TRUE ELSE FALSE END AS flag": "non-decreasing",
    "AMOUNT * (AGE - 40) AS either": "mixed",
    "AGE": "unaffected",
}


def book(monotone: str = "", application: str | None = None) -> Portfolio:
    return portfolio(
        TOML + f"[tables.application.monotone]\n{monotone}\n",
        application=application or f"SELECT {', '.join(SQL)} FROM application",
        loan="SELECT COUNT(*) AS loans FROM loan GROUP BY ID",
    )


def test_directions() -> None:
    found = feature_directions(book(), compiled(book(), many()), many(), "AMOUNT")
    assert found == {part.split()[-1]: direction for part, direction in SQL.items()} | {"loans": "unaffected"}


def test_noise_of_rounding_is_no_direction() -> None:
    noisy = book(
        application="SELECT (AMOUNT + 1e15) - AMOUNT AS still, (AMOUNT * 0.1 + 1e3) / 7 AS up FROM application"
    )
    found = feature_directions(noisy, compiled(noisy, many()), many(), "AMOUNT")
    assert (found["still"], found["up"]) == ("unaffected", "non-decreasing")


def test_a_boolean_has_two_values() -> None:
    asked = book(application="SELECT CASE WHEN OWNER THEN 0 ELSE AGE END AS a FROM application")
    assert feature_directions(asked, compiled(asked, many()), many(), "OWNER")["a"] == "non-increasing"


@pytest.mark.parametrize("values", [[None] * 60, [3.0] * 60], ids=["none", "one"])
def test_a_column_that_does_not_vary_moves_nothing(values: list[float | None]) -> None:
    tables = many()
    tables["application"] = tables["application"].with_columns(pl.Series("AMOUNT", values, pl.Float64()))
    found = feature_directions(book(), compiled(book(), many()), tables, "AMOUNT")
    assert set(found.values()) == {"unaffected"}


@pytest.mark.parametrize("column", ["JOB", "DAY", "AMONT"])
def test_a_column_without_order(column: str) -> None:
    with pytest.raises(PortfolioError, match=f"numbers or booleans.* Found: {column} is "):
        swept(book(), many(), column)


def test_a_sweep_repeats_applications_and_keeps_their_histories() -> None:
    tables, applications, values = swept(book(), many(1000), "AMOUNT")
    root = tables["application"]
    assert (applications, root.height) == (APPLICATIONS, applications * values)
    assert 2 < values <= VALUES
    assert root["AMOUNT"].null_count() == 0
    assert root["AMOUNT"].is_sorted()
    assert (root["AMOUNT"].min(), root["AMOUNT"].max()) == (-10.0, 19.0)
    assert root[:applications].drop("AMOUNT").equals(root[-applications:].drop("AMOUNT"))
    assert tables["loan"].height == 2000


def learnt(monotone: str, application: str) -> dict[str, int]:
    asked = book(monotone, application)
    return dict(learn_monotone(asked, compiled(asked, many()), many()))


def test_signs_are_those_of_the_pd() -> None:
    sql = "SELECT AMOUNT, 0 - AMOUNT AS down, AGE, AMOUNT - AGE AS both, JOB FROM application"
    declared = 'AMOUNT = "increasing"\nAGE = "decreasing"'
    assert learnt(declared, sql) == {"AMOUNT": 1, "down": -1, "AGE": -1, "both": 1}
    assert learnt("", sql) == {}


def test_a_mixed_feature_is_refused() -> None:
    with pytest.raises(PortfolioError) as caught:
        learnt('AMOUNT = "increasing"', "SELECT AMOUNT, ABS(AMOUNT) AS folded FROM application")
    assert "Where AMOUNT is declared in tables.application.monotone" in caught.value.rule
    assert caught.value.value.startswith("folded: up and down")
    assert caught.value.remedy == "Leave the feature out of features/application.sql, or AMOUNT undeclared."


def test_opposite_wishes_are_refused() -> None:
    declared = 'AMOUNT = "increasing"\nAGE = "decreasing"'
    with pytest.raises(PortfolioError, match="total would raise the PD by one and lower it by another of AMOUNT, AGE"):
        learnt(declared, "SELECT AMOUNT + AGE AS total FROM application")


def test_columns_of_the_matrix_carry_the_sign() -> None:
    asked = book('AMOUNT = "decreasing"', "SELECT AMOUNT, AGE FROM application")
    features = compile_features(asked, infer_contract(asked, many()))
    computed, monotone = FeatureEngine(asked, features).compute(many()), learn_monotone(asked, features, many())
    columns = learn_columns(computed, features, monotone)
    assert {column.name: column.monotone for column in columns} == {"AMOUNT": -1, "AGE": 0, "loans": 0}
    assert {column.monotone for column in learn_columns(FeatureEngine(asked, features).compute(many()), features)} == {
        0
    }


class Scorer:
    """Scores by one feature, with a dent at an amount."""

    def __init__(self, dent: float) -> None:
        self._dent = dent
        self._book = book(application="SELECT AMOUNT FROM application")
        self._engine = FeatureEngine(self._book, self._features())

    def _features(self) -> CompiledFeatures:
        return compiled(self._book, many())

    def __call__(self, tables: Tables) -> NDArray[np.float64]:
        amount = self._engine.compute(tables)["AMOUNT"].to_numpy()
        scores: NDArray[np.float64] = amount / 100 - np.where(amount == 3, self._dent, 0.0)
        return scores


def test_a_whole_scorer_is_swept() -> None:
    asked = book()
    kept = sweep_violations(Scorer(0.0), asked, many(), "AMOUNT", "increasing")
    assert (kept.column, kept.violation, kept.applications) == ("AMOUNT", 0.0, 60)
    assert 2 < kept.values <= VALUES
    broken = sweep_violations(Scorer(0.5), asked, many(), "AMOUNT", "increasing")
    assert broken.violation == pytest.approx(0.49, abs=0.011)
    assert sweep_violations(Scorer(0.0), asked, many(), "AMOUNT", "decreasing").violation > 0


def test_a_sweep_over_nothing_violates_nothing() -> None:
    tables = many()
    tables["application"] = tables["application"].with_columns(pl.lit(None, pl.Float64()).alias("AMOUNT"))
    assert sweep_violations(Scorer(1.0), book(), tables, "AMOUNT", "increasing").violation == 0.0
