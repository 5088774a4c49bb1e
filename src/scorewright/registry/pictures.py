"""Which charts a registry keeps, as PNG pictures by name."""

from __future__ import annotations

import math

from scorewright.domain.evaluation import CandidateRecord, Curve, Importance
from scorewright.domain.explanations import Insight
from scorewright.domain.training import TrainingRecord
from scorewright.report.charts import Chart, picture
from scorewright.report.charts.comparison import comparison_chart
from scorewright.report.charts.curves import curve_chart, shown_points
from scorewright.report.charts.effects import beeswarm_chart, dependence_chart
from scorewright.report.charts.importances import importance_chart, stability_chart
from scorewright.report.charts.tuning import history_chart
from scorewright.report.gathered import ordered_features

_TUNING_SHARE = "Share in telling the best trials from the others"


def candidate_pictures(candidate: CandidateRecord) -> dict[str, bytes]:
    """Return the pictures of one candidate as PNG bytes, by name: curves, importances, and how its tuning went."""
    charts = {
        curve.name: curve_chart(curve, _subtitle(candidate, curve), candidate.threshold)
        for curve in candidate.curves
        if shown_points(curve)
    }
    if candidate.features:
        charts["features"] = importance_chart(candidate.features, "What the model looks at", candidate.name)
    if candidate.raw_columns:
        charts["raw_columns"] = importance_chart(candidate.raw_columns, "Which raw columns matter", candidate.name)
    if any(math.isfinite(trial.objective) for trial in candidate.trials):
        charts["tuning_history"] = history_chart(candidate.trials, candidate.name)
    if candidate.importances:
        rows = [Importance(name, name, share, share) for name, share in candidate.importances.items()]
        title = "Which parameters matter"
        charts["parameter_importance"] = importance_chart(rows, title, candidate.name, _TUNING_SHARE)
    return _drawn(charts)


def insight_pictures(insight: Insight) -> dict[str, bytes]:
    """Return the pictures of what moves a model: beeswarm, stability of the ranks, and dependence by feature."""
    charts: dict[str, Chart] = {}
    if insight.swarms:
        charts["beeswarm"] = beeswarm_chart(insight.swarms)
    if insight.features:
        charts["stability"] = stability_chart(insight)
    ordered = ordered_features(insight)
    for place, each in enumerate(insight.dependences, start=1):
        charts[f"dependence_{place:02d}"] = dependence_chart(each, each.name in ordered)
    return _drawn(charts)


def comparison_picture(training: TrainingRecord) -> bytes:
    """Return the cost of each candidate on the test set as a PNG, cheapest first, with its interval if there is one."""
    return picture(comparison_chart(training))


def _drawn(charts: dict[str, Chart]) -> dict[str, bytes]:
    return {name: picture(chart) for name, chart in charts.items()}


def _subtitle(candidate: CandidateRecord, curve: Curve) -> str:
    auc = candidate.out_of_fold.metrics.get("auc", math.nan)
    told = curve.name == "roc" and math.isfinite(auc)
    return f"{candidate.name}: mean AUC of the folds {auc:.3f}" if told else candidate.name
