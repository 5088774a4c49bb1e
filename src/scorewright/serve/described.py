"""What the OpenAPI document says of each address beside its types: what it is about, and what to know before asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from scorewright.serve.access.roles import OPEN, ROUTES, Address

#: What the addresses are about, in the order in which a reader meets them.
TAGS: Mapping[str, str] = MappingProxyType(
    {
        "decisions": "Decide, and say what would be decided.",
        "records": "What was decided, what an officer made of it, how it turned out, and whether it replays.",
        "clients": "Known clients, by id.",
        "models": "What decides, and what it accepts.",
        "operation": "For those who run the service.",
    }
)

ABOUT = (
    "Send an application as raw rows, get a decision that was recorded before it was answered.\n\n"
    "Errors are problem details (RFC 9457) with a stable `code`. `X-Request-ID` stands in every answer and in the log; "
    "a caller's own is kept if it is a UUID. `/v1` only grows: take no notice of fields that you do not know. "
    "Columns are those of the model: `GET /v1/example`, `GET /v1/schema` and, with examples of them, "
    "`GET /v1/openapi.json` tell them to callers with a key."
)


@dataclass(frozen=True)
class Described:
    """What is said of one address.

    Parameters
    ----------
    tag : str
        One of `TAGS`.
    text : str
        What to know before asking.
    example : any, optional
        An answer as JSON, where the schema of the answer has no example of its own.
    """

    tag: str
    text: str
    example: Any = None


_SCHEMA_EXAMPLE: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "An application of book",
    "type": "object",
    "required": ["application"],
    "additionalProperties": False,
    "properties": {
        "application": {
            "type": "object",
            "properties": {
                "income": {"title": "Income", "x-reads": True, "anyOf": [{"type": "number"}, {"type": "null"}]}
            },
        }
    },
}
_DOCUMENT_EXAMPLE: Mapping[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Scorewright", "version": "1.0.0"},
    "paths": {},
}

DESCRIBED: Mapping[Address, Described] = MappingProxyType(
    {
        ("POST", "/v1/decisions"): Described(
            "decisions",
            "The body holds the raw rows of one application; histories may be left out, features are never accepted. "
            "The decision is on disk before it is answered: if it cannot be recorded, it is not answered (503). "
            "With `Idempotency-Key` a request can be sent again safely, and gets the recorded answer.",
        ),
        ("POST", "/v1/clients/{id}/decisions"): Described(
            "decisions",
            "As `POST /v1/decisions`, with the rows that the client store holds. The body may bring columns of the "
            "application that are new, such as the amount asked for; an empty object decides on the rows as they are.",
        ),
        ("POST", "/v1/decisions/batch"): Described(
            "decisions",
            "One application per line (NDJSON) or per row (Arrow stream); one line or row is answered for each, in the "
            "same order, with its `position` and either its `answer` or its `problem`. Each is recorded before "
            "its line is sent. Read while you send: the service takes no more than it can answer. Batches are not "
            "explained and take no idempotency key.",
        ),
        ("POST", "/v1/simulations"): Described(
            "decisions",
            "The body is that of a decision with `changes` beside it: columns of `application` and the values they "
            "would have. Nothing is recorded as a decision.",
        ),
        ("GET", "/v1/decisions"): Described(
            "records", "The decisions of one client, the newest first, by pages: ask again with `next` as `before`."
        ),
        ("GET", "/v1/decisions/{id}"): Described(
            "records",
            "The decision as it was answered, and what was recorded about it since. Once its client was forgotten, "
            "what was personal reads as empty.",
        ),
        ("POST", "/v1/decisions/{id}/override"): Described(
            "records",
            "What an officer decides in place of the model, and why. The decision itself stays as it was recorded.",
        ),
        ("POST", "/v1/decisions/{id}/outcome"): Described(
            "records", "Whether the loan defaulted, once that is known: monitoring and the next training learn from it."
        ),
        ("POST", "/v1/outcomes"): Described(
            "records",
            "Outcomes of many decisions, one per line; each line is recorded or refused by itself and answered by its "
            "position.",
        ),
        ("POST", "/v1/decisions/{id}/replay"): Described(
            "records",
            "Loads the bundle that decided, by its hash, computes again from the recorded rows and compares bit for "
            "bit. A difference is answered 409 with both values. Records nothing.",
        ),
        ("GET", "/v1/clients/{id}"): Described(
            "clients", "The raw rows that the client store holds, in the form of the body of a decision."
        ),
        ("GET", "/v1/model"): Described("models", "The champion that answers now, with its policy and hard rules."),
        ("GET", "/v1/models"): Described(
            "models", "Every registered version of the portfolio, and which of them this service uses."
        ),
        ("GET", "/v1/schema"): Described(
            "models",
            "A JSON schema (2020-12) made from the contract of the model that answers: tables, columns, types, "
            "categories; ranges of training as `x-minimum` and `x-maximum`, and `x-reads` for what the model reads.",
            _SCHEMA_EXAMPLE,
        ),
        ("GET", "/v1/example"): Described(
            "models", "A made-up application that the model accepts as it is: typical values, no person."
        ),
        ("GET", "/v1/openapi.json"): Described(
            "models",
            "This document with worked examples in the columns of the model that answers. `/openapi.json`, which needs "
            "no key, shows made-up columns.",
            _DOCUMENT_EXAMPLE,
        ),
        ("GET", "/openapi.json"): Described(
            "operation", "This document. It tells nothing of the model that answers.", _DOCUMENT_EXAMPLE
        ),
        ("GET", "/healthz"): Described(
            "operation", "For liveness probes: asks neither model nor ledger.", {"status": "ok"}
        ),
        ("GET", "/readyz"): Described(
            "operation",
            "For load balancers: 503 without a model, and from the moment the service is told to stop.",
            {"status": "ready"},
        ),
        ("GET", "/metrics"): Described(
            "operation",
            "Counts and times of all workers. Labels are words of this program, never of a caller.",
            'scorewright_decisions_total{outcome="approve"} 41.0\n',
        ),
    }
)


def described(method: str, path: str) -> tuple[Described, str]:
    """Say what an address is about, and for whom it is."""
    found = DESCRIBED.get((method, path), Described("operation", ""))
    allowance = ROUTES.get((method, path), frozenset())
    whom = "Open to all." if allowance is OPEN else f"Roles: {', '.join(sorted(allowance))}."
    return found, whom


def is_keyed(method: str, path: str) -> bool:
    """Tell whether an address needs a key."""
    return ROUTES.get((method, path)) is not OPEN
