"""Compile feature files into cached Polars expressions with their lineage."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl
from sqlglot import exp

from scorewright.domain.matrix import Label
from scorewright.errors import FeatureSqlError
from scorewright.features.grammar import AGGREGATES, DIALECT, Query, Source, parse_query
from scorewright.features.lowering import Lowering
from scorewright.features.rewriting import ZERO, Kind, Typed, storage
from scorewright.features.running import try_out, written
from scorewright.tables.contract import ColumnContract, Contract
from scorewright.tables.portfolio import ROW_KEY, Portfolio

#: Dates feed features but are none.
_FEATURE_KINDS = frozenset({"integer", "number", "boolean", "text", "null"})


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
    inherited = tuple(p for child in direct for p in child.outputs if p.kind in _FEATURE_KINDS)
    if not (*root.outputs, *inherited):
        raise FeatureSqlError(portfolio.sql_place(root.table), "There must be a feature.", "none", "SELECT something.")
    return CompiledFeatures(tables, (*root.outputs, *inherited))


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
    """Compiles one file; holds the names in scope, their types and the raw columns each comes from."""

    def __init__(self, portfolio: Portfolio, contract: Contract, table: str, query: Query) -> None:
        self._portfolio, self._table, self._query = portfolio, table, query
        self._source = query.source
        self._spec = portfolio.tables[table]
        self._contract = contract.tables.get(table)
        self._sources: dict[str, frozenset[str]] = {}
        self._types: dict[str, Typed] = {}
        self._reads: dict[str, frozenset[str]] = {}
        self._taken = {self._spec.on} if self._spec.on else set()
        self._lowering = Lowering(self._source, self._types)
        for name, column in (self._contract or {}).items():
            if name != self._target:
                self._declare(name, frozenset({f"{table}.{name}"}), self._kind(name, column), raw=True)

    @property
    def _target(self) -> str | None:
        return self._portfolio.target.column if self._spec.parent is None else None

    def _kind(self, name: str, column: ColumnContract) -> Kind:
        """Type of a raw column; training may have seen no value of it, and then its stored type says nothing."""
        empty = column.type == "number" and column.nullable and column.minimum is None
        return "null" if empty and name not in self._spec.not_features else column.type

    def _declare(
        self, name: str, sources: frozenset[str], kind: Kind, *, wild: bool = False, raw: bool = False
    ) -> None:
        self._sources[name] = sources
        self._types[name] = Typed(exp.column(name, quoted=True), kind, wild, raw)

    def compile(self, children: Iterable[CompiledTable]) -> CompiledTable:
        self._check_group()
        for child in children:
            self._inherit(child)
        inherited = {name: self._types[name].kind for name in self._types}
        stages = [self._stage(stage) for stage in self._query.stages]
        outputs = tuple(self._outputs())
        self._refuse_repeated(outputs)
        kept = self._pruned(stages, outputs)
        columns = tuple(
            sorted({source.partition(".")[2] for p in outputs for source in p.sources if self._is_own(source)})
        )
        compiled = CompiledTable(self._table, self._spec.on, columns, kept, outputs)
        if self._contract is not None:
            nothing = {ZERO: storage("number")} | {name: storage(kind) for name, kind in inherited.items()}
            try_out(self._source, nothing, [*stages, outputs], grouped=self._spec.on is not None)
        return compiled

    def _inherit(self, child: CompiledTable) -> None:
        for projection in child.outputs:
            if projection.name in self._types or projection.name in {self._target, ROW_KEY}:
                place = self._portfolio.sql_place(child.table)
                rule = f"A feature of {child.table!r} needs a name that {self._table!r} does not use yet."
                raise FeatureSqlError(place, rule, projection.name, "Choose another name after AS.")
            self._declare(projection.name, projection.sources, projection.kind, wild=projection.wild)
            self._taken |= {projection.name} if self._spec.parent is None else set()

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
            raise self._source.error(
                group or self._query.outputs[-1], rule, f"GROUP BY {found}", f"End with GROUP BY {on}."
            )

    def _stage(self, stage: tuple[exp.Expr, ...]) -> tuple[Projection, ...]:
        projections = tuple(self._projection(node, aggregates=False) for node in stage)
        for node, projection in zip(stage, projections, strict=True):
            if projection.name in self._types or projection.name == self._target:
                rule = "A CTE adds columns under new names."
                raise self._source.error(node, rule, projection.name, "Choose another name after AS.")
            self._declare(projection.name, projection.sources, projection.kind, wild=projection.wild)
        return projections

    def _pruned(
        self, stages: list[tuple[Projection, ...]], outputs: tuple[Projection, ...]
    ) -> tuple[tuple[Projection, ...], ...]:
        """Leave out derived columns that no output reads."""
        wanted = frozenset[str]().union(*(self._reads.get(p.name, frozenset({p.name})) for p in outputs))
        kept = []
        for stage in reversed(stages):
            used = tuple(p for p in stage if p.name in wanted)
            wanted = wanted.union(*(self._reads[p.name] for p in used))
            kept.append(used)
        return tuple(stage for stage in reversed(kept) if stage)

    def _outputs(self) -> Iterable[Projection]:
        for node in self._query.outputs:
            if isinstance(node, exp.Star):
                yield from self._star(node)
            elif not (isinstance(node, exp.Column) and node.name == self._spec.on):
                yield self._projection(node, aggregates=self._spec.on is not None)

    def _star(self, node: exp.Expr) -> Iterable[Projection]:
        if self._spec.on is not None:
            raise self._source.error(node, "* has no meaning under GROUP BY.", "*", "Name the aggregates.")
        for name, column in (self._contract or {}).items():
            if name not in self._spec.not_features and name != self._target and column.type in _FEATURE_KINDS:
                label = self._label(node, name)
                yield Projection(
                    name, quoted(name), label, self._sources[name], column.type, wild=False, expression=pl.col(name)
                )

    def _projection(self, node: exp.Expr, *, aggregates: bool) -> Projection:
        name = node.alias_or_name
        body = node.unalias()
        if not name:
            raise self._source.error(node, "Each expression has a name.", _shown(body), "Add AS <name>.")
        sources = self._sourced(body, aggregates=aggregates)
        typed = self._lowering.lower(body, grouped=aggregates)
        if self._spec.parent is None and typed.kind not in _FEATURE_KINDS:
            rule = "A feature is a number, a boolean or text."
            raise self._source.error(node, rule, f"{name} is a {typed.kind}", "Turn it into a number with EXTRACT.")
        self._reads[name] = frozenset(column.name for column in body.find_all(exp.Column))
        sql = body.sql(dialect=DIALECT, identify=True, comments=False)
        expression = self._expression(node, typed, name)
        return Projection(name, sql, self._label(node, name), sources, typed.kind, typed.wild, expression)

    def _expression(self, node: exp.Expr, typed: Typed, name: str) -> pl.Expr:
        if self._contract is None:
            return pl.lit(None, storage(typed.kind)).alias(name)
        return written(self._source, node, typed.node).alias(name)

    def _sourced(self, body: exp.Expr, *, aggregates: bool) -> frozenset[str]:
        if not aggregates and (found := body.find(*AGGREGATES)):
            where = "a CTE" if self._spec.on else f"{self._table!r}"
            rule = f"Aggregates need GROUP BY; in {where} each expression looks at one row."
            raise self._source.error(found, rule, _shown(found), "Aggregate in a history table's last SELECT.")
        columns = list(body.find_all(exp.Column))
        counted = any(isinstance(star.parent, exp.Count) for star in body.find_all(exp.Star))
        sources: set[str] = {f"{self._table}.*"} if counted else set()
        for column in columns:
            if aggregates and not column.find_ancestor(*AGGREGATES, exp.Filter):
                rule = "Under GROUP BY each column stands inside an aggregate."
                raise self._source.error(
                    column, rule, column.name, f"Write MAX({column.name}), SUM({column.name}), ..."
                )
            sources |= self._resolve(column)
        if (
            self._spec.parent is None
            and isinstance(body, exp.Column)
            and body.name in {self._spec.key, *self._spec.identifiers}
        ):
            raise self._source.error(body, "Keys and identifiers are no features.", body.name, "Remove it.")
        return frozenset(sources)

    def _resolve(self, column: exp.Column) -> frozenset[str]:
        name = column.name
        if name == self._target:
            raise self._source.error(column, "The target never feeds a feature.", name, "Remove it.")
        if name in self._spec.never:
            raise self._source.error(
                column, "The portfolio says this column never feeds a feature.", name, "Remove it."
            )
        if name not in self._types:
            if self._contract is not None:
                rule = f"Columns must be those of {self._table!r}."
                raise self._source.error(column, rule, f"{name}{self._near(name)}", self._known(name))
            self._declare(name, frozenset({f"{self._table}.{name}"}), "null")
        return self._sources[name]

    def _near(self, name: str) -> str:
        folded = {known.casefold(): known for known in self._types}
        near = difflib.get_close_matches(name.casefold(), list(folded), n=1)
        return f" (did you mean {folded[near[0]]}?)" if near else ""

    def _known(self, name: str) -> str:
        if any(node.alias_or_name == name for node in self._query.outputs):
            return f"{name} is made by this same SELECT: make it in a CTE first."
        names = list(self._types)
        return f"Known here: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}."

    def _label(self, node: exp.Expr, name: str) -> Label:
        for comment in node.comments or [] if not isinstance(node, exp.Star) else []:
            english, bar, french = comment.partition("|")
            if bar:
                return Label(english.strip(), french.strip())
        declared = self._spec.labels.get(name)
        return Label(declared.en, declared.fr) if declared else Label(name, name)

    def _refuse_repeated(self, outputs: Iterable[Projection]) -> None:
        for projection in outputs:
            if projection.name in self._taken:
                node = next((node for node in self._query.outputs if node.alias_or_name == projection.name), None)
                raise self._source.error(
                    node, "Each feature has its own name.", projection.name, "Rename one of the two."
                )
            self._taken.add(projection.name)


def quoted(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _shown(node: exp.Expr) -> str:
    return node.sql(dialect=DIALECT, comments=False)[:80]
