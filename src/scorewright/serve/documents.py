"""The parts of the OpenAPI document that types cannot tell: bodies, problems, keys and worked examples."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from scorewright.errors import (
    BodyNotJsonError,
    BodyShapeError,
    BodyTooLargeError,
    ColumnsError,
    NoModelError,
    NotFiniteError,
    OrphanRowsError,
    UnseenCategoryError,
)
from scorewright.serve import problems
from scorewright.serve.access import CHALLENGE

DECISIONS = "/v1/decisions"
EXAMPLE = "/v1/example"
REFERENCE = {"$ref": "#/components/schemas/Problem"}

_SCALAR = {"type": ["string", "number", "boolean", "null"]}
_ROW = {"type": "object", "additionalProperties": _SCALAR, "description": "Raw column names to values."}
BODY: Mapping[str, Any] = {
    "required": True,
    "description": "One application: its row, and for each history table the list of its rows.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["application"],
                "properties": {"application": _ROW},
                "additionalProperties": {"type": "array", "items": _ROW},
            }
        }
    },
}

NO_MODEL = problems.from_error(NoModelError("A model must be loaded.", "none", "Promote one."))
FAILED = problems.unexpected()
NO_KEY = problems.from_status(401, "no key, or another one")
_NOT_JSON = BodyNotJsonError("The body must be JSON in UTF-8.", "NaN", "See GET /v1/example.")
_NOT_SHAPE = BodyShapeError("A row must be an object.", "'bureau'[0] is a list", "See GET /v1/example.")
_TOO_LARGE = BodyTooLargeError("A body must have at most 2097152 bytes.", "more", "Send one application per request.")
REFUSED_BODIES: Sequence[problems.Problem] = (
    *(problems.from_error(error) for error in (_NOT_JSON, _TOO_LARGE, _NOT_SHAPE)),
    problems.from_error(ColumnsError("bureau", missing=["CREDIT_ACTIVE"])),
    problems.from_error(UnseenCategoryError("CREDIT_ACTIVE", ["Actve"], ["Active", "Closed"], 1)),
    problems.from_error(OrphanRowsError("bureau_balance", "bureau", "SK_ID_BUREAU", 2)),
    problems.from_error(NotFiniteError("bureau", "AMT_CREDIT_SUM", 1)),
    problems.from_status(415, "text/plain"),
)


def documented(*told: problems.Problem) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of these problems: one per status, one example per code."""
    answers: dict[int | str, dict[str, Any]] = {}
    for problem in told:
        content = {problems.MEDIA_TYPE: {"schema": REFERENCE, "examples": {}}}
        answer = answers.setdefault(problem.status, {"description": problem.title, "content": content})
        value = problem.model_dump(exclude_none=True)
        answer["content"][problems.MEDIA_TYPE]["examples"][problem.code] = {"summary": problem.title, "value": value}
    return answers


def complete(
    document: Mapping[str, Any], schemes: Mapping[str, Mapping[str, Any]], example: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Add to the generated document the problem's schema, the ways to bring a key and the worked example.

    Parameters
    ----------
    document : mapping
        What FastAPI generated from the routes.
    schemes : mapping
        OpenAPI security schemes, any one of which admits a caller to ``/v1``.
    example : mapping, optional
        An application that the model accepts; None when no model is loaded.
    """
    full: dict[str, Any] = copy.deepcopy(dict(document))
    components = full.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = problems.Problem.model_json_schema()
    if schemes:
        _demand_key(full, schemes)
    if example is not None:
        _show(full["paths"][DECISIONS]["post"]["requestBody"], example)
        _show(full["paths"][EXAMPLE]["get"]["responses"]["200"], example)
    return full


def _demand_key(full: dict[str, Any], schemes: Mapping[str, Mapping[str, Any]]) -> None:
    full["components"]["securitySchemes"] = {name: dict(scheme) for name, scheme in schemes.items()}
    refusal = documented(NO_KEY)[NO_KEY.status]
    refusal["headers"] = {"WWW-Authenticate": {"schema": {"type": "string", "const": CHALLENGE}}}
    for path, operations in full["paths"].items():
        for operation in operations.values() if path.startswith("/v1/") else ():
            operation["security"] = [{name: []} for name in schemes]
            operation["responses"][str(NO_KEY.status)] = refusal


def _show(described: dict[str, Any], example: Mapping[str, Any]) -> None:
    summary = "A made-up application: typical values, no person"
    described["content"]["application/json"]["examples"] = {"made_up": {"summary": summary, "value": example}}
