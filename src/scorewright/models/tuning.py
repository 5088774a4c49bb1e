"""The search for better parameters. The only home of optuna."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorewright.domain.evaluation import Trial
from scorewright.domain.progress import Step
from scorewright.errors import SettingsError
from scorewright.models.calibration import fit_calibration, log_loss
from scorewright.models.cross_validation import Lesson, fold_scores

if TYPE_CHECKING:
    from collections.abc import Mapping

    import optuna
    from numpy.typing import NDArray

    from scorewright.models.seam import Candidate, Parameters, ParameterValue

    Objective = Callable[[NDArray[np.float64], NDArray[np.int8]], float]


@dataclass(frozen=True)
class Budget:
    """How long to search: at most `trials` sets of parameters, begun within `minutes` when given; 0: no search."""

    trials: int = 0
    minutes: float | None = None

    def __post_init__(self) -> None:
        if self.trials < 0 or (self.minutes is not None and not 0 < self.minutes < math.inf):
            raise SettingsError(
                "Tuning needs a number of trials of at least 0, and minutes above 0 when they are given.",
                f"{self.trials} trials, {self.minutes} minutes",
                "Set trials = 0 to keep the defaults.",
            )


@dataclass(frozen=True)
class Tuning:
    """The best parameters found, defaults included, and the trials that ran to their end."""

    parameters: Mapping[str, ParameterValue]
    trials: tuple[Trial, ...] = ()


def calibrated_log_loss(log_odds: NDArray[np.float64], target: NDArray[np.int8]) -> float:
    """Log loss of n scores once calibrated on themselves; lower is better, whatever their scale and offset."""
    return log_loss(fit_calibration(log_odds, target).pd(log_odds), target)


def tune(candidate: Candidate, lesson: Lesson, budget: Budget, objective: Objective = calibrated_log_loss) -> Tuning:
    """Search for the parameters whose out-of-fold scores have the lowest objective.

    Tree-structured Parzen estimation (Bergstra et al. 2011, *Algorithms for hyper-parameter optimization*). The
    defaults are the first trial, so the answer is never worse than they are. A trial worse than the median of the
    earlier ones after some of the folds is given up. Bounded by trials alone, the same plan gives the same answer.

    Parameters
    ----------
    candidate : Candidate
        The model family.
    lesson : Lesson
        Applications, folds and seed; its listener hears of each trial.
    budget : Budget
        How long to search.
    objective : callable
        From log-odds and targets of n applications to a number, lower being better. It must take any part of the folds.
    """
    defaults = candidate.defaults()
    if budget.trials == 0 or not candidate.tunable:
        return Tuning(defaults)
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=lesson.seed)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=5)
    study = optuna.create_study(direction="minimize", sampler=sampler, pruner=pruner)
    study.enqueue_trial(candidate.suggest(optuna.trial.FixedTrial(defaults)))
    for amount, minutes in ((1, None), (budget.trials - 1, budget.minutes)):
        # The defaults are tried however little time there is.
        study.optimize(
            lambda trial: _measure(candidate, lesson, objective, trial),
            n_trials=amount,
            timeout=None if minutes is None else minutes * 60.0,
            callbacks=[lambda study, trial: lesson.listen(_told(candidate, budget, study, trial.number))],
        )
    finished = [trial for trial in study.trials if trial.state is optuna.trial.TrialState.COMPLETE]
    trials = tuple(Trial(trial.number, {**defaults, **trial.params}, float(trial.values[0])) for trial in finished)
    return Tuning(min(trials, key=lambda trial: trial.objective).parameters, trials)


def _measure(candidate: Candidate, lesson: Lesson, objective: Objective, trial: optuna.Trial) -> float:
    import optuna

    parameters: Parameters = {**candidate.defaults(), **candidate.suggest(trial)}
    seen: list[NDArray[np.intp]] = []
    log_odds = np.empty(len(lesson.target))
    value = math.inf
    for fold, (rows, scores) in enumerate(fold_scores(candidate, lesson, parameters)):
        log_odds[rows] = scores
        seen.append(rows)
        known = np.concatenate(seen)
        value = float(objective(log_odds[known], lesson.target[known]))
        trial.report(value, fold)
        if fold + 1 < lesson.folds and trial.should_prune():
            raise optuna.TrialPruned
    return value


def _told(candidate: Candidate, budget: Budget, study: optuna.Study, number: int) -> Step:
    return Step(f"tuning {candidate.name}", number + 1, budget.trials, f"best {study.best_value:.5f}")
