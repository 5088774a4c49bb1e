from __future__ import annotations

import polars as pl

from scorewright.domain.matrix import Label
from tests.oracles.book import TOML, compiled, computed, frames, portfolio

MONTH = """
WITH m AS (SELECT *, GREATEST(LATE, 0) AS delay FROM month),
     n AS (SELECT *, delay * DUE AS weight FROM m)
SELECT MAX(delay) AS worst, SUM(weight) AS weight, COUNT(*) AS months FROM n GROUP BY LOAN
"""
LOAN = """
SELECT
  MAX(worst) AS loan_worst,  -- Longest delay | Plus long retard
  SUM(weight) / NULLIF(SUM("SUM"), 0) AS loan_weight,
  SUM(months) FILTER (WHERE STATE = 'open') AS loan_months,
  COUNT(*) FILTER (WHERE TERM > 6) AS loan_long,
  COUNT(*) AS loans
FROM loan GROUP BY ID
"""


def sources(**sql: str) -> dict[str, list[str]]:
    return {feature.name: sorted(feature.sources) for feature in compiled(portfolio(**sql)).features}


def test_lineage_goes_through_ctes_and_tables() -> None:
    found = sources(application="SELECT loan_worst / NULLIF(AGE, 0) AS ratio FROM application", loan=LOAN, month=MONTH)
    assert found == {
        "ratio": ["application.AGE", "month.LATE"],
        "loan_worst": ["month.LATE"],
        "loan_weight": ["loan.SUM", "month.DUE", "month.LATE"],
        "loan_months": ["loan.STATE", "month.*"],
        "loan_long": ["loan.*", "loan.TERM"],
        "loans": ["loan.*"],
    }


def test_used_columns_are_those_of_the_lineage() -> None:
    used = compiled(portfolio(application="SELECT AGE FROM application", loan=LOAN, month=MONTH)).used_columns()
    assert used == {
        "application": frozenset({"AGE"}),
        "loan": frozenset({"SUM", "STATE", "TERM"}),
        "month": frozenset({"LATE", "DUE"}),
    }


def test_star_is_every_column_that_may_be_a_feature() -> None:
    assert sources() == {name: [f"application.{name}"] for name in ("AMOUNT", "AGE", "JOB", "OWNER")}


def test_history_of_a_history_gives_no_feature_by_itself() -> None:
    assert "worst" not in sources(loan=LOAN, month=MONTH)


def test_dates_of_a_history_feed_the_root_and_are_no_features() -> None:
    sql = {
        "application": "SELECT EXTRACT(YEAR FROM DAY) - EXTRACT(YEAR FROM first_day) AS years,\n"
        "DAY - first_day AS days FROM application",
        "loan": "SELECT MIN(START) AS first_day FROM loan GROUP BY ID",
    }
    assert sources(**sql) == {name: ["application.DAY", "loan.START"] for name in ("years", "days")}
    assert computed(portfolio(**sql)).rows() == [(None, None), (None, None), (None, None)]
    rows = [(20, "b2", "M", None, 25, None, False, frames()["application"]["DAY"][0], 1)]
    assert computed(portfolio(**sql), frames(application=rows)).rows() == [(4, 1520)]


def test_labels_come_from_comments_then_from_the_portfolio_then_from_the_name() -> None:
    sql = """
    -- not a label | pas un libellé
    SELECT
      AMOUNT,
      AGE, -- Age in years | Âge en années
      AMOUNT / NULLIF(AGE, 0) AS per_year,  -- Amount per year | Montant par an
      CASE
        WHEN OWNER THEN 1 -- inside | dedans
      END AS owns,  -- Owns | Possède
      AGE + 1 AS plain,  -- no bar here
      AGE + 2 AS last  -- Last | Dernier
    FROM application
    """
    labels = {feature.name: feature.label for feature in compiled(portfolio(application=sql)).features}
    assert labels == {
        "AMOUNT": Label("Amount", "Montant"),
        "AGE": Label("Age in years", "Âge en années"),
        "per_year": Label("Amount per year", "Montant par an"),
        "owns": Label("Owns", "Possède"),
        "plain": Label("plain", "plain"),
        "last": Label("Last", "Dernier"),
    }


def test_derived_columns_that_nothing_reads_cost_nothing_and_need_no_column() -> None:
    sql = "WITH c AS (SELECT *, TERM + 1 AS a FROM loan), d AS (SELECT *, a + 1 AS b, LENGTH(STATE) AS s FROM c) "
    table = compiled(portfolio(loan=sql + "SELECT MAX(s) AS n FROM d GROUP BY ID")).tables["loan"]
    assert [[p.name for p in stage] for stage in table.stages] == [["s"]]
    assert table.columns == ("STATE",)
    assert computed(portfolio(loan=sql + "SELECT MAX(s) AS n FROM d GROUP BY ID"))["n"].to_list() == [6, 4, None]


def test_absent_table_gives_nulls_of_the_right_type() -> None:
    book = portfolio(
        application="SELECT CASE WHEN state = 'open' THEN 1 ELSE 0 END AS is_open,\n"
        "COALESCE(loans, 0) AS n FROM application",
        loan="SELECT MAX(STATE) AS state, COUNT(*) AS loans, AVG(TERM) AS term FROM loan GROUP BY ID",
    )
    root = {"application": frames()["application"]}
    unseen = computed(book, root)
    assert unseen.rows() == [(0, 0, None, None, None)] * 3
    engine_saw_it = compiled(book)
    assert [feature.name for feature in engine_saw_it.features] == unseen.columns


def test_a_column_without_any_value_goes_with_every_type() -> None:
    tables = frames()
    tables["application"] = tables["application"].with_columns(
        pl.lit(None, pl.Float64).alias("AMOUNT"), pl.lit(None, pl.Float64).alias("AGE")
    )
    sql = "SELECT AGE + 1 AS a, CASE WHEN AGE = 'x' THEN 1 ELSE 0 END AS b, COALESCE(AGE, 'no') AS c\nFROM application"
    assert computed(portfolio(application=sql), tables).rows() == [(None, 0, "no")] * 3


def test_odd_names_need_only_quotes() -> None:
    tables = frames()
    tables["application"] = tables["application"].rename({"AMOUNT": 'a "b" é', "AGE": "order", "JOB": "1st 'x'"})
    sql = """SELECT *, "a ""b"" é" + "order" AS "sum of", CASE WHEN "1st 'x'" = 'it''s' THEN 1 ELSE 0 END AS x
    FROM application"""
    result = computed(portfolio(TOML, application=sql), tables)
    assert result.columns == ['a "b" é', "order", "1st 'x'", "OWNER", "sum of", "x"]
    assert result["sum of"].to_list() == [140.5, None, None]


def test_semicolon_and_closing_comment_are_harmless() -> None:
    assert list(sources(application="SELECT AGE FROM application; -- done")) == ["AGE"]
