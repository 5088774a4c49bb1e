"""Limits, how to do it again, and what examiners ask."""

from __future__ import annotations

import shlex

from scorewright.report.gathered import Report, below_four_fifths
from scorewright.report.markup import Html, bullets, paragraphs, table, tag, titled, together
from scorewright.report.numbers import setting, settings, span, whole
from scorewright.report.words import Examined, Words

_FEW = 1000
_OPTIONS = {name: f"--{name}" for name in ("seed", "trials", "minutes", "repeats", "workers")}


def limits(report: Report, say: Words) -> Html:
    """Return what the model cannot say."""
    return together([paragraphs(say("limits.told")), bullets(_limits(report, say))])


def _limits(report: Report, say: Words) -> list[str]:
    model, spec = report.model, report.portfolio.tables[report.portfolio.root]
    texts = [say(f"limits.{name}") for name in ("granted", "causes", "costs", "future")]
    if report.record.test_applications < _FEW:
        interval = model.test.intervals.get("auc")
        texts.append(say("limits.few", test=whole(report.record.test_applications), span=span(interval, ".3f")))
    if spec.date is None:
        texts.append(say("limits.no_date"))
    if not spec.protected:
        texts.append(say("limits.no_protected"))
    if below_four_fifths(report):
        texts.append(say("limits.four_fifths"))
    if not model.segments:
        texts.append(say("limits.no_segments"))
    return [*texts, *report.record.warnings]


def reproduce(report: Report, say: Words) -> Html:
    """Return the commands, the seed, the versions and the hashes that give the same bundle again."""
    origin = report.bundle.contents.provenance
    facts = [
        (say("reproduce.bundle"), report.bundle.digest),
        (say("reproduce.data"), origin.fingerprint),
        (say("reproduce.seed"), str(origin.seed)),
        (say("reproduce.candidate"), origin.candidate),
        *((say("reproduce.library", name=name), version) for name, version in sorted(origin.versions.items())),
    ]
    commands = tag("pre", tag("code", "\n".join(_commands(report))), tabindex="0")
    planned = table(say("reproduce.settings"), say.each("reproduce.header"), settings(report.record.settings))
    told = paragraphs(say("reproduce.told"))
    return together([told, commands, table(say("reproduce.facts"), say.each("reproduce.header"), facts), planned])


def _commands(report: Report) -> list[str]:
    known, name = report.record.settings, report.portfolio.name
    told = [f"{option} {setting(known[key])}" for key, option in _OPTIONS.items() if known.get(key) is not None]
    told += [f"--candidate {each.name}" for each in report.record.candidates]
    told += ["--alternatives"] if known.get("alternatives") else []
    for finding in report.record.findings:
        if finding.allowed:
            told += [f"--allow-leak {column}" for column in finding.columns or finding.features]
            told += [f"--leak-reason {shlex.quote(finding.allowed)}"] * len(finding.columns or finding.features)
    return [
        " ".join([f"scorewright train {name} --data FOLDER", *told]),
        f"scorewright report --portfolio {name} --model {report.version}",
    ]


def examiners(report: Report, say: Words) -> Html:
    """Return where this report helps with what examiners ask."""
    del report
    head = tag("tr", *(tag("th", name, scope="col") for name in say.each("examiners.header")))
    body = [_asked(row, say) for row in say.examined]
    caption = say("examiners.caption")
    inner = tag("table", titled(caption), tag("thead", head), tag("tbody", *body))
    scrolled = tag("div", inner, class_="scroll", role="region", aria_label=caption, tabindex="0")
    return together([tag("p", say("examiners.help"), class_="note"), scrolled])


def _asked(row: Examined, say: Words) -> Html:
    links = [tag("a", say(f"titles.{name}"), href=f"#{name}") for name in row.sections]
    joined = together(part for link in links for part in (", ", link))[2:]
    return tag(
        "tr", tag("th", row.source, scope="row"), tag("td", row.point), tag("td", Html(joined)), tag("td", row.left)
    )
