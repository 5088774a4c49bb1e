"""Whether a value is there at all predicts the outcome.

Fields that are filled in, or wiped, when a loan goes bad betray it by being empty or not. Honest gaps tell a little:
who has no credit history is empty in the bureau's columns. The bounds stand for gaps that are by 30 and by 50 points
more frequent in one outcome than in the other, an AUC of 0.65 and of 0.75; the best whole column of Home Credit reaches
0.66 with its values, and no gap of it 0.58.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scorewright.domain.explanations import Finding
from scorewright.explain.leaks.learnt import Learnt
from scorewright.explain.leaks.outcomes import Flags, Outcomes
from scorewright.explain.leaks.suspicion import Suspect, grouped, listed, severity, unless_known

KIND = "missingness"
WARN, REFUSE = 0.65, 0.75


def missingness(learnt: Learnt, warn: float = WARN, refuse: float = REFUSE) -> tuple[Finding, ...]:
    """Return a finding for each raw column whose gaps, or those of a feature that reads it, predict the outcome.

    Parameters
    ----------
    learnt : Learnt
        The applications of training.
    warn, refuse : float
        Out-of-fold AUC of "is empty" from which it is implausible; raised where few rows could reach it by luck.
    """
    known = learnt.outcomes
    if known is None:
        return ()
    suspects = _measured(learnt, known, max(min(warn, refuse), known.luck))
    return tuple(_finding(suspect, warn, refuse, known.luck) for suspect in grouped(suspects))


def _measured(learnt: Learnt, known: Outcomes, bound: float) -> Iterator[Suspect]:
    columns = learnt.matrix.columns
    places = [
        *((column.sources or (column.name,), (column.name,)) for column in columns),
        *(((name,), learnt.readers(name)) for name in learnt.raw.columns),
    ]
    empty = _empty(learnt, known)
    aucs = known.aucs_of_flags(empty)
    for place in np.flatnonzero(aucs >= bound):
        sources, features = places[place]
        yield Suspect(float(aucs[place]), sources, features, _told(empty[:, place], known))


def _empty(learnt: Learnt, known: Outcomes) -> Flags:
    """Whether each feature and each raw column is empty, shape (k, p + q)."""
    raw = [learnt.raw[name].is_null().to_numpy()[known.rows] for name in learnt.raw.columns]
    return np.column_stack([np.isnan(learnt.matrix.values[known.rows]), *raw])


def _told(empty: Flags, known: Outcomes) -> str:
    bad, good = (float(empty[part].mean()) for part in (known.defaulted, ~known.defaulted))
    return f"empty for {bad:.1%} of the defaults and {good:.1%} of the repayments"


def _finding(suspect: Suspect, warn: float, refuse: float, luck: float) -> Finding:
    judged = severity(suspect.value, warn, refuse, luck) or "note"
    named = " with ".join(suspect.columns)
    return Finding(
        kind=KIND,
        severity=judged,
        columns=suspect.columns,
        features=suspect.features,
        value=suspect.value,
        bound=max(refuse if judged == "refuse" else warn, luck),
        seen=(
            f"Whether {named} is empty separates defaults from repayments with an AUC of {suspect.value:.3f}: "
            f"{suspect.told} ({listed(suspect.features)})."
        ),
        why="A value that is filled in or wiped when a loan goes bad tells the outcome, and tells nothing beforehand.",
        remedy=f"Ask when the value is written. {unless_known(suspect.columns)}",
    )
