r"""Features that are not the same in training and in the later test applications.

A feature must have changed by more than chance explains, over all features looked at, and by enough to matter. With
:math:`k` looks, the chance of a single false alarm is kept below `LEVEL` by giving each look the level `LEVEL / k`
(Bonferroni), and each bound is what chance reaches at that level, but no less than `CHANGED`:

- numbers: the two-sample Kolmogorov-Smirnov distance of the known values, by the limit law of Smirnov (1939);
- categories: the total variation distance, half the sum of :math:`|p_l - q_l|`. Without change its mean is at most
  :math:`\frac12 \sum_l \sqrt{p_l (1 - p_l) (1/n + 1/m)}`, and it passes that by
  :math:`\sqrt{\ln(k / \alpha) (1/n + 1/m) / 2}` with a chance of at most :math:`\alpha / k` (McDiarmid 1989);
- gaps: the difference of the shares that are empty, by the normal law.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from scorewright.domain.explanations import Finding
from scorewright.domain.matrix import FeatureColumn, FeatureMatrix
from scorewright.explain.leaks.outcomes import Floats
from scorewright.explain.leaks.suspicion import Suspect, grouped, listed, permission, unless_known

SHIFTED, VANISHED = "shift", "only_on_one_side"
CHANGED = 0.2
LEVEL = 0.01

#: A feature that is known for fewer than these on one side may well be known for nobody on the other.
KNOWN = 0.05
FEWEST_ROWS = 20

_LOOKS_PER_FEATURE = 2


@dataclass(frozen=True)
class _Sides:
    """Values of one feature in training and later, the known ones, and how many of each are empty."""

    then: Floats
    now: Floats
    rows: tuple[int, int]

    @property
    def known(self) -> tuple[float, float]:
        return self.then.size / self.rows[0], self.now.size / self.rows[1]

    @property
    def one_sided(self) -> bool:
        """Whether it is known on one side and for nobody on the other, more often than by chance at the level."""
        return min(self.known) == 0 and max(self.known) >= KNOWN


def shift(then: FeatureMatrix, now: FeatureMatrix) -> tuple[Finding, ...]:
    """Return findings of features that changed: what is known on one side only first, then the largest changes.

    Parameters
    ----------
    then, now : FeatureMatrix
        Applications of training, and the later ones of the test.
    """
    rows = then.values.shape[0], now.values.shape[0]
    if min(rows) < FEWEST_ROWS:
        return ()
    level = LEVEL / (_LOOKS_PER_FEATURE * len(then.columns))
    vanished, shifted = [], []
    for place, column in enumerate(then.columns):
        sides = _Sides(_known(then.values[:, place]), _known(now.values[:, place]), rows)
        if sides.one_sided and _chance_of_none(sides) <= level:
            vanished.append(_suspect(column, max(sides.known), KNOWN, _sides_told(sides)))
        else:
            shifted += [_suspect(column, *change) for change in _changes(column, sides, level)]
    return (
        *(_only_on_one_side(suspect) for suspect in grouped(vanished)),
        *(_shifted(suspect) for suspect in grouped(shifted)),
    )


def _known(values: Floats) -> Floats:
    known: Floats = values[~np.isnan(values)]
    return known


def _suspect(column: FeatureColumn, value: float, bound: float, told: str) -> Suspect:
    return Suspect(value, column.sources or (column.name,), (column.name,), told, bound)


def _chance_of_none(sides: _Sides) -> float:
    """Return the chance that nobody is known on the empty side, had all the same chance; drawn with replacement."""
    share = (sides.then.size + sides.now.size) / sum(sides.rows)
    return float((1.0 - share) ** (sides.rows[0] if not sides.then.size else sides.rows[1]))


def _changes(column: FeatureColumn, sides: _Sides, level: float) -> Iterator[tuple[float, float, str]]:
    """What changed by more than chance and size allow: the gaps, the distribution of what is known, or both."""
    gaps, bound = abs(sides.known[0] - sides.known[1]), max(CHANGED, _gaps_by_chance(sides, level))
    if gaps >= bound:
        yield gaps, bound, _sides_told(sides)
    if min(sides.then.size, sides.now.size) < FEWEST_ROWS:
        return
    if column.kind == "category":
        value, bound = total_variation(sides.then, sides.now), _variation_by_chance(sides, level)
        told = f"the shares of its categories differ by {value:.2f} (total variation)"
    else:
        value, bound = kolmogorov_smirnov(sides.then, sides.now), _ks_by_chance(sides, level)
        told = f"its distribution functions differ by {value:.2f} (Kolmogorov-Smirnov)"
    if value >= max(CHANGED, bound):
        yield value, max(CHANGED, bound), told


def kolmogorov_smirnov(then: Floats, now: Floats) -> float:
    """Return the largest distance between two empirical distribution functions."""
    then, now = np.sort(then), np.sort(now)
    at = np.concatenate((then, now))
    below = (np.searchsorted(side, at, side="right") / side.size for side in (then, now))
    return float(np.max(np.abs(np.subtract(*below))))


def total_variation(then: Floats, now: Floats) -> float:
    """Return half the sum of the differences of the categories' shares. Values are positions of categories."""
    return float(np.abs(np.subtract(*_shares(then, now))).sum() / 2)


def _shares(then: Floats, now: Floats) -> tuple[Floats, Floats]:
    size = int(max(then.max(), now.max())) + 1
    first, second = (np.bincount(side.astype(np.intp), minlength=size) / side.size for side in (then, now))
    return first, second


def _ks_by_chance(sides: _Sides, level: float) -> float:
    from scipy.special import kolmogi

    return float(kolmogi(level)) * sqrt(1 / sides.then.size + 1 / sides.now.size)


def _variation_by_chance(sides: _Sides, level: float) -> float:
    spread = 1 / sides.then.size + 1 / sides.now.size
    both = np.concatenate((sides.then, sides.now))
    shares = np.bincount(both.astype(np.intp)) / both.size
    return float(np.sqrt(shares * (1 - shares) * spread).sum() / 2) + sqrt(-log(level) * spread / 2)


def _gaps_by_chance(sides: _Sides, level: float) -> float:
    from scipy.special import ndtri

    share = (sides.then.size + sides.now.size) / sum(sides.rows)
    deviation = sqrt(share * (1 - share) * (1 / sides.rows[0] + 1 / sides.rows[1]))
    return float(ndtri(1.0 - level / 2)) * deviation


def _sides_told(sides: _Sides) -> str:
    then, now = sides.known
    return f"it is known for {then:.1%} of the training applications and for {now:.1%} of the later test applications"


def _only_on_one_side(suspect: Suspect) -> Finding:
    return Finding(
        kind=VANISHED,
        severity="refuse",
        columns=suspect.columns,
        features=suspect.features,
        value=suspect.value,
        bound=suspect.bound,
        seen=f"{' with '.join(suspect.columns)} has values on one side of the split only: {suspect.told} "
        f"({listed(suspect.features)}).",
        why="What is there only for older loans, or only for newer ones, is written after the decision or by a system "
        "that was changed: applications to come will not have what the model learnt from, or the reverse.",
        remedy=unless_known(suspect.columns),
    )


def _shifted(suspect: Suspect) -> Finding:
    return Finding(
        kind=SHIFTED,
        severity="warn",
        columns=suspect.columns,
        features=suspect.features,
        value=suspect.value,
        bound=suspect.bound,
        seen=f"{' with '.join(suspect.columns)} changed between training and the later test: {suspect.told} "
        f"({listed(suspect.features)}).",
        why="Chance hardly does that over all the features looked at: its meaning, its source or the applicants "
        "changed, or it grows with time and dates the loan.",
        remedy="Ask what changed. Where it dates the loan, count from the date of the application in SQL; where old "
        f"values no longer hold, list it under never; where it is real, say so: {permission(suspect.columns)}.",
    )
