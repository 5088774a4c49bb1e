"""Start a server as its user would, wait until it answers, and end it with all that it started."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

HOST = "127.0.0.1"
START_SECONDS = 90.0
STOP_SECONDS = 20.0
#: What was killed is gone at once, unless nobody takes note of its end.
GONE_SECONDS = 2.0


def free_port() -> int:
    """Give a port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def surroundings(more: Mapping[str, str]) -> dict[str, str]:
    """Give the variables of this process with some more, without what its user set for a service of their own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SCOREWRIGHT_")} | dict(more)


@contextmanager
def started(
    command: Sequence[str],
    port: int,
    ready: str,
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server while the block lasts.

    Parameters
    ----------
    command : sequence
        What to run; it listens on `port` of loopback.
    ready : str
        A path that is answered with 200 once the server is ready.
    log : Path
        Where its output is added.
    environment : mapping, optional
        Variables beside `surroundings`.
    folder : Path, optional
        Where it runs.

    Raises
    ------
    RuntimeError
        It ended, or it did not get ready in time. The end of its output is told.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=surroundings(environment or {}),
            # A group of its own, so that its workers end with it.
            process_group=0,
        )
    try:
        _await_ready(process, port, ready, log)
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Tell a server and its workers to end, kill those that do not, and wait until they are gone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        _tell(process, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    until = time.monotonic() + GONE_SECONDS
    while _tell(process, 0) and time.monotonic() < until:
        time.sleep(0.01)


def _tell(process: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to a server and its workers; whether any of them is left."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def fetch(port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Ask once, on a connection of its own: status and body; status 0 if nobody listens."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


def _await_ready(process: subprocess.Popen[bytes], port: int, ready: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while fetch(port, ready)[0] != http.client.OK:
        if process.poll() is not None or time.monotonic() > until:
            end = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"The server did not start:\n{end}")
        time.sleep(0.05)
