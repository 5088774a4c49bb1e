"""Access, as the ledger keeps it: who read a client's records, and who was denied."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from scorewright.domain.access import AccessEvent
from scorewright.domain.ledger import AccessEntry, Ledger
from scorewright.serve.access.audit import log_denied

#: What tells of persons and leaves no other entry in the ledger.
READING: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "GET": frozenset({"/v1/decisions", "/v1/decisions/{id}", "/v1/clients/{id}"}),
        "POST": frozenset({"/v1/decisions/{id}/replay"}),
    }
)


class LedgerAudit:
    """Records who read a client's records, and each denial of a caller who is known, before they are answered.

    Decisions, overrides and outcomes are entries of their own, with their caller. Attempts of strangers are logged and
    counted, not recorded: whoever makes many would fill the ledger.

    Parameters
    ----------
    ledger : Ledger
        What records.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def __call__(self, event: AccessEvent) -> None:
        """Record an event. Raises ``LedgerError``: what cannot be written down is not answered."""
        log_denied(event)
        if event.caller is None or not (event.why or event.route in READING.get(event.method, ())):
            return
        known = event.status < HTTPStatus.BAD_REQUEST
        entry = AccessEntry(
            caller=event.caller,
            action=f"{event.method} {event.route}",
            allowed=event.why is None,
            request=event.request_id,
            client=event.client if known else None,
        )
        await asyncio.wrap_future(self._ledger.submit(entry))
