"""How one policy treats each group of applicants.

An application is treated well when it is approved. Positive is what the policy warns of: an application that is *not*
approved, referred ones included, is predicted to default. The true positive rate is then the share of defaulters who
are not approved, and the false positive rate the share of good clients who are not: what a group suffers from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import fsum
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.bootstrap import Resampling
from scorewright.decision.fairness.groups import LEAST, Groups, together
from scorewright.decision.inputs import Flags, Floats, checked_pair
from scorewright.domain.evaluation import Interval
from scorewright.domain.explanations import Group

#: A group below this share of the applications is not what the others are compared with: the best rate of many small
#: groups is the luckiest one's. The Uniform Guidelines judge groups from this share on (29 CFR 1607.15(A)(2)(a)).
LEAST_SHARE = 0.02


@dataclass(frozen=True)
class Treatment:
    """What became of n applications. Arrays have shape (n,).

    Parameters
    ----------
    pd : ndarray of float64
        Probabilities of default, best out-of-fold.
    target : ndarray of {0, 1}
        1 where the application defaulted.
    approved : ndarray of bool
        Whether the policy approves.
    referred : ndarray of bool, optional
        Whether it leaves the decision to an officer.

    Raises
    ------
    ValueError
        Lengths differ, or as `scorewright.decision.inputs.checked_pair`.
    """

    pd: Floats
    target: NDArray[np.int8]
    approved: Flags
    referred: Flags | None = None

    def __post_init__(self) -> None:
        rows = len(checked_pair(self.pd, self.target)[0])
        referred = self.approved if self.referred is None else self.referred
        if self.approved.shape != (rows,) or referred.shape != (rows,):
            raise ValueError(f"Decisions must belong to the {rows} applications.")

    def take(self, rows: NDArray[np.intp]) -> Treatment:
        """Return the given rows."""
        referred = None if self.referred is None else self.referred[rows]
        return Treatment(self.pd[rows], self.target[rows], self.approved[rows], referred)


def wilson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Return a rate with the interval that Wilson's score test gives, which also holds near 0 and 1.

    The rates p that a two-sided test of ``successes / trials`` does not reject:
    ``|successes / trials - p| <= z * sqrt(p * (1 - p) / trials)``.

    Parameters
    ----------
    successes, trials : int
        With at least one trial.
    level : float
        Level of the interval.

    References
    ----------
    Wilson 1927, *Probable inference, the law of succession, and statistical inference*; recommended over the usual one
    by Brown, Cai and DasGupta 2001, *Interval estimation for a binomial proportion*.

    Examples
    --------
    >>> found = wilson(8, 10)
    >>> found.estimate, round(found.low, 4), round(found.high, 4)
    (0.8, 0.4902, 0.9433)
    """
    z, rate = NormalDist().inv_cdf((1.0 + level) / 2), successes / trials
    shrunk = 1.0 + z**2 / trials
    middle = (rate + z**2 / (2 * trials)) / shrunk
    reach = z / shrunk * (rate * (1.0 - rate) / trials + z**2 / (4 * trials**2)) ** 0.5
    return Interval(rate, max(0.0, min(rate, middle - reach)), min(1.0, max(rate, middle + reach)))


def measure(
    groups: Groups, treatment: Treatment, resampling: Resampling | None = None, least: int = LEAST
) -> tuple[Group, ...]:
    """Measure how each group is treated, the largest group first, those too small put together as the last.

    Parameters
    ----------
    groups : Groups
        The group of each of the n applications.
    treatment : Treatment
        What became of them.
    resampling : Resampling, optional
        How the intervals of ratios are drawn; its level is that of all intervals.
    least : int
        Smaller groups are put together and never judged; where all of them hold fewer as well, not even their rates
        are told, which would be those of a few persons.

    Notes
    -----
    Rates have Wilson's interval. The mean PD has the normal one of a mean. The interval of the calibration gap is that
    of the default rate, moved by the mean PD: it holds 0 where Wilson's test finds no fault with the mean PD. Beside
    the rates that `Group` names there is ``referral_rate`` where the policy refers.

    ``approval_ratio`` compares with the group of the highest approval rate among those of at least `LEAST_SHARE` of
    the applications. That group stays the same in every resample. A ratio is left out where some resample approves
    nobody of it. Below four fifths is "generally regarded as evidence of adverse impact" (Uniform Guidelines on
    Employee Selection Procedures 1978, 29 CFR 1607.4(D)); examiners of lending under the Equal Credit Opportunity Act
    use it as a first look, no more: a ratio above may be unlawful, and one below may have a business necessity.
    """
    drawn, parted = resampling or Resampling(), together(groups, least)
    parts = [treatment.take(np.flatnonzero(parted.of_row == at)) for at in range(len(parted.names))]
    found = [
        Group(name, len(part.pd), dict(_rates(part, drawn.level)) if len(part.pd) >= least else {})
        for name, part in zip(parted.names, parts, strict=True)
    ]
    few = len(parted.judged)
    judged = _judged(found[:few], _Counts.of(parted, treatment.approved), drawn)
    return (*sorted(judged, key=lambda group: (-group.applications, group.value)), *found[few:])


def _judged(groups: list[Group], counts: _Counts, resampling: Resampling) -> list[Group]:
    if not groups:
        return []
    ratios, below = counts.ratios(resampling), counts.below_four_fifths()
    return [
        replace(group, approval_ratio=ratio, below_four_fifths=ratio is not None and lower)
        for group, ratio, lower in zip(groups, ratios, below, strict=True)
    ]


def _rates(part: Treatment, level: float) -> Iterator[tuple[str, Interval]]:
    """Every rate that is defined."""
    bad, approved = part.target == 1, part.approved
    shares = {
        "approval_rate": approved,
        **({} if part.referred is None else {"referral_rate": part.referred}),
        "bad_rate": bad[approved],
        "true_positive_rate": ~approved[bad],
        "false_positive_rate": ~approved[~bad],
        "default_rate": bad,
    }
    for name, flags in shares.items():
        if flags.size:
            yield name, wilson(int(flags.sum()), flags.size, level)
    mean, rate = _mean(part.pd, level), wilson(int(bad.sum()), bad.size, level)
    yield "mean_pd", mean
    gap = (end - mean.estimate for end in (rate.estimate, rate.low, rate.high))
    yield "calibration_gap", Interval(*gap)


def _mean(pd: Floats, level: float) -> Interval:
    # Exact sums: the order of the applications has no say, not even in the last bit.
    mean, z = fsum(pd.tolist()) / pd.size, NormalDist().inv_cdf((1.0 + level) / 2)
    spread = (fsum(((pd - mean) ** 2).tolist()) / (pd.size - 1)) ** 0.5 if pd.size > 1 else 0.0
    reach = z * spread / pd.size**0.5 if pd.size > 1 else 1.0
    return Interval(mean, max(0.0, mean - reach), min(1.0, mean + reach))


def least_ratio(groups: Groups, approved: Flags) -> float:
    """Return the smallest approval ratio of the groups that are judged; 1 where nobody of the best treated is approved.

    Parameters
    ----------
    groups : Groups
        As `scorewright.decision.fairness.groups.together` gave them, at least one of them judged.
    approved : ndarray of bool, shape (n,)
        Whether each application is approved.
    """
    counts = _Counts.of(groups, approved)
    best = counts.rates[counts.best]
    return float(counts.rates.min() / best) if best else 1.0


@dataclass(frozen=True)
class _Counts:
    """Approved, and all applications of each group that is judged."""

    approved: NDArray[np.intp]
    rows: NDArray[np.intp]

    @classmethod
    def of(cls, groups: Groups, approved: Flags) -> _Counts:
        few, judged = len(groups.names), len(groups.judged)
        return cls(np.bincount(groups.of_row[approved], minlength=few)[:judged], groups.sizes[:judged])

    @property
    def rates(self) -> Floats:
        return self.approved / self.rows

    @property
    def best(self) -> int:
        """Position of the group that the others are compared with; between equals, the largest."""
        large = self.rows >= LEAST_SHARE * self.rows.sum()
        return int(np.lexsort((self.rows, self.rates, large))[-1])

    def below_four_fifths(self) -> list[bool]:
        """Compare in whole numbers: a ratio of exactly four fifths is not below it."""
        approved, rows = self.approved.tolist(), self.rows.tolist()
        most, among = approved[self.best], rows[self.best]
        return [5 * yes * among < 4 * most * size for yes, size in zip(approved, rows, strict=True)]

    def ratios(self, resampling: Resampling) -> list[Interval | None]:
        """Approval rate of each group over that of the best treated one.

        A resample's counts of approved and not approved, group by group, are one multinomial draw.
        """
        best, total, groups = self.best, self.rows.sum(), len(self.rows)
        cells = np.concatenate((self.approved, self.rows - self.approved)) / total
        drawn = np.random.default_rng(resampling.seed).multinomial(total, cells, size=resampling.repeats)
        yes, no = drawn[:, :groups], drawn[:, groups:]
        if not np.all(yes[:, best]) or not np.all(yes + no):
            return [None] * groups
        replicates, estimates = yes / (yes + no), self.rates / self.rates[best]
        return [
            resampling.interval(float(estimates[at]), replicates[:, at] / replicates[:, best]) for at in range(groups)
        ]
