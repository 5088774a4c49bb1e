"""Listening: the only place of the service that opens a socket, starts workers and hears signals.

Told to stop, a service says so (readiness fails) and may keep answering for a while, so that a load balancer stops
sending; then it takes no more connections, finishes the requests under way in a stated time, closes what it holds open,
and the process ends with 0. A second signal ends the waiting.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import connection, parent_process
from typing import TYPE_CHECKING, Any, Protocol, cast

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from scorewright.errors import ScorewrightError, SettingsError
from scorewright.serve.lifetime import Act, Hooks, Living, Running, Served
from scorewright.serve.logs import anonymous_trace, logging_config

if TYPE_CHECKING:
    from starlette.types import ASGIApp

log = logging.getLogger("scorewright.serve.running")

BACKLOG = 2048
#: Seconds before a worker that could not be replaced is tried again.
PAUSE = 1.0
SHARED_METRICS = "PROMETHEUS_MULTIPROC_DIR"
ALONE = Running()
TWO = Running(workers=2)
NOTHING_BESIDE = Hooks()
Ready = Callable[[str], None]


class Address(Protocol):
    """The settings that say where to listen."""

    @property
    def host(self) -> str:
        """Address."""
        ...

    @property
    def port(self) -> int:
        """Port; 0 for any free one."""
        ...

    @property
    def shutdown_seconds(self) -> int:
        """How long requests under way may take to finish."""
        ...


def run(
    app: ASGIApp,
    settings: Address,
    on_ready: Ready | None = None,
    running: Running = ALONE,
    hooks: Hooks = NOTHING_BESIDE,
) -> None:
    """Serve from this process until Ctrl+C or SIGTERM, then finish the requests under way and return.

    Parameters
    ----------
    app : ASGIApp
        What to serve.
    settings : Address
        Address, port (0 for any free one) and patience when stopping.
    on_ready : callable, optional
        Called once with the address, such as ``http://127.0.0.1:8000``, as soon as requests are answered.
    running : Running
        Everything else; `workers` is not looked at.
    hooks : Hooks
        What is done beside answering.

    Raises
    ------
    SettingsError
        The address cannot be listened on.
    """
    with _listen(settings) as listener, _stop_signals():
        config = _Config(Living(Served(app, hooks), running), settings, running)
        _Server(config, _address(settings.host, listener), on_ready).run([listener])


def run_workers(
    build: Callable[[], Served],
    settings: Address,
    on_ready: Ready | None = None,
    running: Running = TWO,
) -> None:
    """Serve from several processes that share one socket, until Ctrl+C or SIGTERM. A worker that dies is replaced.

    Parameters
    ----------
    build : callable
        Builds the application, in each worker; something that can be pickled, such as a partial of a function.
    settings, on_ready, running
        As for `run`; `on_ready` is called here once all workers answer.

    Raises
    ------
    SettingsError
        The address cannot be listened on, or a worker cannot start; its log says why.
    """
    with _listen(settings) as listener, _kept_signals(), _shared_metrics():
        config = _Config(_Built(build, running), settings, running)
        supervisor = _Supervisor(config, listener, partial(_tell, on_ready, _address(settings.host, listener)))
        supervisor.run()
    if STARTUP_FAILURE in supervisor.exits:
        raise SettingsError(
            "Each worker must be able to start.", "one that could not", "See its lines in the service's log."
        )


class _Config(uvicorn.Config):
    def __init__(self, app: ASGIApp | Callable[[], ASGIApp], settings: Address, running: Running) -> None:
        super().__init__(
            cast("Any", app),
            http=_Connection,
            ws="none",
            lifespan="on",
            factory=isinstance(app, _Built),
            workers=running.workers if isinstance(app, _Built) else 1,
            log_config=logging_config(running.log_format),
            # The envelope logs accesses itself: uvicorn's lines hold the query and the caller's address.
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            h11_max_incomplete_event_size=running.head_bytes,
            timeout_keep_alive=running.keep_alive_seconds,
            timeout_graceful_shutdown=settings.shutdown_seconds,
        )
        self.running = running


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, address: str, on_ready: Ready | None) -> None:
        super().__init__(config)
        self._ready = partial(_tell, on_ready, address)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


class _Connection(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """One connection, cut when the head of a request does not come, comes too slowly or does not end."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._running: Running = self.config.running
        self._cut: asyncio.TimerHandle | None = None
        self._seen = 0
        if len(self.connections) > self._running.connections:
            transport.abort()
        else:
            self._await_head()

    def data_received(self, data: bytes) -> None:
        if self._between_requests and self._cut is None:
            self._await_head()
        super().data_received(data)
        if not self._between_requests:
            self._forget_head()
            return
        self._seen += len(data)
        if self._seen > self._running.head_bytes:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        super().connection_lost(exc)

    @property
    def _between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_head(self) -> None:
        self._cut = self.loop.call_later(self._running.head_seconds, self.transport.abort)

    def _forget_head(self) -> None:
        self._seen = 0
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None


@dataclass(frozen=True)
class _Built:
    """Builds the application of one worker. Pickled on its way there.

    A worker that cannot start ends the whole service, but not when it replaces one that died: the others go on.
    """

    build: Callable[[], Served]
    running: Running
    first: bool = True

    def __call__(self) -> ASGIApp:
        threading.Thread(target=_leave_with_parent, name="scorewright-parent", daemon=True).start()
        try:
            return Living(self.build(), self.running)
        except Exception as error:  # noqa: BLE001 - said in one line, without what a message may quote
            told = {"code": error.code, "reason": str(error)} if isinstance(error, ScorewrightError) else {}
            log.critical("worker-cannot-start", extra={"error": anonymous_trace(error), **told})
        time.sleep(0 if self.first else PAUSE)
        sys.exit(STARTUP_FAILURE if self.first else 1)


class _Supervisor(Multiprocess):
    def __init__(self, config: uvicorn.Config, listener: socket.socket, on_ready: Act) -> None:
        super().__init__(config, [listener])
        self._on_ready: Act | None = on_ready

    @property
    def exits(self) -> set[int | None]:
        """How the last workers ended."""
        return {process.exitcode for process in self.processes}

    def keep_subprocess_alive(self) -> None:
        """Replace the workers that ended, and tell once that all answer.

        Uvicorn's own asks each worker for a sign of life, and waits for it in vain if the worker ends just then.
        """
        for place, ended in enumerate(self.processes):
            if not ended.process.is_alive() and not self.should_exit.is_set():
                self._replace(place)
        if self._on_ready is not None and not self.should_exit.is_set():
            self._tell_if_ready(self._on_ready)

    def _replace(self, place: int) -> None:
        code = self.processes[place].exitcode
        log.error("worker-ended", extra={"worker": self.processes[place].pid, "status": code})
        if code == STARTUP_FAILURE:
            self.should_exit.set()
            return
        self.processes[place] = Process(self.config, self.sockets)
        self.processes[place].start()

    def _tell_if_ready(self, on_ready: Act) -> None:
        if all(process.is_ready(timeout=1) for process in self.processes):
            self._on_ready = None
            self.config.app = replace(cast("_Built", self.config.app), first=False)
            on_ready()


def _leave_with_parent() -> None:
    """Stop this worker as on SIGTERM when the supervisor is gone: nobody could stop it later."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _tell(on_ready: Ready | None, address: str) -> None:
    if on_ready is not None:
        on_ready(address)


def _listen(settings: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(
            "The service must be able to listen on its address.",
            f"{settings.host}, port {settings.port}: {error.strerror}",
            "Choose another --host or --port; port 0 takes any that is free.",
        ) from error
    return listener


def _address(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _shared_metrics() -> Iterator[None]:
    """Give the workers a folder through which one of them can tell the figures of all."""
    before = os.environ.get(SHARED_METRICS)
    with tempfile.TemporaryDirectory(prefix="scorewright-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[SHARED_METRICS] = folder
        try:
            yield
        finally:
            os.environ.pop(SHARED_METRICS)
            if before is not None:
                os.environ[SHARED_METRICS] = before


@contextmanager
def _kept_signals() -> Iterator[None]:
    """Give signals back to those who heard them before."""
    numbers = {number for number in signal.Signals if number not in {signal.SIGKILL, signal.SIGSTOP}}
    before = {number: handler for number in numbers if (handler := signal.getsignal(number)) is not None}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)


@contextmanager
def _stop_signals() -> Iterator[None]:
    """Let SIGTERM end the service as Ctrl+C does. Uvicorn raises the signal again once it has stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
