"""Run compiled features over tables."""

from __future__ import annotations

import polars as pl

from scorewright.features.compile import CompiledFeatures, CompiledTable, Projection
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
        frame = self._with_children(root, tables[root], tables)
        compiled = self._features.tables[root]
        own = _staged(frame, compiled).select([p.expression for p in compiled.outputs])
        inherited = [p.name for p in self._features.features[len(compiled.outputs) :]]
        return pl.concat([own, frame.select(inherited)], how="horizontal") if inherited else own

    def _with_children(self, table: str, frame: pl.DataFrame, tables: Tables) -> pl.DataFrame:
        blocks = [frame]
        for child in self._portfolio.children(table):
            compiled = self._features.tables.get(child)
            if compiled is not None:
                blocks.append(self._aggregated(compiled, frame, tables))
        return pl.concat(blocks, how="horizontal") if len(blocks) > 1 else frame

    def _aggregated(self, compiled: CompiledTable, parent: pl.DataFrame, tables: Tables) -> pl.DataFrame:
        rows = tables.get(compiled.table)
        if rows is None or compiled.on is None:
            return _nothing(compiled, parent.height)
        gathered = self._gathered(compiled, rows, parent[compiled.on])
        complete = _staged(self._with_children(compiled.table, gathered, tables), compiled)
        groups = complete.group_by(_PARENT, maintain_order=True).agg([p.expression for p in compiled.outputs])
        every = pl.DataFrame({_PARENT: pl.int_range(parent.height, dtype=pl.UInt32, eager=True)})
        return every.join(groups, on=_PARENT, how="left", maintain_order="left").drop(_PARENT)

    def _gathered(self, compiled: CompiledTable, rows: pl.DataFrame, keys: pl.Series) -> pl.DataFrame:
        """Rows that belong to a row of the parent, sorted by its position; the sorted flag makes groups slices."""
        on = str(compiled.on)
        key = self._portfolio.tables[compiled.table].key
        positions = pl.DataFrame({on: keys, _PARENT: pl.int_range(len(keys), dtype=pl.UInt32, eager=True)})
        wanted = list(dict.fromkeys([on, *compiled.columns, *([key] if key else [])]))
        joined = rows.select(wanted).join(positions, on=on, how="inner", maintain_order="left")
        return joined.sort(_PARENT, maintain_order=True)


def _staged(frame: pl.DataFrame, compiled: CompiledTable) -> pl.DataFrame:
    for stage in compiled.stages:
        frame = frame.with_columns([p.expression for p in stage])
    return frame


def _nothing(compiled: CompiledTable, rows: int) -> pl.DataFrame:
    return pl.DataFrame({p.name: _nulls(p, rows) for p in compiled.outputs})


def _nulls(projection: Projection, rows: int) -> pl.Series:
    return pl.Series(projection.name, [None], dtype=pl.Float64).new_from_index(0, rows)
