"""What a drawn PNG must be."""

from __future__ import annotations

import struct
import zlib


def size(png: bytes) -> tuple[int, int]:
    """Return width and height of a PNG picture, having checked that it is one."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png.rstrip().endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def assert_shown(png: bytes) -> None:
    """Check that a picture has a sensible size and is not blank."""
    width, height = size(png)
    assert 800 <= width <= 2400
    assert 250 <= height <= 1800
    assert len(set(pixels(png))) > 20


def pixels(png: bytes) -> bytes:
    position, packed = 8, b""
    while position < len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        if png[position + 4 : position + 8] == b"IDAT":
            packed += png[position + 8 : position + 8 + length]
        position += length + 12
    return zlib.decompress(packed)
