"""What a policy is told of applications, and what it answers: arrays of n rows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.inputs import Flags, Floats, checked_pd, within
from scorewright.decision.threshold import APPROVE_ALL, REFUSE_ALL
from scorewright.domain.decisions import HardRule, Outcome

#: Outcomes as numbers: the higher, the worse for the applicant.
APPROVE, REFER, REFUSE = np.int8(0), np.int8(1), np.int8(2)
OUTCOMES: tuple[Outcome, ...] = ("approve", "refer", "refuse")
Codes = NDArray[np.int8]


def words(codes: NDArray[Any]) -> tuple[Outcome, ...]:
    """Say outcomes in words.

    Examples
    --------
    >>> words(np.array([0, 2, 1]))
    ('approve', 'refuse', 'refer')
    """
    return tuple(OUTCOMES[code] for code in codes.tolist())


@dataclass(frozen=True)
class Cases:
    """What is known of n applications when they are decided.

    Parameters
    ----------
    pd : ndarray of float64, shape (n,)
        Probabilities of default.
    low, high : ndarray of float64, shape (n,), or None
        Interval of each PD, where the model gives one.
    thresholds : ndarray of float64, shape (n,), or None
        Under the money rule each loan's own threshold; NaN where an amount is not known.
    broken : ndarray of bool, shape (n, k), or None
        Which of the k hard rules of the policy each application breaks; None where it has none.

    Raises
    ------
    ValueError
        When lengths differ, or a number is no PD or no threshold: a NaN would pass for "approve" in any comparison.
    """

    pd: Floats
    low: Floats | None = None
    high: Floats | None = None
    thresholds: Floats | None = None
    broken: Flags | None = None

    def __post_init__(self) -> None:
        rows = checked_pd(self.pd).size
        given = (self.pd, self.low, self.high, self.thresholds, self.broken)
        if any(array is not None and len(array) != rows for array in given):
            raise ValueError("Every array must hold one row per PD.")
        if (self.low is None) != (self.high is None):
            raise ValueError("An interval has two ends.")
        if self.low is not None and self.high is not None and not _rises(checked_pd(self.low), checked_pd(self.high)):
            raise ValueError("The low end of an interval must not lie above the high one.")
        if self.thresholds is not None:
            _check_thresholds(self.thresholds)

    def __len__(self) -> int:
        return len(self.pd)

    def take(self, rows: NDArray[Any]) -> Cases:
        """Return the given rows, in the given order."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        taken: dict[str, Any] = {name: array if array is None else array[rows] for name, array in given.items()}
        return Cases(**taken)


def _rises(low: Floats, high: Floats) -> bool:
    return low.item() <= high.item() if low.size == 1 else bool(np.all(low <= high))


def _check_thresholds(thresholds: Floats) -> None:
    if thresholds.ndim != 1 or not within(thresholds[~np.isnan(thresholds)], REFUSE_ALL, APPROVE_ALL):
        raise ValueError("Thresholds must lie between 0 and the number next above 1, or be NaN.")


@dataclass(frozen=True)
class Decided:
    """What a policy answers on n applications.

    Parameters
    ----------
    codes : ndarray of int8, shape (n,)
        The outcome: `APPROVE`, `REFER` or `REFUSE`.
    opinion : ndarray of int8, shape (n,)
        What the PD alone says, without referral band and hard rules: `APPROVE` or `REFUSE`.
    thresholds : ndarray of float64, shape (n,)
        The threshold that applied; NaN where a loan's own is not known.
    broken : ndarray of bool, shape (n, k)
        Which hard rules each application breaks.
    rules : tuple of HardRule, length k
        These rules.
    """

    codes: Codes
    opinion: Codes
    thresholds: Floats
    broken: Flags
    rules: tuple[HardRule, ...] = ()

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcome of each application, in words."""
        return words(self.codes)

    @cached_property
    def opinions(self) -> tuple[Outcome, ...]:
        """What the PD alone says of each application, in words."""
        return words(self.opinion)

    @property
    def approved(self) -> Flags:
        """Which applications are approved, shape (n,)."""
        return np.equal(self.codes, APPROVE)

    @property
    def referred(self) -> Flags:
        """Which applications a person decides, shape (n,)."""
        return np.equal(self.codes, REFER)

    @property
    def refused(self) -> Flags:
        """Which applications are refused, shape (n,)."""
        return np.equal(self.codes, REFUSE)

    def rules_of(self, row: int) -> tuple[HardRule, ...]:
        """Return the hard rules that one application breaks, in the order of the policy."""
        return tuple(rule for rule, broken in zip(self.rules, self.broken[row].tolist(), strict=True) if broken)

    def take(self, rows: NDArray[Any]) -> Decided:
        """Return the given rows, in the given order."""
        parts = (self.codes[rows], self.opinion[rows], self.thresholds[rows], self.broken[rows])
        return Decided(*parts, rules=self.rules)
