"""What was measured about a candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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


@dataclass(frozen=True)
class Trial:
    """One set of parameters that tuning tried, with its objective (lower is better)."""

    number: int
    parameters: Mapping[str, float | int | str | bool | None]
    objective: float


@dataclass(frozen=True)
class CandidateRecord:
    """Everything worth keeping about one candidate of one training. Curves are drawn from the out-of-fold PDs."""

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


@dataclass(frozen=True)
class TrainingRecord:
    """Everything worth keeping about one training. `winner` names the candidate that loses the least money."""

    portfolio: str
    seed: int
    fingerprint: str
    applications: int
    features: int
    winner: str
    settings: Mapping[str, float | int | str | bool | None]
    candidates: tuple[CandidateRecord, ...]
    warnings: tuple[str, ...] = ()
    baselines: Mapping[str, float] = field(default_factory=dict)

    def candidate(self, name: str) -> CandidateRecord:
        """Return the record of the named candidate."""
        return next(record for record in self.candidates if record.name == name)
