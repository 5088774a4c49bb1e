from __future__ import annotations

from pathlib import Path

import pytest

from scorewright.domain.matrix import Label
from scorewright.errors import PortfolioError
from scorewright.tables.portfolio import load_portfolio, portfolio_from_files
from scorewright.tables.wording import FamilyWording, Wording, parse_wording
from tests.oracles.book import TOML

REASONS = """
most = 3
proxies = ["application.REGION"]
[families.late]
label = { en = "Late payments", fr = "Retards de paiement" }
features = ["late_*"]
sources = ["loan.*"]
shown = ["late_share", "late_recent"]
unit = "percent"
sentence = { en = "{value} were late; {typical} is typical.", fr = "{value} en retard ; {typical} est habituel." }
plain = { en = "{value} were late.", fr = "{value} en retard." }
unknown = { en = "No record.", fr = "Aucun historique." }
[families.income]
label = { en = "Income", fr = "Revenu" }
sources = ["application.INCOME"]
"""
TABLES = ("application", "loan", "month")


def changed(old: str, new: str) -> str:
    assert old in REASONS
    return REASONS.replace(old, new)


def refusal(toml: str) -> str:
    with pytest.raises(PortfolioError) as caught:
        parse_wording(toml.encode(), "book/reasons.toml", TABLES)
    return str(caught.value)


def test_what_it_says() -> None:
    late = FamilyWording(
        "late",
        Label("Late payments", "Retards de paiement"),
        Label("{value} were late; {typical} is typical.", "{value} en retard ; {typical} est habituel."),
        ("late_*",),
        ("loan.*",),
        ("late_share", "late_recent"),
        "percent",
        Label("{value} were late.", "{value} en retard."),
        Label("No record.", "Aucun historique."),
    )
    income = FamilyWording("income", Label("Income", "Revenu"), sources=("application.INCOME",))
    found = parse_wording(REASONS.encode(), "book/reasons.toml", TABLES)
    assert found == Wording(3, ("application.REGION",), (late, income))


def test_a_family_takes_features_by_name_or_by_all_their_sources() -> None:
    late = parse_wording(REASONS.encode(), "book/reasons.toml", TABLES).families[0]
    assert (late.names("late_share"), late.names("Late_share"), late.names("share_late_")) == (True, False, False)
    assert late.feeds(("loan.SUM", "loan.TERM"))
    assert not late.feeds(("loan.SUM", "application.INCOME"))
    assert not late.feeds(())


FAULTS = {
    "setting": (changed("most = 3", "mots = 3"), "mots is not a known setting (did you mean 'most'?)"),
    "setting of a family": (
        changed("features", "feature"),
        "families.late.feature is not a known setting (did you mean 'features'?)",
    ),
    "no reason": (changed("most = 3", "most = 0"), "most should be greater than or equal to 1, not 0"),
    "language": (
        changed('{ en = "Income", fr = "Revenu" }', '{ en = "Income" }'),
        "families.income.label.fr is required",
    ),
    "empty text": (changed('fr = "Revenu"', 'fr = " "'), "families.income.label.fr"),
    "hole": (
        changed("{value} were late; ", "{valeu} were late; "),
        "families.late.sentence may hold {value} and {typical}: en has the hole {valeu} (did you mean 'value'?)",
    ),
    "format in a hole": (changed("{value} were late.", "{value:.2f} were late."), "en has the hole {value:.2f}"),
    "stray brace": (changed("{value} were late.", "{value were late."), "plain has a stray brace in en"),
    "doubled brace": (changed("No record.", "No {{record}}."), "unknown has a stray brace in en"),
    "typical where it is not known": (
        changed("{value} were late.", "{typical} were late."),
        "plain may hold {value}: en",
    ),
    "hole in a label": (changed('en = "Income"', 'en = "Income {value}"'), "label may hold no hole"),
    "other holes in French": (changed("; {typical} est habituel", ""), "has other holes in English than in French"),
    "nothing to fill it": (changed('shown = ["late_share", "late_recent"]', ""), "a hole in sentence and plain"),
    "unit": (changed('"percent"', '"precent"'), "families.late.unit should be"),
    "no feature": (changed('sources = ["application.INCOME"]', ""), "families.income takes no feature"),
    "one label for two": (
        changed('fr = "Revenu"', 'fr = "Retards de paiement"'),
        "families.late and families.income have",
    ),
    "no table": (changed('"application.REGION"', '"REGION"'), "proxies.0 is written table.column, not 'REGION'"),
    "other table": (changed("loan.*", "laon.*"), "names no table of the portfolio: 'laon.*' (did you mean 'loan'?)"),
    "name": (changed("families.income", 'families."my income"'), "families.my income"),
}


@pytest.mark.parametrize(("toml", "words"), FAULTS.values(), ids=FAULTS)
def test_fault(toml: str, words: str) -> None:
    message = refusal(toml)
    assert words in message
    assert message.startswith("book/reasons.toml must follow its format.")


def test_a_near_unit_is_named() -> None:
    assert "not 'precent' (did you mean 'percent'?)" in refusal(changed('"percent"', '"precent"'))


def test_all_faults_are_said_at_once() -> None:
    message = refusal(
        changed("most = 3", "mots = 3").replace("{value} were late.", "{x} were late.").replace("loan.", "l.")
    )
    for words in ("mots is not", "families.late.plain", "families.late.sources.0"):
        assert words in message


def test_a_family_is_written_once() -> None:
    message = refusal(changed("families.income", "families.late"))
    assert "book/reasons.toml must be TOML" in message
    assert "line 13" in message


def files(**more: bytes) -> dict[str, bytes]:
    return {"portfolio.toml": TOML.encode(), "features/application.sql": b"SELECT * FROM application", **more}


def test_a_portfolio_without_the_file_has_no_families() -> None:
    assert portfolio_from_files(files(), "book").wording == Wording(4, (), ())


def test_a_portfolio_reads_it_and_refuses_a_bad_one() -> None:
    assert portfolio_from_files(files(**{"reasons.toml": REASONS.encode()}), "book").wording.most == 3
    with pytest.raises(PortfolioError, match=r"book/reasons\.toml must follow its format\. .*names no table"):
        portfolio_from_files(files(**{"reasons.toml": REASONS.replace("loan.", "l.").encode()}), "book")
    with pytest.raises(PortfolioError, match=r"book/reasons\.toml must be UTF-8"):
        portfolio_from_files(files(**{"reasons.toml": "# é".encode("latin-1")}), "book")


def test_it_is_read_from_the_folder_as_written(tmp_path: Path) -> None:
    for name, content in files(**{"reasons.toml": REASONS.encode()}).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    book = load_portfolio(tmp_path)
    assert book.files["reasons.toml"] == REASONS.encode()
    assert [family.name for family in book.wording.families] == ["late", "income"]
