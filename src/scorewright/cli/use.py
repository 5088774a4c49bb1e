"""Verbs of those who use a model: score, explain, serve."""

from __future__ import annotations

import secrets
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scorewright.cli.console import progress, say, show_table, tell, warn
from scorewright.cli.manual import register, workbench

if TYPE_CHECKING:
    from scorewright.domain.decisions import Contribution, Decision

WhichPortfolio = Annotated[
    str | None, typer.Option("--portfolio", help="Portfolio by name; needed when several were trained.")
]
WhichModel = Annotated[str, typer.Option("--model", help="Version number or alias.")]


class Unseen(StrEnum):
    """What happens to a category that training never saw."""

    refuse = "refuse"
    null = "null"


class Language(StrEnum):
    """Language of labels."""

    en = "en"
    fr = "fr"


_COUNTED = (("approve", "approved"), ("refer", "referred"), ("refuse", "refused"))
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "approve": "approve",
        "refer": "refer to an officer",
        "refuse": "refuse",
        "threshold": "threshold",
        "opinion": "By the PD alone",
        "unknown": "not known, for want of an amount",
        "colon": ":",
    },
    "fr": {
        "approve": "accorder",
        "refer": "transmettre à un analyste",
        "refuse": "refuser",
        "threshold": "seuil",
        "opinion": "Selon la seule PD",
        "unknown": "inconnu, faute d'un montant",
        "colon": " :",
    },
}
_SUMS = {
    "en": ("all other features", "average application", "score: the sum"),
    "fr": ("toutes les autres variables", "demande moyenne", "score : la somme"),
}


def add_verbs(app: typer.Typer) -> None:
    """Register the verbs."""
    register(app, (score, explain, serve))


def score(
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with the tables to score.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Parquet or CSV file to write.")] = Path(
        "scores.parquet"
    ),
    portfolio: WhichPortfolio = None,
    model: WhichModel = "champion",
    unseen: Annotated[
        Unseen | None, typer.Option(help="Refuse categories new to the model, or take them as missing.")
    ] = None,
) -> None:
    """Score a folder of applications with the champion.

    Writes one row per application: its key, `pd` (probability of default), `pd_low` and `pd_high` where the model gives
    an interval, `decision` (approve, refer or refuse) and `rules` (the hard rules it breaks). The file appears whole or
    not at all.

    Example: [bold]scorewright score --data tables --out scores.parquet[/bold]
    """
    from scorewright.flows.champion import load_version
    from scorewright.flows.score import score_folder

    with progress() as listen:
        loaded = load_version(workbench().registry, portfolio, model, unseen.value if unseen else None)
        scored = score_folder(loaded, data, out, listen)
    warn(*scored.notices)
    whole, decided = scored.table.height, scored.table["decision"].to_list()
    rows = [
        ("applications", f"{whole:,}"),
        *((word, _share(decided.count(outcome), whole)) for outcome, word in _COUNTED),
        *((f"breaking {name}", _share(broken, whole)) for name, broken in scored.broken.items()),
        ("mean PD", f"{float(scored.table['pd'].mean()):.4f}"),  # type: ignore[arg-type]
        ("threshold", "each loan's own" if scored.policy.rule == "money" else f"{scored.policy.threshold:.4f}"),
        ("policy", scored.policy.version),
    ]
    show_table(f"Scores in {out}", ("what", "value"), rows)


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.1%})"


def explain(
    id: Annotated[str, typer.Option("--id", help="Key of the application.")],  # noqa: A002
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with the tables.")],
    lang: Annotated[Language, typer.Option(help="Language of the labels.")] = Language.en,
    portfolio: WhichPortfolio = None,
    model: WhichModel = "champion",
) -> None:
    """Explain the decision on one application: what moved its score most.

    Says outcome, PD and threshold, the hard rules that the application breaks, and what the PD alone says where the
    outcome is another. Contributions are exact and on the model's own scale (log-odds, or probability for the forest);
    a positive one moves towards default.

    Example: [bold]scorewright explain --id 100002 --data tables --lang fr[/bold]
    """
    from scorewright.flows.champion import load_version
    from scorewright.flows.decide import ModelService

    service = ModelService(load_version(workbench().registry, portfolio, model))
    decision = service.decide_from_folder(data, id)
    info = decision.model
    rows = [_contribution_row(contribution, lang.value) for contribution in decision.contributions]
    shown = sum(contribution.contribution for contribution in decision.contributions)
    if decision.base is not None and decision.score is not None:
        words = _SUMS[lang.value]
        sums = (decision.score - decision.base - shown, decision.base, decision.score)
        rows += [(word, "", f"{value:+.4f}") for word, value in zip(words, sums, strict=True)]
    show_table(headline(decision, lang.value), ("feature", "value", f"contribution ({info.scale})"), rows)
    say(*policy_lines(decision, lang.value))
    say(f"{info.portfolio} version {info.version} ({info.candidate}), bundle {info.bundle[:12]}.")


def headline(decision: Decision, language: str) -> str:
    """Outcome, PD with its interval, and the threshold that counts for this loan."""
    words, info = _WORDS[language], decision.model
    span = "" if decision.interval is None else " ({:.4f} – {:.4f})".format(*decision.interval)
    counts = decision.loan_threshold if info.policy.rule == "money" else info.threshold
    threshold = words["unknown"] if counts is None else f"{counts:.4f}"
    outcome = words[decision.outcome]
    what = f"{outcome} {decision.application}{words['colon']}"
    return f"{what} PD {decision.pd:.4f}{span}, {words['threshold']} {threshold}"


def policy_lines(decision: Decision, language: str) -> list[str]:
    """Which hard rules were broken, and what the PD alone says where that is something else."""
    words = _WORDS[language]
    labels = [(rule.label.fr if language == "fr" else rule.label.en, rule.outcome) for rule in decision.rules]
    said = [(label, words[outcome]) for label, outcome in labels]
    if decision.opinion is not None and decision.opinion != decision.outcome:
        said.append((words["opinion"], words[decision.opinion]))
    return [f"{what}{words['colon']} {then}." for what, then in said]


def _contribution_row(contribution: Contribution, language: str) -> tuple[str, str, str]:
    label = contribution.label.fr if language == "fr" else contribution.label.en
    shown = "–" if contribution.value is None else _plain(contribution.value)
    return label, shown, f"{contribution.contribution:+.4f}"


def _plain(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 10_000:
        return f"{value:.0f}"
    return (
        f"{value:,.4g}"
        if isinstance(value, float) and abs(value) < 1000
        else f"{value:,.0f}"
        if isinstance(value, float)
        else str(value)
    )


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; loopback by default.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one, 8000 by default.")
    ] = None,
    portfolio: WhichPortfolio = None,
    model: WhichModel = "champion",
) -> None:
    """Serve decisions over HTTP with the champion.

    POST /v1/decisions takes one application as raw rows by table; GET /v1/example gives one to begin with, and
    /openapi.json describes it all. SCOREWRIGHT_API_KEY sets the key that callers must bring; without it the service
    listens on loopback only, with a key made for this run. Prints the address, the key and a call to paste.

    Example: [bold]scorewright serve --port 8000[/bold]
    """
    from pydantic import SecretStr

    from scorewright.serve.access import is_loopback
    from scorewright.serve.running import run
    from scorewright.serve.settings import load_settings

    settings = load_settings(host=host, port=port)
    made = None
    if settings.api_key is None and is_loopback(settings.host):
        made = secrets.token_urlsafe(24)
        settings = load_settings(host=host, port=port, api_key=SecretStr(made))
    tell("Loading the model ...")
    app = workbench().service(portfolio, model, settings)
    run(app, settings, lambda address: _announce(address, made))


def _announce(address: str, made: str | None) -> None:
    """Say where and how to ask. A key of the operator's own is not repeated: this may end in a log."""
    header = f"-H 'Authorization: Bearer {made}'" if made else '-H "Authorization: Bearer $SCOREWRIGHT_API_KEY"'
    say(
        f"Serving on {address} until Ctrl-C.",
        f"Key for this run: {made}" if made else "Key: the one in SCOREWRIGHT_API_KEY.",
        "",
        "Ask for a decision on a made-up application:",
        f"  curl -s {header} {address}/v1/example |",
        f"    curl -s {header} -H 'Content-Type: application/json' --data-binary @- {address}/v1/decisions",
    )
