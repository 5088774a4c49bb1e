"""Slow down those who try: failed attempts are counted in a window that slides, in bounded memory."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import lru_cache

MOST_SUBJECTS = 10_000


class Throttle:
    """Counts failures by subject, such as an address or a key id, in this process.

    Parameters
    ----------
    failures : int
        How many are let pass within the window.
    window : float
        Length of the window, in seconds.
    clock : callable
        Seconds that only grow.
    subjects : int
        How many subjects are remembered; those that failed longest ago are forgotten first.
    """

    def __init__(
        self,
        failures: int,
        window: float,
        clock: Callable[[], float] = time.monotonic,
        subjects: int = MOST_SUBJECTS,
    ) -> None:
        self._failures = failures
        self._window = window
        self._clock = clock
        self._most = subjects
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._times)

    def wait(self, subject: str) -> int:
        """Return the whole seconds that the subject has to wait; 0 if it may try."""
        times = self._times.get(subject)
        if times is None or len(times) < self._failures:
            return 0
        return max(0, math.ceil(times[0] + self._window - self._clock()))

    def fail(self, subject: str) -> None:
        """Count a failure. Only the last ones that matter are kept."""
        times = self._times.setdefault(subject, deque(maxlen=self._failures))
        times.append(self._clock())
        self._times.move_to_end(subject)
        while len(self._times) > self._most:
            self._times.popitem(last=False)


@lru_cache(maxsize=1024)
def neighbourhood(address: str) -> str:
    """Return what an address is counted under: itself, or for IPv6 its /64, of which one customer holds every address.

    Examples
    --------
    >>> neighbourhood("192.0.2.7"), neighbourhood("2001:db8::1:2:3:4")
    ('192.0.2.7', '2001:db8::/64')
    """
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    return str(ipaddress.IPv6Network((int(known), 64), strict=False))
