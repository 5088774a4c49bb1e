"""Logistic regression: the scorecard that every lender knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorewright.models.candidates.preparation import Indicators, Numbers, fill_numbers, indicate_categories
from scorewright.models.linear import CategoryTerm, Linear, NumericTerm, Term

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureColumn, FeatureMatrix
    from scorewright.models.seam import Parameters, ParameterValue, Suggest

_TOLERANCE = 1e-7
_MOST_STEPS = 200


@dataclass(frozen=True)
class LogisticRegression:
    """Logistic regression with an L2 penalty and balanced classes.

    Gaps take the mean and, where training has gaps, a coefficient of their own; numbers are standardised; categories
    are one-hot, a missing one being zero in all. Parameter ``C`` is scikit-learn's: the weight of the summed loss
    against the penalty. The default is low, because features such as ratios of the same amounts say much the same.
    """

    name: str = "logistic_regression"
    tunable: bool = True
    calibrated: bool = False

    def defaults(self) -> dict[str, ParameterValue]:
        """Give the parameters used without tuning."""
        return {"C": 0.007}

    def suggest(self, trial: Suggest) -> dict[str, ParameterValue]:
        """Draw the penalty."""
        return {"C": trial.suggest_float("C", 1e-4, 1.0, log=True)}

    def fit(self, matrix: FeatureMatrix, target: NDArray[np.int8], parameters: Parameters, seed: int) -> Linear:
        """Fit by Newton's method on standardised columns and seal as a ``Linear``."""
        from sklearn.linear_model import LogisticRegression as Estimator

        design = _prepare(matrix)
        estimator = Estimator(
            C=float({**self.defaults(), **parameters}["C"] or 0.0),
            class_weight="balanced",
            solver="newton-cholesky",
            tol=_TOLERANCE,
            max_iter=_MOST_STEPS,
            random_state=seed,
        )
        values = design.values()
        if not values.shape[1]:
            # Nothing tells applications apart: with balanced classes, the odds are even.
            return design.seal(np.zeros(0), 0.0, matrix.columns)
        estimator.fit(values, target)
        return design.seal(estimator.coef_[0], float(estimator.intercept_[0]), matrix.columns)


@dataclass(frozen=True)
class _Design:
    """Standardised numbers, then the gaps of those that have some, then categories."""

    numbers: Numbers
    scale: NDArray[np.float64]
    useful: NDArray[np.intp]
    gappy: NDArray[np.intp]
    categories: Indicators

    def values(self) -> NDArray[np.float64]:
        numbers = self.numbers
        standard = (numbers.filled[:, self.useful] - numbers.mean[self.useful]) / self.scale[self.useful]
        return np.hstack([standard, numbers.gaps[:, self.gappy].astype(np.float64), self.categories.values])

    def seal(self, coefficients: NDArray[np.float64], intercept: float, columns: tuple[FeatureColumn, ...]) -> Linear:
        ends = np.cumsum([len(self.useful), len(self.gappy)])
        slopes, gaps, effects = np.split(coefficients, ends)
        terms = self._numeric_terms(slopes, gaps, columns) | self._category_terms(effects, columns)
        ordered: tuple[Term, ...] = tuple(terms[position] for position in range(len(columns)))
        return Linear(intercept + sum(term.centre for term in ordered), ordered)

    def _numeric_terms(
        self, slopes: NDArray[np.float64], gaps: NDArray[np.float64], columns: tuple[FeatureColumn, ...]
    ) -> dict[int, Term]:
        amount = len(self.numbers.at)
        slope, missing = np.zeros(amount), np.zeros(amount)
        slope[self.useful], missing[self.gappy] = slopes, gaps
        centre = missing * self.numbers.gaps.mean(axis=0)
        facts = np.column_stack([self.numbers.mean, self.scale, slope, missing, centre]).tolist()
        return {int(at): NumericTerm(columns[at].name, *fact) for at, fact in zip(self.numbers.at, facts, strict=True)}

    def _category_terms(self, effects: NDArray[np.float64], columns: tuple[FeatureColumn, ...]) -> dict[int, Term]:
        shares = self.categories.values.mean(axis=0)
        terms: dict[int, Term] = {}
        for position, column in enumerate(columns):
            if column.kind == "category":
                own = {code: at for at, (of, code) in enumerate(self.categories.of) if of == position}
                worths = [float(effects[own[code]]) if code in own else 0.0 for code in range(len(column.categories))]
                centre = float(sum(effects[at] * shares[at] for at in own.values()))
                terms[position] = CategoryTerm(column.name, tuple(worths), 0.0, centre)
        return terms


def _prepare(matrix: FeatureMatrix) -> _Design:
    numbers = fill_numbers(matrix.values, matrix.columns)
    spread = numbers.filled.std(axis=0)
    # A constant has no spread to divide by, though rounding may show one.
    useful = numbers.varies & (spread > 0.0)
    share = numbers.gaps.mean(axis=0)
    categories = indicate_categories(matrix.values, matrix.columns)
    scale = np.where(useful, spread, 1.0)
    return _Design(numbers, scale, np.flatnonzero(useful), np.flatnonzero((share > 0.0) & (share < 1.0)), categories)
