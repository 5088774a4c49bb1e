"""Candidates side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import altair as alt

from scorewright.domain.evaluation import CandidateRecord
from scorewright.domain.training import TrainingRecord
from scorewright.report.charts.style import BLUE, GREY, RED, Chart


def comparison_chart(training: TrainingRecord) -> Chart:
    """Return the cost of each candidate on the test set, cheapest first, with its interval if there is one."""
    costs = [_cost(candidate, training.winner) for candidate in training.candidates]
    values = sorted((row for row in costs if math.isfinite(row["cost"])), key=lambda row: row["cost"])
    chart = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("name:N", sort=[row["name"] for row in values], title=None, axis=alt.Axis(grid=False)),
        color=alt.condition("datum.winner", alt.value(BLUE), alt.value(GREY)),
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
    title = f"Cost of the candidates: {training.portfolio}"
    subtitle = "Test set; lower is better; bars are the bootstrap intervals"
    return Chart(alt.layer(*layers), title, subtitle, height=56 * max(len(values), 2))


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
    text = rules.mark_text(align="left", angle=270, dx=6, dy=-7, color=RED, fontSize=11)
    return [
        rules.mark_rule(color=RED, strokeDash=[5, 4]),
        text.encode(text="told:N", y=alt.value({"expr": "height"})),
    ]
