"""What is computed: named expressions table by table, with their lineage, and no more than is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from scorewright.domain.matrix import Label
from scorewright.features.rewriting import Kind
from scorewright.tables.portfolio import Portfolio


@dataclass(frozen=True)
class Projection:
    """One named expression.

    Parameters
    ----------
    name : str
        Output column.
    sql : str
        Its definition, names quoted, in the dialect of the feature files.
    label : Label
        For people; the name itself where the file gives none.
    sources : frozenset of str
        Raw columns that feed it, as ``"table.column"``; ``"table.*"`` where it counts rows.
    reads : frozenset of str
        Columns it names: raw ones, those of a CTE before it, features of histories.
    kind : Kind
        Type of its values.
    wild : bool
        Whether it may be NaN before the matrix makes that missing.
    expression : polars.Expr
        The same definition, ready to run.
    """

    name: str
    sql: str
    label: Label
    sources: frozenset[str]
    reads: frozenset[str]
    kind: Kind
    wild: bool
    expression: pl.Expr = field(compare=False, repr=False)


@dataclass(frozen=True)
class CompiledTable:
    """The features of one table: derived columns in stages, then the outputs."""

    table: str
    on: str | None
    columns: tuple[str, ...]
    stages: tuple[tuple[Projection, ...], ...]
    outputs: tuple[Projection, ...]


@dataclass(frozen=True)
class CompiledFeatures:
    """Every table's features.

    Parameters
    ----------
    tables : mapping of str to CompiledTable
        Tables that are needed, children before their parents.
    features : tuple of Projection
        The columns of the matrix, in order: the root's own, then those of its direct children.
    extra : tuple of Projection
        Expressions over the application that are computed beside the matrix.
    """

    tables: Mapping[str, CompiledTable]
    features: tuple[Projection, ...]
    extra: tuple[Projection, ...] = ()

    def used_columns(self) -> dict[str, frozenset[str]]:
        """Raw columns that feed the matrix or what is computed beside it, by table."""
        used: dict[str, set[str]] = {table: set() for table in self.tables}
        outputs = (projection for compiled in self.tables.values() for projection in compiled.outputs)
        for projection in (*outputs, *self.extra):
            for source in projection.sources:
                table, _, column = source.partition(".")
                if column != "*":
                    used[table].add(column)
        return {table: frozenset(columns) for table, columns in used.items()}


def only_needed(
    portfolio: Portfolio, compiled: CompiledFeatures, only: Collection[str] | None = None
) -> CompiledFeatures:
    """Leave out what neither the matrix nor anything beside it reads.

    Parameters
    ----------
    only : collection of str, optional
        Features that are wanted; all by default.
    """
    features = tuple(p for p in compiled.features if only is None or p.name in only)
    wanted = frozenset(p.name for p in features)
    kept: dict[str, CompiledTable] = {}
    more = frozenset[str]().union(*(p.reads for p in compiled.extra))
    _keep(portfolio, compiled, portfolio.root, (wanted, more), kept)
    return replace(compiled, tables={name: kept[name] for name in compiled.tables if name in kept}, features=features)


def _keep(
    portfolio: Portfolio,
    compiled: CompiledFeatures,
    table: str,
    wanted: tuple[frozenset[str], frozenset[str]],
    kept: dict[str, CompiledTable],
) -> None:
    """Keep the wanted outputs of a table and what else is read there, then what these need of its children."""
    whole, (names, more) = compiled.tables[table], wanted
    outputs = tuple(p for p in whole.outputs if p.name in names)
    stages, reads = _stages_read(whole.stages, more.union(*(p.reads for p in outputs)))
    if outputs or table == portfolio.root:
        kept[table] = replace(whole, columns=own_columns(table, outputs), stages=stages, outputs=outputs)
        below = reads | names if table == portfolio.root else reads
        for child in portfolio.children(table):
            if child in compiled.tables:
                _keep(portfolio, compiled, child, (below, frozenset()), kept)


def _stages_read(
    stages: tuple[tuple[Projection, ...], ...], reads: frozenset[str]
) -> tuple[tuple[tuple[Projection, ...], ...], frozenset[str]]:
    """Derived columns that are read, and all names that are then read."""
    kept = []
    for stage in reversed(stages):
        used = tuple(p for p in stage if p.name in reads)
        reads = reads.union(*(p.reads for p in used))
        kept.append(used)
    return tuple(stage for stage in reversed(kept) if stage), reads


def own_columns(table: str, outputs: Iterable[Projection]) -> tuple[str, ...]:
    """Raw columns of the table itself that feed its outputs, sorted."""
    parts = {source.partition(".")[::2] for projection in outputs for source in projection.sources}
    return tuple(sorted(column for origin, column in parts if origin == table and column != "*"))
