"""What a report is written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scorewright.bundle.contents import Bundle
from scorewright.domain.evaluation import CandidateRecord, Evaluation
from scorewright.domain.explanations import Fairness, FeatureInsight, Finding, Group, Insight
from scorewright.domain.training import TrainingRecord
from scorewright.tables.portfolio import Portfolio


@dataclass(frozen=True)
class Report:
    """One sealed model and the training that it comes from.

    Parameters
    ----------
    record : TrainingRecord
        The training. Parts that it holds nothing of are left out of the report, with a sentence that says how to get
        them.
    bundle : Bundle
        The sealed model: that of `record.winner`.
    version : str
        Its version in the registry.
    date : str
        Day of the registration, as people read it; empty where it is not known.
    rows : mapping of str to int
        Rows of each table, where they are known.
    """

    record: TrainingRecord
    bundle: Bundle
    version: str
    date: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def portfolio(self) -> Portfolio:
        """The portfolio as it was sealed."""
        return self.bundle.contents.portfolio

    @property
    def model(self) -> CandidateRecord:
        """What was measured of the sealed candidate."""
        return self.record.candidate(self.bundle.contents.provenance.candidate)

    @property
    def looked_for_leaks(self) -> bool:
        """Whether the training looked for leaks; one from before they were looked for has no insight either."""
        return bool(self.record.findings) or self.record.insight is not None

    @property
    def best_simple(self) -> tuple[str, float] | None:
        """The cheaper way to decide without a model, and its cost per application of training."""
        return min(self.record.baselines.items(), key=lambda item: item[1], default=None)


@dataclass(frozen=True)
class Looked:
    """What was looked for in a candidate beyond its measures; the defaults are for one that nobody looked at.

    Parameters
    ----------
    findings : tuple of Finding or None
        None where nobody looked for leaks.
    insight : Insight or None
        What moves it.
    fairness : tuple of Fairness
        How its policy treats groups.
    """

    findings: tuple[Finding, ...] | None = None
    insight: Insight | None = None
    fairness: tuple[Fairness, ...] = ()


def default_rate(evaluation: Evaluation) -> float | None:
    """Share of the evaluated applications that defaulted; None where their outcomes were not counted."""
    counts = evaluation.metrics
    if not {"true_positive", "false_negative", "true_negative", "false_positive"} <= counts.keys():
        return None
    defaulted = counts["true_positive"] + counts["false_negative"]
    rows = defaulted + counts["true_negative"] + counts["false_positive"]
    return defaulted / rows if rows else None


def below_four_fifths(report: Report) -> list[tuple[str, Group]]:
    """Groups treated worse than the four-fifths rule has it, each with what it is a group of."""
    return [
        (each.label.en, group) for each in report.record.fairness for group in each.groups if group.below_four_fifths
    ]


def wandering(features: tuple[FeatureInsight, ...]) -> FeatureInsight | None:
    """Of the ten features that matter most, the one whose rank differs most among the folds."""
    return max(features[:10], key=lambda each: each.rank_high - each.rank_low, default=None)


def ordered_features(insight: Insight) -> frozenset[str]:
    """Names of the features whose values have a direction: categories have none."""
    return frozenset(each.importance.name for each in insight.features if each.direction)
