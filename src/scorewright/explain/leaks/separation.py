"""A single feature or raw column that separates defaults from repayments too well to be true.

What is only known after the decision (collections, write-offs, a date of default) separates almost perfectly in
training and is absent when an application is scored.
"""

from __future__ import annotations

from collections.abc import Iterator

from scorewright.domain.explanations import Finding
from scorewright.domain.matrix import FeatureColumn
from scorewright.explain.leaks.learnt import Learnt, levels_of_raw
from scorewright.explain.leaks.outcomes import (
    Floats,
    Outcomes,
    Positions,
    levels_of_categories,
    levels_of_numbers,
)
from scorewright.explain.leaks.suspicion import Suspect, grouped, listed, severity, unless_known

KIND = "separation"
WARN, REFUSE = 0.80, 0.85


def separation(learnt: Learnt, warn: float = WARN, refuse: float = REFUSE) -> tuple[Finding, ...]:
    """Return a finding for each raw column, or few together, that separates too well to be true; the worst first.

    Features are looked at, and the raw columns of the application that they read.

    Parameters
    ----------
    learnt : Learnt
        The applications of training.
    warn, refuse : float
        Out-of-fold AUC of one feature from which it is implausible; raised where few rows could reach it by luck.
    """
    known = learnt.outcomes
    if known is None:
        return ()
    bound = max(min(warn, refuse), known.luck)
    suspects = (suspect for suspect in _measured(learnt, known) if suspect.value >= bound)
    return tuple(_finding(suspect, warn, refuse, known.luck) for suspect in grouped(suspects))


def _measured(learnt: Learnt, known: Outcomes) -> Iterator[Suspect]:
    for place, column in enumerate(learnt.matrix.columns):
        value = known.auc(_levels(column, learnt.matrix.values[known.rows, place]))
        yield Suspect(value, column.sources or (column.name,), (column.name,))
    passed_on = {(column.name, column.sources) for column in learnt.matrix.columns}
    for name in learnt.raw.columns:
        if (name.partition(".")[2], (name,)) not in passed_on:
            value = known.auc(levels_of_raw(learnt.raw[name].gather(known.rows)))
            yield Suspect(value, (name,), learnt.readers(name))


def _levels(column: FeatureColumn, values: Floats) -> Positions:
    return levels_of_categories(values) if column.kind == "category" else levels_of_numbers(values)


def _finding(suspect: Suspect, warn: float, refuse: float, luck: float) -> Finding:
    named, auc = " with ".join(suspect.columns), suspect.value
    judged = severity(auc, warn, refuse, luck) or "note"
    return Finding(
        kind=KIND,
        severity=judged,
        columns=suspect.columns,
        features=suspect.features,
        value=auc,
        bound=max(refuse if judged == "refuse" else warn, luck),
        seen=(
            f"{named} alone separates defaults from repayments with an AUC of {auc:.3f} ({listed(suspect.features)})."
        ),
        why="A whole application model reaches about 0.80, so this may be known only after the decision.",
        remedy=unless_known(suspect.columns),
    )
