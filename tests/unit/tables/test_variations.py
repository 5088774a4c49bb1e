"""Many variations in one set of tables give what each gives by itself."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from scorewright.features.engine import FeatureEngine
from scorewright.tables.contract import infer_contract
from scorewright.tables.loading import restrict
from scorewright.tables.turning import Turn, turned
from scorewright.tables.types import Tables
from scorewright.tables.variations import Variations
from tests.oracles.book import TOML, compiled, frames, portfolio

RECOURSE = """
[recourse.levers.less]
label = { en = "Less", fr = "Moins" }
columns = ["AMOUNT"]
direction = "decrease"
limit = 0.2
[recourse.levers.repaid]
label = { en = "Repaid", fr = "Remboursé" }
table = "loan"
columns = ["SUM"]
where = { STATE = "open" }
direction = "decrease"
limit = 0.0
[recourse.levers.prompt]
label = { en = "Prompt", fr = "Ponctuel" }
table = "month"
columns = ["LATE"]
to = [0]
"""
BOOK = portfolio(
    TOML + RECOURSE,
    application="SELECT AMOUNT, AMOUNT / NULLIF(AGE, 0) AS by_age, loan_sum / NULLIF(AMOUNT, 0) AS share "
    "FROM application",
    loan="SELECT SUM(SUM) AS loan_sum, MAX(month_late) AS late, COUNT(*) AS loans FROM loan GROUP BY ID",
    month="SELECT SUM(LATE) AS month_late, SUM(DUE) AS month_due FROM month GROUP BY LOAN",
)
ALL = frames(
    application=[(20, "b2", "M", 800.0, 25, None, False, None, 1), (10, "a1", "F", 50.0, 40, "cook", True, None, 0)]
)
NEEDED = {
    "month": {"LATE", "DUE"},
    "loan": {"SUM", "STATE"},
    "application": {"AMOUNT", "AGE"},
}
SETTINGS = [(0, 0, 0), (50, 0, 0), (3, 7, 0), (0, 50, 1), (12, 0, 1), (0, 0, 0)]


def client() -> Tables:
    return restrict(BOOK, ALL, pl.Series([0]))


def levers(tables: Tables) -> list[Turn]:
    contract = infer_contract(BOOK, ALL)
    laid = [turned(each, tables, contract, BOOK.tables[each.table]) for each in BOOK.recourse.levers]
    assert all(laid)
    return [each for each in laid if each is not None]


@pytest.fixture
def variations() -> Variations:
    tables = client()
    return Variations(BOOK, tables, levers(tables), NEEDED)


def test_together_is_as_alone(variations: Variations) -> None:
    engine = FeatureEngine(BOOK, compiled(BOOK, ALL))
    together = engine.compute(variations.together(SETTINGS))
    alone = pl.concat([engine.compute(variations.alone(setting)) for setting in SETTINGS])
    assert_frame_equal(together, alone, check_exact=True)
    assert together["share"].n_unique() == 5


def test_alone_keeps_keys_and_every_other_column(variations: Variations) -> None:
    changed = variations.alone((0, 50, 1))
    before = client()
    for name in before:
        moved = {"loan": ["SUM"], "month": ["LATE"]}.get(name, [])
        assert_frame_equal(changed[name].drop(moved), before[name].drop(moved))
    assert sorted(changed["loan"].filter(pl.col("SUM") > 0)["STATE"].drop_nulls()) == []
    assert changed["month"]["LATE"].to_list() == [0, 0, 0]


def test_together_holds_no_key_of_the_application(variations: Variations) -> None:
    made = variations.together(SETTINGS)
    assert made["application"]["ID"].to_list() == list(range(len(SETTINGS)))
    assert "PASSPORT" not in made["application"].columns
    assert made["loan"]["LOAN"].n_unique() == made["loan"].height == 3 * len(SETTINGS)
    assert set(made["month"]["LOAN"]) <= set(made["loan"]["LOAN"])


def test_rows_of_nobody_stay_so() -> None:
    """A key that no parent has counts for no variation."""
    tables = {**client(), "month": pl.DataFrame({"LOAN": [99, None], "LATE": [5, 6], "DUE": [1.0, 2.0]})}
    made = Variations(BOOK, tables, [], NEEDED).together([(), (), ()])
    assert made["month"]["LOAN"].null_count() == made["month"].height == 6


def test_keys_may_be_text() -> None:
    tables = {
        name: frame.cast({"ID": pl.String}) if "ID" in frame.columns else frame for name, frame in client().items()
    }
    made = Variations(BOOK, tables, [], NEEDED).together([(), ()])
    assert made["application"]["ID"].to_list() == ["0", "1"]
    assert made["loan"]["ID"].to_list() == ["0", "0", "0", "1", "1", "1"]
