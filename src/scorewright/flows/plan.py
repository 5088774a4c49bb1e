"""How to train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scorewright.errors import SettingsError
from scorewright.models.candidates import CANDIDATES

EVERY_CANDIDATE = tuple(candidate.name for candidate in CANDIDATES)


@dataclass(frozen=True)
class Plan:
    """How to train.

    Parameters
    ----------
    candidates : tuple of str
        Names of the candidates to compare.
    seed : int
        Decides folds, fits, tuning and bootstrap; the same seed gives the same bundle. The locked test set is the same
        for every seed.
    folds : int
        Cross-validation folds, at least 2.
    repeats : int
        How often the applications are dealt into folds anew for the comparison of candidates, at least 1.
    test_share : float
        Share of applications locked away.
    trials : int or None
        Parameter sets that tuning tries per candidate; 0 keeps the defaults; None: as many as `minutes` allow.
    minutes : float or None
        Most minutes that tuning may take per candidate.
    workers : int
        Trials at the same time. What is proposed depends on it, so that it is no matter of the machine.
    select : bool
        Whether features that do not help are left out.
    pictures : bool
        Whether curves are drawn.
    alternatives : bool
        Whether less discriminatory alternatives to the winner are looked for.
    allowed : mapping of str to str
        Why a column or feature that looks like a leak is none.

    Raises
    ------
    SettingsError
        There are too few folds or repeats.
    """

    candidates: tuple[str, ...] = EVERY_CANDIDATE
    seed: int = 7
    folds: int = 5
    repeats: int = 2
    test_share: float = 0.2
    trials: int | None = 0
    minutes: float | None = None
    workers: int = 2
    select: bool = True
    pictures: bool = True
    alternatives: bool = False
    allowed: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.folds < 2 or self.repeats < 1:
            raise SettingsError(
                "Cross-validation needs at least 2 folds and 1 repeat.",
                f"{self.folds} folds, {self.repeats} repeats",
                "The defaults are 5 and 2.",
            )
