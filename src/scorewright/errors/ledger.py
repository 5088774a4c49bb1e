"""What is wrong with the ledger, or with what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping

from scorewright.errors.root import ScorewrightError


class LedgerError(ScorewrightError):
    """The ledger has no answer, or did not record what it was given."""


class LedgerUnavailableError(LedgerError):
    """The ledger cannot be read or written: nothing of what was to be appended is promised."""

    code = "ledger-unavailable"

    def __init__(self, value: str) -> None:
        super().__init__(
            "What is decided is recorded before it is answered, so the ledger must be writable.",
            value,
            "Check the database's server, space, locks and permissions; repeat the request with its idempotency key.",
        )


class LedgerBusyError(LedgerError):
    """More waits to be recorded than the ledger accepts at a time."""

    code = "ledger-busy"

    def __init__(self, waiting: int) -> None:
        super().__init__(
            f"No more than {waiting} {'entry waits' if waiting == 1 else 'entries wait'} to be recorded.",
            "one more",
            "Send it again in a moment.",
        )


class LedgerVersionError(LedgerError):
    """The ledger's tables have the layout of another version of Scorewright."""

    code = "ledger-version"


class LedgerTamperedError(LedgerError):
    """The ledger was changed by another hand, or is read with another secret than it was written with."""

    code = "ledger-tampered"

    def __init__(self, sequence: int, what: str) -> None:
        self.sequence = sequence
        super().__init__(
            "Every row of the ledger must be as it was appended, under the secret that the ledger is given.",
            f"at row {sequence}: {what}",
            "Check the secret; if it is right, keep the database as evidence and restore a backup that verifies.",
        )


class IdempotencyConflictError(LedgerError):
    """An idempotency key comes back with another request."""

    code = "ledger-idempotency-conflict"

    def __init__(self) -> None:
        super().__init__(
            "An idempotency key stands for one request of its caller.",
            "a key that another request has used",
            "Repeat the very same body, or send a new key.",
        )


class UnknownDecisionError(LedgerError):
    """No decision of that id is recorded."""

    code = "ledger-unknown-decision"

    def __init__(self, decision: str) -> None:
        super().__init__(
            "The decision must be recorded in the ledger.",
            f"none with the id {decision[:40]!r}",
            "Check the id; it was answered with the decision.",
        )


class ForgottenError(LedgerError):
    """The client of a decision was forgotten: what the decision was made from can no longer be read."""

    code = "ledger-forgotten"

    def __init__(self, decision: str) -> None:
        super().__init__(
            "The inputs of a decision can be read until its client is forgotten.",
            f"a forgotten client, in decision {decision[:40]!r}",
            "Nothing brings them back; the decision's PD, outcome and model stay readable.",
        )


class ReplayDifferenceError(LedgerError):
    """A past decision, computed again, is not what was recorded."""

    code = "ledger-replay-difference"

    def __init__(self, decision: str, differences: Mapping[str, tuple[str, str]]) -> None:
        self.differences = dict(differences)
        told = (f"{part}: recorded {before}, computed {after}" for part, (before, after) in differences.items())
        super().__init__(
            "A decision computed again by the bundle that made it is the same, to the last bit.",
            f"in decision {decision[:40]!r}, {'; '.join(told)}",
            "Compare the versions of the libraries with those in the bundle's manifest; keep both values as evidence.",
        )
