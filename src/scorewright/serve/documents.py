"""The parts of the OpenAPI document that types cannot tell: bodies, parameters and problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scorewright.domain.decisions import INCLUDES
from scorewright.errors import (
    BodyNotArrowError,
    BodyNotJsonError,
    BodyShapeError,
    BodyTooLargeError,
    BodyTooSlowError,
    ColumnsError,
    CoverageError,
    DeadlineError,
    IdempotencyConflictError,
    LedgerBusyError,
    LedgerUnavailableError,
    NoModelError,
    NotFiniteError,
    OrphanRowsError,
    OverloadedError,
    RangesError,
    StoppingError,
    UnknownClientError,
    UnseenCategoryError,
)
from scorewright.serve import problems
from scorewright.serve.access.guard import TOLD
from scorewright.serve.bodies import CHANGES, ROOT

DECISIONS = "/v1/decisions"
BATCH = "/v1/decisions/batch"
OUTCOMES = "/v1/outcomes"
SIMULATIONS = "/v1/simulations"
CLIENT_DECISIONS = "/v1/clients/{id}/decisions"
CLIENT_ROWS = "/v1/clients/{id}"
EXAMPLE = "/v1/example"
DOCUMENT = "/v1/openapi.json"
JSON = "application/json"
NDJSON = "application/x-ndjson"
ARROW = "application/vnd.apache.arrow.stream"
PLAIN = "text/plain"
REFERENCE = {"$ref": "#/components/schemas/Problem"}
APPLICATION = {"$ref": "#/components/schemas/Application"}
#: What OpenAPI 3.2 calls `itemSchema`: the schema of one line of a stream.
ITEM = "x-item-schema"
#: Stands for the model's own columns, which only callers with a key are told.
MADE_UP: Mapping[str, Any] = {
    ROOT: {"id": 1001, "amount": 12000.0, "income": 41500.0, "employment": "salaried", "owner": True},
    "loans": [{"loan_id": 1, "debt": 2300.0, "status": "active"}, {"loan_id": 2, "debt": None, "status": "closed"}],
}

STREAM = {"type": "string", "format": "binary"}
_SCALAR = {"type": ["string", "number", "boolean", "null"]}
_ROW = {"type": "object", "additionalProperties": _SCALAR, "description": "Raw column names to values."}
_TABLES: Mapping[str, Any] = {
    "title": "Application",
    "description": "Raw rows by table: the application's own row, and for each history the list of its rows.",
    "type": "object",
    "required": [ROOT],
    "properties": {ROOT: _ROW},
    "additionalProperties": {"type": "array", "items": _ROW},
}
_CHANGED: Mapping[str, Any] = {
    "type": "object",
    "required": [ROOT],
    "properties": {ROOT: {**_ROW, "description": "Raw column names to the values they would have."}},
    "additionalProperties": False,
}
#: Schemas of bodies, by the names under which the document shares them.
BODIES: Mapping[str, Any] = {
    "Application": _TABLES,
    "Simulation": {
        **_TABLES,
        "title": "Simulation",
        "description": "An application, and columns of its row with the values that they would have.",
        "required": [ROOT, CHANGES],
        "properties": {ROOT: _ROW, CHANGES: _CHANGED},
    },
    "ClientChanges": {
        "title": "ClientChanges",
        "description": "Columns of the application's row with values other than those stored.",
        "type": "object",
        "properties": {ROOT: _ROW},
        "additionalProperties": False,
    },
}
BODY: Mapping[str, Any] = {
    "required": True,
    "description": "One application: its row, and for each history table the list of its rows.",
    "content": {JSON: {"schema": APPLICATION}},
}
SIMULATION_BODY: Mapping[str, Any] = {
    "required": True,
    "description": "One application as for a decision, and beside it what is to be changed in its row.",
    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Simulation"}}},
}
CLIENT_BODY: Mapping[str, Any] = {
    "required": True,
    "description": "What is new since the client's rows were stored: columns of the application's row. May be empty.",
    "content": {
        JSON: {
            "schema": {"$ref": "#/components/schemas/ClientChanges"},
            "examples": {
                "as_stored": {"summary": "Decide on the rows as they are stored", "value": {}},
                "new_amount": {"summary": "For another amount", "value": {ROOT: {"amount": 9000.0}}},
            },
        }
    },
}
STREAM_BODY: Mapping[str, Any] = {
    "required": True,
    "description": "Applications as for a decision, one per line; or one per row of an Arrow IPC stream, its histories "
    "as columns of lists of structs. Read the answers while you send.",
    "content": {
        ARROW: {"schema": STREAM},
        # Last, for generators of clients that can send one type alone take the last.
        NDJSON: {"schema": STREAM, ITEM: APPLICATION},
    },
}
CLIENT: Mapping[str, Any] = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "Key of the client's application.",
    "schema": {"type": "string", "minLength": 1},
    "example": "100001",
}
IDEMPOTENCY: Mapping[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The caller's own name for this request. Repeated with the same body it is answered with what was "
    "recorded, and `Idempotency-Replayed: true`; with another body it is refused.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "example": "loan-2026-000417",
}
REQUEST_ID: Mapping[str, Any] = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "description": "The caller's own id of this request. Kept if it is a UUID, else replaced by one.",
    "schema": {"type": "string"},
    "example": "7f0c5c0e-6d0b-4f43-9a53-52d0f7a8c1de",
}
INCLUDE: Mapping[str, Any] = {
    "name": "include",
    "in": "query",
    "required": False,
    "description": "Parts of the explanation to compute and to answer, with commas between them or the parameter "
    "repeated. Without it none is computed, and their fields are null.",
    "schema": {"type": "array", "items": {"type": "string", "enum": list(INCLUDES)}},
    "style": "form",
    "explode": False,
    "examples": {
        "none": {"summary": "The plain decision", "value": []},
        "letter": {"summary": "What a letter of refusal needs", "value": ["reasons", "recourse"]},
    },
}


def unknown_part(name: str) -> str:
    """Say that no part of an explanation has this name, and which there are."""
    return f"include: no {name[:40]!r}; there are {', '.join(INCLUDES)}"


NO_MODEL = problems.from_error(NoModelError("A model must be loaded.", "none", "Promote one."))
NO_CLIENT = problems.from_error(UnknownClientError())
STOPPING = problems.from_error(StoppingError("A service that is ready goes on.", "one that was told to stop"))
NO_LEDGER = problems.from_error(LedgerUnavailableError("a database that does not answer"))
BUSY: Sequence[problems.Problem] = tuple(
    problems.from_error(error)
    for error in (
        OverloadedError("At most 256 requests may wait to be computed.", "more"),
        DeadlineError("A request is answered within 10 seconds.", "a longer wait"),
        LedgerUnavailableError("a database that does not answer"),
        LedgerBusyError(1000),
    )
)
FAILED = problems.unexpected()
NO_KEY = problems.from_status(401, TOLD[401])
DENIED = tuple(problems.from_status(status, TOLD[status]) for status in (403, 429))
INVALID = problems.from_status(422, "query.limit: not a whole number")
_NOT_JSON = BodyNotJsonError("The body must be JSON in UTF-8.", "NaN", "See GET /v1/example.")
_NOT_SHAPE = BodyShapeError("A row must be an object.", "'loans'[0] is a list", "See GET /v1/example.")
_TOO_LARGE = BodyTooLargeError("A body must have at most 2097152 bytes.", "more", "Send one application per request.")
TOO_SLOW = BodyTooSlowError("A body must arrive without long pauses.", "one that did not", "Send it again.")
_NOT_ARROW = BodyNotArrowError("The body must be an Arrow IPC stream.", "an empty body", "See the documentation.")
NOT_SHAPE = problems.from_error(_NOT_SHAPE)
REFUSED_STREAMS: Sequence[problems.Problem] = (
    *(problems.from_error(error) for error in (_NOT_ARROW, _TOO_LARGE, TOO_SLOW, _NOT_SHAPE)),
    problems.from_status(415, "text/plain"),
)
REFUSED_BODIES: Sequence[problems.Problem] = (
    *(problems.from_error(error) for error in (_NOT_JSON, _TOO_LARGE, TOO_SLOW, _NOT_SHAPE)),
    problems.from_error(ColumnsError("loans", missing=["status"])),
    problems.from_error(UnseenCategoryError("status", ["actve"], ["active", "closed"], 1)),
    problems.from_error(OrphanRowsError("instalments", "loans", "loan_id", 2)),
    problems.from_error(NotFiniteError("loans", "debt", 1)),
    problems.from_error(CoverageError(0.12, 0.3)),
    problems.from_error(RangesError("application", ["amount"])),
    problems.from_error(IdempotencyConflictError()),
    problems.from_status(422, unknown_part("raesons")),
    problems.from_status(415, "text/plain"),
)


def documented(*refusals: problems.Problem) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of these problems: one per status, one example per code."""
    answers: dict[int | str, dict[str, Any]] = {}
    for problem in refusals:
        content = {problems.MEDIA_TYPE: {"schema": REFERENCE, "examples": {}}}
        answer = answers.setdefault(problem.status, {"description": problem.title, "content": content})
        shown = {"summary": problem.title, "value": told(problem)}
        answer["content"][problems.MEDIA_TYPE]["examples"][problem.code] = shown
    return answers


def told(problem: problems.Problem) -> dict[str, Any]:
    """Say a problem as an example."""
    return problem.model_dump() | {"instance": f"urn:uuid:{REQUEST_ID['example']}"}


def streamed(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI response of a stream of answers, of which `line` is the schema of one."""
    return {
        "description": "One line, or row, per application, in the same order, as they are decided.",
        "content": {
            NDJSON: {"schema": STREAM, ITEM: line},
            ARROW: {"schema": STREAM},
        },
    }
