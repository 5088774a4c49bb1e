"""How the candidate won: comparison, tuning, calibration."""

from __future__ import annotations

import math

from scorewright.domain.evaluation import CandidateRecord, Curve, Importance
from scorewright.report.charts.comparison import comparison_chart
from scorewright.report.charts.curves import curve_chart, shown_points
from scorewright.report.charts.importances import importance_chart
from scorewright.report.charts.tuning import history_chart
from scorewright.report.figures import Figure, figures, nothing, some
from scorewright.report.gathered import Report
from scorewright.report.markup import Html, paragraphs, table, together
from scorewright.report.numbers import fixed, percent, plain, settings, signed, span, whole, with_span
from scorewright.report.parts.opening import measures
from scorewright.report.words import Words


def candidates(report: Report, say: Words) -> Html:
    """Return all candidates with their intervals, why one won, and its curves."""
    record = report.record
    ranked = sorted(record.candidates, key=lambda each: each.test.metrics.get("cost", math.inf))
    rows = [_candidate(each, say, each.name == report.model.name) for each in ranked]
    compared = table(say("candidates.caption"), say.each("candidates.header"), rows)
    drawn = [_compared(report, say, rows)] if _priced(record.candidates) else []
    curves = [curve_figure(report, say, curve) for curve in curves_of(report, "roc", "precision_recall")]
    told = paragraphs(record.reason, say("candidates.told"))
    return together([told, compared, _differences(report, say), figures(say, [*drawn, *curves]), measures(report, say)])


def _candidate(each: CandidateRecord, say: Words, sealed: bool) -> tuple[str, ...]:
    return (
        say("candidates.sealed", name=each.name) if sealed else each.name,
        fixed(each.out_of_fold.metrics.get("auc")),
        with_span(each.test, "auc"),
        with_span(each.test, "cost"),
        fixed(each.threshold),
        each.calibration,
        whole(each.seconds),
    )


def _priced(records: tuple[CandidateRecord, ...]) -> bool:
    return any(math.isfinite(each.test.metrics.get("cost", math.nan)) for each in records)


def _compared(report: Report, say: Words, rows: list[tuple[str, ...]]) -> Figure:
    costs = {each.name: each.test.metrics.get("cost", math.nan) for each in report.record.candidates}
    best = min(costs, key=lambda name: costs[name] if math.isfinite(costs[name]) else math.inf)
    says = say("candidates.says", best=best, cost=plain(costs[best]), count=str(len(costs)))
    numbers = [(row[0], row[3]) for row in rows]
    header = [say.each("candidates.header")[place] for place in (0, 3)]
    return Figure("comparison", comparison_chart(report.record), say("candidates.cost"), says, header, numbers)


def _differences(report: Report, say: Words) -> Html:
    rows = [
        (
            say("candidates.minus", first=each.candidate, second=each.against),
            each.metric,
            signed(each.difference.estimate),
            span(each.difference),
        )
        for each in report.record.comparisons
    ]
    return table(say("candidates.differences"), say.each("candidates.differences_header"), rows) if rows else Html()


def curves_of(report: Report, *names: str) -> list[Curve]:
    """Return those of the sealed model's curves that have something to draw."""
    return [curve for name in names for curve in report.model.curves if curve.name == name and shown_points(curve)]


def curve_figure(report: Report, say: Words, curve: Curve) -> Figure:
    """Return one curve of the sealed model with what is to be seen in it."""
    points = shown_points(curve)
    rows = [(plain(x), plain(y)) for x, y in some(points)]
    auc = plain(report.model.out_of_fold.metrics.get("auc"), ".3f")
    low = min(points, key=lambda point: point[1])
    gap = max((abs(x - y) for x, y in points), default=math.nan)
    values = {"auc": auc, "threshold": fixed(report.model.threshold), "at": plain(low[0]), "least": plain(low[1])}
    says = say(f"curves.{curve.name}", **values, gap=percent(gap))
    chart = curve_chart(curve, threshold=report.model.threshold)
    return Figure(curve.name.replace("_", "-"), chart, chart.title + ".", says, (curve.x_label, curve.y_label), rows)


def tuning(report: Report, say: Words) -> Html:
    """Return how the search went, and what it found."""
    model = report.model
    parameters = table(say("tuning.caption"), say.each("tuning.header"), settings(model.parameters))
    finite = [trial for trial in model.trials if math.isfinite(trial.objective)]
    if not finite:
        return together([nothing(say, "tuning.absent"), parameters])
    best = min(finite, key=lambda trial: trial.objective)
    states = [trial.state for trial in model.trials]
    told = say(
        "tuning.told", trials=str(len(states)), pruned=str(states.count("pruned")), failed=str(states.count("failed"))
    )
    says = say("tuning.says", best=plain(best.objective), number=str(best.number))
    rows = [(str(trial.number), plain(trial.objective), trial.state) for trial in some(finite)]
    history = Figure(
        "tuning", history_chart(model.trials, model.name), say("tuning.history"), says, say.each("tuning.trials"), rows
    )
    return together([paragraphs(told), figures(say, [history, *_parameters(model, say)]), parameters])


def _parameters(model: CandidateRecord, say: Words) -> list[Figure]:
    ranked = sorted(model.importances.items(), key=lambda item: -item[1])
    if not ranked:
        return []
    rows = [Importance(name, name, share, share) for name, share in ranked]
    chart = importance_chart(rows, say("tuning.parameters"), share=say("tuning.share"))
    says = say("tuning.parameters_says", name=ranked[0][0], share=percent(ranked[0][1]))
    shown = [(name, percent(share)) for name, share in ranked]
    return [Figure("parameters", chart, say("tuning.parameters"), says, say.each("tuning.parameters_header"), shown)]


def calibration(report: Report, say: Words) -> Html:
    """Return whether PDs mean what they say, and which way of calibrating was sealed."""
    model = report.model
    told = say(
        "calibration.none" if model.calibration == "none" else "calibration.told",
        kind=model.calibration,
        ece=with_span(model.test, "ece"),
    )
    drawn = [curve_figure(report, say, curve) for curve in curves_of(report, "calibration")]
    rows = [
        (
            say("candidates.sealed", name=each.kind) if each.kind == model.calibration else each.kind,
            *(f"{fixed(measure.estimate)} ({span(measure)})" for measure in (each.log_loss, each.brier, each.ece)),
            say("calibration.yes") if each.eligible else say("calibration.no"),
        )
        for each in model.calibrations
    ]
    compared = table(say("calibration.caption"), say.each("calibration.header"), rows) if rows else Html()
    return together([paragraphs(told), figures(say, drawn), compared])
