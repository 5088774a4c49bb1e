"""What became of recorded decisions: read it back, and record how loans turned out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TypeVar

from scorewright.domain.decisions import Outcome
from scorewright.domain.ledger import DecisionEntry, Entry, Ledger, OutcomeEntry, OverrideEntry, Recorded
from scorewright.errors import LedgerError, ScorewrightError, TargetError, UnknownDecisionError

E = TypeVar("E", bound=Entry)

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Where a day begins first.
_EARLIEST = timezone(timedelta(hours=14))

Sees = Callable[[str], bool]
"""Tells whether a client's records are the caller's to see."""


@dataclass(frozen=True)
class Trail:
    """A decision, or a shadow of one, and what was recorded about it since, the oldest first."""

    decision: Recorded
    followed: tuple[Recorded, ...] = ()

    @property
    def entry(self) -> DecisionEntry:
        """What was decided."""
        return decision_entry(self.decision)

    @property
    def standing(self) -> Outcome:
        """What holds now: the last override's outcome, or else the one that was decided."""
        return next((entry.outcome for _, entry in reversed(list(self.of(OverrideEntry)))), self.entry.outcome)

    def of(self, kind: type[E]) -> Iterator[tuple[Recorded, E]]:
        """Give the entries of one kind among what followed."""
        return ((one, one.entry) for one in self.followed if isinstance(one.entry, kind))


@dataclass(frozen=True)
class Matured:
    """How the loan of a decision turned out.

    Parameters
    ----------
    decision : str
        Id of the decision.
    defaulted : bool
        Whether the loan defaulted.
    observed : date or None
        Day from which this is known.
    """

    decision: str
    defaulted: bool
    observed: date | None = None

    @property
    def name(self) -> str:
        """Idempotency key of what is told here: the same told again is recorded once. No header can hold it.

        Examples
        --------
        >>> Matured("0a", True).name == Matured("0a", False).name
        False
        """
        told = f"{self.decision}|{self.defaulted}|{self.observed}"
        return f"\0outcome {hashlib.sha256(told.encode()).hexdigest()}"

    def entry(self, caller: str, idempotency: str | None) -> OutcomeEntry:
        """Say it as the ledger records it."""
        return OutcomeEntry(self.decision, caller, self.defaulted, self.observed, idempotency)


def decision_entry(recorded: Recorded) -> DecisionEntry:
    """Return what was decided. Raises ``TypeError`` if this is no decision."""
    if isinstance(recorded.entry, DecisionEntry):
        return recorded.entry
    raise TypeError(f"a decision, not {recorded.kind}")


def find_decision(ledger: Ledger, decision: str) -> Recorded:
    """Read a decision, or a shadow of one.

    Raises
    ------
    UnknownDecisionError
        There is none of that id, or it is no id at all: databases refuse some texts, and are not asked about them.
    """
    if not _ID.fullmatch(decision):
        raise UnknownDecisionError(decision)
    return ledger.get(decision)


def read_trail(ledger: Ledger, decision: str) -> Trail:
    """Read a decision, or a shadow of one, and what followed. Raises ``UnknownDecisionError``."""
    found = find_decision(ledger, decision)
    return Trail(found, ledger.of_decision(found.id))


def check_observed(observed: date | None, now: datetime) -> None:
    """Refuse a day that has begun nowhere on Earth.

    Raises
    ------
    TargetError
        It is such a day.

    """
    if observed is not None and observed > now.astimezone(_EARLIEST).date():
        raise TargetError(
            "An outcome is told once it was observed.", "a day in the future", "Correct `observed`, or leave it out."
        )


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def record_outcomes(
    ledger: Ledger, told: Sequence[Matured], caller: str, sees: Sees | None = None
) -> list[Recorded | ScorewrightError]:
    """Record how loans turned out, together: what one transaction holds is waited for once.

    What the caller told before, word for word, is found again, and makes no second entry: a file that was read in part
    can be given whole once more.

    Parameters
    ----------
    ledger : Ledger
        What records.
    told : sequence of Matured, n
        How they turned out.
    caller : str
        Who tells it.
    sees : callable, optional
        Whose decisions are theirs to see, which costs a look at each; without it all are. Others are unknown to them.

    Returns
    -------
    list of n records or errors
        In the same order. The error of one keeps no other from being recorded.
    """
    handed = [_handed(ledger, one, caller, sees) for one in told]
    return [one if isinstance(one, ScorewrightError) else _ended(one) for one in handed]


def _handed(ledger: Ledger, told: Matured, caller: str, sees: Sees | None) -> Future[Recorded] | ScorewrightError:
    try:
        check_observed(told.observed, utc_now())
        if not _ID.fullmatch(told.decision) or not (sees is None or _is_theirs(ledger, told.decision, sees)):
            return UnknownDecisionError(told.decision)
        return ledger.submit(told.entry(caller, told.name))
    except ScorewrightError as error:
        return error


def _is_theirs(ledger: Ledger, decision: str, sees: Sees) -> bool:
    found = ledger.get(decision)
    return not found.forgotten and sees(decision_entry(found).client)


def _ended(recording: Future[Recorded]) -> Recorded | ScorewrightError:
    try:
        return recording.result()
    except LedgerError as error:
        return error
