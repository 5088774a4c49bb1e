from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scorewright.errors import BodyTooSlowError, ServiceError
from scorewright.serve.patience import Guard, Patience, in_time

SOON = Patience(requests=1, body_seconds=0.05, pause_seconds=0.01, send_seconds=0.01, retry_after=7)
LONG = Patience()
PIECE: Message = {"type": "http.request", "body": b"x", "more_body": True}
LAST: Message = {"type": "http.request", "body": b"x", "more_body": False}


async def refuse(error: ServiceError, scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "refused", "retry_after": error.retry_after})


async def read(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "read"})


async def never(*_given: Any) -> Any:
    await asyncio.Event().wait()


def pieces(count: int, then: Callable[[], Awaitable[Message]], pause: float = 0.0) -> Receive:
    left = [PIECE] * count

    async def receive() -> Message:
        await asyncio.sleep(pause)
        return left.pop() if left else await then()

    return receive


async def last() -> Message:
    return LAST


async def ask(app: ASGIApp, receive: Receive, path: str = "/v1/decisions", patience: Patience = SOON) -> list[str]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await Guard(app, refuse, patience)({"type": "http", "path": path}, receive, send)
    return [message["type"] for message in sent]


def test_a_body_that_comes_in_time_is_read() -> None:
    assert asyncio.run(ask(read, pieces(5, last), patience=LONG)) == ["read"]


def test_a_body_that_pauses_too_long_is_cut() -> None:
    with pytest.raises(BodyTooSlowError):
        asyncio.run(ask(read, pieces(2, never)))


def test_a_body_that_trickles_is_cut_when_its_time_is_over() -> None:
    with pytest.raises(BodyTooSlowError):
        asyncio.run(ask(read, pieces(1_000_000, never, 0.001), patience=replace(LONG, body_seconds=0.05)))


def test_a_streamed_body_may_take_any_time_but_may_not_pause() -> None:
    path = next(iter(LONG.streamed))
    long = pieces(50, last, 0.001)
    assert asyncio.run(ask(read, long, path, replace(LONG, body_seconds=0.01))) == ["read"]
    with pytest.raises(BodyTooSlowError):
        asyncio.run(ask(read, pieces(2, never), path))


def test_waiting_for_a_caller_to_leave_is_no_slow_body() -> None:
    async def leave() -> Message:
        await asyncio.sleep(0.1)
        return {"type": "http.disconnect"}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert await receive() == LAST
        assert (await receive())["type"] == "http.disconnect"

    left = [leave, last]

    async def receive() -> Message:
        return await left.pop()()

    assert asyncio.run(ask(app, receive)) == []


def test_a_timeout_from_elsewhere_is_not_taken_for_a_slow_body() -> None:
    async def fail() -> Message:
        raise TimeoutError("elsewhere")

    with pytest.raises(TimeoutError, match="elsewhere"):
        asyncio.run(ask(read, fail))


def test_an_answer_that_is_not_taken_ends_the_request() -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(Guard(read, refuse, SOON)({"type": "http", "path": "/"}, last, never))


def test_one_request_too_many_is_refused_but_a_probe_is_answered() -> None:
    async def act() -> None:
        guard = Guard(read, refuse, SOON)
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        first = asyncio.ensure_future(guard({"type": "http", "path": "/"}, never, send))
        await asyncio.sleep(0)
        assert guard.under_way == 1
        await guard({"type": "http", "path": "/"}, last, send)
        await guard({"type": "http", "path": "/healthz"}, last, send)
        assert sent == [{"type": "refused", "retry_after": 7}, {"type": "read"}]
        with pytest.raises(BodyTooSlowError):
            await first
        assert guard.under_way == 0
        await guard({"type": "http", "path": "/"}, last, send)
        assert sent[-1] == {"type": "read"}

    asyncio.run(act())


def test_what_is_not_http_passes_untouched() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": f"{scope['type']} {receive is last}"})

    async def act() -> list[Message]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        await Guard(app, refuse, SOON)({"type": "lifespan"}, last, send)
        return sent

    assert asyncio.run(act()) == [{"type": "lifespan True"}]


# Waiting, if one must


def never_late() -> float:
    return asyncio.get_running_loop().time() + 30


def test_what_is_there_at_once_starts_no_clock() -> None:
    def latest() -> float:
        raise AssertionError("no clock is needed")

    assert asyncio.run(in_time(last(), latest)) == LAST


def test_what_has_to_wait_ends_as_it_would_alone() -> None:
    async def several(ended: Exception | None) -> str:
        for _ in range(3):
            await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        if ended is not None:
            raise ended
        return "there"

    assert asyncio.run(in_time(several(None), never_late)) == "there"
    with pytest.raises(ValueError, match="its own"):
        asyncio.run(in_time(several(ValueError("its own")), never_late))
    with pytest.raises(TimeoutError, match="its own"):
        asyncio.run(in_time(several(TimeoutError("its own")), never_late))


def test_who_is_cancelled_while_waiting_cancels_what_was_begun() -> None:
    seen: list[str] = []

    async def patient() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def act() -> None:
        waiting = asyncio.ensure_future(in_time(patient(), never_late))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(act())
    assert seen == ["cancelled"]


def test_what_is_not_there_in_time_ends() -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(in_time(never(), lambda: 0.0))
