from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scorewright.serve.envelope import HEADERS, Envelope, anonymous_trace

SECRET = "Mrs Martin earns 54321"


def ask(app: ASGIApp, kind: str = "http") -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": kind, "method": "GET", "path": f"/{SECRET}", "query_string": SECRET.encode()}
    asyncio.run(Envelope(app)(scope, receive, send))
    return sent


async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RuntimeError(SECRET) from KeyError(SECRET)


async def fail_late(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await fail(scope, receive, send)


async def leave(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ClientDisconnect


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    own = [(b"content-security-policy", b"default-src 'self'")]
    await send({"type": "http.response.start", "status": 204, "headers": own})
    await send({"type": "http.response.body", "body": b""})


def test_a_failure_is_a_problem_and_its_cause_stays_in_the_log_without_values(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    start, body = ask(fail)
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    told = json.loads(body["body"])
    assert (start["status"], headers["content-type"]) == (500, "application/problem+json")
    assert told["code"] == "internal"
    assert told["instance"] == f"urn:uuid:{headers['x-request-id']}"
    assert "RuntimeError" not in body["body"].decode()
    assert headers["x-request-id"] in caplog.text
    assert "RuntimeError, from" in caplog.text
    assert "KeyError" in caplog.text
    assert SECRET not in caplog.text + body["body"].decode()


def test_a_failure_after_the_answer_began_sends_nothing_more() -> None:
    assert [message["type"] for message in ask(fail_late)] == ["http.response.start"]


def test_a_caller_who_left_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert ask(leave) == []
    assert [record.name for record in caplog.records] == ["scorewright.serve.access"]
    assert " 499 " in caplog.text


def test_headers_are_added_but_never_over_those_of_a_page() -> None:
    headers = {name.decode(): value.decode() for name, value in ask(answer)[0]["headers"]}
    assert headers.pop("content-security-policy") == "default-src 'self'"
    assert {name.lower() for name in HEADERS} - set(headers) == {"content-security-policy"}


def test_the_access_log_names_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ask(answer)
    assert "GET (no route) 204" in caplog.text
    assert SECRET not in caplog.text


def test_what_is_not_http_passes_untouched() -> None:
    assert ask(answer, "lifespan")[0]["headers"] == [(b"content-security-policy", b"default-src 'self'")]


def test_a_trace_tells_places_and_classes_only() -> None:
    with pytest.raises(RuntimeError) as failure:
        asyncio.run(fail({}, None, None))  # type: ignore[arg-type]
    trace = anonymous_trace(failure.value)
    assert "fail (" in trace
    assert "RuntimeError" in trace
    assert SECRET not in trace
