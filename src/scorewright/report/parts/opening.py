"""What was decided, on which data, from which features."""

from __future__ import annotations

from collections import Counter

from scorewright.report.gathered import Report, below_four_fifths, default_rate
from scorewright.report.markup import Html, bullets, paragraphs, table, tag, together
from scorewright.report.numbers import NONE, fixed, percent, plain, span, whole, with_span
from scorewright.report.words import Words

_KEYS = (
    ("auc", ".3f"),
    ("gini", ".3f"),
    ("cost", ",.4g"),
    ("approval_rate", ".1%"),
    ("bad_rate", ".1%"),
    ("ece", ".4f"),
)
_DROPPED = 40


def summary(report: Report, say: Words) -> Html:
    """Return the decision in one paragraph, its figures, and what the gates found."""
    return together(
        [tag("p", _decision(report, say), class_="lead"), _key_figures(report, say), _verdicts(report, say)]
    )


def _decision(report: Report, say: Words) -> str:
    model, record = report.model, report.record
    texts = [
        say(
            "summary.decision",
            candidate=model.name,
            version=report.version,
            portfolio=report.portfolio.label.en,
            approved=percent(model.outcomes.get("approved")),
            test=whole(record.test_applications),
            cost=with_span(model.test, "cost", ",.4g"),
            auc=with_span(model.test, "auc", ".3f"),
        )
    ]
    money = model.outcomes.get("money")
    if money is not None and report.portfolio.money is not None:
        texts.append(say("summary.money", money=plain(money, ",.2f"), currency=report.portfolio.money.currency))
    return " ".join([*texts, record.reason])


def _key_figures(report: Report, say: Words) -> Html:
    figures = [
        tag(
            "div",
            tag("dt", say(f"measures.{name}")),
            tag(
                "dd",
                tag("b", plain(report.model.test.metrics[name], shape)),
                tag("span", _ends(report, name, shape, say)),
            ),
        )
        for name, shape in _KEYS
        if name in report.model.test.metrics
    ]
    return tag("dl", *figures, class_="keys")


def _ends(report: Report, name: str, shape: str, say: Words) -> str:
    interval = report.model.test.intervals.get(name)
    return "" if interval is None else say("summary.interval", span=span(interval, shape))


def _verdicts(report: Report, say: Words) -> Html:
    verdicts = [_against_simple(report, say), _leaks(report, say), _fairness(report, say), *_warnings(report, say)]
    lines = [tag("li", tag("strong", say(f"verdict.{state}")), " ", text, class_=state) for state, text in verdicts]
    return tag("ul", *lines, class_="verdicts")


def _against_simple(report: Report, say: Words) -> tuple[str, str]:
    simple, cost = report.best_simple, report.model.out_of_fold.metrics.get("cost")
    if simple is None or cost is None:
        return "unknown", say("verdict.no_simple")
    name, least = simple
    values = {"rule": say(f"baseline.{name}"), "least": plain(least), "cost": plain(cost)}
    return ("good", say("verdict.beats", **values)) if cost < least else ("look", say("verdict.no_better", **values))


def _leaks(report: Report, say: Words) -> tuple[str, str]:
    if not report.looked_for_leaks:
        return "unknown", say("verdict.leaks_unknown")
    found = Counter(finding.severity for finding in report.record.findings)
    allowed = sum(bool(finding.allowed) for finding in report.record.findings)
    if not found["refuse"] + found["warn"]:
        return "good", say("verdict.leaks_none")
    values = {"refuse": str(found["refuse"]), "warn": str(found["warn"]), "allowed": str(allowed)}
    return "look", say("verdict.leaks_found", **values)


def _fairness(report: Report, say: Words) -> tuple[str, str]:
    if not report.record.fairness:
        return "unknown", say("verdict.fairness_unknown")
    worst = below_four_fifths(report)
    if not worst:
        return "good", say("verdict.fairness_good")
    named = ", ".join(f"{label}: {group.value}" for label, group in worst[:5])
    return "look", say("verdict.fairness_below", count=str(len(worst)), named=named)


def _warnings(report: Report, say: Words) -> list[tuple[str, str]]:
    count = len(report.record.warnings)
    return [("look", say("verdict.warnings", count=str(count)))] if count else []


def data(report: Report, say: Words) -> Html:
    """Return which tables the model was trained on, and how many of their applications defaulted."""
    record, target = report.record, report.portfolio.target
    rate = default_rate(report.model.out_of_fold)
    told = say(
        "data.told",
        applications=whole(record.applications),
        test=whole(record.test_applications),
        train=whole(record.applications - record.test_applications),
        target=target.column,
        rate=percent(rate),
        test_rate=percent(default_rate(report.model.test)),
    )
    origin = tag("p", say("data.fingerprint"), " ", tag("code", record.fingerprint))
    notices = [tag("h3", say("data.notices")), bullets(record.warnings)] if record.warnings else []
    return together([paragraphs(told), origin, _tables(report, say), *notices])


def _tables(report: Report, say: Words) -> Html:
    header, rows = list(say.each("data.header")), []
    for name, columns in report.bundle.contents.contract.tables.items():
        spec = report.portfolio.tables[name]
        rows.append([name, spec.parent or NONE, str(len(columns)), ", ".join(spec.protected) or NONE])
        if report.rows:
            rows[-1].append(whole(report.rows.get(name)))
    return table(say("data.tables"), [*header, say("data.rows")] if report.rows else header, rows)


def features(report: Report, say: Words) -> Html:
    """Return how many features the model reads, from which tables, and which were left out."""
    columns, dropped = report.bundle.contents.columns, report.record.dropped
    told = say("features.counted", kept=whole(len(columns)), dropped=whole(len(dropped)))
    feeding = Counter(name for column in columns for name in {source.partition(".")[0] for source in column.sources})
    rows = [(name, str(count), percent(count / max(len(columns), 1))) for name, count in feeding.most_common()]
    parts = [paragraphs(told, say("features.sql")), table(say("features.tables"), say.each("features.header"), rows)]
    if dropped:
        named = [(each.feature, each.reason) for each in dropped[:_DROPPED]]
        caption = say("features.dropped", shown=str(len(named)), all=str(len(dropped)))
        inside = table(caption, say.each("features.dropped_header"), named)
        parts.append(tag("details", tag("summary", caption), inside))
    return together(parts)


def measures(report: Report, say: Words) -> Html:
    """Return every measure of the sealed model, out of fold and on the test set."""
    model = report.model
    names = [name for name in say.texts["measures"] if name in model.test.metrics]
    rows = [
        (
            say(f"measures.{name}"),
            fixed(model.out_of_fold.metrics.get(name)),
            fixed(model.test.metrics[name]),
            span(model.test.intervals.get(name)),
        )
        for name in names
    ]
    return table(say("candidates.measures"), say.each("candidates.measures_header"), rows)
