from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorewright.serve.access.proxies import MOST_HOPS, UNKNOWN, address_of, client_address, is_https

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("192.0.2.7", ["1.1.1.1"], "192.0.2.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["1.1.1.1, 192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["1.1.1.1", "192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["192.0.2.7, 10.0.0.2"], "192.0.2.7"),
        ("10.0.0.1", ["1.1.1.1, 192.0.2.7, 10.0.0.3, 10.0.0.2"], "192.0.2.7"),
        ("10.0.0.1", ["10.0.0.3"], "10.0.0.3"),
        ("10.0.0.1", ["192.0.2.7, made up"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.7:4711"], "192.0.2.7"),
        ("fd00::1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["::ffff:192.0.2.7"], "192.0.2.7"),
        (None, ["192.0.2.7"], UNKNOWN),
        ("a-socket", ["192.0.2.7"], UNKNOWN),
    ],
)
def test_the_client_is_the_nearest_that_is_no_proxy(peer: str | None, forwarded: list[str], expected: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == expected


@given(st.lists(st.text(max_size=40), max_size=4))
def test_a_stranger_cannot_choose_their_address(forwarded: list[str]) -> None:
    assert client_address("192.0.2.7", forwarded, PROXIES) == "192.0.2.7"


@given(st.lists(st.text(st.characters(exclude_characters=","), max_size=40) | st.just("1.1.1.1"), max_size=4))
def test_a_client_behind_a_proxy_cannot_choose_their_address(forwarded: list[str]) -> None:
    assert client_address("10.0.0.1", [*forwarded, "192.0.2.7"], PROXIES) == "192.0.2.7"


def test_endless_chains_are_not_followed() -> None:
    assert client_address("10.0.0.1", ["1.1.1.1" + ", 10.0.0.2" * MOST_HOPS], PROXIES) == "10.0.0.2"


def scope(peer: str | None = "10.0.0.1", scheme: str = "http", **headers: str) -> dict[str, Any]:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "scheme": scheme, "client": (peer, 1) if peer else None, "headers": raw}


def test_a_request_tells_its_address() -> None:
    assert address_of(scope(x_forwarded_for="192.0.2.7"), PROXIES) == "192.0.2.7"
    assert address_of(scope(peer=None), PROXIES) == UNKNOWN


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (scope(), False),
        (scope(scheme="https"), True),
        (scope(x_forwarded_proto="https"), True),
        (scope(x_forwarded_proto="HTTPS"), True),
        (scope(x_forwarded_proto="https, http"), False),
        (scope(x_forwarded_proto="http"), False),
        (scope("192.0.2.7", x_forwarded_proto="https"), False),
        (scope(None, x_forwarded_proto="https"), False),
    ],
)
def test_tls_is_believed_of_this_process_and_of_proxies(asked: dict[str, Any], expected: bool) -> None:
    assert is_https(asked, PROXIES) is expected
