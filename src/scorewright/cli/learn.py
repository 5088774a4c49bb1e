"""Verbs that prepare a training: sample, init, check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorewright.cli.console import progress, say, show_table, warn
from scorewright.cli.manual import register

if TYPE_CHECKING:
    from scorewright.tables.contract import ColumnContract

PortfolioName = Annotated[
    str, typer.Argument(metavar="PORTFOLIO", help="Shipped portfolio by name, or a folder with portfolio.toml.")
]
Data = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", help="Folder with the tables (CSV, zipped CSV, Parquet), or the one table."),
]


def add_verbs(app: typer.Typer) -> None:
    """Register the verbs."""
    register(app, (sample, init, check))


def sample(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder to write.")],
    applications: Annotated[
        int, typer.Option(help="Labelled applications; as many as 307511 like the official set.")
    ] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same tables.")] = 7,
    months: Annotated[int, typer.Option(help="Spread applications over so many months; 0 for none.")] = 0,
    drift_from: Annotated[
        int | None, typer.Option(help="Month from which the population drifts; two thirds of the way by default.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Write CSV instead of Parquet.")] = False,
) -> None:
    """Make the seven Home Credit tables from a latent risk process.

    No row is a real person's. About 8 % default, and histories carry signal beyond the application. Applications to
    score come along in application_test, without a target. With --months a column DATE_APPLICATION is added: train on
    such a sample to watch the drift in it.

    Example: [bold]scorewright sample tables --applications 20000 --seed 7[/bold]
    """
    from scorewright.tables.sample import SampleConfig, write_sample

    config = SampleConfig(applications, seed, months, drift_from, "csv" if csv else "parquet")
    with progress() as listen:
        summary = write_sample(config, out, listen)
    show_table(f"Sample in {out}", ("table", "rows"), [(name, f"{rows:,}") for name, rows in summary.rows.items()])
    say(f"Default rate {summary.default_rate:.2%}, seed {seed}. Next: scorewright train home_credit --data {out}")


def init(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder for the portfolio.")],
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help="CSV or Parquet with one row per application.")],
    target: Annotated[
        str, typer.Option("--target", metavar="COLUMN", help="Column that says how each application ended.")
    ],
) -> None:
    """Draft a portfolio for a table that nobody prepared.

    Guesses the key, identifiers, dates and which target value means "defaulted", and writes portfolio.toml and
    features/application.sql, both meant to be read and mended. `train` runs on the draft as it is.

    Example: [bold]scorewright init my_book --data loans.csv --target defaulted[/bold]
    """
    from scorewright.tables.drafting import draft_portfolio

    draft = draft_portfolio(data, target, out)
    rows = [
        ("applications", f"{draft.rows:,}"),
        ("key", draft.key or "none: rows are numbered"),
        ("defaulted when", f"{target} = {draft.default} ({draft.default_rate:.1%})"),
        ("features", str(draft.features)),
        ("left out", ", ".join(draft.left_out) or "nothing"),
    ]
    show_table(f"Portfolio drafted in {draft.folder}", ("what", "guess"), rows)
    say(f"Check {draft.folder}/portfolio.toml, then: scorewright train {draft.folder} --data {data}")


def check(portfolio: PortfolioName, data: Data) -> None:
    """Check tables against a portfolio, without training.

    Reads every table, checks columns, types, keys, links and the target, compiles the feature SQL and prints what the
    columns hold. A training seals the same description of its own rows. Nothing is written.

    Example: [bold]scorewright check home_credit --data tables[/bold]
    """
    from scorewright.flows.check import check_folder
    from scorewright.tables.portfolio import load_portfolio

    with progress() as listen:
        checked = check_folder(load_portfolio(portfolio), data, listen)
    warn(*checked.notices)
    for table, columns in checked.contract.tables.items():
        rows = [_column_row(name, column) for name, column in columns.items()]
        show_table(f"\n{table}: {checked.rows[table]:,} rows", ("column", "type", "empty", "values"), rows)
    say(
        f"\nThe data hold: tables {len(checked.contract.tables)}, features {checked.features}; "
        f"{checked.defaulted:,} of {checked.applications:,} applications defaulted."
    )
    if checked.absent:
        say(f"Absent, so their features are empty: {', '.join(checked.absent)}.")


def _column_row(name: str, column: ColumnContract) -> tuple[str, str, str, str]:
    span = f"{column.minimum:g} to {column.maximum:g}" if column.minimum is not None else ""
    values = f"{len(column.categories)} categories" if column.categories else span
    return name, column.type, "may be" if column.nullable else "never", values
