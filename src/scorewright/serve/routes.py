"""The addresses of the service. Each translates, asks the decision service, and translates back.

Decisions and examples are computed in one worker thread at a time. Off the event loop, so that health checks and
refusals do not wait behind a decision; one at a time, because Polars and LightGBM already use the cores and because a
service then needs no locks. Callers are served in the order in which their bodies were complete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic_core import to_json

from scorewright.domain.decisions import INCLUDES
from scorewright.serve import answers, bodies, documents
from scorewright.serve.documents import JSON

if TYPE_CHECKING:
    from pydantic import BaseModel

    from scorewright.domain.decisions import DecisionService, Include
    from scorewright.serve.access.guard import Guard
    from scorewright.serve.settings import ServiceSettings

T = TypeVar("T")


@dataclass(frozen=True)
class Door:
    """What the routes share: whom to ask, whom to admit, and the one worker."""

    service: DecisionService
    settings: ServiceSettings
    guard: Guard
    worker: CapacityLimiter

    async def work(self, task: Callable[[], T]) -> T:
        """Run a task in the worker thread, after those that came before it."""
        return await run_sync(task, limiter=self.worker)

    async def read(self, request: Request) -> bytes:
        """Read the body of a request."""
        if not bodies.is_plain_json(request.headers):
            raise HTTPException(415, _declared(request), {"Accept": JSON})
        declared = request.headers.get("content-length")
        return await bodies.read_body(request.stream(), declared, self.settings.max_body_bytes)

    def decide(self, body: bytes, include: frozenset[Include]) -> bytes:
        """Decide the application that the body holds."""
        decision = self.service.decide(bodies.parse_application(body), include)
        return _encode(answers.decision_answer(decision, self.settings.top_contributions, include))

    def simulate(self, body: bytes, include: frozenset[Include]) -> bytes:
        """Decide the application that the body holds, as it is and as it would be."""
        simulated = self.service.simulate(*bodies.parse_simulation(body), include)
        return _encode(answers.simulation_answer(simulated, self.settings.top_contributions, include))

    def example(self) -> bytes:
        """Give a body that `decide` accepts."""
        return to_json(dict(self.service.example()), inf_nan_mode="null")


def open_routes(door: Door) -> APIRouter:
    """Return the routes that need no key: they tell nothing of anyone."""
    router = APIRouter(dependencies=[Depends(door.guard.admit)])

    @router.get("/healthz", response_model=answers.HealthAnswer, summary="Does the process answer?")
    async def healthz() -> Response:
        return _answer(answers.HealthAnswer())

    ready = documents.documented(documents.NO_MODEL, documents.FAILED)

    @router.get("/readyz", response_model=answers.ReadyAnswer, responses=ready, summary="Can it decide?")
    async def readyz() -> Response:
        door.service.model()
        return _answer(answers.ReadyAnswer())

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> Response:
        return Response(to_json(await door.work(request.app.openapi)), media_type=JSON)

    return router


def keyed_routes(door: Door) -> APIRouter:
    """Return the routes that need the key, where there is one."""
    fallible = documents.documented(documents.NO_MODEL, documents.FAILED)
    router = APIRouter(dependencies=[Depends(door.guard.admit)], responses=fallible)
    refused = documents.documented(*documents.REFUSED_BODIES)
    asked = {"requestBody": documents.BODY, "parameters": [documents.INCLUDE]}
    supposed = {"requestBody": documents.SIMULATION_BODY, "parameters": [documents.INCLUDE]}

    @router.post(
        documents.DECISIONS,
        response_model=answers.DecisionAnswer,
        responses=refused,
        openapi_extra=asked,
        summary="Decide one application",
    )
    async def decide(request: Request) -> Response:
        include = _included(request)
        sent = await door.read(request)
        return Response(await door.work(lambda: door.decide(sent, include)), media_type=JSON)

    @router.post(
        documents.SIMULATIONS,
        response_model=answers.SimulationAnswer,
        responses=refused,
        openapi_extra=supposed,
        summary="What would be decided, were the application another?",
    )
    async def simulate(request: Request) -> Response:
        include = _included(request)
        sent = await door.read(request)
        return Response(await door.work(lambda: door.simulate(sent, include)), media_type=JSON)

    @router.get("/v1/model", response_model=answers.ModelAnswer, summary="Which model answers?")
    async def model() -> Response:
        return _answer(answers.model_answer(door.service.model()))

    @router.get(documents.EXAMPLE, response_model=dict[str, Any], summary="A body that the model accepts")
    async def example() -> Response:
        return Response(await door.work(door.example), media_type=JSON)

    return router


def _included(request: Request) -> frozenset[Include]:
    """Read which parts of the explanation are asked for. Refuses other names: a misspelt one would never be missed."""
    told = ",".join(request.query_params.getlist("include"))
    names = {name.strip() for name in told.split(",")} - {""}
    unknown = sorted(names.difference(INCLUDES))
    if unknown:
        raise HTTPException(422, documents.unknown_part(unknown[0]))
    return frozenset(part for part in INCLUDES if part in names)


def _declared(request: Request) -> str:
    # Only whether, not what: a header is the caller's own text.
    return "another media type, charset or encoding" if "content-type" in request.headers else "no Content-Type"


def _answer(told: BaseModel) -> Response:
    return Response(_encode(told), media_type=JSON)


def _encode(told: BaseModel) -> bytes:
    return told.model_dump_json().encode()
