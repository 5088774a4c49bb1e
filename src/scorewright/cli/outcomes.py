"""Verbs of those who know how loans turned out: outcomes import."""

from __future__ import annotations

import csv
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorewright.cli.console import progress, show_table, warn
from scorewright.cli.exits import exit_code
from scorewright.cli.ledger import local_user
from scorewright.cli.manual import manual, workbench
from scorewright.errors import OutputError

if TYPE_CHECKING:
    from scorewright.flows.outcome_files import Refused

#: Of rows that were refused, so many are told one by one.
_TOLD = 20


def add_verbs(app: typer.Typer) -> None:
    """Register the verbs."""
    group = typer.Typer(no_args_is_help=True, help=manual(outcomes))
    group.command("import", help=manual(import_file))(import_file)
    app.add_typer(group, name="outcomes")


def outcomes() -> None:
    """Record how decided loans turned out: what models are judged by later.

    [bold]outcomes import[/bold] reads a file; the service takes the same at POST /v1/outcomes.
    """


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, Parquet, or a JSON object a line (.ndjson).")],
    problems: Annotated[
        Path | None, typer.Option("--problems", metavar="FILE", help="New CSV file for the rows that were refused.")
    ] = None,
) -> None:
    """Record the outcomes of a file in the ledger, each beside its decision.

    Columns: `decision`, its id as it was answered; `defaulted`, true, false, 1 or 0; `observed`, the day from which
    this is known, which may be empty or absent. A row that is refused keeps no other from being recorded; the exit code
    is then that of the first one. The same file may be given again, by the same user of this machine: what stands in
    the ledger already makes no second entry.

    Example: [bold]scorewright outcomes import outcomes.csv --problems refused.csv[/bold]
    """
    from scorewright.flows.outcome_files import import_outcomes

    if problems is not None and problems.exists():
        raise OutputError(
            "The rows that were refused go into a new file.", f"{problems} exists", "Choose another name."
        )
    with closing(workbench().open_ledger()) as ledger, progress() as listen:
        imported = import_outcomes(ledger, file, local_user(), listen)
    counted = (
        ("recorded", imported.recorded),
        ("recorded before", imported.repeated),
        ("refused", len(imported.refused)),
    )
    show_table(f"Outcomes of {file.name}", ("what", "rows"), [(what, f"{number:,}") for what, number in counted])
    if imported.refused:
        _tell(imported.refused, problems)
        raise typer.Exit(exit_code(imported.refused[0].error))


def _tell(refused: tuple[Refused, ...], out: Path | None) -> None:
    warn(*(f"row {one.row}: {one.error}" for one in refused[:_TOLD]))
    if out is None:
        return
    from scorewright.atomic import whole_file

    with whole_file(out) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "decision", "code", "problem"))
        writer.writerows((one.row, one.decision, one.error.code, str(one.error)) for one in refused)
    warn(f"{len(refused):,} refused rows are in {out}.")
