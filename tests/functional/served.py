"""The service in a process of its own, asked and troubled from outside."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from scorewright.bootstrap import Settings, Workbench
from scorewright.domain.ledger import Recorded, Wanted
from scorewright.ledger import SqlLedger

KEY = "a-key-of-23-characters!"
BEARER = {"Authorization": f"Bearer {KEY}"}
PATIENCE = 60
LOST = 0

# As the verb serve wires it, but that its ledger waits half a second for a database instead of five.
SERVICE = textwrap.dedent(
    """
    import sys
    from scorewright.bootstrap import Settings, Workbench
    from scorewright.ledger import open_ledger
    from scorewright.ledger.settings import ledger_keys, ledger_url
    from scorewright.ledger.sql_ledger import LedgerOptions
    from scorewright.serve.running import run
    from scorewright.serve.settings import load_settings

    class Hasty(Workbench):
        def open_ledger(self, *, new=False):
            own = self.settings
            keys = ledger_keys(own.home, own.ledger, own.ledger_secret and own.ledger_secret.get_secret_value())
            return open_ledger(ledger_url(own.home, own.ledger), keys, LedgerOptions(patience=0.5), new=new)

    settings = load_settings()
    served = Hasty(Settings()).service(None, "champion", settings)
    run(served.app, settings, lambda address: print("Serving on", address, flush=True), settings.running, served.hooks)
    """
)
HASTY = (sys.executable, "-W", "error", "-c", SERVICE)
VERB = (str(Path(sys.executable).with_name("scorewright")), "serve")


@dataclass(frozen=True)
class Answer:
    """What came back; status `LOST` if nothing whole did."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def told(self) -> dict[str, Any]:
        """The JSON object of the body."""
        told: dict[str, Any] = json.loads(self.body)
        return told


class Service:
    """A service that listens on a free port of loopback."""

    def __init__(self, command: Sequence[str], home: Path, **settings: object) -> None:
        self.home = home
        told = {f"SCOREWRIGHT_{name.upper()}": str(value) for name, value in settings.items()}
        own = {"SCOREWRIGHT_HOME": str(home), "SCOREWRIGHT_REGISTRY": "folder", "SCOREWRIGHT_API_KEY": KEY}
        with (home / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **own, "SCOREWRIGHT_PORT": "0", **told},
                text=True,
            )
        self.port = self._port()

    def _port(self) -> int:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("Serving on "):
                return int(line.split()[2].rpartition(":")[2])
        raise AssertionError(self.log())

    def log(self) -> str:
        return (self.home / "service.log").read_text()

    @property
    def memory(self) -> int:
        """Most bytes that the process ever held in memory."""
        told = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(told.partition("VmHWM:")[2].split()[0])

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Ask on a connection of its own."""
        asking = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            asking.request(method, path, body, {**BEARER, **headers})
            told = asking.getresponse()
            return Answer(told.status, {name.lower(): value for name, value in told.getheaders()}, told.read())
        except (OSError, HTTPException):
            return Answer(LOST)
        finally:
            asking.close()

    def decide(self, client: object, key: str = "") -> Answer:
        """Ask for a decision."""
        named = {"Idempotency-Key": key} if key else {}
        return self.ask("POST", "/v1/decisions", application(client), **{"Content-Type": "application/json", **named})

    def decide_many(self, clients: Sequence[object], callers: int = 8) -> list[Answer]:
        """Ask for decisions, several callers at a time, each client's under a key of its own."""
        with ThreadPoolExecutor(callers) as asking:
            return list(asking.map(lambda client: self.decide(client, f"key {client}"), clients))

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        """Open a connection and nothing more."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            yield connection

    def stop(self) -> int:
        """Tell it to stop, and wait until it has."""
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """End it without a word, if it has not ended."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


Start = Callable[..., Service]


def application(client: object) -> bytes:
    row = {"loan id": f"{client}", "income": 2345.5, "order": 2, "purpose": "car", "opened": None, "remark": None}
    return json.dumps({"application": row}).encode()


def head(path: str, media_type: str = "application/json", **headers: str) -> bytes:
    """Begin a POST whose body is sent by hand."""
    told = {"Host": "x", **BEARER, "Content-Type": media_type, **headers}
    return "".join([f"POST {path} HTTP/1.1\r\n", *(f"{name}: {told[name]}\r\n" for name in told), "\r\n"]).encode()


def piece(content: bytes) -> bytes:
    """Write one chunk of a body whose length was not told."""
    return b"%x\r\n%s\r\n" % (len(content), content)


def received(connection: socket.socket) -> bytes:
    """Return what arrives until the other side ends the connection, politely or not."""
    told = b""
    try:
        while more := connection.recv(65536):
            told += more
    except ConnectionError:
        pass
    return told


def streamed(connection: socket.socket) -> bytes:
    """Return an answer that comes in chunks, until its end."""
    told = b""
    while not told.endswith(b"0\r\n\r\n"):
        more = connection.recv(65536)
        assert more, told
        told += more
    return told


def rows_of(told: bytes) -> list[dict[str, Any]]:
    """Return the lines of a batch's answer."""
    return [json.loads(line) for line in told.splitlines() if line.startswith(b"{")]


def sent_until_answered(connection: socket.socket, content: bytes, most: int, pause: float = 0.0) -> int:
    """Send a piece again and again until the other side answers or hangs up; return how many it took."""
    for count in range(most):
        if select.select([connection], [], [], pause)[0]:
            return count
        try:
            connection.sendall(content)
        except ConnectionError:
            return count
    return most


@contextmanager
def ledger_of(home: Path, **settings: Any) -> Iterator[SqlLedger]:
    """Open the ledger of a home to look into it."""
    ledger = Workbench(Settings(home=home, registry="folder", **settings)).open_ledger()
    try:
        yield ledger
    finally:
        ledger.close()


def decisions_of(home: Path, **settings: Any) -> list[Recorded]:
    """Return every recorded decision, and see that the chain is whole."""
    with ledger_of(home, **settings) as ledger:
        assert ledger.verify().broken is None
        return list(ledger.iterate(Wanted()))


def ids(answers: Sequence[Answer]) -> list[str]:
    """Return the ids of the decisions that were answered."""
    return [answer.told["id"] for answer in answers if answer.status == 200]
