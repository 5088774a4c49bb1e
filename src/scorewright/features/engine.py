"""Run compiled features over tables."""

from __future__ import annotations

import numpy as np
import polars as pl

from scorewright.features.compile import CompiledFeatures, CompiledTable
from scorewright.features.rewriting import ZERO, storage
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.types import Tables

#: Position of the parent's row; it cannot clash with a raw column, which SQL could not name.
_PARENT = "\x00parent"


class FeatureEngine:
    """Computes features, for one application or for millions by the same steps.

    Rows of a history are gathered under the position of their parent's row, in the order in which they came, and each
    group is aggregated as one slice. A sum therefore adds the same numbers in the same order whatever else is in the
    batch: permuting or subsetting applications changes no bit.

    Parameters
    ----------
    portfolio : Portfolio
        How the tables hang together.
    features : CompiledFeatures
        What to compute.
    """

    def __init__(self, portfolio: Portfolio, features: CompiledFeatures) -> None:
        self._portfolio = portfolio
        self._features = features

    def compute(self, tables: Tables) -> pl.DataFrame:
        """Compute every feature.

        Parameters
        ----------
        tables : mapping of str to DataFrame
            Checked tables; the root holds n applications. An absent table gives null features.

        Returns
        -------
        DataFrame, n rows
            One column per feature, in the order of the root's rows.
        """
        root = self._portfolio.root
        compiled = self._features.tables[root]
        frame = _staged(_with_zero(self._with_children(root, tables[root], tables)), compiled)
        inherited = [p.name for p in self._features.features[len(compiled.outputs) :]]
        return frame.select(*(p.expression for p in compiled.outputs), *map(pl.col, inherited))

    def _with_children(self, table: str, frame: pl.DataFrame, tables: Tables) -> pl.DataFrame:
        """Add the children's features to the rows of their parent, which keep their order."""
        blocks = [
            self._aggregated(compiled, frame, tables)
            for child in self._portfolio.children(table)
            if (compiled := self._features.tables.get(child)) is not None
        ]
        return frame.hstack([column for block in blocks for column in block.get_columns()])

    def _aggregated(self, compiled: CompiledTable, parent: pl.DataFrame, tables: Tables) -> pl.DataFrame:
        rows = tables.get(compiled.table)
        if rows is None or compiled.on is None:
            return _nothing(compiled, parent.height)
        gathered = self._gathered(compiled, rows, parent[compiled.on])
        complete = _staged(_with_zero(self._with_children(compiled.table, gathered, tables)), compiled)
        groups = complete.group_by(_PARENT, maintain_order=True).agg([p.expression for p in compiled.outputs])
        return _spread(compiled, groups, parent.height)

    def _gathered(self, compiled: CompiledTable, rows: pl.DataFrame, keys: pl.Series) -> pl.DataFrame:
        """Rows that belong to a row of the parent, sorted by its position; the sorted flag makes groups slices."""
        on, key = str(compiled.on), self._portfolio.tables[compiled.table].key
        chosen = rows[list(dict.fromkeys([on, *compiled.columns, *([key] if key else [])]))]
        if len(keys) == 1:
            own = chosen.filter(chosen[on] == keys[0])
            return own.hstack([pl.Series(_PARENT, np.zeros(own.height, dtype=np.uint32)).set_sorted()])
        positions = pl.DataFrame([keys.alias(on), pl.Series(_PARENT, np.arange(len(keys), dtype=np.uint32))])
        joined = chosen.join(positions, on=on, how="inner", maintain_order="left")
        return joined.sort(_PARENT, maintain_order=True)


def _spread(compiled: CompiledTable, groups: pl.DataFrame, parents: int) -> pl.DataFrame:
    """Give each row of the parent the features of its group, or nulls."""
    if groups.is_empty():
        return _nothing(compiled, parents)
    if groups.height < parents:
        every = pl.DataFrame([pl.Series(_PARENT, np.arange(parents, dtype=np.uint32))])
        groups = every.join(groups, on=_PARENT, how="left", maintain_order="left")
    return groups[[p.name for p in compiled.outputs]]


def _with_zero(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.hstack([pl.Series(ZERO, np.zeros(frame.height))])


def _staged(frame: pl.DataFrame, compiled: CompiledTable) -> pl.DataFrame:
    for stage in compiled.stages:
        frame = frame.with_columns([p.expression for p in stage])
    return frame


def _nothing(compiled: CompiledTable, rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        [pl.Series(p.name, [None], dtype=storage(p.kind)).new_from_index(0, rows) for p in compiled.outputs]
    )
