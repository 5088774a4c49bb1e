from __future__ import annotations

import re

import pytest

from scorewright.domain.matrix import Label
from scorewright.errors import PortfolioError
from scorewright.tables.levers import Choose, Lever, RecourseSpec, Scale
from scorewright.tables.portfolio import load_portfolio, shipped_portfolios
from tests.oracles.book import TOML, portfolio

LESS = """
[recourse]
options = 2
[recourse.levers.less]
label = { en = "Borrow less", fr = "Emprunter moins" }
columns = ["AMOUNT"]
direction = "decrease"
limit = 0.5
"""
CLOSED = """
[recourse.levers.closed]
label = { en = "Repay", fr = "Rembourser" }
table = "loan"
columns = ["SUM"]
where = { STATE = "open" }
to = [0.0]
"""


def refusal(recourse: str) -> str:
    with pytest.raises(PortfolioError) as caught:
        portfolio(TOML + recourse)
    return str(caught.value)


def changed(old: str, new: str, text: str = LESS) -> str:
    assert old in text
    return text.replace(old, new)


def test_what_it_says() -> None:
    spec = portfolio(TOML + LESS + CLOSED).recourse
    less = Lever("less", Label("Borrow less", "Emprunter moins"), "application", ("AMOUNT",), Scale(0.5))
    closed = Lever("closed", Label("Repay", "Rembourser"), "loan", ("SUM",), Choose((0.0,)), {"STATE": "open"})
    assert spec == RecourseSpec((less, closed), most_changes=3, options=2)


def test_what_moves() -> None:
    spec = portfolio(TOML + LESS + 'into = ["AGE"]\nfixed = { AMOUNT = 2 }\nkeeps = ["JOB"]\n').recourse
    assert spec.levers[0].moved == ("AMOUNT", "AGE")
    assert spec.levers[0].move == Scale(0.5, {"AMOUNT": 2.0}, ("AGE",))
    assert spec.levers[0].keeps == ("JOB",)


def test_without_a_section_nothing_can_be_changed() -> None:
    assert portfolio().recourse.levers == ()


CONTRADICTIONS = {
    "typo": (changed("limit", "limt"), "recourse.levers.less.limt is not a known setting (did you mean 'limit'?)"),
    "both ways": (LESS + "to = [3.0]\n", "states either `direction` and `limit`, or `to`"),
    "no way": (changed('direction = "decrease"\nlimit = 0.5\n', ""), "states either `direction` and `limit`, or `to`"),
    "no limit": (changed("limit = 0.5\n", ""), "states either `direction` and `limit`, or `to`"),
    "the wrong way": (changed("0.5", "1.5"), "`limit` is the share that must remain, below 1, not 1.5"),
    "no way up": (changed("decrease", "increase"), "`limit` is the multiple that may be reached, above 1, not 0.5"),
    "grows into": (
        changed("decrease", "increase").replace("0.5", "2") + 'into = ["AGE"]\n',
        "only what decreases goes `into` other columns",
    ),
    "sets a part": (CLOSED + "fixed = { SUM = 1 }\n", "`fixed` and `into` belong to amounts"),
    "replaces by a factor": (LESS + "replaces = [1]\n", "`replaces` belongs to `to`"),
    "fixes another": (LESS + "fixed = { AGE = 1 }\n", "fixes a part of 'AGE', which is not one of its columns"),
    "twice": (LESS + 'into = ["AMOUNT"]\n', "moves a column once, not twice"),
    "no table": (changed('"loan"', '"lone"', CLOSED), "recourse.levers.closed.table names no table: 'lone'"),
    "key": (changed('["AMOUNT"]', '["ID"]'), "recourse.levers.less may not move application.ID"),
    "identifier": (changed('["AMOUNT"]', '["PASSPORT"]'), "may not move application.PASSPORT"),
    "protected": (changed('["AMOUNT"]', '["SEX"]'), "may not move application.SEX"),
    "target": (changed('["AMOUNT"]', '["BAD"]'), "may not move application.BAD"),
    "tie": (changed('["SUM"]', '["ID"]', CLOSED), "may not move loan.ID"),
    "never": (changed('["SUM"]', '["BRANCH"]', CLOSED), "may not move loan.BRANCH"),
    "into a key": (LESS + 'into = ["ID"]\n', "may not move application.ID"),
    "asks who": (LESS + 'where = { SEX = "F" }\n', "may not ask for application.SEX"),
    "too many together": (changed("options = 2", "most_changes = 5"), "recourse.most_changes"),
    "no lever": ("[recourse.levers]\n", "recourse.levers"),
}


@pytest.mark.parametrize(("recourse", "words"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradiction(recourse: str, words: str) -> None:
    assert words in refusal(recourse)


def test_a_lever_sets_no_sentinel() -> None:
    toml = changed("[tables.loan]", "[tables.application.sentinels]\nAGE = [999]\n[tables.loan]", TOML)
    aged = LESS.replace('"AMOUNT"', '"AGE"').replace('direction = "decrease"\nlimit = 0.5', "to = [999]")
    with pytest.raises(PortfolioError, match="to holds a sentinel of 'AGE'"):
        portfolio(toml + aged)


def test_a_lever_moves_nothing_that_is_known_after_the_decision() -> None:
    toml = changed('optional = true\nnever = ["BRANCH"]', 'optional = true\nknown_after = ["SUM"]', TOML)
    with pytest.raises(PortfolioError, match="may not move loan.SUM"):
        portfolio(toml + CLOSED)


@pytest.mark.parametrize("name", shipped_portfolios())
def test_the_levers_of_a_shipped_portfolio(name: str) -> None:
    """They move labelled columns, keep features that are made, and are worded in both languages."""
    shipped = load_portfolio(name)
    made = set(re.findall(r"\bAS (\w+)", shipped.sql("application") or ""))
    for lever in shipped.recourse.levers:
        assert set(lever.moved) | set(lever.where) <= set(shipped.tables[lever.table].labels)
        assert set(lever.keeps) <= made
        assert 0 < len(lever.label.en) <= 60
        assert 0 < len(lever.label.fr) <= 60
        assert lever.label.en != lever.label.fr
    assert len(shipped.recourse.levers) >= 3
