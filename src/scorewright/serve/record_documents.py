"""The parts of the OpenAPI document about recorded decisions that types cannot tell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from scorewright.errors import (
    BodyShapeError,
    BodyTooLargeError,
    ForgottenError,
    IdempotencyConflictError,
    LedgerBusyError,
    LedgerTamperedError,
    LedgerUnavailableError,
    NoModelError,
    NoStoreError,
    ReplayDifferenceError,
    StoreUnusableError,
    TargetError,
    UnknownClientError,
    UnknownDecisionError,
)
from scorewright.serve import problems
from scorewright.serve.batch import line_schema
from scorewright.serve.documents import FAILED, ITEM, JSON, NDJSON, TOO_SLOW
from scorewright.serve.recorded import ID
from scorewright.serve.records import (
    OUTCOME_EXAMPLE,
    OVERRIDE_EXAMPLE,
    ImportedAnswer,
    OutcomeBody,
    OutcomeLine,
    OverrideBody,
)
from scorewright.serve.seeing import NOT_THEIRS

DECISION = "/v1/decisions/{id}"
OVERRIDE = f"{DECISION}/override"
OUTCOME = f"{DECISION}/outcome"
REPLAY = f"{DECISION}/replay"
OUTCOMES = "/v1/outcomes"
REPLAYED = "Idempotency-Replayed"

WITH_INPUTS: Mapping[str, Any] = {
    "name": "include",
    "in": "query",
    "required": False,
    "description": "`inputs` adds the application as it was decided on.",
    "schema": {"type": "array", "items": {"type": "string", "enum": ["inputs"]}},
    "style": "form",
    "explode": False,
}
REPLAYED_HEADER: Mapping[str, Any] = {
    "headers": {
        REPLAYED: {
            "description": "`true` where this was recorded before, under the same idempotency key.",
            "schema": {"type": "string", "const": "true"},
        }
    }
}


def _body(model: type[BaseModel], description: str, examples: Mapping[str, Any]) -> Mapping[str, Any]:
    told = {name: {"summary": name.replace("_", " "), "value": value} for name, value in examples.items()}
    content = {JSON: {"schema": model.model_json_schema(), "examples": told}}
    return {"required": True, "description": description, "content": content}


OVERRIDE_BODY = _body(OverrideBody, "What the officer decides, and why.", {"payslips_made_up": OVERRIDE_EXAMPLE})
OUTCOME_BODY = _body(
    OutcomeBody,
    "How the loan turned out.",
    {"repaid": OUTCOME_EXAMPLE, "defaulted": {"defaulted": True, "observed": "2026-06-30"}},
)
_LINES = "".join(f"{json.dumps({'decision': ID, **told})}\n" for told in (OUTCOME_EXAMPLE, {"defaulted": True}))
IMPORT_BODY: Mapping[str, Any] = {
    "required": True,
    "description": 'One outcome per line: `{"decision": ID, "defaulted": false, "observed": "2026-09-30"}`. A line '
    "that the same caller sent before is found again and makes no second entry, so that an import may be sent again; "
    "what was told wrongly is corrected at `/v1/decisions/{id}/outcome`. Read the answers while you send.",
    "content": {
        NDJSON: {
            "schema": {"type": "string"},
            ITEM: OutcomeLine.model_json_schema(),
            "examples": {"two": {"value": _LINES}},
        }
    },
}
IMPORTED: Mapping[str, Any] = {
    "description": "One line per outcome, in the same order, as they are recorded.",
    "content": {
        NDJSON: {
            "schema": {"type": "string"},
            ITEM: line_schema(
                "ImportRow", "One outcome of the request: its entry or its problem", ImportedAnswer.model_json_schema()
            ),
        }
    },
}

NO_DECISION = problems.from_error(UnknownDecisionError(ID))
FORGOTTEN = problems.from_error(ForgottenError(ID))
NOT_SEEN = problems.from_status(403, NOT_THEIRS)
INVALID = problems.from_status(422, "query.limit: Input should be less than or equal to 200")
NO_INCLUDE = problems.from_status(422, "include: no 'reasons'; there is inputs")
#: Of whatever asks the ledger.
LEDGER: Sequence[problems.Problem] = (
    problems.from_error(LedgerUnavailableError("a database that does not answer")),
    problems.from_error(LedgerTamperedError(17, "its MAC is another")),
    FAILED,
)
REFUSED_LINES: Sequence[problems.Problem] = (problems.from_status(415, "text/plain"),)
REFUSED_RECORDS: Sequence[problems.Problem] = (
    NO_DECISION,
    FORGOTTEN,
    problems.from_error(IdempotencyConflictError()),
    problems.from_error(BodyTooLargeError("A body must have at most 2097152 bytes.", "more", "Send less.")),
    problems.from_error(TOO_SLOW),
    problems.from_error(
        BodyShapeError("The body must be as /openapi.json describes it.", "reason: missing", "Correct it.")
    ),
    problems.from_error(TargetError("An outcome is told once it was observed.", "a day in the future", "Correct it.")),
    problems.from_error(LedgerBusyError(1000)),
    problems.from_status(415, "text/plain"),
)
REFUSED_REPLAYS: Sequence[problems.Problem] = (
    NO_DECISION,
    FORGOTTEN,
    problems.from_error(ReplayDifferenceError(ID, {"pd": ("0.1", "0.2")})),
    problems.from_error(
        NoModelError("A decision is computed again by the bundle that made it.", "none", "Restore it.")
    ),
)
NO_CLIENTS: Sequence[problems.Problem] = (
    NOT_SEEN,
    problems.from_error(UnknownClientError()),
    problems.from_error(NoStoreError()),
    problems.from_error(StoreUnusableError("a table that cannot be read")),
    FAILED,
)
