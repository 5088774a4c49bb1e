"""What every answer wears: an id, one line in the access log, and never a traceback."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from scorewright.errors import LedgerBusyError, LedgerUnavailableError, ScorewrightError, ServiceError
from scorewright.serve import problems
from scorewright.serve.logs import accepted_request_id, access_fields, anonymous_trace, request_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from scorewright.serve.telemetry import Metrics, Tracing

access_log = logging.getLogger("scorewright.serve.access")
error_log = logging.getLogger("scorewright.serve.error")

CLIENT_LEFT = 499
_ID = b"x-request-id"


class Envelope:
    """Wraps the whole application, outside its own handling of errors.

    The access log holds method, route, status, duration, caller and request id: no address, query, header or body, for
    each of these may name a person. An error that nobody expected is logged by class and place; its message may quote a
    row.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing) -> None:
        self.app = app
        self._metrics = metrics
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        own = accepted_request_id(headers.get("x-request-id"))
        scope.setdefault("state", {}).update(request_id=own, metrics=self._metrics)
        dressing = _Dressing(send, own)
        began, token = time.perf_counter(), request_id.set(own)
        try:
            with self._tracing.span("request", self._tracing.remote(headers.get("traceparent")), request_id=own):
                await self._answer(scope, receive, dressing)
        finally:
            fields = access_fields(scope, dressing.status, time.perf_counter() - began)
            self._metrics.answered(fields)
            _log_access(fields)
            request_id.reset(token)

    async def _answer(self, scope: Scope, receive: Receive, dressing: _Dressing) -> None:
        try:
            await self.app(scope, receive, dressing)
        except ClientDisconnect:
            dressing.status = CLIENT_LEFT
        except ScorewrightError as error:
            if not dressing.status:
                await refused(error, scope)(scope, receive, dressing)
        except Exception as error:  # noqa: BLE001
            error_log.error("unexpected", extra={"error": anonymous_trace(error)})
            if not dressing.status:
                await problem_response(problems.unexpected(), scope)(scope, receive, dressing)


def _log_access(fields: Mapping[str, Any]) -> None:
    # What `access_log.info` does, but for the search for whoever called it.
    if access_log.isEnabledFor(logging.INFO):
        name, here = access_log.name, (__file__, 0)
        access_log.handle(access_log.makeRecord(name, logging.INFO, *here, "request", (), None, extra=fields))


class _Dressing:
    """Sends what it is given, with the id added, and remembers the status."""

    def __init__(self, send: Send, own: str) -> None:
        self._send = send
        self._id = own.encode()
        self.status = 0

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            others = [pair for pair in message.get("headers", ()) if pair[0].lower() != _ID]
            message["headers"] = [*others, (_ID, self._id)]
        return self._send(message)


def refused(error: ScorewrightError, scope: Scope, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response to an error; what is the operator's is logged, for the caller learns only its title."""
    if not problems.kind_of(type(error)).open:
        error_log.error("refused", extra={"code": error.code, "reason": str(error)})
    return problem_response(problems.from_error(error), scope, {**wait_of(error), **(headers or {})})


async def refuse(error: ServiceError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request that is one too many."""
    await refused(error, scope)(scope, receive, send)


def wait_of(error: ScorewrightError) -> dict[str, str]:
    """Return the header that says when to ask again, for errors that pass."""
    if isinstance(error, ServiceError):
        return {"Retry-After": str(error.retry_after)}
    return {"Retry-After": "1"} if isinstance(error, LedgerBusyError | LedgerUnavailableError) else {}


def problem_response(problem: problems.Problem, scope: Scope, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response that states the problem, under the request's id."""
    scope["state"]["metrics"].refused(problem.code)
    body = problems.encode(problem, scope["state"]["request_id"])
    return Response(body, problem.status, headers, problems.MEDIA_TYPE)
