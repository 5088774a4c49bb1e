"""Run compiled features over tables."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import polars as pl
from polars.exceptions import PanicException, PolarsError

from scorewright.errors import FeatureSqlError
from scorewright.features.few import BESIDE, ComputedFew, FewApplications, RepeatedKeysError, Schemas
from scorewright.features.numbers import UnsureError
from scorewright.features.plan import CompiledFeatures, CompiledTable, Projection
from scorewright.features.prepared import PARENT, FrameRows, Raw
from scorewright.features.rewriting import ZERO, storage
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.posted import Posted
from scorewright.tables.types import OWNER, Tables

_LOG = logging.getLogger(__name__)

#: Up to so many applications, with so many rows in all, planning queries would take longer than running programs.
_FEW_APPLICATIONS, _FEW_ROWS = 64, 50_000
_SIMPLE = frozenset({pl.Float64, pl.Int64, pl.String, pl.Boolean, pl.Date})
#: Kinds of tables, by the types of their columns, that programs are kept for.
_MOST_PROGRAMS = 8
#: No table of few applications has more rows.
_EVERY = _FEW_ROWS


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


class Programs(Protocol):
    """Programs for few applications (see `scorewright.features.few`)."""

    def compute_all(self, tables: Mapping[str, Raw], most_single: int = ...) -> ComputedFew:
        """Compute the features of the matrix and what stands beside it."""
        ...


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
    prepare : callable, optional
        Prepares programs for few applications from tables of certain types.
    """

    def __init__(
        self, portfolio: Portfolio, features: CompiledFeatures, prepare: Callable[..., Programs] = FewApplications
    ) -> None:
        self._portfolio, self._prepare = portfolio, prepare
        self._features = features
        self._names = [p.name for p in features.features]
        inherited = self._names[len(features.tables[portfolio.root].outputs) :]
        # The zeros give as many rows to an expression that reads no column.
        self._always = [pl.col(ZERO), *map(pl.col, inherited)]
        self._extra = [replace(p, expression=p.expression.alias(BESIDE + p.name)) for p in features.extra]
        self._few: dict[object, Programs] = {}
        self._last: tuple[Schemas, Programs] | None = None
        self._with_programs = True
        self._beside = [pl.col(BESIDE + p.name).alias(p.name) for p in features.extra]

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

    def compute_all(self, tables: Tables) -> Computed | ComputedFew:
        """Compute the features of the matrix and, in the same pass, what was compiled beside it.

        Few applications are computed by prepared programs (`scorewright.features.few`), many by queries: the bits are
        the same. Parameters and errors are those of `compute`.
        """
        if self._programmable(tables):
            try:
                return self._programmed(tables)
            except (RepeatedKeysError, UnsureError, PanicException, PolarsError):
                pass
            except Exception:  # noqa: BLE001 - whatever goes wrong with the programs, the queries are right
                self._leave("Programs for few applications failed")
        return self._queried(tables)

    def agrees(self, tables: Tables) -> bool:
        """Compare programs and queries over some tables, bit for bit; where they differ, use queries from now on.

        Returns
        -------
        bool
            Whether programs are in use.
        """
        if not self._programmable(tables):
            return self._with_programs
        try:
            programs, raw = self._few_of(tables), _raw(tables, self._features.tables)
            few = [programs.compute_all(raw, most) for most in (_EVERY, 0)]
        except (RepeatedKeysError, UnsureError, PanicException):
            return True
        except Exception:  # noqa: BLE001 - as above
            self._leave("Programs for few applications failed")
            return False
        many = self._queried(tables)
        if any(_bits(each) != _bits(many) for each in few):
            self._leave("Programs for few applications differ from Polars")
        return self._with_programs

    def _leave(self, why: str) -> None:
        """Go on with queries alone."""
        self._with_programs = False
        _LOG.warning("%s: applications are computed by queries, which take longer.", why)

    def _programmable(self, tables: Tables) -> bool:
        heights = {name: _height(tables, name) for name in self._features.tables if name in tables}
        few = heights[self._portfolio.root] <= _FEW_APPLICATIONS and sum(heights.values()) <= _FEW_ROWS
        return few and self._with_programs

    def _programmed(self, tables: Tables) -> ComputedFew:
        return self._few_of(tables).compute_all(_raw(tables, self._features.tables))

    def _few_of(self, tables: Tables) -> Programs:
        """Find the programs for tables of such types, or prepare them."""
        if isinstance(tables, Posted):
            last = self._last
            if last is not None and last[0] is tables.schemas:
                return last[1]
            found = self._of_kind({name: tables.schemas[name] for name in self._features.tables if name in tables})
            self._last = tables.schemas, found
            return found
        return self._of_kind({name: tables[name].schema for name in self._features.tables if name in tables})

    def _of_kind(self, schemas: Schemas) -> Programs:
        kind = tuple(
            (name, *((column, _type(dtype)) for column, dtype in schema.items() if column != OWNER))
            for name, schema in schemas.items()
        )
        found = self._few.get(kind)
        if found is None:
            if len(self._few) >= _MOST_PROGRAMS:
                self._few = {}
            plain = {name: dict(schema) for name, schema in schemas.items()}
            found = self._few[kind] = self._prepare(self._portfolio, self._features, plain)
        return found

    def _queried(self, tables: Tables) -> Computed:
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
        gathered = self._gathered(compiled, rows, parent)
        complete = self._staged(_with_zero(self._with_children(compiled.table, gathered, tables)), compiled)
        # A column with one value for all rows may be held as that one value, on which Polars breaks under GROUP BY.
        grouped = pl.DataFrame(complete.get_columns()).group_by(PARENT, maintain_order=True)
        groups = self._run(compiled.table, compiled.outputs, grouped.agg)
        return _spread(compiled, groups, parent.height)

    def _gathered(self, compiled: CompiledTable, rows: pl.DataFrame, parent: pl.DataFrame) -> pl.DataFrame:
        """Rows that belong to a row of the parent, sorted by its position; the sorted flag makes groups slices."""
        key = self._portfolio.tables[compiled.table].key
        tie = [str(compiled.on), *([OWNER] if OWNER in rows.columns else [])]
        chosen = rows[list(dict.fromkeys([*tie, *compiled.columns, *([key] if key else [])]))]
        positions = parent[tie].hstack([pl.Series(PARENT, np.arange(parent.height, dtype=np.uint32))])
        joined = chosen.join(positions, on=tie, how="inner", maintain_order="left")
        return joined.sort(PARENT, maintain_order=True)

    def _staged(self, frame: pl.DataFrame, compiled: CompiledTable) -> pl.DataFrame:
        for stage in compiled.stages:
            frame = self._run(compiled.table, stage, frame.with_columns)
        return frame


def _type(dtype: pl.DataType) -> object:
    """Tell types apart, faster than Polars compares them."""
    return dtype.__class__ if dtype.__class__ in _SIMPLE else str(dtype)


def _height(tables: Tables, name: str) -> int:
    return tables.rows[name].height if isinstance(tables, Posted) else tables[name].height


def _raw(tables: Tables, names: Collection[str]) -> dict[str, Raw]:
    if isinstance(tables, Posted):
        return {name: tables.rows[name] for name in names if name in tables}
    return {name: FrameRows(tables[name]) for name in names if name in tables}


def _bits(computed: Computed | ComputedFew) -> list[object]:
    """Every value down to its last bit: nothing else writes -0.0, NaN and None as they are."""
    return [
        (column.name, repr(column.to_list()))
        for frame in (computed.features, computed.extra)
        for column in frame.get_columns()
    ]


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
        every = pl.DataFrame([pl.Series(PARENT, np.arange(parents, dtype=np.uint32))])
        groups = every.join(groups, on=PARENT, how="left", maintain_order="left")
    return groups[[p.name for p in compiled.outputs]]


def _with_zero(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.hstack([pl.Series(ZERO, np.zeros(frame.height))])


def _nothing(compiled: CompiledTable, rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        [pl.Series(p.name, [None], dtype=storage(p.kind)).new_from_index(0, rows) for p in compiled.outputs]
    )
