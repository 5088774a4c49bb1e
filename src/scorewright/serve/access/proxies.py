"""Where a request comes from. What a header says of it is believed from the operator's own proxies alone."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

if TYPE_CHECKING:
    from starlette.types import Scope

Networks = Sequence[IPv4Network | IPv6Network]

UNKNOWN = "unknown"
#: Longer chains of proxies than this are not followed.
MOST_HOPS = 16


def client_address(peer: str | None, forwarded: Iterable[str], proxies: Networks) -> str:
    """Return the address of the nearest machine that is not one of the proxies.

    Parameters
    ----------
    peer : str, optional
        The other end of the connection; None where it has no address, as with a Unix socket.
    forwarded : iterable of str
        Every ``X-Forwarded-For`` header, in their order. Each proxy adds, at the right, whom it was asked by; what
        stands further left than the first stranger may be made up.
    proxies : sequence of networks
        Those that are trusted.

    Examples
    --------
    >>> proxies = [IPv4Network("10.0.0.0/8")]
    >>> client_address("10.0.0.1", ["1.1.1.1, 192.0.2.7"], proxies), client_address("192.0.2.7", ["1.1.1.1"], proxies)
    ('192.0.2.7', '192.0.2.7')
    """
    nearest = _address(peer or "")
    if nearest is None:
        return UNKNOWN
    hops = [hop for header in forwarded for hop in header.split(",")]
    for hop in reversed(hops[-MOST_HOPS:]):
        told = _address(hop) if _is_within(nearest, proxies) else None
        if told is None:
            break
        nearest = told
    return str(nearest)


def address_of(scope: Scope, proxies: Networks) -> str:
    """Return the address of the client of an ASGI request."""
    if not proxies:
        return _shown(_peer(scope))
    return client_address(_peer(scope), Headers(scope=scope).getlist("x-forwarded-for"), proxies)


def is_https(scope: Scope, proxies: Networks) -> bool:
    """Tell whether the request came over TLS, to this process or to a trusted proxy in front of it."""
    if scope.get("scheme") == "https":
        return True
    if not proxies:
        return False
    peer = _address(_peer(scope) or "")
    told = ",".join(Headers(scope=scope).getlist("x-forwarded-proto")).rpartition(",")[2]
    return peer is not None and _is_within(peer, proxies) and told.strip().lower() == "https"


@lru_cache(maxsize=1024)
def _shown(peer: str | None) -> str:
    return client_address(peer, (), ())


def _peer(scope: Scope) -> str | None:
    client = scope.get("client")
    return client[0] if client else None


def _is_within(address: IPv4Address | IPv6Address, networks: Networks) -> bool:
    return any(address in network for network in networks)


@lru_cache(maxsize=1024)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address as proxies write it: with a port or without, IPv6 in brackets or not."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        known = ipaddress.ip_address(bare)
    except ValueError:
        return None
    return (known.ipv4_mapped or known) if isinstance(known, IPv6Address) else known
