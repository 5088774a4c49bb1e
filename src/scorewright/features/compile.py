"""Compile feature files into cached Polars expressions with their lineage."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl
from polars.exceptions import PolarsError
from sqlglot import exp

from scorewright.domain.matrix import Label
from scorewright.errors import FeatureSqlError
from scorewright.features.grammar import AGGREGATES, DIALECT, Query, Source, parse_query
from scorewright.tables.contract import Contract
from scorewright.tables.portfolio import Portfolio

_FEATURE_TYPES = {"integer", "number", "boolean", "text"}


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
    expression : polars.Expr
        The same definition, ready to run.
    """

    name: str
    sql: str
    label: Label
    sources: frozenset[str]
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
    """Every table's features. `features` lists the columns of the matrix, in order."""

    tables: Mapping[str, CompiledTable]
    features: tuple[Projection, ...]

    def used_columns(self) -> dict[str, frozenset[str]]:
        """Raw columns that feed a feature of the matrix or of a parent, by table."""
        used: dict[str, set[str]] = {table: set() for table in self.tables}
        for compiled in self.tables.values():
            for projection in compiled.outputs:
                for source in projection.sources:
                    table, _, column = source.partition(".")
                    if column != "*":
                        used[table].add(column)
        return {table: frozenset(columns) for table, columns in used.items()}


_PARSING = threading.Lock()


def compile_features(portfolio: Portfolio, contract: Contract) -> CompiledFeatures:
    """Compile the feature files of a portfolio against the columns that are there.

    A table that is absent from the contract has no columns to check against; its features are null for everybody.

    Raises
    ------
    FeatureSqlError
        File, line, rule, value and what is allowed.
    """
    tables: dict[str, CompiledTable] = {}
    _compile_below(portfolio, contract, portfolio.root, tables)
    root = tables[portfolio.root]
    direct = [tables[child] for child in portfolio.children(portfolio.root) if child in tables]
    features = (*root.outputs, *(projection for child in direct for projection in child.outputs))
    _refuse_repeated(portfolio, root, features)
    return CompiledFeatures(tables, features)


def _compile_below(portfolio: Portfolio, contract: Contract, table: str, done: dict[str, CompiledTable]) -> None:
    for child in portfolio.children(table):
        _compile_below(portfolio, contract, child, done)
    text = portfolio.sql(table)
    if text is None:
        return
    source = Source(portfolio.sql_place(table), text)
    query = parse_query(source, table)
    children = [done[child] for child in portfolio.children(table) if child in done]
    done[table] = _TableCompiler(portfolio, contract, table, query).compile(children)


class _TableCompiler:
    """Compiles one file; holds the names in scope and what each comes from."""

    def __init__(self, portfolio: Portfolio, contract: Contract, table: str, query: Query) -> None:
        self._portfolio, self._table, self._query = portfolio, table, query
        self._source = query.source
        self._spec = portfolio.tables[table]
        self._contract = contract.tables.get(table)
        self._scope: dict[str, frozenset[str]] = {
            name: frozenset({f"{table}.{name}"}) for name in (self._contract or {}) if name != self._target
        }

    @property
    def _target(self) -> str | None:
        return self._portfolio.target.column if self._table == self._portfolio.root else None

    @property
    def _absent(self) -> bool:
        return self._contract is None

    def compile(self, children: Iterable[CompiledTable]) -> CompiledTable:
        self._check_group()
        for child in children:
            self._scope |= {projection.name: projection.sources for projection in child.outputs}
        stages = tuple(self._stage(stage) for stage in self._query.stages)
        outputs = tuple(self._outputs())
        columns = tuple(sorted({source.partition(".")[2] for p in outputs for source in p.sources if self._is_own(source)}))
        return CompiledTable(self._table, self._spec.on, columns, stages, outputs)

    def _is_own(self, source: str) -> bool:
        table, _, column = source.partition(".")
        return table == self._table and column != "*"

    def _check_group(self) -> None:
        group, on = self._query.group_by, self._spec.on
        found = group.name if group is not None else "none"
        if on is None and group is not None:
            rule = f"{self._table!r} has one row per application already: no GROUP BY."
            raise self._source.error(group, rule, f"GROUP BY {found}", "Remove it.")
        if on is not None and found != on:
            rule = f"The features of {self._table!r} are grouped by {on}."
            raise self._source.error(group or self._query.outputs[0], rule, f"GROUP BY {found}", f"End with GROUP BY {on}.")

    def _stage(self, stage: tuple[exp.Expression, ...]) -> tuple[Projection, ...]:
        projections = tuple(self._projection(node, aggregates=False) for node in stage)
        self._scope |= {projection.name: projection.sources for projection in projections}
        return projections

    def _outputs(self) -> Iterable[Projection]:
        for node in self._query.outputs:
            if isinstance(node, exp.Star):
                yield from self._star(node)
            elif not (isinstance(node, exp.Column) and node.name == self._spec.on):
                yield self._projection(node, aggregates=self._spec.on is not None)

    def _star(self, node: exp.Expression) -> Iterable[Projection]:
        if self._spec.on is not None:
            raise self._source.error(node, "* has no meaning under GROUP BY.", "*", "Name the aggregates.")
        for name, column in (self._contract or {}).items():
            if name not in self._spec.not_features and name != self._target and column.type in _FEATURE_TYPES:
                label = self._spec.labels.get(name)
                words = Label(label.en, label.fr) if label else Label(name, name)
                yield Projection(name, f'"{name}"', words, self._scope[name], pl.col(name))

    def _projection(self, node: exp.Expression, *, aggregates: bool) -> Projection:
        name = node.alias_or_name
        if not name:
            rule = "Each expression has a name."
            raise self._source.error(node, rule, node.sql(dialect=DIALECT, comments=False)[:60], "Add AS <name>.")
        body = node.unalias()
        sources = self._sources(body, aggregates=aggregates)
        sql = body.sql(dialect=DIALECT, identify=True, comments=False)
        return Projection(name, sql, self._label(node, name), sources, self._expression(node, sql, name))

    def _sources(self, body: exp.Expression, *, aggregates: bool) -> frozenset[str]:
        if not aggregates and (found := body.find(*AGGREGATES)):
            where = "a CTE" if self._spec.on else f"{self._table!r}"
            rule = f"Aggregates need GROUP BY; in {where} each expression looks at one row."
            raise self._source.error(found, rule, found.sql(dialect=DIALECT)[:60], "Aggregate in a history table's last SELECT.")
        columns = list(body.find_all(exp.Column))
        sources: set[str] = set() if columns else {f"{self._table}.*"}
        for column in columns:
            if aggregates and not column.find_ancestor(*AGGREGATES, exp.Filter):
                rule = "Under GROUP BY each column stands inside an aggregate."
                raise self._source.error(column, rule, column.name, f"Write MAX({column.name}), SUM({column.name}), ...")
            sources |= self._resolve(column)
        return frozenset(sources)

    def _resolve(self, column: exp.Column) -> frozenset[str]:
        name = column.name
        if self._absent and name not in self._scope:
            return frozenset({f"{self._table}.{name}"})
        if name == self._target:
            raise self._source.error(column, "The target never feeds a feature.", name, "Remove it.")
        if name in self._spec.never:
            raise self._source.error(column, "The portfolio says this column never feeds a feature.", name, "Remove it.")
        if name not in self._scope:
            raise self._source.error(column, f"Columns must be those of {self._table!r}.", f"{name}{self._near(name)}", self._known())
        return self._scope[name]

    def _near(self, name: str) -> str:
        near = difflib.get_close_matches(name, list(self._scope), n=1)
        return f" (did you mean {near[0]}?)" if near else ""

    def _known(self) -> str:
        names = list(self._scope)
        return f"Known here: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}."

    def _expression(self, node: exp.Expression, sql: str, name: str) -> pl.Expr:
        if self._absent:
            return pl.lit(None, pl.Float64).alias(name)
        try:
            # The SQL parser behind sql_expr keeps no state of ours, but is not documented as safe from several threads.
            with _PARSING:
                return pl.sql_expr(sql).alias(name)
        except PolarsError as error:
            rule = "The expression must run in Polars."
            raise self._source.error(node, rule, f"{sql[:80]} ({error})", "Write it with the functions that are allowed.") from None

    def _label(self, node: exp.Expression, name: str) -> Label:
        for comment in node.comments or []:
            english, bar, french = comment.partition("|")
            if bar:
                return Label(english.strip(), french.strip())
        declared = self._spec.labels.get(name)
        return Label(declared.en, declared.fr) if declared else Label(name, name)


def _refuse_repeated(portfolio: Portfolio, root: CompiledTable, features: Collection[Projection]) -> None:
    seen: set[str] = set()
    for projection in features:
        if projection.name in seen:
            raise FeatureSqlError(
                portfolio.sql_place(root.table),
                "Each feature has its own name.",
                projection.name,
                "Rename one of the two.",
            )
        seen.add(projection.name)
    if not features:
        raise FeatureSqlError(portfolio.sql_place(root.table), "There must be a feature.", "none", "SELECT something.")
