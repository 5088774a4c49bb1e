from __future__ import annotations

import copy
from typing import Any

import pytest

from scorewright.serve import documents, problems


def generated() -> dict[str, Any]:
    """Return as much of a document as is completed."""
    answers: dict[str, Any] = {"200": {"content": {"application/json": {"schema": {}}}}}
    return {
        "openapi": "3.1.0",
        "paths": {
            "/healthz": {"get": {"responses": {}}},
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
    assert set(answers) == {400, 413, 415, 422}
    assert {"request-shape", "data-columns", "data-unseen-category"} <= set(shape)
    for answer in answers.values():
        for code, example in answer["content"][problems.MEDIA_TYPE]["examples"].items():
            assert problems.Problem.model_validate(example["value"]).code == code


@pytest.mark.parametrize("example", [None, {"application": {"x": 1}}])
def test_completing_leaves_the_generated_document_alone(example: dict[str, Any] | None) -> None:
    before = generated()
    schemes = {"bearer": {"type": "http", "scheme": "bearer"}}
    documents.complete(before, schemes, example)
    assert before == generated()


def test_keys_are_asked_for_where_they_are_needed() -> None:
    schemes = {"bearer": {"type": "http", "scheme": "bearer"}, "key": {"type": "apiKey", "in": "header", "name": "K"}}
    full = documents.complete(generated(), schemes, None)
    decide = full["paths"][documents.DECISIONS]["post"]
    assert decide["security"] == [{"bearer": []}, {"key": []}]
    assert "401" in decide["responses"]
    assert "security" not in full["paths"]["/healthz"]["get"]
    assert full["components"]["securitySchemes"] == schemes


def test_an_open_service_asks_for_none() -> None:
    full = documents.complete(generated(), {}, None)
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
    full = documents.complete(generated(), {}, {"application": row})
    shown = full["paths"][documents.SIMULATIONS]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert shown["made_up"]["value"] == {"application": row, "changes": {"application": changed}}


def test_an_unknown_part_is_cut_short_beside_those_there_are() -> None:
    told = documents.unknown_part("x" * 10_000)
    assert len(told) < 150
    assert "contributions, points, reasons, recourse, standing" in told
