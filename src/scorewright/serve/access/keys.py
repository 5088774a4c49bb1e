"""API keys: how one looks, what is kept of it, and how it ends. Pure: nothing here reads a file or a clock.

A key reads ``swk_<id>_<secret>``. The id is no secret: it stands in lists, logs and throttles. The secret is 256 bits
from the system's generator, so a plain SHA-256 keeps it safe: slow hashes such as Argon2 make guessing dear, and nobody
can guess among 2**256 however cheap a guess is, while a slow hash would cost every request its time.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints
from pydantic.dataclasses import dataclass

from scorewright.domain.access import Role
from scorewright.errors import SettingsError

KeyState = Literal["live", "expired", "revoked"]
SameDigest = Callable[[bytes, bytes], bool]

BEGINNING = "swk_"
_KEY = re.compile(r"swk_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
_Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Name = Annotated[str, StringConstraints(pattern=f"^{_NAME}$")]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class KeyRecord:
    """What is kept of a key: enough to recognise it, not enough to use it.

    Parameters
    ----------
    id : str
        Twelve hexadecimal digits, unique.
    name : str
        Whom it was given to. A key and its successors share it.
    roles : tuple of str
        What the bearer may do.
    digest : str
        SHA-256 of the whole key, in hexadecimal.
    created, expires : datetime
        From when, and until when at most, it admits.
    revoked : datetime, optional
        When it was taken back.
    successor : str, optional
        Id of the key that replaces it.
    clients : tuple of str, optional
        The only clients whose records the bearer sees.
    """

    id: _Id
    name: _Name
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    digest: _Digest
    created: AwareDatetime
    expires: AwareDatetime
    revoked: AwareDatetime | None = None
    successor: _Id | None = None
    clients: tuple[str, ...] | None = None

    def state(self, now: datetime) -> KeyState:
        """Tell whether the key admits."""
        if self.revoked is not None:
            return "revoked"
        return "live" if now < self.expires else "expired"


@dataclass(frozen=True)
class Wish:
    """Which key is wanted: for whom, for what, for how long."""

    name: str
    roles: tuple[Role, ...]
    lifetime: timedelta
    clients: tuple[str, ...] | None = None


Keys = tuple[KeyRecord, ...]


def mint() -> str:
    """Make a new key. This text is shown once and kept nowhere."""
    return f"{BEGINNING}{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"


def digest_of(text: str) -> bytes:
    """Return the SHA-256 of a key, or of whatever was sent in its place."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def id_of(text: str) -> str | None:
    """Return the id that a key names, or None if it does not look like a key.

    Examples
    --------
    >>> id_of("swk_0123456789ab_" + 43 * "x"), id_of("another text")
    ('0123456789ab', None)
    """
    looks = _KEY.fullmatch(text)
    return looks[1] if looks else None


def add(keys: Keys, text: str, wish: Wish, now: datetime) -> Keys:
    """Add a key under a name that no live key bears.

    Raises
    ------
    SettingsError
        The name cannot be used, or a live key bears it.
    """
    if not re.fullmatch(_NAME, wish.name):
        raise SettingsError(
            "A key's name must be 1 to 63 letters, digits, dots, hyphens or underscores.",
            repr(wish.name[:70]),
            "Name the system or the team that will use it.",
        )
    if any(key.name == wish.name and key.state(now) == "live" for key in keys):
        raise SettingsError(
            "One live key bears a name.", wish.name, "Rotate it, or revoke it first, or choose another name."
        )
    return (*keys, _record(text, wish, now))


def revoke(keys: Keys, which: str, now: datetime) -> Keys:
    """Take back the key of this id, or every key of this name, at once. Those revoked before keep their time.

    Raises
    ------
    SettingsError
        There is no such key.
    """
    chosen = {key.id for key in _matching(keys, which)}
    return tuple(replace(key, revoked=key.revoked or now) if key.id in chosen else key for key in keys)


def rotate(keys: Keys, which: str, text: str, grace: timedelta, now: datetime) -> Keys:
    """Add the successor of a key: same name, roles, clients and lifetime. The old one stays valid for the grace.

    Raises
    ------
    SettingsError
        There is no such key, it is no longer live, or it was rotated before.
    """
    current = [key for key in _matching(keys, which) if key.state(now) == "live" and key.successor is None]
    if not current:
        raise SettingsError(
            "A key that is rotated must be live and have no successor.",
            f"{_shown(which)}: expired, revoked or rotated before",
            "Make a new one.",
        )
    old = current[-1]
    made = _record(text, Wish(old.name, old.roles, old.expires - old.created, old.clients), now)
    ended = replace(old, expires=min(old.expires, now + grace), successor=made.id)
    return (*(ended if key.id == old.id else key for key in keys), made)


def repeated_ids(keys: Iterable[KeyRecord]) -> list[str]:
    """Name the ids that stand more than once."""
    ids = [key.id for key in keys]
    return sorted({one for one in ids if ids.count(one) > 1})


def _record(text: str, wish: Wish, now: datetime) -> KeyRecord:
    made = id_of(text)
    if made is None:
        raise ValueError("not a key that mint() made")
    roles = tuple(sorted(set(wish.roles)))
    return KeyRecord(made, wish.name, roles, digest_of(text).hex(), now, now + wish.lifetime, clients=wish.clients)


def _matching(keys: Keys, which: str) -> Keys:
    # A whole key may be given as well: whoever finds one that leaked has just that.
    wanted = id_of(which) or which
    found = tuple(key for key in keys if wanted in {key.id, key.name})
    if not found:
        raise SettingsError(
            "The key must be one of the file.", f"none is {_shown(which)}", "See `scorewright keys list`."
        )
    return found


def _shown(which: str) -> str:
    """Say which key was meant without repeating a secret, nor a part of one that was mistyped."""
    return id_of(which) or (f"what begins with {BEGINNING}" if which.startswith(BEGINNING) else repr(which[:70]))
