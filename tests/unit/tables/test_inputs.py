"""What an application must bring: coverage and ranges, and the portfolio's section about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from scorewright.errors import CoverageError, PortfolioError, RangesError
from scorewright.tables.contract import ColumnContract, Contract
from scorewright.tables.inputs import InputCheck, Inputs, Outside
from scorewright.tables.lending import InputRules
from scorewright.tables.loading import Sealed
from scorewright.tables.rows import RowReader
from tests.oracles.book import TOML, portfolio

NUMBER = ColumnContract("number", nullable=True, minimum=0.0, maximum=100.0)
CONTRACT = Contract(
    {
        "application": {
            "ID": ColumnContract("integer", nullable=False),
            "AMOUNT": NUMBER,
            "AGE": ColumnContract("integer", nullable=True, minimum=18.0, maximum=90.0),
            "JOB": ColumnContract("text", nullable=True, categories=("cook",)),
            "SINCE": ColumnContract("datetime", nullable=True),
            "SPARE": NUMBER,
        },
        "loan": {"SUM": NUMBER, "RATE": NUMBER, "SPARE": NUMBER},
    }
)
USED = {"application": {"AMOUNT", "AGE", "JOB", "SINCE"}, "loan": {"SUM", "RATE"}}
WHOLE = {"ID": 1, "AMOUNT": 10.5, "AGE": 40, "JOB": "cook", "SINCE": "2024-02-29"}
SENTINELS = """
[tables.application.sentinels]
AGE = [999]
SINCE = ["1900-01-01"]
[tables.loan.sentinels]
SUM = [-1.0, 1e9]
"""


def check(inputs: str = "", sentinels: str = "", used: Mapping[str, set[str]] | None = None) -> InputCheck:
    book = portfolio(TOML + sentinels + (f"[inputs]\n{inputs}\n" if inputs else ""))
    return InputCheck(book, CONTRACT, USED if used is None else used)


def looked_at(*loans: Mapping[str, Any], sentinels: str = "", **changed: Any) -> Inputs:
    return check(sentinels=sentinels).check({"application": {**WHOLE, **changed}, "loan": list(loans)})


def names(inputs: Inputs) -> list[str]:
    return [each.name for each in inputs.outside]


def test_a_usual_application_has_everything_and_nothing_strange() -> None:
    assert looked_at({"SUM": 0.0, "RATE": 100}, {"SUM": 50, "RATE": None}) == Inputs(1.0)


def test_coverage_is_the_share_of_columns_read_that_have_a_value() -> None:
    assert looked_at(JOB=None).coverage == 0.75
    assert looked_at(JOB=None, AMOUNT=float("nan"), SPARE=None).coverage == 0.5
    assert check().check({"application": {"ID": 1}}).coverage == 0.0


def test_a_zero_a_false_and_an_empty_text_are_values() -> None:
    assert looked_at(AMOUNT=0, JOB="").coverage == 1.0


def test_a_history_that_is_absent_or_has_gaps_is_no_gap() -> None:
    absent, empty = check().check({"application": WHOLE}), looked_at()
    assert absent.coverage == empty.coverage == looked_at({"SUM": None, "RATE": None}).coverage == 1.0


def test_a_model_that_reads_histories_alone_lacks_nothing() -> None:
    assert check(used={"loan": {"SUM"}}).check({"application": {"ID": 1}}) == Inputs(1.0)


@pytest.mark.parametrize(
    "written", [{"AGE": 999}, {"AGE": 999.0}, {"SINCE": "1900-01-01"}, {"SINCE": "1900-01-01 00:00:00"}]
)
def test_a_value_that_means_missing_is_missing(written: dict[str, Any]) -> None:
    assert looked_at(sentinels=SENTINELS, **written) == Inputs(0.75)


def test_the_day_after_the_one_that_means_missing_is_a_day() -> None:
    assert looked_at(sentinels=SENTINELS, SINCE="1900-01-02").coverage == 1.0


def test_columns_with_a_number_outside_are_named_in_the_order_of_the_contract() -> None:
    found = looked_at({"SUM": 1.0, "RATE": 100.1}, {"SUM": -0.1, "RATE": None}, AGE=17)
    assert found.outside == (Outside("application", "AGE"), Outside("loan", "SUM"), Outside("loan", "RATE"))
    assert names(found) == ["application.AGE", "loan.SUM", "loan.RATE"]


def test_the_value_itself_is_not_told() -> None:
    assert "12345" not in repr(looked_at(AMOUNT=12345.0))


def test_columns_that_are_not_read_are_not_looked_at() -> None:
    assert looked_at({"SUM": 1.0, "RATE": 1.0, "SPARE": 1e6}, SPARE=1e6) == Inputs(1.0)


def test_a_value_that_means_missing_lies_nowhere() -> None:
    usual, strange = {"SUM": -1, "RATE": 1.0}, {"SUM": 1e9 + 1, "RATE": 1.0}
    assert names(looked_at(usual, {"SUM": 1e9, "RATE": None}, sentinels=SENTINELS)) == []
    assert names(looked_at(usual, strange, sentinels=SENTINELS)) == ["loan.SUM"]


def test_a_nan_neither_lies_outside_nor_hides_what_does() -> None:
    nan = {"SUM": float("nan"), "RATE": 1.0}
    assert names(looked_at(nan, {"SUM": 5.0, "RATE": 1.0})) == []
    assert names(looked_at(nan, {"SUM": 500.0, "RATE": 1.0})) == ["loan.SUM"]
    assert names(looked_at({"SUM": 5.0, "RATE": 1.0}, nan, {"SUM": -5.0, "RATE": 1.0})) == ["loan.SUM"]


def test_rows_need_not_have_the_same_columns() -> None:
    assert names(looked_at({"SUM": 1.0}, {"RATE": 200.0}, {})) == ["loan.RATE"]


def test_a_number_beyond_doubles_is_compared_as_it_is() -> None:
    edge = ColumnContract("integer", nullable=True, minimum=0.0, maximum=2.0**53)
    exact = InputCheck(portfolio(), Contract({"application": {"AGE": edge}}), {"application": {"AGE"}})
    assert exact.check({"application": {"AGE": 2**53}}).outside == ()
    assert len(exact.check({"application": {"AGE": 2**53 + 1}}).outside) == 1


def test_too_little_is_refused_and_just_enough_is_not() -> None:
    asking = check("coverage = 0.75")
    asking.require(Inputs(0.75))
    with pytest.raises(CoverageError, match=r"At least 75% .* 50.0%"):
        asking.require(Inputs(0.5))


def test_ranges_are_warned_of_unless_the_portfolio_refuses() -> None:
    strange = looked_at({"SUM": -1.0, "RATE": 1000.0})
    check().require(strange)
    check('ranges = "warn"').require(strange)
    with pytest.raises(RangesError, match=r"'loan' .* outside of them: SUM, RATE"):
        check('ranges = "refuse"').require(strange)


def test_the_section_and_what_holds_without_it() -> None:
    assert portfolio().inputs == InputRules(0.0, "warn")
    told = portfolio(TOML + '[inputs]\ncoverage = 0.4\nranges = "refuse"\n').inputs
    assert told == InputRules(0.4, "refuse")


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("coverage = 1.5", r"inputs.coverage should be less than or equal to 1, not 1.5"),
        ("coverage = -0.1", r"inputs.coverage should be greater than or equal to 0, not -0.1"),
        ("coverage = nan", r"inputs.coverage should be a finite number"),
        (
            'ranges = "refused"',
            r"inputs.ranges should be 'warn' or 'refuse', not 'refused' \(did you mean 'refuse'\?\)",
        ),
        ("cover = 0.4", r"inputs.cover is not a known setting \(did you mean 'coverage'\?\)"),
    ],
)
def test_a_section_that_breaks_the_rules_is_refused(written: str, problem: str) -> None:
    with pytest.raises(PortfolioError, match=problem):
        _ = portfolio(TOML + f"[inputs]\n{written}\n").inputs


def of_many(*bodies: Mapping[str, Any], sentinels: str = "") -> list[Inputs]:
    """Look at applications that were read together."""
    book = portfolio(TOML + sentinels)
    contract = Contract(
        {**CONTRACT.tables, "loan": {"ID": CONTRACT.tables["application"]["ID"], **CONTRACT.tables["loan"]}}
    )
    inputs = InputCheck(book, contract, USED)
    read = RowReader(book, Sealed(contract, {table: frozenset(names) for table, names in USED.items()}, "null"))
    posted = read.plain(bodies)
    assert posted is not None
    suspects = inputs.suspects(posted)
    alone = [inputs.check(body) for body in bodies]
    assert [inputs.check(body, suspects) for body in bodies] == alone
    return alone


def test_among_many_each_is_looked_at_as_it_would_be_alone() -> None:
    whole = {**WHOLE, "SINCE": None}
    usual = {"application": whole, "loan": [{"SUM": 1.0, "RATE": 2}, {"SUM": None, "RATE": 100.0}]}
    old = {"application": {**whole, "AGE": 91}}
    large = {"application": {**whole, "AGE": 999}, "loan": [{"SUM": 1e9, "RATE": 1}, {"SUM": -2, "RATE": 101}]}
    found = of_many(usual, old, large, usual, sentinels=SENTINELS)
    assert [names(each) for each in found] == [[], ["application.AGE"], ["loan.SUM", "loan.RATE"], []]
    assert [names(each) for each in of_many(usual, usual)] == [[], []]
