from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scorewright.domain.access import AccessEvent, Caller
from scorewright.domain.ledger import AccessEntry
from scorewright.errors import LedgerUnavailableError
from scorewright.serve.access.audit import AccessAudit, Tell, log_denied
from scorewright.serve.access.guard import Ruling
from scorewright.serve.access.recording import LedgerAudit
from tests.ledgers import MemoryLedger
from tests.logs import lines_of, logged

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OFFICER = Caller("anne", frozenset({"officer"}), "api-key")


def answering(status: int, ruling: Ruling | None = None) -> ASGIApp:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if ruling is not None:
            scope["route"] = SimpleNamespace(path="/v1/clients/{id}")
            scope["state"]["ruling"] = ruling
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


def failing(error: BaseException) -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise error

    return app


def noting(told: list[AccessEvent]) -> Tell:
    async def tell(event: AccessEvent) -> None:
        told.append(event)

    return tell


def audited(app: ASGIApp, method: str = "GET", kind: str = "http") -> tuple[list[AccessEvent], list[Message]]:
    told: list[AccessEvent] = []
    sent: list[Message] = []

    async def send(message: Message) -> None:
        assert told or kind != "http"
        sent.append(message)

    scope: dict[str, Any] = {
        "type": kind,
        "method": method,
        "path": "/v1/clients/Martin",
        "state": {"request_id": "r-1"},
    }
    asyncio.run(AccessAudit(app, noting(told), lambda: NOW)(scope, None, send))  # type: ignore[arg-type]
    return told, sent


def test_an_event_is_handed_over_once_and_before_the_answer_begins() -> None:
    told, sent = audited(answering(200, Ruling(200, OFFICER)))  # type: ignore[arg-type]
    assert told == [AccessEvent(NOW, "api-key:anne", "GET", "/v1/clients/{id}", 200, "r-1")]
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


def test_a_denial_says_why_and_to_whom() -> None:
    (event,), _ = audited(answering(403, Ruling(403, OFFICER, "no role")))  # type: ignore[arg-type]
    assert (event.caller, event.status, event.why) == ("api-key:anne", 403, "no role")
    (event,), _ = audited(answering(401, Ruling(401, why="key 00 expired")))  # type: ignore[arg-type]
    assert (event.caller, event.why) == (None, "key 00 expired")


def test_no_address_and_no_made_up_method_enters_the_audit() -> None:
    (event,), _ = audited(answering(404), "MARTIN")
    assert (event.method, event.route) == ("other", "(no route)")
    assert "artin" not in repr(event).lower()


@pytest.mark.parametrize(
    ("error", "status"), [(ClientDisconnect(), 499), (RuntimeError(), 500), (asyncio.CancelledError(), 500)]
)
def test_what_was_never_answered_is_kept_too(error: BaseException, status: int) -> None:
    told: list[AccessEvent] = []
    scope: dict[str, Any] = {"type": "http", "method": "GET"}
    with pytest.raises(type(error)):
        asyncio.run(AccessAudit(failing(error), noting(told))(scope, None, None))  # type: ignore[arg-type]
    assert [event.status for event in told] == [status]


@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "made another error by the application"])
def test_nothing_is_answered_that_could_not_be_written_down(wrapped: bool) -> None:
    asked = 0

    async def full(_event: AccessEvent) -> None:
        nonlocal asked
        asked += 1
        raise OSError("full")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await answering(200)(scope, receive, send)
        except OSError as error:
            if wrapped:
                raise RuntimeError("an answer was begun") from error
            raise

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "GET"}
    with pytest.raises(OSError, match="full"):
        asyncio.run(AccessAudit(app, full)(scope, None, send))  # type: ignore[arg-type]
    assert sent == []
    assert asked == 1


def test_what_is_not_http_is_no_event() -> None:
    assert audited(answering(200), kind="websocket")[0] == []


def test_denials_are_logged_with_their_reason() -> None:
    with logged() as log:
        log_denied(AccessEvent(NOW, None, "GET", "/v1/model", 401, "r-1", "key 0123456789ab expired"))
        log_denied(AccessEvent(NOW, "token:x", "GET", "/v1/model", 200, "r-2"))
    (line,) = lines_of(log)
    told = {name: line.get(name) for name in ("event", "request_id", "method", "route", "status", "caller", "reason")}
    assert told == {
        "event": "denied",
        "request_id": "r-1",
        "method": "GET",
        "route": "/v1/model",
        "status": 401,
        "caller": None,
        "reason": "key 0123456789ab expired",
    }


# The ledger's share


def event(status: int = 200, route: str = "/v1/decisions/{id}", **changes: Any) -> AccessEvent:
    told: dict[str, Any] = {"caller": "api-key:anne", "method": "GET", "why": None, "client": "17", **changes}
    return AccessEvent(NOW, route=route, status=status, request_id="r-1", **told)


def kept(*events: AccessEvent) -> list[Any]:
    ledger = MemoryLedger()
    audit = LedgerAudit(ledger)  # type: ignore[arg-type]
    for one in events:
        asyncio.run(audit(one))
    return [record.entry for record in ledger.records]


def test_who_read_a_clients_records_is_kept_with_the_client() -> None:
    (entry,) = kept(event())
    assert entry == AccessEntry("api-key:anne", "GET /v1/decisions/{id}", allowed=True, request="r-1", client="17")


def test_a_denial_is_kept_without_a_client_and_so_is_a_reading_that_found_none() -> None:
    denied, missed = kept(event(403, why="no role"), event(404))
    assert (denied.allowed, denied.client, missed.allowed, missed.client) == (False, None, True, None)


@pytest.mark.parametrize(
    "one", [event(route="/v1/model"), event(method="POST", route="/v1/decisions"), event(caller=None, why="no key")]
)
def test_what_has_an_entry_of_its_own_or_tells_of_nobody_is_not_kept(one: AccessEvent) -> None:
    assert kept(one) == []


def test_a_ledger_that_fails_is_told() -> None:
    ledger = MemoryLedger()
    ledger.late_failure = LedgerUnavailableError("a lock")
    with pytest.raises(LedgerUnavailableError):
        asyncio.run(LedgerAudit(ledger)(event()))  # type: ignore[arg-type]
