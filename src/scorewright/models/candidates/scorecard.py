"""The scorecard of credit bureaus and banks: weights of evidence in a logistic regression."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorewright.errors import SettingsError, TrainingError
from scorewright.models.candidates.binning import (
    FEWEST,
    Counts,
    Limits,
    Parts,
    information_value,
    optimal_starts,
    prebin,
    weights_of_evidence,
)
from scorewright.models.candidates.stepwise import Plan, forward
from scorewright.models.scorecard import Bin, Feature, Scaling, Scorecard

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureColumn, FeatureMatrix
    from scorewright.models.seam import Parameters, ParameterValue, Suggest

LEAST_IV = 0.01
"""A feature of a lower information value is not considered."""
TWINS = 0.9
"""Of two features whose WoE correlate more, only the one of the higher information value is considered."""
MOST_CONSIDERED = 120
_DECIMALS = 9


@dataclass(frozen=True)
class Prepared:
    """The columns of n applications cut finely, and the outcomes.

    Parameters
    ----------
    columns : tuple of FeatureColumn
        All p columns.
    parts : tuple of Parts
        Of each column.
    target : ndarray of float64, shape (n,)
        1 = defaulted.
    """

    columns: tuple[FeatureColumn, ...]
    parts: tuple[Parts, ...]
    target: NDArray[np.float64]


@dataclass(frozen=True)
class _Binned:
    """A column in its final bins: the bin of each part (the missing last), their counts, WoE and IV."""

    position: int
    bin_of_part: NDArray[np.intp]
    counts: Counts
    woe: NDArray[np.float64]
    value: float


@dataclass(frozen=True)
class WoeScorecard:
    """Weights of evidence of a few well binned features in a logistic regression.

    Numbers are cut into at most ``max_bins`` bins over which the default rate only rises or only falls; those of
    category features are groups of a like default rate; the missing have a bin of their own. Features of a low
    information value and twins are left out, at most ``max_features`` are taken in one after the other, each with the
    sign that keeps the meaning of its WoE. No class is weighted: scores are log-odds of default as they are.

    Points are told with ``pdo`` points to double the odds and ``base_points`` at odds of ``base_odds`` to 1.
    """

    name: str = "scorecard"
    tunable: bool = True

    def calibrated(self, parameters: Parameters) -> bool:  # noqa: ARG002 - the seam's
        """Say yes: no class weights distort the PDs."""
        return True

    def defaults(self) -> dict[str, ParameterValue]:
        """Give the parameters used without tuning."""
        return {
            "max_features": 20,
            "penalty": 10.0,
            "min_bin_share": 0.03,
            "max_bins": 6,
            "pdo": 20.0,
            "base_points": 600.0,
            "base_odds": 50.0,
        }

    def suggest(self, trial: Suggest) -> dict[str, ParameterValue]:
        """Draw the number of features, the penalty and the size of the bins."""
        return {
            "max_features": trial.suggest_int("max_features", 5, 25),
            "penalty": trial.suggest_float("penalty", 0.1, 300.0, log=True),
            "min_bin_share": trial.suggest_float("min_bin_share", 0.02, 0.1, log=True),
            "max_bins": trial.suggest_int("max_bins", 3, 10),
        }

    def prepare(self, matrix: FeatureMatrix, target: NDArray[np.int8]) -> Prepared:
        """Cut every column finely, once for all parameters.

        Raises
        ------
        TrainingError
            When all applications have the same outcome: odds of one to the other are then nowhere to be seen.
        """
        if not 0 < int(target.sum()) < len(target):
            raise TrainingError(
                "A scorecard needs defaulted and repaid applications.",
                f"{int(target.sum())} of {len(target)} defaulted",
                "Give more applications, or use fewer folds.",
            )
        parts = tuple(
            prebin(matrix.values[:, position], column, target) for position, column in enumerate(matrix.columns)
        )
        return Prepared(matrix.columns, parts, target.astype(np.float64))

    def settle(
        self,
        prepared: Prepared,  # noqa: ARG002 - the seam's
        parameters: Parameters,
        seed: int,  # noqa: ARG002 - the seam's
        threads: int = 1,  # noqa: ARG002 - the seam's
    ) -> dict[str, ParameterValue]:
        """Give the parameters back: there is nothing to find."""
        return dict(parameters)

    def fit(
        self,
        prepared: Prepared,
        parameters: Parameters,
        seed: int,  # noqa: ARG002 - nothing is drawn
        threads: int = 1,  # noqa: ARG002 - the seam's
    ) -> Scorecard:
        """Join the parts into bins, choose features and fit their coefficients; seal as a ``Scorecard``."""
        chosen = {key: float(value or 0.0) for key, value in {**self.defaults(), **parameters}.items()}
        scaling, binned = _scaling(chosen), _shortlist(prepared, chosen)
        design = _design(prepared, binned)
        found = forward(design, prepared.target, Plan(int(chosen["max_features"]), chosen["penalty"]))
        coefficients = [round(float(value), _DECIMALS) for value in found.coefficients]
        features = [
            _feature(prepared, binned[at], coefficient)
            for at, coefficient in zip(found.chosen, coefficients, strict=True)
            if coefficient > 0.0
        ]
        features.sort(key=lambda feature: -feature.information_value)
        # The columns of the design have mean 0, so the intercept is the mean score.
        return Scorecard(round(found.intercept, _DECIMALS), tuple(features), prepared.columns, scaling)


def _scaling(chosen: dict[str, float]) -> Scaling:
    for name in ("penalty", "pdo", "base_odds"):
        if not chosen[name] > 0.0:
            raise SettingsError(
                f"{name} of a scorecard must be above 0.",
                f"{chosen[name]:g}",
                f"Leave {name} out for its default.",
            )
    return Scaling(chosen["pdo"], chosen["base_points"], chosen["base_odds"])


def _shortlist(prepared: Prepared, chosen: dict[str, float]) -> list[_Binned]:
    """Bin all columns; keep those that say enough, and of twins the one that says more. The best come first."""
    rows = len(prepared.target)
    fewest = max(FEWEST, math.ceil(chosen["min_bin_share"] * rows))
    limits = Limits(fewest, int(chosen["max_bins"]), float(prepared.target.mean()))
    binned = [_bin(prepared, position, limits) for position in range(len(prepared.columns))]
    telling = sorted((each for each in binned if each.value >= LEAST_IV), key=lambda each: -each.value)
    return _without_twins(prepared, telling[:MOST_CONSIDERED])


def _bin(prepared: Prepared, position: int, limits: Limits) -> _Binned:
    parts, column = prepared.parts[position], prepared.columns[position]
    known = parts.known
    if column.kind == "category":
        order = np.argsort(limits.smoothed(known), kind="stable")
        starts = optimal_starts(Counts(known.good[order], known.bad[order]), limits, 1)
    else:
        order = np.arange(len(known.good))
        starts = optimal_starts(known, limits, column.monotone)
    bin_of_part = np.full(len(order) + 1, len(starts), dtype=np.intp)
    bin_of_part[order] = np.searchsorted(starts, np.arange(len(order)), side="right") - 1
    good, bad = (np.bincount(bin_of_part, side).astype(np.float64) for side in (parts.counts.good, parts.counts.bad))
    counts = Counts(good, bad)
    return _Binned(position, bin_of_part, counts, weights_of_evidence(counts), information_value(counts))


def _column(prepared: Prepared, binned: _Binned) -> NDArray[np.float64]:
    """Give n applications the riskiness of their bin: WoE with its sign turned, mean 0."""
    mean = float(np.sum(binned.counts.rows * binned.woe) / len(prepared.target))
    return np.asarray((mean - binned.woe)[binned.bin_of_part][prepared.parts[binned.position].code], dtype=np.float64)


def _design(prepared: Prepared, binned: list[_Binned]) -> NDArray[np.float64]:
    columns = [_column(prepared, each) for each in binned]
    return np.array(columns, dtype=np.float64).reshape(len(binned), len(prepared.target)).T


def _without_twins(prepared: Prepared, binned: list[_Binned]) -> list[_Binned]:
    if not binned:
        return []
    standard = _design(prepared, binned)
    standard /= np.sqrt((standard**2).mean(axis=0))
    alike = np.abs(standard.T @ standard) / len(standard) > TWINS
    kept: list[int] = []
    for at in range(len(binned)):
        if not alike[at, kept].any():
            kept.append(at)
    return [binned[at] for at in kept]


def _feature(prepared: Prepared, binned: _Binned, coefficient: float) -> Feature:
    column, parts = prepared.columns[binned.position], prepared.parts[binned.position]
    counts, rows = binned.counts, len(prepared.target)
    bins = tuple(
        Bin(share, rate if share * rows >= FEWEST else None, woe)
        for share, rate, woe in zip(
            (counts.rows / rows).tolist(),
            (counts.bad / np.maximum(counts.rows, 1.0)).tolist(),
            binned.woe.tolist(),
            strict=True,
        )
    )
    own = binned.bin_of_part[:-1]
    edges = parts.edges[np.flatnonzero(np.diff(own)) if column.kind == "numeric" else []]
    groups = own[parts.group] if column.kind == "category" else np.zeros(0, dtype=np.intp)
    value = round(binned.value, _DECIMALS)
    return Feature(column.name, coefficient, value, bins, tuple(edges.tolist()), tuple(groups.tolist()))
