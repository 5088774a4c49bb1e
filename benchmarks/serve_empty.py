"""An endpoint that does nothing, on the service's own stack: ``serve_empty.py PORT``.

The same server, framework and middleware, without the guard and without the audit, which writes to the ledger.
``GET /nothing`` answers a constant; ``POST /nothing`` reads the body first.
"""

from __future__ import annotations

import sys

from fastapi import FastAPI, Request, Response
from starlette.middleware import Middleware

from scorewright.serve.access.headers import SecurityHeaders
from scorewright.serve.app import SILENT
from scorewright.serve.bodies import read_body
from scorewright.serve.documents import JSON
from scorewright.serve.envelope import Envelope, refuse
from scorewright.serve.patience import Guard as PatienceGuard
from scorewright.serve.running import run
from scorewright.serve.settings import ServiceSettings
from scorewright.serve.telemetry import Metrics, Tracing


def empty(settings: ServiceSettings) -> FastAPI:
    """Build the application."""
    app = FastAPI(
        openapi_url=None,
        telemetry=SILENT,
        middleware=[
            Middleware(SecurityHeaders, settings.trusted_proxies),
            Middleware(Envelope, Metrics(), Tracing()),
            Middleware(PatienceGuard, refuse, settings.patience),
        ],
    )

    @app.get("/nothing")
    async def nothing() -> Response:
        return Response(b"{}", media_type=JSON)

    @app.post("/nothing")
    async def nothing_of(request: Request) -> Response:
        await read_body(request.stream(), request.headers.get("content-length"), settings.max_body_bytes)
        return Response(b"{}", media_type=JSON)

    return app


if __name__ == "__main__":
    chosen = ServiceSettings(port=int(sys.argv[1]))
    run(empty(chosen), chosen, running=chosen.running)
