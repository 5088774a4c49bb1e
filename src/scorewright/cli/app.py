"""The verbs, put together. Rooms are imported inside them, so that ``--help`` is quick."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from scorewright import __version__
from scorewright.cli import (
    explaining,
    keys,
    leaks,
    learn,
    ledger,
    operate,
    outcomes,
    reporting,
    simulate,
    store,
    training,
    use,
)
from scorewright.cli.console import show_error, tell
from scorewright.cli.exits import INTERRUPTED, exit_code
from scorewright.cli.manual import manual
from scorewright.errors import ScorewrightError

app = typer.Typer(
    name="scorewright",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog=(
        "State lives under SCOREWRIGHT_HOME (default ./.scorewright); SCOREWRIGHT_REGISTRY names another registry. "
        "Exit codes: 0 done, 2 usage, 3 settings, 4 portfolio, 5 data, 6 training, 7 bundle, 8 registry, 9 output, "
        "10 request, 11 service, 12 ledger, 20 drift found, 130 stopped by Ctrl-C, 1 anything else."
    ),
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"scorewright {__version__}")
        raise typer.Exit


def scorewright(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Turn a lender's own tables into credit decisions it can defend.

    First steps: [bold]sample[/bold] makes tables to try with, [bold]train[/bold] compares models and registers the one
    that loses the least money, [bold]serve[/bold] answers decisions.
    """


app.callback(help=manual(scorewright))(scorewright)
for room in (learn, leaks, training, use, keys, store, ledger, outcomes, explaining, reporting, operate, simulate):
    room.add_verbs(app)


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error of the tree ends with its message and its exit code, never a traceback."""
    try:
        app(arguments)
    except ScorewrightError as error:
        show_error(error)
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        tell("Stopped. What was not finished was not written.")
        sys.exit(INTERRUPTED)
