from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from scorewright.errors import SettingsError
from scorewright.serve.running import run

PATIENCE = 60

# Answers /wait only once a line arrives on stdin, so that a stop falls in the middle of a request.
SERVICE = textwrap.dedent(
    """
    import asyncio, functools, json, logging, os, sys, threading, time
    from dataclasses import dataclass
    from scorewright.serve.lifetime import Hooks, Running, Served
    from scorewright.serve.logs import access_fields
    from scorewright.serve.running import run, run_workers

    @dataclass(frozen=True)
    class Where:
        host: str = "127.0.0.1"
        port: int = 0
        shutdown_seconds: int = 30

    def say(text):
        sys.stdout.write(text + chr(10))  # one write, so that the lines of two workers do not mix
        sys.stdout.flush()

    class App:
        def __init__(self):
            self.stopping = threading.Event()

        async def __call__(self, scope, receive, send):
            if scope["type"] == "lifespan":
                for done in ("startup", "shutdown"):
                    await receive()
                    await send({"type": f"lifespan.{done}.complete"})
                return
            status, told = await self.answer(scope, receive)
            length = (b"content-length", b"%d" % len(told))
            await send({"type": "http.response.start", "status": status, "headers": [length]})
            await send({"type": "http.response.body", "body": told})
            logging.getLogger("scorewright.serve.access").info("answered", extra=access_fields(scope, status, 0.001))

        async def answer(self, scope, receive):
            if scope["path"] == "/ready":
                return (503 if self.stopping.is_set() else 200), b""
            if scope["path"] == "/wait":
                say("deciding")
                await asyncio.to_thread(sys.stdin.readline)
            if scope["path"] == "/forever":
                say("deciding")
                await asyncio.Event().wait()
            if scope["path"] == "/fail":
                logging.getLogger("uvicorn.error").warning("failed on %s", scope, exc_info=ValueError(str(scope)))
            while scope["method"] == "POST" and (await receive()).get("more_body"):
                pass
            return 200, str(os.getpid()).encode()

    def refuse():
        raise ValueError("Mrs Martin")

    def build(closing=()):
        app = App()
        closers = {"fail": refuse, "hang": threading.Event().wait, "say": functools.partial(say, "closed")}
        return Served(app, Hooks((app.stopping.set,), tuple(closers[name] for name in closing)))

    def build_badly():
        raise ValueError("Mrs Martin")

    if __name__ == "__main__":
        given = json.loads(sys.argv[1])
        where, running = Where(**given.pop("where", {})), Running(**given.pop("running", {}))
        closing = tuple(given.pop("closing", ("say",)))
        if running.workers > 1:
            made = build_badly if given.pop("badly", False) else functools.partial(build, closing)
            run_workers(made, where, say, running)
        else:
            served = build(closing)
            run(served.app, where, say, running, served.hooks)
        say("stopped")
    """
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str


class Service:
    """A service in a process of its own."""

    def __init__(self, folder: Path, given: dict[str, Any]) -> None:
        script = folder / "service.py"
        script.write_text(SERVICE)
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", str(script), json.dumps(given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.address = ""

    def started(self) -> Service:
        self.address = self.line()
        assert self.address.startswith("http://127.0.0.1:")
        assert not self.address.endswith(":0")
        return self

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def rest(self) -> list[str]:
        assert self.process.stdout is not None
        return self.process.stdout.read().split()

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go on\n")
        self.process.stdin.flush()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def log(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Ask on a connection of its own."""
        asking = HTTPConnection(self.address.removeprefix("http://"), timeout=PATIENCE)
        try:
            asking.request(method, path, body, headers)
            told = asking.getresponse()
            return Answer(told.status, dict(told.getheaders()), told.read().decode())
        finally:
            asking.close()

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def connect(self) -> socket.socket:
        host, port = self.address.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), timeout=PATIENCE)


Start = Callable[..., Service]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    began: list[Service] = []

    def starting(**given: Any) -> Service:
        began.append(Service(tmp_path, given))
        return began[-1]

    yield starting
    for service in began:
        service.process.kill()
        service.process.communicate()


def received(connection: socket.socket) -> bytes:
    """Return what arrives until the other side ends the connection, politely or not."""
    told = b""
    try:
        while chunk := connection.recv(65536):
            told += chunk
    except ConnectionError:
        pass
    return told


def sent(connection: socket.socket, piece: bytes) -> bool:
    """Send a piece, and tell whether the other side still takes any."""
    try:
        connection.sendall(piece)
    except ConnectionError:
        return False
    return True


def answers(connection: socket.socket) -> bool:
    """Ask on a connection that is kept, and tell whether the answer is there, body and all."""
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    told = b""
    while not (told.partition(b"\r\n\r\n")[2].isdigit() or told.endswith(b"gone")):
        told += connection.recv(65536) or b"gone"
    return told.startswith(b"HTTP/1.1 200 ")


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.05)
    return held


# Stopping


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_the_request_under_way_and_then_closes_what_is_open(
    start: Start, number: signal.Signals
) -> None:
    service = start().started()
    with ThreadPoolExecutor(1) as caller:
        asked = caller.submit(service.get, "/wait")
        assert service.line() == "deciding"
        assert service.get("/ready").status == 200
        service.stop(number)
        service.go_on()
        answer = asked.result()
    assert answer.status == 200
    assert "server" not in answer.headers
    assert service.rest() == ["closed", "stopped"]
    assert service.process.wait() == 0
    assert "INFO stopping" in service.log()


def test_a_service_that_is_stopping_says_so_while_it_still_answers_and_a_second_signal_ends_that(start: Start) -> None:
    service = start(running={"announce_seconds": 1000}).started()
    service.stop()
    assert eventually(lambda: service.get("/ready").status == 503)
    assert service.get("/").status == 200
    service.stop()
    assert service.rest() == ["closed", "stopped"]
    assert service.process.wait() == 0


def test_a_request_that_does_not_end_is_cut_when_the_time_for_it_is_over(start: Start) -> None:
    service = start(where={"shutdown_seconds": 1}).started()
    with service.connect() as connection:
        connection.sendall(b"GET /forever HTTP/1.1\r\nHost: x\r\n\r\n")
        assert service.line() == "deciding"
        service.stop()
        assert b" 200 " not in received(connection)
    assert service.rest() == ["closed", "stopped"]
    assert service.process.wait() == 0


def test_what_fails_or_hangs_when_closed_keeps_nothing_else_open(start: Start) -> None:
    service = start(running={"closing_seconds": 0.2, "log_format": "json"}, closing=["fail", "hang", "say"]).started()
    service.stop()
    assert service.rest() == ["closed", "stopped"]
    assert service.process.wait() == 0
    log = service.log()
    events = [json.loads(told)["event"] for told in log.splitlines()]
    assert events == ["stopping", "closing-failed", "closing-took-too-long"]
    assert "Martin" not in log


# Callers who are slow


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
def test_a_head_that_does_not_come_is_not_waited_for(start: Start, begun: bytes) -> None:
    service = start(running={"head_seconds": 0.3}).started()
    with service.connect() as connection:
        connection.sendall(begun)
        assert received(connection) == b""
    assert service.get("/").status == 200


def test_the_head_of_a_later_request_is_not_waited_for_either(start: Start) -> None:
    service = start(running={"head_seconds": 0.3}).started()
    with service.connect() as connection:
        assert answers(connection)
        connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        assert b"200" not in received(connection)


def test_a_connection_may_be_silent_between_two_requests(start: Start) -> None:
    service = start(running={"head_seconds": 0.2}).started()
    with service.connect() as connection:
        for _ in range(3):
            assert answers(connection)
            time.sleep(0.4)


def test_a_head_without_end_is_cut(start: Start) -> None:
    service = start(running={"head_bytes": 4096}).started()
    with service.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert not all(sent(connection, b"X-More: " + b"a" * 1000 + b"\r\n") for _ in range(100_000))
    assert service.get("/").status == 200


def test_a_long_body_is_not_taken_for_a_head(start: Start) -> None:
    service = start(running={"head_bytes": 1024}).started()
    assert service.ask("POST", "/", b"x" * 1_000_000).status == 200


def test_one_connection_too_many_is_closed_and_the_others_live(start: Start) -> None:
    service = start(running={"connections": 2}).started()
    with service.connect() as first, service.connect() as second:
        assert answers(first)
        assert answers(second)
        with service.connect() as third:
            assert received(third) == b""
        assert answers(first)


# What is logged


def test_nothing_planted_in_a_request_is_logged(start: Start) -> None:
    service = start(running={"log_format": "json"}).started()
    headers = {"X-Martin": "Martin", "Cookie": "Martin=1", "X-Request-ID": "Martin", "User-Agent": "Martin"}
    for method in ("POST", "MARTIN"):
        service.ask(method, "/fail/Martin?name=Martin", b'{"name": "Martin"}', **headers)
    service.ask("POST", "/fail?name=Martin", b'{"name": "Martin"}', **headers)
    with service.connect() as connection:
        connection.sendall(b"Martin / Martin\r\nMartin: Martin\r\n\r\n")
        received(connection)
    service.stop()
    assert service.process.wait() == 0
    log = service.log()
    lines = [json.loads(told) for told in log.splitlines()]
    assert {"answered", "failed on %s", "stopping"} <= {told["event"] for told in lines}
    assert "martin" not in log.lower()


# Several workers


def workers_of(service: Service) -> set[int]:
    """Return the workers that answer, once there are two."""
    seen: set[int] = set()

    def all_seen() -> bool:
        with ThreadPoolExecutor(4) as callers:
            seen.update(int(answer.text) for answer in callers.map(service.get, ["/"] * 8))
        return len(seen) >= 2

    assert eventually(all_seen)
    return seen


def is_gone(worker: int) -> bool:
    try:
        os.kill(worker, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_workers_share_the_socket_are_replaced_when_they_die_and_stop_together(start: Start) -> None:
    service = start(running={"workers": 2}).started()
    first = workers_of(service)
    assert len(first) == 2
    os.kill(min(first), signal.SIGKILL)
    assert eventually(lambda: bool(workers_of(service) - first))
    with ThreadPoolExecutor(1) as caller:
        asked = caller.submit(service.get, "/wait")
        assert service.line() == "deciding"
        service.stop()
        service.go_on()
        assert asked.result().status == 200
    assert service.rest() == ["closed", "closed", "stopped"]
    assert service.process.wait() == 0


def test_workers_leave_when_their_supervisor_is_killed(start: Start) -> None:
    service = start(running={"workers": 2}).started()
    workers = workers_of(service)
    service.process.kill()
    assert eventually(lambda: all(is_gone(worker) for worker in workers))


def test_workers_that_cannot_start_end_the_service_with_one_plain_line_each(start: Start) -> None:
    service = start(running={"workers": 2, "log_format": "json"}, badly=True)
    assert service.rest() == []
    assert service.process.wait() == 1
    log = service.log()
    assert '"event":"worker-cannot-start"' in log
    assert '"event":"worker-ended"' in log
    assert "Each worker must be able to start." in log
    assert "Martin" not in log


# Where it listens


@dataclass(frozen=True)
class Where:
    host: str = "127.0.0.1"
    port: int = 0
    shutdown_seconds: int = 1


def test_an_address_in_use_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError, match="--port"):
        run(None, Where(port=taken.getsockname()[1]))  # type: ignore[arg-type]


def test_an_address_that_does_not_exist_is_said_plainly() -> None:
    with pytest.raises(SettingsError, match=r"host\.invalid"):
        run(None, Where("host.invalid"))  # type: ignore[arg-type]
