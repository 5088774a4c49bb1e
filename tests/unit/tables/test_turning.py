from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pytest

from scorewright.domain.matrix import Label
from scorewright.errors import PortfolioError
from scorewright.tables.contract import ColumnContract, Contract
from scorewright.tables.declarations import TableSpec
from scorewright.tables.levers import Choose, Lever, Scale
from scorewright.tables.turning import STEPS, Turn, check_levers, turned
from scorewright.tables.types import Tables
from tests.oracles.book import TOML, portfolio

NUMBER = ColumnContract("number", nullable=True, minimum=-1e6, maximum=1e6)
WHOLE = ColumnContract("integer", nullable=True, minimum=0.0, maximum=100.0)
CONTRACT = Contract(
    {
        "application": {
            "AMOUNT": NUMBER,
            "FEE": NUMBER,
            "PAID": NUMBER,
            "MONTHS": WHOLE,
            "HOME": ColumnContract("text", nullable=True, categories=("own", "rent")),
            "OWNER": ColumnContract("boolean", nullable=True),
        },
        "loan": {"DEBT": NUMBER, "STATE": ColumnContract("text", nullable=False, categories=("closed", "open"))},
    }
)
ONE = {"AMOUNT": 513531.0, "FEE": 25375.5, "PAID": 100.0, "MONTHS": 18, "HOME": "rent", "OWNER": False}
TYPES = pl.DataFrame([ONE]).schema
LOANS = pl.DataFrame({"DEBT": [100.0, None, -5.0, 70.0, 0.0], "STATE": ["open", "open", "open", "closed", "open"]})
SPEC = TableSpec()


def tables(**changed: object) -> Tables:
    return {"application": pl.DataFrame([{**ONE, **changed}], schema=TYPES), "loan": LOANS}


def lever(
    move: Scale | Choose, *columns: str, table: str = "application", where: Mapping[str, str] | None = None
) -> Lever:
    return Lever("pulled", Label("Pull", "Tirer"), table, columns, move, where or {})


def turn(pulled: Lever, rows: Tables | None = None, spec: TableSpec = SPEC) -> Turn:
    laid = turned(pulled, rows or tables(), CONTRACT, spec)
    assert laid is not None
    return laid


def first(laid: Turn, column: str) -> list[object]:
    return [series[0] for series in laid.columns[column]]


def test_an_amount_shrinks_step_by_step_in_round_figures() -> None:
    laid = turn(lever(Scale(0.5), "AMOUNT"))
    amounts = first(laid, "AMOUNT")
    assert amounts[:3] == [513531.0, 509000.0, 504000.0]
    assert amounts[-1] == 257000.0  # half of it, rounded up to a thousand: no less may remain
    assert laid.efforts == tuple(step / STEPS for step in range(1, STEPS + 1))
    assert laid.names == {"application.AMOUNT"}


def test_an_amount_grows_no_further_than_its_limit() -> None:
    amounts = first(turn(lever(Scale(1.3), "AMOUNT")), "AMOUNT")
    assert amounts[-1] == 667000.0
    assert amounts[-1] <= 513531.0 * 1.3


def test_columns_keep_their_proportion() -> None:
    laid = turn(lever(Scale(0.5), "AMOUNT", "FEE"))
    for amount, fee in zip(first(laid, "AMOUNT"), first(laid, "FEE"), strict=True):
        assert fee == pytest.approx(amount * 25375.5 / 513531.0, abs=0.0051)


def test_a_fixed_part_stays() -> None:
    laid = turn(lever(Scale(0.0, {"FEE": 375.5}), "AMOUNT", "FEE"))
    assert first(laid, "FEE")[-1] == 375.5
    assert first(laid, "AMOUNT")[-1] == 0.0


def test_what_is_lost_goes_elsewhere() -> None:
    laid = turn(lever(Scale(0.0, into=("PAID",)), "AMOUNT"))
    for amount, paid in zip(first(laid, "AMOUNT"), first(laid, "PAID"), strict=True):
        assert amount + paid == pytest.approx(513631.0)


def test_whole_numbers_stay_whole_and_each_is_offered_once() -> None:
    laid = turn(lever(Scale(0.5), "MONTHS"))
    assert first(laid, "MONTHS") == [18, 17, 16, 15, 14, 13, 12, 11, 10, 9]
    assert laid.columns["MONTHS"][-1].dtype == pl.Int64
    assert laid.efforts[-1] == 1.0


def test_only_amounts_above_zero_in_the_rows_asked_for_move() -> None:
    laid = turn(lever(Scale(0.0), "DEBT", table="loan", where={"STATE": "open"}))
    assert laid.columns["DEBT"][-1].to_list() == [0.0, None, -5.0, 70.0, 0.0]


def test_values_are_set_but_for_those_that_are_reached() -> None:
    assert first(turn(lever(Choose((1, 5, 9)), "MONTHS")), "MONTHS") == [18, 1, 5, 9]
    assert first(turn(lever(Choose((1, 5, 9)), "MONTHS"), tables(MONTHS=5)), "MONTHS") == [5, 9]
    assert first(turn(lever(Choose(("own",)), "HOME")), "HOME") == ["rent", "own"]
    assert first(turn(lever(Choose((True,)), "OWNER")), "OWNER") == [False, True]
    assert turn(lever(Choose((1, 5, 9)), "MONTHS"), tables(MONTHS=5)).efforts == (1.0,)


def test_only_some_values_can_be_left() -> None:
    pulled = lever(Choose((0,), replaces=(1, 2)), "MONTHS")
    assert first(turn(pulled, tables(MONTHS=2)), "MONTHS") == [2, 0]
    assert turned(pulled, tables(MONTHS=3), CONTRACT, SPEC) is None


NOTHING = {
    "empty": (lever(Scale(0.5), "AMOUNT"), tables(AMOUNT=None)),
    "zero": (lever(Scale(0.5), "AMOUNT"), tables(AMOUNT=0.0)),
    "below zero": (lever(Scale(0.5), "AMOUNT"), tables(AMOUNT=-4.0)),
    "no history": (lever(Scale(0.5), "DEBT", table="loan"), {"application": pl.DataFrame([ONE])}),
    "empty history": (lever(Scale(0.5), "DEBT", table="loan"), {**tables(), "loan": LOANS.clear()}),
    "no such row": (lever(Scale(0.5), "DEBT", table="loan", where={"STATE": "sold"}), tables()),
    "there already": (lever(Choose(("rent",)), "HOME"), tables()),
    "unknown category": (lever(Choose(("castle",)), "HOME"), tables()),
    "out of range": (lever(Choose((101,)), "MONTHS"), tables()),
    "out of range by a factor": (lever(Scale(1.5), "AMOUNT"), tables(AMOUNT=1e6)),
    "into out of range": (lever(Scale(0.0, into=("PAID",)), "AMOUNT"), tables(PAID=1e6)),
}


@pytest.mark.parametrize(("pulled", "rows"), NOTHING.values(), ids=NOTHING)
def test_nothing_moves(pulled: Lever, rows: Tables) -> None:
    assert turned(pulled, rows, CONTRACT, SPEC) is None


def test_a_factor_goes_as_far_as_the_range() -> None:
    amounts = first(turn(lever(Scale(2.0), "AMOUNT"), tables(AMOUNT=800_000.0)), "AMOUNT")
    assert amounts[-1] == 992_000.0  # 1.24 times; the next step leaves the range


def test_a_range_that_was_never_seen_allows_nothing() -> None:
    contract = Contract({"application": {**CONTRACT.tables["application"], "AMOUNT": ColumnContract("number", True)}})  # noqa: FBT003
    assert turned(lever(Scale(0.5), "AMOUNT"), tables(), contract, SPEC) is None


def test_no_value_that_means_missing_is_reached() -> None:
    laid = turn(lever(Scale(0.5), "MONTHS"), spec=TableSpec(sentinels={"MONTHS": (12, 14)}))
    assert first(laid, "MONTHS") == [18, 17, 16, 15, 13, 11, 10, 9]


RECOURSE = """
[recourse.levers.pulled]
label = {{ en = "Pull", fr = "Tirer" }}
table = "loan"
columns = ["{column}"]
where = {{ {where} }}
{move}
"""
DATA = Contract(
    {
        "application": {"AMOUNT": NUMBER},
        "loan": {"SUM": NUMBER, "STATE": ColumnContract("text", False), "START": ColumnContract("date", False)},  # noqa: FBT003
    }
)
MISFITS = {
    "column": ("SUMM", 'STATE = "open"', "to = [1.0]", "names no column: loan.SUMM (did you mean 'SUM'?)"),
    "condition": ("SUM", 'STAT = "open"', "to = [1.0]", "names no column: loan.STAT"),
    "value": ("SUM", 'STATE = "open"', 'to = ["none"]', "wants 'none' in loan.SUM, which is number"),
    "truth": ("SUM", 'STATE = "open"', "to = [true]", "wants True in loan.SUM, which is number"),
    "asked value": ("SUM", "STATE = 1", "to = [1.0]", "wants 1 in loan.STATE, which is text"),
    "factor of a text": ("STATE", 'STATE = "open"', 'direction = "decrease"\nlimit = 0', "by a factor, which is text"),
    "date": ("START", 'STATE = "open"', 'to = ["2024-01-01"]', "which is date"),
}


@pytest.mark.parametrize(("column", "where", "move", "words"), MISFITS.values(), ids=MISFITS)
def test_a_lever_that_does_not_fit_the_data(column: str, where: str, move: str, words: str) -> None:
    book = portfolio(TOML + RECOURSE.format(column=column, where=where, move=move))
    with pytest.raises(PortfolioError, match="A lever moves columns of the data") as caught:
        check_levers(book, DATA)
    assert words in str(caught.value)


def test_a_lever_of_an_absent_table_has_nothing_to_move() -> None:
    book = portfolio(TOML + RECOURSE.format(column="SUMM", where="A = 1", move="to = [1.0]"))
    check_levers(book, Contract({"application": DATA.tables["application"]}))
