"""What is answered about one application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

from scorewright.domain.explanations import Place, PointScale, Reasons, Recourse, SharedContribution, Shares
from scorewright.domain.matrix import Label

Outcome = Literal["approve", "refer", "refuse"]
RuleKind = Literal["threshold", "money"]
ReferralKind = Literal["capacity", "interval"]

#: Parts of an explanation, each computed only for those who ask for it.
Include = Literal["contributions", "points", "reasons", "recourse", "standing"]
INCLUDES: tuple[Include, ...] = get_args(Include)
NOTHING: frozenset[Include] = frozenset()


@dataclass(frozen=True)
class HardRule:
    """A rule of the lender, kept apart from the model: who breaks it is referred or refused whatever the PD.

    Parameters
    ----------
    name : str
        Name in the portfolio, where its condition stands as SQL.
    outcome : {"refer", "refuse"}
        What follows when it is broken.
    label : Label
        English and French, for the applicant and the officer.
    """

    name: str
    outcome: Literal["refer", "refuse"]
    label: Label


@dataclass(frozen=True)
class PolicyInfo:
    """Which policy decides.

    Parameters
    ----------
    version : str
        As the portfolio states it; ``"0"`` where it states no policy.
    rule : {"threshold", "money"}
        One threshold for all, or each loan's own from its amounts.
    referral : {"capacity", "interval"} or None
        What sends an application to an officer, beside hard rules.
    rules : tuple of HardRule
        The hard rules.
    digest : str
        SHA-256 of the policy as its bundle seals it, in hexadecimal; empty where that is not known.
    """

    version: str = "0"
    rule: RuleKind = "threshold"
    referral: ReferralKind | None = None
    rules: tuple[HardRule, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class Contribution:
    """How far one feature moved the score of one application, on the model's own scale."""

    feature: str
    label: Label
    value: float | str | None
    contribution: float


@dataclass(frozen=True)
class ModelInfo:
    """Which model answers, and how to find exactly it again."""

    portfolio: str
    version: str
    bundle: str
    candidate: str
    scale: str
    threshold: float
    features: int
    tables: tuple[str, ...]
    policy: PolicyInfo = PolicyInfo()


@dataclass(frozen=True)
class Decision:
    """PD and outcome of one application, the model that gave them, and what was asked of its explanation.

    Parameters
    ----------
    outcome : {"approve", "refer", "refuse"}
        By hard rules, referral and PD, in this order.
    opinion : {"approve", "refuse"} or None
        What the PD alone says.
    rules : tuple of HardRule
        Those that the application breaks.
    interval : tuple of float, or None
        Low and high end of the PD's interval.
    loan_threshold : float or None
        Under the money rule the PD from which this loan is refused; None where its amounts are not known.
    coverage : float or None
        Share, 0 to 1, of the columns of the application's own row that the model reads which have a value; None where
        it was not measured.
    outside : tuple of str
        Columns with a number outside the range of training, as ``"table.column"``.
    contributions : tuple of Contribution
        The largest, on the model's own scale; empty unless asked for.
    base, score : float or None
        Score of the average application and of this one, on the model's own scale: `score` is `base` plus the
        contributions of all features, of which the largest are given. None unless contributions are asked for.
    shares : Shares or None
        The score on three scales; None unless points are asked for.
    shared : tuple of SharedContribution
        What each feature adds on these scales, the largest first.
    point_scale : PointScale or None
        What the points of `shares` mean; None where that is None.
    reasons : Reasons or None
        None unless asked for.
    recourse : Recourse or None
        None unless asked for.
    places : tuple of Place, or None
        Where the application stands among the reference population, its PD first; None unless asked for.
    """

    application: int | str
    pd: float
    outcome: Outcome
    model: ModelInfo
    contributions: tuple[Contribution, ...] = ()
    base: float | None = None
    score: float | None = None
    opinion: Outcome | None = None
    rules: tuple[HardRule, ...] = ()
    interval: tuple[float, float] | None = None
    loan_threshold: float | None = None
    shares: Shares | None = None
    shared: tuple[SharedContribution, ...] = ()
    point_scale: PointScale | None = None
    reasons: Reasons | None = None
    recourse: Recourse | None = None
    places: tuple[Place, ...] | None = None
    coverage: float | None = None
    outside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Simulated:
    """What would be decided: on an application as it is, and as it would be. Neither is recorded."""

    before: Decision
    after: Decision


class DecisionService(Protocol):
    """What the service's door calls: one model that decides, and says what it is."""

    def model(self) -> ModelInfo:
        """Say which model answers. Raises ``NoModelError`` when none is loaded."""
        ...

    def decide(self, application: Mapping[str, Any], include: frozenset[Include] = NOTHING) -> Decision:
        """Decide one application given as raw rows by table, and compute the parts of its explanation asked for.

        The root table's value is one row (a mapping), every other table's a list of rows. Raises ``DataError`` or
        ``BodyShapeError`` when the rows do not fit the contract. What is not in `include` costs no time.
        """
        ...

    def simulate(
        self,
        application: Mapping[str, Any],
        changes: Mapping[str, Mapping[str, Any]],
        include: frozenset[Include] = NOTHING,
    ) -> Simulated:
        """Decide an application as it is, and with the root table's columns in `changes` laid over its row.

        `changes` holds columns and their new values under the root table's name. Records nothing. Raises what
        `decide` raises; the rows must fit the contract before and after.
        """
        ...

    def example(self) -> Mapping[str, Any]:
        """Give a made-up application that the model accepts, made of typical values: no person."""
        ...
