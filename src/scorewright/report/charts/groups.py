"""Groups of applicants side by side."""

from __future__ import annotations

from typing import Any

import altair as alt

from scorewright.domain.explanations import Fairness, Group
from scorewright.report.charts.style import BLUE, RED, Chart

#: The four-fifths rule of the US Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4(D).
FOUR_FIFTHS = 0.8
_GROUPS = 20


def ratios_chart(fairness: Fairness) -> Chart:
    """Return each group's approval rate over the best treated group's, with intervals and a line at four fifths."""
    groups = [group for group in fairness.groups if group.approval_ratio is not None][:_GROUPS]
    values = [_ratio(group) for group in groups]
    chart = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("name:N", sort=[row["name"] for row in values], title=None, axis=alt.Axis(grid=False, labelLimit=260)),
        color=alt.condition("datum.below", alt.value(RED), alt.value(BLUE)),
    )
    scale = alt.Scale(zero=False, nice=True, padding=10)
    line = alt.Chart(alt.Data(values=[{"x": FOUR_FIFTHS, "told": "four fifths"}])).encode(x=alt.X("x:Q", scale=scale))
    layers = [
        line.mark_rule(color=RED, strokeDash=[5, 4]),
        line.mark_text(align="left", dx=5, color=RED, fontSize=11).encode(text="told:N", y=alt.value(6)),
        chart.mark_rule(strokeWidth=3).encode(x="low:Q", x2="high:Q"),
        chart.mark_point(filled=True, size=100, opacity=1).encode(
            x=alt.X("ratio:Q", title="Approval rate, divided by that of the best treated group", scale=scale)
        ),
        chart.mark_text(dy=-12, fontSize=11).encode(x="ratio:Q", text=alt.Text("ratio:Q", format=".2f")),
    ]
    told = "Bars: 95 % intervals"
    return Chart(alt.layer(*layers), f"Approval by {fairness.label.en}", told, height=44 * max(len(values), 2))


def _ratio(group: Group) -> dict[str, Any]:
    ratio = group.approval_ratio
    if ratio is None:
        raise ValueError("Only groups with a ratio are drawn.")
    shown = {"ratio": ratio.estimate, "low": ratio.low, "high": ratio.high}
    return {"name": group.value, **shown, "below": group.below_four_fifths}
