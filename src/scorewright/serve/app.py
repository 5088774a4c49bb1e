"""The service as an ASGI application, built from what it is handed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware

from scorewright import __version__
from scorewright.errors import RequestError, ScorewrightError
from scorewright.serve import openapi, problems
from scorewright.serve.access.audit import AccessAudit, Tell
from scorewright.serve.access.choosing import choose_guard
from scorewright.serve.access.headers import SecurityHeaders, cross_origin
from scorewright.serve.access.recording import LedgerAudit
from scorewright.serve.access.roles import ROUTES
from scorewright.serve.door import Door, Parts
from scorewright.serve.envelope import Envelope, problem_response, refuse, refused
from scorewright.serve.guarded import Direct
from scorewright.serve.patience import Guard as PatienceGuard
from scorewright.serve.routes import add_routes

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig
    from starlette.types import ASGIApp

    from scorewright.serve.access import Authenticator
    from scorewright.serve.lifetime import Hooks
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

    def __init__(self, door: Door, audit: Tell) -> None:
        settings = door.settings
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
                Middleware(SecurityHeaders, settings.trusted_proxies),
                Middleware(Envelope, door.parts.metrics, door.parts.tracing),
                Middleware(PatienceGuard, refuse, settings.patience),
                Middleware(AccessAudit, audit),
                *cross_origin(settings.cors_origins),
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

    @property
    def hooks(self) -> Hooks:
        """What is to be done beside answering."""
        return self.door.hooks

    def build_middleware_stack(self) -> ASGIApp:
        """Put this application's own layers around its routes, without FastAPI's.

        Those would observe errors, answer 500 and bound bodies; the envelope and the routes do that here, and each
        layer is passed several times by every request.
        """
        routed: ASGIApp = Direct(self.router.routes, AsyncExitStackMiddleware(self.router))
        app: ASGIApp = ExceptionMiddleware(routed, handlers=self.exception_handlers)
        for layer, given, named in reversed(self.user_middleware):
            app = layer(app, *given, **named)
        return app

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI 3.1 document as everyone may read it: the columns of its examples are made up."""
        return self._public

    def openapi_of_model(self) -> dict[str, Any]:
        """Return the document for callers with a key: its example is one of this very model, if one is loaded."""
        try:
            example = self.door.parts.service.example()
        except ScorewrightError:
            return self._public
        return self._documented(example)

    @cached_property
    def _public(self) -> dict[str, Any]:
        return self._documented(None)

    def _documented(self, example: Mapping[str, Any] | None) -> dict[str, Any]:
        return openapi.complete(super().openapi(), self.door.guard.authenticator.schemes, example)


def create_app(
    parts: Parts,
    settings: ServiceSettings,
    authenticator: Authenticator | None = None,
    audit: Tell | None = None,
) -> ServiceApp:
    """Build the service around what decides and what records.

    Parameters
    ----------
    parts : Parts
        Whom to ask.
    settings : ServiceSettings
        Limits, address and key.
    authenticator : Authenticator, optional
        Who recognises callers. By default what the settings ask for; everyone is admitted if that is nothing and the
        address is loopback.
    audit : callable, optional
        Takes what is to be written down of each request, before its answer begins. By default the ledger takes it.

    Raises
    ------
    SettingsError
        Other machines could reach the service without keys or an identity provider.
    """
    door = Door(parts, settings, choose_guard(settings, authenticator))
    app = ServiceApp(door, audit or LedgerAudit(parts.ledger))
    add_routes(app, door)
    return app


async def _on_error(request: Request, error: Exception) -> Response:
    told = cast("ScorewrightError", error)
    # What is left of a body that is refused is not worth reading: the connection ends with the answer.
    ends = isinstance(told, RequestError) and problems.kind_of(type(told)).ends_connection
    return refused(told, request.scope, {"Connection": "close"} if ends else {})


async def _on_refusal(request: Request, error: Exception) -> Response:
    told = cast("HTTPException", error)
    value = {404: "another address", 405: f"the method {request.method}"}.get(told.status_code, told.detail)
    headers = {**(told.headers or {}), **_methods_here(request)} if told.status_code == 405 else told.headers
    return problem_response(problems.from_status(told.status_code, value), request.scope, headers)


def _methods_here(request: Request) -> dict[str, str]:
    """Name every method of the address: the router knows only those of the first route that has it."""
    path = getattr(request.scope.get("route"), "path", None)
    methods = sorted(method for method, known in ROUTES if known == path)
    return {"Allow": ", ".join(methods)} if methods else {}


async def _on_invalid(request: Request, error: Exception) -> Response:
    issues = cast("RequestValidationError", error).errors()
    places = [f"{'.'.join(map(str, issue['loc']))}: {issue['msg']}" for issue in issues]
    return problem_response(problems.from_status(422, "; ".join(places)), request.scope)
