"""Ids that sort by time, and time as the ledger keeps it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(time: datetime) -> int:
    """Return the microseconds since 1970, UTC.

    Examples
    --------
    >>> to_microseconds(datetime(1970, 1, 2, tzinfo=UTC))
    86400000000
    """
    return (time - _EPOCH) // _MICROSECOND


def to_datetime(microseconds: int) -> datetime:
    """Return the time in UTC, from microseconds since 1970."""
    return _EPOCH + microseconds * _MICROSECOND


def identifier(microseconds: int, random: bytes) -> str:
    """Make a UUID of version 7 from a time and 8 random bytes.

    The 12 bits after the milliseconds hold the rest of the time, so that ids sort to the quarter of a microsecond.

    References
    ----------
    RFC 9562, *Universally Unique IDentifiers*, sections 5.7 and 6.2, method 3.

    Examples
    --------
    >>> identifier(1_700_000_000_000_500, bytes(8))
    '018bcfe5-6800-7800-8000-000000000000'
    """
    milliseconds, rest = divmod(microseconds, 1000)
    low = int.from_bytes(random, "big") & (1 << 62) - 1
    number = milliseconds << 80 | 7 << 76 | (rest * 4096 // 1000) << 64 | 2 << 62 | low
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
