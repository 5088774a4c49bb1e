"""What the service answers, as the OpenAPI document describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from scorewright.domain.decisions import Outcome, ReferralKind, RuleKind

if TYPE_CHECKING:
    from pydantic.config import JsonDict

    from scorewright.domain.decisions import Contribution, Decision, HardRule, ModelInfo, PolicyInfo

Finite = Annotated[float, Field(allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1)]

_REFERENCE: JsonDict = {
    "portfolio": "home_credit",
    "version": "3",
    "bundle": "sha256:9f2c",
    "candidate": "lightgbm",
}
_RULE: JsonDict = {
    "name": "burden",
    "outcome": "refer",
    "label": {"en": "Annuity above a third of income", "fr": "Mensualité au-delà du tiers du revenu"},
}
_POLICY: JsonDict = {"version": "2026-01", "rule": "threshold", "referral": "interval"}

_EXAMPLE: JsonDict = {
    "application": 100001,
    "pd": 0.0312,
    "interval": {"low": 0.0281, "high": 0.0347},
    "decision": "approve",
    "opinion": "approve",
    "rules": [],
    "threshold": 0.0909,
    "loan_threshold": None,
    "scale": "log-odds",
    "policy": _POLICY,
    "model": _REFERENCE,
    "contributions": [
        {
            "feature": "bureau_active_debt",
            "label": {"en": "Active debt", "fr": "Dette en cours"},
            "value": 120000.0,
            "contribution": 0.41,
        }
    ],
}
_REFERRED: JsonDict = {**_EXAMPLE, "application": 100002, "decision": "refer", "rules": [_RULE]}

_MODEL_EXAMPLE: JsonDict = {
    **_REFERENCE,
    "scale": "log-odds",
    "threshold": 0.0909,
    "features": 412,
    "tables": ["application", "bureau"],
    "policy": {**_POLICY, "rules": [_RULE]},
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


class IntervalAnswer(BaseModel):
    """The PDs that the applications of training leave open for this one."""

    low: Probability
    high: Probability


class RuleAnswer(BaseModel):
    """A rule of the lender, apart from the model."""

    name: str
    outcome: Literal["refer", "refuse"] = Field(description="What follows when an application breaks it.")
    label: LabelAnswer


class PolicyReference(BaseModel):
    """Which policy decided."""

    version: str = Field(description="As the portfolio states it; 0 where it states no policy.")
    rule: RuleKind = Field(description="threshold: one for all; money: each loan's own, from its amounts.")
    referral: ReferralKind | None = Field(
        description="What sends an application to an officer, beside hard rules. capacity: a PD near the threshold, as "
        "many as officers can look at; interval: a PD whose interval lies on both sides of it; null: nothing."
    )


class PolicyAnswer(PolicyReference):
    """Which policy decides, with its hard rules."""

    rules: tuple[RuleAnswer, ...]


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
    threshold: Finite = Field(description="Applications whose PD reaches it are refused, by the PD alone.")
    features: int
    tables: tuple[str, ...]
    policy: PolicyAnswer


class DecisionAnswer(BaseModel):
    """PD and decision for one application, with the contributions that weighed most."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE, _REFERRED]})

    application: int | str = Field(description="Key of the application.")
    pd: Probability = Field(description="Calibrated probability of default.")
    interval: IntervalAnswer | None = Field(description="Around the PD; null where the model gives none.")
    decision: Outcome = Field(
        description="By the hard rules, then the referral, then the PD: refuse when pd >= threshold, else approve. "
        "refer: a person decides."
    )
    opinion: Outcome | None = Field(description="What the PD alone says: approve or refuse.")
    rules: tuple[RuleAnswer, ...] = Field(description="Hard rules that the application breaks.")
    threshold: Finite = Field(description="The policy's threshold for all.")
    loan_threshold: Finite | None = Field(
        description="Under the money rule, this loan's own, which counts instead; null where its amounts are not known."
    )
    scale: str = Field(description="Scale of the contributions: log-odds or probability.")
    policy: PolicyReference
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
        interval=_interval(decision.interval),
        decision=decision.outcome,
        opinion=decision.opinion,
        rules=tuple(map(_rule, decision.rules)),
        threshold=decision.model.threshold,
        loan_threshold=decision.loan_threshold,
        scale=decision.model.scale,
        policy=_policy(decision.model.policy),
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
        policy=PolicyAnswer(**_policy(model.policy).model_dump(), rules=tuple(map(_rule, model.policy.rules))),
    )


def _reference(model: ModelInfo) -> ModelReference:
    return ModelReference(
        portfolio=model.portfolio, version=model.version, bundle=model.bundle, candidate=model.candidate
    )


def _interval(interval: tuple[float, float] | None) -> IntervalAnswer | None:
    return None if interval is None else IntervalAnswer(low=interval[0], high=interval[1])


def _policy(policy: PolicyInfo) -> PolicyReference:
    return PolicyReference(version=policy.version, rule=policy.rule, referral=policy.referral)


def _rule(rule: HardRule) -> RuleAnswer:
    return RuleAnswer(name=rule.name, outcome=rule.outcome, label=LabelAnswer(en=rule.label.en, fr=rule.label.fr))


def _contribution(one: Contribution) -> ContributionAnswer:
    label = LabelAnswer(en=one.label.en, fr=one.label.fr)
    return ContributionAnswer(feature=one.feature, label=label, value=one.value, contribution=one.contribution)
