"""Curves, importances and comparisons as PNG pictures, in one style. The only home of Altair; works offline."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import vl_convert

from scorewright.domain.evaluation import CandidateRecord, Curve, Importance, Trial, TrialState
from scorewright.domain.training import TrainingRecord

_BLUE = "#1f5a8c"
_RED = "#b8412f"
_GREY = "#8a8f98"
_INK = "#22262b"
_WIDTH = 560
_HEIGHT = 380
_SIDE = 500
_STYLE: Mapping[str, Any] = {
    "background": "white",
    "font": "sans-serif",
    "view": {"stroke": None},
    "title": {"fontSize": 17, "color": _INK, "subtitleColor": _GREY, "subtitleFontSize": 12, "subtitlePadding": 5},
    "axis": {
        "labelColor": _INK,
        "titleColor": _INK,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 10,
        "labelFlush": False,
        "tickCount": 8,
        "gridColor": "#e6e8eb",
        "domainColor": "#b5bac1",
        "tickColor": "#b5bac1",
    },
}
_GRAMMAR = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
_POINTS = 400
_ROWS = 20
_SCALE = 2.0

_TITLES: Mapping[str, str] = {
    "roc": "ROC curve",
    "precision_recall": "Precision and recall",
    "cost": "Cost against threshold",
    "calibration": "Calibration",
}
_STATES: Mapping[TrialState, str] = {"complete": "all folds", "pruned": "given up after some folds"}
_TUNING_SHARE = "Share in telling the best trials from the others"
_SQUARE: Mapping[str, str] = {"roc": "by chance", "calibration": "perfect calibration"}


def candidate_pictures(candidate: CandidateRecord) -> dict[str, bytes]:
    """Return the pictures of one candidate as PNG bytes, by name: curves, importances, and how its tuning went."""
    pictures = {}
    for curve in candidate.curves:
        if _points(curve):
            pictures[curve.name] = curve_picture(curve, _subtitle(candidate, curve), candidate.threshold)
    if candidate.features:
        pictures["features"] = importance_picture(candidate.features, "What the model looks at", candidate.name)
    if candidate.raw_columns:
        pictures["raw_columns"] = importance_picture(candidate.raw_columns, "Which raw columns matter", candidate.name)
    if any(math.isfinite(trial.objective) for trial in candidate.trials):
        pictures["tuning_history"] = history_picture(candidate.trials, candidate.name)
    if candidate.importances:
        rows = [Importance(name, name, share, share) for name, share in candidate.importances.items()]
        title = "Which parameters matter"
        pictures["parameter_importance"] = importance_picture(rows, title, candidate.name, _TUNING_SHARE)
    return pictures


def curve_picture(curve: Curve, subtitle: str = "", threshold: float = math.nan) -> bytes:
    """Return a curve as PNG bytes.

    Curves named ``roc`` and ``calibration`` are drawn against their diagonal, and ``cost`` with the threshold in use;
    any other one as a plain line. Points that are not finite are left out.
    """
    layers = [*_diagonal(curve), _line(curve)]
    if curve.name == "calibration":
        layers.append(_line(curve).mark_point(color=_BLUE, filled=True, size=55, opacity=1))
    if curve.name == "cost" and math.isfinite(threshold):
        layers += _threshold(curve, threshold)
    title = _TITLES.get(curve.name, curve.name.replace("_", " ").capitalize())
    return _png(alt.layer(*layers), title, subtitle, _SIDE if curve.name in _SQUARE else _HEIGHT)


def history_picture(trials: Sequence[Trial], name: str) -> bytes:
    """Return the objective of each trial as a PNG, with the best so far; failed trials are counted in the subtitle."""
    shown = sorted((trial for trial in trials if math.isfinite(trial.objective)), key=lambda trial: trial.number)
    values = [{"x": trial.number, "y": trial.objective, "state": _STATES[trial.state]} for trial in shown]
    chart = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X("x:Q", title="Trial", axis=alt.Axis(tickMinStep=1, format="d")),
        y=alt.Y("y:Q", title="Objective (lower is better)", scale=alt.Scale(zero=False)),
    )
    colours = alt.Scale(domain=list(_STATES.values()), range=[_BLUE, _GREY])
    points = chart.mark_point(filled=True, size=55, opacity=0.9).encode(
        color=alt.Color("state:N", title=None, scale=colours, legend=alt.Legend(orient="top"))
    )
    best = alt.Chart(alt.Data(values=_best_so_far(shown))).mark_line(color=_BLUE, interpolate="step-after")
    failed = sum(trial.state == "failed" for trial in trials)
    told = f"{name}: {len(trials)} trials" + (f", {failed} failed" if failed else "")
    return _png(alt.layer(best.encode(x="x:Q", y="y:Q"), points), "Tuning", told, _HEIGHT)


def _best_so_far(trials: Sequence[Trial]) -> list[dict[str, float]]:
    """Lowest objective of the trials that ran to their end, at each of them and at the last of all."""
    complete = [trial for trial in trials if trial.state == "complete"]
    lowest = itertools.accumulate((trial.objective for trial in complete), min)
    points = [{"x": trial.number, "y": value} for trial, value in zip(complete, lowest, strict=True)]
    return [*points, *({"x": trials[-1].number, "y": point["y"]} for point in points[-1:])]


def importance_picture(
    rows: Sequence[Importance],
    title: str,
    subtitle: str = "",
    share: str = "Share of the mean absolute contribution",
) -> bytes:
    """Return the largest shares as a PNG of bars, the largest first; the rest is counted in the subtitle."""
    largest = sorted((row for row in rows if math.isfinite(row.share)), key=lambda row: -row.share)[:_ROWS]
    values = [{"name": row.label or row.name, "place": place, "share": row.share} for place, row in enumerate(largest)]
    names = [value["name"] for value in values]
    if len(set(names)) < len(names):
        values = [{**value, "name": row.name} for value, row in zip(values, largest, strict=True)]
    bars = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("name:N", sort=alt.EncodingSortField("place"), title=None, axis=alt.Axis(labelLimit=330, grid=False)),
        x=alt.X("share:Q", title=share, axis=alt.Axis(format=".0%", tickCount=5)),
    )
    text = bars.mark_text(align="left", dx=5, color=_INK, fontSize=11).encode(text=alt.Text("share:Q", format=".1%"))
    told = f"{subtitle}: the {len(largest)} largest of {len(rows)}" if len(rows) > len(largest) else subtitle
    chart = alt.layer(bars.mark_bar(color=_BLUE, height={"band": 0.7}), text)
    return _png(chart, title, told, 24 * max(len(largest), 3))


def comparison_picture(training: TrainingRecord) -> bytes:
    """Return the cost of each candidate on the test set as a PNG, cheapest first, with its interval if there is one."""
    costs = [_cost(candidate, training.winner) for candidate in training.candidates]
    values = sorted((row for row in costs if math.isfinite(row["cost"])), key=lambda row: row["cost"])
    chart = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("name:N", sort=[row["name"] for row in values], title=None, axis=alt.Axis(grid=False)),
        color=alt.condition("datum.winner", alt.value(_BLUE), alt.value(_GREY)),
    )
    scale = alt.Scale(zero=False, nice=True, padding=14)
    layers = [
        *_baselines(training.baselines),
        chart.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q", scale=scale), x2="high:Q"),
        chart.mark_point(filled=True, size=130, opacity=1).encode(
            x=alt.X("cost:Q", title="Cost per application", scale=scale)
        ),
        chart.mark_text(dy=-14, fontSize=12, fontWeight="bold").encode(
            x=alt.X("cost:Q", scale=scale), text=alt.Text("cost:Q", format=",.4~g")
        ),
    ]
    subtitle = "Test set; lower is better; bars are the bootstrap intervals"
    return _png(alt.layer(*layers), f"Cost of the candidates: {training.portfolio}", subtitle, 56 * max(len(values), 2))


def _subtitle(candidate: CandidateRecord, curve: Curve) -> str:
    auc = candidate.out_of_fold.metrics.get("auc", math.nan)
    told = curve.name == "roc" and math.isfinite(auc)
    return f"{candidate.name}: mean AUC of the folds {auc:.3f}" if told else candidate.name


def _cost(candidate: CandidateRecord, winner: str) -> dict[str, Any]:
    cost = candidate.test.metrics.get("cost", math.nan)
    interval = candidate.test.intervals.get("cost")
    low, high = (interval.low, interval.high) if interval else (cost, cost)
    return {"name": candidate.name, "cost": cost, "low": low, "high": high, "winner": candidate.name == winner}


def _baselines(baselines: Mapping[str, float]) -> list[alt.Chart]:
    values = [{"cost": cost, "told": name.replace("_", " ")} for name, cost in baselines.items() if math.isfinite(cost)]
    if not values:
        return []
    rules = alt.Chart(alt.Data(values=values)).encode(x="cost:Q")
    text = rules.mark_text(align="left", angle=270, dx=6, dy=-7, color=_RED, fontSize=11)
    return [
        rules.mark_rule(color=_RED, strokeDash=[5, 4]),
        text.encode(text="told:N", y=alt.value({"expr": "height"})),
    ]


def _line(curve: Curve) -> alt.Chart:
    values = [{"x": x, "y": y, "i": position} for position, (x, y) in enumerate(_points(curve))]
    across, up = _scales(curve)
    line: alt.Chart = alt.Chart(alt.Data(values=values)).mark_line(color=_BLUE, strokeWidth=2.4)
    return line.encode(
        x=alt.X("x:Q", title=curve.x_label, scale=across),
        y=alt.Y("y:Q", title=curve.y_label, scale=up),
        order="i:Q",
    )


def _scales(curve: Curve) -> tuple[alt.Scale, alt.Scale]:
    if curve.name in _SQUARE:
        both = alt.Scale(domain=[0.0, _top(curve)])
        return both, both
    if curve.name == "precision_recall":
        return alt.Scale(domain=[0, 1]), alt.Scale(domain=[0, 1])
    return alt.Scale(zero=False), alt.Scale(zero=True, nice=True)


def _diagonal(curve: Curve) -> list[alt.Chart]:
    if curve.name not in _SQUARE:
        return []
    top = _top(curve)
    line = alt.Chart(alt.Data(values=[{"x": 0.0, "y": 0.0}, {"x": top, "y": top}])).encode(x="x:Q", y="y:Q")
    told = alt.Chart(alt.Data(values=[{"x": 0.985 * top, "y": 0.02 * top, "told": f"- - {_SQUARE[curve.name]}"}]))
    return [
        line.mark_line(color=_GREY, strokeDash=[5, 4], strokeWidth=1.5),
        told.mark_text(align="right", color=_GREY, fontSize=12).encode(x="x:Q", y="y:Q", text="told:N"),
    ]


def _top(curve: Curve) -> float:
    """Upper end of both axes: 1 for a ROC curve; for calibration, the largest point rounded up to a twentieth."""
    if curve.name == "roc":
        return 1.0
    return math.ceil(20 * max(max(point) for point in _points(curve)) + 1e-9) / 20


def _threshold(curve: Curve, threshold: float) -> list[alt.Chart]:
    told = [{"x": threshold, "told": f"threshold in use: {threshold:.4g}"}]
    left, right = curve.x[0], curve.x[-1]
    before = threshold > left + 0.7 * (right - left)
    rule = alt.Chart(alt.Data(values=told)).encode(x="x:Q")
    text = rule.mark_text(align="right" if before else "left", dx=-7 if before else 7, dy=10, color=_RED, fontSize=12)
    return [
        rule.mark_rule(color=_RED, strokeDash=[5, 4], strokeWidth=1.5),
        text.encode(text="told:N", y=alt.value(0)),
    ]


def _points(curve: Curve) -> list[tuple[float, float]]:
    """Finite points, thinned to what a picture can show; the first and the last stay."""
    finite = [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if math.isfinite(x) and math.isfinite(y)]
    if len(finite) <= _POINTS:
        return finite
    step = (len(finite) - 1) / (_POINTS - 1)
    return [finite[round(position * step)] for position in range(_POINTS)]


def _png(chart: alt.LayerChart | alt.FacetChart, title: str, subtitle: str, height: int) -> bytes:
    shown = chart.properties(
        width=_SIDE if height == _SIDE else _WIDTH,
        height=height,
        title=alt.TitleParams(title, subtitle=subtitle, anchor="start", frame="group", offset=14),
        padding=18,
    )
    # The specification comes from this file alone: validating it again would take longer than drawing it.
    specification = shown.configure(**_STYLE).to_dict(validate=False)
    png: bytes = vl_convert.vegalite_to_png(specification, vl_version=_GRAMMAR, scale=_SCALE)
    return png
