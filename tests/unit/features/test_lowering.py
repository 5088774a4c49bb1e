"""What the allowed SQL means: the same in Polars as in DuckDB, on values chosen to tell them apart."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from scorewright.features.engine import FeatureEngine
from tests.oracles import duckdb_features as oracle
from tests.oracles.book import compiled, computed, frames, portfolio

DAY = dt.date(2024, 2, 29)
APPLICATIONS = [
    (1, "p", "F", 0.5, 5, "aé%", True, DAY, 0),
    (2, "p", "F", 1.5, -5, "A_b", False, dt.date(1969, 12, 1), 1),
    (3, "p", "F", 2.5, 2, None, None, None, 0),
    (4, "p", "F", -0.5, 3, "", True, DAY, 1),
    (5, "p", "F", None, None, None, None, DAY, 0),
    (6, "p", "F", -1.5, 0, "cook", None, dt.date(2000, 1, 31), 1),
    (7, "p", "F", 1e300, 3_000_000_000, "Cook", True, DAY, 0),
    (8, "p", "F", 0.0, 7, "a", False, DAY, 0),
    (9, "p", "F", 0.285, 1, "B", False, DAY, 0),
    (10, "p", "F", 0.49999999999999994, 4, "b", True, DAY, 0),
]
LOANS = [
    (key, number, amount, term, state, paid, DAY, "x")
    for number, (key, amount, term, state, paid) in enumerate(
        [
            (1, 0.5, 5, "a", True),
            (1, 1.5, -5, "B", False),
            (1, 2.5, 2, None, None),
            (2, -0.5, 3, "", True),
            (2, None, None, None, False),
            (3, None, None, None, None),
            (4, -1.5, 0, "aé%", None),
            (4, 1e200, 7, "A_b", True),
            (5, 1e9, 1_000_000_000, "a", True),
            (5, 1e9 + 1, 1_000_000_000, "a", True),
            (5, 1e9 + 2, -1_000_000_000, "b", False),
            (7, 0.1, 1, "a", True),
        ]
    )
]

ROWS = """
AGE / 7 | AGE / AMOUNT | AMOUNT / 3 | AMOUNT / AGE | 1 / AGE | 1.0 / 3 | 7 / 2 | AMOUNT / 0 | AGE % 3 | -AGE % 3
AMOUNT % 0.4 | -AGE | - -AGE | -(-AMOUNT) | AGE * 0.1 | AGE + AMOUNT - 3 | AGE * AGE | AMOUNT / -365.25
AGE - (AGE - 1) | AGE / (AGE / 2) | 0.1 * 3 | AMOUNT / (CASE WHEN OWNER THEN 49 ELSE 7 END) | AGE = AMOUNT
AGE > AMOUNT | AGE > 2.5 | AMOUNT = 0.5 | AMOUNT <> 0.5 | AGE = NULL | JOB = 'a' | JOB < 'b' | JOB > 'A'
OWNER = TRUE | OWNER <> FALSE | NOT OWNER | OWNER AND AGE > 0 | OWNER OR AGE > 0 | OWNER AND NULL | OWNER OR NULL
DAY = DAY | AGE IS NULL | JOB IS NOT NULL | (AGE > 1) IS NULL | NOT (AGE > 0 AND AMOUNT > 0)
CASE WHEN AGE > 0 THEN 1 END | CASE WHEN AGE > 0 THEN AGE ELSE AMOUNT END | CASE WHEN NULL THEN 1 ELSE 2 END
CASE AGE WHEN 5 THEN 1 WHEN 2 THEN 2 ELSE 9 END | CASE WHEN AGE > 0 THEN JOB ELSE 'z' END
CASE WHEN OWNER THEN NULL ELSE 1 END | CASE JOB WHEN NULL THEN 1 ELSE 0 END | IF(AGE > 0, 1, 0)
CASE WHEN OWNER THEN 0.5 END | CASE WHEN OWNER THEN 0.5 ELSE AGE END | COALESCE(AGE, AMOUNT) | COALESCE(AGE, 0.5)
COALESCE(JOB, 'none') | COALESCE(OWNER, FALSE) | COALESCE(NULL, AGE) | NULLIF(AGE, 0) | NULLIF(AGE, 5.0)
NULLIF(JOB, '') | NULLIF(AMOUNT, AGE) | ABS(AGE) | ABS(AMOUNT) | SIGN(AGE) | SIGN(AMOUNT) | FLOOR(AMOUNT)
CEIL(AMOUNT) | FLOOR(AGE) | FLOOR(AMOUNT / 7) | LN(AMOUNT) | LN(AGE) | LN(0) | SQRT(AMOUNT) | SQRT(AGE)
EXP(AMOUNT) | EXP(1000) | LN(AMOUNT * 0) | SQRT(0 - AMOUNT) | POWER(AMOUNT, 2) | POWER(AGE, -1) | POWER(2, AGE)
POWER(AMOUNT, 0.5) | AGE ** 2 | POWER(AGE, AMOUNT) | ROUND(AMOUNT) | ROUND(AMOUNT, 1) | ROUND(AMOUNT, 2)
ROUND(AGE) | ROUND(AMOUNT * 10, 0) | ROUND(AMOUNT + 0.05, 1) | GREATEST(AGE, AMOUNT) | LEAST(AGE, 0)
LEAST(AMOUNT, AGE, 3) | GREATEST(AMOUNT, NULL) | GREATEST(JOB, 'b') | GREATEST(LN(AMOUNT), 0) | LEAST(LN(AMOUNT), 0)
GREATEST(AMOUNT / 0, 1) | LEAST(AMOUNT / 0, 1) | GREATEST(0, SQRT(AMOUNT), AGE) | AGE IN (5, 2) | AGE IN (5, NULL)
AGE NOT IN (5, 2) | AGE NOT IN (5, NULL) | AGE IN (5.0, 2.5) | AMOUNT IN (0.5, 1) | JOB IN ('a', '')
AGE BETWEEN 0 AND 5 | AMOUNT BETWEEN AGE AND 2.5 | AGE NOT BETWEEN 0 AND 5 | 5 IN (AGE, 2) | JOB LIKE 'a%'
JOB LIKE '%b' | JOB LIKE 'A_b' | JOB NOT LIKE 'a%' | JOB LIKE '%é%' | JOB LIKE 'A.b' | JOB LIKE '' | JOB LIKE '_'
CAST(AGE AS DOUBLE) | CAST(AGE AS VARCHAR) | CAST(OWNER AS BIGINT) | CAST(OWNER AS VARCHAR) | CAST(DAY AS VARCHAR)
CAST(AGE > 1 AS DOUBLE) | EXTRACT(YEAR FROM DAY) | EXTRACT(MONTH FROM DAY) * 100 | EXTRACT(DAY FROM DAY) - 40
DAY - DAY | LOWER(JOB) | UPPER(JOB) | LENGTH(JOB) - 5 | 1 | NULL | 'text' | TRUE | 1.5 | LN(AMOUNT) > 5
LN(AMOUNT) BETWEEN -1 AND 5 | CASE WHEN LN(AMOUNT) >= 1 THEN 1 ELSE 0 END | NULLIF(LN(AMOUNT), 7)
COALESCE(LN(AMOUNT), 7) | FLOOR(LN(AMOUNT))
"""

AGGREGATES = """
COUNT(*) | COUNT(TERM) | COUNT(DISTINCT TERM) | COUNT(DISTINCT STATE) | COUNT(DISTINCT PAID) | COUNT(TERM > 0)
COUNT(NULL) | SUM(TERM) | SUM("SUM") | SUM(PAID) | SUM(TERM > 1) | SUM(1) | SUM(0.1) | SUM(LENGTH(STATE) - 5)
SUM(EXTRACT(MONTH FROM START) * 100) | SUM(TERM * TERM) | SUM(TERM + TERM)
SUM(CASE WHEN PAID THEN 2000000000 ELSE 0 END) | SUM(CASE WHEN PAID THEN 0.5 ELSE 0.25 END) / 3
SUM(CASE WHEN TERM > 0 THEN TERM END) | AVG(TERM) | AVG("SUM") | AVG(CASE WHEN PAID THEN 1 ELSE 0 END)
AVG("SUM" / NULLIF(TERM, 0)) | MIN(TERM) | MAX("SUM") | MIN(STATE) | MAX(STATE) | MIN(PAID) | MAX(PAID)
MAX(EXTRACT(YEAR FROM START)) | MAX(5) | STDDEV_SAMP(TERM / 7) | VAR_SAMP(LENGTH(STATE)) | STDDEV(LENGTH(STATE))
VARIANCE(LENGTH(STATE)) | MEDIAN("SUM") | MEDIAN(TERM / 2) | QUANTILE_CONT("SUM", 0.25)
QUANTILE_CONT(TERM / 3, 0.9) | QUANTILE_CONT("SUM", 0) | QUANTILE_CONT("SUM", 1) | MAX(LN("SUM")) | MIN(LN("SUM"))
COUNT(LN("SUM")) | COUNT(DISTINCT LN("SUM")) | MAX("SUM" / TERM) | MAX(LN("SUM")) FILTER (WHERE TERM > 0)
MAX(GREATEST(LN("SUM"), 0)) | MIN(LEAST(LN("SUM"), 3)) | SUM(GREATEST(TERM, 0)) | COUNT(*) FILTER (WHERE TERM > 0)
COUNT(TERM) FILTER (WHERE "SUM" > 0) | COUNT(DISTINCT TERM) FILTER (WHERE "SUM" > 0)
SUM(TERM) FILTER (WHERE "SUM" > 1) | SUM("SUM") FILTER (WHERE TERM > 100) | SUM(PAID) FILTER (WHERE TERM > 100)
AVG("SUM") FILTER (WHERE STATE = 'a') | MAX("SUM") FILTER (WHERE PAID) | MIN(STATE) FILTER (WHERE TERM > 0)
MEDIAN("SUM") FILTER (WHERE TERM > 0) | COUNT(*) FILTER (WHERE NULL)
STDDEV_SAMP(LENGTH(STATE)) FILTER (WHERE TERM > 0) | QUANTILE_CONT("SUM", 0.3) FILTER (WHERE TERM > 0)
COUNT(*) FILTER (WHERE TRUE) | COUNT(*) FILTER (WHERE NOT (TERM > 0)) | COUNT(*) FILTER (WHERE TERM IN (5, 2))
COUNT(*) FILTER (WHERE STATE LIKE 'a%') | SUM(TERM) / COUNT(*) | SUM("SUM") / NULLIF(SUM(TERM), 0)
COUNT(*) FILTER (WHERE PAID) / COUNT(*) | COUNT(TERM) - COUNT(*) | 0 - COUNT(*) | MAX("SUM") - MIN("SUM")
COALESCE(SUM(TERM), 0) | COALESCE(MAX("SUM") FILTER (WHERE TERM > 100), -1) | GREATEST(MAX(TERM), 3)
CASE WHEN COUNT(*) > 1 THEN SUM("SUM") END | ROUND(AVG("SUM"), 1) | LN(SUM("SUM")) | ABS(SUM(TERM)) | SUM("SUM") / 7
1 | 5 + COUNT(*) | 5 / 3 | SUM("SUM") / (CASE WHEN COUNT(*) > 2 THEN 49 ELSE 7 END) | MAX(TERM) IN (5, 7)
MAX(TERM) BETWEEN 0 AND 5 | MAX(TERM) IS NULL | NOT MAX(PAID) | COUNT(*) > 1 | POWER(COUNT(*), 2)
COUNT(*) * 3000000000 | CAST(SUM(TERM) AS DOUBLE) | CAST(COUNT(*) AS VARCHAR)
"""


def cases(text: str) -> list[str]:
    return [case.strip() for line in text.strip().splitlines() for case in line.split(" | ")]


def compare(sql: dict[str, str]) -> list[str]:
    book, tables = portfolio(**sql), frames(application=APPLICATIONS, loan=LOANS)
    return oracle.differences(computed(book, tables), oracle.duckdb_features(book, tables))


def named(expressions: list[str]) -> str:
    return ",\n".join(
        f'{expression} AS "{number}: {expression.replace(chr(34), "")}"'
        for number, expression in enumerate(expressions)
    )


def test_rows_mean_the_same() -> None:
    assert compare({"application": f"SELECT {named(cases(ROWS))}\nFROM application"}) == []


def test_derived_columns_mean_the_same() -> None:
    numeric = [
        case for case in cases(ROWS) if ("AGE" in case or "AMOUNT" in case) and not re.search("JOB|OWNER|DAY", case)
    ]
    derived = [case.replace("AMOUNT", '"SUM"').replace("AGE", "TERM") for case in numeric]
    columns = ",\n".join(f"{case} AS c{number}" for number, case in enumerate(derived))
    outputs = ",\n".join(
        f'MIN(c{number}) AS "low {case}", MAX(c{number}) AS "high {case}"' for number, case in enumerate(numeric)
    )
    sql = f"WITH d AS (SELECT *, {columns} FROM loan)\nSELECT {outputs}\nFROM d GROUP BY ID"
    assert compare({"application": "SELECT AGE FROM application", "loan": sql}) == []


def test_aggregates_mean_the_same() -> None:
    sql = f"SELECT {named(cases(AGGREGATES))}\nFROM loan GROUP BY ID"
    assert compare({"application": "SELECT AGE FROM application", "loan": sql}) == []


def test_the_comparison_can_fail() -> None:
    book, tables = portfolio(application="SELECT AGE + 1 AS x FROM application"), frames(application=APPLICATIONS)
    ours = computed(portfolio(application="SELECT AGE + 2 AS x FROM application"), tables)
    (problem,) = oracle.differences(ours, oracle.duckdb_features(book, tables))
    assert problem.startswith("x: (0, 7")


def test_no_integer_overflows() -> None:
    sql = "SELECT SUM(TERM) AS total, SUM(TERM * 4) AS four FROM loan GROUP BY ID"
    rows = [(10, number, 1.0, 2**62, "a", True, None, "x") for number in range(5)]
    result = computed(portfolio(loan=sql), frames(loan=rows))
    assert result.select("total", "four").row(0) == (5 * 2.0**62, 20 * 2.0**62)


@pytest.mark.parametrize("expression", cases(ROWS))
def test_one_row_gives_the_bits_of_many(expression: str) -> None:
    book, tables = portfolio(application=f"SELECT {expression} AS x FROM application"), frames(application=APPLICATIONS)
    engine = FeatureEngine(book, compiled(book, tables))
    many = engine.compute(tables)["x"].to_list()
    ones = [engine.compute(tables | {"application": tables["application"][row]})["x"][0] for row in range(len(many))]
    assert [repr(positive(value)) for value in ones] == [repr(positive(value)) for value in many]


def positive(value: object) -> object:
    """Zero without its sign, which the matrix does not keep."""
    return 0.0 if value == 0.0 and isinstance(value, float) else value


FIRST = [
    "2",
    "-2",
    "2 * 3",
    "NULLIF(2, 2)",
    "ROUND(25e-1)",
    "CASE WHEN 1 > 0 THEN 2 ELSE TERM END",
    "CASE WHEN 1 > 0 OR TERM > 0 THEN 2 ELSE 3 END",
    "COALESCE(2, TERM)",
    "GREATEST(2, TERM)",
    "TERM / NULLIF(FLOOR(25e-2), 0)",
    "NULL",
    "same",
]


@pytest.mark.parametrize("first", FIRST)
def test_a_choice_that_is_one_value_for_all_rows(first: str) -> None:
    """Polars kept such a value as one row: it broke under GROUP BY, or filtered all groups but the first away."""
    chosen = f"COALESCE({first}, TERM)"
    calls = ("SUM({})", "COUNT(DISTINCT {})", "MEDIAN({})", "COALESCE(2, SUM({}))")
    asked = [call.format(chosen) for call in calls]
    asked += [f"{call} FILTER (WHERE 1 <> {chosen} * 7)" for call in ("COUNT(*)", "COUNT(2)", "MIN(2)", "SUM(TERM)")]
    asked += [
        f"MIN(2) FILTER (WHERE 2 = {chosen})",
        "MIN(2) FILTER (WHERE 2 = same)",
        "COUNT(*) FILTER (WHERE 3 > same)",
    ]
    asked += [f"COUNT(*) FILTER (WHERE 1 <> COALESCE({first}, 2))"]
    named = ",\n".join(f"{sql} AS f{number}" for number, sql in enumerate(asked))
    book = portfolio(loan=f"WITH l AS (SELECT *, 2 AS same FROM loan)\nSELECT {named}\nFROM l GROUP BY ID")
    assert oracle.differences(computed(book), oracle.duckdb_features(book, frames())) == []
