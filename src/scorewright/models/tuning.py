"""The search for better parameters."""

from __future__ import annotations

import math
import sys
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import median
from threading import Event
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from scorewright.domain.progress import Step
from scorewright.errors import SettingsError, TrainingError
from scorewright.models.cores import cores
from scorewright.models.cross_validation import Lesson, PreparedFold, fold_scores, prepared_folds
from scorewright.models.objectives import AUC, Objective, scored
from scorewright.models.search import Attempt, Proposal, importances, plain, propose
from scorewright.models.studies import Journal, Store, identity, opened

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from scorewright.domain.evaluation import Trial, TrialState
    from scorewright.models.seam import Candidate, Parameters, ParameterValue

_FEWEST_TO_PRUNE = 5


@dataclass(frozen=True)
class Budget:
    """How long to search.

    Parameters
    ----------
    trials : int or None
        Most sets of parameters, the defaults included. 0: no search; None: as many as `minutes` let begin.
    minutes : float or None
        Nothing begins once the search has lasted this long, earlier parts of a resumed one included; the first batch
        is tried however little time there is. The clock then has its say in the result, not the seed alone.
    workers : int
        Trials at the same time. What is proposed depends on it, so it is part of what decides the result; the cores of
        the machine are shared out among the workers and do not.
    """

    trials: int | None = 0
    minutes: float | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        fewest = 1 if self.trials is None and self.minutes is None else 0
        timely = self.minutes is None or 0 < self.minutes < math.inf
        if fewest or (self.trials or 0) < 0 or not timely or self.workers < 1:
            raise SettingsError(
                "Tuning needs a number of trials of at least 0 or minutes above 0, and at least 1 worker.",
                f"{self.trials} trials, {self.minutes} minutes, {self.workers} workers",
                "Set trials = 0 to keep the defaults.",
            )

    def next_batch(self, attempts: Mapping[int, Attempt]) -> range:
        """Number the trials of the next batch, those of it that ended already included; empty when nothing is left."""
        most = math.inf if self.trials is None else self.trials
        known = sum(number < most for number in attempts)
        first = known // self.workers * self.workers
        late = self.minutes is not None and _elapsed(attempts) >= 60.0 * self.minutes
        if known == most or (attempts and late):
            return range(0)
        return range(first, int(min(first + self.workers, most)))


@dataclass(frozen=True)
class Tuning:
    """What a search found.

    Parameters
    ----------
    parameters : mapping
        The best parameters, defaults included, as they were used: what learning itself found, such as the number of
        trees, is filled in. Without a search, the defaults settled like this.
    trials : tuple of Trial
        All that was tried, by number.
    importances : mapping of str to float
        How much each parameter tells the best trials from the others; sums to 1. Empty when too little was tried.
    """

    parameters: Mapping[str, ParameterValue]
    trials: tuple[Trial, ...] = ()
    importances: Mapping[str, float] = field(default_factory=dict)


def tune(
    candidate: Candidate,
    lesson: Lesson,
    budget: Budget,
    objective: Objective = AUC,
    store: Store | None = None,
    folds: Sequence[PreparedFold] | None = None,
) -> Tuning:
    """Search for the parameters whose out-of-fold scores have the lowest objective.

    The defaults are the first trial, so the answer is never worse than they are. The others are proposed in batches of
    `budget.workers` by tree-structured Parzen estimation. A trial whose objective over the folds so far is above the
    median of the earlier batches' is given up (the median rule of Golovin et al. 2017, *Google Vizier*), once five have
    run to their end. One that cannot be learnt is recorded as failed, and the search goes on.

    Bounded by trials alone, the same lesson and budget give the same trials and the same answer, whether the search ran
    through or was killed and taken up again, and on however many cores. A longer budget goes on where a shorter one
    stopped.

    Parameters
    ----------
    candidate : Candidate
        The model family.
    lesson : Lesson
        Applications, folds and seed; its listener hears of each trial.
    budget : Budget
        How long to search.
    objective : Objective
        What is to be made small.
    store : Store, optional
        Where trials are kept as they end, and looked for before they are run.
    folds : sequence of PreparedFold, optional
        What `prepared_folds` gave for this candidate and lesson; made when needed where left out.

    Raises
    ------
    TrainingError
        Nothing that was tried could be learnt.
    SettingsError, OutputError
        The study is in use, damaged, or cannot be written.
    """
    search = _Search(candidate, lesson, budget, objective, tuple(folds) if folds is not None else None)
    if budget.trials == 0 or not candidate.tunable:
        return Tuning(search.settled(candidate.defaults()))
    with opened(store, identity(candidate, lesson, budget.workers, objective.name)) as journal:
        search.run(journal)
        most = math.inf if budget.trials is None else budget.trials
        found = [journal.attempts[number] for number in sorted(journal.attempts) if number < most]
    return Tuning(_best(candidate, found).parameters, tuple(each.trial for each in found), importances(found))


def _best(candidate: Candidate, attempts: Sequence[Attempt]) -> Attempt:
    complete = [attempt for attempt in attempts if attempt.state == "complete"]
    if complete:
        return min(complete, key=lambda attempt: (attempt.values[-1], attempt.number))
    raise TrainingError(
        f"At least one set of parameters of {candidate.name} must be learnable.",
        f"all {len(attempts)} failed, the first because: {attempts[0].reason}",
        "Check the features and the number of applications, or leave this candidate out.",
    )


def _elapsed(attempts: Mapping[int, Attempt]) -> float:
    return max((attempt.elapsed for attempt in attempts.values()), default=0.0)


def _bars(earlier: Sequence[Attempt], folds: int) -> list[float]:
    """Give, for each fold, the objective above which a trial is given up."""
    complete = [attempt.values for attempt in earlier if attempt.state == "complete"]
    if len(complete) < _FEWEST_TO_PRUNE:
        return [math.inf] * folds
    return [median(values[fold] for values in complete) for fold in range(folds)]


def _failures() -> tuple[type[Exception], ...]:
    """What odd parameters can make learning raise."""
    loaded = sys.modules.get("lightgbm")
    return (TrainingError, ArithmeticError, ValueError, *([loaded.basic.LightGBMError] if loaded else []))


def _told(attempt: Attempt) -> str:
    outcome = {"complete": f"{attempt.trial.objective:.5f}", "pruned": "given up", "failed": "failed"}[attempt.state]
    return f"trial {attempt.number}: {outcome}"


class _Search:
    """One search while it runs."""

    def __init__(
        self,
        candidate: Candidate,
        lesson: Lesson,
        budget: Budget,
        objective: Objective,
        folds: tuple[PreparedFold, ...] | None,
    ) -> None:
        self._candidate = candidate
        self._lesson = lesson
        self._budget = budget
        self._objective = objective
        self._given = folds
        self._threads = max(1, cores() // budget.workers)

    @cached_property
    def _folds(self) -> tuple[PreparedFold, ...]:
        return self._given if self._given is not None else prepared_folds(self._candidate, self._lesson)

    def run(self, journal: Journal) -> None:
        """Go on until the budget is spent; what ended is kept at once."""
        began = perf_counter() - _elapsed(journal.attempts)
        if journal.attempts:
            self._tell(journal, "taken up again")
        while numbers := self._budget.next_batch(journal.attempts):
            earlier = [journal.attempts[number] for number in range(numbers.start)]
            batch = propose(self._candidate, earlier, numbers, self._lesson.seed)
            left = [proposal for proposal in batch if proposal.number not in journal.attempts]
            with closing(self._measured(left, _bars(earlier, self._lesson.folds))) as measured:
                for attempt in measured:
                    journal.keep(replace(attempt, elapsed=perf_counter() - began))
                    self._tell(journal, _told(attempt))

    def _measured(self, proposals: Sequence[Proposal], bars: Sequence[float]) -> Generator[Attempt]:
        """Try a batch, as many at a time as there are workers and cores; give each as it ends."""
        _ = self._folds
        stop = Event()
        side_by_side = min(self._budget.workers, cores())
        if side_by_side == 1:
            yield from (self._measure(proposal, bars, stop) for proposal in proposals)
            return
        pool = ThreadPoolExecutor(side_by_side)
        try:
            tried = [pool.submit(self._measure, proposal, bars, stop) for proposal in proposals]
            yield from (future.result() for future in as_completed(tried))
        finally:
            # After an interruption, none of the workers begins another fold.
            stop.set()
            pool.shutdown(cancel_futures=True)

    def _measure(self, proposal: Proposal, bars: Sequence[float], stop: Event) -> Attempt:
        began = perf_counter()
        parameters, reason = proposal.parameters, ""
        state: TrialState = "complete"
        values: list[float] = []
        try:
            parameters = self.settled(proposal.parameters)
            for value, bar in zip(self._values(parameters), bars, strict=False):
                if stop.is_set():
                    raise CancelledError
                values.append(value)
                if value > bar and len(values) < self._lesson.folds:
                    state = "pruned"
                    break
        except _failures() as error:
            state, reason = "failed", str(error) or type(error).__name__
        return Attempt(proposal, parameters, tuple(values), state, perf_counter() - began, reason=reason)

    def settled(self, parameters: Parameters) -> Parameters:
        """Let learning find its part on the first fold, which is cheaper than on each."""
        first = self._folds[0].prepared
        return plain(self._candidate.settle(first, parameters, self._lesson.seed, self._threads))

    def _values(self, parameters: Parameters) -> Iterator[float]:
        """Give the objective of all the folds scored so far, fold after fold."""
        lesson = self._lesson
        known: list[NDArray[np.intp]] = []
        scores: list[NDArray[np.float64]] = []
        for rows, log_odds in fold_scores(self._candidate, self._folds, parameters, lesson.seed, self._threads):
            known.append(rows)
            scores.append(log_odds)
            of = scored(np.concatenate(known), np.concatenate(scores), lesson.target, lesson.fold_of_row)
            value = float(self._objective.function(of))
            if not math.isfinite(value):
                raise ArithmeticError(f"{self._objective.name} is {value}")
            yield value

    def _tell(self, journal: Journal, what: str) -> None:
        ended = journal.attempts.values()
        best = min((attempt.values[-1] for attempt in ended if attempt.state == "complete"), default=math.nan)
        task = f"tuning {self._candidate.name}"
        self._lesson.listen(Step(task, len(ended), self._budget.trials or len(ended), f"best {best:.5f}; {what}"))
