from __future__ import annotations

import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from scorewright.errors import SettingsError
from scorewright.serve.running import run
from scorewright.serve.settings import ServiceSettings

# Decides only once a line arrives on stdin, so that a stop falls in the middle of a request.
SERVICE = textwrap.dedent(
    """
    import sys
    from scorewright.domain.decisions import Decision, ModelInfo, Simulated
    from scorewright.serve.app import create_app
    from scorewright.serve.running import run
    from scorewright.serve.settings import ServiceSettings

    class Patient:
        def model(self):
            return ModelInfo("book", "1", "sha256:ab", "dummy", "log-odds", 0.1, 1, ("application",))
        def decide(self, application, include=frozenset()):
            print("deciding", flush=True)
            sys.stdin.readline()
            return Decision(1, 0.5, "refuse", self.model())
        def simulate(self, application, changes, include=frozenset()):
            return Simulated(self.decide(application), self.decide(application))
        def example(self):
            return {"application": {}}

    settings = ServiceSettings(port=0, max_body_bytes=2048)
    run(create_app(Patient(), settings), settings, lambda address: print(address, flush=True))
    print("stopped", flush=True)
    """
)


@pytest.fixture
def service() -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVICE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        yield started
        started.kill()


def line(service: subprocess.Popen[str]) -> str:
    assert service.stdout is not None
    return service.stdout.readline().strip()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_the_request_under_way(service: subprocess.Popen[str], stop: signal.Signals) -> None:
    address = line(service)
    assert address.startswith("http://127.0.0.1:")
    assert not address.endswith(":0")
    with ThreadPoolExecutor(1) as caller:
        asked = caller.submit(httpx.post, f"{address}/v1/decisions?name=Martin", json={"application": {}}, timeout=20)
        assert line(service) == "deciding"
        health = httpx.get(f"{address}/healthz")
        service.send_signal(stop)
        assert service.stdin is not None
        service.stdin.write("go on\n")
        service.stdin.flush()
        answer = asked.result()
    assert (health.status_code, answer.status_code) == (200, 200)
    assert "server" not in answer.headers
    assert line(service) == "stopped"
    assert service.wait() == 0
    assert service.stderr is not None
    log = service.stderr.read()
    assert "POST /v1/decisions 200" in log
    assert answer.headers["x-request-id"] in log
    assert "Martin" not in log


def test_a_body_without_end_is_refused_while_it_arrives(service: subprocess.Popen[str]) -> None:
    host, port = line(service).removeprefix("http://").split(":")
    head = (
        "POST /v1/decisions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.encode() + b"400\r\n" + b" " * 1024 + b"\r\n")
        connection.sendall(b"800\r\n" + b" " * 2048 + b"\r\n")
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in received


def test_an_address_in_use_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = ServiceSettings(port=taken.getsockname()[1])
        with pytest.raises(SettingsError, match="--port"):
            run(None, settings)  # type: ignore[arg-type]


def test_an_address_that_does_not_exist_is_said_plainly() -> None:
    with pytest.raises(SettingsError, match=r"host\.invalid"):
        run(None, ServiceSettings(host="host.invalid"))  # type: ignore[arg-type]
