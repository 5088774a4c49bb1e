"""The one place where raw rows become PD and decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.bundle.contents import Bundle
from scorewright.domain.matrix import FeatureMatrix
from scorewright.features.compile import compile_features
from scorewright.features.encoding import Encoder, declared_categories
from scorewright.features.engine import FeatureEngine
from scorewright.tables.loading import Sealed
from scorewright.tables.portfolio import UnseenCategory
from scorewright.tables.rows import RowReader
from scorewright.tables.types import Tables


@dataclass(frozen=True)
class Scores:
    """PD and decision of n applications, and the matrix they come from.

    Parameters
    ----------
    matrix : FeatureMatrix
        Features, shape (n, p), with the applications' keys.
    pd : ndarray of float64, shape (n,)
        Probability of default.
    refused : ndarray of bool, shape (n,)
        Whether the policy refuses.
    """

    matrix: FeatureMatrix
    pd: NDArray[np.float64]
    refused: NDArray[np.bool_]


class Scorer:
    """Scores applications with one bundle. Safe to share between threads: nothing in it changes.

    Parameters
    ----------
    bundle : Bundle
        Verified bundle.
    unseen : {"refuse", "null"}, optional
        Overrides what the portfolio says of categories that training never saw.
    """

    def __init__(self, bundle: Bundle, unseen: UnseenCategory | None = None) -> None:
        contents = bundle.contents
        compiled = compile_features(contents.portfolio, contents.contract)
        self.bundle = bundle
        rule = unseen or contents.portfolio.unseen_category
        self.sealed = Sealed(contents.contract, compiled.used_columns(), rule)
        self._engine = FeatureEngine(contents.portfolio, compiled)
        declared = declared_categories(contents.columns, contents.portfolio)
        self._encoder = Encoder(contents.columns, rule, declared)
        self._rows = RowReader(contents.portfolio, self.sealed)

    def read(self, body: Mapping[str, Any]) -> Tables:
        """Check one application posted as raw rows by table (see `scorewright.tables.rows`)."""
        return self._rows.read(body)

    def score(self, applications: Tables) -> Scores:
        """Score n applications given as checked tables.

        An application's PD depends on its own rows alone: the same bits whatever else is in the batch.

        Raises
        ------
        UnseenCategoryError
            A category is new to the model and the rule is "refuse".
        """
        contents = self.bundle.contents
        keys = applications[contents.portfolio.root][contents.portfolio.key]
        matrix = self._encoder.encode(self._engine.compute(applications), keys)
        pd = contents.calibration.pd(contents.model.log_odds(matrix.values))
        return Scores(matrix, pd, contents.policy.decide(pd))

    def contributions(self, matrix: FeatureMatrix) -> NDArray[np.float64]:
        """How far each feature moves each score, shape (n, p + 1); the last column is the base value.

        On the model's own scale (`Model.scale`); each row sums to the model's score.
        """
        return self.bundle.contents.model.contributions(matrix.values)

    def example(self) -> dict[str, Any]:
        """Make up an application from typical values: no person, accepted by this model."""
        portfolio, contract = self.bundle.contents.portfolio, self.bundle.contents.contract
        rows = {
            table: {name: column.typical for name, column in cols.items()} for table, cols in contract.tables.items()
        }
        body: dict[str, Any] = {}
        for table, row in rows.items():
            spec = portfolio.tables[table]
            for name in (spec.key, spec.on, *spec.identifiers):
                if name in row:
                    row[name] = "1" if contract.tables[table][name].type == "text" else 1
            body[table] = row if table == portfolio.root else [row]
        return body


def score_frame(scores: Scores) -> pl.DataFrame:
    """Lay scores out as a table: the application's key, ``pd`` and ``decision``."""
    decided = ["refuse" if refused else "approve" for refused in scores.refused]
    return pl.DataFrame({scores.matrix.keys.name: scores.matrix.keys, "pd": scores.pd, "decision": decided})
