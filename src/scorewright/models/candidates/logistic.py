"""Logistic regression: the scorecard that every lender knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from scorewright.models.candidates.preparation import (
    check_learnable,
    class_weights,
    fill_numbers,
    indicate_categories,
    keep_algebra_on_one_thread,
)
from scorewright.models.linear import CategoryTerm, Linear, NumericTerm, Term

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureColumn, FeatureMatrix
    from scorewright.models.seam import Parameters, ParameterValue, Suggest

_TOLERANCE = 1e-7
_MOST_STEPS = 200
REACH = 5.0


@dataclass(frozen=True)
class LogisticRegression:
    """Logistic regression with an L2 penalty.

    Gaps take the mean and, where training has gaps, a coefficient of their own; numbers are standardised and count as
    5 standard deviations at most, so that a few huge amounts do not decide a slope; categories are one-hot, a missing
    one being zero in all. Parameter ``C`` is scikit-learn's: the weight of the summed loss against the penalty. The
    default is low, because features such as ratios of the same amounts say much the same. Defaults weigh
    ``(repaid / defaulted) ** positive_weight_power``.

    A feature declared monotone whose slope would contradict that is given no slope, and the others are learnt again
    without it.
    """

    name: str = "logistic_regression"
    tunable: bool = True

    def calibrated(self, parameters: Parameters) -> bool:
        """Without weights, the mean PD in training is the default rate."""
        return {**self.defaults(), **parameters}["positive_weight_power"] == 0.0

    def defaults(self) -> dict[str, ParameterValue]:
        """Give the parameters used without tuning."""
        return {"C": 0.007, "positive_weight_power": 0.0}

    def suggest(self, trial: Suggest) -> dict[str, ParameterValue]:
        """Draw the penalty and the weight of defaults."""
        return {
            "C": trial.suggest_float("C", 1e-4, 1.0, log=True),
            "positive_weight_power": trial.suggest_float("positive_weight_power", 0.0, 1.0),
        }

    def prepare(self, matrix: FeatureMatrix, target: NDArray[np.int8]) -> Design:
        """Standardise the numbers and give each category its column. Raises ``TrainingError``."""
        check_learnable(matrix, target)
        return _design(matrix, target)

    def settle(
        self,
        prepared: Design,  # noqa: ARG002 - the seam's
        parameters: Parameters,
        seed: int,  # noqa: ARG002 - the seam's
        threads: int = 1,  # noqa: ARG002 - the seam's
    ) -> dict[str, ParameterValue]:
        """Give the parameters back: nothing is left to find."""
        return dict(parameters)

    def fit(
        self,
        prepared: Design,
        parameters: Parameters,
        seed: int,  # noqa: ARG002 - the seam's
        threads: int = 1,  # noqa: ARG002 - the seam's
    ) -> Linear:
        """Fit by Newton's method and seal as a ``Linear``; nothing is drawn, and one thread is used."""
        chosen: dict[str, Any] = {**self.defaults(), **parameters}
        weights = class_weights(prepared.target, float(chosen["positive_weight_power"]))
        coefficients = np.zeros(prepared.values.shape[1])
        free = np.arange(len(coefficients))
        while True:
            learnt, intercept = _newton(prepared, free, float(chosen["C"]), weights)
            agrees = learnt * prepared.monotone[free] >= 0.0
            if agrees.all():
                break
            free = free[agrees]
        coefficients[free] = learnt
        return prepared.seal(coefficients, intercept)


def _newton(
    design: Design, free: NDArray[np.intp], strength: float, weights: dict[int, float]
) -> tuple[NDArray[np.float64], float]:
    from sklearn.linear_model import LogisticRegression as Estimator

    if not len(free):
        # Nothing tells applications apart.
        return np.zeros(0), float(np.log(weights[1] / weights[0] * design.target.sum() / (design.target == 0).sum()))
    estimator = Estimator(
        C=strength,
        class_weight=weights,
        solver="newton-cholesky",
        tol=_TOLERANCE,
        max_iter=_MOST_STEPS,
    )
    # Only now are all the libraries loaded that it limits.
    keep_algebra_on_one_thread()
    whole = len(free) == design.values.shape[1]
    estimator.fit(design.values if whole else design.values[:, free], design.target)
    return estimator.coef_[0], float(estimator.intercept_[0])


@dataclass(frozen=True)
class Design:
    """Standardised numbers, then the gaps of those that have some, then categories: k columns of n applications.

    Parameters
    ----------
    columns : tuple of FeatureColumn
        Columns of the matrix.
    target : ndarray of int8, shape (n,)
        1 = defaulted.
    values : ndarray of float64, shape (n, k)
        What is learnt from.
    centres : ndarray of float64, shape (k,)
        Mean of each column.
    at, mean, scale : ndarray, shape (m,)
        For each numeric column of the matrix its position, and what standardises it.
    useful, gappy : ndarray of intp
        Which of those have a slope, and which a coefficient for gaps.
    of : tuple of (int, int)
        For each indicator the position of its column in the matrix and its category.
    """

    columns: tuple[FeatureColumn, ...]
    target: NDArray[np.int8]
    values: NDArray[np.float64]
    centres: NDArray[np.float64]
    at: NDArray[np.intp]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    useful: NDArray[np.intp]
    gappy: NDArray[np.intp]
    of: tuple[tuple[int, int], ...]

    @cached_property
    def monotone(self) -> NDArray[np.int64]:
        """Sign that each coefficient must have; 0 where it may have any."""
        declared = np.zeros(self.values.shape[1], dtype=np.int64)
        declared[: len(self.useful)] = [self.columns[position].monotone for position in self.at[self.useful]]
        return declared

    def seal(self, coefficients: NDArray[np.float64], intercept: float) -> Linear:
        """Write one term for each column of the matrix."""
        ends = np.cumsum([len(self.useful), len(self.gappy)])
        worth, centred = np.split(coefficients, ends), np.split(coefficients * self.centres, ends)
        terms = self._numeric_terms(worth, centred) | self._category_terms(worth[2], centred[2])
        ordered: tuple[Term, ...] = tuple(terms[position] for position in range(len(self.columns)))
        return Linear(intercept + sum(term.centre for term in ordered), ordered)

    def _numeric_terms(
        self, worth: Sequence[NDArray[np.float64]], centred: Sequence[NDArray[np.float64]]
    ) -> dict[int, Term]:
        slope, missing, centre = np.zeros((3, len(self.at)))
        slope[self.useful], missing[self.gappy] = worth[:2]
        centre[self.useful] += centred[0]
        centre[self.gappy] += centred[1]
        reach = np.full(len(self.at), REACH)
        facts = np.column_stack([self.mean, self.scale, reach, slope, missing, centre]).tolist()
        names = [self.columns[position].name for position in self.at]
        return {int(at): NumericTerm(name, *fact) for at, name, fact in zip(self.at, names, facts, strict=True)}

    def _category_terms(self, worth: NDArray[np.float64], centred: NDArray[np.float64]) -> dict[int, Term]:
        terms: dict[int, Term] = {}
        for position, column in enumerate(self.columns):
            if column.kind == "category":
                own = {code: at for at, (of, code) in enumerate(self.of) if of == position}
                worths = [float(worth[own[code]]) if code in own else 0.0 for code in range(len(column.categories))]
                terms[position] = CategoryTerm(
                    column.name, tuple(worths), 0.0, float(centred[list(own.values())].sum())
                )
        return terms


def _design(matrix: FeatureMatrix, target: NDArray[np.int8]) -> Design:
    numbers = fill_numbers(matrix.values, matrix.columns)
    categories = indicate_categories(matrix.values, matrix.columns)
    spread = numbers.filled.std(axis=0)
    # A constant has no spread to divide by, though rounding may show one.
    useful = np.flatnonzero(numbers.varies & (spread > 0.0))
    share = numbers.gaps.mean(axis=0)
    gappy = np.flatnonzero((share > 0.0) & (share < 1.0))
    scale = np.ones(len(numbers.at))
    scale[useful] = spread[useful]
    values = np.empty((len(target), len(useful) + len(gappy) + len(categories.of)))
    ends = np.cumsum([len(useful), len(gappy)])
    standard, gaps, indicators = np.split(values, ends, axis=1)
    standard[:] = numbers.filled[:, useful]
    standard -= numbers.mean[useful]
    standard /= scale[useful]
    np.clip(standard, -REACH, REACH, out=standard)
    gaps[:] = numbers.gaps[:, gappy]
    indicators[:] = categories.values
    return Design(
        columns=matrix.columns,
        target=target,
        values=values,
        centres=values.mean(axis=0),
        at=numbers.at,
        mean=numbers.mean,
        scale=scale,
        useful=useful,
        gappy=gappy,
        of=categories.of,
    )
