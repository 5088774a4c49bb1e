"""What is told to the service of recorded decisions, and what it answers of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import from_json

from scorewright.domain.decisions import Outcome
from scorewright.domain.ledger import DecisionEntry, OutcomeEntry, OverrideEntry, Page, Recorded
from scorewright.flows.records import Matured, Trail, decision_entry
from scorewright.serve.answers import EXAMPLES, IntervalAnswer
from scorewright.serve.explained import Probability
from scorewright.serve.recorded import ID, TIME

if TYPE_CHECKING:
    from pydantic.config import JsonDict

    from scorewright.domain.replays import Replayed

_OVERRIDE_ID = "01a1b6c5-2d10-7b44-8e0f-5a1c9d7e3b02"
_CALLER = "api-key:branches"
OVERRIDE_EXAMPLE: JsonDict = {"outcome": "refuse", "officer": "A. Martin", "reason": "The payslips were made up."}
OUTCOME_EXAMPLE: JsonDict = {"defaulted": False, "observed": "2026-09-30"}
_OVERRIDE: JsonDict = {
    "id": _OVERRIDE_ID,
    "time": "2026-03-02T10:05:00.5Z",
    "decision": ID,
    "caller": "api-key:desk",
    **OVERRIDE_EXAMPLE,
}
_OUTCOME: JsonDict = {
    "id": "01d0c2aa-91f0-7d21-9b6e-2f1d3c4b5a09",
    "time": "2026-10-01T02:00:00Z",
    "decision": ID,
    "caller": _CALLER,
    **OUTCOME_EXAMPLE,
}
_MODEL: JsonDict = {"portfolio": "book", "version": "3", "bundle": "sha256:9f2c"}
_SUMMARY: JsonDict = {
    "id": ID,
    "time": TIME,
    "caller": _CALLER,
    "model": _MODEL,
    "policy": "2026-01",
    "pd": 0.0312,
    "interval": {"low": 0.0281, "high": 0.0347},
    "outcome": "approve",
    "reasons": [],
    "rules": [],
}
_DECISION: JsonDict = {
    **_SUMMARY,
    "kind": "decision",
    "shadow_of": None,
    "client": "100001",
    "forgotten": False,
    "features": "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069",
    "answer": EXAMPLES[0],
    "inputs": None,
    "standing_outcome": "refuse",
    "overrides": [_OVERRIDE],
    "outcomes": [_OUTCOME],
    "shadows": [{**_SUMMARY, "id": "01a1b6c0-8000-7c3a-9d52-0f8b7a4c2e12"}],
}


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable")
    return text


class OverrideBody(BaseModel):
    """What an officer decides in place of the model."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    outcome: Outcome = Field(description="What holds from now on.")
    officer: Annotated[str, AfterValidator(_printable)] = Field(
        min_length=1, max_length=200, pattern=r"\S", description="Who answers for it. Printable characters."
    )
    reason: str = Field(
        min_length=1, max_length=4000, pattern=r"\S", description="The officer's words. Kept sealed, as inputs are."
    )

    def entry(self, decision: str, caller: str, idempotency: str | None) -> OverrideEntry:
        """Say it as the ledger records it."""
        return OverrideEntry(decision, caller, self.officer, self.outcome, self.reason, idempotency)


class OutcomeBody(BaseModel):
    """How the loan of a decision turned out."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    defaulted: bool = Field(description="Whether the loan defaulted: the target, matured.")
    observed: date | None = Field(None, description="Day from which this is known. Not in the future.")

    def matured(self, decision: str) -> Matured:
        """Say of which decision."""
        return Matured(decision, self.defaulted, self.observed)


class OutcomeLine(OutcomeBody):
    """One line of an import."""

    decision: str = Field(min_length=1, max_length=100, description="Id of the decision.")


class ModelMade(BaseModel):
    """Which model decided."""

    portfolio: str
    version: str
    bundle: str = Field(description="Hash of the sealed bundle: the same hash is the same model.")


class OverrideAnswer(BaseModel):
    """What an officer decided in place of the model."""

    model_config = ConfigDict(json_schema_extra={"examples": [_OVERRIDE]})

    id: str = Field(description="Id of the entry in the ledger.")
    time: datetime = Field(description="When it was recorded, in UTC.")
    decision: str = Field(description="Id of the decision overridden.")
    caller: str = Field(description="Whose key or token sent it.")
    outcome: Outcome
    officer: str = Field(description="Who answers for it.")
    reason: str | None = Field(description="The officer's words; null once the client was forgotten.")


class OutcomeAnswer(BaseModel):
    """How the loan turned out."""

    model_config = ConfigDict(json_schema_extra={"examples": [_OUTCOME]})

    id: str = Field(description="Id of the entry in the ledger.")
    time: datetime = Field(description="When it was recorded, in UTC.")
    decision: str = Field(description="Id of the decision.")
    caller: str = Field(description="Whose key or token told it.")
    defaulted: bool
    observed: date | None = Field(description="Day from which this is known.")


class SummaryAnswer(BaseModel):
    """A decision in short, as the ledger holds it."""

    id: str
    time: datetime = Field(description="When it was recorded, in UTC.")
    caller: str = Field(description="Whose key or token asked for it.")
    model: ModelMade
    policy: str = Field(description="Version of the policy.")
    pd: Probability = Field(description="Calibrated probability of default.")
    interval: IntervalAnswer | None = Field(description="Around the PD; null where the model gives none.")
    outcome: Outcome = Field(description="What was decided.")
    reasons: tuple[str, ...] = Field(description="Families of the reasons given, the weightiest first.")
    rules: tuple[str, ...] = Field(description="Names of the hard rules broken.")


class TrailAnswer(SummaryAnswer):
    """A recorded decision, and what followed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DECISION]})

    kind: Literal["decision", "shadow"] = Field(
        description="shadow: what a challenger would have decided; it was recorded beside and never answered."
    )
    shadow_of: str | None = Field(description="Of a shadow, the decision beside which it was scored.")
    client: str | None = Field(description="Key of the client's application; null once forgotten.")
    forgotten: bool = Field(
        description="Whether the client was forgotten: client, features, answer, inputs and reasons of overrides can "
        "then be read by nobody, and are null."
    )
    features: str | None = Field(description="SHA-256 of the features that the model saw.")
    answer: dict[str, Any] | None = Field(description="What was answered, as it was recorded; null for a shadow.")
    inputs: dict[str, Any] | None = Field(description="The application as it was decided on, if it is asked for.")
    standing_outcome: Outcome = Field(description="What holds now: what the last override says, else the decision.")
    overrides: tuple[OverrideAnswer, ...] = Field(description="The oldest first.")
    outcomes: tuple[OutcomeAnswer, ...] = Field(description="How the loan turned out, the oldest first.")
    shadows: tuple[SummaryAnswer, ...] = Field(description="What challengers would have decided.")


class PageAnswer(BaseModel):
    """Some of a client's decisions, the newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"decisions": [_SUMMARY], "next": 1204}]})

    decisions: tuple[SummaryAnswer, ...]
    next: int | None = Field(description="Give it as `before` for those that come after; null at the end.")


class ReplayAnswer(BaseModel):
    """A past decision that was computed again, and came out the same to the last bit."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": ID, "identical": True, "model": _MODEL, "compared": ["pd", "interval", "outcome"]}]
        }
    )

    id: str
    identical: Literal[True] = True
    model: ModelMade = Field(description="The model that made it, then and now.")
    compared: tuple[str, ...] = Field(description="What was compared.")


class ImportedAnswer(BaseModel):
    """One outcome of an import, as it was recorded."""

    id: str = Field(description="Id of the entry in the ledger.")
    decision: str
    repeated: bool = Field(description="Whether the same caller told it before: there is one entry for both.")


def trail_answer(trail: Trail, *, with_inputs: bool) -> TrailAnswer:
    """Say a decision, and what followed."""
    decision, entry = trail.decision, trail.entry
    return TrailAnswer(
        **_summary(decision, entry),
        kind="decision" if entry.shadow_of is None else "shadow",
        shadow_of=entry.shadow_of,
        client=None if decision.forgotten else entry.client,
        forgotten=decision.forgotten,
        features=entry.features or None,
        answer=from_json(entry.answer) if entry.answer else None,
        inputs=from_json(entry.inputs) if with_inputs and entry.inputs else None,
        standing_outcome=trail.standing,
        overrides=tuple(override_answer(one, each) for one, each in trail.of(OverrideEntry)),
        outcomes=tuple(outcome_answer(one, each) for one, each in trail.of(OutcomeEntry)),
        shadows=tuple(SummaryAnswer(**_summary(one, each)) for one, each in trail.of(DecisionEntry)),
    )


def page_answer(page: Page) -> PageAnswer:
    """Say a page of decisions."""
    decisions = tuple(SummaryAnswer(**_summary(one, decision_entry(one))) for one in page.records)
    return PageAnswer(decisions=decisions, next=page.before)


def override_answer(recorded: Recorded, entry: OverrideEntry) -> OverrideAnswer:
    """Say a recorded override."""
    return OverrideAnswer(
        id=recorded.id,
        time=recorded.time,
        decision=entry.decision,
        caller=entry.caller,
        outcome=entry.outcome,
        officer=entry.officer,
        reason=entry.reason or None,
    )


def outcome_answer(recorded: Recorded, entry: OutcomeEntry) -> OutcomeAnswer:
    """Say a recorded outcome."""
    return OutcomeAnswer(
        id=recorded.id,
        time=recorded.time,
        decision=entry.decision,
        caller=entry.caller,
        defaulted=entry.defaulted,
        observed=entry.observed,
    )


def replay_answer(replayed: Replayed) -> ReplayAnswer:
    """Say what was compared."""
    model = ModelMade(portfolio=replayed.portfolio, version=replayed.version, bundle=replayed.bundle)
    return ReplayAnswer(id=replayed.id, model=model, compared=replayed.compared)


def _summary(recorded: Recorded, entry: DecisionEntry) -> Mapping[str, Any]:
    low_high = None if entry.interval is None else IntervalAnswer(low=entry.interval[0], high=entry.interval[1])
    return {
        "id": recorded.id,
        "time": recorded.time,
        "caller": entry.caller,
        "model": ModelMade(portfolio=entry.portfolio, version=entry.model, bundle=entry.bundle),
        "policy": entry.policy,
        "pd": entry.pd,
        "interval": low_high,
        "outcome": entry.outcome,
        "reasons": entry.reasons,
        "rules": entry.rules,
    }
