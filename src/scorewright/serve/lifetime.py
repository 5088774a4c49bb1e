"""From the first request to the last: what is done when a service starts, is told to stop, and ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, cast

from scorewright.flows.memory import settle_memory
from scorewright.serve.logs import Format, anonymous_trace

if TYPE_CHECKING:
    from types import FrameType

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("scorewright.serve.lifetime")

Act = Callable[[], None]


@dataclass(frozen=True)
class Running:
    """How the service runs.

    Parameters
    ----------
    workers : int
        Processes that share the socket; each loads the model for itself.
    announce_seconds : float
        How long a service that was told to stop still answers while it says that it is not ready.
    closing_seconds : float
        How long each thing that is closed at the end may take.
    keep_alive_seconds : int
        How long a connection may be silent between two requests. Longer than a load balancer's own, or it would reuse
        what is just being closed.
    head_seconds : float
        How long the first line and headers of a request may take to arrive, the silence before them included on a new
        connection.
    head_bytes : int
        Largest first line and headers, in bytes; a piece in which they end is not counted.
    connections : int
        Most open connections of one worker; the next is closed.
    log_format : {"json", "plain"}
        How a log line looks.
    """

    workers: int = 1
    announce_seconds: float = 0.0
    closing_seconds: float = 10.0
    keep_alive_seconds: int = 65
    head_seconds: float = 10.0
    head_bytes: int = 65536
    connections: int = 1024
    log_format: Format = "plain"


@dataclass(frozen=True)
class Hooks:
    """What is done beside answering.

    Parameters
    ----------
    stopping : tuple of callables
        Called once as soon as the service is told to stop, in the event loop: quick, such as failing readiness.
    closing : tuple of callables
        Called one after the other once the last request is answered, each in a thread: batches, ledger, follower.
    """

    stopping: tuple[Act, ...] = ()
    closing: tuple[Act, ...] = ()


@dataclass(frozen=True)
class Served:
    """An application and what is done beside it."""

    app: ASGIApp
    hooks: Hooks = field(default_factory=Hooks)


class Living:
    """An application that hears a stop before the server does, and closes what it holds open after its last request."""

    def __init__(self, served: Served, running: Running) -> None:
        self._app = served.app
        self._hooks = served.hooks
        self._running = running
        self._stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and act between the lines of the lifespan."""
        if scope["type"] == "lifespan":
            send = partial(self._tell_server, send)
        await self._app(scope, receive, send)

    async def _tell_server(self, send: Send, message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            settle_memory()
            self._hear_stops(asyncio.get_running_loop())
        if message["type"] in {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
            for close in self._hooks.closing:
                await _closed(close, self._running.closing_seconds)
        await send(message)

    def _hear_stops(self, loop: asyncio.AbstractEventLoop) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            stop = cast("Callable[[int, FrameType | None], None]", signal.getsignal(number))
            signal.signal(number, partial(self._hear, loop, stop))

    def _hear(
        self,
        loop: asyncio.AbstractEventLoop,
        stop: Callable[[int, FrameType | None], None],
        number: int,
        frame: FrameType | None,
    ) -> None:
        again, self._stopping = self._stopping, True
        if again:
            stop(number, frame)
        else:
            loop.call_soon_threadsafe(self._announce, loop, partial(stop, number, None))

    def _announce(self, loop: asyncio.AbstractEventLoop, stop: Act) -> None:
        log.info("stopping")
        for act in self._hooks.stopping:
            act()
        loop.call_later(self._running.announce_seconds, stop)


async def _closed(close: Act, seconds: float) -> None:
    """Close one thing, but do not wait for it longer than that."""
    thread = threading.Thread(target=_closing, args=(close,), name="scorewright-closing", daemon=True)
    thread.start()
    await asyncio.to_thread(thread.join, seconds)
    if thread.is_alive():
        log.error("closing-took-too-long", extra={"seconds": seconds})


def _closing(close: Act) -> None:
    try:
        close()
    except Exception as error:  # noqa: BLE001 - what comes after it must be closed too
        log.error("closing-failed", extra={"error": anonymous_trace(error)})  # noqa: TRY400 - a message may quote
