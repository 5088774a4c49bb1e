"""What matters to a model: shares as bars, and how firm the ranks are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import altair as alt

from scorewright.domain.evaluation import Importance
from scorewright.domain.explanations import FeatureInsight, Insight
from scorewright.report.charts.style import BLUE, GREY, INK, Chart

_ROWS = 20
_RANKED = 12
_LABELS = alt.Axis(labelLimit=330, grid=False)


def importance_chart(
    rows: Sequence[Importance],
    title: str,
    subtitle: str = "",
    share: str = "Share of the mean absolute contribution",
) -> Chart:
    """Return the largest shares as bars, the largest first; the rest is counted in the subtitle."""
    largest = sorted((row for row in rows if math.isfinite(row.share)), key=lambda row: -row.share)[:_ROWS]
    names = distinct_names(largest)
    values = [{"name": name, "share": row.share} for name, row in zip(names, largest, strict=True)]
    bars = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("name:N", sort=names, title=None, axis=_LABELS),
        x=alt.X("share:Q", title=share, axis=alt.Axis(format=".0%", tickCount=5), scale=_room(largest)),
    )
    text = bars.mark_text(align="left", dx=5, color=INK, fontSize=11).encode(text=alt.Text("share:Q", format=".1%"))
    told = f"{subtitle}: the {len(largest)} largest of {len(rows)}" if len(rows) > len(largest) else subtitle
    chart = alt.layer(bars.mark_bar(color=BLUE, height={"band": 0.7}), text)
    return Chart(chart, title, told, height=24 * max(len(largest), 3))


def stability_chart(insight: Insight) -> Chart:
    """Return the ranks of the features that matter most: the sealed model's, and the span over the folds' models."""
    shown = insight.features[:_RANKED]
    names = distinct_names([each.importance for each in shown])
    values = [_ranked(each, names[place], place + 1) for place, each in enumerate(shown)]
    chart = alt.Chart(alt.Data(values=values)).encode(y=alt.Y("name:N", sort=names, title=None, axis=_LABELS))
    across = alt.Scale(zero=False, nice=False, padding=12)
    ticks = alt.Axis(tickMinStep=1, format="d")
    layers = [
        chart.mark_rule(color=GREY, strokeWidth=5, strokeCap="round").encode(
            x=alt.X("low:Q", title="Rank, 1 matters most", scale=across, axis=ticks), x2="high:Q"
        ),
        chart.mark_point(color=BLUE, filled=True, size=90, opacity=1).encode(x=alt.X("rank:Q", scale=across)),
    ]
    told = f"Dots: all folds together; bars: from best to worst among the folds; Kendall's W {insight.agreement:.2f}"
    return Chart(alt.layer(*layers), "Stability of the ranks", told, height=28 * max(len(shown), 3))


def distinct_names(rows: Sequence[Importance]) -> list[str]:
    """Name rows for people; by their technical names where two labels are the same, so that each keeps its place."""
    labels = [row.label or row.name for row in rows]
    return labels if len(set(labels)) == len(labels) else [row.name for row in rows]


def _room(largest: Sequence[Importance]) -> alt.Scale:
    """Leave room for the words beside the longest bar."""
    return alt.Scale(domain=[0.0, 1.15 * max((row.share for row in largest), default=1.0)], nice=False)


def _ranked(insight: FeatureInsight, name: str, rank: int) -> dict[str, str | int]:
    return {"name": name, "rank": rank, "low": insight.rank_low, "high": insight.rank_high}
