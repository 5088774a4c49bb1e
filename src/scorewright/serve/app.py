"""The service as an ASGI application, built from what it is handed."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

from anyio import CapacityLimiter
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from scorewright import __version__
from scorewright.errors import BodyTooLargeError, ScorewrightError
from scorewright.serve import documents, problems
from scorewright.serve.access.audit import AccessAudit, log_denied
from scorewright.serve.access.choosing import choose_guard
from scorewright.serve.access.headers import SecurityHeaders, cross_origin
from scorewright.serve.envelope import Envelope, error_log, problem_response
from scorewright.serve.routes import Door, keyed_routes, open_routes

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

    from scorewright.domain.access import AccessEvent
    from scorewright.domain.decisions import DecisionService
    from scorewright.serve.access import Authenticator
    from scorewright.serve.settings import ServiceSettings

# Telemetry would record the messages of exceptions, and these may quote a row.
SILENT: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


class ServiceApp(FastAPI):
    """FastAPI whose OpenAPI document also tells what types cannot: problems, keys and an example of this very model."""

    def __init__(self, door: Door, audit: Callable[[AccessEvent], None]) -> None:
        super().__init__(
            title="Scorewright",
            version=__version__,
            summary="Credit decisions with their reasons.",
            # The usual pages load scripts from the network; the document itself is one of the open routes.
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            middleware=[
                Middleware(SecurityHeaders, door.settings.trusted_proxies),
                Middleware(Envelope),
                Middleware(AccessAudit, audit),
                *cross_origin(door.settings.cors_origins),
            ],
            exception_handlers={
                ScorewrightError: _on_error,
                HTTPException: _on_refusal,
                RequestValidationError: _on_invalid,
            },
            telemetry=SILENT,
            generate_unique_id_function=attrgetter("name"),
        )
        self.door = door

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI 3.1 document, with an example if a model is loaded."""
        schemes = self.door.guard.authenticator.schemes
        try:
            example = self.door.service.example()
        except ScorewrightError:
            return documents.complete(super().openapi(), schemes, None)
        return documents.complete(super().openapi(), schemes, example)


def create_app(
    service: DecisionService,
    settings: ServiceSettings,
    authenticator: Authenticator | None = None,
    audit: Callable[[AccessEvent], None] = log_denied,
) -> ServiceApp:
    """Build the service around what decides.

    Parameters
    ----------
    service : DecisionService
        What decides. Its ``decide``, ``simulate`` and ``example`` are called from one worker thread at a time, its
        ``model`` also from the event loop: that one must be quick and safe beside the others.
    settings : ServiceSettings
        Limits, address and key.
    authenticator : Authenticator, optional
        Who recognises callers. By default what the settings ask for; everyone is admitted if that is nothing and the
        address is loopback.
    audit : callable, optional
        Takes what is to be written down of each request, before its answer begins. By default denials are logged.

    Raises
    ------
    SettingsError
        Other machines could reach the service without keys or an identity provider.
    """
    door = Door(service, settings, choose_guard(settings, authenticator), CapacityLimiter(1))
    app = ServiceApp(door, audit)
    app.include_router(open_routes(door))
    app.include_router(keyed_routes(door))
    return app


async def _on_error(request: Request, error: Exception) -> Response:
    told = cast("ScorewrightError", error)
    if not problems.kind_of(type(told)).open:
        error_log.error("request %s: %s: %s", request.state.request_id, told.code, told)
    # What is left of a body that is too large is not worth reading: the connection ends with the answer.
    headers = {"Connection": "close"} if isinstance(told, BodyTooLargeError) else None
    return problem_response(problems.from_error(told), request.scope, headers)


async def _on_refusal(request: Request, error: Exception) -> Response:
    told = cast("HTTPException", error)
    value = {404: "another address", 405: f"the method {request.method}"}.get(told.status_code, told.detail)
    return problem_response(problems.from_status(told.status_code, value), request.scope, told.headers)


async def _on_invalid(request: Request, error: Exception) -> Response:
    issues = cast("RequestValidationError", error).errors()
    places = [f"{'.'.join(map(str, issue['loc']))}: {issue['msg']}" for issue in issues]
    return problem_response(problems.from_status(422, "; ".join(places)), request.scope)
