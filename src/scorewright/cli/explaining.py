"""The verb that says why one application was decided as it was: explain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorewright.cli.console import OUT, say, show_table
from scorewright.cli.manual import register, with_options, workbench
from scorewright.cli.use import WhichModel, WhichPortfolio

if TYPE_CHECKING:
    from scorewright.domain.decisions import Decision, Include
    from scorewright.domain.explanations import Option, Place
    from scorewright.domain.matrix import Label


class Language(StrEnum):
    """Language of all that is printed."""

    en = "en"
    fr = "fr"


class Scale(StrEnum):
    """Scale of the picture."""

    points = "points"
    pd = "pd"
    log_odds = "log_odds"


@dataclass(frozen=True)
class Asked:
    """What `explain` is asked."""

    id: Annotated[str, typer.Option("--id", help="Key of the application.")]
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with the tables.")]
    lang: Annotated[Language, typer.Option(help="Language of all that is printed.")] = Language.en
    recourse: Annotated[
        bool, typer.Option("--recourse", help="Look for the smallest changes that would lead to an approval.")
    ] = False
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the waterfall into a file that ends in .svg or .png.")
    ] = None
    scale: Annotated[Scale, typer.Option(help="Scale of the picture.")] = Scale.points
    portfolio: WhichPortfolio = None
    model: WhichModel = "champion"


#: Where the terminal is narrower, points and bar stand alone.
_WIDE = 100
_NAMED, _HALF = 10, 9
_FIRM = "\N{NO-BREAK SPACE}"
#: Spaces at the end of a cell are cut, firm ones too; this has no width, and is none.
_END = "\N{ZERO WIDTH SPACE}"
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "approve": "approve",
        "refer": "refer to an officer",
        "refuse": "refuse",
        "threshold": "threshold",
        "opinion": "By the PD alone",
        "unknown": "not known, for want of an amount",
        "colon": ":",
        "feature": "feature",
        "value": "value",
        "points": "points",
        "log_odds": "log-odds",
        "safer": "safer",
        "riskier": "riskier",
        "others": "all other features",
        "base": "average application",
        "score": "this application: the sum",
        "reasons": "What weighed against it",
        "place": "Its PD is higher than that of {percentile}% of the applications the model learnt from.",
        "place_approved": "Of those with a PD like it, {share} were approved.",
        "option": "To be approved (PD {pd})",
        "then": "; ",
        "from_to": "from {old} to {new}",
        "scale": "Points: {points:g} at {odds:g} good to one bad, {pdo:g} more where these odds double.",
        "model": "{portfolio} version {version} ({candidate}), bundle {bundle}.",
        "drawn": "Picture in {file}.",
    },
    "fr": {
        "approve": "accorder",
        "refer": "transmettre à un analyste",
        "refuse": "refuser",
        "threshold": "seuil",
        "opinion": "Selon la seule PD",
        "unknown": "inconnu, faute d'un montant",
        "colon": " :",
        "feature": "variable",
        "value": "valeur",
        "points": "points",
        "log_odds": "log-cote",
        "safer": "sûr",
        "riskier": "risqué",
        "others": "toutes les autres variables",
        "base": "demande moyenne",
        "score": "cette demande : la somme",
        "reasons": "Ce qui a pesé contre la demande",
        "place": "Sa PD dépasse celle de {percentile}\N{NARROW NO-BREAK SPACE}% des demandes sur lesquelles le modèle "
        "a appris.",
        "place_approved": "Parmi les demandes de PD semblable, {share} ont été accordées.",
        "option": "Pour obtenir un accord (PD {pd})",
        "then": " ; ",
        "from_to": "de {old} à {new}",
        "scale": "Points : {points:g} à {odds:g} bons pour un mauvais, {pdo:g} de plus quand cette cote double.",
        "model": "{portfolio} version {version} ({candidate}), bundle {bundle}.",
        "drawn": "Image dans {file}.",
    },
}


def add_verbs(app: typer.Typer) -> None:
    """Register the verb."""
    register(app, (with_options(explain, Asked),))


def explain(asked: Asked) -> None:
    """Explain the decision on one application: what moved its score, and the reasons in words.

    Says outcome, PD and threshold, the hard rules that the application breaks, and what the PD alone says where the
    outcome is another. What each feature adds is exact and adds up to the score: in points, in PD and in log-odds. The
    reasons are those of the portfolio; a protected attribute is never one. --recourse looks for the smallest changes
    that would lead to an approval, each tried by the model itself.

    Example: [bold]scorewright explain --id 100002 --data tables --lang fr --picture why.svg[/bold]
    """
    from scorewright.flows.champion import load_version
    from scorewright.flows.decide import ModelService

    if asked.picture is not None:
        _check_picture(asked.picture)
    include: set[Include] = {"points", "reasons", "standing"}
    include |= {"recourse"} if asked.recourse else set()
    service = ModelService(load_version(workbench().registry, asked.portfolio, asked.model))
    decision = service.decide_from_folder(asked.data, asked.id, frozenset(include))
    _show(decision, asked.lang.value)
    if asked.picture is not None:
        _draw(decision, asked)


def _show(decision: Decision, language: str) -> None:
    words, info = _WORDS[language], decision.model
    _show_waterfall(decision, language)
    say(*policy_lines(decision, language), *reason_lines(decision, language), *place_lines(decision, language))
    say(*recourse_lines(decision, language))
    if decision.point_scale is not None:
        stated = decision.point_scale
        say(words["scale"].format(points=stated.points, odds=stated.odds, pdo=stated.pdo))
    told = {"portfolio": info.portfolio, "version": info.version, "candidate": info.candidate}
    say(words["model"].format(**told, bundle=info.bundle[:12]))


def headline(decision: Decision, language: str) -> str:
    """Outcome, PD with its interval, and the threshold that counts for this loan."""
    words, info = _WORDS[language], decision.model
    span = (
        "" if decision.interval is None else " ({} – {})".format(*(_chance(end, language) for end in decision.interval))
    )
    counts = decision.loan_threshold if info.policy.rule == "money" else info.threshold
    threshold = words["unknown"] if counts is None else _chance(counts, language)
    outcome = words[decision.outcome]
    what = f"{outcome} {decision.application}{words['colon']}"
    return f"{what} PD {_chance(decision.pd, language)}{span}, {words['threshold']} {threshold}"


def policy_lines(decision: Decision, language: str) -> list[str]:
    """Which hard rules were broken, and what the PD alone says where that is something else."""
    words = _WORDS[language]
    said = [(_said(rule.label, language), words[rule.outcome]) for rule in decision.rules]
    if decision.opinion is not None and decision.opinion != decision.outcome:
        said.append((words["opinion"], words[decision.opinion]))
    return [f"{what}{words['colon']} {then}." for what, then in said]


def reason_lines(decision: Decision, language: str) -> list[str]:
    """The reasons, numbered."""
    if decision.reasons is None or not decision.reasons.given:
        return []
    words = _WORDS[language]
    lines = [
        f"  {number}. {_said(reason.label, language)}{words['colon']} {_said(reason.sentence, language)}"
        if reason.sentence != reason.label
        else f"  {number}. {_said(reason.label, language)}."
        for number, reason in enumerate(decision.reasons.given, 1)
    ]
    return [f"{words['reasons']}{words['colon']}", *lines]


def place_lines(decision: Decision, language: str) -> list[str]:
    """Where the PD stands among those that the model learnt from."""
    place: Place | None = next(iter(decision.places or ()), None)
    if place is None or place.percentile is None:
        return []
    words = _WORDS[language]
    lines = [words["place"].format(percentile=_number(place.percentile, 0, language))]
    share = None if place.bin is None else place.approved[place.bin]
    return lines if share is None else [*lines, words["place_approved"].format(share=_percent(share, language))]


def recourse_lines(decision: Decision, language: str) -> list[str]:
    """The ways to an approval, or why there is none."""
    if decision.recourse is None:
        return []
    if decision.recourse.none_because is not None:
        return [_said(decision.recourse.none_because, language)]
    return [line for option in decision.recourse.options for line in _option_lines(option, language)]


def _option_lines(option: Option, language: str) -> Iterator[str]:
    words = _WORDS[language]
    what = words["then"].join(_said(label, language) for label in option.labels)
    yield f"{words['option'].format(pd=_chance(option.pd, language))}{words['colon']} {what}"
    for change in option.changes:
        old, new = (_value(each, language) for each in (change.old, change.new))
        yield f"  {change.column}{words['colon']} {words['from_to'].format(old=old, new=new)}"


def _show_waterfall(decision: Decision, language: str) -> None:
    words, shares = _WORDS[language], decision.shares
    if shares is None:
        return
    named = decision.shared[:_NAMED]
    rest = [
        total - base - sum(getattr(each, scale) for each in named)
        for scale, base, total in (
            ("points", shares.base_points, shares.points),
            ("pd", shares.base_pd, shares.pd),
            ("log_odds", shares.base, shares.log_odds),
        )
    ]
    furthest = max(abs(rest[0]), *(abs(each.points) for each in named), 0.0)
    moved = [
        (_said(each.label, language), _value(each.value, language), (each.points, each.pd, each.log_odds))
        for each in named
    ]
    rows = [
        (name, value, *_figures(parts, language, signed=True), _bar(parts[0], furthest))
        for name, value, parts in [*moved, (words["others"], "", tuple(rest))]
    ]
    ends = [
        (words["base"], (shares.base_points, shares.base_pd, shares.base)),
        (words["score"], (shares.points, shares.pd, shares.log_odds)),
    ]
    rows += [(name, "", *_figures(parts, language, signed=False), "") for name, parts in ends]
    sides = _sides(words["safer"] + _FIRM, _FIRM + words["riskier"])
    header = (words["feature"], words["value"], words["points"], "PD", words["log_odds"], sides)
    shown = (0, 1, 2, 3, 4, 5) if OUT.width >= _WIDE else (0, 2, 5)
    show_table(headline(decision, language), [header[at] for at in shown], [[row[at] for at in shown] for row in rows])


def _figures(parts: Sequence[float], language: str, *, signed: bool) -> tuple[str, str, str]:
    sign = "+" if signed else ""
    points, pd, log_odds = parts
    return tuple(_local(text, language) for text in (f"{points:{sign}.1f}", f"{pd:{sign}.4f}", f"{log_odds:{sign}.4f}"))  # type: ignore[return-value]


def _bar(points: float, furthest: float) -> str:
    """Draw how far points move: to the left what makes safer, to the right what makes riskier.

    Examples
    --------
    >>> [_bar(points, 10.0).replace(_FIRM, ".").rstrip(_END) for points in (-10.0, 5.0)]
    ['.........│█████████', '.....████│.........']
    """
    bar = "█" * (round(_HALF * abs(points) / furthest) if furthest else 0)
    return _sides("", bar) if points < 0 else _sides(bar, "")


def _sides(left: str, right: str) -> str:
    """Put texts left and right of the middle line."""
    return f"{left.rjust(_HALF, _FIRM)}│{right.ljust(_HALF, _FIRM)}{_END}"


def _check_picture(file: Path) -> None:
    from scorewright.errors import OutputError

    if file.suffix not in {".svg", ".png"}:
        raise OutputError("Pictures are SVG or PNG.", file.name, "End the name in .svg or .png.")
    if not file.parent.is_dir():
        raise OutputError("The folder of the output must exist.", f"{file.parent}", "Create it, or choose another.")


def _draw(decision: Decision, asked: Asked) -> None:
    from scorewright.atomic import whole_file
    from scorewright.report.charts import picture, svg
    from scorewright.report.charts.decision import waterfall_chart

    if decision.shares is None or asked.picture is None:
        return
    language = asked.lang.value
    chart = waterfall_chart(decision.shares, decision.shared, asked.scale.value, language)  # type: ignore[arg-type]
    drawn = picture(chart) if asked.picture.suffix == ".png" else svg(chart).encode()
    with whole_file(asked.picture) as unfinished:
        unfinished.write_bytes(drawn)
    say(_WORDS[language]["drawn"].format(file=asked.picture))


def _said(label: Label, language: str) -> str:
    return label.fr if language == "fr" else label.en


def _value(value: float | str | None, language: str) -> str:
    from scorewright.explain.spoken import Speech

    written = Speech("number").write(value)
    return "–" if written is None else _said(written, language)


def _chance(value: float, language: str) -> str:
    return _local(f"{value:.4f}", language)


def _percent(share: float, language: str) -> str:
    from scorewright.explain.spoken import Speech

    written = Speech("percent").write(share)
    return "" if written is None else _said(written, language)


def _number(value: float, decimals: int, language: str) -> str:
    return _local(f"{value:.{decimals}f}", language)


def _local(text: str, language: str) -> str:
    """Write an English number as the language has it."""
    return text.replace(".", ",") if language == "fr" else text
