"""Who may ask. The seam where other ways of signing in come later."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from scorewright.errors import SettingsError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from scorewright.serve.settings import ServiceSettings

CHALLENGE = 'Bearer realm="scorewright"'


@dataclass(frozen=True)
class Caller:
    """Who asks, once admitted."""

    name: str


class Authenticator(Protocol):
    """Decides who a request comes from, by its headers alone: no body is read before."""

    @property
    def schemes(self) -> Mapping[str, Mapping[str, Any]]:
        """OpenAPI security schemes, any one of which admits a caller. Empty when everyone is admitted."""
        ...

    async def authenticate(self, headers: Mapping[str, str]) -> Caller | None:
        """Return who asks, or None to turn them away. `headers` is case-insensitive."""
        ...


class OpenDoor:
    """Admits everyone who can reach the address."""

    schemes: Mapping[str, Mapping[str, Any]] = MappingProxyType({})

    async def authenticate(self, headers: Mapping[str, str]) -> Caller | None:  # noqa: ARG002
        """Admit whoever asks."""
        return Caller("anyone")


class SharedKey:
    """Admits whoever brings the key, as ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``."""

    schemes: Mapping[str, Mapping[str, Any]] = MappingProxyType(
        {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    )

    def __init__(self, key: SecretStr) -> None:
        self._digest = _digest(key.get_secret_value())

    async def authenticate(self, headers: Mapping[str, str]) -> Caller | None:
        """Admit the caller whose key is the one shared."""
        offered = (_bearer(headers.get("authorization", "")), headers.get("x-api-key", ""))
        # Digests have one length, so the time taken tells nothing of the key, not even how long it is.
        right = [hmac.compare_digest(_digest(key), self._digest) for key in offered]
        return Caller("key") if any(right) else None


def choose_authenticator(settings: ServiceSettings) -> Authenticator:
    """Return the authenticator that the settings ask for.

    Raises
    ------
    SettingsError
        The service would be open to other machines without a key.
    """
    if settings.api_key is not None:
        return SharedKey(settings.api_key)
    if not is_loopback(settings.host):
        raise SettingsError(
            "A service that other machines can reach must have a key.",
            f"host {settings.host} and no key",
            "Set SCOREWRIGHT_API_KEY, or listen on 127.0.0.1.",
        )
    return OpenDoor()


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach the address.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _bearer(header: str) -> str:
    scheme, _, key = header.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""
