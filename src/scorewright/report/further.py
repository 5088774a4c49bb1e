"""The parts of the card that go beyond the measures: what moves the model, leaks, fairness, and what examiners ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scorewright.domain.evaluation import Interval
from scorewright.domain.explanations import Fairness, Finding, Group, Insight
from scorewright.report.gathered import Looked
from scorewright.report.words import read_words

_FEATURES = 10


def further_parts(looked: Looked) -> tuple[str, ...]:
    """Return these parts in Markdown, in order; empty ones where nobody looked."""
    return (
        _drivers(looked.insight),
        _findings(looked.findings),
        *(_groups(each) for each in looked.fairness),
        _examined(),
    )


def markdown_table(title: str, header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Lay out a table under a title; nothing where it has no lines. A bar in a text cannot end its cell."""
    rows = [f"| {' | '.join(_inside(text) for text in line)} |" for line in lines]
    if not rows:
        return ""
    rule = " | ".join("---" if place == 0 else "---:" for place in range(len(header)))
    top = [title, ""] if title else []
    return "\n".join([*top, f"| {' | '.join(header)} |", f"| {rule} |", *rows])


def _inside(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _drivers(insight: Insight | None) -> str:
    if insight is None:
        return ""
    lines = [
        (
            each.importance.label or each.importance.name,
            f"{each.importance.share:.1%}",
            "" if each.gain is None else f"{each.gain:.1%}",
            "" if each.permutation is None else _spanned(each.permutation, ".4f"),
            f"{each.direction:+.2f}",
            f"{each.rank_low} to {each.rank_high}",
        )
        for each in insight.features[:_FEATURES]
    ]
    header = ("feature", "contribution", "gain", "fall of AUC when shuffled", "direction", "ranks over the folds")
    told = f"Kendall's W of the ranks over the folds: {insight.agreement:.2f}."
    return markdown_table("## What moves it, out of fold", header, lines) + f"\n\n{told}"


def _findings(findings: tuple[Finding, ...] | None) -> str:
    if findings is None:
        return ""
    if not findings:
        return "## Leaks\n\nThe leak gate found nothing."
    lines = [
        (each.severity, ", ".join(each.columns or each.features), each.sentence, each.allowed) for each in findings
    ]
    return markdown_table("## Leaks", ("severity", "columns", "finding", "allowed because"), lines)


def _groups(fairness: Fairness) -> str:
    lines = [
        (
            f"**{group.value}**" if group.below_four_fifths else group.value,
            f"{group.applications:,}",
            *(_rate(group, name) for name in ("approval_rate", "bad_rate", "false_positive_rate")),
            "" if group.approval_ratio is None else _spanned(group.approval_ratio, ".2f"),
        )
        for group in fairness.groups
    ]
    header = ("group", "applications", "approved", "bad rate", "good clients not approved", "approval ratio")
    text = markdown_table(f"## Fairness by {fairness.label.en}, out of fold", header, lines)
    below = any(group.below_four_fifths for group in fairness.groups)
    return text + (
        "\n\nIn bold: approved at less than four fifths as often as the best treated group." if below else ""
    )


def _rate(group: Group, name: str) -> str:
    interval = group.rates.get(name)
    return "" if interval is None else f"{interval.estimate:.1%}"


def _spanned(interval: Interval, shape: str) -> str:
    return f"{interval.estimate:{shape}} ({interval.low:{shape}} to {interval.high:{shape}})"


def _examined() -> str:
    say = read_words()
    lines = [
        (row.source, row.point, ", ".join(say(f"titles.{name}") for name in row.sections), row.left)
        for row in say.examined
    ]
    title = f"## {say('titles.examiners')}\n\n{say('examiners.help')} Sections are those of the report."
    return markdown_table(title, say.each("examiners.header"), lines)
