"""Where an application stands among those that the model learnt from: percentile, distribution and approvals.

All comes from the counts that the bundle keeps of its reference population; there are no persons to look up.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from scorewright.domain.explanations import Place
from scorewright.domain.matrix import FeatureColumn, Label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PD = "pd"
PD_LABEL = Label("Probability of default", "Probabilité de défaut")

#: Name of a bin that has none of its own, in any language: rare categories together, or all values in one bin.
UNNAMED = "…"


class Binned(Protocol):
    """Applications counted in the bins ``(-inf, e1], (e1, e2], ..., (eB-1, inf)``; no approvals where not counted."""

    @property
    def edges(self) -> Sequence[float]:
        """Inner edges, strictly ascending, length B - 1."""
        ...

    @property
    def counts(self) -> Sequence[int]:
        """Applications in each bin, length B."""
        ...

    @property
    def approved(self) -> Sequence[int | None]:
        """How many of each bin were approved, None where too few are in it; length B, or empty."""
        ...


@runtime_checkable
class Numbers(Binned, Protocol):
    """The same for a feature that may be missing."""

    @property
    def missing(self) -> int:
        """Applications where it is missing."""
        ...


class Categories(Protocol):
    """Applications counted in the categories that enough of them share, and in all others together."""

    @property
    def missing(self) -> int:
        """Applications where it is missing."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """Applications in each named category."""
        ...

    @property
    def other(self) -> int:
        """Applications in the others."""
        ...

    @property
    def approved(self) -> Mapping[str, int]:
        """How many of each named category were approved; without those not counted."""
        ...

    @property
    def approved_other(self) -> int | None:
        """How many of the others were approved; None where they are too few, or not counted."""
        ...


@dataclass(frozen=True)
class _Bar:
    name: str
    count: int
    approved: int | None


def place_pd(distribution: Binned, pd: float) -> Place:
    """Place a PD among the PDs of the reference population.

    Parameters
    ----------
    distribution : Binned
        Their bins.
    pd : float
        The application's own.
    """
    own = bisect_left(distribution.edges, pd)
    standing = _percentile(distribution, own, pd, (0.0, 1.0))
    return _place((PD, PD_LABEL), pd, _bars(distribution), sum(distribution.counts), (own, standing))


def place_feature(column: FeatureColumn, distribution: Numbers | Categories, value: float) -> Place:
    """Place one feature's value among those of the reference population.

    Parameters
    ----------
    column : FeatureColumn
        The feature.
    distribution : Numbers or Categories
        What is known of it.
    value : float
        As in the matrix: a number, the position of a category, NaN where it is missing.
    """
    named = column.name, column.label
    if isinstance(distribution, Numbers):
        rows = sum(distribution.counts) + distribution.missing
        if math.isnan(value):
            return _place(named, None, _bars(distribution), rows, (None, None))
        own = bisect_left(distribution.edges, value)
        standing = _percentile(distribution, own, value)
        return _place(named, value, _bars(distribution), rows, (own, standing))
    rows = sum(distribution.counts.values()) + distribution.other + distribution.missing
    bars = _category_bars(distribution)
    if math.isnan(value):
        return _place(named, None, bars, rows, (None, None))
    category = column.categories[int(value)]
    return _place(named, category, bars, rows, (_own_bar(bars, category, distribution), None))


def place_features(
    columns: Sequence[FeatureColumn], distributions: Sequence[Numbers | Categories], values: NDArray[np.float64]
) -> tuple[Place, ...]:
    """Place chosen features: `columns`, `distributions` and `values` in the same order, of the same length."""
    return tuple(map(place_feature, columns, distributions, values.tolist()))


def _place(
    named: tuple[str, Label],
    value: float | str | None,
    bars: Sequence[_Bar],
    rows: int,
    stands: tuple[int | None, float | None],
) -> Place:
    own, percentile = stands
    return Place(
        *named,
        value,
        bins=tuple(bar.name for bar in bars),
        shares=tuple(bar.count / rows if rows else 0.0 for bar in bars),
        approved=tuple(bar.approved / bar.count if bar.approved is not None and bar.count else None for bar in bars),
        bin=own,
        percentile=percentile,
    )


def _bars(distribution: Binned) -> list[_Bar]:
    approved = distribution.approved or [None] * len(distribution.counts)
    return list(map(_Bar, _names(distribution.edges), distribution.counts, approved))


def _category_bars(distribution: Categories) -> list[_Bar]:
    """Lay out the named categories, the most frequent first, then the others where there are any."""
    ranked = sorted(distribution.counts.items(), key=lambda pair: (-pair[1], pair[0]))
    bars = [_Bar(category, count, distribution.approved.get(category)) for category, count in ranked]
    return bars + [_Bar(UNNAMED, distribution.other, distribution.approved_other)] * bool(distribution.other)


def _own_bar(bars: Sequence[_Bar], category: str, distribution: Categories) -> int | None:
    if category in distribution.counts:
        return [bar.name for bar in bars].index(category)
    return len(bars) - 1 if distribution.other else None


def _names(edges: Sequence[float]) -> list[str]:
    if not edges:
        return [UNNAMED]
    said = [_plain(edge) for edge in edges]
    between = [f"{low} – {high}" for low, high in pairwise(said)]
    return [f"≤ {said[0]}", *between, f"> {said[-1]}"]


def _plain(edge: float) -> str:
    """Write an edge in full, without an exponent where a person would not use one.

    Examples
    --------
    >>> [_plain(edge) for edge in (117000.0, 0.025, -3.5)]
    ['117000', '0.025', '-3.5']
    """
    return str(int(edge)) if edge.is_integer() and abs(edge) < 2**53 else repr(edge)


def _percentile(
    distribution: Binned, own: int, value: float, ends: tuple[float, float] = (-math.inf, math.inf)
) -> float | None:
    """Share of the values present that are lower, in percent; linear inside a bin that has two ends, else its middle.

    Equal values count half where they fill a bin, as in a percentile rank. None where one bin holds all: it tells
    nothing of an order.
    """
    counts = distribution.counts
    if len(counts) < 2:
        return None
    fence = (ends[0], *distribution.edges, ends[1])
    low, high = fence[own], fence[own + 1]
    inside = (value - low) / (high - low) if math.isfinite(high - low) and high > low else 0.5
    return 100.0 * min(1.0, (sum(counts[:own]) + counts[own] * inside) / sum(counts))
