"""Decisions on their way: gathered while others are computed, decided together, recorded, answered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from pydantic_core import to_json

from scorewright.domain.decisions import NOTHING, Decision, Include
from scorewright.domain.service import Answered, Asked, Pending, Wish
from scorewright.errors import DeadlineError, LedgerBusyError, LedgerError, LedgerUnavailableError, ScorewrightError
from scorewright.flows.desk import Desk
from scorewright.serve.batch import write_brief
from scorewright.serve.batching import Batcher
from scorewright.serve.bodies import RawApplication, parse_application
from scorewright.serve.recorded import recorded_body, write_decision
from scorewright.serve.settings import ServiceSettings
from scorewright.serve.telemetry import Metrics


@dataclass(frozen=True)
class Order:
    """One decision asked for over HTTP.

    Parameters
    ----------
    sent : bytes
        The application as JSON.
    caller : str
        `Caller.reference`.
    include : frozenset of str
        Parts of the explanation to compute.
    idempotency : str or None
        The caller's name for this request.
    application : dict or None
        The rows, where they were read already.
    """

    sent: bytes = field(repr=False)
    caller: str
    include: frozenset[Include]
    idempotency: str | None = field(default=None, repr=False)
    application: RawApplication | None = field(default=None, repr=False)


class Deciding:
    """Takes orders, one worker thread computing for all of them.

    Parameters
    ----------
    desk : Desk
        Decides and records.
    settings : ServiceSettings
        Limits.
    metrics : Metrics
        Where times and counts go.
    """

    def __init__(self, desk: Desk, settings: ServiceSettings, metrics: Metrics) -> None:
        self._desk = desk
        self._top = settings.top_contributions
        self._within = settings.decision_seconds
        self._retry_after = settings.retry_after
        self._metrics = metrics
        #: Whether the ledger failed, and has recorded nothing since.
        self.unrecorded = False
        self._batcher: Batcher[Order, Answered] = Batcher(self._work, settings.limits, metrics.batched)

    @property
    def waiting(self) -> int:
        """How many orders wait to be computed."""
        return self._batcher.waiting

    async def decide(self, order: Order) -> Answered:
        """Decide one application and record it.

        Raises
        ------
        OverloadedError
            Too many wait.
        DeadlineError
            It took too long. It may have been recorded: the same idempotency key gives it back.
        LedgerError
            It could not be recorded.
        RequestError, DataError
            The application is refused.
        """
        began = time.perf_counter()
        self._metrics.queued(self.waiting)
        try:
            answered = await self._batcher.submit(order, self._within)
        except LedgerError as error:
            self.note(error)
            raise
        self._metrics.took("total", time.perf_counter() - began)
        self._count(answered)
        return answered

    def decide_many(self, caller: str, applications: Sequence[RawApplication]) -> list[bytes | Exception]:
        """Decide applications of one caller together, and record them. Blocks until all that can be are recorded.

        Returns
        -------
        list, one per application
            The recorded decision as a JSON object, or why there is none.
        """
        asked = [Asked(Wish(each, NOTHING), caller, to_json(each)) for each in applications]
        pending = self._desk.decide_each(asked, write_brief)
        until = time.monotonic() + self._within
        return [self._noted(one if isinstance(one, Exception) else self._said(one, until)) for one in pending]

    def close(self) -> None:
        """Decide what waits, and take nothing more."""
        self._batcher.close()

    def _said(self, pending: Pending, until: float) -> bytes | Exception:
        try:
            answered = pending.result(max(0.0, until - time.monotonic()))
        except TimeoutError:
            return self._too_late()
        except Exception as error:  # noqa: BLE001 - one application must not fail those beside it
            return error
        self._count(answered)
        return recorded_body(answered)

    def _noted(self, said: bytes | Exception) -> bytes | Exception:
        if isinstance(said, Exception):
            self.note(said)
        return said

    def note(self, error: Exception) -> None:
        """Count what the ledger failed to do; what it refuses with reason is the caller's affair."""
        if isinstance(error, LedgerBusyError | LedgerUnavailableError):
            self._metrics.ledger_failed()
        self.unrecorded |= isinstance(error, LedgerUnavailableError)

    def _count(self, answered: Answered) -> None:
        # An answer that was recorded before says nothing of whether the ledger can record now.
        if not answered.repeated:
            self.unrecorded = False
            self._metrics.decided(answered.outcome)

    def _too_late(self) -> DeadlineError:
        rule = f"A decision is recorded within {self._within:g} seconds."
        return DeadlineError(rule, "a ledger that takes longer", self._retry_after)

    def _work(self, orders: list[Order]) -> list[Pending | Exception]:
        with self._metrics.timed("parse"):
            asked = [_asked(order) for order in orders]
        wishes = [one for one in asked if isinstance(one, Asked)]
        decided = self._desk.decide_each(wishes, self._write)
        self._time(decided)
        each = iter(decided)
        return [next(each) if isinstance(one, Asked) else one for one in asked]

    def _time(self, decided: Sequence[Pending | Exception]) -> None:
        """Count the time that the ledger takes for each."""
        handed = time.perf_counter()

        def count(done: Pending) -> None:
            if done.exception() is None:
                self._metrics.took("ledger", time.perf_counter() - handed)

        for one in decided:
            if isinstance(one, Future):
                one.add_done_callback(count)

    def _write(self, decision: Decision, include: frozenset[Include]) -> bytes:
        return write_decision(decision, self._top, include)


def _asked(order: Order) -> Asked | ScorewrightError:
    try:
        application = order.application if order.application is not None else parse_application(order.sent)
    except ScorewrightError as error:
        return error
    return Asked(Wish(application, order.include), order.caller, order.sent, order.idempotency)
