"""Run compiled features over tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from polars.exceptions import PanicException

from scorewright.errors import FeatureSqlError
from scorewright.features.plan import CompiledFeatures, CompiledTable, Projection
from scorewright.features.rewriting import ZERO, storage
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.types import Tables

#: Position of the parent's row; it cannot clash with a raw column, which SQL could not name.
_PARENT = "\x00parent"
#: Before the name of what is computed beside the matrix, so that it cannot clash with a feature.
_BESIDE = "\x00beside "


@dataclass(frozen=True)
class Computed:
    """What was computed of n applications, in the order of the root's rows.

    Parameters
    ----------
    features : DataFrame, n rows
        One column per feature of the matrix.
    extra : DataFrame, n rows
        One column per extra expression, named for its entry (see `scorewright.features.expressions.particulars`).
    """

    features: pl.DataFrame
    extra: pl.DataFrame


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
        self._names = [p.name for p in features.features]
        inherited = self._names[len(features.tables[portfolio.root].outputs) :]
        # The zeros give as many rows to an expression that reads no column.
        self._always = [pl.col(ZERO), *map(pl.col, inherited)]
        self._extra = [replace(p, expression=p.expression.alias(_BESIDE + p.name)) for p in features.extra]
        self._beside = [pl.col(_BESIDE + p.name).alias(p.name) for p in features.extra]

    def compute(self, tables: Tables) -> pl.DataFrame:
        """Compute every feature of the matrix.

        Parameters
        ----------
        tables : mapping of str to DataFrame
            Checked tables; the root holds n applications. An absent table gives null features.

        Returns
        -------
        DataFrame, n rows
            One column per feature, in the order of the root's rows.

        Raises
        ------
        FeatureSqlError
            Polars broke on an expression.
        """
        return self.compute_all(tables).features

    def compute_all(self, tables: Tables) -> Computed:
        """Compute the features of the matrix and, in the same pass, what was compiled beside it.

        Parameters and errors are those of `compute`.
        """
        root = self._portfolio.root
        compiled = self._features.tables[root]
        frame = self._staged(_with_zero(self._with_children(root, tables[root], tables)), compiled)
        outputs = [*compiled.outputs, *self._extra]
        computed = self._run(root, outputs, lambda made: frame.select(*self._always, *made))
        return Computed(computed.select(self._names), computed.select(self._beside))

    def _run(
        self, table: str, projections: Sequence[Projection], run: Callable[[list[pl.Expr]], pl.DataFrame]
    ) -> pl.DataFrame:
        """Run expressions on the rows of a table; where Polars breaks, say on which."""
        try:
            return run([p.expression for p in projections])
        except PanicException:
            broken = next((p for p in projections if _breaks(p, run)), None)
            found = f"{broken.name} = {broken.sql[:80]}" if broken else "several features together"
            rule, remedy = "Polars must be able to run the SQL on these rows.", "Write it another way, or leave it out."
            raise FeatureSqlError(self._portfolio.sql_place(table), rule, found, remedy) from None

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
        complete = self._staged(_with_zero(self._with_children(compiled.table, gathered, tables)), compiled)
        # A column with one value for all rows may be held as that one value, on which Polars breaks under GROUP BY.
        grouped = pl.DataFrame(complete.get_columns()).group_by(_PARENT, maintain_order=True)
        groups = self._run(compiled.table, compiled.outputs, grouped.agg)
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

    def _staged(self, frame: pl.DataFrame, compiled: CompiledTable) -> pl.DataFrame:
        for stage in compiled.stages:
            frame = self._run(compiled.table, stage, frame.with_columns)
        return frame


def _breaks(projection: Projection, run: Callable[[list[pl.Expr]], pl.DataFrame]) -> bool:
    try:
        run([projection.expression])
    except PanicException:
        return True
    return False


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


def _nothing(compiled: CompiledTable, rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        [pl.Series(p.name, [None], dtype=storage(p.kind)).new_from_index(0, rows) for p in compiled.outputs]
    )
