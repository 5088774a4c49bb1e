"""Verbs of those who use a model: score, serve."""

from __future__ import annotations

import secrets
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from scorewright.cli.console import progress, say, show_table, tell, warn
from scorewright.cli.manual import register, workbench

WhichPortfolio = Annotated[
    str | None, typer.Option("--portfolio", help="Portfolio by name; needed when several were trained.")
]
WhichModel = Annotated[str, typer.Option("--model", help="Version number or alias.")]


class Unseen(StrEnum):
    """What happens to a category that training never saw."""

    refuse = "refuse"
    null = "null"


_COUNTED = (("approve", "approved"), ("refer", "referred"), ("refuse", "refused"))


def add_verbs(app: typer.Typer) -> None:
    """Register the verbs."""
    register(app, (score, serve))


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


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; loopback by default.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one, 8000 by default.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that share the address; 1 by default.")] = None,
    portfolio: WhichPortfolio = None,
    model: WhichModel = "champion",
) -> None:
    """Serve decisions over HTTP with the champion.

    POST /v1/decisions takes one application as raw rows by table; GET /v1/example gives one to begin with, and
    /openapi.json describes it all. Callers bring a key of SCOREWRIGHT_KEYS_FILE, which the verb keys writes, a token of
    SCOREWRIGHT_OIDC_ISSUER, or the one SCOREWRIGHT_API_KEY; without any of these the service listens on loopback only,
    with a key made for this run. Prints the address, the key and a call to paste.

    Example: [bold]scorewright serve --port 8000[/bold]
    """
    from pydantic import SecretStr

    from scorewright.bootstrap import serve_one
    from scorewright.serve.access import is_loopback
    from scorewright.serve.running import run, run_workers
    from scorewright.serve.settings import load_settings

    settings = load_settings(host=host, port=port, workers=workers)
    made = None
    if not settings.has_credentials and is_loopback(settings.host):
        made = secrets.token_urlsafe(24)
        settings = load_settings(host=host, port=port, workers=workers, api_key=SecretStr(made))
    on_ready = partial(_announce, made=made, shared=settings.api_key is not None)
    tell("Loading the model ...")
    if settings.workers > 1:
        # The ledger's tables are made here, once, and what is wrong is said before any worker starts.
        workbench().ledger.close()
        run_workers(partial(serve_one, portfolio, model, settings), settings, on_ready, settings.running)
        return
    served = workbench().service(portfolio, model, settings)
    run(served.app, settings, on_ready, settings.running, served.hooks)


def _announce(address: str, *, made: str | None, shared: bool) -> None:
    """Say where and how to ask. A key of the operator's own is not repeated: this may end in a log."""
    own = "$SCOREWRIGHT_API_KEY" if shared else "$KEY"
    header = f"-H 'Authorization: Bearer {made}'" if made else f'-H "Authorization: Bearer {own}"'
    whose = "the one in SCOREWRIGHT_API_KEY" if shared else "the caller's own, here as KEY, with the role integrator"
    say(
        f"Serving on {address} until Ctrl-C.",
        f"Key for this run: {made}" if made else f"Key: {whose}.",
        "",
        "Ask for a decision on a made-up application:",
        f"  curl -s {header} {address}/v1/example |",
        f"    curl -s {header} -H 'Content-Type: application/json' --data-binary @- {address}/v1/decisions",
    )
