from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from scorewright.errors import SettingsError
from scorewright.serve.access.jwks import LARGEST, LONGEST_STALE, JwksFile, JwksUrl, KeySource, Patience, fetcher

KEY = ECAlgorithm.to_jwk(generate_private_key(SECP256R1()).public_key(), as_dict=True)
PATIENCE = Patience(timeout=5.0, lifetime=100.0, cooldown=10.0)


def key_set(*names: str) -> bytes:
    return json.dumps({"keys": [{**KEY, "kid": name} for name in names]}).encode()


def finds(source: KeySource, name: str) -> bool:
    return asyncio.run(source.find(name, "ES256")) is not None


# From a file


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    place = tmp_path / "keys.json"
    place.write_bytes(key_set("a"))
    source = JwksFile(place, ["ES256"])
    assert (finds(source, "a"), finds(source, "b")) == (True, False)
    place.write_bytes(key_set("b", "c"))
    assert (finds(source, "a"), finds(source, "b")) == (False, True)
    assert asyncio.run(source.find("b", "RS256")) is None


def test_a_file_that_goes_bad_keeps_its_former_keys_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "keys.json"
    place.write_bytes(key_set("a"))
    source = JwksFile(place, ["ES256"])
    place.write_bytes(b"{")
    assert finds(source, "a")
    place.unlink()
    assert finds(source, "a")
    assert len(caplog.records) == 2


@pytest.mark.parametrize("text", [None, b"", b"\xff", b"[" * 100_000, b'{"keys": []}'], ids=range(5))
def test_a_file_that_cannot_be_used_is_refused_at_the_start(tmp_path: Path, text: bytes | None) -> None:
    place = tmp_path / "keys.json"
    if text is not None:
        place.write_bytes(text)
    with pytest.raises(SettingsError, match="JSON Web Key Set"):
        JwksFile(place, ["ES256"])


# From an address


class Provider:
    """An identity provider and a clock, both told what to do."""

    def __init__(self, *names: str) -> None:
        self.now = 1000.0
        self.fetched = 0
        self.answer: bytes | Exception = key_set(*names)
        self.source = JwksUrl(self.fetch, ["ES256"], PATIENCE, lambda: self.now)

    def fetch(self) -> bytes:
        self.fetched += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def finds(self, name: str) -> bool:
        return finds(self.source, name)


def test_keys_are_fetched_when_first_needed_and_then_kept() -> None:
    provider = Provider("a", "b")
    assert provider.fetched == 0
    assert all(provider.finds(name) for name in "abab")
    assert provider.fetched == 1


def test_unknown_names_cause_one_fetch_per_cooldown() -> None:
    provider = Provider("a")
    assert provider.finds("a")
    for name in map(str, range(50)):
        assert not provider.finds(name)
    assert provider.fetched == 1
    provider.now += 10
    provider.answer = key_set("a", "new")
    assert provider.finds("new")
    assert not provider.finds("other")
    assert provider.fetched == 2


def test_old_keys_are_fetched_again_and_those_withdrawn_are_forgotten() -> None:
    provider = Provider("a")
    assert provider.finds("a")
    provider.answer = key_set("b")
    provider.now += 99
    assert provider.finds("a")
    provider.now += 1
    assert not provider.finds("a")
    assert provider.fetched == 2


@pytest.mark.parametrize("failure", [OSError("down"), TimeoutError(), b"{", b'{"keys": []}', ValueError("large")])
def test_keys_outlive_a_provider_that_is_down_for_a_while_but_not_for_ever(
    failure: bytes | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    provider = Provider("a")
    assert provider.finds("a")
    provider.answer = failure
    provider.now += 100
    assert provider.finds("a")
    assert provider.finds("a")
    assert provider.fetched == 2
    assert len(caplog.records) == 1
    provider.now += LONGEST_STALE + 1
    assert not provider.finds("a")


def test_those_who_come_together_share_one_fetch() -> None:
    provider = Provider("a")

    async def together() -> list[object]:
        return await asyncio.gather(*(provider.source.find("a", "ES256") for _ in range(20)))

    assert all(asyncio.run(together()))
    assert provider.fetched == 1


def test_a_provider_that_never_answers_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    released = threading.Event()

    def never() -> bytes:
        released.wait(60)
        return b""

    source = JwksUrl(never, ["ES256"], Patience(timeout=0.01))

    async def ask() -> bool:
        found = await source.find("a", "ES256")
        released.set()
        return found is not None

    assert not asyncio.run(ask())
    assert "TimeoutError" in caplog.text


# Over HTTP, from a server in this process


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/mute":
            self.close_connection = True
            return
        redirect = self.path == "/elsewhere"
        body = b"x" * (LARGEST + 1) if self.path == "/large" else key_set("a")
        self.send_response(302 if redirect else 404 if self.path == "/nothing" else 200)
        if redirect:
            self.send_header("Location", "/keys")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_told: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "found"),
    [("/keys", True), ("/elsewhere", False), ("/nothing", False), ("/large", False), ("/mute", False)],
)
def test_keys_come_whole_from_the_address_itself_or_not_at_all(address: str, path: str, found: bool) -> None:
    source = JwksUrl(fetcher(address + path, 5.0), ["ES256"], PATIENCE)
    assert finds(source, "a") is found
