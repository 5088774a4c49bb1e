"""Options that let leaks pass the gate, and how findings are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from scorewright.cli.console import say, show_table
from scorewright.errors import SettingsError

if TYPE_CHECKING:
    from scorewright.domain.explanations import Finding

AllowLeak = Annotated[
    list[str] | None,
    typer.Option("--allow-leak", metavar="COLUMN", help="Let this column or feature pass the leak gate; repeat it."),
]
LeakReason = Annotated[
    list[str] | None,
    typer.Option(
        "--leak-reason", metavar="TEXT", help="Why: one for all, or one for each --allow-leak. It is recorded."
    ),
]


def allowed_leaks(names: Sequence[str], reasons: Sequence[str]) -> dict[str, str]:
    """Join what is allowed with the reasons for it.

    Raises
    ------
    SettingsError
        There is not one reason for all, nor one for each.

    Examples
    --------
    >>> allowed_leaks(["application.SCORE", "application.LIMIT"], ["set by the bureau before the loan"])["LIMIT"]
    Traceback (most recent call last):
    KeyError: 'LIMIT'
    """
    shared = list(reasons) * len(names) if len(reasons) == 1 else reasons
    if len(shared) != len(names) or not all(reason.strip() for reason in shared):
        raise SettingsError(
            "Each --allow-leak is given a --leak-reason, or one is given for all.",
            f"{len(names)} allowed, reasons {len([reason for reason in reasons if reason.strip()])}",
            "Say why the column is known when an application is scored; the reason is kept with the training.",
        )
    return dict(zip(names, shared, strict=True))


def show_findings(findings: Sequence[Finding]) -> None:
    """Print a table of findings, then each of them in words."""
    if not findings:
        say("No leak found.")
        return
    rows = [(" with ".join(each.columns), each.kind, _verdict(each), *_figures(each)) for each in findings]
    show_table("Findings", ("columns", "look", "severity", "value", "bound"), rows)
    for finding in findings:
        say("", finding.sentence, *([f"Allowed: {finding.allowed}"] if finding.allowed else []))


def _verdict(finding: Finding) -> str:
    return f"{finding.severity}, allowed" if finding.allowed else finding.severity


def _figures(finding: Finding) -> tuple[str, str]:
    return f"{finding.value:.3g}", f"{finding.bound:.3g}"
