from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag

from scorewright.errors import SettingsError
from scorewright.ledger.canonical import encode
from scorewright.ledger.keys import KeyRing, LedgerKeys, UnknownKeyError, request_digest, seal, unseal

OLD = b"an older secret of 32 bytes or so"
NEW = b"a newer secret of 32 bytes or so."


def hkdf(secret: bytes, use: str) -> bytes:
    """Derive a key as RFC 5869 writes it, with HMAC alone: one block is all that 32 bytes need."""
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, f"scorewright ledger 1 {use}".encode() + b"\x01", "sha256")


@pytest.mark.parametrize("keys", [(b"short",), (NEW, (b"short",)), (NEW, (OLD, NEW))], ids=repr)
def test_a_weak_or_repeated_secret_is_refused_and_not_repeated(keys: tuple[bytes, tuple[bytes, ...]]) -> None:
    with pytest.raises(SettingsError, match="32 random bytes") as refusal:
        LedgerKeys(*keys)
    assert "newer" not in str(refusal.value)


def test_a_secret_is_not_shown() -> None:
    assert "secret of" not in repr(LedgerKeys(NEW, (OLD,)))


def test_keys_are_derived_as_the_standard_says() -> None:
    ring = KeyRing(LedgerKeys(OLD))
    assert ring.current == hkdf(OLD, "id")[:8].hex()
    expected = hmac.new(hkdf(OLD, "chain"), encode(("row", 1, "x")), hashlib.sha256).digest()
    assert ring.chain_mac(ring.current, "row", (1, "x")) == expected
    assert ring.index(ring.current, "client", "A") == hmac.digest(hkdf(OLD, "index"), encode(("client", "A")), "sha256")
    subject = ring.new_subject("A", "id")
    context = encode(("id", subject.tag, ring.current))
    assert ring.data_key(subject) == unseal(hkdf(OLD, "master"), subject.wrapped, context)


def test_a_secret_opens_what_a_former_one_closed_but_not_the_reverse() -> None:
    former, both, new = KeyRing(LedgerKeys(OLD)), KeyRing(LedgerKeys(NEW, (OLD,))), KeyRing(LedgerKeys(NEW))
    subject = former.new_subject("A", "id")
    assert both.data_key(subject) == former.data_key(subject)
    assert subject.tag in both.indexes("client", "A")
    moved = both.rewrap(subject)
    assert (moved.id, moved.tag, moved.key) == ("id", subject.tag, new.current)
    assert new.data_key(moved) == former.data_key(subject)
    assert both.rank(former.current) < both.rank(new.current) == both.rank(both.current)
    with pytest.raises(UnknownKeyError):
        former.data_key(moved)


def test_a_data_key_opens_only_in_its_own_record() -> None:
    ring = KeyRing(LedgerKeys(NEW, (OLD,)))
    subject = ring.new_subject("A", "id")
    for other in (
        replace(subject, id="other"),
        replace(subject, tag=bytes(32)),
        replace(subject, wrapped=b""),
        replace(subject, wrapped=ring.new_subject("A", "id").wrapped[:-1]),
    ):
        with pytest.raises(InvalidTag):
            ring.data_key(other)


def test_sealing_twice_gives_different_bytes_that_open_to_the_same() -> None:
    first, second = (seal(bytes(32), b"content", b"context") for _ in range(2))
    assert first != second
    assert unseal(bytes(32), first, b"context") == unseal(bytes(32), second, b"context") == b"content"
    with pytest.raises(InvalidTag):
        unseal(bytes(32), first, b"another")


def test_digests_of_a_request_need_the_clients_key() -> None:
    assert request_digest(bytes(32), b"body") == request_digest(bytes(32), b"body")
    assert request_digest(bytes(32), b"body") != request_digest(b"x" * 32, b"body")
    assert request_digest(bytes(32), b"body") != hmac.digest(bytes(32), b"body", "sha256")
