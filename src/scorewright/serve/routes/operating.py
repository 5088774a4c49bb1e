"""Routes for those who operate the service."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from scorewright.serve import answers, documents
from scorewright.serve.documents import JSON
from scorewright.serve.door import Door, answer
from scorewright.serve.telemetry import METRICS_MEDIA_TYPE


def open_routes(door: Door) -> APIRouter:
    """Return the routes that need no key: they tell nothing of anyone."""
    router = APIRouter()

    @router.get("/healthz", response_model=answers.HealthAnswer, summary="Does the process answer?")
    async def healthz() -> Response:
        return answer(answers.HealthAnswer())

    ready = documents.documented(documents.NO_MODEL, documents.FAILED, documents.STOPPING, documents.NO_LEDGER)

    @router.get("/readyz", response_model=answers.ReadyAnswer, responses=ready, summary="Can it decide?")
    async def readyz() -> Response:
        await door.check_ready()
        return answer(answers.ReadyAnswer())

    @router.get("/openapi.json", response_model=dict[str, Any], summary="This document")
    async def openapi(request: Request) -> Response:
        return Response(to_json(await door.look_up(request.app.openapi)), media_type=JSON)

    return router


def metrics_routes(door: Door) -> APIRouter:
    """Return the route that tells figures."""
    router = APIRouter()

    @router.get("/metrics", summary="Figures in Prometheus' text format", response_class=Response)
    async def metrics() -> Response:
        return Response(await door.look_up(door.parts.metrics.text), media_type=METRICS_MEDIA_TYPE)

    return router
