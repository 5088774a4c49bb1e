"""How the value of a feature goes with its contribution."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from scorewright.domain.explanations import Dependence
from scorewright.domain.matrix import FeatureColumn
from scorewright.domain.measures import rounded
from scorewright.explain.held_out import Floats, shown

BINS = 10
MOST_CATEGORIES = 12
MINIMUM_COUNT = 10
"""A bin holds at least so many applications."""

Rows = NDArray[np.intp]


def direction(column: FeatureColumn, values: Floats, contributions: Floats) -> float:
    """Spearman's correlation of value and contribution, ties sharing their mean rank; the missing are left out.

    1 where more always means riskier, -1 where it always means safer; 0 for categories, and where value or
    contribution is the same for all.

    Parameters
    ----------
    column : FeatureColumn
        The feature.
    values, contributions : ndarray of float64, shape (n,)
        Of the same applications.
    """
    known = ~np.isnan(values)
    if column.kind == "category" or not known.any():
        return 0.0
    first, second = (stats.rankdata(part[known]) for part in (values, contributions))
    first, second = first - first.mean(), second - second.mean()
    spread = float(np.sqrt(np.sum(first**2) * np.sum(second**2)))
    return float(np.clip(np.sum(first * second) / spread, -1.0, 1.0)) if spread else 0.0


def dependence(column: FeatureColumn, values: Floats, contributions: Floats) -> Dependence:
    """Describe the contributions of a feature in bins of its value.

    A number has up to `BINS` bins of about equal counts, each up to and including its upper end; one of few values
    has a bin for each. A category has a bin for each of its `MOST_CATEGORIES` most frequent values, the most frequent
    first, and one for the others. Bins hold at least `MINIMUM_COUNT` applications and their ends are rounded, so that
    none tells of a person; others and missing that are fewer are left out.

    Parameters
    ----------
    column : FeatureColumn
        The feature.
    values, contributions : ndarray of float64, shape (n,)
        Of the same applications.
    """
    missing = np.isnan(values)
    known = np.flatnonzero(~missing)
    parts = _categories if column.kind == "category" else _ranges
    bins = [(name, known[rows]) for name, rows in parts(column, values[known])]
    bins.append(("missing", np.flatnonzero(missing)))
    bins = [(name, rows) for name, rows in bins if len(rows) >= MINIMUM_COUNT]
    moved = [contributions[rows] for _, rows in bins]
    return Dependence(
        name=column.name,
        label=column.label.en,
        bins=tuple(name for name, _ in bins),
        rows=tuple(len(part) for part in moved),
        mean=tuple(float(part.mean()) for part in moved),
        low=tuple(float(np.quantile(part, 0.1)) for part in moved),
        high=tuple(float(np.quantile(part, 0.9)) for part in moved),
    )


def _categories(column: FeatureColumn, values: Floats) -> Iterator[tuple[str, Rows]]:
    counts = np.bincount(values.astype(np.intp), minlength=len(column.categories))
    order = np.argsort(-counts, kind="stable")
    named = [int(code) for code in order if counts[code] >= MINIMUM_COUNT][:MOST_CATEGORIES]
    for code in named:
        yield column.categories[code], np.flatnonzero(values == code)
    yield "others", np.flatnonzero(~np.isin(values, named))


def _ranges(_column: FeatureColumn, values: Floats) -> Iterator[tuple[str, Rows]]:
    ends = bin_ends(values)
    place = np.searchsorted(ends, values, side="left")
    names = _names(ends, values, place)
    for number, name in enumerate(names):
        yield name, np.flatnonzero(place == number)


def bin_ends(values: Floats) -> Floats:
    """Upper ends of all bins of known values but the last, ascending: shape (B - 1,).

    Every bin holds at least `MINIMUM_COUNT` values, where there are as many at all, and an end is rounded or a value
    that as many share.
    """
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= BINS:
        return _filled(values, distinct[counts >= MINIMUM_COUNT])
    wanted = np.unique(np.quantile(values, np.arange(1, BINS) / BINS, method="lower"))
    step = float(wanted[-1] / 100 - wanted[0] / 100)
    return _filled(values, np.unique([rounded(float(end), step) for end in wanted]))


def _filled(values: Floats, ends: Floats) -> Floats:
    """Keep the ends that leave `MINIMUM_COUNT` values before them, since the last one kept, and behind them."""
    kept: list[float] = []
    before = 0
    for end in ends.tolist():
        below = int(np.count_nonzero(values <= end))
        if below - before >= MINIMUM_COUNT and len(values) - below >= MINIMUM_COUNT:
            kept.append(end)
            before = below
    return np.array(kept, dtype=np.float64)


def _names(ends: Floats, values: Floats, place: NDArray[np.intp]) -> list[str]:
    """Name each bin by its only value, where it has one and enough share it, else by its ends."""
    texts = [shown(end) for end in ends.tolist()]
    between = [f"{low} – {high}" for low, high in pairwise(texts)]
    names = [f"≤ {texts[0]}", *between, f"> {texts[-1]}"] if texts else ["all"]
    for number in range(len(names)):
        inside = np.unique(values[place == number])
        if len(inside) == 1 and np.count_nonzero(place == number) >= MINIMUM_COUNT:
            names[number] = shown(float(inside[0]))
    return names
