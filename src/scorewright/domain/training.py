"""What is kept of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scorewright.domain.evaluation import CandidateRecord, Comparison, Dropped
from scorewright.domain.explanations import Alternative, Fairness, Finding, Insight


@dataclass(frozen=True)
class TrainingRecord:
    """Everything worth keeping about one training.

    Parameters
    ----------
    winner : str
        The candidate registered: the simplest within noise of the one that loses the least money.
    comparisons : tuple of Comparison
        Every other candidate against the one that loses least.
    reason : str
        Why the winner won, as a sentence.
    dropped : tuple of Dropped
        Features that selection left out.
    test_applications : int
        Size of the locked test set, which was opened once, after the winner was chosen.
    findings : tuple of Finding
        What looked too good to be true, and for what reason it was allowed.
    insight : Insight or None
        What moves the winner.
    fairness : tuple of Fairness
        How the winner's policy treats the groups of each protected attribute, and of each pair of them.
    alternatives : tuple of Alternative
        What discriminating less would cost; empty where it was not looked for.
    """

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
    comparisons: tuple[Comparison, ...] = ()
    reason: str = ""
    dropped: tuple[Dropped, ...] = ()
    test_applications: int = 0
    findings: tuple[Finding, ...] = ()
    insight: Insight | None = None
    fairness: tuple[Fairness, ...] = ()
    alternatives: tuple[Alternative, ...] = ()

    def candidate(self, name: str) -> CandidateRecord:
        """Return the record of the named candidate."""
        return next(record for record in self.candidates if record.name == name)
