"""Routes that decide: one application, many, a known client; and what would be decided."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from functools import partial
from operator import attrgetter

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic_core import to_json

from scorewright.domain.decisions import Include
from scorewright.errors import NoStoreError
from scorewright.serve import answers, bodies, documents
from scorewright.serve.batch import (
    Batch,
    BatchLimits,
    StreamedAnswer,
    answer_lines,
    begun,
    row_schema,
)
from scorewright.serve.batch_arrow import answer_arrow
from scorewright.serve.bodies import RawApplication
from scorewright.serve.deciding import Order
from scorewright.serve.documents import ARROW, NDJSON
from scorewright.serve.door import Door, answer, answer_bytes, caller_of, idempotency_key, included
from scorewright.serve.guarded import guarded_by
from scorewright.serve.record_documents import REPLAYED
from scorewright.serve.recorded import RecordedDecision, recorded_body
from scorewright.serve.seeing import check_client

_STREAMS: dict[str, Callable[..., AsyncGenerator[bytes, None]]] = {NDJSON: answer_lines, ARROW: answer_arrow}


def deciding_routes(door: Door) -> APIRouter:
    """Return the routes."""
    fallible = documents.documented(documents.NO_MODEL, documents.FAILED, *documents.BUSY)
    # What does not pass through the application names its operations itself.
    named = attrgetter("name")
    router = APIRouter(route_class=guarded_by(door.guard), responses=fallible, generate_unique_id_function=named)
    refused = documents.documented(*documents.REFUSED_BODIES)
    asked = {"parameters": [documents.INCLUDE, documents.IDEMPOTENCY]}

    @router.post(
        documents.DECISIONS,
        response_model=RecordedDecision,
        responses=refused,
        openapi_extra={"requestBody": documents.BODY, **asked},
        summary="Decide one application, and record it",
    )
    async def decide(request: Request) -> Response:
        include, key = included(request), idempotency_key(request)
        return await _decided(door, Order(await door.read(request), caller_of(request).reference, include, key))

    @router.post(
        documents.CLIENT_DECISIONS,
        response_model=RecordedDecision,
        responses={**refused, **documents.documented(documents.NO_CLIENT)},
        openapi_extra={"requestBody": documents.CLIENT_BODY, "parameters": [documents.CLIENT, *asked["parameters"]]},
        summary="Decide on a client of the store, and record it",
    )
    async def decide_client(request: Request) -> Response:
        include, key = included(request), idempotency_key(request)
        changes = bodies.parse_changes(await door.read(request))
        rows = await door.look_up(partial(_client_rows, door, request, changes))
        sent = to_json(rows)
        return await _decided(door, Order(sent, caller_of(request).reference, include, key, rows))

    @router.post(
        documents.BATCH,
        responses={**documents.documented(*documents.REFUSED_STREAMS), 200: documents.streamed(row_schema())},
        openapi_extra={"requestBody": documents.STREAM_BODY},
        summary="Decide many applications, answered as they come",
    )
    async def decide_batch(request: Request) -> Response:
        return await _streamed(door, request)

    @router.post(
        documents.SIMULATIONS,
        response_model=answers.SimulationAnswer,
        responses=refused,
        openapi_extra={"requestBody": documents.SIMULATION_BODY, "parameters": [documents.INCLUDE]},
        summary="What would be decided, were the application another?",
    )
    async def simulate(request: Request) -> Response:
        include = included(request)
        sent = await door.read(request)
        return answer(await door.compute(partial(_simulated, door, sent, include)))

    return router


async def _decided(door: Door, order: Order) -> Response:
    answered = await door.deciding.decide(order)
    headers = {REPLAYED: "true"} if answered.repeated else {}
    return answer_bytes(recorded_body(answered), headers=headers)


async def _streamed(door: Door, request: Request) -> Response:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    stream = _STREAMS.get(media_type)
    if stream is None or request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415, "another media type or encoding", {"Accept": f"{NDJSON}, {ARROW}"})
    limits = BatchLimits(line_bytes=door.settings.max_body_bytes)
    decide_many = partial(door.deciding.decide_many, caller_of(request).reference)
    batch = Batch(decide_many, door.compute, request.state.request_id, limits)
    return StreamedAnswer(await begun(stream(request.stream(), batch)), media_type=media_type)


def _simulated(door: Door, sent: bytes, include: frozenset[Include]) -> answers.SimulationAnswer:
    simulated = door.parts.service.simulate(*bodies.parse_simulation(sent), include)
    return answers.simulation_answer(simulated, door.settings.top_contributions, include)


def _client_rows(door: Door, request: Request, changes: bodies.Row) -> RawApplication:
    """Give a client's rows, with changes laid over the row of the application."""
    client = request.path_params["id"]
    check_client(request, client)
    if door.parts.store is None:
        raise NoStoreError
    rows: RawApplication = door.parts.store.get(client)
    own = rows[bodies.ROOT]
    return {**rows, bodies.ROOT: {**own, **changes}} if isinstance(own, dict) else rows
