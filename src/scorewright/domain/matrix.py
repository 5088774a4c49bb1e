"""The matrix: one row of features per application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

FeatureKind = Literal["numeric", "category"]


@dataclass(frozen=True)
class Label:
    """What a person reads in place of a technical name."""

    en: str
    fr: str


@dataclass(frozen=True)
class FeatureColumn:
    """One feature and where it comes from.

    Parameters
    ----------
    name : str
        Name of the column, unique in the matrix.
    kind : {"numeric", "category"}
        A category is stored as the position of its value in `categories`.
    label : Label
        English and French.
    sources : tuple of str
        Raw columns that feed it, as ``"table.column"``, sorted.
    categories : tuple of str
        Values seen in training, sorted; empty for numeric features.
    monotone : {-1, 0, 1}
        1 where a higher value may only raise the PD, -1 where it may only lower it.
    """

    name: str
    kind: FeatureKind
    label: Label
    sources: tuple[str, ...]
    categories: tuple[str, ...] = ()
    monotone: Literal[-1, 0, 1] = 0


@dataclass(frozen=True)
class FeatureMatrix:
    """Features of many applications, ready for any model.

    Parameters
    ----------
    keys : polars.Series
        Key of each application, length n.
    columns : tuple of FeatureColumn
        Description of the p features, in order.
    values : ndarray of float64, shape (n, p), C order
        Numbers, category positions, and NaN where a value is missing. Never infinite.
    """

    keys: pl.Series
    columns: tuple[FeatureColumn, ...]
    values: NDArray[np.float64]

    def take(self, rows: NDArray[np.intp]) -> FeatureMatrix:
        """Return the given rows, in the given order."""
        return FeatureMatrix(self.keys.gather(rows), self.columns, self.values[rows])

    def select(self, features: NDArray[np.intp]) -> FeatureMatrix:
        """Return the given features, in the given order."""
        columns = tuple(self.columns[position] for position in features)
        return FeatureMatrix(self.keys, columns, self.values[:, features])
