"""The leak gate: planted leaks are caught, honest data pass, and the verb says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.planted_leaks import PLANTED, Book, caught, dated, found_in, found_in_model, honest
from scorewright.errors import TrainingError
from scorewright.explain.leaks.gate import refusals
from scorewright.flows.leaks import inspect_folder, pass_gate
from scorewright.tables.portfolio import load_portfolio

Verb = Callable[..., Any]
LOSS = "a number known after default"
LOOKS = {
    "separation",
    "concentration",
    "missingness",
    "order",
    "identifier",
    "known_after",
    "shared_rows",
    "shared_persons",
    "shift",
    "only_on_one_side",
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_leak_is_caught(name: str, tmp_path: Path) -> None:
    assert caught(name, tmp_path)


def test_a_leak_of_every_kind_is_planted() -> None:
    assert {planted.kind for planted in PLANTED.values()} == LOOKS


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("book", [honest, lambda seed: dated(honest(seed=seed))], ids=["drawn", "dated"])
def test_nothing_is_found_in_honest_loans(book: Callable[..., Book], seed: int, tmp_path: Path) -> None:
    assert found_in(book(seed=seed), tmp_path) == ()


def test_nothing_is_found_in_an_honest_model(tmp_path: Path) -> None:
    assert found_in_model(honest(), tmp_path) == ()


@pytest.mark.parametrize("name", [name for name, planted in PLANTED.items() if not planted.by_model])
def test_findings_quote_no_key_and_no_identifier(name: str, tmp_path: Path) -> None:
    book = PLANTED[name].plant(honest())
    words = {word.strip("(),.:;'") for finding in found_in(book, tmp_path) for word in finding.sentence.split()}
    assert words.isdisjoint({str(key) for key in book.loans["loan_no"]} | set(book.loans["client"]))


def test_the_gate_stops_what_is_refused_and_lets_pass_what_is_allowed(tmp_path: Path) -> None:
    findings = found_in(PLANTED[LOSS].plant(honest()), tmp_path)
    with pytest.raises(TrainingError, match=r"application\.collected alone separates"):
        pass_gate(findings, {})
    (finding,) = pass_gate(findings, {"collected": "fees of an earlier loan"})
    assert finding.allowed == "fees of an earlier loan"


def test_a_hard_rule_may_not_read_what_is_known_after(tmp_path: Path) -> None:
    rule = """known_after = ["children"]
[policy]
version = "1"
[policy.rules.many]
when = "children > 3"
outcome = "refer"
label = { en = "Many children", fr = "Nombreux enfants" }
"""
    (finding,) = found_in(replace(honest(), more=rule), tmp_path)
    assert (finding.kind, finding.severity) == ("known_after", "refuse")
    assert finding.features == ("policy.rules.many.when",)


def test_the_made_up_tables_of_the_sample_hold_nothing_to_refuse(sample: Path) -> None:
    assert refusals(inspect_folder(load_portfolio("home_credit"), sample)) == ()


@pytest.mark.real
@pytest.mark.parametrize(
    ("portfolio", "folder"),
    [
        ("south_german_credit", "south_german_credit"),
        ("uci_credit_card", "uci_default_credit_card"),
        ("home_credit", "home_credit/clients_10k"),
        pytest.param("home_credit", "home_credit/applications", marks=pytest.mark.slow),
    ],
)
def test_shipped_portfolios_hold_nothing_to_refuse(portfolio: str, folder: str, real_data: Path) -> None:
    assert refusals(inspect_folder(load_portfolio(portfolio), real_data / folder)) == ()


def written(book: Book, folder: Path) -> tuple[Path, Path]:
    """Write the portfolio and the tables of a book."""
    own = folder / "book"
    for name, content in book.portfolio.files.items():
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_bytes(content)
    return own, book.write(folder / "tables")


def test_the_verb_says_that_honest_loans_pass(verb: Verb, tmp_path: Path) -> None:
    portfolio, data = written(honest(), tmp_path)
    ran = verb(tmp_path, "leaks", portfolio, "--data", data)
    assert (ran.code, ran.out.strip()) == (0, "No leak found.")


def test_the_verb_fails_on_a_leak_and_says_what_to_do(verb: Verb, tmp_path: Path) -> None:
    portfolio, data = written(PLANTED[LOSS].plant(honest()), tmp_path)
    ran = verb(tmp_path, "leaks", portfolio, "--data", data)
    assert ran.code == 6
    assert "application.collected" in ran.out
    assert "--allow-leak application.collected --leak-reason TEXT" in ran.out
    assert "error [training" in ran.err


def test_the_verb_lets_pass_what_is_only_suspicious(verb: Verb, tmp_path: Path) -> None:
    portfolio, data = written(PLANTED["rows sorted by outcome"].plant(honest()), tmp_path)
    ran = verb(tmp_path, "leaks", portfolio, "--data", data, "--json")
    assert ran.code == 0, ran.err
    (finding,) = json.loads(ran.out)
    assert (finding["kind"], finding["severity"]) == ("order", "warn")


def test_a_reason_opens_the_gate_and_is_told(verb: Verb, tmp_path: Path) -> None:
    portfolio, data = written(PLANTED[LOSS].plant(honest()), tmp_path)
    allow = ("--allow-leak", "application.collected", "--allow-leak", "colected", "--leak-reason", "fees, not losses")
    ran = verb(tmp_path, "leaks", portfolio, "--data", data, *allow)
    assert ran.code == 0, ran.err
    assert "Allowed: fees, not losses" in ran.out
    assert "--allow-leak colected: no finding asks for it." in ran.err


@pytest.mark.parametrize("reasons", [(), ("--leak-reason", " ")], ids=["none", "blank"])
def test_nothing_passes_without_a_reason(reasons: tuple[str, ...], verb: Verb, tmp_path: Path) -> None:
    portfolio, data = written(honest(), tmp_path)
    ran = verb(tmp_path, "leaks", portfolio, "--data", data, "--allow-leak", "application.income", *reasons)
    assert ran.code == 3
    assert "Each --allow-leak is given a --leak-reason" in ran.err
