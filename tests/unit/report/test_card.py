from __future__ import annotations

from scorewright.report.card import write_card
from scorewright.report.gathered import Looked
from tests.unit.report import made

REPORT = made.report()


def card(looked: Looked | None = None) -> str:
    return write_card(
        REPORT.portfolio, REPORT.model, REPORT.bundle.contents.policy, (9000, 3000), REPORT.record.dropped, looked
    )


def looked(feature: str = "Share of instalments paid late") -> Looked:
    return Looked(made.findings(feature), made.insight(feature), made.fairness())


def test_a_candidate_that_nobody_looked_at_has_a_card_all_the_same() -> None:
    text = card()
    assert text.startswith("# Harbour Bank: lightgbm\n")
    assert "## Leaks" not in text
    assert "## What examiners ask" in text
    assert "not legal advice" in text


def test_what_was_looked_for_stands_in_the_card() -> None:
    text = card(looked())
    for part in (
        "## What moves it, out of fold",
        "## Leaks",
        "## Fairness by gender",
        "## Fairness by age",
        "**under 25**",
    ):
        assert part in text
    assert "Checked with the lender: it is known before." in text
    assert "## Leaks\n\nThe leak gate found nothing." in card(Looked(findings=()))


def test_only_ten_features_are_named_as_movers() -> None:
    part = card(looked()).split("## What moves it, out of fold")[1].split("\n\n")[1]
    assert part.count("\n") == 11  # header and rule


def test_a_bar_or_a_line_in_a_name_breaks_no_table() -> None:
    lines = card(looked("late | \n| share")).splitlines()
    assert len([line for line in lines if "late \\| \\| share" in line]) == 2  # a finding and a feature
    assert all(line.endswith("|") for line in lines if line.startswith("|"))


def test_the_same_candidate_gives_the_same_card() -> None:
    assert card(looked()) == card(looked())
