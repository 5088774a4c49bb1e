"""Curves of one candidate: ROC, precision and recall, cost, calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping

import altair as alt

from scorewright.domain.evaluation import Curve
from scorewright.report.charts.style import BLUE, GREY, RED, Chart

_POINTS = 400
_TITLES: Mapping[str, str] = {
    "roc": "ROC curve",
    "precision_recall": "Precision and recall",
    "cost": "Cost against threshold",
    "calibration": "Calibration",
}
_SQUARE: Mapping[str, str] = {"roc": "by chance", "calibration": "perfect calibration"}


def curve_chart(curve: Curve, subtitle: str = "", threshold: float = math.nan) -> Chart:
    """Return a curve as a chart.

    Curves named ``roc`` and ``calibration`` are drawn against their diagonal, and ``cost`` with the threshold in use;
    any other one as a plain line. Points that are not finite are left out.
    """
    layers = [*_diagonal(curve), _line(curve)]
    if curve.name == "calibration":
        layers.append(_line(curve).mark_point(color=BLUE, filled=True, size=55, opacity=1))
    if curve.name == "cost" and math.isfinite(threshold):
        layers += _threshold(curve, threshold)
    title = _TITLES.get(curve.name, curve.name.replace("_", " ").capitalize())
    return Chart(alt.layer(*layers), title, subtitle, square=curve.name in _SQUARE)


def shown_points(curve: Curve) -> list[tuple[float, float]]:
    """Return the finite points of a curve, thinned to what a chart can show; the first and the last stay."""
    finite = [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if math.isfinite(x) and math.isfinite(y)]
    if len(finite) <= _POINTS:
        return finite
    step = (len(finite) - 1) / (_POINTS - 1)
    return [finite[round(position * step)] for position in range(_POINTS)]


def _line(curve: Curve) -> alt.Chart:
    points = shown_points(curve)
    values = [{"x": _short(x), "y": _short(y), "i": position} for position, (x, y) in enumerate(points)]
    across, up = _scales(curve)
    line: alt.Chart = alt.Chart(alt.Data(values=values)).mark_line(color=BLUE, strokeWidth=2.4)
    return line.encode(
        x=alt.X("x:Q", title=curve.x_label, scale=across),
        y=alt.Y("y:Q", title=curve.y_label, scale=up),
        order="i:Q",
    )


def _short(value: float) -> float:
    """Keep the digits that can be seen: a page carries every one of them."""
    return float(f"{value:.6g}")


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
        line.mark_line(color=GREY, strokeDash=[5, 4], strokeWidth=1.5),
        told.mark_text(align="right", color=GREY, fontSize=12).encode(x="x:Q", y="y:Q", text="told:N"),
    ]


def _top(curve: Curve) -> float:
    """Upper end of both axes: 1 for a ROC curve; for calibration, the largest point rounded up to a twentieth."""
    if curve.name == "roc":
        return 1.0
    return math.ceil(20 * max(max(point) for point in shown_points(curve)) + 1e-9) / 20


def _threshold(curve: Curve, threshold: float) -> list[alt.Chart]:
    told = [{"x": threshold, "told": f"threshold in use: {threshold:.4g}"}]
    left, right = curve.x[0], curve.x[-1]
    before = threshold > left + 0.7 * (right - left)
    rule = alt.Chart(alt.Data(values=told)).encode(x="x:Q")
    text = rule.mark_text(align="right" if before else "left", dx=-7 if before else 7, dy=10, color=RED, fontSize=12)
    return [
        rule.mark_rule(color=RED, strokeDash=[5, 4], strokeWidth=1.5),
        text.encode(text="told:N", y=alt.value(0)),
    ]
