"""The OpenAPI document: what FastAPI generates from the routes, with what it cannot know."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from scorewright.serve import answers, documents, explained, problems
from scorewright.serve.access import CHALLENGE
from scorewright.serve.bodies import CHANGES, ROOT
from scorewright.serve.described import ABOUT, TAGS, described, is_keyed
from scorewright.serve.documents import (
    BATCH,
    CLIENT_ROWS,
    DECISIONS,
    EXAMPLE,
    IDEMPOTENCY,
    ITEM,
    JSON,
    MADE_UP,
    NDJSON,
    OUTCOMES,
    PLAIN,
    REQUEST_ID,
    SIMULATIONS,
    STREAM,
)
from scorewright.serve.listed import ModelsAnswer
from scorewright.serve.recorded import ID, TIME, RecordedDecision
from scorewright.serve.records import OutcomeAnswer, OverrideAnswer, PageAnswer, ReplayAnswer, TrailAnswer

_WITH_EXAMPLES: Sequence[type[BaseModel]] = (
    answers.DecisionAnswer,
    answers.SimulationAnswer,
    answers.ModelAnswer,
    ModelsAnswer,
    RecordedDecision,
    PageAnswer,
    TrailAnswer,
    OverrideAnswer,
    OutcomeAnswer,
    ReplayAnswer,
)
_MADE_UP = {
    False: "A made-up application that this model accepts: typical values, no person",
    True: "A made-up application. The columns are not the model's: see GET /v1/example",
}
_DECIDED: Mapping[str, Any] = {
    name: told for name, told in answers.EXAMPLES[0].items() if name not in explained.EXAMPLE
}
_REFUSED = documents.told(documents.NOT_SHAPE)


def _lines(answered: Mapping[str, Any]) -> str:
    rows: Sequence[Mapping[str, Any]] = ({"answer": answered, "problem": None}, {"answer": None, "problem": _REFUSED})
    return "".join(f"{json.dumps({'position': place, **row})}\n" for place, row in enumerate(rows))


#: What streams answer.
_LINES: Mapping[str, str] = {
    BATCH: _lines({"id": ID, "time": TIME, **_DECIDED}),
    OUTCOMES: _lines({"id": "01d0c2aa-91f0-7d21-9b6e-2f1d3c4b5a09", "decision": ID, "repeated": False}),
}


def complete(
    document: Mapping[str, Any], schemes: Mapping[str, Mapping[str, Any]], example: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Add to the generated document what it cannot know: problems, keys, words and worked examples.

    Parameters
    ----------
    document : mapping
        What FastAPI generated from the routes.
    schemes : mapping
        OpenAPI security schemes, any one of which admits a caller to what is not open.
    example : mapping, optional
        An application that the model accepts, for callers who may know its columns. None for everyone else, and where
        no model is loaded: the examples then have columns that are made up.
    """
    full: dict[str, Any] = copy.deepcopy(dict(document))
    full.setdefault("info", {})["description"] = ABOUT
    full["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    schemas = full.setdefault("components", {}).setdefault("schemas", {})
    _complete_schemas(schemas)
    if schemes:
        full["components"]["securitySchemes"] = {name: dict(scheme) for name, scheme in schemes.items()}
    for method, path, operation in _operations(full):
        _describe(operation, method, path)
        if schemes and is_keyed(method, path):
            _demand_key(operation, schemes)
        _wear(operation)
        _describe_lines(operation)
        _share(operation, schemas)
    _show_examples(full["paths"], MADE_UP if example is None else example, summary=_MADE_UP[example is None])
    return full


def _complete_schemas(schemas: dict[str, Any]) -> None:
    for generated in ("HTTPValidationError", "ValidationError"):
        schemas.pop(generated, None)
    schemas |= copy.deepcopy(dict(documents.BODIES))
    schemas["Problem"] = problems.Problem.model_json_schema() | {"examples": [documents.told(documents.NO_KEY)]}
    for model in _WITH_EXAMPLES:
        if model.__name__ in schemas:
            # FastAPI leaves out what is null.
            schemas[model.__name__]["examples"] = model.model_json_schema()["examples"]


def _operations(full: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in full["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation


def _describe(operation: dict[str, Any], method: str, path: str) -> None:
    found, whom = described(method, path)
    operation["tags"] = [found.tag]
    operation["description"] = f"{found.text} {whom}".strip()
    answers = operation["responses"]
    generated = answers.get("422", {}).get("content", {}).get(JSON, {}).get("schema", {})
    if generated.get("$ref", "").endswith("/HTTPValidationError"):
        answers["422"] = documents.documented(documents.INVALID)[422]
    if found.example is not None:
        media = JSON if isinstance(found.example, Mapping) else PLAIN
        answer = answers["200"].setdefault("content", {}).setdefault(media, {"schema": {"type": "string"}})
        answer["examples"] = {"worked": {"value": found.example}}


def _demand_key(operation: dict[str, Any], schemes: Mapping[str, Mapping[str, Any]]) -> None:
    denied = documents.documented(documents.NO_KEY, *documents.DENIED)
    refusals = {str(status): answer for status, answer in denied.items()}
    refusals["401"]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string", "const": CHALLENGE}}}
    for status, refusal in refusals.items():
        known = operation["responses"].get(status, {}).get("content", {}).get(problems.MEDIA_TYPE, {})
        refusal["content"][problems.MEDIA_TYPE]["examples"] |= known.get("examples", {})
    operation["security"] = [{name: []} for name in schemes]
    operation["responses"] |= refusals


def _wear(operation: dict[str, Any]) -> None:
    """State the headers that requests may and answers do wear."""
    operation.setdefault("parameters", []).append(REQUEST_ID)
    for status, answer in operation["responses"].items():
        headers = answer.setdefault("headers", {})
        headers["X-Request-ID"] = _header("Names this request here and in the service's log.", "string")
        if status in {"429", "503"}:
            headers["Retry-After"] = _header("Seconds to wait, where waiting helps.", "integer")
        if status == "200" and IDEMPOTENCY in operation.get("parameters", ()):
            headers["Idempotency-Replayed"] = _header("`true`: recorded before, under this key.", "string")


def _header(description: str, kind: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


def _describe_lines(operation: Mapping[str, Any]) -> None:
    """Say of streams what a line is, apart from what they are as a whole."""
    for content in _contents(operation):
        if NDJSON not in content:
            continue
        # Without a schema it is FastAPI's own guess.
        if not content.get(JSON, {}).get("schema", True):
            del content[JSON]
        content[NDJSON].setdefault(ITEM, content[NDJSON]["schema"])
        content[NDJSON]["schema"] = STREAM


def _share(operation: Mapping[str, Any], schemas: dict[str, Any]) -> None:
    """Move schemas that have a title to the components: generators of clients name classes so."""
    for content in _contents(operation):
        for media in content.values():
            for place in {"schema", ITEM} & set(media):
                title = media[place].get("title")
                if title and "properties" in media[place]:
                    schemas[title] = media[place]
                    media[place] = {"$ref": f"#/components/schemas/{title}"}


def _contents(operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for side in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield side.get("content", {})


def _show_examples(paths: Mapping[str, Any], example: Mapping[str, Any], summary: str) -> None:
    shown: Mapping[str, Any] = {
        DECISIONS: example,
        SIMULATIONS: {**example, CHANGES: {ROOT: _a_change(example)}},
        BATCH: f"{json.dumps(example, default=str)}\n" * 2,
    }
    for path, value in shown.items():
        media = NDJSON if path == BATCH else JSON
        described = paths.get(path, {}).get("post", {}).get("requestBody")
        if described is not None:
            described["content"][media]["examples"] = {"made_up": {"summary": summary, "value": value}}
    for path, lines in _LINES.items():
        if path in paths:
            paths[path]["post"]["responses"]["200"]["content"][NDJSON]["examples"] = {"two": {"value": lines}}
    for path in {EXAMPLE, CLIENT_ROWS} & set(paths):
        answer = paths[path]["get"]["responses"]["200"]["content"][JSON]
        answer["examples"] = {"made_up": {"summary": summary, "value": example}}


def _a_change(example: Mapping[str, Any]) -> dict[str, Any]:
    """Change a column that surely may be changed: the largest number, an amount where there is one, to itself."""
    numbers = {name: value for name, value in example[ROOT].items() if type(value) in {int, float}}
    largest = max(numbers, key=lambda name: abs(numbers[name]), default=None)
    return {} if largest is None else {largest: numbers[largest]}
