"""Admission by a key, or on loopback by nothing."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from scorewright.domain.access import Caller, Stranger
from scorewright.serve.access.keys import KeyRecord, SameDigest, digest_of, id_of, mint
from scorewright.serve.access.seam import (
    KEY_SCHEMES,
    NO_SCHEMES,
    NOTHING_BROUGHT,
    OF_NO_KIND,
    Authenticator,
    Schemes,
    most_telling,
    offered_keys,
)

if TYPE_CHECKING:
    from pydantic import SecretStr


_ANYONE = Caller("anyone", frozenset({"admin"}))
_HOLDER = Caller("key", frozenset({"admin"}), "shared-key")


def _now() -> datetime:
    return datetime.now(UTC)


class OpenDoor(Authenticator):
    """Admits everyone who can reach the address, to everything."""

    @property
    def schemes(self) -> Schemes:
        """None."""
        return NO_SCHEMES

    async def identify(self, headers: Mapping[str, str]) -> Caller:  # noqa: ARG002
        """Admit whoever asks."""
        return _ANYONE


class SharedKey(Authenticator):
    """Admits to everything whoever brings the one key, as ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``."""

    def __init__(self, key: SecretStr, same: SameDigest = hmac.compare_digest) -> None:
        self._digest = digest_of(key.get_secret_value())
        self._same = same

    @property
    def schemes(self) -> Schemes:
        """Either header."""
        return KEY_SCHEMES

    async def identify(self, headers: Mapping[str, str]) -> Caller | Stranger:
        """Admit the caller whose key is the one shared."""
        # Digests have one length, so the time taken tells nothing of the key, not even how long it is.
        right = [self._same(digest_of(text), self._digest) for text in offered_keys(headers)]
        if any(right):
            return _HOLDER
        return OF_NO_KIND if right else NOTHING_BROUGHT


class ApiKeys(Authenticator):
    """Admits whoever brings a live key of the file.

    Parameters
    ----------
    keys : callable
        Returns the keys by id, as they are now.
    now : callable
        Returns the time, in UTC.
    same : callable
        Compares two digests in a time that does not depend on where they differ.
    """

    def __init__(
        self,
        keys: Callable[[], Mapping[str, KeyRecord]],
        now: Callable[[], datetime] = _now,
        same: SameDigest = hmac.compare_digest,
    ) -> None:
        self._keys = keys
        self._now = now
        self._same = same
        self._nobody = digest_of(mint())

    @property
    def schemes(self) -> Schemes:
        """Either header."""
        return KEY_SCHEMES

    async def identify(self, headers: Mapping[str, str]) -> Caller | Stranger:
        """Admit the bearer of a live key."""
        known = [self._bearer_of(text) for text in offered_keys(headers)]
        callers = [one for one in known if isinstance(one, Caller)]
        return callers[0] if callers else most_telling([one for one in known if isinstance(one, Stranger)])

    def _bearer_of(self, text: str) -> Caller | Stranger:
        key_id = id_of(text)
        if key_id is None:
            return OF_NO_KIND
        record = self._keys().get(key_id)
        # Compared whether the id is known or not, so that the time taken does not tell which ids there are.
        right = self._same(digest_of(text), bytes.fromhex(record.digest) if record else self._nobody)
        if record is None:
            return Stranger(f"key {key_id} unknown", key_id)
        if not right:
            return Stranger(f"key {key_id} with a wrong secret", key_id)
        state = record.state(self._now())
        return _caller(record) if state == "live" else Stranger(f"key {key_id} {state}", key_id)


def _caller(record: KeyRecord) -> Caller:
    clients = None if record.clients is None else frozenset(record.clients)
    return Caller(record.name, frozenset(record.roles), "api-key", record.id, clients)
