"""What is answered of recorded decisions: the decision as it was recorded, under its id and time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import ConfigDict, Field

from scorewright.serve.answers import EXAMPLES, DecisionAnswer, decision_json

if TYPE_CHECKING:
    from scorewright.domain.decisions import Decision, Include
    from scorewright.domain.service import Answered

ID = "01a1b6c0-7f1e-7c3a-9d52-0f8b7a4c2e11"
TIME = "2026-03-02T09:30:00.125000Z"


class RecordedDecision(DecisionAnswer):
    """A decision as it stands in the ledger."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": ID, "time": TIME, **example} for example in EXAMPLES]}
    )

    id: str = Field(description="Id in the ledger: reads, overrides and replays name it.")
    time: datetime = Field(description="When it was recorded, in UTC.")


def write_decision(decision: Decision, top: int, include: frozenset[Include]) -> bytes:
    """Say a decision as it is recorded: the JSON of a `DecisionAnswer`."""
    return decision_json(decision, top, include)


def recorded_body(answered: Answered) -> bytes:
    """Say a recorded decision: what was recorded, with id and time before it.

    Examples
    --------
    >>> from datetime import UTC
    >>> from scorewright.domain.service import Answered
    >>> recorded_body(Answered("0a", datetime(2026, 3, 2, tzinfo=UTC), b'{"pd":0.5}', "approve"))
    b'{"id":"0a","time":"2026-03-02T00:00:00Z","pd":0.5}'
    """
    time = answered.time.astimezone(UTC).isoformat().removesuffix("+00:00")
    return f'{{"id":"{answered.id}","time":"{time}Z",'.encode() + answered.told[1:]
