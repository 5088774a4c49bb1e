from __future__ import annotations

import pytest

from scorewright.errors import FeatureSqlError
from tests.oracles.book import TOML, compiled, frames, portfolio

CTE = "WITH c AS (SELECT *, {} FROM loan) SELECT COUNT(*) AS n FROM c GROUP BY ID"


def refusal(**sql: str) -> str:
    with pytest.raises(FeatureSqlError) as caught:
        compiled(portfolio(**sql))
    return str(caught.value)


ROOT = {
    "unknown column": ("AMONT + 1 AS x", "did you mean AMOUNT?"),
    "other case": ("amount + 1 AS x", "did you mean AMOUNT?"),
    "aggregate": ("SUM(AMOUNT) AS x", "Aggregates need GROUP BY"),
    "target": ("BAD + 1 AS x", "The target never feeds a feature"),
    "never": ("CASE WHEN SEX = 'F' THEN 1 END AS x", "never feeds a feature"),
    "key": ("ID", "Keys and identifiers are no features"),
    "identifier": ("PASSPORT AS x", "Keys and identifiers are no features"),
    "date": ("DAY AS x", "number, a boolean or text"),
    "nameless": ("AMOUNT + 1", "Each expression has a name"),
    "twice": ("AGE AS x, AMOUNT AS x", "Each feature has its own name"),
    "twice with star": ("*, AMOUNT + 1 AS AMOUNT", "Each feature has its own name"),
    "lateral alias": ("AMOUNT + 1 AS x, x * 2 AS y", "x is made by this same SELECT: make it in a CTE first"),
    "window": ("SUM(AMOUNT) OVER () AS x", "not run in feature files"),
    "function": ("LOG10(AMOUNT) AS x", "Allowed are the aggregates"),
    "try cast": ("TRY_CAST(AMOUNT AS DOUBLE) AS x", "not run in feature files"),
    "cast to int": ("CAST(AGE AS INTEGER) AS x", "CAST goes to DOUBLE, BIGINT or VARCHAR"),
    "cast cuts": ("CAST(AMOUNT AS BIGINT) AS x", "would not mean the same in every engine"),
    "cast reads": ("CAST(JOB AS DOUBLE) AS x", "would not mean the same in every engine"),
    "cast of a fraction": ("CAST(AMOUNT AS VARCHAR) AS x", "would not mean the same in every engine"),
    "qualified": ("application.AMOUNT AS x", "A column stands by its bare name"),
    "subquery": ("(SELECT 1) AS x", "not run in feature files"),
    "in subquery": ("AGE IN (SELECT 1) AS x", "IN takes a list of values"),
    "exclude": ("* EXCLUDE (AGE)", "* stands alone"),
    "replace": ("* REPLACE (1 AS AGE)", "* stands alone"),
    "chained": ("AGE > 1 = OWNER AS x", "not chained"),
    "is true": ("OWNER IS TRUE AS x", "IS is followed by NULL"),
    "like column": ("JOB LIKE JOB AS x", "LIKE takes a quoted pattern"),
    "ilike": ("JOB ILIKE 'c%' AS x", "not run in feature files"),
    "concat": ("JOB || 'x' AS x", "not run in feature files"),
    "integer division": ("AGE // 2 AS x", "not run in feature files"),
    "round to tens": ("ROUND(AMOUNT, -1) AS x", "ROUND(x, n) takes a whole number"),
    "hour": ("EXTRACT(HOUR FROM DAY) AS x", "EXTRACT takes YEAR, MONTH or DAY"),
    "year of text": ("EXTRACT(YEAR FROM JOB) AS x", "EXTRACT takes a date"),
    "text added": ("JOB + 1 AS x", "A number must stand here"),
    "boolean added": ("OWNER + 1 AS x", "A number must stand here"),
    "text compared": ("AGE > '3' AS x", "do not go together"),
    "date compared": ("DAY > '2020-01-01' AS x", "do not go together"),
    "mixed branches": ("CASE WHEN AGE > 1 THEN 1 ELSE 'a' END AS x", "do not go together"),
    "number as condition": ("CASE WHEN AGE THEN 1 END AS x", "A condition is true or false"),
    "not a number": ("NOT AGE AS x", "A condition is true or false"),
    "length of a number": ("LENGTH(AGE) AS x", "LENGTH takes text"),
    "like of a number": ("AGE LIKE 'a' AS x", "LIKE looks at text"),
    "distinct": ("DISTINCT AGE AS x", "DISTINCT is not run"),
    "filter": ("COUNT(*) FILTER (WHERE AGE > 1) AS x", "Aggregates need GROUP BY"),
}


@pytest.mark.parametrize(("sql", "words"), ROOT.values(), ids=ROOT)
def test_root_expression(sql: str, words: str) -> None:
    message = refusal(application=f"-- one\nSELECT\n  {sql}\nFROM application")
    assert words in message
    assert message.startswith(("book/features/application.sql:3", "book/features/application.sql: "))


GROUPED = {
    "no group": ("SELECT COUNT(*) AS n FROM loan", "grouped by ID"),
    "other group": ("SELECT COUNT(*) AS n FROM loan GROUP BY LOAN", "grouped by ID"),
    "two groups": ("SELECT COUNT(*) AS n FROM loan GROUP BY ID, LOAN", "GROUP BY names one column"),
    "group by all": ("SELECT COUNT(*) AS n FROM loan GROUP BY ALL", "GROUP BY names one column"),
    "rollup": ("SELECT COUNT(*) AS n FROM loan GROUP BY ROLLUP (ID)", "GROUP BY names one column"),
    "naked": ("SELECT TERM AS n FROM loan GROUP BY ID", "inside an aggregate"),
    "half naked": ("SELECT SUM(TERM) + TERM AS n FROM loan GROUP BY ID", "inside an aggregate"),
    "star": ("SELECT * FROM loan GROUP BY ID", "no meaning under GROUP BY"),
    "where": ("SELECT COUNT(*) AS n FROM loan WHERE TERM > 1 GROUP BY ID", "WHERE is not run"),
    "join": ("SELECT COUNT(*) AS n FROM loan JOIN month USING (LOAN) GROUP BY ID", "JOINS is not run"),
    "comma": ("SELECT COUNT(*) AS n FROM loan, month GROUP BY ID", "JOINS is not run"),
    "having": ("SELECT COUNT(*) AS n FROM loan GROUP BY ID HAVING COUNT(*) > 1", "HAVING is not run"),
    "order": ("SELECT COUNT(*) AS n FROM loan GROUP BY ID ORDER BY n", "ORDER is not run"),
    "limit": ("SELECT COUNT(*) AS n FROM loan GROUP BY ID LIMIT 3", "LIMIT is not run"),
    "qualify": ("SELECT COUNT(*) AS n FROM loan GROUP BY ID QUALIFY n > 1", "QUALIFY is not run"),
    "sample": ("SELECT COUNT(*) AS n FROM loan USING SAMPLE 10% GROUP BY ID", "is not run"),
    "alias": ("SELECT COUNT(*) AS n FROM loan AS l GROUP BY ID", "A relation stands by its bare name"),
    "schema": ("SELECT COUNT(*) AS n FROM main.loan GROUP BY ID", "A relation stands by its bare name"),
    "other table": ("SELECT COUNT(*) AS n FROM month GROUP BY ID", "FROM must name 'loan'"),
    "no table": ("SELECT 1 AS n", "FROM must name 'loan'"),
    "subquery": ("SELECT COUNT(*) AS n FROM (SELECT * FROM loan) GROUP BY ID", "FROM must name 'loan'"),
    "union": ("SELECT COUNT(*) AS n FROM loan GROUP BY ID UNION SELECT 1", "holds one SELECT"),
    "two": ("SELECT COUNT(*) AS n FROM loan GROUP BY ID; SELECT 1", "2 statements"),
    "nothing": ("-- nothing yet", "0 statements"),
    "delete": ("DELETE FROM loan", "DELETE"),
    "syntax": ("SELECT COUNT( AS n FROM loan GROUP BY ID", "must be SQL"),
    "quote": ("SELECT COUNT(*) AS n FROM loan\nGROUP BY ID AND STATE = 'x", "must be SQL"),
    "nested": ("SELECT SUM(COUNT(*)) AS n FROM loan GROUP BY ID", "not at aggregates"),
    "aggregate in filter": (
        "SELECT SUM(TERM) FILTER (WHERE COUNT(*) > 1) AS n FROM loan GROUP BY ID",
        "not at aggregates",
    ),
    "two counted": (
        "SELECT COUNT(DISTINCT TERM, STATE) AS n FROM loan GROUP BY ID",
        "DISTINCT stands in COUNT(DISTINCT x)",
    ),
    "sum distinct": ("SELECT SUM(DISTINCT TERM) AS n FROM loan GROUP BY ID", "DISTINCT stands in COUNT"),
    "mean of booleans": ("SELECT AVG(PAID) AS n FROM loan GROUP BY ID", "A number must stand here"),
    "sum of text": ("SELECT SUM(STATE) AS n FROM loan GROUP BY ID", "A number must stand here"),
    "quantile": ("SELECT QUANTILE_CONT(TERM, 2) AS n FROM loan GROUP BY ID", "a number q from 0 to 1"),
    "quantile column": ("SELECT QUANTILE_CONT(TERM, SUM) AS n FROM loan GROUP BY ID", "a number q from 0 to 1"),
    "never": ("SELECT MAX(BRANCH) AS n FROM loan GROUP BY ID", "never feeds a feature"),
    "never in filter": (
        "SELECT COUNT(*) FILTER (WHERE BRANCH = 'x') AS n FROM loan GROUP BY ID",
        "never feeds a feature",
    ),
    "never through a CTE": (CTE.format("LENGTH(BRANCH) AS b"), "never feeds a feature"),
    "named as the key": ("SELECT COUNT(*) AS ID FROM loan GROUP BY ID", "Each feature has its own name"),
    "column of the parent": (
        "SELECT COUNT(*) AS AMOUNT FROM loan GROUP BY ID",
        "a name that 'application' does not use",
    ),
    "target of the parent": ("SELECT COUNT(*) AS BAD FROM loan GROUP BY ID", "a name that 'application' does not use"),
    "CTE that aggregates": (CTE.format("COUNT(*) AS b"), "Aggregates need GROUP BY; in a CTE"),
    "CTE that groups": (
        "WITH c AS (SELECT *, 1 AS b FROM loan GROUP BY ID) SELECT COUNT(*) AS n FROM c GROUP BY ID",
        "row by row",
    ),
    "CTE without star": ("WITH c AS (SELECT ID FROM loan) SELECT COUNT(*) AS n FROM c GROUP BY ID", "Begin it with *"),
    "CTE star without": (
        "WITH c AS (SELECT * EXCLUDE (TERM) FROM loan) SELECT COUNT(*) AS n FROM c GROUP BY ID",
        "Begin it with *",
    ),
    "CTE reuses a name": (CTE.format("TERM + 1 AS TERM"), "A CTE adds columns under new names"),
    "CTE repeats a name": (CTE.format("TERM + 1 AS b, TERM + 2 AS b"), "A CTE adds columns under new names"),
    "CTE filters": (
        "WITH c AS (SELECT * FROM loan WHERE TERM > 1) SELECT COUNT(*) AS n FROM c GROUP BY ID",
        "WHERE is not run",
    ),
    "CTE passed over": (
        "WITH c AS (SELECT * FROM loan) SELECT COUNT(*) AS n FROM loan GROUP BY ID",
        "FROM must name 'c'",
    ),
    "recursive": (
        "WITH RECURSIVE c AS (SELECT * FROM loan) SELECT COUNT(*) AS n FROM c GROUP BY ID",
        "RECURSIVE is not run",
    ),
    "CTE columns": ("WITH c(a) AS (SELECT * FROM loan) SELECT COUNT(*) AS n FROM c GROUP BY ID", "no list of columns"),
}


@pytest.mark.parametrize(("sql", "words"), GROUPED.values(), ids=GROUPED)
def test_history(sql: str, words: str) -> None:
    message = refusal(loan=sql)
    assert words in message
    assert message.startswith("book/features/loan.sql")


def test_where_tells_of_filter() -> None:
    assert "FILTER (WHERE" in refusal(loan="SELECT COUNT(*) AS n FROM loan WHERE TERM > 1 GROUP BY ID")


def test_group_by_on_the_root() -> None:
    assert "no GROUP BY" in refusal(application="SELECT AGE AS x FROM application GROUP BY ID")


def test_the_line_is_that_of_the_mistake() -> None:
    message = refusal(loan="SELECT\n  COUNT(*) AS n,\n  SUM(TERM)\n    + SUM(TRM) AS m\nFROM loan\nGROUP BY ID")
    assert message.startswith("book/features/loan.sql:4:")
    message = refusal(loan="SELECT\n  COUNT(*) AS n,\n  SUM(DISTINCT TERM) AS m\nFROM loan\nGROUP BY ID")
    assert message.startswith("book/features/loan.sql:3:")


def test_root_may_not_reuse_the_name_of_a_history_feature() -> None:
    history = "SELECT COUNT(*) AS loans FROM loan GROUP BY ID"
    assert "Each feature has its own name" in refusal(
        application="SELECT loans + 1 AS loans FROM application", loan=history
    )


def test_two_histories_may_not_give_one_name() -> None:
    toml = TOML + '[tables.card]\nparent = "application"\non = "ID"\noptional = true\n'
    book = portfolio(
        toml,
        loan="SELECT COUNT(*) AS n FROM loan GROUP BY ID",
        card="SELECT COUNT(*) AS n FROM card GROUP BY ID",
    )
    with pytest.raises(FeatureSqlError, match="a name that 'application' does not use yet") as caught:
        compiled(book)
    assert caught.value.place == "book/features/card.sql"


def test_never_holds_even_where_the_table_is_absent() -> None:
    book = portfolio(loan="SELECT MAX(BRANCH) AS n FROM loan GROUP BY ID")
    with pytest.raises(FeatureSqlError, match="never feeds a feature"):
        compiled(book, {"application": frames()["application"]})


def test_no_feature_at_all() -> None:
    toml = TOML.replace('never = ["SEX"]', 'never = ["SEX", "AMOUNT", "AGE", "JOB", "OWNER"]')
    with pytest.raises(FeatureSqlError, match="There must be a feature"):
        compiled(portfolio(toml))
