"""From feature columns to the matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureColumn, FeatureKind, FeatureMatrix
from scorewright.errors import PortfolioError, UnseenCategoryError
from scorewright.features.few import ComputedFew
from scorewright.features.monotone import Sign
from scorewright.features.plan import CompiledFeatures, Projection
from scorewright.tables.contract import hardly_repeats
from scorewright.tables.portfolio import Portfolio, UnseenCategory

#: More categories than this are an identifier or free text, from which nothing general can be learnt.
MOST_CATEGORIES = 1000

#: Up to so many values are looked up one by one: a query would take longer.
_FEW = 256

_LEAVE_OUT = "List its column under `never` or `identifiers`, or group its values in SQL."


def learn_columns(
    features: pl.DataFrame, compiled: CompiledFeatures, monotone: Mapping[str, Sign] | None = None
) -> tuple[FeatureColumn, ...]:
    """Describe the matrix from training features: the kind of each column and the categories of text.

    Parameters
    ----------
    monotone : mapping of str to {-1, 1}, optional
        What a higher value may only do to the PD, by feature (`scorewright.features.monotone.learn_monotone`).

    Raises
    ------
    PortfolioError
        A text feature has too many values, or they hardly repeat and may name persons.
    """
    signs = monotone or {}
    return tuple(_learnt(features[p.name], p, signs.get(p.name, 0)) for p in compiled.features)


def _learnt(values: pl.Series, projection: Projection, sign: Sign) -> FeatureColumn:
    kind: FeatureKind = "category" if projection.kind == "text" else "numeric"
    sources = tuple(sorted(projection.sources))
    return FeatureColumn(projection.name, kind, projection.label, sources, _categories(values, kind), sign)


def _categories(column: pl.Series, kind: FeatureKind) -> tuple[str, ...]:
    if kind == "numeric":
        return ()
    values = column.drop_nulls().unique().sort().to_list()
    if len(values) > MOST_CATEGORIES:
        raise PortfolioError(
            f"A text feature has at most {MOST_CATEGORIES} different values.",
            f"{column.name} has {len(values)}",
            _LEAVE_OUT,
        )
    if hardly_repeats(column):
        raise PortfolioError(
            "The values of a text feature repeat: at least two rows to each, on average.",
            f"{column.name} has {len(values)} in {len(column) - column.null_count()} rows that have one",
            _LEAVE_OUT,
        )
    return tuple(values)


def declared_categories(columns: Sequence[FeatureColumn], portfolio: Portfolio) -> dict[str, frozenset[str]]:
    """Categories that the portfolio declares for the raw column behind each feature."""
    declared = {}
    for column in columns:
        if column.kind == "category" and len(column.sources) == 1:
            table, _, name = column.sources[0].partition(".")
            declared[column.name] = frozenset(portfolio.tables[table].categories.get(name, ()))
    return declared


class Encoder:
    """Turns feature columns into float64 arrays.

    Parameters
    ----------
    columns : sequence of FeatureColumn
        The matrix as training learnt it.
    unseen : {"refuse", "null"}
        What happens to a category that training never saw and nobody declared.
    declared : mapping of str to frozenset of str, optional
        Categories by feature that are known to exist (see `declared_categories`); where training never saw one, it is
        missing.
    """

    def __init__(
        self,
        columns: Sequence[FeatureColumn],
        unseen: UnseenCategory,
        declared: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self.columns = tuple(columns)
        self._unseen = unseen
        self._declared = declared or {}
        self._numeric = [column.name for column in self.columns if column.kind == "numeric"]
        self._positions = {
            c.name: {v: float(i) for i, v in enumerate(c.categories)} for c in self.columns if c.kind == "category"
        }
        place = {column.name: position for position, column in enumerate(self.columns)}
        self._numeric_places = np.array([place[name] for name in self._numeric], dtype=np.intp)
        self._category_places = {name: place[name] for name in self._positions}

    def encode(self, features: pl.DataFrame | ComputedFew, keys: pl.Series) -> FeatureMatrix:
        """Encode n applications.

        A number that is not finite (a division by zero, a logarithm of nothing) is missing. Zero has no sign.

        Raises
        ------
        UnseenCategoryError
            A category is new and the rule is "refuse".
        """
        values = np.empty((len(keys), len(self.columns)), dtype=np.float64)
        if self._numeric:
            numbers = _numbers(features, self._numeric)
            values[:, self._numeric_places] = np.where(np.isfinite(numbers), numbers + 0.0, np.nan)
        if not isinstance(features, ComputedFew) or not self._coded(features, values):
            for name, place in self._category_places.items():
                values[:, place] = self._codes(name, features)
        return FeatureMatrix(keys, self.columns, values)

    def _coded(self, features: ComputedFew, values: NDArray[np.float64]) -> bool:
        """Fill in the categories of few applications, unless training never saw one of them."""
        for name, place in self._category_places.items():
            positions = self._positions[name]
            try:
                values[:, place] = [np.nan if value is None else positions[value] for value in features.listed(name)]
            except KeyError:
                return False
        return True

    def _codes(self, name: str, features: pl.DataFrame | ComputedFew) -> NDArray[np.float64]:
        """Position of each category; NaN where there is none."""
        positions = self._positions[name]
        if isinstance(features, ComputedFew):
            codes = _found(features.listed(name), positions)
            return codes if not (codes < 0).any() else self._known(features.features[name], codes)
        text = features[name].cast(pl.String)
        codes = _found(text.to_list(), positions) if len(text) <= _FEW else _looked_up(text, positions)
        return codes if not (codes < 0).any() else self._known(text, codes)

    def _known(self, column: pl.Series, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Refuse or empty categories that training never saw."""
        self._refuse(column, codes)
        codes[codes < 0] = np.nan
        return codes

    def _refuse(self, column: pl.Series, codes: NDArray[np.float64]) -> None:
        if self._unseen == "null":
            return
        new = column.filter(pl.Series(codes < 0)).cast(pl.String)
        unseen = new.filter(~new.is_in(list(self._declared.get(column.name, ()))))
        if unseen.is_empty():
            return
        known = next(c for c in self.columns if c.name == column.name)
        names = known.sources if len(known.sources) == 1 else (known.name,)
        raise UnseenCategoryError(names[0], sorted(unseen.unique().to_list()), known.categories, len(unseen))


def _numbers(features: pl.DataFrame | ComputedFew, names: Sequence[str]) -> NDArray[np.float64]:
    if isinstance(features, ComputedFew):
        return features.numbers(names)
    return features.select(pl.col(names).cast(pl.Float64)).to_numpy()


def _found(values: Sequence[str | None], positions: Mapping[str, float]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else positions.get(value, -1.0) for value in values], dtype=np.float64)


def _looked_up(column: pl.Series, positions: dict[str, float]) -> NDArray[np.float64]:
    if not positions:
        return np.where(column.is_null().to_numpy(), np.nan, -1.0)
    names, codes = list(positions), list(positions.values())
    looked = column.replace_strict(pl.Series(names), pl.Series(codes), default=-1.0, return_dtype=pl.Float64)
    return np.where(column.is_null().to_numpy(), np.nan, looked.to_numpy())
