"""What the service answers, as the OpenAPI document describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from scorewright.domain.decisions import NOTHING, Outcome, ReferralKind, RuleKind
from scorewright.serve import explained
from scorewright.serve.explained import Finite, LabelAnswer, Probability, label_answer

if TYPE_CHECKING:
    from pydantic.config import JsonDict

    from scorewright.domain.decisions import Decision, HardRule, Include, ModelInfo, PolicyInfo, Simulated

_REFERENCE: JsonDict = {
    "portfolio": "book",
    "version": "3",
    "bundle": "sha256:9f2c",
    "candidate": "lightgbm",
}
_RULE: JsonDict = {
    "name": "burden",
    "outcome": "refer",
    "label": {"en": "Annuity above a third of income", "fr": "Mensualité au-delà du tiers du revenu"},
}
_WARNING: JsonDict = {"code": "out-of-range", "table": "loans", "column": "debt"}
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
    "coverage": 0.93,
    "warnings": [],
    "scale": "log-odds",
    "policy": _POLICY,
    "model": _REFERENCE,
    **dict.fromkeys(explained.EXAMPLE),
}
_REFERRED: JsonDict = {**_EXAMPLE, "application": 100002, "decision": "refer", "rules": [_RULE], "warnings": [_WARNING]}
_REFUSED: JsonDict = {
    **_EXAMPLE,
    "application": 100003,
    "pd": 0.2,
    "interval": {"low": 0.18, "high": 0.22},
    "decision": "refuse",
    "opinion": "refuse",
}
_EXPLAINED: JsonDict = {**_REFUSED, **explained.EXAMPLE}
_UNEXPLAINED: dict[str, None] = dict.fromkeys(explained.EXAMPLE)
EXAMPLES: tuple[JsonDict, ...] = (_EXAMPLE, _REFERRED, _EXPLAINED)
_SIMULATED: JsonDict = {
    "simulated": True,
    "before": _REFUSED,
    "after": {
        **_REFUSED,
        "pd": 0.081,
        "interval": {"low": 0.074, "high": 0.089},
        "decision": "approve",
        "opinion": "approve",
    },
}

_MODEL_EXAMPLE: JsonDict = {
    **_REFERENCE,
    "scale": "log-odds",
    "threshold": 0.0909,
    "features": 412,
    "tables": ["application", "loans"],
    "policy": {**_POLICY, "rules": [_RULE]},
}


class IntervalAnswer(BaseModel):
    """The PDs that the applications of training leave open for this one."""

    low: Probability
    high: Probability


class RuleAnswer(BaseModel):
    """A rule of the lender, apart from the model."""

    name: str
    outcome: Literal["refer", "refuse"] = Field(description="What follows when an application breaks it.")
    label: LabelAnswer


class WarningAnswer(BaseModel):
    """What does not keep an application from being decided, but may make the model err."""

    code: Literal["out-of-range"] = Field(description="out-of-range: a number that training never saw the like of.")
    table: str
    column: str = Field(description="Which column; /v1/schema states its range.")


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
    """PD and decision for one application. Parts of the explanation that were not asked for are null."""

    model_config = ConfigDict(json_schema_extra={"examples": [*EXAMPLES]})

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
    coverage: Probability | None = Field(
        description="Share of the columns of the application's own row that the model reads which have a value."
    )
    warnings: tuple[WarningAnswer, ...] = Field(description="What is unusual about the rows that were sent.")
    scale: str = Field(description="Scale of the contributions: log-odds or probability.")
    policy: PolicyReference
    model: ModelReference
    base: Finite | None = Field(description="contributions: the average application's score, on the answer's scale.")
    score: Finite | None = Field(description="contributions: this one's, which is base plus what all features add.")
    contributions: tuple[explained.ContributionAnswer, ...] | None = Field(
        description="contributions: of single features, largest first, whichever their sign."
    )
    points: explained.PointsAnswer | None = Field(
        description="points: the score shared out among the features, as log-odds, PD and points."
    )
    reasons: tuple[explained.ReasonAnswer, ...] | None = Field(
        description="reasons: why the score is worse than the average, for the applicant, weightiest first."
    )
    withheld: tuple[explained.WithheldAnswer, ...] | None = Field(
        description="reasons: what else would have been one, were it not protected or listed as a proxy. For the "
        "lender's validation; never to be shown to the applicant."
    )
    recourse: explained.RecourseAnswer | None = Field(
        description="recourse: what the applicant could change for another decision."
    )
    standing: tuple[explained.PlaceAnswer, ...] | None = Field(
        description="standing: where the application stands in the reference population, by its PD, then by features."
    )


class SimulationAnswer(BaseModel):
    """What would be decided, before and after the changes. Not a decision: it is never recorded as one."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SIMULATED]})

    simulated: Literal[True] = True
    before: DecisionAnswer = Field(description="On the application as it was sent.")
    after: DecisionAnswer = Field(description="On the application with the changes.")


class HealthAnswer(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ReadyAnswer(BaseModel):
    """A model is loaded."""

    status: Literal["ready"] = "ready"


def decision_answer(decision: Decision, top: int, include: frozenset[Include] = NOTHING) -> DecisionAnswer:
    """Say a decision with the parts of its explanation that were asked for, naming `top` features at most."""
    asked = "contributions" in include
    return DecisionAnswer(
        application=decision.application,
        pd=decision.pd,
        interval=_interval(decision.interval),
        decision=decision.outcome,
        opinion=decision.opinion,
        rules=tuple(map(_rule, decision.rules)),
        threshold=decision.model.threshold,
        loan_threshold=decision.loan_threshold,
        coverage=decision.coverage,
        warnings=tuple(WarningAnswer(**each) for each in _warnings(decision)),
        scale=decision.model.scale,
        policy=_policy(decision.model.policy),
        model=_reference(decision.model),
        base=decision.base if asked else None,
        score=decision.score if asked else None,
        contributions=explained.contributions_answer(decision.contributions, top) if asked else None,
        points=explained.points_answer(decision, top),
        reasons=explained.reasons_answer(decision.reasons),
        withheld=explained.withheld_answer(decision.reasons),
        recourse=explained.recourse_answer(decision.recourse),
        standing=explained.standing_answer(decision.places),
    )


def plain_decision(decision: Decision) -> dict[str, Any]:
    """Say a decision without its explanation: what a `DecisionAnswer` holds, but for the parts that are asked for.

    For those who are in a hurry: checking and laying out the whole answer takes several times longer.
    """
    model, policy, interval = decision.model, decision.model.policy, decision.interval
    return {
        "application": decision.application,
        "pd": decision.pd,
        "interval": None if interval is None else {"low": interval[0], "high": interval[1]},
        "decision": decision.outcome,
        "opinion": decision.opinion,
        "rules": [_plain_rule(rule) for rule in decision.rules],
        "threshold": model.threshold,
        "loan_threshold": decision.loan_threshold,
        "coverage": decision.coverage,
        "warnings": _warnings(decision),
        "scale": model.scale,
        "policy": {"version": policy.version, "rule": policy.rule, "referral": policy.referral},
        "model": {
            "portfolio": model.portfolio,
            "version": model.version,
            "bundle": model.bundle,
            "candidate": model.candidate,
        },
    }


def decision_json(decision: Decision, top: int, include: frozenset[Include] = NOTHING) -> bytes:
    """Say a decision as the JSON of its `decision_answer`: the same bytes, sooner where nothing is explained."""
    if include:
        return decision_answer(decision, top, include).model_dump_json().encode()
    return to_json({**plain_decision(decision), **_UNEXPLAINED})


def simulation_answer(simulated: Simulated, top: int, include: frozenset[Include] = NOTHING) -> SimulationAnswer:
    """Say what would be decided, both times as a decision is said."""
    before, after = (decision_answer(one, top, include) for one in (simulated.before, simulated.after))
    return SimulationAnswer(before=before, after=after)


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


def _warnings(decision: Decision) -> list[dict[str, Any]]:
    places = (name.partition(".") for name in decision.outside)
    return [{"code": "out-of-range", "table": table, "column": column} for table, _, column in places]


def _plain_rule(rule: HardRule) -> dict[str, Any]:
    return {"name": rule.name, "outcome": rule.outcome, "label": {"en": rule.label.en, "fr": rule.label.fr}}


def _rule(rule: HardRule) -> RuleAnswer:
    return RuleAnswer(name=rule.name, outcome=rule.outcome, label=label_answer(rule.label))
