"""What is measured of a candidate once it is validated and fitted; the test set is opened here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.bootstrap import Resampling, evaluate_with_intervals
from scorewright.decision.costs import cost_per_application
from scorewright.decision.curves import all_curves
from scorewright.decision.declared import cases_of, loans_of, of_rows
from scorewright.decision.metrics import evaluate_folds
from scorewright.decision.money import matrix_as_loans
from scorewright.decision.rules import Books, compare_thresholds_with_loans
from scorewright.decision.segments import segment_measures
from scorewright.decision.sensitivity import Amounts, sweep_cost_ratio, sweep_lgd
from scorewright.decision.stability import threshold_choice
from scorewright.decision.strategy import Prices, tally
from scorewright.domain.evaluation import CandidateRecord, Evaluation, RuleComparison, Segment, SweepPoint
from scorewright.explain.held_out import evenly
from scorewright.explain.importance import by_raw_column, global_importance
from scorewright.flows.contest import Entrant, Ground
from scorewright.flows.insight import raw_labels
from scorewright.models.cross_validation import Fitted

#: Rows on which mean absolute contributions are measured: enough for stable ranks, cheap for deep forests.
IMPORTANCE_ROWS = 300

#: Draws of the bootstraps that describe choices; those of the test set keep their own default.
_RESAMPLES = 200


def measured(entrant: Entrant, fitted: Fitted, ground: Ground) -> CandidateRecord:
    """Measure a candidate out of fold on the applications of training, and once on the test set."""
    first, policy, target = entrant.first, entrant.policy, ground.target
    seed, costs = ground.plan.seed, policy.costs
    sampled = ground.final.matrix.take(evenly(len(target), IMPORTANCE_ROWS))
    contributions = fitted.model.contributions(sampled.values)
    resampling = Resampling(_RESAMPLES, seed=seed)
    test, outcomes = _on_test_set(entrant, fitted, ground)
    return CandidateRecord(
        name=entrant.candidate.name,
        parameters=dict(first.parameters),
        out_of_fold=_out_of_fold(entrant, target),
        test=test,
        threshold=policy.threshold,
        seconds=0.0,
        curves=all_curves(first.pd, target, costs),
        features=global_importance(contributions, sampled.columns),
        raw_columns=by_raw_column(contributions, sampled.columns, raw_labels(ground.portfolio)),
        trials=entrant.tuning.trials,
        importances=entrant.tuning.importances,
        calibration=first.calibration,
        calibrations=first.calibrations,
        segments=_segments(entrant, ground),
        threshold_choice=threshold_choice(first.pd, target, matrix_as_loans(costs, len(target)), resampling),
        rules=_rules(entrant, ground, resampling),
        sweeps=_sweeps(entrant, ground),
        outcomes=outcomes,
    )


def _on_test_set(entrant: Entrant, fitted: Fitted, ground: Ground) -> tuple[Evaluation, Mapping[str, float]]:
    """Measure the PDs at the threshold, and what the whole policy would have done."""
    dataset, policy = ground.dataset, entrant.policy
    target = dataset.target[dataset.test_rows]
    values = dataset.matrix.values[np.ix_(dataset.test_rows, ground.selection.kept)]
    pd, interval = fitted.pd(values), fitted.interval(values)
    evaluation = evaluate_with_intervals(pd, target, policy.threshold, policy.costs, seed=ground.plan.seed)
    known = of_rows(dataset.particulars, dataset.test_rows)
    terms = ground.portfolio.money
    prices = Prices(policy.costs, loans_of(terms, known) if terms else None, terms.referral_cost if terms else 0.0)
    counted = tally(policy.decide(cases_of(policy, pd, known, interval)), target, prices)
    found = {
        "approved": counted.approved / counted.applications,
        "referred": counted.referred / counted.applications,
        "refused": counted.refused / counted.applications,
        "bad_rate": counted.bad_rate,
        "cost": counted.cost,
        "money": counted.money,
    }
    return evaluation, {name: float(value) for name, value in found.items() if value is not None}


def _out_of_fold(entrant: Entrant, target: NDArray[np.int8]) -> Evaluation:
    """Measure the out-of-fold PDs at the chosen threshold, and price the one that calibration alone would give."""
    first, threshold, costs = entrant.first, entrant.policy.threshold, entrant.policy.costs
    chosen = evaluate_folds(first.pd, target, first.fold_of_row, threshold, costs)
    closed_form = cost_per_application(target, first.pd >= costs.closed_form_threshold, costs)
    return Evaluation({**chosen.metrics, "cost_closed_form": closed_form})


def _segments(entrant: Entrant, ground: Ground) -> tuple[Segment, ...]:
    rows = ground.dataset.train_rows
    columns = {name: column.gather(rows) for name, column in ground.dataset.particulars.segments.items()}
    first, refused = entrant.first, entrant.first.pd >= entrant.policy.threshold
    return segment_measures(columns, first.pd, ground.target, refused, entrant.policy.costs, first.fold_of_row)


def _rules(entrant: Entrant, ground: Ground, resampling: Resampling) -> RuleComparison | None:
    """Put threshold and per-loan rule side by side, where the portfolio states money."""
    if ground.loans is None:
        return None
    books = Books(ground.target, entrant.policy.costs, ground.loans)
    return compare_thresholds_with_loans(entrant.first.pd, entrant.policy.threshold, books, resampling)


def _sweeps(entrant: Entrant, ground: Ground) -> tuple[SweepPoint, ...]:
    pd, target, terms, known = entrant.first.pd, ground.target, ground.portfolio.money, ground.known
    ratios = sweep_cost_ratio(pd, target, entrant.policy.costs)
    if terms is None or known.exposure is None:
        return ratios
    return (*ratios, *sweep_lgd(pd, target, terms, Amounts(known.exposure, known.annuity)))
