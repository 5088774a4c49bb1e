"""The contest: every candidate on the same folds, none of them near the test set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.cases import Decided
from scorewright.decision.comparison import (
    Choice,
    cross_fitted_threshold_costs,
    mean_by_fold,
    simplest_within_noise,
)
from scorewright.decision.declared import cases_of, declared_policy, loans_of, of_rows, with_declared_referral
from scorewright.decision.money import loan_rule, realised_money, take
from scorewright.decision.policy import Policy
from scorewright.decision.savings import checked_known
from scorewright.decision.threshold import best_threshold
from scorewright.domain.costs import LoanCosts
from scorewright.domain.progress import Listener, Step
from scorewright.errors import SettingsError
from scorewright.features.expressions import Particulars
from scorewright.flows.dataset import Dataset
from scorewright.flows.plan import Plan
from scorewright.models.candidates import CANDIDATES
from scorewright.models.cores import cores, side_by_side
from scorewright.models.cross_validation import Lesson, OutOfFold, cross_validate, prepared_folds
from scorewright.models.folds import stratified_folds
from scorewright.models.objectives import OBJECTIVES, Objective, Scored
from scorewright.models.seam import Candidate
from scorewright.models.selection import Selection, select_features, stable_selection
from scorewright.models.studies import Store
from scorewright.models.tuning import Budget, Tuning, tune
from scorewright.tables.portfolio import Portfolio


@dataclass(frozen=True)
class Ground:
    """What all candidates of a training share.

    Parameters
    ----------
    portfolio : Portfolio
        The lending book.
    dataset : Dataset
        All labelled applications, split.
    origin : str
        Fingerprint of the tables.
    plan : Plan
        How to train.
    lessons : tuple of Lesson
        The applications of training in the folds of each repeat, with the features that each fold chose for itself.
    selection : Selection
        The features that most folds chose: those of the sealed models.
    """

    portfolio: Portfolio
    dataset: Dataset
    origin: str
    plan: Plan
    lessons: tuple[Lesson, ...]
    selection: Selection

    @property
    def target(self) -> NDArray[np.int8]:
        """Outcome of each application of training, shape (n,)."""
        return self.lessons[0].target

    @property
    def rows(self) -> tuple[int, int]:
        """Number of applications of training and of the locked test set."""
        return len(self.dataset.train_rows), len(self.dataset.test_rows)

    @property
    def final(self) -> Lesson:
        """All applications of training, with the features of the sealed models alone."""
        first = self.lessons[0]
        return replace(first, matrix=first.matrix.select(self.selection.kept), kept=())

    @cached_property
    def known(self) -> Particulars:
        """What is known of the applications of training beside their features."""
        return of_rows(self.dataset.particulars, self.dataset.train_rows)

    @cached_property
    def loans(self) -> LoanCosts | None:
        """What each loan of training costs when it is decided wrongly; None where the portfolio states no money.

        Raises
        ------
        AmountsError
            An amount is impossible, or none is known.
        """
        terms = self.portfolio.money
        if terms is None:
            return None
        loans = loans_of(terms, self.known)
        checked_known(loans)
        return loans


@dataclass(frozen=True)
class Entrant:
    """One candidate: how it was tuned, its out-of-fold scores in every repeat, and the policy that follows.

    Parameters
    ----------
    policy : Policy
        Set on the PDs of the first repeat.
    decided : Decided
        What it says of the same applications.
    unmet : SettingsError or None
        Why the candidate cannot keep what the portfolio declares, and therefore cannot win: a referral of the few
        closest to the threshold where everybody has the same PD (`policy` then refers nobody), or a column declared
        monotone that it does not follow.
    """

    candidate: Candidate
    tuning: Tuning
    validated: tuple[OutOfFold, ...]
    policy: Policy
    decided: Decided
    unmet: SettingsError | None = None

    @property
    def first(self) -> OutOfFold:
        """Scores of the first repeat: those that everything is chosen on."""
        return self.validated[0]


def lay_out(portfolio: Portfolio, dataset: Dataset, origin: str, plan: Plan, listen: Listener) -> Ground:
    """Deal the applications of training into folds, once per repeat, and choose features inside each fold.

    Raises
    ------
    TrainingError
        There are too few applications of one outcome.
    """
    rows = dataset.train_rows
    matrix, target = dataset.matrix.take(rows), dataset.target[rows]
    dealt = [stratified_folds(target, plan.seed + repeat, plan.folds) for repeat in range(plan.repeats)]
    lessons = [Lesson(matrix, target, fold_of_row, plan.seed, listen) for fold_of_row in dealt]
    if not plan.select:
        everything = Selection(np.arange(len(matrix.columns), dtype=np.intp), ())
        return Ground(portfolio, dataset, origin, plan, tuple(lessons), everything)
    chosen = [_selections(lesson) for lesson in lessons]
    names = [column.name for column in matrix.columns]
    stable = stable_selection([selection for of_repeat in chosen for selection in of_repeat], names)
    kept = [tuple(selection.kept for selection in of_repeat) for of_repeat in chosen]
    narrowed = tuple(replace(lesson, kept=own) for lesson, own in zip(lessons, kept, strict=True))
    return Ground(portfolio, dataset, origin, plan, narrowed, stable)


def _selections(lesson: Lesson) -> list[Selection]:
    def selected(fold: int) -> Selection:
        learn = np.flatnonzero(lesson.fold_of_row != fold)
        return select_features(lesson.matrix.take(learn), lesson.target[learn], lesson.seed)

    found = []
    for selection in side_by_side(selected, range(lesson.folds), cores()):
        found.append(selection)
        lesson.listen(Step("selecting features", len(found), lesson.folds, f"{len(selection.kept)} kept"))
    return found


def enter(candidate: Candidate, ground: Ground, studies: Path | None) -> Entrant:
    """Tune a candidate on the first repeat's folds, and score every application out of fold in every repeat.

    Raises
    ------
    TrainingError
        Nothing can be learnt.
    SettingsError
        Its study cannot be resumed.
    """
    plan, first = ground.plan, ground.lessons[0]
    folds = prepared_folds(candidate, first)
    budget = Budget(plan.trials, plan.minutes, plan.workers)
    store = Store(studies, _stakes(ground)) if studies else None
    tuning = tune(candidate, first, budget, _objective(ground), store, folds)
    validated = [cross_validate(candidate, first, tuning.parameters, folds, cores())]
    del folds  # the other repeats need the memory
    validated += [
        cross_validate(candidate, lesson, tuning.parameters, threads=cores()) for lesson in ground.lessons[1:]
    ]
    return _decided(candidate, ground, tuning, tuple(validated))


def _decided(candidate: Candidate, ground: Ground, tuning: Tuning, validated: tuple[OutOfFold, ...]) -> Entrant:
    return Entrant(candidate, tuning, validated, *settled(ground, validated[0]))


def settled(ground: Ground, first: OutOfFold) -> tuple[Policy, Decided, SettingsError | None]:
    """Set the policy that the portfolio asks for on out-of-fold PDs: it, what it says of them, and what is unmet."""
    portfolio = ground.portfolio
    policy = declared_policy(portfolio, best_threshold(first.pd, ground.target, portfolio.costs).value)
    cases = cases_of(policy, first.pd, ground.known, (first.low, first.high))
    unmet = None
    try:
        policy = with_declared_referral(policy, portfolio.policy, cases)
    except SettingsError as error:
        unmet = error
    return policy, policy.decide(cases), unmet


def choose(entrants: Mapping[str, Entrant], ground: Ground) -> Choice:
    """Choose the simplest candidate within noise of the one that loses the least money.

    Raises
    ------
    SettingsError
        None of them can keep what the portfolio declares.
    """
    able = {name: entrant for name, entrant in entrants.items() if entrant.unmet is None}
    if not able:
        raise next(entrant.unmet for entrant in entrants.values() if entrant.unmet is not None)
    order = [known.name for known in CANDIDATES]
    costs = {name: np.concatenate(_fold_costs(entrant, ground)) for name, entrant in able.items()}
    return simplest_within_noise(order, costs, 1.0 / ground.plan.folds)


def _fold_costs(entrant: Entrant, ground: Ground) -> list[NDArray[np.float64]]:
    """Cost per application in each fold of each repeat, by thresholds that were chosen without the fold."""
    target, costs, loans = ground.target, ground.portfolio.costs, ground.loans
    if entrant.policy.rule == "threshold" or loans is None:
        return [cross_fitted_threshold_costs(one.pd, target, one.fold_of_row, costs) for one in entrant.validated]
    refused = [loan_rule(one.pd, loans, entrant.policy.threshold) for one in entrant.validated]
    return [
        mean_by_fold(realised_money(target, decisions, loans), one.fold_of_row)
        for decisions, one in zip(refused, entrant.validated, strict=True)
    ]


def _objective(ground: Ground) -> Objective:
    wanted = ground.portfolio.objective
    return OBJECTIVES.get(wanted) or Objective(wanted, lambda of: _cost(ground, of))


def _cost(ground: Ground, of: Scored) -> float:
    """Lowest cost per application of the folds scored so far; in money where money decides."""
    costs = ground.portfolio.costs
    if ground.portfolio.policy.rule == "money" and ground.loans is not None:
        loans = take(ground.loans, of.rows)
        refused = loan_rule(of.pd, loans, costs.closed_form_threshold)
        return float(np.nanmean(realised_money(of.target, refused, loans)))
    return best_threshold(of.pd, of.target, costs).cost


def _stakes(ground: Ground) -> dict[str, object]:
    """What decides a study's result beside the lesson and the candidate: what the objective counts in."""
    portfolio = ground.portfolio
    if portfolio.objective != "cost":
        return {}
    stated = {"costs": repr(portfolio.costs), "money": repr(portfolio.money), "rule": portfolio.policy.rule}
    return {**stated, "data": ground.origin}
