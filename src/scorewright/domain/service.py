"""What the service's door asks for, and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from scorewright.domain.decisions import NOTHING, Decision, DecisionService, Include, Outcome
from scorewright.domain.replays import Replayed


@dataclass(frozen=True)
class Judged:
    """A decision, and the digest of the features that it comes from (see `scorewright.bundle.digest`)."""

    decision: Decision
    features: str = field(default="", repr=False)


@dataclass(frozen=True)
class Wish:
    """One application to be decided, as raw rows by table, and the parts of its explanation that are asked for."""

    application: Mapping[str, Any] = field(repr=False)
    include: frozenset[Include] = NOTHING


class JudgingService(DecisionService, Protocol):
    """A decision service that decides several applications together."""

    def decide_each(self, wishes: Sequence[Wish]) -> Sequence[Judged | Exception]:
        """Decide applications of several callers, each as it would be alone; one that is refused fails by itself.

        Returns
        -------
        sequence, one per wish
            What was decided, or the ``ScorewrightError`` that says why it was refused.
        """
        ...

    def schema(self) -> Mapping[str, Any]:
        """Give the JSON schema of the applications that the model accepts."""
        ...


@dataclass(frozen=True)
class Asked:
    """A request for one recorded decision.

    Parameters
    ----------
    wish : Wish
        What is to be decided.
    caller : str
        Who asks: `scorewright.domain.access.Caller.reference`.
    sent : bytes
        The rows as they are recorded: JSON.
    idempotency : str or None
        The caller's name for this request: a repeated one is answered with what was recorded.
    """

    wish: Wish = field(repr=False)
    caller: str
    sent: bytes = field(repr=False)
    idempotency: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answered:
    """A recorded decision.

    Parameters
    ----------
    id : str
        Id of the decision in the ledger.
    time : datetime
        When it was recorded, in UTC.
    told : bytes
        The answer, a JSON object, as it was recorded: without id and time.
    outcome : {"approve", "refer", "refuse"}
        What was decided.
    repeated : bool
        Whether an earlier request had this idempotency key already, and this is its answer.
    """

    id: str
    time: datetime
    told: bytes = field(repr=False)
    outcome: Outcome
    repeated: bool = False


Pending: TypeAlias = "Future[Answered]"
"""A decision that is being recorded."""


class Replayer(Protocol):
    """Computes past decisions again."""

    def replay(self, decision: str) -> Replayed:
        """Compute a recorded decision again with the bundle that made it, and compare bit for bit.

        Raises ``ReplayDifferenceError``, ``UnknownDecisionError``, ``ForgottenError`` or ``NoModelError``.
        """
        ...


@dataclass(frozen=True)
class ListedModel:
    """A registered version, and what this service does with it.

    Parameters
    ----------
    version, bundle, candidate : str
        Number, hash and name of the candidate.
    created : datetime
        When it was registered, in UTC.
    aliases : tuple of str
        Aliases that it holds.
    serving : {"champion", "challenger"} or None
        Whether it answers here, or is scored beside.
    """

    version: str
    bundle: str
    candidate: str
    created: datetime
    aliases: tuple[str, ...]
    serving: str | None


class Catalogue(Protocol):
    """Lists the versions of a portfolio."""

    def models(self) -> Sequence[ListedModel]:
        """List them, oldest first. Asks the registry. Raises ``RegistryUnusableError``."""
        ...
