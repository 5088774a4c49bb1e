"""Identifiers and the order of rows, which should tell nothing of the outcome."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from scorewright.domain.explanations import Finding
from scorewright.domain.matrix import FeatureColumn
from scorewright.explain.leaks.learnt import as_numbers
from scorewright.explain.leaks.outcomes import Floats, Outcomes, levels_of_numbers
from scorewright.explain.leaks.suspicion import listed, permission

READ, ORDER = "identifier", "order"

#: A default rate that doubles steadily from the first row to the last gives an AUC of 0.56.
WARN = 0.60

#: Stands for the row numbers among what is ordered.
POSITION = "row order"


def identifiers_read(columns: Sequence[FeatureColumn], identifiers: Sequence[str]) -> tuple[Finding, ...]:
    """Return a finding for each identifier of an application or an applicant that a feature reads.

    Parameters
    ----------
    columns : sequence of FeatureColumn
        The features.
    identifiers : sequence of str
        ``"table.column"`` that name an application or an applicant.
    """
    found = []
    for identifier in identifiers:
        readers = tuple(column.name for column in columns if identifier in column.sources)
        if readers:
            found.append(_read(identifier, readers))
    return tuple(found)


def _read(identifier: str, readers: tuple[str, ...]) -> Finding:
    return Finding(
        kind=READ,
        severity="refuse",
        columns=(identifier,),
        features=readers,
        value=float(len(readers)),
        bound=1.0,
        seen=f"{identifier} names applications or applicants, and features read it ({listed(readers)}).",
        why="A model learns from such a number who defaulted in training, or when, and nothing that holds for others.",
        remedy=(
            f"Take it out of the SQL, or out of identifiers if it names nobody; "
            f"if it means something, say why: {permission([identifier])}."
        ),
    )


def order(marks: pl.DataFrame, known: Outcomes | None, warn: float = WARN) -> tuple[Finding, ...]:
    """Return a finding for each mark whose order predicts the outcome. None of them feeds a feature by itself.

    Parameters
    ----------
    marks : DataFrame, n rows
        Keys, identifiers, dates and `POSITION` of the applications of training.
    known : Outcomes or None
        Their outcomes.
    warn : float
        Out-of-fold AUC of the rank from which it is implausible; raised where few rows could reach it by luck.
    """
    if known is None:
        return ()
    bound = max(warn, known.luck)
    aucs = {mark.name: known.auc(levels_of_numbers(_ranks(mark)[known.rows])) for mark in marks.iter_columns()}
    return tuple(_ordered(name, auc, bound) for name, auc in aucs.items() if auc >= bound)


def _ranks(mark: pl.Series) -> Floats:
    return as_numbers(mark.rank("dense"))


def _ordered(mark: str, auc: float, bound: float) -> Finding:
    what = "The row order of the table" if mark == POSITION else f"The order of {mark}"
    return Finding(
        kind=ORDER,
        severity="warn",
        columns=(mark,),
        features=(),
        value=auc,
        bound=bound,
        seen=f"{what} separates defaults from repayments with an AUC of {auc:.3f}, though no feature reads it.",
        why=(
            "Either the tables were put together by outcome, and other columns may tell which part a row came from, "
            "or the default rate changed with time."
        ),
        remedy=(
            "Ask how the rows were drawn and joined. Where it is time, name the date of the applications in "
            "portfolio.toml, so that the model is tested on later ones."
        ),
    )
