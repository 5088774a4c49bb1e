"""What a bundle remembers of its reference population: counts, never persons.

Nothing is kept that fewer than `MINIMUM_COUNT` applications share: bins and categories are merged until they hold that
many, edges and typical values are rounded, extremes are quantiles with that many applications beyond, and how many were
approved is said of groups of that many only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix
from scorewright.domain.measures import rounded
from scorewright.errors import BundleCorruptError, TrainingError
from scorewright.monitor.binning import MINIMUM_COUNT, Floats, bin_counts, quantile_edges, tail_quantiles

FEATURE_BINS = 10
PD_BINS = 50

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class NumericProfile:
    """Distribution of a numeric feature.

    Parameters
    ----------
    name : str
        Name of the feature.
    missing : int
        Applications where it is missing.
    edges : tuple of float, length B - 1
        Inner edges of the bins ``(-inf, e1], (e1, e2], ..., (eB-1, inf)``.
    counts : tuple of int, length B
        Applications in each bin.
    low, typical, high : float or None
        About the 0.5 % quantile, the median and the 99.5 % quantile; None when fewer than twice `MINIMUM_COUNT` have
        a value.
    approved : tuple of int or None, length B
        How many of each bin the policy approves, None for a bin of fewer than `MINIMUM_COUNT`. Empty in profiles from
        before approvals were counted.
    approved_missing : int or None
        How many of `missing`, likewise.
    approved_typical : float or None
        About the median of those approved; None when fewer than twice `MINIMUM_COUNT` of them have a value.
    """

    name: str
    missing: int
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    low: float | None
    typical: float | None
    high: float | None
    approved: tuple[int | None, ...] = ()
    approved_missing: int | None = None
    approved_typical: float | None = None


@dataclass(frozen=True)
class CategoryProfile:
    """Distribution of a category.

    Parameters
    ----------
    name : str
        Name of the feature.
    missing : int
        Applications where it is missing.
    counts : mapping of str to int
        Applications in each category that at least `MINIMUM_COUNT` share.
    other : int
        Applications in all other categories.
    typical : str or None
        The most frequent category; None when none is frequent enough to be named.
    approved : mapping of str to int
        How many of each named category the policy approves. Empty in profiles from before approvals were counted.
    approved_other, approved_missing : int or None
        How many of `other` and of `missing`; None where that is fewer than `MINIMUM_COUNT`.
    approved_typical : str or None
        The named category most frequent among those approved; None when fewer than `MINIMUM_COUNT` of them share it.
    """

    name: str
    missing: int
    counts: Mapping[str, int]
    other: int
    typical: str | None
    approved: Mapping[str, int] = field(default_factory=dict)
    approved_other: int | None = None
    approved_missing: int | None = None
    approved_typical: str | None = None


@dataclass(frozen=True)
class PdProfile:
    """Distribution of PDs, in bins and with approvals as those of `NumericProfile`, with their mean."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    mean: float
    approved: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class Profile:
    """Reference population of a model: features in the order of the matrix, PDs, and the shares approved and referred.

    The rest is refused.
    """

    rows: int
    features: tuple[NumericProfile | CategoryProfile, ...]
    pd: PdProfile
    approval_rate: float
    referral_rate: float = 0.0

    def to_json_bytes(self) -> bytes:
        """Return UTF-8 JSON: equal profiles give equal bytes (sorted keys, shortest exact decimals)."""
        text = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode() + b"\n"

    @classmethod
    def from_json_bytes(cls, content: bytes) -> Profile:
        """Read what `to_json_bytes` wrote. Raises ``BundleCorruptError`` on anything else."""
        try:
            loaded = json.loads(content)
            features = tuple(_read_feature(feature) for feature in loaded["features"])
            pd = _with_tuples(loaded["pd"])
            referred = float(loaded.get("referral_rate", 0.0))
            return cls(int(loaded["rows"]), features, PdProfile(**pd), float(loaded["approval_rate"]), referred)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleCorruptError(
                "A profile is JSON as Scorewright writes it.",
                f"{type(error).__name__} while reading it",
                "Train again, or restore the bundle from its source.",
            ) from error


def _with_tuples(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}


def _read_feature(content: Mapping[str, Any]) -> NumericProfile | CategoryProfile:
    kind: type[NumericProfile | CategoryProfile] = NumericProfile if "edges" in content else CategoryProfile
    return kind(**_with_tuples(content))


@dataclass(frozen=True)
class _Scale:
    """Bins of a numeric feature, between its extremes."""

    edges: Floats
    low: float
    high: float

    def near(self, value: float) -> float | None:
        """Round a value to a tenth of the bin it lies in; None where that bin has no width to round by."""
        fence = np.concatenate(([self.low], self.edges, [self.high]))
        place = int(np.searchsorted(self.edges, value, side="left"))
        tenth = float(fence[place + 1] / 10 - fence[place] / 10)
        # All values in one bin without width are one value, but for a few beyond the extremes.
        return rounded(value, tenth) if tenth > 0.0 or self.edges.size == 0 else None

    def median(self, ordered: Floats) -> float | None:
        """Return the median of ascending values, rounded; None for fewer than twice `MINIMUM_COUNT`."""
        return self.near(float(ordered[ordered.size // 2])) if ordered.size >= 2 * MINIMUM_COUNT else None


def _told(approved: int, among: int) -> int | None:
    return approved if among >= MINIMUM_COUNT else None


def _approved_in(values: Floats, edges: Floats, approved: Flags) -> tuple[int | None, ...]:
    among, of_them = bin_counts(values, edges).tolist(), bin_counts(values[approved], edges).tolist()
    return tuple(map(_told, of_them, among))


def _numeric(column: FeatureColumn, values: Floats, approved: Flags) -> NumericProfile:
    known = ~np.isnan(values)
    order = np.argsort(values[known])
    present, chosen = values[known][order], approved[known][order]
    missing = values.size - present.size
    without = _told(int(np.sum(approved & ~known)), missing)
    if present.size < 2 * MINIMUM_COUNT:
        told = _approved_in(present, np.empty(0), chosen)
        return NumericProfile(column.name, missing, (), (present.size,), None, None, None, told, without)
    scale = _Scale(quantile_edges(present, FEATURE_BINS), *tail_quantiles(present))
    return NumericProfile(
        column.name,
        missing,
        tuple(scale.edges.tolist()),
        tuple(bin_counts(present, scale.edges).tolist()),
        scale.low,
        scale.median(present),
        scale.high,
        _approved_in(present, scale.edges, chosen),
        without,
        scale.median(present[chosen]),
    )


def _by_category(column: FeatureColumn, values: Floats) -> dict[str, int]:
    counts = np.bincount(values.astype(np.intp), minlength=len(column.categories)).tolist()
    return dict(zip(column.categories, counts, strict=True))


def _most_frequent(counts: Mapping[str, int]) -> str | None:
    """Name the most frequent category, the first by name of several; None where even that one is rare."""
    named = min(counts, key=lambda category: (-counts[category], category), default=None)
    return named if named is not None and counts[named] >= MINIMUM_COUNT else None


def _category(column: FeatureColumn, values: Floats, approved: Flags) -> CategoryProfile:
    known = ~np.isnan(values)
    present, missing = values[known], values.size - int(np.sum(known))
    counts, chosen = _by_category(column, present), _by_category(column, present[approved[known]])
    ranked = sorted(counts, key=lambda category: (-counts[category], category))
    kept = [category for category in ranked if counts[category] >= MINIMUM_COUNT]
    other = present.size - sum(counts[category] for category in kept)
    while 0 < other < MINIMUM_COUNT and kept:
        other += counts[kept.pop()]
    told = {category: chosen[category] for category in sorted(kept)}
    return CategoryProfile(
        column.name,
        missing,
        {category: counts[category] for category in sorted(kept)},
        other,
        kept[0] if kept else None,
        told,
        _told(sum(chosen.values()) - sum(told.values()), other),
        _told(int(np.sum(approved & ~known)), missing),
        _most_frequent(told),
    )


def _pds(pd: Floats, approved: Flags) -> PdProfile:
    edges = quantile_edges(np.sort(pd), PD_BINS)
    counts = tuple(bin_counts(pd, edges).tolist())
    return PdProfile(tuple(edges.tolist()), counts, float(np.mean(pd)), _approved_in(pd, edges, approved))


def build_profile(
    matrix: FeatureMatrix,
    pd: NDArray[np.float64],
    refused: NDArray[np.bool_],
    referred: NDArray[np.bool_] | None = None,
) -> Profile:
    """Count what is worth remembering of a reference population.

    Parameters
    ----------
    matrix : FeatureMatrix, n rows
        Features of the reference applications.
    pd : ndarray of float64, shape (n,)
        Their PDs as new applications would get them, that is out-of-fold or of the test set: PDs of rows a model was
        fitted on are too extreme, and every later comparison would find a shift.
    refused : ndarray of bool, shape (n,)
        True where the policy refuses.
    referred : ndarray of bool, shape (n,), optional
        True where it refers; nobody by default.

    Raises
    ------
    TrainingError
        When there are fewer than `MINIMUM_COUNT` applications: their mean would tell of persons.
    """
    rows = matrix.values.shape[0]
    if rows < MINIMUM_COUNT:
        raise TrainingError(
            f"A profile needs at least {MINIMUM_COUNT} applications.",
            f"{rows} {'row' if rows == 1 else 'rows'}",
            "Train on more applications.",
        )
    to_officers = np.zeros(rows, dtype=np.bool_) if referred is None else referred
    approved = ~(refused | to_officers)
    features = tuple(
        (_numeric if column.kind == "numeric" else _category)(column, matrix.values[:, position], approved)
        for position, column in enumerate(matrix.columns)
    )
    return Profile(rows, features, _pds(pd, approved), 1.0 - float(np.mean(~approved)), float(np.mean(to_officers)))
