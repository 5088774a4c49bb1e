"""Who may ask, and for what: credentials, roles, throttling, and what is written down of it.

A request meets the `guard`, which asks the `throttle`, then an authenticator (of `keyed` or `tokens`, by `choosing`),
then the table of `roles`; around all this stand the `headers` and the `audit`.
"""

from __future__ import annotations

from scorewright.domain.access import Caller
from scorewright.serve.access.choosing import choose_authenticator, is_loopback
from scorewright.serve.access.keyed import OpenDoor, SharedKey
from scorewright.serve.access.seam import CHALLENGE, Authenticator

__all__ = [
    "CHALLENGE",
    "Authenticator",
    "Caller",
    "OpenDoor",
    "SharedKey",
    "choose_authenticator",
    "is_loopback",
]
