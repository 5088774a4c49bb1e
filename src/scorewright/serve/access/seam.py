"""How a request tells who it comes from: the seam where ways of signing in are joined."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from scorewright.domain.access import Caller, Stranger

CHALLENGE = 'Bearer realm="scorewright"'
NOTHING_BROUGHT = Stranger("no credential", tried=False)
OF_NO_KIND = Stranger("a credential that is not accepted")

Schemes = Mapping[str, Mapping[str, Any]]
NO_SCHEMES: Schemes = MappingProxyType({})
KEY_SCHEMES: Schemes = MappingProxyType(
    {
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
)


class Authenticator(ABC):
    """Decides who a request comes from, by its headers alone: no body is read before."""

    @property
    @abstractmethod
    def schemes(self) -> Schemes:
        """OpenAPI security schemes, any one of which admits a caller. Empty when everyone is admitted."""

    @abstractmethod
    async def identify(self, headers: Mapping[str, str]) -> Caller | Stranger:
        """Return who asks, or why nobody is recognised. `headers` is case-insensitive."""

    async def authenticate(self, headers: Mapping[str, str]) -> Caller | None:
        """Return who asks, or None to turn them away, for those who need no reason."""
        known = await self.identify(headers)
        return known if isinstance(known, Caller) else None


class AnyOf(Authenticator):
    """Admits whom any of several ways of signing in admits, asked in their order."""

    def __init__(self, ways: Sequence[Authenticator]) -> None:
        self._ways = tuple(ways)

    @property
    def schemes(self) -> Schemes:
        """Those of all ways; without any scheme everyone is admitted."""
        return {name: scheme for way in self._ways for name, scheme in way.schemes.items()}

    async def identify(self, headers: Mapping[str, str]) -> Caller | Stranger:
        """Return the first who is recognised, else the most telling reason."""
        strangers = []
        for way in self._ways:
            known = await way.identify(headers)
            if isinstance(known, Caller):
                return known
            strangers.append(known)
        return most_telling(strangers)


def most_telling(strangers: Sequence[Stranger]) -> Stranger:
    """Return the reason that says most: one that knows the kind of credential before one that does not."""
    ranked = sorted(strangers, key=lambda one: (one == NOTHING_BROUGHT, one == OF_NO_KIND))
    return ranked[0] if ranked else NOTHING_BROUGHT


def bearer(headers: Mapping[str, str]) -> str:
    """Return what stands after ``Authorization: Bearer``, or nothing.

    Examples
    --------
    >>> bearer({"authorization": "bearer abc "})
    'abc'
    """
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else ""


def offered_keys(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return what may be a key: ``Authorization: Bearer KEY`` and ``X-API-Key: KEY``, those that are there."""
    return tuple(text for text in (bearer(headers), headers.get("x-api-key", "").strip()) if text)
