"""The verb that looks for leaks."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from scorewright.cli.allowances import AllowLeak, LeakReason, allowed_leaks, show_findings
from scorewright.cli.console import OUT, progress, warn
from scorewright.cli.learn import Data, PortfolioName
from scorewright.cli.manual import register


def add_verbs(app: typer.Typer) -> None:
    """Register the verb."""
    register(app, (leaks,))


def leaks(
    portfolio: PortfolioName,
    data: Data,
    allow_leak: AllowLeak = None,
    leak_reason: LeakReason = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Look for what training data tell that will not be known when an application is scored.

    It looks for a column that separates defaults too well by itself; for gaps, identifiers and an order of rows that
    do; for features that read a column declared known_after; for applications that stand both in training and in the
    test; and, where the portfolio names a date, for features that changed in the later test. One feature that carries
    a model alone is found by a training. Nothing is written. Exit code 6 when a training would refuse.

    Example: [bold]scorewright leaks home_credit --data tables[/bold]
    """
    from scorewright.explain.leaks.gate import gate, unasked
    from scorewright.flows.leaks import inspect_folder, pass_gate
    from scorewright.tables.portfolio import load_portfolio

    allowed = allowed_leaks(allow_leak or (), leak_reason or ())
    with progress() as listen:
        findings = inspect_folder(load_portfolio(portfolio), data, listen)
    judged = gate(findings, allowed)
    warn(*(f"--allow-leak {name}: no finding asks for it." for name in unasked(findings, allowed)))
    if as_json:
        listed = [asdict(finding) for finding in judged]
        OUT.out(json.dumps(listed, indent=1, ensure_ascii=False, allow_nan=False), highlight=False)
    else:
        show_findings(judged)
    pass_gate(judged, allowed)
