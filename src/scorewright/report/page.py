"""The report as one HTML file that needs nothing else: neither a network nor a server."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources

from scorewright.report.gathered import Report
from scorewright.report.markup import Html, tag, together
from scorewright.report.parts import closing, contest, drivers, opening, policy, watch
from scorewright.report.words import Words, read_words

Part = Callable[[Report, Words], Html]

#: The sections, in their order.
SECTIONS: Mapping[str, Part] = {
    "summary": opening.summary,
    "data": opening.data,
    "features": opening.features,
    "candidates": contest.candidates,
    "tuning": contest.tuning,
    "calibration": contest.calibration,
    "policy": policy.policy,
    "sensitivity": policy.sensitivity,
    "segments": policy.segments,
    "drivers": drivers.drivers,
    "findings": watch.findings,
    "fairness": watch.fairness,
    "limits": closing.limits,
    "reproduce": closing.reproduce,
    "examiners": closing.examiners,
}


def write_page(report: Report) -> str:
    """Return the report as the text of an HTML file.

    Vega-Lite, Vega and what embeds them stand in it once. The page's own policy allows exactly its one script and its
    one style sheet, by their hashes, and no request; expressions are interpreted, not evaluated.

    Notes
    -----
    Bundling the scripts takes some seconds, once in a process.
    """
    say = read_words()
    title = say("page.title", portfolio=report.portfolio.label.en)
    body = [
        tag("a", say("page.skip"), href="#summary", class_="skip"),
        tag("header", tag("h1", title), tag("p", _subtitle(report, say))),
        tag("noscript", tag("p", say("page.no_script"), class_="note")),
        _contents(say),
        tag("main", *(_section(name, part(report, say), say) for name, part in SECTIONS.items())),
        tag("footer", tag("p", say("page.footer"))),
        tag("script", Html(_script()), type="module"),
    ]
    return "<!doctype html>\n" + tag("html", _head(title, _script()), tag("body", *body), lang=say.lang) + "\n"


def _subtitle(report: Report, say: Words) -> Html:
    digest = report.bundle.digest[:12]
    told = say("page.subtitle", candidate=report.model.name, version=report.version)
    return together([told, tag("code", digest), say("page.dated", date=report.date) if report.date else ""])


def _contents(say: Words) -> Html:
    links = [tag("li", tag("a", say(f"titles.{name}"), href=f"#{name}")) for name in SECTIONS]
    return tag("nav", tag("h2", say("page.contents"), id="contents"), tag("ol", *links), aria_labelledby="contents")


def _section(name: str, inside: Html, say: Words) -> Html:
    heading = tag("h2", say(f"titles.{name}"), id=f"{name}-title")
    return tag("section", heading, inside, id=name, aria_labelledby=f"{name}-title")


def _head(title: str, script: str) -> Html:
    style = _resource("page.css")
    allowed = f"default-src 'none'; script-src {_hashed(script)}; style-src {_hashed(style)}; img-src data:"
    rules = f"{allowed}; base-uri 'none'; form-action 'none'"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=rules),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", Html(style)),
    )


def _hashed(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


@cache
def _script() -> str:
    import vl_convert

    from scorewright.report.charts.style import GRAMMAR

    script: str = vl_convert.javascript_bundle(_resource("page.js"), vl_version=GRAMMAR)
    # Nothing in a script may look like its end, whatever a later version of the libraries holds.
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _resource(name: str) -> str:
    return (resources.files("scorewright.report") / name).read_text(encoding="utf-8")
