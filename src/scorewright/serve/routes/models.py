"""Routes about the models, and about what they accept."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from scorewright.serve import answers, documents
from scorewright.serve.door import Door, answer, answer_bytes
from scorewright.serve.listed import ModelsAnswer, models_answer


def model_routes(door: Door) -> APIRouter:
    """Return the routes."""
    router = APIRouter(responses=documents.documented(documents.NO_MODEL, documents.FAILED))
    service = door.parts.service

    @router.get("/v1/model", response_model=answers.ModelAnswer, summary="Which model answers?")
    async def model() -> Response:
        return answer(answers.model_answer(service.model()))

    @router.get("/v1/models", response_model=ModelsAnswer, summary="Which versions are there?")
    async def models() -> Response:
        return answer(models_answer(await door.look_up(door.parts.catalogue.models)))

    @router.get(documents.EXAMPLE, response_model=dict[str, Any], summary="A body that the model accepts")
    async def example() -> Response:
        return answer_bytes(await door.compute(lambda: to_json(dict(service.example()), inf_nan_mode="null")))

    @router.get(documents.DOCUMENT, response_model=dict[str, Any], summary="This document, with this model's columns")
    async def openapi_of_model(request: Request) -> Response:
        return answer_bytes(await door.compute(lambda: to_json(request.app.openapi_of_model(), inf_nan_mode="null")))

    @router.get("/v1/schema", response_model=dict[str, Any], summary="What may an application contain?")
    async def schema() -> Response:
        return answer_bytes(await door.compute(lambda: to_json(dict(service.schema()), inf_nan_mode="null")))

    return router
