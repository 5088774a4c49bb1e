"""The ledger's secrets: one that its owner keeps, and what is derived from it.

From a secret three keys are derived with HKDF-SHA256: a master key that wraps the clients' data keys (AES-256-GCM), a
chain key for the rows' MACs and an index key for what must be found but not read (HMAC-SHA256). Every client has a
random data key of their own; destroying it makes unreadable what was sealed under it, in every copy of the ledger that
holds no copy of the key.

To change the secret, give the new one with the old one as a former one. New rows are then chained under the new secret,
rows before it are still verified under the old one, which must therefore be kept, and `rewrap` brings the clients' data
keys under the new master key. Each row, client and anchor names the secret of its keys by an id derived from it.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, field, replace
from functools import partial

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from scorewright.errors import SettingsError
from scorewright.ledger.canonical import Value, encode

SHORTEST_SECRET = 32
_NONCE = 12


@dataclass(frozen=True)
class LedgerKeys:
    """The secrets of a ledger.

    Parameters
    ----------
    secret : bytes
        The one in force: 32 random bytes or more.
    former : tuple of bytes
        Those before it, the oldest first.

    Raises
    ------
    SettingsError
        One is too short, or given twice.
    """

    secret: bytes = field(repr=False)
    former: tuple[bytes, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        every = (*self.former, self.secret)
        shortest = min(map(len, every))
        if shortest < SHORTEST_SECRET or len(set(every)) < len(every):
            raise SettingsError(
                f"Each secret of a ledger must be {SHORTEST_SECRET} random bytes or more, and no two the same.",
                f"{len(every)} of them, the shortest of {shortest} bytes",
                "Draw one with a random number generator, and keep it where the database is not.",
            )


@dataclass(frozen=True)
class Subject:
    """A client as the rows know them: an id drawn at random, and the client's data key, wrapped.

    Parameters
    ----------
    id : str
        Random; nothing but this record leads from it to the client.
    tag : bytes
        Keyed digest of the client, to find this record by.
    key : str
        Id of the secret whose keys made tag and wrapped key.
    wrapped : bytes
        The data key, encrypted.
    """

    id: str
    tag: bytes
    key: str
    wrapped: bytes = field(repr=False)


class UnknownKeyError(LookupError):
    """A record names a secret that was not given."""


class KeyRing:
    """Everything that is done with the secrets.

    Parameters
    ----------
    keys : LedgerKeys
        The secrets.
    """

    def __init__(self, keys: LedgerKeys) -> None:
        derived = [_Derived(secret) for secret in (*keys.former, keys.secret)]
        self._by_id = {one.id: one for one in derived}
        self._order = tuple(self._by_id)
        self.current = self._order[-1]

    def rank(self, key: str) -> int:
        """Return how late a secret came into force. Raises `UnknownKeyError`."""
        if key not in self._by_id:
            raise UnknownKeyError(key)
        return self._order.index(key)

    def chain_mac(self, key: str, purpose: str, values: tuple[Value, ...]) -> bytes:
        """Return the MAC of values under the chain key of a secret. Raises `UnknownKeyError`."""
        self.rank(key)
        return _mac(self._by_id[key].chain, encode((purpose, *values)))

    def index(self, key: str, purpose: str, *values: str) -> bytes:
        """Return the keyed digest by which values are found again, under the index key of a secret."""
        return _mac(self._by_id[key].index, encode((purpose, *values)))

    def indexes(self, purpose: str, *values: str) -> tuple[bytes, ...]:
        """Return the digests of values under each secret, that in force first."""
        return tuple(self.index(key, purpose, *values) for key in reversed(self._order))

    def new_subject(self, client: str, id_: str) -> Subject:
        """Make a client's record, with a fresh data key."""
        tag = self.index(self.current, "client", client)
        return self._wrapped(Subject(id_, tag, self.current, b""), AESGCM.generate_key(256))

    def rewrap(self, subject: Subject) -> Subject:
        """Wrap a client's data key under the secret in force. The tag stays: it is looked for under every secret."""
        return self._wrapped(replace(subject, key=self.current), self.data_key(subject))

    def data_key(self, subject: Subject) -> bytes:
        """Unwrap a client's data key.

        Raises
        ------
        UnknownKeyError
            It is wrapped under a secret that was not given.
        InvalidTag
            The record is not what was written.
        """
        self.rank(subject.key)
        return unseal(self._by_id[subject.key].master, subject.wrapped, _context(subject))

    def _wrapped(self, subject: Subject, data_key: bytes) -> Subject:
        return replace(subject, wrapped=seal(self._by_id[subject.key].master, data_key, _context(subject)))


def seal(key: bytes, content: bytes, context: bytes) -> bytes:
    """Encrypt with AES-GCM; the content opens only in the same context."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, content, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Decrypt what `seal` encrypted. Raises ``InvalidTag`` for any other content, key or context."""
    if len(sealed) < _NONCE:
        raise InvalidTag
    return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context)


def request_digest(data_key: bytes, request: bytes) -> bytes:
    """Return a digest by which only the holder of a client's data key can tell whether a request is the same."""
    return _mac(_mac(data_key, b"request"), request)


def same(one: bytes, other: bytes) -> bool:
    """Compare two digests in a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)


class _Derived:
    """The keys of one secret."""

    def __init__(self, secret: bytes) -> None:
        derive = partial(_derive, secret)
        self.id = derive("id")[:8].hex()
        self.master = derive("master")
        self.chain = derive("chain")
        self.index = derive("index")


def _derive(secret: bytes, use: str) -> bytes:
    return HKDF(SHA256(), 32, None, f"scorewright ledger 1 {use}".encode()).derive(secret)


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")


def _context(subject: Subject) -> bytes:
    return encode((subject.id, subject.tag, subject.key))
