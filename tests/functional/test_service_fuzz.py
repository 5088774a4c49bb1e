"""Requests that are made up from what the service says of itself: none makes it fail, each is answered as it says."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from benchmarks.fuzzing import FAILED, OPENAPI, SCHEMA, TAKERS, Operation, drawn, given_id, of, with_applications, worst
from scorewright.bootstrap import Settings, Workbench
from scorewright.serve.settings import load_settings
from tests.functional.served import BEARER, KEY, application

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
Body = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """A service in this process, what it says of itself, and an id that it knows."""

    app: Any
    told: Body
    schema: Body
    known: Mapping[str, str]


@pytest.fixture(scope="module")
def target(small_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    home = Path(shutil.copytree(small_home, tmp_path_factory.mktemp("fuzz") / "home"))
    settings = load_settings(api_key=SecretStr(KEY), throttle_failures=10**9)
    served = Workbench(Settings(home=home, registry="folder")).service(None, "champion", settings)
    transport = httpx.ASGITransport(served.app)  # type: ignore[arg-type]

    async def asked() -> tuple[Body, Body, Body]:
        async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=BEARER) as client:
            decided = await client.post("/v1/decisions", json=json.loads(application("A")))
            told, schema = await client.get(OPENAPI), await client.get(SCHEMA)
        return decided.json(), told.json(), schema.json()

    decided, told, schema = asyncio.run(asked())
    yield Target(served.app, told, schema, {"/v1/decisions/": decided["id"]})
    for close in served.hooks.closing:
        close()


def ask(operation: Operation, mode: GenerationMode, path: Mapping[str, str] | None, most: int) -> int:
    """Ask what is drawn, hold each answer to the document, and say how many there were."""
    cases = drawn(operation, mode, 0, path, most)
    for case in cases:
        answer = case.call_and_validate(checks=CHECKS, headers=BEARER)
        assert worst(answer.status_code, str(answer.headers["content-type"][0]), answer.content) < FAILED
    return len(cases)


async def broken(scope: Any, receive: Any, send: Any) -> None:
    """Fail at everything but beginning and ending."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body"})


def test_a_service_that_fails_is_found_out(target: Target) -> None:
    decide = next(each for each in of(target.told, broken) if each.body)
    with pytest.raises(FailureGroup):
        ask(decide, GenerationMode.POSITIVE, None, 1)


def test_a_row_that_fails_is_found_out() -> None:
    rows = b'{"position":0,"problem":null}\n{"position":1,"problem":{"status":500}}\n'
    assert worst(200, "application/x-ndjson", rows) == 500
    assert worst(200, "application/json", rows) == 200


def test_what_fits_the_document_is_answered_as_it_says(target: Target) -> None:
    operations = list(of(target.told, target.app))
    asked = [ask(each, GenerationMode.POSITIVE, None, 5) for each in operations]
    assert min(asked) >= 1
    assert sum(asked) >= 80


def test_what_breaks_the_document_is_answered_as_it_says(target: Target) -> None:
    asked = [ask(each, GenerationMode.NEGATIVE, None, 6) for each in of(target.told, target.app) if each.body]
    assert sum(asked) >= 30


def test_ids_that_are_known_are_answered_as_the_document_says(target: Target) -> None:
    asked = [
        ask(each, mode, given_id(each, target.known), 5)
        for each in of(target.told, target.app)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        if given_id(each, target.known)
    ]
    assert sum(asked) >= 20


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_applications_of_the_schema_are_answered_as_the_document_says(target: Target, mode: GenerationMode) -> None:
    exact = with_applications(target.told, target.schema)
    asked = [ask(each, mode, None, 15) for each in of(exact, target.app) if each.body and each.path in TAKERS]
    assert sum(asked) >= 30
