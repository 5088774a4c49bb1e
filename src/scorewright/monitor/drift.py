"""Whether features and PDs have drifted from the profile, with a known rate of false alarms.

A fixed PSI band means nothing without the number of rows. Here a feature has drifted only when three things hold: its
adjusted p-value is below alpha, its PSI is at least `material`, and its PSI is above what chance gives at this size.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.errors import EmptyTableError
from scorewright.monitor.binning import Counts, Floats, bin_counts
from scorewright.monitor.measures import (
    LEAST_EXPECTED,
    benjamini_hochberg,
    chi_squared,
    chi_squared_p,
    ks_statistic,
    pool,
    proportion_p,
    psi,
    psi_by_chance,
)
from scorewright.monitor.profile import CategoryProfile, NumericProfile, PdProfile, Profile

Verdict = Literal["stable", "minor", "drifted"]

PD_GROUPS = 12


@dataclass(frozen=True)
class Shift:
    """Distance between two binned samples.

    Parameters
    ----------
    psi : float
        Population stability index, missing values as their own bin.
    psi_by_chance : float
        What it stays below without drift, with probability ``1 - alpha``.
    ks : float or None
        Largest distance between the distribution functions of the values present; None for a category or without
        values.
    chi_squared : float or None
        Statistic of homogeneity of the values present, over their pooled bins; None without values.
    p_value, p_adjusted : float
        Of no drift; adjusted for everything else the report tests.
    verdict : {"stable", "minor", "drifted"}
        ``minor`` is a change that is real (``p_adjusted < alpha``) but too small to matter.
    """

    psi: float
    psi_by_chance: float
    ks: float | None
    chi_squared: float | None
    p_value: float
    p_adjusted: float
    verdict: Verdict


@dataclass(frozen=True)
class FeatureDrift:
    """One feature then and now."""

    feature: str
    label: Label
    kind: str
    missing_then: float
    missing_now: float
    shift: Shift


@dataclass(frozen=True)
class PdDrift:
    """PDs then and now."""

    mean_then: float
    mean_now: float
    shift: Shift


@dataclass(frozen=True)
class DriftReport:
    """Comparison of recent applications with a profile. A person reads `features` in the order of the matrix."""

    rows_then: int
    rows_now: int
    alpha: float
    material: float
    pd: PdDrift
    features: tuple[FeatureDrift, ...]

    @property
    def drifted(self) -> bool:
        """Whether any feature or the PDs have drifted: without drift, true at most about once in 1 / alpha."""
        return "drifted" in [self.pd.shift.verdict, *(row.shift.verdict for row in self.features)]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON, each row's shift beside its own fields."""
        content = asdict(self)
        content["features"] = list(content["features"])
        for row in (content["pd"], *content["features"]):
            row.update(row.pop("shift"))
        return content | {"drifted": self.drifted}


@dataclass(frozen=True)
class _Sample:
    """Counts of one feature then and now: in bins of the values present, and (missing, present)."""

    bins: tuple[Counts, Counts]
    missing: tuple[Counts, Counts]
    ordered: bool
    at_least: float = LEAST_EXPECTED


@dataclass(frozen=True)
class _Found:
    psi: float
    bins: int
    ks: float | None
    chi_squared: float | None
    p: float


def _find(sample: _Sample) -> _Found:
    """Test values present and missingness apart; of two p-values take twice the smaller (Bonferroni).

    Apart, because a feature that was never missing and now sometimes is would drown among the bins.
    """
    then, now = pool(*sample.bins, sample.at_least)
    tests = [proportion_p(*sample.missing)] if sum(counts[0] for counts in sample.missing) else []
    valued = bool(then.sum() and now.sum())
    tests += [chi_squared_p(then, now)] if valued and then.size > 1 else []
    ks = ks_statistic(*sample.bins) if valued and sample.ordered else None
    statistic = chi_squared(then, now) if valued else None
    if sum(counts[0] for counts in sample.missing):
        then, now = (np.append(c, m[0]) for c, m in zip((then, now), sample.missing, strict=True))
    return _Found(psi(then, now), then.size, ks, statistic, min([1.0, *(len(tests) * p for p in tests)]))


def _category_counts(profile: CategoryProfile, column: FeatureColumn, present: Floats) -> tuple[Counts, Counts]:
    """Count the named categories and the others, rarest over both samples first so that pooling joins the rare."""
    position = {category: place for place, category in enumerate(profile.counts)}
    place = np.array([position.get(category, len(position)) for category in column.categories], dtype=np.intp)
    then = np.array([*profile.counts.values(), profile.other], dtype=np.int64)
    now = np.bincount(place[present.astype(np.intp)], minlength=then.size).astype(np.int64)
    order = np.argsort(then + now, kind="stable")
    return then[order], now[order]


def _sample(profile: NumericProfile | CategoryProfile, column: FeatureColumn, values: Floats) -> _Sample:
    present = values[~np.isnan(values)]
    if isinstance(profile, NumericProfile):
        then, now = np.array(profile.counts, dtype=np.int64), bin_counts(present, profile.edges)
    else:
        then, now = _category_counts(profile, column, present)
    missing = np.array([profile.missing, then.sum()]), np.array([values.size - present.size, present.size])
    return _Sample((then, now), missing, isinstance(profile, NumericProfile))


def _pd_sample(profile: PdProfile, pd: Floats) -> _Sample:
    """Pool the profile's fine bins to about ten: more of them would spend the test's power on ripples."""
    then, now = np.array(profile.counts, dtype=np.int64), bin_counts(pd, profile.edges)
    none_missing = np.array([0, then.sum()]), np.array([0, pd.size])
    at_least = max(LEAST_EXPECTED, min(int(then.sum()), pd.size) / PD_GROUPS)
    return _Sample((then, now), none_missing, ordered=True, at_least=at_least)


@dataclass(frozen=True)
class _Judge:
    rows: tuple[int, int]
    alpha: float
    material: float

    def shift(self, found: _Found, p_adjusted: float) -> Shift:
        """Give the verdict on what was found."""
        chance = psi_by_chance(found.bins, self.rows, 1.0 - self.alpha)
        matters = found.psi >= max(self.material, chance)
        verdict: Verdict = "stable" if p_adjusted >= self.alpha else "drifted" if matters else "minor"
        return Shift(found.psi, chance, found.ks, found.chi_squared, found.p, p_adjusted, verdict)


def _check(profile: Profile, matrix: FeatureMatrix, pd: Floats) -> None:
    if [feature.name for feature in profile.features] != [column.name for column in matrix.columns]:
        raise ValueError("The profile and the matrix must hold the same features in the same order.")
    if pd.shape != matrix.values.shape[:1]:
        raise ValueError(f"{pd.size} PDs cannot belong to {matrix.values.shape[0]} applications.")
    if pd.size == 0:
        raise EmptyTableError("application")


def compare(
    profile: Profile,
    matrix: FeatureMatrix,
    pd: NDArray[np.float64],
    *,
    alpha: float = 0.01,
    material: float = 0.1,
) -> DriftReport:
    """Compare recent applications with a profile.

    Each feature is tested on the profile's bins (chi-squared, bins pooled where few are expected) and on missingness
    (exact where few are missing). Half of `alpha` goes to the features, adjusted among themselves by
    Benjamini-Hochberg, and half to the PDs: without drift, a report says "drifted" with a probability of at most about
    `alpha`, whatever the number of rows.

    Parameters
    ----------
    profile : Profile
        Reference population.
    matrix : FeatureMatrix, m rows
        Recent applications, features in the profile's order.
    pd : ndarray of float64, shape (m,)
        Their PDs.
    alpha : float
        Accepted rate of false alarms.
    material : float
        Least PSI that matters to the lender.

    Raises
    ------
    EmptyTableError
        When there is no application to compare.
    ValueError
        When features or lengths do not match.
    """
    _check(profile, matrix, pd)
    rows = profile.rows, pd.size
    found = [
        _find(_sample(feature, column, matrix.values[:, place]))
        for place, (feature, column) in enumerate(zip(profile.features, matrix.columns, strict=True))
    ]
    judge = _Judge(rows, alpha, material)
    adjusted = np.minimum(1.0, 2 * benjamini_hochberg(np.array([each.p for each in found]))).tolist()
    features = tuple(
        _feature_drift(column, (feature.missing / profile.rows, matrix.values[:, place]), judge.shift(found[place], p))
        for place, (feature, column, p) in enumerate(zip(profile.features, matrix.columns, adjusted, strict=True))
    )
    scores = _find(_pd_sample(profile.pd, pd))
    shift = judge.shift(scores, min(1.0, 2 * scores.p))
    return DriftReport(*rows, alpha, material, PdDrift(profile.pd.mean, float(np.mean(pd)), shift), features)


def _feature_drift(column: FeatureColumn, missing: tuple[float, Floats], shift: Shift) -> FeatureDrift:
    then, values = missing
    return FeatureDrift(column.name, column.label, column.kind, then, float(np.mean(np.isnan(values))), shift)
