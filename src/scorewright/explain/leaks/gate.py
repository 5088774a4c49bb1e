"""What a training does with findings: those that are allowed with a reason pass, the gravest others stop it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from scorewright.domain.explanations import Finding
from scorewright.errors import SettingsError

Allowed = Mapping[str, str]


def gate(findings: Iterable[Finding], allowed: Allowed) -> tuple[Finding, ...]:
    """Return the findings with the reason for which each is allowed.

    A finding is allowed when all its columns are, or all features that it was seen in.

    Parameters
    ----------
    findings : iterable of Finding
        What was found.
    allowed : mapping of str to str
        Why a column (``"table.column"``, or the column's name alone), a table or a feature is allowed.

    Raises
    ------
    SettingsError
        A reason is empty.
    """
    silent = [name for name, reason in allowed.items() if not reason.strip()]
    if silent:
        raise SettingsError("What is allowed is allowed for a reason.", f"none for {silent[0]}", "Give --leak-reason.")
    return tuple(replace(finding, allowed=_why(finding, allowed)) for finding in findings)


def refusals(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that stop a training: of severity ``"refuse"``, and not allowed."""
    return tuple(finding for finding in findings if finding.severity == "refuse" and not finding.allowed)


def unasked(findings: Iterable[Finding], allowed: Allowed) -> tuple[str, ...]:
    """Return the names that are allowed though no finding asks for them: they may be misspelt."""
    found = list(findings)
    asked = {name for finding in found for column in finding.columns for name in _names(column)}
    asked |= {feature for finding in found for feature in finding.features}
    return tuple(name for name in allowed if name not in asked)


def _names(column: str) -> tuple[str, ...]:
    return (column, column.partition(".")[2] or column)


def _why(finding: Finding, allowed: Allowed) -> str:
    """Return the reasons, joined; empty where the finding is not allowed as a whole."""
    columns = [_reason(_names(column), allowed) for column in finding.columns]
    features = [_reason((feature,), allowed) for feature in finding.features]
    whole = next((reasons for reasons in (columns, features) if reasons and all(reasons)), [])
    return "; ".join(dict.fromkeys(whole))


def _reason(names: Iterable[str], allowed: Allowed) -> str:
    return next((allowed[name].strip() for name in names if name in allowed), "")
