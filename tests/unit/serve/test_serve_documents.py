from __future__ import annotations

import asyncio
import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import httpx
import openapi_spec_validator
import pytest
from jsonschema import Draft202012Validator
from pydantic import SecretStr

from scorewright.domain.access import AccessEvent
from scorewright.domain.ledger import Ledger
from scorewright.domain.service import Catalogue, JudgingService, Replayer
from scorewright.errors import NoModelError
from scorewright.serve import documents, openapi, problems
from scorewright.serve.access.roles import ROUTES
from scorewright.serve.app import ServiceApp, create_app
from scorewright.serve.described import DESCRIBED, TAGS
from scorewright.serve.documents import ITEM, JSON, NDJSON
from scorewright.serve.door import Parts
from scorewright.serve.settings import ServiceSettings
from scorewright.serve.telemetry import Metrics


def generated() -> dict[str, Any]:
    """Return as much of a document as is completed."""
    answers: dict[str, Any] = {"200": {"content": {"application/json": {"schema": {}}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {
            "/healthz": {"get": {"responses": {"200": {}}}},
            "/metrics": {"get": {"responses": {"200": {}}}},
            documents.DECISIONS: {"post": {"requestBody": copy.deepcopy(dict(documents.BODY)), "responses": {}}},
            documents.SIMULATIONS: {
                "post": {"requestBody": copy.deepcopy(dict(documents.SIMULATION_BODY)), "responses": {}}
            },
            documents.EXAMPLE: {"get": {"responses": answers}},
        },
    }


def test_problems_of_one_status_are_told_together_and_apart() -> None:
    answers = documents.documented(*documents.REFUSED_BODIES)
    shape = answers[422]["content"][problems.MEDIA_TYPE]["examples"]
    assert set(answers) == {400, 408, 409, 413, 415, 422}
    assert {"request-shape", "data-columns", "data-unseen-category"} <= set(shape)
    for answer in answers.values():
        for code, example in answer["content"][problems.MEDIA_TYPE]["examples"].items():
            assert problems.Problem.model_validate(example["value"]).code == code


@pytest.mark.parametrize("example", [None, {"application": {"x": 1}}])
def test_completing_leaves_the_generated_document_alone(example: dict[str, Any] | None) -> None:
    before = generated()
    schemes = {"bearer": {"type": "http", "scheme": "bearer"}}
    openapi.complete(before, schemes, example)
    assert before == generated()


def test_keys_are_asked_for_where_they_are_needed() -> None:
    schemes = {"bearer": {"type": "http", "scheme": "bearer"}, "key": {"type": "apiKey", "in": "header", "name": "K"}}
    full = openapi.complete(generated(), schemes, None)
    decide = full["paths"][documents.DECISIONS]["post"]
    assert decide["security"] == [{"bearer": []}, {"key": []}]
    assert "401" in decide["responses"]
    assert "401" in full["paths"]["/metrics"]["get"]["responses"]
    assert "security" not in full["paths"]["/healthz"]["get"]
    assert full["components"]["securitySchemes"] == schemes


def test_an_open_service_asks_for_none() -> None:
    full = openapi.complete(generated(), {}, None)
    assert "securitySchemes" not in full["components"]
    assert "security" not in full["paths"][documents.DECISIONS]["post"]


@pytest.mark.parametrize(
    ("row", "changed"),
    [
        ({"id": 1, "income": 1200.5, "owner": True, "job": "roi"}, {"income": 1200.5}),
        ({"debt": -9000.0, "income": 1200.5}, {"debt": -9000.0}),
        ({"job": None}, {}),
    ],
)
def test_the_simulation_shown_changes_an_amount(row: dict[str, Any], changed: dict[str, Any]) -> None:
    full = openapi.complete(generated(), {}, {"application": row})
    shown = full["paths"][documents.SIMULATIONS]["post"]["requestBody"]["content"][JSON]["examples"]
    assert shown["made_up"]["value"] == {"application": row, "changes": {"application": changed}}


def test_an_unknown_part_is_cut_short_beside_those_there_are() -> None:
    told = documents.unknown_part("x" * 10_000)
    assert len(told) < 150
    assert "contributions, points, reasons, recourse, standing" in told


# The document of the running application

KEY = "a-key-of-23-characters!"
PLANTED = {"application": {"PLANTED_ID": 1, "PLANTED_AMOUNT": 90000.5}, "planted_loans": [{"PLANTED_DEBT": None}]}
NEVER = re.compile(r"PLANTED|planted|home_credit|bureau|AMT_|SK_ID|DAYS_|REGION_")


class Service:
    """Says what it accepts, or that no model is loaded."""

    def __init__(self, *, loaded: bool = True) -> None:
        self.loaded = loaded

    def example(self) -> Mapping[str, Any]:
        if not self.loaded:
            raise NoModelError("A model must be loaded.", "none", "Promote one.")
        return PLANTED


class Nothing:
    """Is asked nothing but to close."""

    def close(self) -> None:
        return


async def unwritten(event: AccessEvent) -> None:
    """Write nothing down."""


def build(*, loaded: bool = True) -> ServiceApp:
    service, ledger = cast("JudgingService", Service(loaded=loaded)), cast("Ledger", Nothing())
    parts = Parts(service, ledger, cast("Catalogue", Nothing()), cast("Replayer", Nothing()))
    return create_app(parts, ServiceSettings(api_key=SecretStr(KEY)), audit=unwritten)


@pytest.fixture(scope="module")
def app() -> Iterator[ServiceApp]:
    made = build()
    yield made
    for close in made.hooks.closing:
        close()


def ask(app: ServiceApp, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    async def asking() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(asking())


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def contents(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give every body and answer with its media type."""
    for method, path, operation in operations(document):
        sides = {"body": operation.get("requestBody", {}), **operation["responses"]}
        for name, side in sides.items():
            for media, content in side.get("content", {}).items():
                yield f"{method} {path} {name}", media, content


def examples(document: Mapping[str, Any], content: Mapping[str, Any]) -> list[Any]:
    """Give the examples of a body, or else those of its schema."""
    shown = [example["value"] for example in content.get("examples", {}).values()]
    schema = content["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return shown or list(schema.get("examples", ()))


def test_the_document_is_valid(app: ServiceApp) -> None:
    for document in (app.openapi(), app.openapi_of_model()):
        assert document["openapi"].startswith("3.1")
        openapi_spec_validator.validate(document)


def test_everything_that_the_table_of_roles_knows_is_described(app: ServiceApp) -> None:
    document = app.openapi()
    assert {(method, path) for method, path, _ in operations(document)} == set(ROUTES) == set(DESCRIBED)
    for method, path, operation in operations(document):
        assert operation["summary"], (method, path)
        assert len(operation["description"]) > 60, (method, path)
        assert operation["tags"][0] in TAGS
    assert [tag["name"] for tag in document["tags"]] == list(TAGS)


def test_every_answer_can_be_traced_and_every_refusal_is_a_problem(app: ServiceApp) -> None:
    for method, path, operation in operations(app.openapi()):
        for status, answer in operation["responses"].items():
            assert "X-Request-ID" in answer["headers"]
            assert status.startswith("2") or set(answer["content"]) == {problems.MEDIA_TYPE}, (method, path, status)
        needs_key = (method, path) not in {("GET", "/openapi.json"), ("GET", "/healthz"), ("GET", "/readyz")}
        assert ({"401", "403", "429"} <= set(operation["responses"])) == needs_key
        assert ("security" in operation) == needs_key


@pytest.mark.parametrize("whose", ["openapi", "openapi_of_model"])
def test_everything_has_worked_examples_and_they_fit_their_schemas(app: ServiceApp, whose: str) -> None:
    document = getattr(app, whose)()
    for place, media, content in contents(document):
        if media == documents.ARROW:
            continue
        shown = examples(document, content)
        assert shown, (place, media)
        lines = media == NDJSON
        schema = Draft202012Validator({**document, **content[ITEM if lines else "schema"]})
        for example in shown:
            for value in map(json.loads, example.splitlines()) if lines else [example]:
                schema.validate(value)


def test_strangers_learn_no_column(app: ServiceApp) -> None:
    told = ask(app, "/openapi.json")
    assert told.status_code == 200
    assert not NEVER.search(told.text)


def test_callers_with_a_key_see_the_columns_of_the_model(app: ServiceApp) -> None:
    document = ask(app, documents.DOCUMENT, **{"X-API-Key": KEY}).json()
    shown = document["paths"][documents.DECISIONS]["post"]["requestBody"]["content"][JSON]["examples"]
    assert shown["made_up"]["value"] == PLANTED
    assert document["paths"].keys() == app.openapi()["paths"].keys()


@pytest.mark.parametrize(("method", "path"), sorted(address for address in ROUTES if address[1].startswith("/v1")))
def test_a_refusal_of_strangers_tells_no_column(app: ServiceApp, method: str, path: str) -> None:
    told = ask(app, path.replace("{id}", "1"), method, **{"Content-Type": JSON, "X-API-Key": "another"})
    assert told.status_code in {401, 429}
    assert not NEVER.search(told.text)


def test_without_a_model_the_document_is_that_of_strangers() -> None:
    empty = build(loaded=False)
    assert empty.openapi_of_model() == empty.openapi()
    for close in empty.hooks.closing:
        close()


# The guide for integrators and operators

LEDGER = {"SCOREWRIGHT_LEDGER", "SCOREWRIGHT_LEDGER_SECRET_FILE"}
GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "service.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Give the cells of the rows of the first table under a heading."""
    section = GUIDE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = section[section.index("| ---") :].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[1:]]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_guide_lists_the_routes_there_are() -> None:
    told = {tuple(each.partition("?")[0].split(" ")) for row in rows("Quick start") for each in quoted(row[0])}
    assert told == set(ROUTES)


def test_the_guide_lists_the_codes_there_are_by_status() -> None:
    told = {int(row[0]): set(quoted(row[1])) for row in rows("Errors")}
    there: dict[int, set[str]] = {}
    for error, kind in problems.KINDS.items():
        there.setdefault(kind.status, set()).add(error.code)
    for refusal in (*(problems.from_status(status, "-") for status in problems._REFUSALS), problems.unexpected()):
        there.setdefault(refusal.status, set()).add(refusal.code)
    # The classes above the others answer nobody; whoever does get their code has it from a 500.
    assert told == {
        status: codes - {"error"} | ({"error"} if status == 500 else set()) for status, codes in there.items()
    }


def test_the_guide_lists_the_metrics_there_are() -> None:
    exposed = re.findall(r"^# TYPE (scorewright_\w+)", Metrics().text().decode(), re.MULTILINE)
    assert {quoted(row[0])[0] for row in rows("Logs, metrics, traces")} == {
        name for name in exposed if not name.endswith("_created")
    }


def test_the_guide_names_settings_that_are_there() -> None:
    told = set(re.findall(r"`(SCOREWRIGHT_[A-Z_]+)`", GUIDE.partition("\n## Settings\n")[0]))
    assert told <= {f"SCOREWRIGHT_{name.upper()}" for name in ServiceSettings.model_fields} | LEDGER
