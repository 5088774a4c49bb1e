from __future__ import annotations

import pytest

from scorewright.cli.explaining import _HALF, _bar, headline, place_lines, policy_lines, reason_lines, recourse_lines
from scorewright.domain.decisions import Decision, HardRule, ModelInfo, PolicyInfo
from scorewright.domain.explanations import Change, Option, Place, Reason, Reasons, Recourse
from scorewright.domain.matrix import Label
from scorewright.explain.recourse import APPROVED_ALREADY

RULE = HardRule("burden", "refer", Label("Annuity too high", "Mensualité trop élevée"))
NARROW = "\N{NARROW NO-BREAK SPACE}"
LATE = Label("Late payments", "Retards de paiement")
AGE = Label("Age of the account", "Ancienneté du compte")


def model(rule: str = "threshold") -> ModelInfo:
    policy = PolicyInfo("1", rule)  # type: ignore[arg-type]
    return ModelInfo("book", "1", "ab", "lightgbm", "log-odds", 0.09, 3, ("application",), policy)


def told(**parts: object) -> Decision:
    return Decision(12, 0.1, "refuse", model(), **parts)  # type: ignore[arg-type]


def test_outcome_and_threshold_are_said_in_both_languages() -> None:
    decision = Decision(12, 0.1, "refer", model(), opinion="refuse", rules=(RULE,))
    assert headline(decision, "en") == "refer to an officer 12: PD 0.1000, threshold 0.0900"
    assert headline(decision, "fr") == "transmettre à un analyste 12 : PD 0,1000, seuil 0,0900"
    assert policy_lines(decision, "en") == ["Annuity too high: refer to an officer.", "By the PD alone: refuse."]
    assert policy_lines(decision, "fr") == [
        "Mensualité trop élevée : transmettre à un analyste.",
        "Selon la seule PD : refuser.",
    ]


def test_an_interval_is_said_with_the_pd() -> None:
    decision = Decision(12, 0.1, "approve", model(), opinion="approve", interval=(0.08, 0.125))
    assert headline(decision, "en") == "approve 12: PD 0.1000 (0.0800 – 0.1250), threshold 0.0900"
    assert policy_lines(decision, "en") == []


def test_a_loans_own_threshold_counts_under_the_money_rule() -> None:
    known = Decision(12, 0.1, "approve", model("money"), loan_threshold=0.2)
    unknown = Decision(12, 0.1, "refer", model("money"))
    assert headline(known, "en").endswith("threshold 0.2000")
    assert headline(unknown, "en").endswith("threshold not known, for want of an amount")
    assert headline(unknown, "fr").endswith("seuil inconnu, faute d'un montant")


def test_reasons_are_numbered_and_a_label_is_not_said_twice() -> None:
    sentence = Label("31% were paid late.", "31 % ont été payées en retard.")
    given = (Reason("late", LATE, sentence, 0.5, -14.4), Reason("application.age", AGE, AGE, 0.1, -2.9))
    decision = told(reasons=Reasons(given))
    assert reason_lines(decision, "en") == [
        "What weighed against it:",
        "  1. Late payments: 31% were paid late.",
        "  2. Age of the account.",
    ]
    assert reason_lines(decision, "fr") == [
        "Ce qui a pesé contre la demande :",
        "  1. Retards de paiement : 31 % ont été payées en retard.",
        "  2. Ancienneté du compte.",
    ]


@pytest.mark.parametrize("reasons", [None, Reasons()])
def test_without_reasons_nothing_is_said_of_them(reasons: Reasons | None) -> None:
    assert reason_lines(told(reasons=reasons), "en") == []


def place(**other: object) -> Place:
    usual = {"value": 0.1, "bin": 1, "percentile": 83.6, "approved": (1.0, 0.125)}
    return Place(name="pd", label=LATE, bins=("low", "high"), shares=(0.8, 0.2), **{**usual, **other})  # type: ignore[arg-type]


def test_the_place_of_the_pd_is_said_with_the_approvals_of_its_like() -> None:
    decision = told(places=(place(), place(percentile=1.0)))
    assert place_lines(decision, "en") == [
        "Its PD is higher than that of 84% of the applications the model learnt from.",
        "Of those with a PD like it, 12.5% were approved.",
    ]
    assert place_lines(decision, "fr") == [
        f"Sa PD dépasse celle de 84{NARROW}% des demandes sur lesquelles le modèle a appris.",
        f"Parmi les demandes de PD semblable, 12,5{NARROW}% ont été accordées.",
    ]


@pytest.mark.parametrize("few", [place(bin=None), place(approved=(1.0, None))])
def test_approvals_are_left_out_where_too_few_would_tell_them(few: Place) -> None:
    assert len(place_lines(told(places=(few,)), "en")) == 1


@pytest.mark.parametrize("places", [None, (), (place(percentile=None),)])
def test_without_a_place_nothing_is_said_of_it(places: tuple[Place, ...] | None) -> None:
    assert place_lines(told(places=places), "en") == []


def test_ways_to_an_approval_are_said_with_what_they_change() -> None:
    smaller = Label("Borrow less", "Emprunter moins")
    elsewhere = Label("Repay debts", "Rembourser des dettes")
    changes = (
        Change("smaller", "application.amount", 1, 600000.0, 450000.5),
        Change("debts", "bureau.debt", 3, 1200.0, 0.0),
        Change("purpose", "application.purpose", 1, "travel", None),
    )
    decision = told(recourse=Recourse((Option((smaller, elsewhere), changes, 0.3, 0.0812, "approve"),), 40))
    assert recourse_lines(decision, "en") == [
        "To be approved (PD 0.0812): Borrow less; Repay debts",
        "  application.amount: from 600,000 to 450,000",
        "  bureau.debt: from 1,200 to 0",
        "  application.purpose: from travel to –",
    ]
    assert recourse_lines(decision, "fr")[:2] == [
        "Pour obtenir un accord (PD 0,0812) : Emprunter moins ; Rembourser des dettes",
        f"  application.amount : de 600{NARROW}000 à 450{NARROW}000",
    ]


def test_where_there_is_no_way_it_is_said_why() -> None:
    decision = told(recourse=Recourse(none_because=APPROVED_ALREADY))
    assert recourse_lines(decision, "en") == [APPROVED_ALREADY.en]
    assert recourse_lines(decision, "fr") == [APPROVED_ALREADY.fr]
    assert recourse_lines(told(), "en") == []


@pytest.mark.parametrize(
    ("points", "furthest", "left", "right"),
    [(-10.0, 10.0, 0, 9), (10.0, 10.0, 9, 0), (5.0, 10.0, 4, 0), (-0.1, 10.0, 0, 0), (0.0, 0.0, 0, 0)],
)
def test_a_bar_leaves_the_middle_for_the_safer_or_the_riskier_side(
    points: float, furthest: float, left: int, right: int
) -> None:
    safer, _, riskier = _bar(points, furthest).partition("│")
    assert (safer.count("█"), riskier.count("█")) == (left, right)
    assert safer.endswith("█" * left)
    assert riskier.startswith("█" * right)


def test_bars_stand_in_line_though_spaces_at_the_end_of_a_cell_are_cut() -> None:
    for points in (-10.0, -3.0, 0.0, 10.0):
        kept = _bar(points, 10.0).rstrip()
        assert kept.index("│") == _HALF
        assert len(kept) - 1 == 2 * _HALF + 1
