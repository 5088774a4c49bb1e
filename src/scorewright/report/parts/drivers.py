"""What moves the score."""

from __future__ import annotations

from scorewright.domain.evaluation import Importance
from scorewright.domain.explanations import Dependence, FeatureInsight, Insight, Swarm
from scorewright.report.charts.effects import beeswarm_chart, dependence_chart
from scorewright.report.charts.importances import importance_chart, stability_chart
from scorewright.report.figures import Figure, figures, nothing
from scorewright.report.gathered import Report, ordered_features, wandering
from scorewright.report.markup import Html, paragraphs, table, tag, together
from scorewright.report.numbers import fixed, percent, plain, signed, span, whole
from scorewright.report.words import Words

_FEATURES = 20
_COLUMNS = 12
_DEPENDENCES = 6


def drivers(report: Report, say: Words) -> Html:
    """Return importance by three measures, by column and table, dependence, interactions and stability."""
    insight, model = report.record.insight, report.model
    if insight is None:
        drawn = [_bars("features", model.features, say), _bars("columns", model.raw_columns, say)]
        return together([nothing(say, "drivers.absent"), figures(say, [each for each in drawn if each])])
    ranked = tuple(each.importance for each in insight.features)
    shown = [_bars("features", ranked, say), _bars("tables", insight.tables, say), *_swarm(insight, say)]
    return together(
        [
            paragraphs(say("drivers.told")),
            figures(say, [each for each in shown if each]),
            _three_measures(insight, say),
            _columns(insight, say),
            _dependences(insight, say),
            _interactions(insight, say),
            _stability(insight, say),
        ]
    )


def _bars(name: str, rows: tuple[Importance, ...], say: Words) -> Figure | None:
    if not rows:
        return None
    largest, title = rows[0], say(f"drivers.{name}")
    says = say("drivers.largest", name=largest.label or largest.name, share=percent(largest.share))
    shown = [(row.label or row.name, percent(row.share)) for row in rows[:_FEATURES]]
    chart = importance_chart(rows, title, share=say("drivers.share"))
    return Figure(name, chart, title, says, say.each("drivers.bars_header"), shown)


def _swarm(insight: Insight, say: Words) -> list[Figure]:
    shown = [swarm for swarm in insight.swarms[:10] if swarm.contributions]
    if not shown:
        return []
    rows = [(swarm.label or swarm.name, *_quantiles(swarm)) for swarm in shown]
    widest = max(shown, key=lambda swarm: max(swarm.contributions) - min(swarm.contributions))
    says = say("drivers.swarm_says", name=widest.label or widest.name)
    return [Figure("swarm", beeswarm_chart(shown), say("drivers.swarm"), says, say.each("drivers.swarm_header"), rows)]


def _quantiles(swarm: Swarm) -> tuple[str, ...]:
    ordered = sorted(swarm.contributions)
    return tuple(fixed(ordered[round(share * (len(ordered) - 1))], 3) for share in (0.1, 0.5, 0.9))


def _three_measures(insight: Insight, say: Words) -> Html:
    rows = [_feature(each, say) for each in insight.features[:_FEATURES]]
    caption = say("drivers.measures", shown=str(len(rows)), all=whole(len(insight.features)))
    return table(caption, say.each("drivers.measures_header"), rows)


def _feature(each: FeatureInsight, say: Words) -> tuple[str, ...]:
    fall = each.permutation
    return (
        each.importance.label or each.importance.name,
        percent(each.importance.share),
        percent(each.gain),
        say("drivers.not_measured") if fall is None else f"{fixed(fall.estimate)} ({span(fall)})",
        signed(each.direction, 2),
        f"{each.rank_low}–{each.rank_high}",
    )


def _columns(insight: Insight, say: Words) -> Html:
    rows = [(row.name, row.label, percent(row.share)) for row in insight.raw_columns[:_COLUMNS]]
    return table(say("drivers.columns_caption"), say.each("drivers.columns_header"), rows) if rows else Html()


def _dependences(insight: Insight, say: Words) -> Html:
    if not insight.dependences:
        return Html()
    ordered = ordered_features(insight)
    shown = enumerate(insight.dependences[:_DEPENDENCES], start=1)
    drawn = [_dependence(place, each, each.name in ordered, say) for place, each in shown]
    heading = tag("h3", say("drivers.dependence"))
    return together([heading, paragraphs(say("drivers.dependence_told")), figures(say, drawn)])


def _dependence(place: int, each: Dependence, ordered: bool, say: Words) -> Figure:
    label = each.label or each.name
    riskiest = max(range(len(each.bins)), key=lambda bin_: each.mean[bin_], default=0)
    says = say("drivers.riskiest", bin=each.bins[riskiest], mean=signed(each.mean[riskiest], 2))
    rows = [
        (name, whole(count), *(fixed(value, 3) for value in values))
        for name, count, *values in zip(each.bins, each.rows, each.mean, each.low, each.high, strict=True)
    ]
    return Figure(
        f"dependence-{place}", dependence_chart(each, ordered), f"{label}.", says, say.each("drivers.bins_header"), rows
    )


def _interactions(insight: Insight, say: Words) -> Html:
    if not insight.interactions:
        return Html()
    labels = {each.importance.name: each.importance.label or each.importance.name for each in insight.features}
    rows = [
        (f"{labels.get(pair.first, pair.first)} × {labels.get(pair.second, pair.second)}", plain(pair.strength, ".3f"))
        for pair in insight.interactions[:_COLUMNS]
    ]
    return together(
        [
            tag("h3", say("drivers.interactions")),
            paragraphs(say("drivers.interactions_told")),
            table(say("drivers.interactions_caption"), say.each("drivers.interactions_header"), rows),
        ]
    )


def _firmness(insight: Insight, say: Words) -> str:
    least = wandering(insight.features)
    told = say("drivers.agreement", agreement=fixed(insight.agreement, 2))
    if least is None or least.rank_high == least.rank_low:
        return told
    values = {
        "name": least.importance.label or least.importance.name,
        "low": str(least.rank_low),
        "high": str(least.rank_high),
    }
    return f"{told} {say('drivers.wandering', **values)}"


def _stability(insight: Insight, say: Words) -> Html:
    if not insight.features:
        return Html()
    rows = [
        (each.importance.label or each.importance.name, str(place), str(each.rank_low), str(each.rank_high))
        for place, each in enumerate(insight.features[:12], start=1)
    ]
    says = say("drivers.stability_says", agreement=fixed(insight.agreement, 2))
    chart = stability_chart(insight)
    drawn = Figure("stability", chart, say("drivers.ranks"), says, say.each("drivers.ranks_header"), rows)
    heading = tag("h3", say("drivers.stability"))
    return together([heading, paragraphs(_firmness(insight, say)), figures(say, [drawn])])
