"""Verbs of the client store: store build."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scorewright.cli.console import progress, say, show_table, warn
from scorewright.cli.manual import manual, register


def add_verbs(app: typer.Typer) -> None:
    """Register the verbs."""
    group = typer.Typer(no_args_is_help=True, help=manual(store))
    register(group, (build,))
    app.add_typer(group, name="store")


def store() -> None:
    """Keep the rows of known clients where the service finds them by id.

    [bold]store build[/bold] writes them from the tables; the service then decides on a client by id alone.
    """


def build(
    portfolio: Annotated[
        str, typer.Option("--portfolio", help="Shipped portfolio by name, or a folder with portfolio.toml.")
    ],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with the tables, or the one table.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="New folder to write.")],
) -> None:
    """Write the raw rows of every application where they are found by id in milliseconds.

    Takes the applications to score and those of training, without their outcome, and all their histories. The folder
    appears whole or not at all; to renew a store, build another beside it. It holds personal data: guard it as you
    guard the tables.

    Example: [bold]scorewright store build --portfolio home_credit --data tables --out clients[/bold]
    """
    from scorewright.tables.portfolio import load_portfolio
    from scorewright.tables.store import build_store

    with progress() as listen:
        built = build_store(load_portfolio(portfolio), data, out, listen)
    warn(*built.notices)
    show_table(f"Client store in {out}", ("table", "rows"), [(name, f"{rows:,}") for name, rows in built.rows.items()])
    say(f"{built.applications:,} clients can be looked up.")
