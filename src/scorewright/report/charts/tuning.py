"""How a search went, trial by trial."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import altair as alt

from scorewright.domain.evaluation import Trial, TrialState
from scorewright.report.charts.style import BLUE, GREY, Chart

_STATES: Mapping[TrialState, str] = {"complete": "all folds", "pruned": "given up after some folds"}


def history_chart(trials: Sequence[Trial], name: str) -> Chart:
    """Return the objective of each trial with the best so far; failed trials are counted in the subtitle."""
    shown = sorted((trial for trial in trials if math.isfinite(trial.objective)), key=lambda trial: trial.number)
    values = [{"x": trial.number, "y": trial.objective, "state": _STATES[trial.state]} for trial in shown]
    chart = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X("x:Q", title="Trial", axis=alt.Axis(tickMinStep=1, format="d")),
        y=alt.Y("y:Q", title="Objective (lower is better)", scale=alt.Scale(zero=False)),
    )
    colours = alt.Scale(domain=list(_STATES.values()), range=[BLUE, GREY])
    points = chart.mark_point(filled=True, size=55, opacity=0.9).encode(
        color=alt.Color("state:N", title=None, scale=colours, legend=alt.Legend(orient="top"))
    )
    best = alt.Chart(alt.Data(values=best_so_far(shown))).mark_line(color=BLUE, interpolate="step-after")
    failed = sum(trial.state == "failed" for trial in trials)
    told = f"{name}: {len(trials)} trials" + (f", {failed} failed" if failed else "")
    return Chart(alt.layer(best.encode(x="x:Q", y="y:Q"), points), "Tuning", told)


def best_so_far(trials: Sequence[Trial]) -> list[dict[str, float]]:
    """Return the lowest objective of the trials that ran to their end, at each of them and at the last of all."""
    complete = [trial for trial in trials if trial.state == "complete"]
    lowest = itertools.accumulate((trial.objective for trial in complete), min)
    points = [{"x": trial.number, "y": value} for trial, value in zip(complete, lowest, strict=True)]
    return [*points, *({"x": trials[-1].number, "y": point["y"]} for point in points[-1:])]
