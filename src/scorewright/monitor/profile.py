"""What a bundle remembers of its reference population: counts, never persons.

Nothing is kept that fewer than `MINIMUM_COUNT` applications share: bins and categories are merged until they hold that
many, edges and typical values are rounded, extremes are quantiles with that many applications beyond.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix
from scorewright.errors import BundleCorruptError, TrainingError
from scorewright.monitor.binning import MINIMUM_COUNT, Floats, bin_counts, quantile_edges, rounded, tail_quantiles

FEATURE_BINS = 10
PD_BINS = 50


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
    """

    name: str
    missing: int
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    low: float | None
    typical: float | None
    high: float | None


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
    """

    name: str
    missing: int
    counts: Mapping[str, int]
    other: int
    typical: str | None


@dataclass(frozen=True)
class PdProfile:
    """Distribution of PDs, in bins as those of `NumericProfile`, with their mean."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    mean: float


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


def _typical(ordered: Floats, edges: Floats, low: float, high: float) -> float:
    """Return the median, rounded to a tenth of the bin it lies in."""
    median = float(ordered[ordered.size // 2])
    fence = np.concatenate(([low], edges, [high]))
    place = int(np.searchsorted(edges, median, side="left"))
    return rounded(median, float(fence[place + 1] / 10 - fence[place] / 10))


def _numeric(column: FeatureColumn, values: Floats) -> NumericProfile:
    present = np.sort(values[~np.isnan(values)])
    missing = values.size - present.size
    if present.size < 2 * MINIMUM_COUNT:
        return NumericProfile(column.name, missing, (), (present.size,), None, None, None)
    edges, (low, high) = quantile_edges(present, FEATURE_BINS), tail_quantiles(present)
    counts = bin_counts(present, edges).tolist()
    typical = _typical(present, edges, low, high)
    return NumericProfile(column.name, missing, tuple(edges.tolist()), tuple(counts), low, typical, high)


def _category(column: FeatureColumn, values: Floats) -> CategoryProfile:
    present = values[~np.isnan(values)].astype(np.intp)
    counts = np.bincount(present, minlength=len(column.categories)).tolist()
    ranked = sorted(zip(counts, column.categories, strict=True), key=lambda pair: (-pair[0], pair[1]))
    kept = [(category, count) for count, category in ranked if count >= MINIMUM_COUNT]
    other = present.size - sum(count for _, count in kept)
    while 0 < other < MINIMUM_COUNT and kept:
        other += kept.pop()[1]
    typical = kept[0][0] if kept else None
    return CategoryProfile(column.name, values.size - present.size, dict(sorted(kept)), other, typical)


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
    features = tuple(
        (_numeric if column.kind == "numeric" else _category)(column, matrix.values[:, position])
        for position, column in enumerate(matrix.columns)
    )
    edges = quantile_edges(np.sort(pd), PD_BINS)
    counts = tuple(bin_counts(pd, edges).tolist())
    pds = PdProfile(tuple(edges.tolist()), counts, float(np.mean(pd)))
    to_officers = np.zeros(rows, dtype=np.bool_) if referred is None else referred
    return Profile(rows, features, pds, 1.0 - float(np.mean(refused | to_officers)), float(np.mean(to_officers)))
