from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scorewright.domain.access import AccessEvent, Caller
from scorewright.serve.access.audit import AccessAudit, log_denied
from scorewright.serve.access.guard import Ruling

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
    asyncio.run(AccessAudit(app, told.append, lambda: NOW)(scope, None, send))  # type: ignore[arg-type]
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
        asyncio.run(AccessAudit(failing(error), told.append)(scope, None, None))  # type: ignore[arg-type]
    assert [event.status for event in told] == [status]


def test_nothing_is_answered_that_could_not_be_written_down() -> None:
    def full(_event: AccessEvent) -> None:
        raise OSError("full")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "GET"}
    with pytest.raises(OSError, match="full"):
        asyncio.run(AccessAudit(answering(200), full)(scope, None, send))  # type: ignore[arg-type]
    assert sent == []


def test_what_is_not_http_is_no_event() -> None:
    assert audited(answering(200), kind="websocket")[0] == []


def test_denials_are_logged_with_their_reason(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log_denied(AccessEvent(NOW, None, "GET", "/v1/model", 401, "r-1", "key 0123456789ab expired"))
    log_denied(AccessEvent(NOW, "token:x", "GET", "/v1/model", 200, "r-2"))
    assert [record.getMessage() for record in caplog.records] == [
        "request r-1: GET /v1/model denied with 401 to nobody: key 0123456789ab expired"
    ]
