"""Verbs of the operator: models, drift, promote, rollback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorewright.cli.console import OUT, progress, say, show_table, warn
from scorewright.cli.exits import DRIFTED
from scorewright.cli.manual import register, workbench
from scorewright.cli.use import Unseen, WhichModel, WhichPortfolio

if TYPE_CHECKING:
    from scorewright.monitor.drift import DriftReport, Shift


def add_verbs(app: typer.Typer) -> None:
    """Register the verbs."""
    register(app, (models, drift, promote, rollback))


def models(portfolio: WhichPortfolio = None) -> None:
    """List the registered versions and who is champion and challenger.

    Example: [bold]scorewright models[/bold]
    """
    from scorewright.flows.champion import chosen_portfolio

    registry = workbench().registry
    names = registry.portfolios() if portfolio is None else ()
    names = names or (chosen_portfolio(registry, portfolio),)
    versions = [version for name in names for version in registry.versions(name)]
    rows = [
        (v.portfolio, v.version, v.candidate, ", ".join(v.aliases), v.bundle[:12], f"{v.created:%Y-%m-%d %H:%M}")
        for v in versions
    ]
    show_table("Registered models", ("portfolio", "version", "candidate", "alias", "bundle", "created (UTC)"), rows)


def drift(
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with the new applications.")],
    portfolio: WhichPortfolio = None,
    model: WhichModel = "champion",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    unseen: Annotated[
        Unseen, typer.Option(help="Refuse categories new to the model, or take them as missing.")
    ] = Unseen.null,
) -> None:
    """Compare new applications with the population the champion learnt from.

    For each feature: population stability index, Kolmogorov-Smirnov distance or chi-squared test, missing rate, and for
    the PD its shift. A feature has drifted when the change is larger than chance explains at this sample size, after
    correction for the number of features, and large enough to matter. Exit code 20 when something drifted, else 0.

    Example: [bold]scorewright drift --data tables --json > drift.json[/bold]
    """
    from scorewright.flows.champion import load_version
    from scorewright.flows.watch import watch_folder

    with progress() as listen:
        loaded = load_version(workbench().registry, portfolio, model, unseen.value)
        watched = watch_folder(loaded, data, listen)
    warn(*watched.notices)
    report = watched.report
    if as_json:
        OUT.out(json.dumps(report.to_dict(), indent=1, ensure_ascii=False, allow_nan=False), highlight=False)
    else:
        _show_drift(report)
    raise typer.Exit(DRIFTED if report.drifted else 0)


def _show_drift(report: DriftReport) -> None:
    changed = [row for row in report.features if row.shift.verdict == "drifted"]
    shown = sorted(report.features, key=lambda row: -row.shift.psi)[: max(10, len(changed))]
    rows = [
        (
            row.feature,
            f"{row.shift.psi:.3f}",
            _distance(row.shift),
            f"{row.shift.p_adjusted:.2g}",
            f"{row.missing_then:.1%}",
            f"{row.missing_now:.1%}",
            row.shift.verdict,
        )
        for row in shown
    ]
    title = (
        f"{report.rows_now:,} applications against {report.rows_then:,} of training: the {len(shown)} largest changes"
    )
    show_table(title, ("feature", "PSI", "KS or χ²", "p adjusted", "empty then", "empty now", "verdict"), rows)
    pd = report.pd
    say(f"PD: mean {pd.mean_then:.4f} then, {pd.mean_now:.4f} now, PSI {pd.shift.psi:.3f}: {pd.shift.verdict}.")
    say(f"{len(changed)} of {len(report.features)} features drifted.")


def _distance(shift: Shift) -> str:
    """KS of a number, chi-squared of a category."""
    if shift.ks is not None:
        return f"KS {shift.ks:.3f}"
    return "–" if shift.chi_squared is None else f"χ² {shift.chi_squared:,.1f}"


def promote(
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="The tables the challenger was trained on.")],
    portfolio: WhichPortfolio = None,
    model: WhichModel = "challenger",
) -> None:
    """Make a version the champion, if it loses no more money on the locked test set.

    Both models decide the challenger's test set by their own policy; the difference in cost per application comes with
    a paired bootstrap interval. The champion alias moves only if the challenger costs no more.

    Example: [bold]scorewright promote --data tables[/bold]
    """
    from scorewright.flows.release import promote as run_promotion

    with progress() as listen:
        promotion = run_promotion(workbench().registry, portfolio, data, model, listen)
    if promotion.difference is not None:
        cost = promotion.difference
        say(
            f"On {promotion.applications:,} test applications the new champion costs {cost.estimate:+.4f} "
            f"per application more than the one before (95 % {cost.low:+.4f} to {cost.high:+.4f})."
        )
    say(f"{promotion.after.portfolio} version {promotion.after.version} ({promotion.after.candidate}) is champion.")


def rollback(portfolio: WhichPortfolio = None) -> None:
    """Give the champion alias back to the version that held it before. Its bundle is verified first.

    Example: [bold]scorewright rollback[/bold]
    """
    from scorewright.flows.release import rollback as run_rollback

    version = run_rollback(workbench().registry, portfolio)
    say(f"{version.portfolio} version {version.version} ({version.candidate}) is champion again.")
