"""The public keys that an identity provider signs with: from a file, or from its address."""

from __future__ import annotations

import json
import logging
import time
import urllib.request
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError

import jwt
from anyio import Lock, fail_after
from anyio.to_thread import run_sync

from scorewright.errors import SettingsError

log = logging.getLogger("scorewright.serve.access.tokens")

LARGEST = 1024 * 1024
#: Keys that cannot be fetched again are still believed, in seconds: a provider may be down for a while.
LONGEST_STALE = 24 * 3600.0

SigningKeys = Mapping[tuple[str, str], jwt.PyJWK]
"""By key id and algorithm."""


class KeySource(Protocol):
    """Where signing keys come from."""

    async def find(self, key_id: str, algorithm: str) -> jwt.PyJWK | None:
        """Return the public key of this id for this algorithm, or None."""
        ...


def parse_jwks(text: bytes, algorithms: Collection[str]) -> SigningKeys:
    """Read a JSON Web Key Set (RFC 7517): the keys that have an id and sign by one of the algorithms.

    Raises
    ------
    ValueError
        It holds a private key, or none that can be used.
    """
    told = json.loads(text)
    listed = told.get("keys") if isinstance(told, dict) else None
    listed = listed if isinstance(listed, list) else []
    if any(isinstance(one, dict) and one.get("d") is not None for one in listed):
        raise ValueError("a private key among them")
    keys = [key for key in map(_public_key, listed) if key is not None and key.algorithm_name in algorithms]
    usable = {(str(key.key_id), key.algorithm_name): key for key in keys}
    if not usable:
        raise ValueError(f"no key with an id for {', '.join(algorithms)}")
    return usable


def _public_key(told: Any) -> jwt.PyJWK | None:
    try:
        key = jwt.PyJWK(told)
    except (jwt.PyJWTError, AttributeError, KeyError, TypeError, ValueError):
        return None
    return key if key.public_key_use in {None, "sig"} and key.key_id else None


class JwksFile:
    """The keys of a file, read again when it changes.

    Raises
    ------
    SettingsError
        When made: the file cannot be used. Later such a file leaves the keys as they were, and the log says so.
    """

    def __init__(self, path: Path, algorithms: Collection[str]) -> None:
        self._path = path
        self._algorithms = tuple(algorithms)
        self._seen = _changed(path)
        try:
            self._keys = parse_jwks(path.read_bytes(), self._algorithms)
        except (OSError, ValueError, RecursionError) as error:
            raise SettingsError(
                "The file of the identity provider's public keys must be a usable JSON Web Key Set.",
                f"{path}: {_why(error)}",
                "Fetch it again from the provider, or set SCOREWRIGHT_OIDC_JWKS_URL instead.",
            ) from None

    async def find(self, key_id: str, algorithm: str) -> jwt.PyJWK | None:
        """Return the key of the file as it is now."""
        seen = _changed(self._path)
        if seen != self._seen:
            self._seen = seen
            try:
                self._keys = parse_jwks(self._path.read_bytes(), self._algorithms)
            except (OSError, ValueError, RecursionError) as error:
                log.error("the former keys of %s are kept: %s", self._path, _why(error))  # noqa: TRY400 - told whole
        return self._keys.get((key_id, algorithm))


@dataclass(frozen=True)
class Patience:
    """How long things may take or last, in seconds.

    Parameters
    ----------
    timeout : float
        For fetching the keys.
    lifetime : float
        After it the keys are fetched again.
    cooldown : float
        Between two fetches: tokens with made-up key ids cannot cause more.
    """

    timeout: float = 5.0
    lifetime: float = 3600.0
    cooldown: float = 60.0


class JwksUrl:
    """The keys of an address, cached; fetched again when they are old, or when a token names one that is not known.

    Parameters
    ----------
    fetch : callable
        Returns what the address answers; called in a worker thread. Raises ``OSError`` where it does not answer.
    algorithms : collection of str
        Those that are accepted.
    patience : Patience
        How long to wait.
    clock : callable
        Seconds that only grow.
    """

    def __init__(
        self,
        fetch: Callable[[], bytes],
        algorithms: Collection[str],
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._algorithms = tuple(algorithms)
        self._patience = patience
        self._clock = clock
        self._lock = Lock()
        self._keys: SigningKeys = {}
        self._fetched = self._tried = float("-inf")

    async def find(self, key_id: str, algorithm: str) -> jwt.PyJWK | None:
        """Return the key, after a fetch if one is due and allowed."""
        if (key_id, algorithm) not in self._keys or (self._is_old() and not self._lock.locked()):
            async with self._lock:
                if self._is_due(key_id, algorithm):
                    await self._refresh()
        return self._keys.get((key_id, algorithm))

    def _is_old(self) -> bool:
        return self._clock() - self._fetched >= self._patience.lifetime

    def _is_due(self, key_id: str, algorithm: str) -> bool:
        wanted = self._is_old() or (key_id, algorithm) not in self._keys
        return wanted and self._clock() - self._tried >= self._patience.cooldown

    async def _refresh(self) -> None:
        self._tried = self._clock()
        try:
            # The thread is left behind when an address answers too slowly to be waited for.
            with fail_after(self._patience.timeout):
                text = await run_sync(self._fetch, abandon_on_cancel=True)
            self._keys, self._fetched = parse_jwks(text, self._algorithms), self._clock()
        except (OSError, ValueError, RecursionError) as error:
            log.error("signing keys could not be fetched: %s", _why(error))  # noqa: TRY400 - told whole
            if self._clock() - self._fetched > self._patience.lifetime + LONGEST_STALE:
                self._keys = {}


def fetcher(address: str, timeout: float) -> Callable[[], bytes]:
    """Return what fetches an address: no redirect is followed, nothing larger than a mebibyte is read."""
    return partial(_fetch, address, timeout)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_asked: Any, **_named: Any) -> None:
        """Follow no redirect: the settings say which address is trusted."""


def _fetch(address: str, timeout: float) -> bytes:
    asked = urllib.request.Request(address, headers={"Accept": "application/json"})  # noqa: S310 - settings check it
    try:
        with urllib.request.build_opener(_Stay).open(asked, timeout=timeout) as answer:
            text: bytes = answer.read(LARGEST + 1)
    except HTTPError as error:
        # It holds the connection.
        error.close()
        raise OSError(f"status {error.code}") from None
    except HTTPException as error:
        raise OSError(type(error).__name__) from None
    if len(text) > LARGEST:
        raise ValueError(f"more than {LARGEST} bytes")
    return text


def _changed(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return "not JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError) else str(error)
