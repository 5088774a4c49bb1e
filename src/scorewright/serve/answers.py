"""What the service answers, as the OpenAPI document describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from scorewright.domain.decisions import Outcome

if TYPE_CHECKING:
    from pydantic.config import JsonDict

    from scorewright.domain.decisions import Contribution, Decision, ModelInfo

Finite = Annotated[float, Field(allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1)]

_EXAMPLE: JsonDict = {
    "application": 100001,
    "pd": 0.0312,
    "decision": "approve",
    "threshold": 0.0909,
    "scale": "log-odds",
    "model": {"portfolio": "home_credit", "version": "3", "bundle": "sha256:9f2c", "candidate": "lightgbm"},
    "contributions": [
        {
            "feature": "bureau_active_debt",
            "label": {"en": "Active debt", "fr": "Dette en cours"},
            "value": 120000.0,
            "contribution": 0.41,
        }
    ],
}

_MODEL_EXAMPLE: JsonDict = {
    "portfolio": "home_credit",
    "version": "3",
    "bundle": "sha256:9f2c",
    "candidate": "lightgbm",
    "scale": "log-odds",
    "threshold": 0.0909,
    "features": 412,
    "tables": ["application", "bureau"],
}


class LabelAnswer(BaseModel):
    """What a person reads in place of a technical name."""

    en: str
    fr: str


class ContributionAnswer(BaseModel):
    """How far one feature moved the score."""

    feature: str = Field(description="Technical name, unique in the model.")
    label: LabelAnswer
    value: float | str | None = Field(description="The feature's value; null when missing.")
    contribution: Finite = Field(description="On the scale of the answer; above 0 speaks for default.")


class ModelReference(BaseModel):
    """Which model answered."""

    portfolio: str
    version: str
    bundle: str = Field(description="Hash of the sealed bundle: the same hash is the same model.")
    candidate: str


class ModelAnswer(ModelReference):
    """Which model answers, and what it needs."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MODEL_EXAMPLE]})

    scale: str = Field(description="Scale of the contributions: log-odds or probability.")
    threshold: Finite = Field(description="Applications whose PD reaches it are refused.")
    features: int
    tables: tuple[str, ...]


class DecisionAnswer(BaseModel):
    """PD and decision for one application, with the contributions that weighed most."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    application: int | str = Field(description="Key of the application.")
    pd: Probability = Field(description="Calibrated probability of default.")
    decision: Outcome = Field(description="refuse when pd >= threshold, else approve.")
    threshold: Finite
    scale: str = Field(description="Scale of the contributions: log-odds or probability.")
    model: ModelReference
    contributions: tuple[ContributionAnswer, ...] = Field(description="Largest first, whichever their sign.")


class HealthAnswer(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ReadyAnswer(BaseModel):
    """A model is loaded."""

    status: Literal["ready"] = "ready"


def decision_answer(decision: Decision, top: int) -> DecisionAnswer:
    """Say a decision with its `top` largest contributions. Equal ones keep their order."""
    largest = sorted(decision.contributions, key=lambda one: -abs(one.contribution))[:top]
    return DecisionAnswer(
        application=decision.application,
        pd=decision.pd,
        decision=decision.outcome,
        threshold=decision.model.threshold,
        scale=decision.model.scale,
        model=_reference(decision.model),
        contributions=tuple(_contribution(one) for one in largest),
    )


def model_answer(model: ModelInfo) -> ModelAnswer:
    """Say which model answers."""
    return ModelAnswer(
        **_reference(model).model_dump(),
        scale=model.scale,
        threshold=model.threshold,
        features=model.features,
        tables=model.tables,
    )


def _reference(model: ModelInfo) -> ModelReference:
    return ModelReference(
        portfolio=model.portfolio, version=model.version, bundle=model.bundle, candidate=model.candidate
    )


def _contribution(one: Contribution) -> ContributionAnswer:
    label = LabelAnswer(en=one.label.en, fr=one.label.fr)
    return ContributionAnswer(feature=one.feature, label=label, value=one.value, contribution=one.contribution)
