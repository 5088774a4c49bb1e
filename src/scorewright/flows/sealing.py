"""What of a candidate goes into its bundle."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version

from scorewright.bundle.contents import Contents, Provenance
from scorewright.domain.evaluation import CandidateRecord
from scorewright.flows.contest import Entrant, Ground
from scorewright.models.cross_validation import Fitted
from scorewright.monitor.profile import build_profile
from scorewright.report.card import write_card
from scorewright.report.gathered import Looked

#: Libraries whose version can change a bit of the result.
_LIBRARIES = ("scorewright", "polars", "numpy", "lightgbm", "scikit-learn", "sqlglot")

#: What a bundle tells of the plan: what decided the result.
_PLANNED = ("folds", "repeats", "test_share", "trials", "minutes", "workers", "select")


def contents_of(entrant: Entrant, fitted: Fitted, ground: Ground, record: CandidateRecord, looked: Looked) -> Contents:
    """Gather a bundle's contents. Which other candidates there were has no part in it.

    Parameters
    ----------
    looked : Looked
        Findings and fairness, for the card.
    """
    dataset, plan, learnt = ground.dataset, ground.plan, ground.final.matrix
    versions = {name: version(name) for name in _LIBRARIES}
    metrics = {
        "out_of_fold": asdict(record.out_of_fold),
        "test": asdict(record.test),
        "parameters": dict(record.parameters),
        "calibration": entrant.first.calibration,
        "plan": {name: getattr(plan, name) for name in _PLANNED},
    }
    return Contents(
        provenance=Provenance(entrant.candidate.name, ground.origin, plan.seed, versions),
        portfolio=ground.portfolio,
        contract=dataset.contract,
        columns=learnt.columns,
        model=fitted.model,
        calibration=fitted.calibration,
        policy=entrant.policy,
        profile=build_profile(learnt, entrant.first.pd, entrant.decided.refused, entrant.decided.referred),
        metrics=metrics,
        intervals=fitted.intervals,
        card=write_card(ground.portfolio, record, entrant.policy, ground.rows, ground.selection.dropped, looked),
    )
