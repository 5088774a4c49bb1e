"""Features and hard rules that read what the portfolio says is known only after the decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scorewright.domain.explanations import Finding
from scorewright.explain.leaks.suspicion import listed, permission

KIND = "known_after"


def late_columns(sources: Mapping[str, Sequence[str]], declared: Sequence[str]) -> tuple[Finding, ...]:
    """Return a finding for each column known only after the decision that something reads.

    Parameters
    ----------
    sources : mapping of str to sequence of str
        Raw columns that feed each feature or hard rule, by its name.
    declared : sequence of str
        ``"table.column"`` that are known only after the decision.
    """
    readers = {column: tuple(name for name, read in sources.items() if column in read) for column in declared}
    return tuple(_finding(column, names) for column, names in readers.items() if names)


def _finding(column: str, readers: tuple[str, ...]) -> Finding:
    return Finding(
        kind=KIND,
        severity="refuse",
        columns=(column,),
        features=readers,
        value=float(len(readers)),
        bound=1.0,
        seen=f"{column} is declared known_after, and is read ({listed(readers)}).",
        why="It is known only after the decision: when an application is scored, it is empty or means something else.",
        remedy=f"Take it out of the SQL; if it is known in time after all, say why: {permission([column])}.",
    )
