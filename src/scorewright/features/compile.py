"""Compile feature files into cached Polars expressions with their lineage."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import polars as pl
from sqlglot import exp

from scorewright.domain.matrix import Label
from scorewright.errors import FeatureSqlError
from scorewright.features.expressions import KINDS, WANTED, Expression
from scorewright.features.grammar import DIALECT, Query, Source, parse_expression, parse_query
from scorewright.features.lowering import Lowering
from scorewright.features.plan import CompiledFeatures, CompiledTable, Projection, only_needed, own_columns
from scorewright.features.rewriting import Typed, storage
from scorewright.features.running import try_out, written
from scorewright.features.scope import Scope, shown
from scorewright.tables.contract import Contract
from scorewright.tables.portfolio import Portfolio

__all__ = ["CompiledFeatures", "CompiledTable", "Projection", "compile_features"]

#: Dates feed features but are none.
_FEATURE_KINDS = frozenset({"integer", "number", "boolean", "text", "null"})


def compile_features(
    portfolio: Portfolio,
    contract: Contract,
    extra: Sequence[Expression] = (),
    only: Collection[str] | None = None,
) -> CompiledFeatures:
    """Compile the feature files of a portfolio against the columns that are there.

    A table that is absent from the contract has no columns to check against; its features are null for everybody.
    Whatever neither the matrix nor an extra expression reads is checked and then left out.

    Parameters
    ----------
    extra : sequence of Expression
        What is computed in the same pass, beside the matrix (`scorewright.features.expressions`).
    only : collection of str, optional
        Features of the matrix that are wanted; all by default. The others cost nothing, and change no bit of these.

    Raises
    ------
    FeatureSqlError
        Place, rule, value and what is allowed.
    """
    whole = _Compiler(portfolio, contract).compile(extra)
    place = portfolio.sql_place(portfolio.root)
    names = {projection.name for projection in whole.features}
    unknown = sorted(frozenset(only or ()) - names)
    if unknown:
        place, rule = portfolio.sql_place(portfolio.root), "Features that a model uses must be made by the portfolio."
        raise FeatureSqlError(
            place, rule, ", ".join(unknown[:5]), "Take the portfolio that the model was trained with."
        )
    if not names:
        place = portfolio.sql_place(portfolio.root)
        raise FeatureSqlError(place, "There must be a feature.", "none", "SELECT something.")
    return only_needed(portfolio, whole, only)


class _Compiler:
    """Compiles the files of a portfolio, children before their parents."""

    def __init__(self, portfolio: Portfolio, contract: Contract) -> None:
        self._portfolio, self._contract = portfolio, contract
        self._done: dict[str, CompiledTable] = {}
        self._extra: tuple[Projection, ...] = ()

    def compile(self, extra: Sequence[Expression]) -> CompiledFeatures:
        root = self._portfolio.root
        self._compile(root, extra)
        direct = [self._done[child] for child in self._portfolio.children(root) if child in self._done]
        inherited = tuple(p for child in direct for p in child.outputs if p.kind in _FEATURE_KINDS)
        return CompiledFeatures(self._done, (*self._done[root].outputs, *inherited), self._extra)

    def _compile(self, table: str, extra: Sequence[Expression]) -> None:
        for child in self._portfolio.children(table):
            self._compile(child, ())
        text = self._portfolio.sql(table)
        if text is None:
            return
        query = parse_query(Source(self._portfolio.sql_place(table), text), table)
        scope = Scope(self._portfolio, self._contract, table)
        compiler = _TableCompiler(scope, query)
        compiler.check_group()
        for child in self._portfolio.children(table):
            if child in self._done:
                scope.inherit(self._done[child])
        if extra:
            place = f"{self._portfolio.place}/portfolio.toml"
            self._extra = tuple(_beside(scope, place, expression) for expression in extra)
        self._done[table] = compiler.compile()


def _beside(scope: Scope, place: str, expression: Expression) -> Projection:
    """Compile an expression over the application that is no feature."""
    source = Source(f"{place} [{expression.entry}]", expression.sql, lines=False)
    body = parse_expression(source)
    sources = scope.lineage(source, body, protected=expression.use == "segment")
    if isinstance(body, exp.Column) and body.name in scope.names_of_persons:
        raise source.error(None, "Keys and identifiers name persons.", body.name, "Name another column.")
    typed = Lowering(source, scope.types).lower(body)
    if typed.kind not in KINDS[expression.use]:
        rule, found = WANTED[expression.use], f"{shown(body)} is {typed.kind}"
        raise source.error(None, rule, found, "Write an expression of that type.")
    ready = written(source, body, typed.node).alias(expression.entry)
    label = Label(expression.entry, expression.entry)
    projection = _made(expression.entry, body, label, sources, typed, ready)
    try_out(source, scope.storage_types(), [[projection]], grouped=False)
    return projection


def _made(
    name: str, body: exp.Expr, label: Label, sources: frozenset[str], typed: Typed, expression: pl.Expr
) -> Projection:
    reads = frozenset(column.name for column in body.find_all(exp.Column))
    sql = body.sql(dialect=DIALECT, identify=True, comments=False)
    return Projection(name, sql, label, sources, reads, typed.kind, typed.wild, expression)


class _TableCompiler:
    """Compiles one file, in a scope that grows with each CTE."""

    def __init__(self, scope: Scope, query: Query) -> None:
        self._scope, self._query, self._spec, self._table = scope, query, scope.spec, scope.table
        self._source = query.source
        self._lowering = Lowering(query.source, scope.types)

    def compile(self) -> CompiledTable:
        inherited = self._scope.storage_types()
        stages = tuple(self._stage(stage) for stage in self._query.stages)
        outputs = tuple(self._outputs())
        self._scope.refuse_repeated(self._query, outputs)
        if not self._scope.absent:
            try_out(self._source, inherited, [*stages, outputs], grouped=self._spec.on is not None)
        return CompiledTable(self._table, self._spec.on, own_columns(self._table, outputs), stages, outputs)

    def check_group(self) -> None:
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
        projections = tuple(self._projection(node, grouped=False) for node in stage)
        for node, projection in zip(stage, projections, strict=True):
            if projection.name in self._scope.types or projection.name == self._scope.target:
                rule = "A CTE adds columns under new names."
                raise self._source.error(node, rule, projection.name, "Choose another name after AS.")
            self._scope.declare(projection.name, projection.sources, projection.kind, wild=projection.wild)
        return projections

    def _outputs(self) -> Iterable[Projection]:
        for node in self._query.outputs:
            if isinstance(node, exp.Star):
                yield from self._star(node)
            elif not (isinstance(node, exp.Column) and node.name == self._spec.on):
                yield self._projection(node, grouped=self._spec.on is not None)

    def _star(self, node: exp.Expr) -> Iterable[Projection]:
        if self._spec.on is not None:
            raise self._source.error(node, "* has no meaning under GROUP BY.", "*", "Name the aggregates.")
        for name, column in (self._scope.columns or {}).items():
            if name not in self._spec.not_features and name != self._scope.target and column.type in _FEATURE_KINDS:
                body, typed = exp.column(name, quoted=True), Typed(node, column.type)
                yield _made(name, body, self._label(node, name), self._scope.sources[name], typed, pl.col(name))

    def _projection(self, node: exp.Expr, *, grouped: bool) -> Projection:
        name, body = node.alias_or_name, node.unalias()
        if not name:
            raise self._source.error(node, "Each expression has a name.", shown(body), "Add AS <name>.")
        lineage = self._scope.grouped_lineage if grouped else self._scope.lineage
        sources = lineage(self._source, body)
        if isinstance(body, exp.Column) and body.name in self._scope.names_of_persons:
            raise self._source.error(body, "Keys and identifiers are no features.", body.name, "Remove it.")
        typed = self._lowering.lower(body, grouped=grouped)
        if self._spec.parent is None and typed.kind not in _FEATURE_KINDS:
            rule = "A feature is a number, a boolean or text."
            raise self._source.error(node, rule, f"{name} is a {typed.kind}", "Turn it into a number with EXTRACT.")
        expression = self._expression(node, typed).alias(name)
        return _made(name, body, self._label(node, name), sources, typed, expression)

    def _expression(self, node: exp.Expr, typed: Typed) -> pl.Expr:
        if self._scope.absent:
            return pl.lit(None, storage(typed.kind))
        return written(self._source, node, typed.node)

    def _label(self, node: exp.Expr, name: str) -> Label:
        for comment in node.comments or [] if not isinstance(node, exp.Star) else []:
            english, bar, french = comment.partition("|")
            if bar:
                return Label(english.strip(), french.strip())
        declared = self._spec.labels.get(name)
        return declared.label if declared else Label(name, name)
