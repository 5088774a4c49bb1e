"""Every application scored by a model that never saw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scorewright.domain.progress import Listener, Step, silent
from scorewright.models.calibration import (
    Calibration,
    CalibrationKind,
    chosen_kind,
    compare_calibrations,
    cross_fitted,
    fit_calibration,
)
from scorewright.models.cores import side_by_side
from scorewright.models.venn_abers import VennAbers, cross_fitted_intervals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from scorewright.domain.evaluation import CalibrationRecord
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
    kept : tuple of ndarray of intp
        Positions of the features that each fold learns from, chosen inside that fold; empty: all of them.
    """

    matrix: FeatureMatrix
    target: NDArray[np.int8]
    fold_of_row: NDArray[np.intp]
    seed: int
    listen: Listener = silent
    kept: tuple[NDArray[np.intp], ...] = ()

    @property
    def folds(self) -> int:
        """Number of folds."""
        return int(self.fold_of_row.max()) + 1


@dataclass(frozen=True)
class PreparedFold:
    """One fold: what a candidate prepared from the others, and the applications to score.

    Parameters
    ----------
    rows : ndarray of intp, shape (m,)
        The fold's own rows, which had no part in `prepared`.
    values : ndarray of float64, shape (m, p)
        Their features.
    prepared : object
        What the candidate learns from, as its ``prepare`` made it.
    """

    rows: NDArray[np.intp]
    values: NDArray[np.float64]
    prepared: Any


@dataclass(frozen=True)
class OutOfFold:
    """Scores and PDs of n applications, each by a model that never saw its outcome.

    The calibration of a fold is fitted on the other folds' scores. Those models did see this fold's outcomes; through
    the few parameters fitted on all the others, next to nothing of a single outcome comes back. Which kind of
    calibration it is was chosen on all folds: one choice among four.

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
    calibration : {"none", "platt", "beta", "isotonic"}
        The kind of calibration that was chosen.
    calibrations : tuple of CalibrationRecord
        How well each kind did.
    low, high : ndarray of float64, shape (n,)
        Ends of the interval around each PD, learnt from the other folds and holding the PD.
    """

    log_odds: NDArray[np.float64]
    pd: NDArray[np.float64]
    fold_of_row: NDArray[np.intp]
    parameters: Mapping[str, ParameterValue]
    calibration: CalibrationKind
    calibrations: tuple[CalibrationRecord, ...]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """A model of all the applications of training, the calibration of its scores and the intervals around its PDs."""

    model: Model
    calibration: Calibration
    intervals: VennAbers

    def pd(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the calibrated probability of default of n applications: shape (n,)."""
        return self.calibration.pd(self.model.log_odds(values))

    def interval(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the lower and the upper end of the interval around each PD, which lies within."""
        log_odds = self.model.log_odds(values)
        return self.intervals.around(log_odds, self.calibration.pd(log_odds))


def prepared_folds(candidate: Candidate, lesson: Lesson) -> tuple[PreparedFold, ...]:
    """Prepare every fold once, for as many sets of parameters as will be tried."""
    return tuple(_prepared(candidate, lesson, fold) for fold in range(lesson.folds))


def _prepared(candidate: Candidate, lesson: Lesson, fold: int) -> PreparedFold:
    learn, score = np.flatnonzero(lesson.fold_of_row != fold), np.flatnonzero(lesson.fold_of_row == fold)
    matrix = lesson.matrix.select(lesson.kept[fold]) if lesson.kept else lesson.matrix
    prepared = candidate.prepare(matrix.take(learn), lesson.target[learn])
    return PreparedFold(score, matrix.values[score], prepared)


def fold_scores(
    candidate: Candidate, folds: Iterable[PreparedFold], parameters: Parameters, seed: int, threads: int = 1
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Give, fold by fold, its rows and their log-odds by a model learnt from the other folds."""
    for fold in folds:
        model = candidate.fit(fold.prepared, parameters, seed, threads)
        yield fold.rows, model.log_odds(fold.values)


def cross_validate(
    candidate: Candidate,
    lesson: Lesson,
    parameters: Parameters | None = None,
    folds: Iterable[PreparedFold] | None = None,
    threads: int = 1,
) -> OutOfFold:
    """Score each fold by a model learnt from the others.

    Imputation, scaling, encoding and the model are all learnt inside the folds, and scores come from the sealed model:
    the code that serves.

    Parameters
    ----------
    candidate : Candidate
        The model family.
    lesson : Lesson
        Applications, folds and seed.
    parameters : mapping, optional
        Values that override the candidate's defaults.
    folds : iterable of PreparedFold, optional
        What `prepared_folds` gave; prepared one at a time where left out.
    threads : int
        Folds learnt at the same time, each on a thread of its own, which changes no bit. Threads inside a fit would
        wait for each other at every split.
    """
    chosen = {**candidate.defaults(), **(parameters or {})}
    ready = dict(enumerate(folds or ()))

    def scored(fold: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        prepared = ready[fold] if ready else _prepared(candidate, lesson, fold)
        return next(fold_scores(candidate, [prepared], chosen, lesson.seed))

    log_odds = np.empty(len(lesson.target))
    for done, (rows, scores) in enumerate(side_by_side(scored, range(lesson.folds), threads)):
        log_odds[rows] = scores
        lesson.listen(Step(candidate.name, done + 1, lesson.folds, "folds"))
    return _calibrated(lesson, log_odds, chosen, unweighted=candidate.calibrated(chosen))


def _calibrated(
    lesson: Lesson, log_odds: NDArray[np.float64], parameters: Mapping[str, ParameterValue], *, unweighted: bool
) -> OutOfFold:
    outcome = lesson.target, lesson.fold_of_row
    records = compare_calibrations(log_odds, *outcome, unweighted=unweighted, seed=lesson.seed)
    kind = chosen_kind(records)
    pd = cross_fitted(log_odds, *outcome, kind)
    low, high = cross_fitted_intervals(log_odds, *outcome, seed=lesson.seed)
    ends = np.minimum(low, pd), np.maximum(high, pd)
    return OutOfFold(log_odds, pd, lesson.fold_of_row, parameters, kind, records, *ends)


def fit_final(candidate: Candidate, lesson: Lesson, out_of_fold: OutOfFold, threads: int = 1) -> Fitted:
    """Learn from all applications, with the parameters of cross-validation and calibrated on its scores."""
    prepared = candidate.prepare(lesson.matrix, lesson.target)
    model = candidate.fit(prepared, out_of_fold.parameters, lesson.seed, threads)
    known = out_of_fold.log_odds, lesson.target
    calibration = fit_calibration(*known, out_of_fold.calibration)
    return Fitted(model, calibration, VennAbers.fit(*known, seed=lesson.seed))
