"""What every answer wears: an id, security headers, one line in the access log, and never a traceback."""

from __future__ import annotations

import logging
import time
import traceback
import uuid
from typing import TYPE_CHECKING, Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from scorewright.serve import problems
from scorewright.serve.access.headers import HEADERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

access_log = logging.getLogger("scorewright.serve.access")
error_log = logging.getLogger("scorewright.serve.error")

CLIENT_LEFT = 499


class Envelope:
    """Wraps the whole application, outside its own handling of errors.

    The access log holds method, route, status, duration and request id: no address, query, header or body, for each of
    these may name a person. An error that nobody expected is logged by class and place; its message may quote a row.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = str(uuid.uuid4())
        scope.setdefault("state", {})["request_id"] = request_id
        dressing = _Dressing(send, request_id)
        began = time.perf_counter()
        try:
            await self.app(scope, receive, dressing)
        except ClientDisconnect:
            dressing.status = CLIENT_LEFT
        except Exception as error:  # noqa: BLE001
            error_log.error("request %s failed: %s", request_id, anonymous_trace(error))
            if not dressing.status:
                await problem_response(problems.unexpected(), scope)(scope, receive, dressing)
        milliseconds = 1000 * (time.perf_counter() - began)
        access_log.info(
            "%s %s %d %.1f ms %s", scope["method"], _route(scope), dressing.status, milliseconds, request_id
        )


class _Dressing:
    """Sends what it is given, with the headers added, and remembers the status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request_id
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


def problem_response(problem: problems.Problem, scope: Scope, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response that states the problem, under the request's id."""
    body = problems.encode(problem, scope["state"]["request_id"])
    return Response(body, problem.status, headers, problems.MEDIA_TYPE)


def anonymous_trace(error: BaseException) -> str:
    """Say which error arose where, and from which other, without any of their messages.

    Examples
    --------
    >>> anonymous_trace(ValueError("income of Mrs Martin"))
    'ValueError'
    """
    frames = [f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in traceback.extract_tb(error.__traceback__)]
    told = " > ".join([*frames, type(error).__qualname__])
    return f"{told}, from {anonymous_trace(error.__cause__)}" if error.__cause__ else told


def _route(scope: Scope) -> Any:
    return getattr(scope.get("route"), "path", "(no route)")
