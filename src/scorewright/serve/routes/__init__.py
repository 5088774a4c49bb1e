"""The addresses of the service, by what they are about. Each translates, asks a flow, and translates back."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from scorewright.serve.door import Door
from scorewright.serve.routes.clients import client_routes
from scorewright.serve.routes.deciding import deciding_routes
from scorewright.serve.routes.models import model_routes
from scorewright.serve.routes.operating import metrics_routes, open_routes
from scorewright.serve.routes.records import importing_routes, reading_routes, replaying_routes, writing_routes

_GUARDED = (
    open_routes,
    reading_routes,
    writing_routes,
    importing_routes,
    replaying_routes,
    client_routes,
    model_routes,
    metrics_routes,
)


def add_routes(app: FastAPI, door: Door) -> None:
    """Add every route, each behind the guard. Those that decide come first and ask it themselves: they are in haste."""
    app.router.routes.extend(deciding_routes(door).routes)
    for made in _GUARDED:
        app.include_router(made(door), dependencies=[Depends(door.guard.admit)])
