"""One decision, from the average score to this one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt

from scorewright.domain.explanations import SharedContribution, Shares
from scorewright.domain.matrix import Label
from scorewright.report.charts.style import BLUE, GREY, INK, RED, Chart, Lang

ShareScale = Literal["log_odds", "pd", "points"]

_SHOWN = 10
_DIGITS: Mapping[ShareScale, int] = {"log_odds": 2, "pd": 3, "points": 1}
_AXES: Mapping[ShareScale, Label] = {
    "log_odds": Label("Log-odds of default", "Logarithme des cotes de défaut"),
    "pd": Label("Probability of default", "Probabilité de défaut"),
    "points": Label("Points (more is better)", "Points (plus il y en a, plus le risque est faible)"),
}
_TITLE = Label("How the score came about", "Comment le score a été obtenu")
_BASE = Label("Average application", "Demande moyenne")
_SCORE = Label("This application", "Cette demande")
_OTHERS = Label("All others", "Toutes les autres")
_WORSE = Label("raises the risk", "augmente le risque")
_BETTER = Label("lowers the risk", "réduit le risque")
_MISSING = Label("not known", "inconnu")


@dataclass(frozen=True)
class Step:
    """One bar of a waterfall: from where to where it goes, and whether it speaks for default; None for both ends."""

    name: str
    start: float
    end: float
    riskier: bool | None


def waterfall_chart(
    shares: Shares, contributions: Sequence[SharedContribution], scale: ShareScale = "points", lang: Lang = "en"
) -> Chart:
    """Return how one score came about: from the average over the largest contributions to the score.

    Parameters
    ----------
    shares : Shares
        Both ends.
    contributions : sequence of SharedContribution
        Of all features, in any order; the ten largest on the scale have a bar each, the others one together.
    scale : {"log_odds", "pd", "points"}
        On which it is drawn.
    lang : {"en", "fr"}
        Of the words in it.
    """
    steps = waterfall_steps(shares, contributions, scale, lang)
    values, names = [_bar(step, _DIGITS[scale], lang) for step in steps], [step.name for step in steps]
    colours = alt.Scale(domain=[_said(_WORSE, lang), _said(_BETTER, lang)], range=[RED, BLUE])
    across = alt.Scale(zero=False, nice=True, padding=34)
    chart = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(grid=False, labelLimit=300))
    )
    moves, ends = (chart.transform_filter(f"datum.end === {end}") for end in ("false", "true"))
    layers = [
        moves.mark_bar(height={"band": 0.65}).encode(
            x=alt.X("from:Q", title=_said(_AXES[scale], lang), scale=across),
            x2="to:Q",
            color=alt.Color("way:N", title=None, scale=colours, legend=alt.Legend(orient="top")),
        ),
        ends.mark_point(shape="diamond", filled=True, size=130, color=INK, opacity=1).encode(x="to:Q"),
        chart.mark_text(align="left", dx=10, color=INK, fontSize=11).encode(x="right:Q", text="told:N"),
        _joints(steps),
    ]
    return Chart(alt.layer(*layers), _said(_TITLE, lang), "", height=30 * len(steps), lang=lang)


def waterfall_steps(
    shares: Shares, contributions: Sequence[SharedContribution], scale: ShareScale, lang: Lang
) -> tuple[Step, ...]:
    """Return the bars of a waterfall, from the average to the score; what the ten largest leave is one bar."""
    base, score = _ends(shares, scale)
    largest = sorted(contributions, key=lambda each: -abs(getattr(each, scale)))[:_SHOWN]
    steps, at = [Step(_said(_BASE, lang), base, base, None)], base
    for name, each in zip(_names(largest, lang), largest, strict=True):
        move = float(getattr(each, scale))
        steps.append(Step(name, at, at + move, each.log_odds > 0))
        at += move
    if len(contributions) > len(largest):
        rest = f"{_said(_OTHERS, lang)} ({len(contributions) - len(largest)})"
        steps.append(Step(rest, at, score, (score > at) != (scale == "points")))
    return (*steps, Step(_said(_SCORE, lang), score, score, None))


def _ends(shares: Shares, scale: ShareScale) -> tuple[float, float]:
    return {
        "log_odds": (shares.base, shares.log_odds),
        "pd": (shares.base_pd, shares.pd),
        "points": (shares.base_points, shares.points),
    }[scale]


def _names(contributions: Sequence[SharedContribution], lang: Lang) -> list[str]:
    # French sets a space before a colon.
    colon = "\u00a0: " if lang == "fr" else ": "
    names = [f"{_said(each.label, lang)}{colon}{_value(each.value, lang)}" for each in contributions]
    if len(set(names)) == len(names):
        return names
    return [f"{name} [{each.feature}]" for name, each in zip(names, contributions, strict=True)]


def _value(value: float | str | None, lang: Lang) -> str:
    if value is None:
        return _said(_MISSING, lang)
    return value if isinstance(value, str) else _number(f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}", lang)


def _number(written: str, lang: Lang) -> str:
    """Write an English number as the language has it."""
    return written if lang == "en" else written.translate({ord(","): "\u202f", ord("."): ","})


def _bar(step: Step, digits: int, lang: Lang) -> dict[str, Any]:
    told = f"{step.end:.{digits}f}" if step.riskier is None else f"{step.end - step.start:+.{digits}f}"
    way = "" if step.riskier is None else _said(_WORSE if step.riskier else _BETTER, lang)
    return {
        "name": step.name,
        "from": step.start,
        "to": step.end,
        "right": max(step.start, step.end),
        "way": way,
        "end": step.riskier is None,
        "told": _number(told, lang),
    }


def _joints(steps: Sequence[Step]) -> alt.Chart:
    """Thin marks where each bar takes over from the one before."""
    values, names = [{"name": step.name, "x": step.start} for step in steps[1:]], [step.name for step in steps]
    marks: alt.Chart = alt.Chart(alt.Data(values=values)).mark_tick(color=GREY, thickness=1, size=24)
    return marks.encode(x="x:Q", y=alt.Y("name:N", sort=names))


def _said(label: Label, lang: Lang) -> str:
    return label.fr if lang == "fr" else label.en
