"""Listening: the only place of the service that opens a socket."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import uvicorn

from scorewright.errors import SettingsError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from scorewright.serve.settings import ServiceSettings

BACKLOG = 2048
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}},
    "loggers": {
        "scorewright.serve": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}


def run(app: FastAPI, settings: ServiceSettings, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve until Ctrl+C or SIGTERM, then finish the requests under way and return.

    Parameters
    ----------
    app : FastAPI
        What to serve.
    settings : ServiceSettings
        Address, port (0 for any free one) and patience when stopping.
    on_ready : callable, optional
        Called once with the address, such as ``http://127.0.0.1:8000``, as soon as requests are answered.

    Raises
    ------
    SettingsError
        The address cannot be listened on.
    """
    with _listen(settings) as listener, _stop_signals():
        _Server(_config(app, settings), _address(settings.host, listener), on_ready).run([listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, address: str, on_ready: Callable[[str], None] | None) -> None:
        super().__init__(config)
        self._address = address
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._on_ready is not None:
            self._on_ready(self._address)


def _config(app: FastAPI, settings: ServiceSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ws="none",
        log_config=LOGGING,
        # The envelope logs accesses itself: uvicorn's lines hold the query and the caller's address.
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


def _listen(settings: ServiceSettings) -> socket.socket:
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
