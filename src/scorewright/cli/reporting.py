"""The verb that writes down what a registered model is: report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scorewright.cli.console import say, tell
from scorewright.cli.manual import register, workbench
from scorewright.cli.use import WhichModel, WhichPortfolio


def add_verbs(app: typer.Typer) -> None:
    """Register the verb."""
    register(app, (report,))


def report(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="HTML file to write.")] = Path("report.html"),
    portfolio: WhichPortfolio = None,
    model: WhichModel = "champion",
) -> None:
    """Write the report on a registered model: one HTML file that needs neither a network nor a server.

    Data, features, candidates, calibration, cost and policy, what moves the model, leak findings, fairness, limits, how
    to train it again, and where examiners find what they ask for. It is written from the record of the training and the
    sealed bundle; no data are read. A shorter card travels inside the bundle.

    Example: [bold]scorewright report --out report.html[/bold]
    """
    from scorewright.flows.report import report_on

    tell("Writing the report ...")
    written = report_on(workbench().registry, portfolio, model, out)
    told = written.report
    named = f"{told.portfolio.name} version {told.version} (bundle {told.bundle.digest[:12]})"
    say(f"Report on {named} in {out}, {written.size / 1e6:.1f} MB.")
