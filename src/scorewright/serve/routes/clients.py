"""Routes about known clients: their rows, as the client store has them."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic_core import to_json

from scorewright.errors import NoStoreError
from scorewright.serve import documents
from scorewright.serve import record_documents as told
from scorewright.serve.documents import JSON
from scorewright.serve.door import Door, answer_bytes
from scorewright.serve.seeing import check_client

ClientId = Annotated[
    str, Path(alias="id", min_length=1, description="Key of the client's application.", examples=["100001"])
]


def client_routes(door: Door) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    rows = {"description": "The rows as they are stored.", "content": {JSON: documents.BODY["content"][JSON]}}

    @router.get(
        documents.CLIENT_ROWS,
        response_model=dict[str, Any],
        responses={**documents.documented(*told.NO_CLIENTS), 200: rows},
        summary="A known client's rows",
    )
    async def read_client(request: Request, client: ClientId) -> Response:
        check_client(request, client)
        if door.parts.store is None:
            raise NoStoreError
        return answer_bytes(to_json(await door.look_up(partial(door.parts.store.get, client)), inf_nan_mode="null"))

    return router
