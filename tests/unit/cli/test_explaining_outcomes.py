from __future__ import annotations

from scorewright.cli.explaining import headline, policy_lines
from scorewright.domain.decisions import Decision, HardRule, ModelInfo, PolicyInfo
from scorewright.domain.matrix import Label

RULE = HardRule("burden", "refer", Label("Annuity too high", "Mensualité trop élevée"))


def model(rule: str = "threshold") -> ModelInfo:
    policy = PolicyInfo("1", rule)  # type: ignore[arg-type]
    return ModelInfo("book", "1", "ab", "lightgbm", "log-odds", 0.09, 3, ("application",), policy)


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
