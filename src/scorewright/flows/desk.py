"""Decide and record: no decision leaves before it stands in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from scorewright.domain.decisions import Decision, Include, ModelInfo
from scorewright.domain.ledger import DecisionEntry, Ledger, Recorded
from scorewright.domain.service import Answered, Asked, Judged, JudgingService, Pending, Wish
from scorewright.errors import LedgerBusyError, LedgerUnavailableError, ScorewrightError
from scorewright.flows.records import decision_entry

Write = Callable[[Decision, frozenset[Include]], bytes]
"""Says a decision as the JSON object that is recorded and answered."""

Offer = Callable[[Asked, Answered], None]
"""Takes a decision that was recorded, for whoever scores it beside. Quick, and never raises."""


def nothing_beside(asked: Asked, answered: Answered) -> None:
    """Score nothing beside."""


@dataclass(frozen=True)
class Desk:
    """Decides several applications together and records each.

    Parameters
    ----------
    service : JudgingService
        What decides.
    ledger : Ledger
        What records.
    offer : callable
        Told of each new decision once it is recorded.
    """

    service: JudgingService
    ledger: Ledger
    offer: Offer = nothing_beside

    def decide_each(self, asked: Sequence[Asked], write: Write) -> list[Pending | Exception]:
        """Decide and hand over to the ledger; each answer is there when its future is.

        Parameters
        ----------
        asked : sequence of Asked, n
            What is asked.
        write : callable
            Says a decision.

        Returns
        -------
        list of n futures or errors
            In the same order. A future raises what kept the decision from being recorded. Whatever one request makes
            fail, it fails alone.
        """
        found = self._known_each(asked)
        new = [place for place, known in enumerate(found) if known is None]
        judged = self._judge_each([asked[place].wish for place in new]) if new else ()
        for place, one in zip(new, judged, strict=True):
            found[place] = self._record(asked[place], one, write) if isinstance(one, Judged) else one
        return [one for one in found if one is not None]

    def _known_each(self, asked: Sequence[Asked]) -> list[Pending | Exception | None]:
        found: list[Pending | Exception | None] = []
        silent: Exception | None = None
        for each in asked:
            # A ledger that does not answer is asked once: each question may last as long as its patience.
            known = None if each.idempotency is None else silent or self._known(each)
            silent = known if isinstance(known, LedgerBusyError | LedgerUnavailableError) else silent
            found.append(known)
        return found

    def _known(self, asked: Asked) -> Pending | Exception | None:
        """Find what was recorded for the same idempotency key, before anything is computed again."""
        try:
            known = self.ledger.recall(_sketch(asked, self.service.model()))
        except Exception as error:  # noqa: BLE001 - one request must not fail those beside it
            return error
        if known is None:
            return None
        pending: Pending = Future()
        pending.set_result(answered(known))
        return pending

    def _judge_each(self, wishes: Sequence[Wish]) -> Sequence[Judged | Exception]:
        """Decide together; one by one where an application makes the model fail, so that it fails alone."""
        try:
            return self.service.decide_each(wishes)
        except ScorewrightError:
            raise
        except Exception as error:  # noqa: BLE001 - one request must not fail those beside it
            return [error] if len(wishes) == 1 else [one for wish in wishes for one in self._judge_each([wish])]

    def _record(self, asked: Asked, judged: Judged, write: Write) -> Pending | Exception:
        try:
            recording = self.ledger.submit(entry_of(asked, judged, write(judged.decision, asked.wish.include)))
        except Exception as error:  # noqa: BLE001 - one request must not fail those beside it
            return error
        pending: Pending = Future()
        # Whoever stops waiting cannot cancel it: it is being recorded.
        pending.set_running_or_notify_cancel()
        # An application that nobody scores beside is let go here, not by the thread that writes for all.
        kept = None if self.offer is nothing_beside else asked
        recording.add_done_callback(lambda done: self._settle(pending, done, kept))
        return pending

    def _settle(self, pending: Pending, recording: Future[Recorded], asked: Asked | None) -> None:
        error = recording.exception()
        if error is not None:
            pending.set_exception(error)
            return
        recorded = answered(recording.result())
        pending.set_result(recorded)
        if asked is not None and not recorded.repeated:
            self.offer(asked, recorded)


def answered(recorded: Recorded) -> Answered:
    """Give a recorded decision as it is answered."""
    entry = decision_entry(recorded)
    return Answered(recorded.id, recorded.time, entry.answer, entry.outcome, recorded.repeated)


def entry_of(asked: Asked, judged: Judged, told: bytes = b"", shadow_of: str | None = None) -> DecisionEntry:
    """Make the entry that records a decision; a shadow's keeps no idempotency key."""
    decision, model = judged.decision, judged.decision.model
    return DecisionEntry(
        client=str(decision.application),
        caller=asked.caller,
        inputs=asked.sent,
        pd=decision.pd,
        outcome=decision.outcome,
        portfolio=model.portfolio,
        model=model.version,
        bundle=model.bundle,
        policy=policy_of(model),
        interval=decision.interval,
        reasons=tuple(reason.family for reason in decision.reasons.given) if decision.reasons else (),
        rules=tuple(rule.name for rule in decision.rules),
        features=judged.features,
        answer=told,
        idempotency=None if shadow_of else asked.idempotency,
        shadow_of=shadow_of,
    )


def policy_of(model: ModelInfo) -> str:
    """Name the policy as it is recorded: its version, and the hash of what it says.

    Examples
    --------
    >>> from scorewright.domain.decisions import PolicyInfo
    >>> policy = PolicyInfo("2026-01", digest="ab12")
    >>> policy_of(ModelInfo("book", "7", "9f2c", "lightgbm", "log-odds", 0.1, 3, (), policy))
    '2026-01 sha256:ab12'
    """
    policy = model.policy
    return f"{policy.version} sha256:{policy.digest}" if policy.digest else policy.version


def _sketch(asked: Asked, model: ModelInfo) -> DecisionEntry:
    """Make an entry that can be recalled: only what the caller sent is looked at."""
    return DecisionEntry(
        client="-",
        caller=asked.caller,
        inputs=asked.sent,
        pd=0.0,
        outcome="refer",
        portfolio=model.portfolio,
        model=model.version,
        bundle=model.bundle,
        policy=policy_of(model),
        idempotency=asked.idempotency,
    )
