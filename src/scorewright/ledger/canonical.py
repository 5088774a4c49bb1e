"""One sequence of bytes for one sequence of values: what a MAC is computed over."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Value: TypeAlias = int | float | str | bytes | None


def encode(values: Iterable[Value]) -> bytes:
    """Write values so that no two sequences of values give the same bytes.

    Each is its type in one letter, its length in 8 bytes, and its content.

    Raises
    ------
    TypeError
        A value has another type than these.

    Examples
    --------
    >>> encode(["ab", "c"]) == encode(["a", "bc"])
    False
    >>> encode([1]) == encode([1.0])
    False
    """
    return b"".join(map(_encoded, values))


def pack(parts: Sequence[bytes]) -> bytes:
    """Put byte strings into one, each after its length.

    Examples
    --------
    >>> unpack(pack([b"ab", b"", b"c"]))
    (b'ab', b'', b'c')
    """
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def unpack(packed: bytes) -> tuple[bytes, ...]:
    """Take apart what `pack` put together."""
    parts = []
    at = 0
    while at < len(packed):
        end = at + 8 + int.from_bytes(packed[at : at + 8], "big")
        parts.append(packed[at + 8 : end])
        at = end
    return tuple(parts)


def _encoded(value: Value) -> bytes:
    letter, content = _content(value)
    return letter + len(content).to_bytes(8, "big") + content


def _content(value: Value) -> tuple[bytes, bytes]:
    if value is None:
        return b"n", b""
    if isinstance(value, str):
        return b"s", value.encode()
    if isinstance(value, bytes):
        return b"b", value
    if isinstance(value, int) and not isinstance(value, bool):
        return b"i", str(value).encode()
    if isinstance(value, float):
        return b"f", struct.pack(">d", value)
    raise TypeError(f"no canonical form for {type(value).__name__}")
