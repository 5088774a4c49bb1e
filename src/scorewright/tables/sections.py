"""What every section of a portfolio's files is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from scorewright.domain.matrix import Label

Scalar = bool | int | float | str
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=60)]
ColumnName = Annotated[str, Field(min_length=1)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A section: no unknown setting, and nothing that changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelSpec(Section):
    """A name for people, in English and French."""

    en: str
    fr: str

    @property
    def label(self) -> Label:
        """The same as a value of the domain."""
        return Label(self.en, self.fr)
