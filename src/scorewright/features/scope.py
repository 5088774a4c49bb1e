"""Names that the SQL over one table may use: their types, and the raw columns each comes from."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import polars as pl
from sqlglot import exp

from scorewright.errors import FeatureSqlError
from scorewright.features.grammar import AGGREGATES, DIALECT, Query, Source
from scorewright.features.plan import CompiledTable, Projection
from scorewright.features.rewriting import ZERO, Kind, Typed, storage
from scorewright.tables.contract import ColumnContract, Contract
from scorewright.tables.portfolio import ROW_KEY, Portfolio


class Scope:
    """Names in scope. They grow: raw columns first, then the features of histories, then the columns of CTEs.

    Parameters
    ----------
    portfolio : Portfolio
        How the tables hang together and what their columns may be used for.
    contract : Contract
        Which columns there are. A table that is absent from it may name any column; all are null.
    table : str
        Whose scope it is.
    """

    def __init__(self, portfolio: Portfolio, contract: Contract, table: str) -> None:
        self.table, self.spec = table, portfolio.tables[table]
        self.columns = contract.tables.get(table)
        self.target = portfolio.target.column if self.spec.parent is None else None
        self.types: dict[str, Typed] = {}
        self.sources: dict[str, frozenset[str]] = {}
        self._portfolio = portfolio
        self._taken = {self.spec.on} if self.spec.on else set()
        for name, column in (self.columns or {}).items():
            if name != self.target:
                self.declare(name, frozenset({f"{table}.{name}"}), self._kind(name, column), raw=True)

    @property
    def absent(self) -> bool:
        """Whether the table was not there, so that nothing is known of its columns."""
        return self.columns is None

    @property
    def names_of_persons(self) -> frozenset[str]:
        """Columns of the root that may not stand alone as a value."""
        named = [self.spec.key, *self.spec.identifiers] if self.spec.parent is None else []
        return frozenset(name for name in named if name is not None)

    def storage_types(self) -> dict[str, pl.DataType]:
        """What may be named now, with the type it is stored in."""
        return {ZERO: storage("number")} | {name: storage(typed.kind) for name, typed in self.types.items()}

    def _kind(self, name: str, column: ColumnContract) -> Kind:
        """Type of a raw column; training may have seen no value of it, and then its stored type says nothing."""
        empty = column.type == "number" and column.nullable and column.minimum is None
        return "null" if empty and name not in self.spec.not_features else column.type

    def declare(self, name: str, sources: frozenset[str], kind: Kind, *, wild: bool = False, raw: bool = False) -> None:
        """Bring a name into scope."""
        self.sources[name] = sources
        self.types[name] = Typed(exp.column(name, quoted=True), kind, wild, raw)

    def inherit(self, child: CompiledTable) -> None:
        """Bring the features of a history into scope.

        Raises
        ------
        FeatureSqlError
            One has a name that is taken.
        """
        for projection in child.outputs:
            if projection.name in self.types or projection.name in {self.target, ROW_KEY}:
                place = self._portfolio.sql_place(child.table)
                rule = f"A feature of {child.table!r} needs a name that {self.table!r} does not use yet."
                raise FeatureSqlError(place, rule, projection.name, "Choose another name after AS.")
            self.declare(projection.name, projection.sources, projection.kind, wild=projection.wild)
            self._taken |= {projection.name} if self.spec.parent is None else set()

    def refuse_repeated(self, query: Query, outputs: Iterable[Projection]) -> None:
        """Check that no output has the name of another.

        Raises
        ------
        FeatureSqlError
            Two share one.
        """
        for projection in outputs:
            if projection.name in self._taken:
                node = next((node for node in query.outputs if node.alias_or_name == projection.name), None)
                raise query.source.error(
                    node, "Each feature has its own name.", projection.name, "Rename one of the two."
                )
            self._taken.add(projection.name)

    def lineage(self, source: Source, body: exp.Expr, *, protected: bool = False) -> frozenset[str]:
        """Raw columns that feed an expression over one row.

        Parameters
        ----------
        protected : bool
            Whether protected columns may be named though they never feed a feature.

        Raises
        ------
        FeatureSqlError
            It aggregates, or names what it may not.
        """
        if found := body.find(*AGGREGATES):
            where = "a CTE" if self.spec.on else f"{self.table!r}"
            rule = f"Aggregates need GROUP BY; in {where} each expression looks at one row."
            raise source.error(found, rule, shown(found), "Aggregate in a history table's last SELECT.")
        barred = self.spec.unread if protected else frozenset(self.spec.never)
        return frozenset[str]().union(*(self._resolve(source, each, barred) for each in body.find_all(exp.Column)))

    def grouped_lineage(self, source: Source, body: exp.Expr) -> frozenset[str]:
        """Raw columns that feed an expression over a group of rows.

        Raises
        ------
        FeatureSqlError
            A column stands outside the aggregates, or may not be named.
        """
        counted = any(isinstance(star.parent, exp.Count) for star in body.find_all(exp.Star))
        sources: set[str] = {f"{self.table}.*"} if counted else set()
        for column in body.find_all(exp.Column):
            if not column.find_ancestor(*AGGREGATES, exp.Filter):
                rule = "Under GROUP BY each column stands inside an aggregate."
                raise source.error(column, rule, column.name, f"Write MAX({column.name}), SUM({column.name}), ...")
            sources |= self._resolve(source, column, frozenset(self.spec.never))
        return frozenset(sources)

    def _resolve(self, source: Source, column: exp.Column, barred: frozenset[str]) -> frozenset[str]:
        name = column.name
        if name == self.target:
            raise source.error(column, "The target never feeds a feature, a rule or a segment.", name, "Remove it.")
        if name in barred:
            rule = "The portfolio says this column never feeds a feature or a decision."
            raise source.error(column, rule, name, "Remove it.")
        if name not in self.types:
            if not self.absent:
                rule = f"Columns must be those of {self.table!r}."
                raise source.error(column, rule, f"{name}{self._near(name)}", self._known(column))
            self.declare(name, frozenset({f"{self.table}.{name}"}), "null")
        return self.sources[name]

    def _near(self, name: str) -> str:
        folded = {known.casefold(): known for known in self.types}
        near = difflib.get_close_matches(name.casefold(), list(folded), n=1)
        return f" (did you mean {folded[near[0]]}?)" if near else ""

    def _known(self, column: exp.Column) -> str:
        select = column.find_ancestor(exp.Select)
        if select is not None and any(node.alias_or_name == column.name for node in select.expressions):
            return f"{column.name} is made by this same SELECT: make it in a CTE first."
        names = list(self.types)
        return f"Known here: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}."


def shown(node: exp.Expr) -> str:
    """Write an expression for a message."""
    return node.sql(dialect=DIALECT, comments=False)[:80]
