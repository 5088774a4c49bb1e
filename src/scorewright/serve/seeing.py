"""Whose records a caller may see: a role admits to an address, some callers to a few clients' records only."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import HTTPException, Request

from scorewright.domain.ledger import Recorded
from scorewright.errors import UnknownDecisionError
from scorewright.flows.records import decision_entry
from scorewright.serve.access.guard import Ruling
from scorewright.serve.door import caller_of

NOT_THEIRS = "a client that is not theirs to see"


def check_client(request: Request, client: str) -> None:
    """Note for the audit whose records a request is about.

    Raises
    ------
    HTTPException
        403: they are not the caller's to see.
    """
    if not caller_of(request).sees(client):
        _deny(request)
        raise HTTPException(HTTPStatus.FORBIDDEN, NOT_THEIRS)
    request.state.client = client


def check_decision(request: Request, decision: Recorded) -> None:
    """Note for the audit whose decision a request is about; of a client who was forgotten nobody knows.

    Raises
    ------
    UnknownDecisionError
        It is not the caller's to see, and so not theirs to know of.
    """
    client = decision_entry(decision).client
    if not caller_of(request).sees(client):
        _deny(request)
        raise UnknownDecisionError(decision.id)
    request.state.client = None if decision.forgotten else client


def _deny(request: Request) -> None:
    # The audit tells by the ruling who was denied what.
    request.state.ruling = Ruling(HTTPStatus.FORBIDDEN, caller_of(request), NOT_THEIRS)
