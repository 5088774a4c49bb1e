"""The sections that say how a lender decides and reports."""

from __future__ import annotations

import pytest

from scorewright.domain.costs import MoneyTerms
from scorewright.domain.matrix import Label
from scorewright.errors import PortfolioError
from scorewright.tables.lending import PolicyRule, PolicySpec, Segment
from scorewright.tables.portfolio import load_portfolio, shipped_portfolios
from tests.oracles.book import TOML, portfolio

MONEY = """
[money]
exposure = "AMOUNT"
annuity = "AMOUNT / 12"
lgd = 0.45
margin_rate = 0.08
recovery_cost = 200.0
handling_cost = 50.0
referral_cost = 20.0
currency = "EUR"
"""
POLICY = """
[policy]
version = "2024-02"
rule = "money"
refer_at_most = 0.1
[policy.rules.under_age]
when = "AGE < 18"
outcome = "refuse"
label = { en = "Under age", fr = "Mineur" }
[policy.rules.no_amount]
when = "AMOUNT IS NULL"
outcome = "refer"
label = { en = "No amount", fr = "Sans montant" }
"""
SEGMENTS = """
[segments]
job = { value = "JOB", label = { en = "Job", fr = "Métier" } }
age = { value = "CASE WHEN AGE < 30 THEN 'young' ELSE 'old' END", label = { en = "Age", fr = "Âge" } }
"""
REST = """
[tuning]
objective = "cost"
[tables.application.monotone]
AMOUNT = "increasing"
AGE = "decreasing"
"""


def test_what_it_says() -> None:
    book = portfolio(TOML + MONEY + POLICY + SEGMENTS + REST)
    assert book.money == MoneyTerms("AMOUNT", 0.45, 0.08, "AMOUNT / 12", 200.0, 50.0, 20.0, "EUR")
    under_age = PolicyRule("under_age", "AGE < 18", "refuse", Label("Under age", "Mineur"))
    no_amount = PolicyRule("no_amount", "AMOUNT IS NULL", "refer", Label("No amount", "Sans montant"))
    assert book.policy == PolicySpec("2024-02", "money", 0.1, None, (under_age, no_amount))
    assert [each.name for each in book.segments] == ["job", "age"]
    assert book.segments[0] == Segment("job", "JOB", Label("Job", "Métier"))
    assert book.objective == "cost"
    assert book.tables["application"].monotone == {"AMOUNT": "increasing", "AGE": "decreasing"}
    assert {"AMOUNT", "AGE"} <= set(book.tables["application"].declared_columns)


def test_what_it_does_not_say() -> None:
    book = portfolio()
    assert book.money is None
    assert book.policy == PolicySpec(version="0", rule="threshold", refer_at_most=None, refer=None, rules=())
    assert (book.segments, book.objective, book.tables["application"].monotone) == ((), "auc", {})


def test_costs_of_money_may_be_left_out() -> None:
    book = portfolio(TOML + '[money]\nexposure = "AMOUNT"\nlgd = 1\nmargin_rate = 0\n')
    assert book.money == MoneyTerms("AMOUNT", 1.0, 0.0)


def test_a_referral_by_interval() -> None:
    assert portfolio(TOML + '[policy]\nversion = "1"\nrefer = "interval"\n').policy.refer == "interval"


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return TOML + text.replace(old, new)


REFUSED = {
    "lgd in percent": (changed(MONEY, "0.45", "45"), "money.lgd should be less than or equal to 1, not 45"),
    "negative lgd": (changed(MONEY, "0.45", "-0.1"), "money.lgd should be greater than or equal to 0, not -0.1"),
    "lgd is nan": (changed(MONEY, "0.45", "nan"), "money.lgd should be"),
    "negative margin": (changed(MONEY, "0.08", "-1.0"), "money.margin_rate should be greater than or equal to 0"),
    "endless cost": (changed(MONEY, "200.0", "inf"), "money.recovery_cost should be a finite number, not inf"),
    "no exposure": (changed(MONEY, 'exposure = "AMOUNT"', ""), "money.exposure is required"),
    "empty exposure": (changed(MONEY, '"AMOUNT"\n', '""\n'), "money.exposure"),
    "typo in money": (changed(MONEY, "handling_cost", "handlin_cost"), "did you mean 'handling_cost'?"),
    "no version": (changed(MONEY + POLICY, 'version = "2024-02"', ""), "policy.version is required"),
    "number as version": (changed(MONEY + POLICY, '"2024-02"', "1"), "policy.version should be a valid string, not 1"),
    "all referred": (changed(MONEY + POLICY, "0.1", "1.0"), "policy.refer_at_most should be less than 1, not 1.0"),
    "none referred": (changed(MONEY + POLICY, "0.1", "0.0"), "policy.refer_at_most should be greater than 0, not 0.0"),
    "two referrals": (
        changed(MONEY + POLICY, "refer_at_most = 0.1", 'refer_at_most = 0.1\nrefer = "interval"'),
        "policy has one way to refer, not two (refer = 'interval' and refer_at_most = 0.1): keep one of them",
    ),
    "unknown referral": (changed(MONEY + POLICY, "refer_at_most = 0.1", 'refer = "band"'), "policy.refer should be"),
    "unknown rule": (
        changed(MONEY + POLICY, '"money"', '"mony"'),
        "policy.rule should be 'threshold' or 'money', not 'mony' (did you mean 'money'?)",
    ),
    "money without money": (TOML + POLICY, "policy.rule = 'money' needs a [money] section"),
    "rule approves": (changed(MONEY + POLICY, '"refuse"', '"approve"'), "policy.rules.under_age.outcome should be"),
    "rule without label": (
        changed(MONEY + POLICY, 'label = { en = "Under age", fr = "Mineur" }', ""),
        "policy.rules.under_age.label is required",
    ),
    "typo in a rule": (changed(MONEY + POLICY, 'when = "AGE', 'wen = "AGE'), "did you mean 'when'?"),
    "name of a rule": (changed(MONEY + POLICY, "rules.under_age", 'rules."under age"'), "policy.rules.under age"),
    "typo in a segment": (changed(SEGMENTS, "value =", "valu ="), "segments.job.valu is not a known setting"),
    "typo in a label": (changed(SEGMENTS, "fr =", "fra ="), "segments.job.label.fra is not a known setting"),
    "objective": (changed(REST, '"cost"', '"costs"'), "tuning.objective should be"),
    "objective meant": (changed(REST, '"cost"', '"costs"'), "not 'costs' (did you mean 'cost'?)"),
    "typo in tuning": (changed(REST, "objective", "objectve"), "did you mean 'objective'?"),
    "sense": (changed(REST, '"increasing"', '"up"'), "tables.application.monotone.AMOUNT should be"),
    "monotone history": (
        TOML + '[tables.loan.monotone]\nTERM = "increasing"\n',
        "tables.loan.monotone has no meaning: only columns of 'application' may be declared",
    ),
    "monotone target": (changed(REST, "AMOUNT", "BAD"), "tables.application.monotone.BAD can feed no feature"),
    "monotone never": (changed(REST, "AMOUNT", "SEX"), "tables.application.monotone.SEX can feed no feature"),
}


@pytest.mark.parametrize(("toml", "words"), REFUSED.values(), ids=REFUSED)
def test_refused(toml: str, words: str) -> None:
    with pytest.raises(PortfolioError) as caught:
        portfolio(toml)
    assert words in str(caught.value)
    assert "book/portfolio.toml must follow its format" in caught.value.rule
    assert caught.value.remedy


@pytest.mark.parametrize("name", shipped_portfolios())
def test_shipped_ones_state_money_policy_and_segments(name: str) -> None:
    book = load_portfolio(name)
    assert book.money is not None
    assert book.policy.rule == "threshold"
    assert (book.policy.refer, book.policy.refer_at_most) == (None, None)
    assert "under_age" in [rule.name for rule in book.policy.rules]
    assert book.segments
