"""What is written down of every request, before its answer begins."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from scorewright.domain.access import AccessEvent
from scorewright.serve.access.guard import NO_ROUTE, Ruling

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("scorewright.serve.access.denied")

Tell = Callable[[AccessEvent], Awaitable[None]]
"""Writes an event down."""

CLIENT_LEFT = 499
FAILED = 500
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


def _now() -> datetime:
    return datetime.now(UTC)


class AccessAudit:
    """Hands an event to `tell` for each request, once, before the first byte of its answer.

    What `tell` raises makes the request fail: nothing is answered that could not be written down.

    Parameters
    ----------
    app : ASGI application
        What answers. It leaves its ruling and the request's id in the scope's state.
    tell : callable
        Takes the event, and is waited for.
    now : callable
        Returns the time, in UTC.
    """

    def __init__(self, app: ASGIApp, tell: Tell, now: Callable[[], datetime] = _now) -> None:
        self.app = app
        self._tell = tell
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, untold = False, None

        def watched(message: Message) -> Awaitable[None]:
            return begin(message) if message["type"] == "http.response.start" else send(message)

        async def begin(message: Message) -> None:
            nonlocal begun, untold
            begun = True
            try:
                await self._tell(access_event(scope, message["status"], self._now()))
            except Exception as error:
                untold = error
                raise
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except BaseException as error:
            if untold is not None:
                # The application has made an error of its own of it: nothing can be answered that was begun.
                raise untold from None
            if not begun:
                left = isinstance(error, ClientDisconnect)
                await self._tell(access_event(scope, CLIENT_LEFT if left else FAILED, self._now()))
            raise


def access_event(scope: Scope, status: int, now: datetime) -> AccessEvent:
    """Say what happened to a request, by what its scope has come to hold."""
    state = scope.get("state", {})
    ruling: Ruling | None = state.get("ruling")
    return AccessEvent(
        time=now,
        caller=ruling.caller.reference if ruling and ruling.caller else None,
        method=scope["method"] if scope["method"] in _METHODS else "other",
        route=getattr(scope.get("route"), "path", NO_ROUTE),
        status=status,
        request_id=state.get("request_id", ""),
        why=ruling.why if ruling else None,
        client=state.get("client"),
    )


def log_denied(event: AccessEvent) -> None:
    """Log an event if the request was denied: why stands nowhere else."""
    if event.why is not None:
        told = {name: getattr(event, name) for name in ("request_id", "method", "route", "status", "caller")}
        told["reason"] = event.why
        log.warning("denied", extra=told)
