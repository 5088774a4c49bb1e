"""Requests that wait while a batch is computed are computed together in the next one.

A request that finds the worker idle is computed at once and alone: nobody waits for company, so there is no timer.
While it is computed others gather, and the next batch takes them all, up to a limit. Batches thus grow with the load
and shrink with it, and one worker thread needs no locks around what it computes with.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from scorewright.errors import DeadlineError, OverloadedError, StoppingError

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Limits:
    """How much may wait, and how much is computed together.

    Parameters
    ----------
    waiting : int
        Most requests that may wait; the next is refused.
    batch : int
        Most requests computed together.
    retry_after : int
        Seconds after which a refused caller is told to ask again.
    """

    waiting: int = 256
    batch: int = 64
    retry_after: int = 1


@dataclass(eq=False)
class _Ticket(Generic[T, R]):
    """One request that waits, and where its answer is awaited."""

    item: T
    landing: _Landing
    future: asyncio.Future[R] = field(init=False)

    def __post_init__(self) -> None:
        self.future = self.landing.loop.create_future()

    def end(self, result: R | Exception | Future[R]) -> None:
        """Hand the result over, from any thread, or whatever a future comes to."""
        if isinstance(result, Future):
            result.add_done_callback(self._ended)
        else:
            self.landing.take(self.future, result)

    def _ended(self, done: Future[R]) -> None:
        error = done.exception()
        self.landing.take(self.future, done.result() if error is None else _raisable(error))


class _Landing:
    """Where other threads put results for those who await them in one event loop.

    The loop is woken once for all that come before it looks: a wake-up costs both threads more than a result does.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._landed: deque[tuple[asyncio.Future[Any], Any]] = deque()
        self._woken = False

    def take(self, future: asyncio.Future[Any], result: Any) -> None:
        """Take the result, or the error, of one who waits."""
        self._landed.append((future, result))
        if not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # the loop has closed: nobody awaits anything there
                self.loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        # First: what lands from here on wakes the loop again.
        self._woken = False
        while self._landed:
            _settle(*self._landed.popleft())


def _unseen(size: int) -> None:
    """Take no notice of a batch."""


class Batcher(Generic[T, R]):
    """Computes items in batches, in one worker thread that starts with the first of them.

    Parameters
    ----------
    work : callable
        Takes n items in the order of their arrival and returns n results in that order; an exception in place of a
        result is raised for that item alone, and a future is waited for. An exception that it raises is raised for all
        n.
    limits : Limits
        Sizes.
    seen : callable, optional
        Told the size of every batch, in the worker thread, before it is computed.
    """

    def __init__(
        self,
        work: Callable[[list[T]], Sequence[R | Exception | Future[R]]],
        limits: Limits = Limits(),
        seen: Callable[[int], None] = _unseen,
    ) -> None:
        self._work = work
        self._limits = limits
        self._seen = seen
        self._changed = threading.Condition()
        self._waiting: OrderedDict[_Ticket[T, R], None] = OrderedDict()
        self._worker: threading.Thread | None = None
        self._landing: _Landing | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many items wait, those being computed not among them."""
        return len(self._waiting)

    async def submit(self, item: T, within: float | None = None) -> R:
        """Return the item's result once its batch is computed.

        A caller who is cancelled leaves the queue; if the item is being computed already, its result is dropped.

        Parameters
        ----------
        item : T
            What to compute.
        within : float, optional
            Seconds that waiting and computing may take.

        Raises
        ------
        OverloadedError
            Too many wait already.
        StoppingError
            The batcher is closed.
        DeadlineError
            The result was not there in time.
        Exception
            Whatever `work` said of this item, or raised for its batch.
        """
        landing = self._landing_here()
        ticket: _Ticket[T, R] = _Ticket(item, landing)
        self._enqueue(ticket)
        end = None if within is None else landing.loop.call_later(within, self._give_up, ticket, within)
        try:
            return await ticket.future
        finally:
            if end is not None:
                end.cancel()
            self._leave(ticket)

    def close(self, within: float | None = None) -> bool:
        """Take no more items, compute those that wait, and stop. Blocks: call it from another thread than the loop's.

        Parameters
        ----------
        within : float, optional
            Seconds to wait. Items that still wait then are refused with ``StoppingError``.

        Returns
        -------
        bool
            Whether everything was computed.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            worker = self._worker
        if worker is not None:
            worker.join(within)
        left = self._take_all()
        _deliver(left, [_stopping() for _ in left])
        return not left and (worker is None or not worker.is_alive())

    def _landing_here(self) -> _Landing:
        loop = asyncio.get_running_loop()
        if self._landing is None or self._landing.loop is not loop:
            self._landing = _Landing(loop)
        return self._landing

    def _give_up(self, ticket: _Ticket[T, R], within: float) -> None:
        _settle(ticket.future, _too_late(within, self._limits.retry_after))

    def _enqueue(self, ticket: _Ticket[T, R]) -> None:
        with self._changed:
            if self._closed:
                raise _stopping()
            if len(self._waiting) >= self._limits.waiting:
                raise _overloaded(self._limits)
            self._waiting[ticket] = None
            self._changed.notify()
            if self._worker is None:
                self._worker = threading.Thread(target=self._run, name="scorewright-batches", daemon=True)
                self._worker.start()

    def _leave(self, ticket: _Ticket[T, R]) -> None:
        if ticket in self._waiting:
            with self._changed:
                self._waiting.pop(ticket, None)

    def _run(self) -> None:
        # Each step is a call of its own, so that an idle worker holds on to no applicant's rows.
        while self._step():
            pass

    def _step(self) -> bool:
        batch = self._take()
        if batch:
            _deliver(batch, self._compute([ticket.item for ticket in batch]))
        return bool(batch)

    def _take(self) -> list[_Ticket[T, R]]:
        """Wait for items and take the first of them. None at all: the batcher is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            size = min(len(self._waiting), self._limits.batch)
            return [self._waiting.popitem(last=False)[0] for _ in range(size)]

    def _take_all(self) -> list[_Ticket[T, R]]:
        with self._changed:
            left = list(self._waiting)
            self._waiting.clear()
            return left

    def _compute(self, items: list[T]) -> Sequence[R | Exception | Future[R]]:
        try:
            self._seen(len(items))
            results = self._work(items)
            _check_count(len(items), len(results))
        except BaseException as error:  # noqa: BLE001 - a worker that dies would leave everyone waiting
            return [_raisable(error)] * len(items)
        return results


def _check_count(asked: int, answered: int) -> None:
    if asked != answered:
        raise AssertionError(f"{asked} items must give as many results, not {answered}.")


def _deliver(batch: Sequence[_Ticket[T, R]], results: Sequence[R | Exception | Future[R]]) -> None:
    for ticket, result in zip(batch, results, strict=True):
        ticket.end(result)


def _settle(future: asyncio.Future[R], result: R | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(_raisable(result))
    else:
        future.set_result(result)


def _raisable(error: BaseException) -> Exception:
    """Return what a future accepts: no order to leave, and no StopIteration."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    raised = RuntimeError(f"the work ended with {type(error).__name__}")
    raised.__cause__ = error
    return raised


def _overloaded(limits: Limits) -> OverloadedError:
    return OverloadedError(f"At most {limits.waiting} requests may wait to be computed.", "more", limits.retry_after)


def _stopping() -> StoppingError:
    return StoppingError("A request must come before the service is told to stop.", "a service that stops")


def _too_late(within: float, retry_after: int) -> DeadlineError:
    return DeadlineError(f"A request is answered within {within:g} seconds.", "a longer wait", retry_after)
