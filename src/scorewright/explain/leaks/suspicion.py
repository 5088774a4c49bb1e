"""From suspicious features to the raw columns to ask about, and the words that all looks share."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from scorewright.domain.explanations import Finding, Severity

_SHOWN = 5


@dataclass(frozen=True)
class Suspect:
    """A feature, or a raw column, that looks too good or too different to be true.

    Parameters
    ----------
    value : float
        What was measured: the more, the worse.
    columns : tuple of str
        Raw columns that feed it; its own name where none does.
    features : tuple of str
        The feature, or the features that read the raw column.
    told : str
        What more is to be said of it.
    bound : float
        From where it counts, where it has a bound of its own.
    """

    value: float
    columns: tuple[str, ...]
    features: tuple[str, ...]
    told: str = ""
    bound: float = 0.0


def grouped(suspects: Iterable[Suspect]) -> tuple[Suspect, ...]:
    """Return one suspect for each group of columns, the worst first.

    The simplest suspect is blamed first; one that holds a column already blamed is explained by it. Value and words are
    those of the worst of a group, whose features come in that order.
    """
    groups: list[tuple[tuple[str, ...], list[Suspect]]] = []
    for suspect in sorted(suspects, key=lambda one: (len(one.columns), -one.value, one.columns, one.features)):
        known = [members for columns, members in groups if set(columns) & set(suspect.columns)]
        if not known:
            groups.append((suspect.columns, [suspect]))
        for members in known:
            members.append(suspect)
    merged = [_merged(columns, members) for columns, members in groups]
    return tuple(sorted(merged, key=lambda one: (-one.value, one.columns)))


def _merged(columns: tuple[str, ...], members: Sequence[Suspect]) -> Suspect:
    ranked = sorted(members, key=lambda one: (-one.value, one.features))
    features = tuple(dict.fromkeys(name for one in ranked for name in one.features))
    return replace(ranked[0], columns=columns, features=features)


def listed(names: Sequence[str]) -> str:
    """Name some and count the others."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def permission(columns: Iterable[str]) -> str:
    """Write the options that allow columns."""
    return " ".join(f"--allow-leak {shlex.quote(column)}" for column in columns) + " --leak-reason TEXT"


def unless_known(columns: Sequence[str]) -> str:
    """Say what to do with columns that may be known only after the decision."""
    one = len(columns) == 1
    return (
        f"If {'it is' if one else 'they are'} not known when the application is scored, list {'it' if one else 'them'} "
        f"under known_after or never in portfolio.toml and read {'it' if one else 'them'} in no feature; "
        f"if {'it is' if one else 'they are'}, say why: {permission(columns)}."
    )


def severity(value: float, warn: float, refuse: float, luck: float = 0.0) -> Severity | None:
    """Judge what was measured, by bounds that are raised where luck reaches them; None below both."""
    if value >= max(refuse, luck):
        return "refuse"
    return "warn" if value >= max(warn, luck) else None


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Put the gravest first; within a severity findings stay in the order of the looks."""
    ranks = {"refuse": 0, "warn": 1, "note": 2}
    return tuple(sorted(findings, key=lambda finding: ranks[finding.severity]))
