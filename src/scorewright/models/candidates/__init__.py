"""The candidates that a training compares, from the simplest to the richest."""

from __future__ import annotations

from scorewright.errors import SettingsError
from scorewright.models.candidates.blend import Blend
from scorewright.models.candidates.boosting import Boosting
from scorewright.models.candidates.dummy import Dummy
from scorewright.models.candidates.forest import RandomForest
from scorewright.models.candidates.logistic import LogisticRegression
from scorewright.models.candidates.scorecard import WoeScorecard
from scorewright.models.seam import Candidate

CANDIDATES: tuple[Candidate, ...] = (
    Dummy(),
    WoeScorecard(),
    LogisticRegression(),
    RandomForest(),
    Boosting(),
    Blend(),
)


def candidate(name: str) -> Candidate:
    """Give the candidate of that name. Raises ``SettingsError`` when there is none."""
    for known in CANDIDATES:
        if known.name == name:
            return known
    raise SettingsError(
        "A candidate must be one that Scorewright knows.",
        repr(name[:40]),
        f"Choose among {', '.join(known.name for known in CANDIDATES)}.",
    )
