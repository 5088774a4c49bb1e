"""One thread that writes together what many threads hand over at the same time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeAlias, TypeVar

from scorewright.errors import LedgerBusyError, LedgerError, LedgerUnavailableError

Item = TypeVar("Item")
Result = TypeVar("Result")
Write: TypeAlias = Callable[[Sequence[Item]], Sequence[Result | LedgerError]]


def _nothing() -> None:
    pass


class GroupCommit(Generic[Item, Result]):
    """Takes what waits, writes it in one transaction, and releases all who waited for it.

    Who comes while it is writing waits for the next transaction, so that more is written together the longer a
    transaction takes; who comes while it is idle waits for nobody. If a transaction fails, everybody who waits at that
    moment is told so, and nothing of it is written: a database that is locked is waited for once, not once per turn.

    Parameters
    ----------
    write : callable
        Writes items in one transaction, and returns for each its result or the error that concerns it alone.
    waiting : int
        How many may wait.
    together : int
        How many are written in one transaction.
    rest : callable
        Called, on the writing thread, when all who waited were released and nobody waits: for what can be done then as
        well as while somebody waits. Never raises.
    """

    def __init__(
        self, write: Write[Item, Result], waiting: int, together: int, rest: Callable[[], None] = _nothing
    ) -> None:
        self._write = write
        self._rest = rest
        self._most_waiting = waiting
        self._most_together = together
        self._waiting: deque[tuple[Item, Future[Result]]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, item: Item) -> Future[Result]:
        """Hand an item over.

        Raises
        ------
        LedgerBusyError
            Too many wait.
        LedgerUnavailableError
            It was closed.
        """
        future: Future[Result] = Future()
        with self._changed:
            if self._closed:
                raise LedgerUnavailableError("a ledger that was closed")
            if len(self._waiting) >= self._most_waiting:
                raise LedgerBusyError(self._most_waiting)
            self._waiting.append((item, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._take(self._most_together):
            try:
                results = self._write([item for item, _ in batch])
            except LedgerError as error:
                self._refuse(batch, error)
            except Exception as error:  # noqa: BLE001 - whatever it was, nothing was written and nobody may wait for ever
                self._refuse(batch, _unforeseen(error))
            else:
                for (_, future), result in zip(batch, results, strict=True):
                    _release(future, result)
                if not self._waiting:
                    self._rest()

    def _take(self, most: int) -> list[tuple[Item, Future[Result]]]:
        """Return those next in turn, at least one; none once it is closed and nobody waits."""
        with self._changed:
            while True:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                turn = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
                wanted = [(item, future) for item, future in turn if future.set_running_or_notify_cancel()]
                if wanted or (self._closed and not self._waiting):
                    return wanted

    def _refuse(self, batch: Sequence[tuple[Item, Future[Result]]], error: LedgerError) -> None:
        with self._changed:
            others = [future for _, future in self._waiting if future.set_running_or_notify_cancel()]
            self._waiting.clear()
        for future in (*(future for _, future in batch), *others):
            future.set_exception(error)


def _release(future: Future[Result], result: Result | LedgerError) -> None:
    if isinstance(result, LedgerError):
        future.set_exception(result)
    else:
        future.set_result(result)


def _unforeseen(error: Exception) -> LedgerUnavailableError:
    refusal = LedgerUnavailableError(f"a failure of its own ({type(error).__name__})")
    refusal.__cause__ = error
    return refusal
