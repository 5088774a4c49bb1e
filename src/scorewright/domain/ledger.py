"""What is recorded of decisions, and what a ledger promises, whatever keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol, TypeAlias, get_args

from scorewright.domain.decisions import Outcome

Kind = Literal["decision", "shadow", "override", "outcome", "access", "forget"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class DecisionEntry:
    """One decision as it was answered, or as a model in shadow would have answered it.

    Client, inputs, answer and features are sealed under the client's own key: once the client is forgotten they read as
    empty. What is left is not personal by itself.

    Parameters
    ----------
    client : str
        Key of the applicant or application that it is about.
    caller : str
        Name of who asked: printable, 200 characters at most.
    inputs : bytes
        The body as it came.
    pd : float
        Calibrated probability of default.
    outcome : {"approve", "refer", "refuse"}
        What was decided.
    portfolio, model, bundle, policy : str
        Name of the portfolio, version of the model, SHA-256 of the bundle, and version and SHA-256 of the policy.
    interval : tuple of float, or None
        Low and high end of the PD's interval.
    reasons : tuple of str
        Families of the reasons given, the weightiest first.
    rules : tuple of str
        Names of the hard rules broken.
    features : str
        Digest of the features that the model saw, in hexadecimal.
    answer : bytes
        The answer, kept so that a repeated request can be given the same one.
    idempotency : str or None
        The caller's name for this request: a repeated one is recorded once.
    shadow_of : str or None
        Id of the decision beside which a challenger was scored; the kind is then "shadow".
    """

    client: str = field(repr=False)
    caller: str
    inputs: bytes = field(repr=False)
    pd: float
    outcome: Outcome
    portfolio: str
    model: str
    bundle: str
    policy: str
    interval: tuple[float, float] | None = None
    reasons: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    features: str = field(default="", repr=False)
    answer: bytes = field(default=b"", repr=False)
    idempotency: str | None = field(default=None, repr=False)
    shadow_of: str | None = None


@dataclass(frozen=True)
class OverrideEntry:
    """What an officer decided in place of the model.

    Parameters
    ----------
    decision : str
        Id of the decision overridden.
    caller, officer : str
        Name of who asked, and of the officer who answers for it.
    outcome : {"approve", "refer", "refuse"}
        What holds from now on.
    reason : str
        The officer's words, sealed under the client's key.
    idempotency : str or None
        The caller's name for this request.
    """

    decision: str
    caller: str
    officer: str
    outcome: Outcome
    reason: str = field(repr=False)
    idempotency: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class OutcomeEntry:
    """How a decided loan turned out.

    Parameters
    ----------
    decision : str
        Id of the decision.
    caller : str
        Name of who told it.
    defaulted : bool
        Whether the loan defaulted: the target, matured.
    observed : date or None
        Day from which this is known.
    idempotency : str or None
        The caller's name for this request.
    """

    decision: str
    caller: str
    defaulted: bool
    observed: date | None = None
    idempotency: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class AccessEntry:
    """Who asked for what, and whether it was allowed.

    Parameters
    ----------
    caller : str
        Name of who asked.
    action : str
        What was asked for, in words that name no person, such as ``GET /v1/clients/{id}``.
    allowed : bool
        Whether it was answered.
    request : str
        Id of the request, as the log has it.
    client : str or None
        Whose data it was about; sealed under the client's key.
    """

    caller: str
    action: str
    allowed: bool
    request: str = ""
    client: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ForgetEntry:
    """That a client was forgotten, and at whose wish. Written by `Ledger.forget` alone.

    Parameters
    ----------
    caller : str
        Name of who asked for it.
    """

    caller: str


Entry: TypeAlias = DecisionEntry | OverrideEntry | OutcomeEntry | AccessEntry
AnyEntry: TypeAlias = Entry | ForgetEntry


@dataclass(frozen=True)
class Recorded:
    """An entry with its place in the ledger.

    Parameters
    ----------
    sequence : int
        Its row, from 1 without a gap.
    id : str
        A UUID of version 7: later entries of one process sort later.
    time : datetime
        When it was recorded, in UTC to the microsecond.
    entry : DecisionEntry, OverrideEntry, OutcomeEntry, AccessEntry or ForgetEntry
        What was recorded. Idempotency keys are not given back.
    forgotten : bool
        Whether its client was forgotten, so that what was sealed reads as empty.
    repeated : bool
        Whether an append found it recorded already.
    """

    sequence: int
    id: str
    time: datetime
    entry: AnyEntry
    forgotten: bool = field(default=False, compare=False)
    repeated: bool = field(default=False, compare=False)

    @property
    def kind(self) -> Kind:
        """Name of the kind of entry."""
        return kind_of(self.entry)


@dataclass(frozen=True)
class Page:
    """Some entries, the newest first, and where the next page starts: give `before` to ask for it; None at the end."""

    records: tuple[Recorded, ...]
    before: int | None


@dataclass(frozen=True)
class Anchor:
    """What the chain was at one row: kept elsewhere, it betrays a ledger cut short or set back.

    Parameters
    ----------
    ledger : str
        Id of the ledger.
    sequence : int
        The row.
    mac : str
        That row's MAC, in hexadecimal.
    time : datetime
        When that row was recorded, in UTC.
    key : str
        Id of the secret it is sealed with.
    seal : str
        MAC of the anchor itself, in hexadecimal.
    """

    ledger: str
    sequence: int
    mac: str
    time: datetime
    key: str
    seal: str


@dataclass(frozen=True)
class Break:
    """The first row that is not as it was appended, and what is wrong with it. Row 0 is the ledger's beginning."""

    sequence: int
    what: str


@dataclass(frozen=True)
class Verification:
    """What verifying a ledger found.

    Parameters
    ----------
    rows : int
        Rows that are as they were appended, from the first one on.
    anchors : int
        Exported anchors compared.
    broken : Break or None
        The first break; None when the ledger is whole.
    """

    rows: int
    anchors: int
    broken: Break | None


class Ledger(Protocol):
    """Keeps entries for ever, in one chain, in the order of their recording.

    Any method raises ``LedgerUnavailableError`` when the database does not answer, and any that reads raises
    ``LedgerTamperedError`` when a row it reads is not as it was appended.
    """

    def submit(self, entry: Entry) -> Future[Recorded]:
        """Hand an entry over; the future ends once it is on disk, or with the error that kept it from there.

        Of several entries that wait together all are written in one transaction. Raises ``LedgerBusyError`` when too
        many wait and ``ValueError`` when the entry can never be recorded. The future raises
        ``IdempotencyConflictError``, ``UnknownDecisionError`` or ``ForgottenError`` for this entry alone, and
        ``LedgerUnavailableError`` for all that wait.
        """
        ...

    def append(self, entry: Entry) -> Recorded:
        """Record an entry: `submit`, and wait."""
        ...

    def recall(self, entry: DecisionEntry | OverrideEntry | OutcomeEntry) -> Recorded | None:
        """Return what was recorded under the entry's caller and idempotency key, or None.

        Only what the caller sent counts (of a decision its `inputs`), so that a request can be recalled before it is
        computed. Raises ``IdempotencyConflictError`` if the key stands for another request, and ``ForgottenError``.
        """
        ...

    def get(self, decision: str) -> Recorded:
        """Return a decision, or a shadow of one, by its id. Raises ``UnknownDecisionError``."""
        ...

    def of_client(self, client: str, limit: int = 50, before: int | None = None) -> Page:
        """Return a client's decisions, the newest first; none when the client is unknown or forgotten."""
        ...

    def of_decision(self, decision: str) -> tuple[Recorded, ...]:
        """Return what was recorded about a decision: shadows, overrides and outcomes, the oldest first."""
        ...

    def iterate(self, wanted: Wanted) -> Iterator[Recorded]:
        """Yield the entries wanted, the oldest first, in bounded memory; closed early, it leaves nothing open."""
        ...

    def counts(self) -> Mapping[Kind, int]:
        """Return how many entries of each kind there are."""
        ...

    def forget(self, client: str, caller: str) -> int:
        """Destroy a client's key, so that what was sealed under it cannot be read, and record that it was done.

        Returns the number of entries concerned, 0 for a client without any.
        """
        ...

    def anchors(self) -> tuple[Anchor, ...]:
        """Return an anchor of every so many rows, and of the last one."""
        ...

    def verify(self, anchors: Sequence[Anchor] = ()) -> Verification:
        """Read the whole chain, in bounded memory, and compare it with its head and with exported anchors."""
        ...

    def check(self) -> None:
        """Do nothing if the ledger can be read. Raises ``LedgerUnavailableError``."""
        ...

    def close(self) -> None:
        """Write what waits, then let go of the database. Later appends raise ``LedgerUnavailableError``."""
        ...


@dataclass(frozen=True)
class Wanted:
    """Which entries to read.

    Parameters
    ----------
    kind : str
        Their kind.
    portfolio, model, bundle : str or None
        Name of the portfolio, version of the model and SHA-256 of the bundle; None takes any.
    since : datetime or None
        Recorded then or later.
    after : int
        Only rows after this one.
    limit : int or None
        No more than so many.
    """

    kind: Kind = "decision"
    portfolio: str | None = None
    model: str | None = None
    bundle: str | None = None
    since: datetime | None = None
    after: int = 0
    limit: int | None = None


def kind_of(entry: AnyEntry) -> Kind:
    """Name the kind of an entry."""
    if isinstance(entry, DecisionEntry):
        return "decision" if entry.shadow_of is None else "shadow"
    return _KIND_OF[type(entry)]


_KIND_OF: Mapping[type[AnyEntry], Kind] = {
    OverrideEntry: "override",
    OutcomeEntry: "outcome",
    AccessEntry: "access",
    ForgetEntry: "forget",
}
