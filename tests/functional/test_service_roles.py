"""Every role, nobody and an unknown key ask for every address of the table; who is let through is compared with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scorewright.domain.access import ROLES, Role
from scorewright.domain.ledger import AccessEntry, DecisionEntry, Wanted
from scorewright.domain.replays import Replayed
from scorewright.ledger import SqlLedger, open_ledger
from scorewright.ledger.keys import LedgerKeys
from scorewright.serve.access.key_file import change_keys
from scorewright.serve.access.keys import Wish, add, mint
from scorewright.serve.access.roles import OPEN, ROUTES, Address, idle_routes, missing_routes
from scorewright.serve.app import create_app
from scorewright.serve.door import Parts
from scorewright.serve.patience import Patience
from scorewright.serve.settings import ServiceSettings
from tests.serving import EXAMPLE, Client, FakeService, Shelf, Store

ENTRY = DecisionEntry("1", "desk", b"{}", 0.1, "approve", "book", "7", "sha256:ab", "0", answer=b"{}")
BODY = json.dumps(EXAMPLE).encode()
LINES: Mapping[str, Any] = {"headers": {"Content-Type": "application/x-ndjson"}}
OVERRIDE = {"outcome": "refer", "officer": "Zoé Martin", "reason": "Papers are missing."}
#: For each address a request that is answered with success, but for the role. `{id}` is that of a recorded decision.
REQUESTS: Mapping[Address, tuple[str, Mapping[str, Any]]] = {
    ("POST", "/v1/decisions"): ("/v1/decisions", {"json": EXAMPLE}),
    ("POST", "/v1/decisions/batch"): ("/v1/decisions/batch", {"content": BODY, **LINES}),
    ("GET", "/v1/decisions"): ("/v1/decisions?client=1", {}),
    ("GET", "/v1/decisions/{id}"): ("/v1/decisions/{id}", {}),
    ("POST", "/v1/decisions/{id}/override"): ("/v1/decisions/{id}/override", {"json": OVERRIDE}),
    ("POST", "/v1/decisions/{id}/outcome"): ("/v1/decisions/{id}/outcome", {"json": {"defaulted": True}}),
    ("POST", "/v1/decisions/{id}/replay"): ("/v1/decisions/{id}/replay", {}),
    ("POST", "/v1/outcomes"): ("/v1/outcomes", {"content": b"{}", **LINES}),
    ("POST", "/v1/simulations"): (
        "/v1/simulations",
        {"json": {**EXAMPLE, "changes": {"application": {"income": 1.0}}}},
    ),
    ("POST", "/v1/clients/{id}/decisions"): ("/v1/clients/1/decisions", {"json": {}}),
    ("GET", "/v1/clients/{id}"): ("/v1/clients/1", {}),
}
NOBODY, UNKNOWN = "nobody", "unknown key"
ASKERS = (*ROLES, NOBODY, UNKNOWN)


class AlwaysTheSame:
    """Finds every decision the same."""

    def replay(self, decision: str) -> Replayed:
        return Replayed(decision, "book", "7", "sha256:ab", ("pd",))


@dataclass(frozen=True)
class Office:
    """The service, a recorded decision, and who may ask."""

    ledger: SqlLedger
    decision: str
    clients: Mapping[str, Client]

    def ask(self, asker: str, address: Address) -> int:
        """Ask for an address, and give the status of the answer."""
        method, route = address
        path, sent = REQUESTS.get(address, (route, {}))
        return self.clients[asker].ask(method, path.replace("{id}", self.decision), **sent).status_code

    def denials(self) -> list[tuple[str, str]]:
        """Who was denied what, as the ledger has it."""
        entries = [one.entry for one in self.ledger.iterate(Wanted("access"))]
        return [(one.caller, one.action) for one in entries if isinstance(one, AccessEntry) and not one.allowed]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder: Path = tmp_path_factory.mktemp("office")
    headers = {role: {"Authorization": f"Bearer {key_of(role, folder / 'keys.json')}"} for role in ROLES}
    headers |= {NOBODY: {}, UNKNOWN: {"X-API-Key": mint()}}
    with closing(open_ledger(f"sqlite:///{folder}/ledger.db", LedgerKeys(b"s" * 32))) as ledger:
        parts = Parts(FakeService(), ledger, Shelf(), AlwaysTheSame(), Store())
        app = create_app(parts, ServiceSettings(keys_file=folder / "keys.json", throttle_failures=1000))
        clients = {asker: Client(app, **brought) for asker, brought in headers.items()}
        yield Office(ledger, ledger.append(ENTRY).id, clients)


def key_of(role: Role, file: Path) -> str:
    text, wish = mint(), Wish(role, (role,), timedelta(days=1))
    change_keys(file, lambda keys: add(keys, text, wish, datetime.now(UTC)))
    return text


def rightful(asker: str, address: Address) -> bool:
    """Read the table."""
    allowance = ROUTES[address]
    return allowance is OPEN or asker in allowance


@pytest.mark.parametrize("asker", ASKERS)
@pytest.mark.parametrize("address", sorted(ROUTES), ids=" ".join)
def test_each_role_is_let_through_where_the_table_says_so_and_nowhere_else(
    office: Office, address: Address, asker: str
) -> None:
    before = len(office.denials())
    status = office.ask(asker, address)
    if rightful(asker, address):
        assert status in {200, 201}
        assert len(office.denials()) == before
    elif asker in {NOBODY, UNKNOWN}:
        assert status == 401
        assert len(office.denials()) == before
    else:
        assert status == 403
        assert office.denials()[before:] == [(f"api-key:{asker}", " ".join(address))]


def test_bodies_that_may_take_any_time_are_those_of_streams() -> None:
    streams = {path for path, sent in REQUESTS.values() if sent.get("headers") == LINES["headers"]}
    assert Patience().streamed == streams


def test_the_table_has_every_running_route_and_no_other(office: Office) -> None:
    routes = office.clients[NOBODY].app.routes
    assert (missing_routes(routes), idle_routes(routes)) == ([], [])


@pytest.mark.parametrize("asker", ASKERS)
@pytest.mark.parametrize(("method", "path"), [("GET", "/v1"), ("GET", "/docs"), ("DELETE", "/v1/decisions/1")])
def test_what_is_not_in_the_table_is_nobodys(office: Office, asker: str, method: str, path: str) -> None:
    assert office.clients[asker].ask(method, path).status_code in {404, 405}
