"""What is answered of the registered models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from pydantic.config import JsonDict

    from scorewright.domain.service import ListedModel

_EXAMPLE: JsonDict = {
    "version": "3",
    "bundle": "9f2c",
    "candidate": "lightgbm",
    "created": "2026-03-01T18:00:00Z",
    "aliases": ["champion"],
    "serving": "champion",
}


class ListedModelAnswer(BaseModel):
    """One registered version."""

    version: str
    bundle: str = Field(description="Hash of the sealed bundle.")
    candidate: str
    created: datetime
    aliases: tuple[str, ...] = Field(description="Aliases that it holds in the registry.")
    serving: Literal["champion", "challenger"] | None = Field(
        description="champion: it answers here; challenger: it is scored beside and recorded, never answered."
    )


class ModelsAnswer(BaseModel):
    """Every registered version of the portfolio, oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"models": [_EXAMPLE]}]})

    models: tuple[ListedModelAnswer, ...]


def models_answer(models: Sequence[ListedModel]) -> ModelsAnswer:
    """Say which versions there are."""
    return ModelsAnswer(models=tuple(map(_listed, models)))


def _listed(model: ListedModel) -> ListedModelAnswer:
    return ListedModelAnswer(
        version=model.version,
        bundle=model.bundle,
        candidate=model.candidate,
        created=model.created,
        aliases=model.aliases,
        serving=cast('Literal["champion", "challenger"] | None', model.serving),
    )
