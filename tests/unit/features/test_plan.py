"""What is computed is what is asked for, and nothing else."""

from __future__ import annotations

import pytest

from scorewright.errors import FeatureSqlError
from scorewright.features.compile import CompiledFeatures, compile_features
from scorewright.features.expressions import Expression
from scorewright.tables.contract import infer_contract
from tests.oracles.book import frames, portfolio

MONTH = """
WITH m AS (SELECT *, GREATEST(LATE, 0) AS delay FROM month)
SELECT MAX(delay) AS worst, SUM(DUE) AS due FROM month GROUP BY LOAN
""".replace("FROM month GROUP", "FROM m GROUP")
LOAN = """
WITH l AS (SELECT *, "SUM" / 2 AS half FROM loan), k AS (SELECT *, half + TERM AS mixed FROM l)
SELECT MAX(worst) AS loan_worst, SUM(due) AS loan_due, SUM(mixed) AS loan_mixed, COUNT(*) AS loans,
MIN(START) AS first_day, COUNT(*) FILTER (WHERE STATE = 'open') AS open_loans FROM k GROUP BY ID
"""
APPLICATION = """
WITH a AS (SELECT *, AMOUNT / NULLIF(AGE, 0) AS per_year, EXTRACT(YEAR FROM first_day) AS first_year FROM application)
SELECT AMOUNT, per_year * loan_due AS owed, CASE WHEN first_year > 2000 THEN 1 ELSE 0 END AS recent FROM a
"""
BOOK = portfolio(application=APPLICATION, loan=LOAN, month=MONTH)


def compiled(*extra: str, only: list[str] | None = None) -> CompiledFeatures:
    expressions = [Expression(f"entry {number}", sql, "money") for number, sql in enumerate(extra)]
    return compile_features(BOOK, infer_contract(BOOK, frames()), expressions, only)


def plan(features: CompiledFeatures) -> dict[str, tuple[list[str], list[str]]]:
    """Derived columns and outputs of each table."""
    return {
        name: ([p.name for stage in table.stages for p in stage], [p.name for p in table.outputs])
        for name, table in features.tables.items()
    }


def test_everything_is_kept_but_what_nothing_reads() -> None:
    whole = compiled()
    assert plan(whole) == {
        "month": (["delay"], ["worst", "due"]),
        "loan": (
            ["half", "mixed"],
            ["loan_worst", "loan_due", "loan_mixed", "loans", "first_day", "open_loans"],
        ),
        "application": (["per_year", "first_year"], ["AMOUNT", "owed", "recent"]),
    }
    names = ["AMOUNT", "owed", "recent", "loan_worst", "loan_due", "loan_mixed", "loans", "open_loans"]
    assert [p.name for p in whole.features] == names
    book = portfolio(loan="SELECT COUNT(*) AS loans, MIN(START) AS unread FROM loan GROUP BY ID", month=MONTH)
    assert plan(compile_features(book, infer_contract(book, frames()))) == {
        "loan": ([], ["loans"]),
        "application": ([], ["AMOUNT", "AGE", "JOB", "OWNER"]),
    }


PLANS = {
    "raw": (["AMOUNT"], {"application": ([], ["AMOUNT"])}),
    "a history's": (["loans"], {"loan": ([], ["loans"]), "application": ([], [])}),
    "down to months": (
        ["loan_worst"],
        {"month": (["delay"], ["worst"]), "loan": ([], ["loan_worst"]), "application": ([], [])},
    ),
    "through derived columns": (
        ["owed", "recent"],
        {
            "month": ([], ["due"]),
            "loan": ([], ["loan_due", "first_day"]),
            "application": (["per_year", "first_year"], ["owed", "recent"]),
        },
    ),
    "derived of derived": (["loan_mixed"], {"loan": (["half", "mixed"], ["loan_mixed"]), "application": ([], [])}),
}


@pytest.mark.parametrize(("only", "expected"), PLANS.values(), ids=PLANS)
def test_only(only: list[str], expected: dict[str, tuple[list[str], list[str]]]) -> None:
    asked = compiled(only=only)
    assert plan(asked) == expected
    assert [p.name for p in asked.features] == only


def test_columns_that_are_used_are_those_that_are_asked_for() -> None:
    assert compiled(only=["AMOUNT"]).used_columns() == {"application": frozenset({"AMOUNT"})}
    asked = compiled(only=["owed"])
    assert asked.used_columns() == {
        "application": frozenset({"AMOUNT", "AGE"}),
        "loan": frozenset(),
        "month": frozenset({"DUE"}),
    }
    assert asked.tables["loan"].columns == ()


def test_order_is_that_of_the_portfolio() -> None:
    assert [p.name for p in compiled(only=["loans", "recent", "AMOUNT"]).features] == ["AMOUNT", "recent", "loans"]


def test_extra_expressions_keep_what_they_read() -> None:
    asked = compiled("loan_due", "AGE + 1", only=["AMOUNT"])
    assert plan(asked) == {
        "month": ([], ["due"]),
        "loan": ([], ["loan_due"]),
        "application": ([], ["AMOUNT"]),
    }
    assert asked.used_columns()["application"] == {"AMOUNT", "AGE"}


def test_no_feature_at_all_may_be_asked_for() -> None:
    assert plan(compiled("AGE", only=[])) == {"application": ([], [])}


def test_a_feature_that_is_not_made() -> None:
    with pytest.raises(FeatureSqlError, match=r"application\.sql: .* Found: gone, lost\."):
        compiled(only=["AMOUNT", "lost", "gone"])
