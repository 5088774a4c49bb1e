"""A decision service made by hand, the service around it, and a client of it within the same process."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from scorewright.domain.decisions import (
    NOTHING,
    Contribution,
    Decision,
    Include,
    ModelInfo,
    Simulated,
)
from scorewright.domain.explanations import (
    Change,
    Option,
    Place,
    PointScale,
    Reason,
    Reasons,
    Recourse,
    SharedContribution,
    Shares,
    Withheld,
)
from scorewright.domain.matrix import Label
from scorewright.domain.replays import Replayed
from scorewright.domain.service import Judged, JudgingService, ListedModel, Wish
from scorewright.errors import ColumnsError, NoModelError, ScorewrightError, UnknownClientError, UnknownDecisionError
from scorewright.serve.app import ServiceApp, create_app
from scorewright.serve.door import Parts
from scorewright.serve.settings import ServiceSettings
from tests.ledgers import MemoryLedger

KEY = "a-key-of-23-characters!"
MODEL = ModelInfo("book", "7", "sha256:ab", "lightgbm", "log-odds", 0.09, 12, ("application", "loans"))
EXAMPLE = {"application": {"id": 1, "income": 1200.5, "job": "maçon", "owner": True}, "loans": [{"debt": None}]}
WEIGHTS = (0.1, -0.9, 0.3, 0.05, -0.2, 0.7, 0.0, 0.4, -0.6, 0.15, 0.25, -0.35)
FEATURE = Label("Feature", "Variable")
CHANGE = Change("amount", "application.income", 1, 900.0, 1000.0)
#: What the fake answers for each part: enough of everything that its schema is tried.
PARTS: dict[str, dict[str, Any]] = {
    "contributions": {
        "contributions": tuple(Contribution(f"f{i}", FEATURE, float(i), weight) for i, weight in enumerate(WEIGHTS)),
        "base": -0.5,
        "score": -0.5 + sum(WEIGHTS),
    },
    "points": {
        "shares": Shares(-0.5, 0.25, 0.1, 0.2, 560.0, 530.0),
        "shared": (SharedContribution("f0", FEATURE, "red", 0.75, 0.1, -30.0),),
        "point_scale": PointScale(),
    },
    "reasons": {
        "reasons": Reasons(
            (Reason("late", FEATURE, Label("Paid late", "Payé en retard"), 0.5, -20.0, ("f0",)),),
            (Withheld("age", FEATURE, 0.1, ("application.age",)),),
        )
    },
    "recourse": {"recourse": Recourse((Option((FEATURE,), (CHANGE,), 0.1, 0.05, "approve"),), 12)},
    "standing": {"places": (Place("pd", FEATURE, 0.2, ("≤ 0.1", "> 0.1"), (0.5, 0.5), (1.0, None), 1, 75.0),)},
}
FEATURES = "cd" * 32
SCHEMA = {"type": "object", "required": ["application"]}
LISTED = ListedModel("7", "sha256:ab", "lightgbm", datetime(2026, 3, 1, tzinfo=UTC), ("champion",), "champion")
FIELDS = {"contributions": ["contributions", "base", "score"], "reasons": ["reasons", "withheld"]}


class FakeService:
    """Knows two tables and refuses by income; fails on demand."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.asked: list[Mapping[str, Any]] = []
        self.included: list[frozenset[Include]] = []
        self.threads: list[int] = []
        self.batches: list[int] = []

    def model(self) -> ModelInfo:
        if isinstance(self.failure, NoModelError):
            raise self.failure
        return MODEL

    def example(self) -> Mapping[str, Any]:
        self.model()
        return EXAMPLE

    def decide(self, application: Mapping[str, Any], include: frozenset[Include] = NOTHING) -> Decision:
        self.threads.append(threading.get_ident())
        self.asked.append(application)
        self.included.append(include)
        if self.failure is not None:
            raise self.failure
        unknown = sorted(set(application) - {"application", "loans"})
        if unknown:
            raise ColumnsError("application", unknown=unknown)
        income = application["application"].get("income")
        poor = not isinstance(income, float) or income < 1000
        decision = Decision(
            application["application"].get("id", 1), 0.2 if poor else 0.01, "refuse" if poor else "approve", MODEL
        )
        for part in sorted(include):
            decision = replace(decision, **PARTS[part])
        return decision

    def decide_each(self, wishes: Sequence[Wish]) -> list[Judged | ScorewrightError]:
        self.batches.append(len(wishes))
        return [self._judged(wish) for wish in wishes]

    def _judged(self, wish: Wish) -> Judged | ScorewrightError:
        try:
            return Judged(self.decide(wish.application, wish.include), FEATURES)
        except ScorewrightError as error:
            return error

    def schema(self) -> Mapping[str, Any]:
        self.model()
        return SCHEMA

    def simulate(
        self,
        application: Mapping[str, Any],
        changes: Mapping[str, Mapping[str, Any]],
        include: frozenset[Include] = NOTHING,
    ) -> Simulated:
        changed = {**application, "application": {**application["application"], **changes["application"]}}
        return Simulated(self.decide(application, include), self.decide(changed, include))


class Client:
    """Sends requests to the application within this process, each on an event loop of its own."""

    def __init__(self, app: FastAPI, **headers: str) -> None:
        self.app = app
        self.headers = headers

    def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        return asyncio.run(self.asking(method, path, **sent))

    async def asking(self, method: str, path: str, **sent: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://service", headers=self.headers, trust_env=False
        ) as client:
            return await client.request(method, path, **sent)

    def get(self, path: str, **sent: Any) -> httpx.Response:
        return self.ask("GET", path, **sent)

    def decide(self, body: bytes, path: str = "/v1/decisions", **sent: Any) -> httpx.Response:
        return self.ask("POST", path, content=body, **{"headers": {"Content-Type": "application/json"}, **sent})

    def simulate(self, body: bytes, query: str = "") -> httpx.Response:
        return self.decide(body, f"/v1/simulations{query}")


class Shelf:
    """Lists one model."""

    def models(self) -> list[ListedModel]:
        return [LISTED]


class NoReplays:
    """Knows no past decision."""

    def replay(self, decision: str) -> Replayed:
        raise UnknownDecisionError(decision)


class Store:
    """Knows one client."""

    portfolio = "book"

    def get(self, client: str) -> dict[str, Any]:
        if client != "1":
            raise UnknownClientError
        rows: dict[str, Any] = json.loads(json.dumps(EXAMPLE))
        return rows

    def keys(self, prefix: str = "", limit: int = 100) -> tuple[int | str, ...]:
        return (1,)[:limit] if "1".startswith(prefix) else ()

    def __len__(self) -> int:
        return 1


def parts_of(service: JudgingService, ledger: MemoryLedger | None = None, **more: Any) -> Parts:
    return Parts(service, ledger or MemoryLedger(), Shelf(), NoReplays(), **more)  # type: ignore[arg-type]


def app_of(service: FakeService, ledger: MemoryLedger | None = None, **given: Any) -> ServiceApp:
    return create_app(parts_of(service, ledger), ServiceSettings(**given))


def client_of(service: FakeService, ledger: MemoryLedger | None = None, **given: Any) -> Client:
    return Client(app_of(service, ledger, **given))


def keyed(headers: Mapping[str, str] | None = None, ledger: MemoryLedger | None = None) -> Client:
    return Client(app_of(FakeService(), ledger, api_key=SecretStr(KEY)), **(headers or {}))


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Assert that the answer is this problem, in the one shape of problems, and return it."""
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(told) == {"type", "title", "status", "detail", "code", "rule", "value", "remedy", "instance"}
    assert told["status"] == status
    assert told["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    return told
