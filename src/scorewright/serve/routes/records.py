"""Routes about recorded decisions: read, override, tell how a loan turned out, compute again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ValidationError

from scorewright.domain.access import Caller
from scorewright.domain.ledger import OutcomeEntry, OverrideEntry, Recorded
from scorewright.errors import ScorewrightError
from scorewright.flows import records as flow
from scorewright.flows.records import Matured
from scorewright.serve import documents, records
from scorewright.serve import record_documents as told
from scorewright.serve.batch import Batch, BatchLimits, StreamedAnswer, answer_lines, begun
from scorewright.serve.documents import NDJSON
from scorewright.serve.door import Door, answer, answer_bytes, caller_of, idempotency_key, shape_error
from scorewright.serve.record_documents import REPLAYED
from scorewright.serve.seeing import check_client, check_decision

T = TypeVar("T")
E = TypeVar("E", OverrideEntry, OutcomeEntry)

#: Of outcomes, so many are recorded together; a line of one has no more bytes than this.
IMPORT = BatchLimits(rows=128, line_bytes=4096)

DecisionId = Annotated[str, Path(alias="id", description="Id of the decision.", examples=[told.ID])]
WhichClient = Annotated[
    str, Query(min_length=1, max_length=200, description="Key of the client's application.", examples=["100001"])
]
Limit = Annotated[int, Query(ge=1, le=200, description="Most decisions on the page.")]
Before = Annotated[int | None, Query(ge=1, le=2**62, description="The `next` of the page before.")]


@dataclass(frozen=True)
class _OneByOne:
    """Runs tasks in a thread, one after the other, apart from what decides and what reads."""

    limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))

    async def __call__(self, task: Callable[[], T]) -> T:
        return await run_sync(task, limiter=self.limiter)


def reading_routes(door: Door) -> APIRouter:
    """Return the routes that read decisions."""
    router, ledger = APIRouter(), door.parts.ledger

    @router.get(
        documents.DECISIONS,
        response_model=records.PageAnswer,
        responses=documents.documented(told.NOT_SEEN, told.INVALID, *told.LEDGER),
        summary="A client's decisions, the newest first",
    )
    async def list_decisions(
        request: Request, client: WhichClient, limit: Limit = 50, before: Before = None
    ) -> Response:
        check_client(request, client)
        page = await door.look_up(partial(ledger.of_client, client, limit, before))
        return answer(records.page_answer(page))

    @router.get(
        told.DECISION,
        response_model=records.TrailAnswer,
        responses=documents.documented(told.NO_DECISION, told.NO_INCLUDE, *told.LEDGER),
        openapi_extra={"parameters": [told.WITH_INPUTS]},
        summary="A recorded decision, and what followed",
    )
    async def read_decision(request: Request, decision: DecisionId) -> Response:
        with_inputs = _inputs_wanted(request)
        trail = await door.look_up(partial(flow.read_trail, ledger, decision))
        check_decision(request, trail.decision)
        return answer(records.trail_answer(trail, with_inputs=with_inputs))

    return router


def writing_routes(door: Door) -> APIRouter:
    """Return the routes that record what became of a decision."""
    router = APIRouter()
    refused = {
        **documents.documented(*told.REFUSED_RECORDS, *told.LEDGER),
        201: {"description": "Recorded", **told.REPLAYED_HEADER},
    }

    @router.post(
        told.OVERRIDE,
        status_code=201,
        response_model=records.OverrideAnswer,
        responses=refused,
        openapi_extra={"requestBody": told.OVERRIDE_BODY, "parameters": [documents.IDEMPOTENCY]},
        summary="Decide in place of the model",
    )
    async def override_decision(request: Request, decision: DecisionId) -> Response:
        key, body = idempotency_key(request), await door.read_as(request, records.OverrideBody)
        entry = body.entry(decision, caller_of(request).reference, key)
        return await _recorded(door, request, entry, records.override_answer)

    @router.post(
        told.OUTCOME,
        status_code=201,
        response_model=records.OutcomeAnswer,
        responses=refused,
        openapi_extra={"requestBody": told.OUTCOME_BODY, "parameters": [documents.IDEMPOTENCY]},
        summary="Tell how the loan turned out",
    )
    async def record_outcome(request: Request, decision: DecisionId) -> Response:
        key, body = idempotency_key(request), await door.read_as(request, records.OutcomeBody)
        flow.check_observed(body.observed, flow.utc_now())
        entry = body.matured(decision).entry(caller_of(request).reference, key)
        return await _recorded(door, request, entry, records.outcome_answer)

    return router


def importing_routes(door: Door) -> APIRouter:
    """Return the route that takes many outcomes. One chunk of all imports is recorded at a time: decisions go first."""
    router, work = APIRouter(), _OneByOne()

    @router.post(
        told.OUTCOMES,
        response_class=StreamedAnswer,
        responses={**documents.documented(*told.REFUSED_LINES, documents.FAILED), 200: dict(told.IMPORTED)},
        openapi_extra={"requestBody": told.IMPORT_BODY},
        summary="Tell how many loans turned out, answered as they are recorded",
    )
    async def import_outcomes(request: Request) -> Response:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != NDJSON or request.headers.get("content-encoding", "identity") != "identity":
            raise HTTPException(415, "another media type or encoding", {"Accept": NDJSON})
        record = partial(_import, door, caller_of(request))
        batch = Batch(record, work, request.state.request_id, IMPORT, _outcome_of)
        return StreamedAnswer(await begun(answer_lines(request.stream(), batch)), media_type=NDJSON)

    return router


def replaying_routes(door: Door) -> APIRouter:
    """Return the route that computes a decision again, one at a time: it may have to load a model first."""
    router, work = APIRouter(), _OneByOne()

    @router.post(
        told.REPLAY,
        response_model=records.ReplayAnswer,
        responses=documents.documented(*told.REFUSED_REPLAYS, *told.LEDGER),
        summary="Compute a decision again, and compare to the last bit",
    )
    async def replay_decision(request: Request, decision: DecisionId) -> Response:
        found = await door.look_up(partial(flow.find_decision, door.parts.ledger, decision))
        check_decision(request, found)
        return answer(records.replay_answer(await work(partial(door.parts.replayer.replay, found.id))))

    return router


async def _recorded(door: Door, request: Request, entry: E, say: Callable[[Recorded, E], BaseModel]) -> Response:
    """Record what is told of a decision, then answer with it."""
    found = await door.look_up(partial(flow.find_decision, door.parts.ledger, entry.decision))
    check_decision(request, found)
    recorded = await door.record(door.parts.ledger.submit(entry))
    headers = {REPLAYED: "true"} if recorded.repeated else {}
    return answer_bytes(say(recorded, entry).model_dump_json().encode(), 201, headers)


def _inputs_wanted(request: Request) -> bool:
    names = {name.strip() for name in ",".join(request.query_params.getlist("include")).split(",")} - {""}
    unknown = sorted(names - {"inputs"})
    if unknown:
        raise HTTPException(422, f"include: no {unknown[0][:40]!r}; there is inputs")
    return bool(names)


def _import(door: Door, caller: Caller, outcomes: Sequence[Matured]) -> list[bytes | ScorewrightError]:
    """Record outcomes together, and wait for the ledger."""
    sees = None if caller.clients is None else caller.sees
    ended = flow.record_outcomes(door.parts.ledger, outcomes, caller.reference, sees)
    return [
        one if isinstance(one, ScorewrightError) else _imported(outcome, one)
        for outcome, one in zip(outcomes, ended, strict=True)
    ]


def _imported(outcome: Matured, recorded: Recorded) -> bytes:
    return (
        records.ImportedAnswer(id=recorded.id, decision=outcome.decision, repeated=recorded.repeated)
        .model_dump_json()
        .encode()
    )


def _outcome_of(line: bytes) -> Matured:
    try:
        read = records.OutcomeLine.model_validate_json(line)
    except ValidationError as error:
        raise shape_error(error) from None
    return read.matured(read.decision)
