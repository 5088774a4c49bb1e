"""Talk to a running service as a client would: wait until it is ready, take its example, have it decided."""

from __future__ import annotations

import json
import secrets
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EXAMPLE = "/v1/example"
DECISIONS = "/v1/decisions"


@dataclass(frozen=True)
class Service:
    """Where a service is asked and with which key."""

    address: str
    key: str

    @property
    def curl(self) -> str:
        """The call that asks for the decision on the example, ready to paste."""
        with_key = f"-H 'Authorization: Bearer {self.key}'"
        return (
            f"curl -s {with_key} {self.address}{EXAMPLE} | "
            f"curl -s {with_key} -H 'Content-Type: application/json' -d @- {self.address}{DECISIONS}"
        )

    @property
    def is_ready(self) -> bool:
        """Whether it has a model and answers."""
        try:
            with urlopen(f"{self.address}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, ConnectionError, TimeoutError):
            return False

    def decide_example(self) -> Mapping[str, object]:
        """Post the example application, history rows and all, and return the answer.

        A refusal ends the script with the service's own sentence.
        """
        return self._ask(DECISIONS, json.dumps(self._ask(EXAMPLE)).encode())

    def _ask(self, path: str, body: bytes | None = None) -> Mapping[str, object]:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        try:
            with urlopen(Request(self.address + path, data=body, headers=headers), timeout=30) as answer:
                return dict(json.load(answer))
        except HTTPError as refusal:
            message = f"{path} answered {refusal.code}: {refusal.read().decode(errors='replace')}"
            raise SystemExit(message) from None


def wait_until_ready(service: Service, seconds: float, still_alive: Callable[[], None] = lambda: None) -> None:
    """Wait for a service to start, or end the script with a sentence.

    Parameters
    ----------
    service : Service
        The one to wait for.
    seconds : float
        How long it may take.
    still_alive : callable, optional
        Called between questions; may end the script itself.
    """
    until = time.monotonic() + seconds
    while not service.is_ready:
        still_alive()
        if time.monotonic() > until:
            message = f"{service.address} was not ready within {seconds:g} seconds."
            raise SystemExit(message)
        time.sleep(0.2)


def new_key() -> str:
    """Draw a key for one run."""
    return secrets.token_urlsafe(24)


def free_port(wanted: int) -> int:
    """Give the wanted port, or another one where it is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    message = "This machine has no free port."
    raise SystemExit(message)
