"""A service with a ledger in a real database, callers with keys of their own, and ways to ask."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from scorewright.domain.access import Role
from scorewright.domain.ledger import AccessEntry, DecisionEntry, Recorded, Wanted
from scorewright.domain.replays import Replayed
from scorewright.ledger import SqlLedger, open_ledger
from scorewright.ledger.keys import LedgerKeys
from scorewright.serve.access.key_file import change_keys
from scorewright.serve.access.keys import Wish, add, mint
from scorewright.serve.app import ServiceApp, create_app
from scorewright.serve.door import Parts
from scorewright.serve.settings import ServiceSettings
from tests.serving import EXAMPLE, FEATURES, Client, FakeService, Shelf, Store

NOBODYS = "01a1b6c0-7f1e-7c3a-9d52-0f8b7a4c2e11"
OVERRIDE = {"outcome": "refuse", "officer": "Zoé Martin", "reason": "The payslips\nwere made up."}
NDJSON = {"Content-Type": "application/x-ndjson"}
ENTRY = DecisionEntry(
    client="1",
    caller="api-key:branches",
    inputs=json.dumps(EXAMPLE).encode(),
    pd=0.02,
    outcome="approve",
    portfolio="book",
    model="7",
    bundle="sha256:ab",
    policy="0",
    interval=(0.01, 0.03),
    reasons=("late",),
    rules=("poor",),
    features=FEATURES,
    answer=b'{"pd":0.02,"decision":"approve"}',
)


@dataclass
class FakeReplayer:
    """Finds every decision the same, or fails as it is told to."""

    failure: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def replay(self, decision: str) -> Replayed:
        self.asked.append(decision)
        if self.failure is not None:
            raise self.failure
        return Replayed(decision, "book", "7", "sha256:ab", ("pd", "outcome"))


class Desk:
    """A running service, its ledger, and callers with keys of their own."""

    def __init__(self, folder: Path, store: Store | None) -> None:
        self.ledger: SqlLedger = open_ledger(f"sqlite:///{folder}/ledger.db", LedgerKeys(b"s" * 32))
        self.replayer = FakeReplayer()
        self._keys = folder / "keys.json"
        self._clients: dict[str, Client] = {}
        self._keys_of("first", ("admin",))
        parts = Parts(FakeService(), self.ledger, Shelf(), self.replayer, store)
        self.app: ServiceApp = create_app(parts, ServiceSettings(keys_file=self._keys))

    def as_(self, role: Role, clients: Sequence[str] | None = None) -> Client:
        """Give a client in this role, who sees these clients' records only."""
        name = "-".join([role, *(clients or ())])
        if name not in self._clients:
            text = self._keys_of(name, (role,), None if clients is None else tuple(clients))
            self._clients[name] = Client(self.app, Authorization=f"Bearer {text}")
        return self._clients[name]

    def decided(self, **changed: Any) -> Recorded:
        return self.ledger.append(replace(ENTRY, **changed))

    def entries(self, kind: Any) -> list[Recorded]:
        return list(self.ledger.iterate(Wanted(kind)))

    @property
    def accesses(self) -> list[AccessEntry]:
        """What the audit wrote down, without ids of requests."""
        return [replace(one.entry, request="") for one in self.entries("access") if isinstance(one.entry, AccessEntry)]

    def _keys_of(self, name: str, roles: tuple[Role, ...], clients: tuple[str, ...] | None = None) -> str:
        text, wish = mint(), Wish(name, roles, timedelta(days=1), clients)
        change_keys(self._keys, lambda keys: add(keys, text, wish, datetime.now(UTC)))
        return text


def post(client: Client, path: str, body: Any, key: str | None = None) -> httpx.Response:
    return client.ask("POST", path, json=body, headers={} if key is None else {"Idempotency-Key": key})


def send(client: Client, *lines: Any) -> list[dict[str, Any]]:
    """Import outcomes, and give the lines of the answer."""
    content = b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    answer = client.ask("POST", "/v1/outcomes", content=content, headers=NDJSON)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    told = [json.loads(line) for line in answer.content.splitlines()]
    assert [line["position"] for line in told] == list(range(len(told)))
    return told


def codes(lines: list[dict[str, Any]]) -> list[str | None]:
    return [line["problem"] and line["problem"]["code"] for line in lines]
