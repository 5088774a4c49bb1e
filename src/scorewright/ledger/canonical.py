"""One sequence of bytes for one sequence of values: what a MAC is computed over."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

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


def _plain(letter: bytes, content: bytes) -> bytes:
    return _BEGINNING.pack(letter, len(content)) + content


def _text(value: str) -> bytes:
    return _plain(b"s", value.encode())


def _raw(value: bytes) -> bytes:
    return _plain(b"b", value)


def _whole(value: int) -> bytes:
    return _plain(b"i", b"%d" % value)


def _real(value: float) -> bytes:
    return _REAL.pack(b"f", 8, value)


def _nothing(_: None) -> bytes:
    return _plain(b"n", b"")


_BEGINNING = struct.Struct(">cQ")
_REAL = struct.Struct(">cQd")
_FORMS: Mapping[type, Callable[[Any], bytes]] = {
    str: _text,
    type(None): _nothing,
    bytes: _raw,
    float: _real,
    int: _whole,
}


def _encoded(value: Value) -> bytes:
    form = _FORMS.get(type(value)) or _form_of_kin(value)
    return form(value)


def _form_of_kin(value: Value) -> Callable[[Any], bytes]:
    """Find the form of a value of a derived type. A truth is no number here, though Python derives it from one."""
    forms = [form for kind, form in _FORMS.items() if isinstance(value, kind) and not isinstance(value, bool)]
    if not forms:
        raise TypeError(f"no canonical form for {type(value).__name__}")
    return forms[0]
