"""What was measured about a candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Interval:
    """An estimate with its bootstrap interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """A line to draw: x and y of equal length, with the names of the axes."""

    name: str
    x_label: str
    y_label: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Evaluation:
    """Measures of one set of PDs against their targets, at one threshold.

    `metrics` maps a metric's name (``auc``, ``gini``, ``ks``, ``accuracy``, ``brier``, ``log_loss``,
    ``true_positive``, ``false_positive``, ``true_negative``, ``false_negative``, ``approval_rate``, ``bad_rate``,
    ``cost``) to its value; out of fold also ``cost_closed_form``, the cost at the threshold that the cost matrix alone
    gives. Intervals are given where they were asked for.
    """

    metrics: Mapping[str, float]
    intervals: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class Importance:
    """Share of the mean absolute contribution, for a feature or a raw column (``"table.column"``)."""

    name: str
    label: str
    value: float
    share: float


TrialState = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """One set of parameters that tuning tried, with its objective (lower is better).

    A pruned trial's objective is what it had reached when it was given up; a failed one's is NaN.
    """

    number: int
    parameters: Mapping[str, float | int | str | bool | None]
    objective: float
    state: TrialState = "complete"
    seconds: float = 0.0


@dataclass(frozen=True)
class CalibrationRecord:
    """How well one way of calibrating did on cross-fitted out-of-fold scores, with 95 % bootstrap intervals."""

    kind: str
    brier: Interval
    log_loss: Interval
    ece: Interval
    chosen: bool = False
    eligible: bool = True


@dataclass(frozen=True)
class Comparison:
    """A measure of `candidate` minus that of `against`, on the same folds of every repeat, with an interval."""

    candidate: str
    against: str
    metric: str
    difference: Interval
    standard_error: float


@dataclass(frozen=True)
class Segment:
    """A measure for one part of the applications, out of fold. AUC is None where the part holds one outcome only."""

    name: str
    value: str
    applications: int
    default_rate: float
    mean_pd: float
    approval_rate: float
    cost: float
    ece: float
    auc: float | None = None


@dataclass(frozen=True)
class Dropped:
    """A feature that selection left out, and why."""

    feature: str
    reason: str


@dataclass(frozen=True)
class ThresholdChoice:
    """How firmly some applications fix the cheapest threshold, and what choosing it on them hides.

    Parameters
    ----------
    threshold : Interval
        The threshold chosen, and where it falls when it is chosen again on every resample.
    cost : Interval
        Cost per application at it, corrected for `optimism`.
    apparent : float
        Cost per application at it on the very rows that chose it.
    optimism : float
        How much less a threshold seems to cost on the rows that chose it than it costs on others.
    """

    threshold: Interval
    cost: Interval
    apparent: float
    optimism: float


@dataclass(frozen=True)
class RuleComparison:
    """What several rules of decision cost on the same applications.

    Parameters
    ----------
    rules : mapping of str to Evaluation
        For each rule, with intervals: ``approval_rate``, ``bad_rate``; ``cost`` in units of the cost matrix per
        application and ``money`` per application whose amounts are known; and of each the savings over the cheaper
        simple policy (``cost_savings``, ``money_savings``), over approving everyone (``..._savings_approve_all``) and
        over refusing everyone (``..._savings_refuse_all``).
    money_difference : Interval or None
        Money per application of the last rule minus that of the first, on the same resamples: below 0, the last
        loses less. None where so few amounts are known that some resample holds none.
    applications, priced : int
        Number of applications, and of those among them whose amounts are known.
    """

    rules: Mapping[str, Evaluation]
    money_difference: Interval | None
    applications: int
    priced: int


@dataclass(frozen=True)
class SweepPoint:
    """A rule under costs that might be the true ones.

    Parameters
    ----------
    parameter : {"cost_ratio", "lgd"}
        What is varied.
    value : float
        Its value here.
    rule : {"constant", "per_loan"}
        One threshold for all, chosen again for this value; or each loan's own under this value.
    threshold : float
        That threshold; per loan, the median.
    approval_rate : float
        Share approved, among the loans whose amounts are known.
    cost : float
        Cost per application under this value: in units of the false positive's cost for the ratio, else in money.
    savings : float or None
        Bahnsen's savings, see `scorewright.decision.savings`.
    kept_cost : float
        Cost per application under this value of the decisions that the stated costs gave: what it costs to have
        been wrong about them is ``kept_cost - cost``.
    """

    parameter: Literal["cost_ratio", "lgd"]
    value: float
    rule: Literal["constant", "per_loan"]
    threshold: float
    approval_rate: float
    cost: float
    savings: float | None
    kept_cost: float


@dataclass(frozen=True)
class CandidateRecord:
    """Everything worth keeping about one candidate of one training.

    Curves, segments, sweeps and rules are measured on the out-of-fold PDs of the applications of training.

    Parameters
    ----------
    importances : mapping of str to float
        How much each parameter tells the best trials from the others.
    calibration : str
        The kind of calibration that was sealed, chosen among `calibrations`.
    threshold_choice : ThresholdChoice or None
        How firmly the applications of training fix the threshold.
    rules : RuleComparison or None
        One threshold for all beside each loan's own, where the portfolio states money.
    sweeps : tuple of SweepPoint
        What changes when the stated costs are wrong.
    outcomes : mapping of str to float
        What the whole policy, hard rules and referral included, does on the test set: shares ``approved``,
        ``referred``, ``refused``, and ``bad_rate``, ``cost`` and ``money`` where they are known.
    """

    name: str
    parameters: Mapping[str, float | int | str | bool | None]
    out_of_fold: Evaluation
    test: Evaluation
    threshold: float
    seconds: float
    curves: tuple[Curve, ...] = ()
    features: tuple[Importance, ...] = ()
    raw_columns: tuple[Importance, ...] = ()
    trials: tuple[Trial, ...] = ()
    bundle: str = ""
    importances: Mapping[str, float] = field(default_factory=dict)
    calibration: str = "platt"
    calibrations: tuple[CalibrationRecord, ...] = ()
    segments: tuple[Segment, ...] = ()
    threshold_choice: ThresholdChoice | None = None
    rules: RuleComparison | None = None
    sweeps: tuple[SweepPoint, ...] = ()
    outcomes: Mapping[str, float] = field(default_factory=dict)
