"""How many requests are taken at once, and how long each side waits for the other.

The server itself cuts a caller who takes too long over the head of a request (`scorewright.serve.running`); what comes
after the head is watched here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from scorewright.errors import BodyTooSlowError, OverloadedError, ServiceError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """Limits of one worker.

    Parameters
    ----------
    requests : int
        Most requests under way at once; the next is refused with 503 and Retry-After.
    body_seconds : float
        How long a whole body may take to arrive.
    pause_seconds : float
        How long may pass between two pieces of a body.
    send_seconds : float
        How long a caller may take to accept a piece of the answer.
    retry_after : int
        Seconds after which a refused caller is told to ask again.
    streamed : frozenset of str
        Paths whose bodies may take any time as a whole, as long as they keep coming.
    always : frozenset of str
        Paths that are answered however many requests are under way: a probe must not fail because the service is busy.
    """

    requests: int = 512
    body_seconds: float = 30.0
    pause_seconds: float = 10.0
    send_seconds: float = 30.0
    retry_after: int = 1
    streamed: frozenset[str] = frozenset({"/v1/decisions/batch", "/v1/outcomes"})
    always: frozenset[str] = frozenset({"/healthz", "/readyz", "/metrics"})


class Refuse(Protocol):
    """Answers a request with an error."""

    async def __call__(self, error: ServiceError, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the error, in the one shape of refusals."""
        ...


class Guard:
    """ASGI middleware that holds callers to a `Patience`.

    A body that is too slow raises ``BodyTooSlowError`` where the application reads it; an answer that is not taken ends
    the connection.

    Parameters
    ----------
    app : ASGIApp
        What is guarded.
    refuse : Refuse
        Answers those who are one too many.
    patience : Patience
        The limits.
    """

    def __init__(self, app: ASGIApp, refuse: Refuse, patience: Patience = Patience()) -> None:
        self._app = app
        self._refuse = refuse
        self._patience = patience
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """How many requests are under way."""
        return self._under_way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http" or scope["path"] in self._patience.always:
            await self._app(scope, receive, send)
            return
        if self._under_way >= self._patience.requests:
            await self._refuse(_one_too_many(self._patience), scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._app(scope, self._watched(scope, receive), _Sending(send, self._patience.send_seconds))
        finally:
            self._under_way -= 1

    def _watched(self, scope: Scope, receive: Receive) -> _Receiving:
        whole = None if scope["path"] in self._patience.streamed else self._patience.body_seconds
        return _Receiving(receive, self._patience.pause_seconds, whole)


class _Receiving:
    """Receives a body piece by piece, each in time. Waiting for a caller to leave, after the body, may last."""

    def __init__(self, receive: Receive, pause: float, whole: float | None) -> None:
        self._receive = receive
        self._pause = pause
        self._until = None if whole is None else asyncio.get_running_loop().time() + whole
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            message = await in_time(self._receive(), self._latest)
        except _LateError:
            raise _too_slow() from None
        self._complete = not message.get("more_body", False)
        return message

    def _latest(self) -> float:
        pause = asyncio.get_running_loop().time() + self._pause
        return pause if self._until is None else min(pause, self._until)


class _Sending:
    def __init__(self, send: Send, seconds: float) -> None:
        self._send = send
        self._seconds = seconds

    async def __call__(self, message: Message) -> None:
        await in_time(self._send(message), self._latest)

    def _latest(self) -> float:
        return asyncio.get_running_loop().time() + self._seconds


class _LateError(TimeoutError):
    """It was not there in time."""


async def in_time(awaited: Awaitable[T], latest: Callable[[], float]) -> T:
    """Await what is mostly there already; a clock runs only if it is not.

    Parameters
    ----------
    awaited : awaitable
        What is begun at once.
    latest : callable
        Returns the time of the loop at which the waiting ends, if it comes to that.

    Raises
    ------
    TimeoutError
        It was not there in time.
    """
    begun = awaited.__await__()
    try:
        first = next(begun)
    except StopIteration as ended:
        told: T = ended.value
        return told
    timing = asyncio.timeout_at(latest())
    try:
        async with timing:
            return await _Rest(begun, first)
    except TimeoutError:
        if timing.expired():
            raise _LateError from None
        raise


class _Rest(Generic[T]):
    """The rest of something that was begun, from what it waits for first."""

    def __init__(self, begun: Generator[Any, Any, T], first: Any) -> None:
        self._begun = begun
        self._first = first

    def __await__(self) -> Generator[Any, Any, T]:
        awaited = self._first
        while True:
            try:
                sent = yield awaited
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is for what was begun
                go = partial(self._begun.throw, error)
            else:
                go = partial(self._begun.send, sent)
            try:
                awaited = go()
            except StopIteration as ended:
                told: T = ended.value
                return told


def _one_too_many(patience: Patience) -> OverloadedError:
    rule = f"At most {patience.requests} requests may be under way."
    return OverloadedError(rule, "one more", patience.retry_after)


def _too_slow() -> BodyTooSlowError:
    return BodyTooSlowError(
        "A body must arrive without long pauses, and whole in the time that a request may take.",
        "one that did not",
        "Send it again over a faster connection, or as several requests.",
    )
