"""What was looked for beyond the measures: leaks, and groups treated worse."""

from __future__ import annotations

from scorewright.domain.explanations import Alternative, Fairness, Group
from scorewright.report.charts.groups import ratios_chart
from scorewright.report.figures import Figure, figures, nothing
from scorewright.report.gathered import Report
from scorewright.report.markup import Html, paragraphs, table, tag, together
from scorewright.report.numbers import NONE, percent, plain, signed, span, whole
from scorewright.report.words import Words

_RATES = ("approval_rate", "bad_rate", "true_positive_rate", "false_positive_rate", "default_rate", "mean_pd")
#: One group alone compares with nothing.
_COMPARED = 2


def findings(report: Report, say: Words) -> Html:
    """Return what looked too good to be true, why, what to do, and for what reason it was allowed."""
    if not report.looked_for_leaks:
        return nothing(say, "findings.absent")
    found = report.record.findings
    if not found:
        return paragraphs(say("findings.none"))
    rows = [
        (
            say(f"findings.{each.severity}"),
            ", ".join(each.columns or each.features),
            each.seen,
            each.why,
            each.remedy,
            each.allowed or NONE,
        )
        for each in found
    ]
    return together(
        [paragraphs(say("findings.told")), table(say("findings.caption"), say.each("findings.header"), rows)]
    )


def fairness(report: Report, say: Words) -> Html:
    """Return how each group is treated, and what discriminating less would cost."""
    groups = report.record.fairness
    if not groups:
        return nothing(say, "fairness.absent")
    parts = [part for place, each in enumerate(groups, 1) for part in _attribute(place, each, say)]
    return together([paragraphs(say("fairness.told"), say("fairness.four_fifths")), *parts, _alternatives(report, say)])


def _attribute(place: int, each: Fairness, say: Words) -> list[Html]:
    heading = tag("h3", say("fairness.by", label=each.label.en))
    caption = say("fairness.caption", label=each.label.en)
    rows = [(group.value, whole(group.applications), *_rates(group)) for group in each.groups]
    return [heading, figures(say, _ratios(place, each, say)), table(caption, say.each("fairness.header"), rows)]


def _rates(group: Group) -> tuple[str, ...]:
    rates = (_rate(group, name) for name in _RATES)
    gap = group.rates.get("calibration_gap")
    return *rates, NONE if gap is None else f"{signed(100 * gap.estimate, 1)}%"


def _rate(group: Group, name: str) -> str:
    interval = group.rates.get(name)
    return NONE if interval is None else f"{percent(interval.estimate)} ({span(interval, '.1%')})"


def _ratios(place: int, each: Fairness, say: Words) -> list[Figure]:
    rows = [
        (group.value, f"{plain(group.approval_ratio.estimate, '.2f')} ({span(group.approval_ratio, '.2f')})")
        for group in each.groups
        if group.approval_ratio is not None
    ]
    if len(rows) < _COMPARED:
        return []
    below = [group.value for group in each.groups if group.below_four_fifths]
    says = say("fairness.below", groups=", ".join(below)) if below else say("fairness.above")
    title = say("fairness.ratio", label=each.label.en)
    return [Figure(f"ratio-{place}", ratios_chart(each), title, says, say.each("fairness.ratio_header"), rows)]


def _alternatives(report: Report, say: Words) -> Html:
    heading = tag("h3", say("fairness.alternatives"))
    if not report.record.alternatives:
        return together([heading, nothing(say, "fairness.no_alternatives")])
    rows = [_alternative(each) for each in report.record.alternatives]
    told = paragraphs(say("fairness.alternatives_told"))
    return together(
        [heading, told, table(say("fairness.alternatives"), say.each("fairness.alternatives_header"), rows)]
    )


def _alternative(each: Alternative) -> tuple[str, ...]:
    return (
        f"{each.attribute}: {each.name}",
        ", ".join(each.dropped) or NONE,
        f"{plain(each.auc.estimate, '.4f')} ({span(each.auc)})",
        f"{plain(each.cost.estimate, '.4f')} ({span(each.cost)})",
        plain(each.money, ",.2f"),
        percent(each.approval_rate),
        plain(each.least_ratio, ".2f"),
    )
