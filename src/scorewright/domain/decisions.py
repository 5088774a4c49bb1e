"""What is answered about one application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from scorewright.domain.matrix import Label

Outcome = Literal["approve", "refuse"]


@dataclass(frozen=True)
class Contribution:
    """How far one feature moved the score of one application, on the model's own scale."""

    feature: str
    label: Label
    value: float | str | None
    contribution: float


@dataclass(frozen=True)
class ModelInfo:
    """Which model answers, and how to find exactly it again."""

    portfolio: str
    version: str
    bundle: str
    candidate: str
    scale: str
    threshold: float
    features: int
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Decision:
    """PD and outcome of one application, the model that gave them, and its largest contributions.

    `base` is the score of the average application and `score` this one's, both on the model's own scale: `score` is
    `base` plus the contributions of all features, of which the largest are given.
    """

    application: int | str
    pd: float
    outcome: Outcome
    model: ModelInfo
    contributions: tuple[Contribution, ...] = ()
    base: float | None = None
    score: float | None = None


class DecisionService(Protocol):
    """What the service's door calls: one model that decides, and says what it is."""

    def model(self) -> ModelInfo:
        """Say which model answers. Raises ``NoModelError`` when none is loaded."""
        ...

    def decide(self, application: Mapping[str, Any]) -> Decision:
        """Decide one application given as raw rows by table.

        The root table's value is one row (a mapping), every other table's a list of rows. Raises ``DataError`` or
        ``BodyShapeError`` when the rows do not fit the contract.
        """
        ...

    def example(self) -> Mapping[str, Any]:
        """Give a made-up application that the model accepts, made of typical values: no person."""
        ...
