"""Whether a fitted model follows the raw columns that the portfolio declares monotone."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.errors import SettingsError
from scorewright.features.compile import compile_features
from scorewright.features.encoding import Encoder
from scorewright.features.engine import FeatureEngine
from scorewright.features.monotone import sweep_violations
from scorewright.flows.contest import Ground
from scorewright.models.cross_validation import Fitted
from scorewright.tables.loading import restrict
from scorewright.tables.types import Tables

#: Sums of leaves in another order may differ by so much.
_ROUNDING = 1e-9


def disobedience(name: str, fitted: Fitted, ground: Ground, tables: Tables) -> SettingsError | None:
    """Sweep every declared column through features, model and calibration together; None where all are followed.

    Parameters
    ----------
    name : str
        The candidate, for the message.
    tables : mapping of str to DataFrame
        All labelled tables; applications of training are swept.
    """
    portfolio = ground.portfolio
    declared = portfolio.tables[portfolio.root].monotone
    if not declared:
        return None
    columns = ground.final.matrix.columns
    compiled = compile_features(portfolio, ground.dataset.contract, only=[column.name for column in columns])
    engine, encoder = FeatureEngine(portfolio, compiled), Encoder(columns, unseen="null")

    def pd(swept: Tables) -> NDArray[np.float64]:
        keys = swept[portfolio.root][portfolio.key]
        return fitted.pd(encoder.encode(engine.compute(swept), keys).values)

    known = restrict(portfolio, tables, pl.Series(ground.dataset.train_rows))
    found = [sweep_violations(pd, portfolio, known, column, sense) for column, sense in declared.items()]
    broken = [f"{one.column} (by {one.violation:.4f})" for one in found if one.violation > _ROUNDING]
    if not broken:
        return None
    return SettingsError(
        "A PD must follow the columns that are declared monotone.",
        f"{name} moves against {', '.join(broken)}",
        "Leave this candidate out, or the declaration.",
    )
