"""Which ways of signing in the settings ask for."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from scorewright.errors import SettingsError
from scorewright.serve.access.keyed import ApiKeys, OpenDoor, SharedKey
from scorewright.serve.access.seam import AnyOf, Authenticator

if TYPE_CHECKING:
    from scorewright.serve.access.guard import Guard
    from scorewright.serve.settings import ServiceSettings


def choose_authenticator(settings: ServiceSettings) -> Authenticator:
    """Return the authenticator that the settings ask for: keys of a file, tokens, one shared key, or any of these.

    Raises
    ------
    SettingsError
        The service would be open to other machines without any of them, or a file that is named cannot be used.
    """
    ways: list[Authenticator] = []
    if settings.keys_file is not None:
        ways.append(_keys(settings))
    if settings.oidc_issuer is not None:
        ways.append(_tokens(settings))
    if settings.api_key is not None:
        ways.append(SharedKey(settings.api_key))
    if ways:
        return ways[0] if len(ways) == 1 else AnyOf(ways)
    if not is_loopback(settings.host):
        raise SettingsError(
            "A service that other machines can reach must have keys, or an identity provider.",
            f"host {settings.host} and neither",
            "Set SCOREWRIGHT_KEYS_FILE, SCOREWRIGHT_OIDC_ISSUER or SCOREWRIGHT_API_KEY, or listen on 127.0.0.1.",
        )
    return OpenDoor()


def choose_guard(settings: ServiceSettings, authenticator: Authenticator | None = None) -> Guard:
    """Return the guard of the service, around an authenticator of the settings or another."""
    from scorewright.serve.access.guard import Guard
    from scorewright.serve.access.throttle import Throttle

    addresses, keys = (Throttle(settings.throttle_failures, settings.throttle_seconds) for _ in range(2))
    return Guard(authenticator or choose_authenticator(settings), addresses, keys, settings.trusted_proxies)


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


def _keys(settings: ServiceSettings) -> Authenticator:
    from scorewright.serve.access.key_file import WatchedKeys, read_keys

    assert settings.keys_file is not None  # noqa: S101 - asked for by the caller
    read_keys(settings.keys_file)
    return ApiKeys(WatchedKeys(settings.keys_file))


def _tokens(settings: ServiceSettings) -> Authenticator:
    # Reading tokens needs a library that a service with keys alone never loads.
    from scorewright.serve.access.jwks import JwksFile, JwksUrl, KeySource, Patience, fetcher
    from scorewright.serve.access.tokens import TokenRules, Tokens

    rules = TokenRules(
        issuer=settings.oidc_issuer or "",
        audience=settings.oidc_audience or "",
        algorithms=settings.oidc_algorithms,
        roles=settings.oidc_roles,
        roles_claim=settings.oidc_roles_claim,
        clients_claim=settings.oidc_clients_claim,
        leeway=settings.oidc_leeway_seconds,
    )
    source: KeySource
    if settings.oidc_jwks_file is not None:
        source = JwksFile(settings.oidc_jwks_file, rules.algorithms)
    else:
        timeout = settings.oidc_timeout_seconds
        patience = Patience(timeout, settings.oidc_lifetime_seconds, settings.oidc_cooldown_seconds)
        source = JwksUrl(fetcher(settings.oidc_jwks_url or "", timeout), rules.algorithms, patience)
    return Tokens(rules, source)
