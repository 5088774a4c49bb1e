"""Every application scored by a model that never saw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorewright.domain.progress import Listener, Step, silent
from scorewright.models.calibration import IDENTITY, Calibration, cross_fitted, fit_calibration
from scorewright.models.numbers import sigmoid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureMatrix
    from scorewright.models.seam import Candidate, Model, Parameters, ParameterValue


@dataclass(frozen=True)
class Lesson:
    """What is learnt from, and how: the same for every candidate of a training.

    Parameters
    ----------
    matrix : FeatureMatrix
        Features of n applications, none of them of the locked test set.
    target : ndarray of int8, shape (n,)
        1 = defaulted.
    fold_of_row : ndarray of intp, shape (n,)
        Fold of each application, from 0.
    seed : int
        Seed of every fit.
    listen : Listener
        Told of each fold done.
    """

    matrix: FeatureMatrix
    target: NDArray[np.int8]
    fold_of_row: NDArray[np.intp]
    seed: int
    listen: Listener = silent

    @property
    def folds(self) -> int:
        """Number of folds."""
        return int(self.fold_of_row.max()) + 1


@dataclass(frozen=True)
class OutOfFold:
    """Scores and PDs of n applications, each by a model that never saw its outcome.

    The calibration of a fold is fitted on the other folds' scores. Those models did see this fold's outcomes; through
    two parameters fitted on all the others, next to nothing of a single outcome comes back.

    Parameters
    ----------
    log_odds : ndarray of float64, shape (n,)
        Scores before calibration.
    pd : ndarray of float64, shape (n,)
        Calibrated probabilities of default.
    fold_of_row : ndarray of intp, shape (n,)
        Fold of each application.
    parameters : mapping
        All parameters of the candidate, defaults included.
    """

    log_odds: NDArray[np.float64]
    pd: NDArray[np.float64]
    fold_of_row: NDArray[np.intp]
    parameters: Mapping[str, ParameterValue]


@dataclass(frozen=True)
class Fitted:
    """A model of all the applications of training, and the calibration of its scores."""

    model: Model
    calibration: Calibration

    def pd(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the calibrated probability of default of n applications: shape (n,)."""
        return self.calibration.pd(self.model.log_odds(values))


def cross_validate(candidate: Candidate, lesson: Lesson, parameters: Parameters | None = None) -> OutOfFold:
    """Score each fold by a model learnt from the others.

    Imputation, scaling, encoding, the model and the calibration are all learnt inside the folds, and scores come from
    the sealed model: the code that serves.

    Parameters
    ----------
    candidate : Candidate
        The model family.
    lesson : Lesson
        Applications, folds and seed.
    parameters : mapping, optional
        Values that override the candidate's defaults.
    """
    chosen = {**candidate.defaults(), **(parameters or {})}
    log_odds = np.empty(len(lesson.target))
    for fold, (rows, scores) in enumerate(fold_scores(candidate, lesson, chosen)):
        log_odds[rows] = scores
        lesson.listen(Step(candidate.name, fold + 1, lesson.folds, "folds"))
    pd = sigmoid(log_odds) if candidate.calibrated else cross_fitted(log_odds, lesson.target, lesson.fold_of_row)
    return OutOfFold(log_odds, pd, lesson.fold_of_row, chosen)


def fold_scores(
    candidate: Candidate, lesson: Lesson, parameters: Parameters
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Give, fold by fold, its rows and their log-odds by a model learnt from the other folds."""
    for fold in range(lesson.folds):
        learn, score = np.flatnonzero(lesson.fold_of_row != fold), np.flatnonzero(lesson.fold_of_row == fold)
        model = candidate.fit(lesson.matrix.take(learn), lesson.target[learn], parameters, lesson.seed)
        yield score, model.log_odds(lesson.matrix.values[score])


def fit_final(candidate: Candidate, lesson: Lesson, out_of_fold: OutOfFold) -> Fitted:
    """Learn from all applications, with the parameters of cross-validation and calibrated on its scores."""
    model = candidate.fit(lesson.matrix, lesson.target, out_of_fold.parameters, lesson.seed)
    calibration = IDENTITY if candidate.calibrated else fit_calibration(out_of_fold.log_odds, lesson.target)
    return Fitted(model, calibration)
