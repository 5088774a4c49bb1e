"""Callers who see a few clients' records only, and what the audit writes down of who reads whose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from scorewright.domain.ledger import AccessEntry
from tests.functional.recording_desk import NOBODYS, OVERRIDE, Desk, codes, post, send
from tests.serving import Store, problem


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, Store())
    with closing(made.ledger):
        yield made


# Callers who see a few clients' records only


def reads(id_: str) -> list[tuple[str, str]]:
    return [("GET", f"/v1/decisions/{id_}"), ("POST", f"/v1/decisions/{id_}/replay")]


def test_others_decisions_are_as_if_there_were_none(desk: Desk) -> None:
    own, other = desk.decided(), desk.decided(client="2")
    limited = desk.as_("admin", ["1"])
    for method, path in reads(own.id):
        assert limited.ask(method, path).status_code == 200
    for method, path in reads(other.id):
        told = problem(limited.ask(method, path), 404, "ledger-unknown-decision")
        missing = problem(limited.ask(method, path.replace(other.id, NOBODYS)), 404, "ledger-unknown-decision")
        assert told["detail"].replace(other.id, NOBODYS) == missing["detail"]
    for path, body in (("override", OVERRIDE), ("outcome", {"defaulted": True})):
        assert post(limited, f"/v1/decisions/{own.id}/{path}", body).status_code == 201
        answer = post(limited, f"/v1/decisions/{other.id}/{path}", body)
        problem(answer, 404, "ledger-unknown-decision")
    assert desk.replayer.asked == [own.id]
    assert [len(desk.entries(kind)) for kind in ("override", "outcome")] == [1, 1]


def test_a_forgotten_client_is_nobodys_to_see(desk: Desk) -> None:
    decision = desk.decided()
    desk.ledger.forget("1", "local:owner")
    answer = desk.as_("officer", ["1"]).get(f"/v1/decisions/{decision.id}")
    problem(answer, 404, "ledger-unknown-decision")


def test_others_outcomes_are_refused_line_by_line(desk: Desk) -> None:
    own, other = desk.decided(), desk.decided(client="2")
    lines = [{"decision": one.id, "defaulted": True} for one in (own, other)]
    assert codes(send(desk.as_("integrator", ["1"]), *lines)) == [None, "ledger-unknown-decision"]


def test_others_rows_and_pages_are_forbidden_whether_there_are_any(desk: Desk) -> None:
    limited = desk.as_("officer", ["1"])
    assert limited.get("/v1/clients/1").status_code == 200
    assert limited.get("/v1/decisions?client=1").status_code == 200
    for client in ("2", "4711"):
        for path in (f"/v1/clients/{client}", f"/v1/decisions?client={client}"):
            assert client not in problem(limited.get(path), 403, "request-forbidden")["detail"]


# The audit


def access(caller: str, action: str, client: str | None, allowed: bool = True) -> AccessEntry:
    return AccessEntry(f"api-key:{caller}", action, allowed, "", client)


def test_whoever_reads_a_clients_records_is_written_down_with_the_client(desk: Desk) -> None:
    decision = desk.decided()
    desk.as_("officer").get(f"/v1/decisions/{decision.id}")
    desk.as_("officer").get("/v1/decisions?client=1")
    desk.as_("officer").get("/v1/clients/1")
    desk.as_("validator").ask("POST", f"/v1/decisions/{decision.id}/replay")
    assert desk.accesses == [
        access("officer", "GET /v1/decisions/{id}", "1"),
        access("officer", "GET /v1/decisions", "1"),
        access("officer", "GET /v1/clients/{id}", "1"),
        access("validator", "POST /v1/decisions/{id}/replay", "1"),
    ]


def test_what_is_an_entry_of_its_own_is_not_written_down_twice(desk: Desk) -> None:
    decision = desk.decided()
    post(desk.as_("officer"), f"/v1/decisions/{decision.id}/override", OVERRIDE)
    post(desk.as_("integrator"), f"/v1/decisions/{decision.id}/outcome", {"defaulted": True})
    send(desk.as_("integrator"), {"decision": decision.id, "defaulted": True})
    assert desk.accesses == []


def test_whoever_asks_for_what_is_not_theirs_to_see_is_written_down_as_denied(desk: Desk) -> None:
    other = desk.decided(client="2")
    limited = desk.as_("officer", ["1"])
    asks: list[Callable[[], httpx.Response]] = [
        lambda: limited.get(f"/v1/decisions/{other.id}"),
        lambda: limited.get("/v1/clients/2"),
        lambda: post(limited, f"/v1/decisions/{other.id}/override", OVERRIDE),
    ]
    for ask in asks:
        ask()
    assert desk.accesses == [
        access("officer-1", action, None, allowed=False)
        for action in ("GET /v1/decisions/{id}", "GET /v1/clients/{id}", "POST /v1/decisions/{id}/override")
    ]


def test_of_a_forgotten_client_the_audit_names_nobody(desk: Desk) -> None:
    decision = desk.decided()
    desk.ledger.forget("1", "local:owner")
    desk.as_("officer").get(f"/v1/decisions/{decision.id}")
    assert desk.accesses == [access("officer", "GET /v1/decisions/{id}", None)]
