"""Score the challenger beside the champion: recorded, never answered, and never in anyone's way."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress

from scorewright.domain.ledger import Ledger
from scorewright.domain.service import Answered, Asked, Wish
from scorewright.errors import ScorewrightError
from scorewright.flows.desk import entry_of
from scorewright.flows.warming import Held

log = logging.getLogger("scorewright.shadow")


def _unheard(code: str) -> None:
    """Take no notice of a shadow that was not recorded."""


class Shadow:
    """Scores decisions again with the challenger, one after the other, in a thread of its own.

    What comes faster than it can be scored is left out and counted: a shadow is a sample, never a queue that holds up
    the service.

    Parameters
    ----------
    challenger : callable
        Gives the model that is scored beside now, or None.
    ledger : Ledger
        What records.
    waiting : int
        How many decisions may wait to be scored.
    missed : callable
        Told the code of each shadow that was not recorded: of its error, or ``shadow-busy``.
    """

    def __init__(
        self,
        challenger: Callable[[], Held | None],
        ledger: Ledger,
        waiting: int = 256,
        missed: Callable[[str], None] = _unheard,
    ) -> None:
        self._challenger = challenger
        self._ledger = ledger
        self._missed = missed
        self._waiting: queue.Queue[tuple[Asked, Answered] | None] = queue.Queue(waiting)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False

    def offer(self, asked: Asked, answered: Answered) -> None:
        """Score a recorded decision beside, if there is a challenger and room."""
        if self._closed or self._challenger() is None:
            return
        self._start()
        try:
            self._waiting.put_nowait((asked, answered))
        except queue.Full:
            self._missed("shadow-busy")

    def close(self, within: float = 10.0) -> None:
        """Score what waits, then stop."""
        self._closed = True
        if self._thread is not None:
            with suppress(queue.Full):
                self._waiting.put(None, timeout=within)
            self._thread.join(within)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="scorewright-shadow", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (one := self._waiting.get()) is not None:
            try:
                self._score(*one)
            except ScorewrightError as error:
                self._missed(error.code)
            except Exception as error:  # noqa: BLE001 - a challenger that fails must not end the shadowing
                self._missed("unexpected")
                log.error("shadow-failed", extra={"error": type(error).__qualname__})  # noqa: TRY400 - it may quote

    def _score(self, asked: Asked, answered: Answered) -> None:
        held = self._challenger()
        if held is None:
            return
        (judged,) = held.service.decide_each([Wish(asked.wish.application)])
        if isinstance(judged, ScorewrightError):
            raise judged
        self._ledger.append(entry_of(asked, judged, shadow_of=answered.id))
