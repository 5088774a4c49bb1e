"""Money, hard rules and segments: SQL over the application, computed beside the matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from scorewright.errors import FeatureSqlError, PortfolioError
from scorewright.features.compile import CompiledFeatures, compile_features
from scorewright.features.engine import FeatureEngine
from scorewright.features.expressions import MOST_PARTS, Particulars, Use, particulars, portfolio_expressions
from scorewright.features.few import ComputedFew
from scorewright.tables.contract import infer_contract
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.types import Tables
from tests.oracles.book import TOML, frames, portfolio

LOAN = "SELECT COUNT(*) AS loans, SUM(SUM) AS total, MIN(START) AS first_day FROM loan GROUP BY ID"
LABEL = 'label = { en = "x", fr = "x" }'


def stated(**entries: str) -> Portfolio:
    """Make a book whose money, rules and segments are the given SQL."""
    money = "".join(f'{name} = """{entries[name]}"""\n' for name in ("exposure", "annuity") if name in entries)
    toml = TOML + (f"[money]\nlgd = 0.5\nmargin_rate = 0.1\n{money}" if money else "")
    if "when" in entries:
        toml += (
            f'[policy]\nversion = "1"\n[policy.rules.r]\noutcome = "refuse"\nwhen = """{entries["when"]}"""\n{LABEL}\n'
        )
    if "value" in entries:
        toml += f'[segments.s]\nvalue = """{entries["value"]}"""\n{LABEL}\n'
    return portfolio(toml, loan=LOAN)


def compiled(book: Portfolio, uses: tuple[Use, ...] = ("money", "rule", "segment"), **asked: Any) -> CompiledFeatures:
    return compile_features(book, infer_contract(book, frames()), portfolio_expressions(book, uses), **asked)


def known(book: Portfolio, tables: Tables | None = None) -> Particulars:
    computed = FeatureEngine(book, compiled(book)).compute_all(frames() if tables is None else tables)
    return particulars(book, computed.extra)


def test_amounts_rules_and_segments() -> None:
    book = stated(
        exposure="COALESCE(total, AMOUNT)",
        annuity="AMOUNT / NULLIF(AGE, 0)",
        when="AGE < 30",
        value="CASE WHEN COALESCE(loans, 0) > 1 THEN 'known' WHEN loans IS NOT NULL THEN 'new' END",
    )
    found = known(book)
    np.testing.assert_array_equal(found.exposure, [100.5, 6.25, 0.0])
    np.testing.assert_array_equal(found.annuity, [100.5 / 40, np.nan, np.nan])
    assert {name: flags.tolist() for name, flags in found.rules.items()} == {"r": [False, True, False]}
    assert {name: parts.to_list() for name, parts in found.segments.items()} == {"s": ["new", "known", None]}


def test_few_applications_are_read_from_their_arrays_to_the_same_bits() -> None:
    stated_so: tuple[dict[str, str], ...] = (
        {
            "exposure": "COALESCE(total, AMOUNT)",
            "annuity": "AMOUNT / NULLIF(AGE, 0)",
            "when": "AGE < 30",
            "value": "JOB",
        },
        {"exposure": "AGE", "annuity": "loans", "when": "total > 10", "value": "loans"},
        {"exposure": "NULL", "annuity": "AMOUNT / 0", "when": "NULL", "value": "OWNER"},
    )
    for entries in stated_so:
        book = stated(**entries)
        computed = FeatureEngine(book, compiled(book)).compute_all(frames())
        assert isinstance(computed, ComputedFew)
        quick, slow = particulars(book, computed), particulars(book, computed.extra)
        assert (quick.exposure is None) == (slow.exposure is None)
        for one, other in ((quick.exposure, slow.exposure), (quick.annuity, slow.annuity)):
            np.testing.assert_array_equal(one, other, strict=True)
        np.testing.assert_array_equal(quick.rules["r"], slow.rules["r"], strict=True)
        assert quick.segments["s"].to_list() == slow.segments["s"].to_list()


def test_nothing_stated_is_nothing_known() -> None:
    found = known(portfolio())
    assert (found.exposure, found.annuity, found.rules, found.segments) == (None, None, {}, {})


def test_a_rule_that_is_null_does_not_trigger() -> None:
    assert known(stated(when="AMOUNT > 50")).rules["r"].tolist() == [True, False, False]
    assert known(stated(when="NULL")).rules["r"].tolist() == [False, False, False]


def test_an_expression_that_reads_no_column_has_a_value_for_each_row() -> None:
    assert known(stated(exposure="1000", when="1 = 1", value="'all'")).rules["r"].tolist() == [True] * 3
    none = {name: frame.clear() for name, frame in frames().items()}
    assert known(stated(exposure="1000", when="1 = 1", value="'all'"), none).rules["r"].tolist() == []


def test_an_amount_that_is_not_finite_is_not_known() -> None:
    np.testing.assert_array_equal(known(stated(exposure="1 / AMOUNT")).exposure, [1 / 100.5, np.nan, np.nan])


def test_an_absent_history_gives_null() -> None:
    found = known(stated(exposure="total", when="loans > 0"), {"application": frames()["application"]})
    assert np.isnan(found.exposure).all()  # type: ignore[arg-type]
    assert not found.rules["r"].any()


@pytest.mark.parametrize(
    ("value", "parts"), [("OWNER", ["true", "false", None]), ("AGE", ["40", "25", None]), ("SEX", ["F", "M", "F"])]
)
def test_a_segment_may_be_any_few_values_and_go_by_a_protected_column(value: str, parts: list[str | None]) -> None:
    assert known(stated(value=value)).segments["s"].to_list() == parts


def test_a_segment_has_few_parts() -> None:
    book = stated(value="AGE")
    extra = pl.DataFrame({"segments.s.value": range(MOST_PARTS + 1)})
    with pytest.raises(PortfolioError, match=r"at most 20 parts.*21 in segments.s.value of portfolio.toml"):
        particulars(book, extra)
    assert len(particulars(book, extra[1:]).segments["s"]) == MOST_PARTS


REFUSED = {
    "never in money": ({"exposure": "CASE WHEN SEX = 'F' THEN 1 ELSE 2 END"}, "money.exposure", "never feeds"),
    "never in a rule": ({"when": "SEX = 'F'"}, "policy.rules.r.when", "never feeds a feature or a decision"),
    "target": ({"value": "BAD"}, "segments.s.value", "The target never feeds"),
    "unknown": ({"when": "AGO < 18"}, "policy.rules.r.when", "did you mean AGE?"),
    "derived by a CTE": ({"when": "nothing > 1"}, "policy.rules.r.when", "Columns must be those of 'application'"),
    "raw history": ({"when": "TERM > 1"}, "policy.rules.r.when", "Columns must be those of 'application'"),
    "aggregate": ({"exposure": "SUM(AMOUNT)"}, "money.exposure", "Aggregates need GROUP BY"),
    "key": ({"value": "ID"}, "segments.s.value", "Keys and identifiers name persons"),
    "identifier": ({"value": "PASSPORT"}, "segments.s.value", "Keys and identifiers name persons"),
    "rule is a number": ({"when": "AGE"}, "policy.rules.r.when", "A rule is true or false. Found: AGE is integer"),
    "amount is text": ({"exposure": "JOB"}, "money.exposure", "An amount is a number. Found: JOB is text"),
    "amount is a test": ({"annuity": "AGE > 1", "exposure": "AGE"}, "money.annuity", "An amount is a number."),
    "segment is a date": ({"value": "DAY"}, "segments.s.value", "A segment is text, a number or a boolean."),
    "types": ({"when": "AGE > 'x'"}, "policy.rules.r.when", "do not go together"),
    "named": ({"when": "AGE > 1 AS x"}, "policy.rules.r.when", "One expression stands here, without a name"),
    "two": ({"when": "AGE > 1, AGE > 2"}, "policy.rules.r.when", "One expression stands here"),
    "star": ({"value": "*"}, "segments.s.value", "One expression stands here"),
    "nothing": ({"when": " "}, "policy.rules.r.when", "One expression stands here"),
    "statement": ({"when": "AGE > 1; SELECT 2"}, "policy.rules.r.when", "One expression stands here"),
    "from": ({"when": "AGE > 1 FROM application"}, "policy.rules.r.when", "FROM is not run in an expression"),
    "union": ({"when": "TRUE UNION SELECT FALSE"}, "policy.rules.r.when", "One expression stands here"),
    "subquery": ({"when": "(SELECT TRUE)"}, "policy.rules.r.when", "not run in an expression of portfolio.toml"),
    "function": ({"when": "RANDOM() > 0.5"}, "policy.rules.r.when", "not run in an expression of portfolio.toml"),
    "syntax": ({"when": "AGE >\n> ("}, "policy.rules.r.when", "The expression must be SQL"),
}


@pytest.mark.parametrize(("entries", "entry", "words"), REFUSED.values(), ids=REFUSED)
def test_refused_with_the_entry_and_no_line(entries: dict[str, str], entry: str, words: str) -> None:
    with pytest.raises(FeatureSqlError) as caught:
        compiled(stated(**entries))
    assert caught.value.place == f"book/portfolio.toml [{entry}]"
    assert words in str(caught.value)


def test_a_column_that_is_never_read_feeds_no_segment_either() -> None:
    toml = TOML.replace('never = ["SEX"]', 'never = ["SEX", "JOB"]')
    book = portfolio(toml + f'[segments.s]\nvalue = "JOB"\n{LABEL}\n')
    with pytest.raises(FeatureSqlError, match="never feeds"):
        compiled(book)


def test_scoring_reads_what_money_and_rules_read() -> None:
    book = stated(exposure="AMOUNT", when="loans > AGE", value="SEX")
    assert compiled(book).used_columns()["application"] == {"AMOUNT", "AGE", "JOB", "OWNER", "SEX"}
    scoring = compiled(book, ("money", "rule"), only=["OWNER"])
    assert [p.name for p in scoring.extra] == ["money.exposure", "policy.rules.r.when"]
    assert scoring.used_columns() == {"application": {"AMOUNT", "AGE", "OWNER"}, "loan": frozenset()}


def test_an_entry_may_have_the_name_of_a_feature() -> None:
    book = portfolio(
        TOML + '[money]\nlgd = 0.5\nmargin_rate = 0.1\nexposure = "AMOUNT"\n',
        application='SELECT AGE AS "money.exposure" FROM application',
    )
    computed = FeatureEngine(book, compiled(book)).compute_all(frames())
    assert computed.features["money.exposure"].to_list() == [40, 25, None]
    assert computed.extra["money.exposure"].to_list() == [100.5, None, 0.0]
