"""One feature that carries a model nearly alone.

From one half of the mean absolute contributions on, one feature outweighs all others together; the first feature of the
shipped portfolios has at most 0.28. That can be honest (a behaviour score, the latest payment status), so it is refused
only where the model also tells too well: an AUC that is implausible in one feature is so in a model that is little more
than one.
"""

from __future__ import annotations

from collections.abc import Sequence

from scorewright.domain.evaluation import Importance
from scorewright.domain.explanations import Finding, Severity
from scorewright.domain.matrix import FeatureColumn
from scorewright.explain.leaks.suspicion import unless_known

KIND = "concentration"
SHARE = 0.5
AUC = 0.85


def concentration(
    model: str, importances: Sequence[Importance], columns: Sequence[FeatureColumn], auc: float
) -> tuple[Finding, ...]:
    """Return a finding where one feature carries an implausible share of a model.

    Parameters
    ----------
    model : str
        Name of the candidate.
    importances : sequence of Importance
        Shares of the mean absolute contributions, by feature.
    columns : sequence of FeatureColumn
        The features.
    auc : float
        Out-of-fold AUC of the model.

    Notes
    -----
    Among few features each has a large share: the bound is no less than twice an even share of those that count.
    """
    used = [importance for importance in importances if importance.value > 0]
    if not used:
        return ()
    bound, first = max(SHARE, 2.0 / len(used)), max(used, key=lambda importance: importance.share)
    if first.share < bound:
        return ()
    sources = next((column.sources for column in columns if column.name == first.name), ())
    return (_finding(model, first, sources or (first.name,), bound, auc),)


_ALONE = "It outweighs all other features together, so that the model stands or falls with it."
_TOO_GOOD = (
    f"It outweighs all other features together, and applications seldom allow an AUC of {AUC:.2f}: "
    "it may be known only after the decision."
)


def _finding(model: str, first: Importance, sources: tuple[str, ...], bound: float, auc: float) -> Finding:
    severity: Severity = "refuse" if auc >= AUC else "warn"
    return Finding(
        kind=KIND,
        severity=severity,
        columns=sources,
        features=(first.name,),
        value=first.share,
        bound=bound,
        seen=f"{first.name} carries {first.share:.0%} of what moves {model}, whose AUC is {auc:.3f}.",
        why=_TOO_GOOD if severity == "refuse" else _ALONE,
        remedy=unless_known(sources),
    )
