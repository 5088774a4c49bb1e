from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scorewright.errors import (
    BundleCorruptError,
    DeadlineError,
    LedgerBusyError,
    LedgerUnavailableError,
    OverloadedError,
    ScorewrightError,
    StoppingError,
    UnseenCategoryError,
)
from scorewright.serve.envelope import Envelope, wait_of
from scorewright.serve.logs import anonymous_trace
from scorewright.serve.telemetry import Metrics, Tracing
from tests.logs import lines_of, logged

SECRET = "Mrs Martin earns 54321"


def ask(app: ASGIApp, kind: str = "http", metrics: Metrics | None = None) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": kind,
        "method": "GET",
        "path": f"/{SECRET}",
        "query_string": SECRET.encode(),
        "headers": [],
    }
    asyncio.run(Envelope(app, metrics or Metrics(), Tracing())(scope, receive, send))
    return sent


async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RuntimeError(SECRET) from KeyError(SECRET)


async def fail_late(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await fail(scope, receive, send)


async def leave(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ClientDisconnect


def refuse(error: ScorewrightError) -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise error

    return app


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": [(b"x-own", b"1")]})
    await send({"type": "http.response.body", "body": b""})


def test_a_failure_is_a_problem_and_its_cause_stays_in_the_log_without_values() -> None:
    with logged() as log:
        start, body = ask(fail)
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    told = json.loads(body["body"])
    assert (start["status"], headers["content-type"]) == (500, "application/problem+json")
    assert told["code"] == "internal"
    assert told["instance"] == f"urn:uuid:{headers['x-request-id']}"
    assert "RuntimeError" not in body["body"].decode()
    (line,) = [line for line in lines_of(log) if line["event"] == "unexpected"]
    assert line["request_id"] == headers["x-request-id"]
    assert line["error"].startswith("RuntimeError < fail (")
    assert line["error"].endswith(", from KeyError")
    assert SECRET not in log.getvalue() + body["body"].decode()


def test_a_failure_far_down_is_told_by_its_class_and_its_innermost_place() -> None:
    async def deep(scope: Scope, receive: Receive, send: Send, depth: int = 60) -> None:
        await (deep(scope, receive, send, depth - 1) if depth else fail(scope, receive, send))

    with logged() as log:
        ask(deep)
    (line,) = [line for line in lines_of(log) if line["event"] == "unexpected"]
    assert line["error"].startswith("RuntimeError < fail (")
    assert line["error"].endswith(", from KeyError")


def test_a_failure_after_the_answer_began_sends_nothing_more() -> None:
    assert [message["type"] for message in ask(fail_late)] == ["http.response.start"]


@pytest.mark.parametrize(
    ("error", "status", "wait"),
    [
        (LedgerUnavailableError("a lock"), 503, "1"),
        (LedgerBusyError(3), 503, "1"),
        (OverloadedError("Few may wait.", "more", 7), 503, "7"),
        (DeadlineError("Soon.", "late", 4), 503, "4"),
        (StoppingError("Before.", "after"), 503, "1"),
        (UnseenCategoryError("job", ["roi"], ["cook"], 1), 422, None),
        (BundleCorruptError("Sealed.", "changed", "Copy."), 500, None),
    ],
)
def test_an_error_that_no_route_handled_is_its_problem(error: ScorewrightError, status: int, wait: str | None) -> None:
    start, body = ask(refuse(error))
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    assert (start["status"], json.loads(body["body"])["code"]) == (status, error.code)
    assert headers.get("retry-after") == wait == wait_of(error).get("Retry-After")


def test_what_is_the_operators_is_logged_and_what_is_the_callers_is_not() -> None:
    with logged() as log:
        ask(refuse(LedgerUnavailableError("a lock")))
        ask(refuse(UnseenCategoryError("job", ["Martin"], ["cook"], 1)))
    refused = [line for line in lines_of(log) if line["event"] == "refused"]
    assert [line["code"] for line in refused] == ["ledger-unavailable"]
    assert "a lock" in refused[0]["reason"]
    assert "Martin" not in log.getvalue()


def test_a_caller_who_left_is_no_failure() -> None:
    with logged() as log:
        assert ask(leave) == []
    told = [line for line in lines_of(log) if line["event"] != "Using selector: EpollSelector"]
    assert [(line["event"], line["status"]) for line in told if "asyncio" not in line["event"]] == [("request", 499)]


def test_the_id_is_added_to_the_answers_own_headers() -> None:
    headers = {name.decode(): value.decode() for name, value in ask(answer)[0]["headers"]}
    assert headers.pop("x-own") == "1"
    assert list(headers) == ["x-request-id"]


def test_the_access_log_names_nobody() -> None:
    with logged() as log:
        ask(answer)
    (line,) = [line for line in lines_of(log) if line["event"] == "request"]
    assert set(line) == {"time", "level", "event", "request_id", "method", "route", "status", "ms"}
    assert (line["method"], line["route"], line["status"]) == ("GET", "(no route)", 204)
    assert SECRET not in log.getvalue()


def test_answers_and_problems_are_counted() -> None:
    metrics = Metrics()
    ask(answer, metrics=metrics)
    ask(fail, metrics=metrics)
    counted = metrics.text().decode()
    assert 'scorewright_requests_total{method="GET",route="(no route)",status="204"} 1.0' in counted
    assert 'scorewright_problems_total{code="internal"} 1.0' in counted


def test_what_is_not_http_passes_untouched() -> None:
    assert ask(answer, "lifespan")[0]["headers"] == [(b"x-own", b"1")]


def test_a_trace_tells_places_and_classes_only() -> None:
    with pytest.raises(RuntimeError) as failure:
        asyncio.run(fail({}, None, None))  # type: ignore[arg-type]
    trace = anonymous_trace(failure.value)
    assert "fail (" in trace
    assert "RuntimeError" in trace
    assert SECRET not in trace
