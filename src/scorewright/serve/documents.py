"""The parts of the OpenAPI document that types cannot tell: bodies, problems, keys and worked examples."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from scorewright.domain.decisions import INCLUDES
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
from scorewright.serve.access.guard import TOLD
from scorewright.serve.bodies import CHANGES, ROOT

DECISIONS = "/v1/decisions"
SIMULATIONS = "/v1/simulations"
EXAMPLE = "/v1/example"
JSON = "application/json"
REFERENCE = {"$ref": "#/components/schemas/Problem"}

_SCALAR = {"type": ["string", "number", "boolean", "null"]}
_ROW = {"type": "object", "additionalProperties": _SCALAR, "description": "Raw column names to values."}
_TABLES: Mapping[str, Any] = {
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
BODY: Mapping[str, Any] = {
    "required": True,
    "description": "One application: its row, and for each history table the list of its rows.",
    "content": {JSON: {"schema": _TABLES}},
}
SIMULATION_BODY: Mapping[str, Any] = {
    "required": True,
    "description": "One application as for a decision, and beside it what is to be changed in its row.",
    "content": {
        JSON: {
            "schema": {
                **_TABLES,
                "required": [ROOT, CHANGES],
                "properties": {ROOT: _ROW, CHANGES: _CHANGED},
            }
        }
    },
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
FAILED = problems.unexpected()
NO_KEY = problems.from_status(401, TOLD[401])
DENIED = tuple(problems.from_status(status, TOLD[status]) for status in (403, 429))
_NOT_JSON = BodyNotJsonError("The body must be JSON in UTF-8.", "NaN", "See GET /v1/example.")
_NOT_SHAPE = BodyShapeError("A row must be an object.", "'bureau'[0] is a list", "See GET /v1/example.")
_TOO_LARGE = BodyTooLargeError("A body must have at most 2097152 bytes.", "more", "Send one application per request.")
REFUSED_BODIES: Sequence[problems.Problem] = (
    *(problems.from_error(error) for error in (_NOT_JSON, _TOO_LARGE, _NOT_SHAPE)),
    problems.from_error(ColumnsError("bureau", missing=["CREDIT_ACTIVE"])),
    problems.from_error(UnseenCategoryError("CREDIT_ACTIVE", ["Actve"], ["Active", "Closed"], 1)),
    problems.from_error(OrphanRowsError("bureau_balance", "bureau", "SK_ID_BUREAU", 2)),
    problems.from_error(NotFiniteError("bureau", "AMT_CREDIT_SUM", 1)),
    problems.from_status(422, unknown_part("raesons")),
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
        _show(full["paths"][SIMULATIONS]["post"]["requestBody"], {**example, CHANGES: {ROOT: _a_change(example)}})
        _show(full["paths"][EXAMPLE]["get"]["responses"]["200"], example)
    return full


def _demand_key(full: dict[str, Any], schemes: Mapping[str, Mapping[str, Any]]) -> None:
    full["components"]["securitySchemes"] = {name: dict(scheme) for name, scheme in schemes.items()}
    refusal = documented(NO_KEY)[NO_KEY.status]
    refusal["headers"] = {"WWW-Authenticate": {"schema": {"type": "string", "const": CHALLENGE}}}
    denied = {str(status): answer for status, answer in documented(*DENIED).items()}
    denied["429"]["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}}
    for path, operations in full["paths"].items():
        for operation in operations.values() if path.startswith("/v1/") else ():
            operation["security"] = [{name: []} for name in schemes]
            operation["responses"] |= {str(NO_KEY.status): refusal, **denied}


def _a_change(example: Mapping[str, Any]) -> dict[str, Any]:
    """Change a column that surely may be changed: the largest number, an amount where there is one, to itself."""
    numbers = {name: value for name, value in example[ROOT].items() if type(value) in {int, float}}
    largest = max(numbers, key=lambda name: abs(numbers[name]), default=None)
    return {} if largest is None else {largest: numbers[largest]}


def _show(described: dict[str, Any], example: Mapping[str, Any]) -> None:
    summary = "A made-up application: typical values, no person"
    described["content"][JSON]["examples"] = {"made_up": {"summary": summary, "value": example}}
