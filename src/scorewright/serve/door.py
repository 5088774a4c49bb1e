"""What the routes share: whom to ask, whom to admit, and where work is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import HTTPException, Request, Response
from pydantic import BaseModel, ValidationError

from scorewright.domain.access import Caller
from scorewright.domain.decisions import INCLUDES, NOTHING, Include
from scorewright.errors import BodyShapeError, LedgerError, RequestError, StoppingError
from scorewright.flows.desk import Desk, Offer, nothing_beside
from scorewright.serve import bodies, documents
from scorewright.serve.deciding import Deciding
from scorewright.serve.documents import JSON
from scorewright.serve.lifetime import Act, Hooks
from scorewright.serve.settings import ServiceSettings
from scorewright.serve.telemetry import Metrics, Tracing

if TYPE_CHECKING:
    from scorewright.domain.clients import ClientStore
    from scorewright.domain.ledger import Ledger
    from scorewright.domain.service import Catalogue, JudgingService, Replayer
    from scorewright.serve.access.guard import Guard

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

LONGEST_KEY = 200


@dataclass(frozen=True)
class Parts:
    """What a service is made of.

    Parameters
    ----------
    service : JudgingService
        What decides. Called from several threads at once; its ``model`` also from the event loop, so that this one must
        be quick.
    ledger : Ledger
        What records, and remembers.
    catalogue : Catalogue
        Lists the models.
    replayer : Replayer
        Computes past decisions again.
    store : ClientStore, optional
        Known clients.
    offer : callable, optional
        Told of each new decision once it is recorded.
    closing : tuple of callables, optional
        Called at the end, before the ledger is closed.
    metrics : Metrics, optional
        Where times and counts go.
    tracing : Tracing, optional
        Where spans go.
    """

    service: JudgingService
    ledger: Ledger
    catalogue: Catalogue
    replayer: Replayer
    store: ClientStore | None = None
    offer: Offer = nothing_beside
    closing: tuple[Act, ...] = ()
    metrics: Metrics = field(default_factory=Metrics)
    tracing: Tracing = field(default_factory=Tracing)


class Door:
    """What the routes share.

    Parameters
    ----------
    parts : Parts
        Whom to ask.
    settings : ServiceSettings
        Limits.
    guard : Guard
        Whom to admit.
    """

    def __init__(self, parts: Parts, settings: ServiceSettings, guard: Guard) -> None:
        self.parts, self.settings, self.guard = parts, settings, guard
        self.desk = Desk(parts.service, parts.ledger, parts.offer)
        self.deciding = Deciding(self.desk, settings, parts.metrics)
        self._computing, self._reading = CapacityLimiter(1), CapacityLimiter(8)
        self._stopping = False

    @property
    def hooks(self) -> Hooks:
        """What is to be done when the service is told to stop, and after its last answer."""
        ends = (self.deciding.close, *self.parts.closing, self.parts.ledger.close, self.parts.tracing.close)
        return Hooks((self._stop,), ends)

    async def check_ready(self) -> None:
        """Raise what keeps the service from deciding: no model, that it is being stopped, or that it cannot record.

        The ledger is asked only after it failed, and until it answers again: the question is open to everyone.
        """
        if self._stopping:
            raise StoppingError("A service that is ready goes on.", "one that was told to stop")
        self.parts.service.model()
        if self.deciding.unrecorded:
            await self.look_up(self.parts.ledger.check)

    async def compute(self, task: Callable[[], T]) -> T:
        """Run what takes the processor long, one after the other, off the event loop."""
        return await run_sync(task, limiter=self._computing)

    async def look_up(self, task: Callable[[], T]) -> T:
        """Run what waits for a disk or a database, a few at a time, off the event loop."""
        return await run_sync(task, limiter=self._reading)

    async def record(self, submitted: Future[T]) -> T:
        """Wait until what was handed to the ledger is recorded."""
        try:
            return await asyncio.wrap_future(submitted)
        except LedgerError as error:
            self.deciding.note(error)
            raise

    async def read(self, request: Request) -> bytes:
        """Read the body of a request."""
        if not bodies.is_plain_json(request.headers):
            raise HTTPException(415, _declared(request), {"Accept": JSON})
        declared = request.headers.get("content-length")
        return await bodies.read_body(request.stream(), declared, self.settings.max_body_bytes)

    async def read_as(self, request: Request, model: type[M]) -> M:
        """Read a small body that is no application."""
        try:
            return model.model_validate_json(await self.read(request))
        except ValidationError as error:
            raise shape_error(error) from None

    def _stop(self) -> None:
        self._stopping = True


def shape_error(error: ValidationError) -> RequestError:
    """Say what is wrong with a small body, without its values."""
    told = error.errors(include_input=False, include_url=False, include_context=False)
    places = [f"{'.'.join(map(str, issue['loc'])) or 'the body'}: {issue['type'].replace('_', ' ')}" for issue in told]
    return BodyShapeError("The body must be as /openapi.json describes it.", "; ".join(places[:5]), "Correct it.")


def caller_of(request: Request) -> Caller:
    """Return who asks, as the guard recognised them."""
    caller: Caller | None = request.state.caller
    return caller or Caller("anyone")


def idempotency_key(request: Request) -> str | None:
    """Read the header Idempotency-Key, if there is one."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise HTTPException(422, f"Idempotency-Key: not 1 to {LONGEST_KEY} printable characters")
    return key


def included(request: Request) -> frozenset[Include]:
    """Read which parts of the explanation are asked for. Refuses other names: a misspelt one would never be missed."""
    if not request.scope.get("query_string"):
        return NOTHING
    told = ",".join(request.query_params.getlist("include"))
    names = {name.strip() for name in told.split(",")} - {""}
    unknown = sorted(names.difference(INCLUDES))
    if unknown:
        raise HTTPException(422, documents.unknown_part(unknown[0]))
    return frozenset(part for part in INCLUDES if part in names)


def answer(told: BaseModel, status: int = 200) -> Response:
    """Say what a model of the OpenAPI document holds."""
    return answer_bytes(told.model_dump_json().encode(), status)


def answer_bytes(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Say JSON that is written already."""
    return Response(body, status, headers, JSON)


def _declared(request: Request) -> str:
    # Only whether, not what: a header is the caller's own text.
    return "another media type, charset or encoding" if "content-type" in request.headers else "no Content-Type"
