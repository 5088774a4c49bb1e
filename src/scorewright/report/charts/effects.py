"""How features move scores: all of them as a beeswarm, one of them against its value."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import altair as alt

from scorewright.domain.explanations import Dependence, Swarm
from scorewright.report.charts.style import BLUE, FIFTHS, GREY, Chart

_SWARMS = 10
_POINTS = 150
_SLOTS = 60
_FIFTHS = ("lowest fifth", "second", "middle", "fourth", "highest fifth")
_NO_RANK = "missing, or a category"
_RISK = "Contribution to the log-odds"


def beeswarm_chart(swarms: Sequence[Swarm]) -> Chart:
    """Return one row of points per feature: where they stand is the contribution, their colour the value."""
    shown = swarms[:_SWARMS]
    names = [swarm.label or swarm.name for swarm in shown]
    names = names if len(set(names)) == len(names) else [swarm.name for swarm in shown]
    values = [point for swarm, name in zip(shown, names, strict=True) for point in _points(swarm, name)]
    colours = alt.Scale(domain=[*_FIFTHS, _NO_RANK], range=[*FIFTHS, GREY])
    points = alt.Chart(alt.Data(values=values)).mark_point(filled=True, size=14, opacity=0.8)
    encoded = points.encode(
        x=alt.X("x:Q", title=_RISK),
        y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=260, grid=False)),
        yOffset=alt.YOffset("off:Q", scale=alt.Scale(domain=[-1.25, 1.25])),
        color=alt.Color("value:N", title="Value", scale=colours, sort=None, legend=alt.Legend(orient="top", columns=3)),
    )
    zero = alt.Chart(alt.Data(values=[{"x": 0}])).mark_rule(color=GREY).encode(x="x:Q")
    told = "Each point is an application of a sample; right of 0 is riskier"
    return Chart(alt.layer(zero, encoded), "What moves the score", told, height=44 * max(len(shown), 2))


def swarm_offsets(contributions: Sequence[float]) -> list[float]:
    """Place points beside each other where they would hide each other; from -1 to 1, and 0 for the first of a place.

    Examples
    --------
    >>> swarm_offsets([0.0, 1.0, 0.0, 0.0])
    [0.0, 0.0, 1.0, -1.0]
    """
    low, high = min(contributions, default=0.0), max(contributions, default=0.0)
    width = (high - low) / _SLOTS or 1.0
    met: Counter[int] = Counter()
    steps = []
    for value in contributions:
        slot = math.floor((value - low) / width)
        turn = met[slot]
        met[slot] += 1
        steps.append((turn + 1) // 2 * (1 if turn % 2 else -1))
    widest = max((abs(step) for step in steps), default=0) or 1
    return [step / widest if step else 0.0 for step in steps]


def dependence_chart(dependence: Dependence, ordered: bool = True) -> Chart:
    """Return the mean contribution in each bin of a feature's value, with the span of eight in ten applications.

    Parameters
    ----------
    dependence : Dependence
        What is drawn.
    ordered : bool
        Whether the bins follow each other, so that a line may join them; not so for categories.
    """
    values = [
        {"bin": name, "mean": mean, "low": low, "high": high}
        for name, mean, low, high in zip(dependence.bins, dependence.mean, dependence.low, dependence.high, strict=True)
    ]
    slanted = alt.Axis(labelAngle=-35 if len(values) > 4 else 0, grid=False, labelLimit=140)
    chart = alt.Chart(alt.Data(values=values)).encode(x=alt.X("bin:N", sort=None, title=None, axis=slanted))
    zero = alt.Chart(alt.Data(values=[{"y": 0}])).mark_rule(color=GREY).encode(y="y:Q")
    layers = [
        zero,
        chart.mark_bar(color=BLUE, opacity=0.25, width={"band": 0.5}).encode(
            y=alt.Y("low:Q", title="Contribution to the log-odds"), y2="high:Q"
        ),
        *([chart.mark_line(color=BLUE, strokeWidth=1.5).encode(y="mean:Q")] if ordered else []),
        chart.mark_point(color=BLUE, filled=True, size=70, opacity=1).encode(y="mean:Q"),
    ]
    title = dependence.label or dependence.name
    told = "Dots: mean; bars: from the 10 % to the 90 % quantile; above 0 is riskier"
    return Chart(alt.layer(*layers), title, told, height=240)


def _points(swarm: Swarm, name: str) -> list[dict[str, Any]]:
    step = max(1, math.ceil(len(swarm.contributions) / _POINTS))
    kept, ranks = swarm.contributions[::step], swarm.ranks[::step]
    return [
        {"name": name, "x": float(f"{x:.3g}"), "off": round(off, 3), "value": _fifth(rank)}
        for x, rank, off in zip(kept, ranks, swarm_offsets(kept), strict=True)
    ]


def _fifth(rank: float | None) -> str:
    return _NO_RANK if rank is None else _FIFTHS[min(int(5 * rank), 4)]
