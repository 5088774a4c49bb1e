"""Which SQL a feature file may hold, and where in the file it does not."""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from scorewright.errors import FeatureSqlError

#: The dialect feature files are written in; other engines get them transpiled.
DIALECT = "duckdb"

AGGREGATES: tuple[type[exp.Expression], ...] = (
    exp.Count,
    exp.Sum,
    exp.Avg,
    exp.Min,
    exp.Max,
    exp.StddevSamp,
    exp.Stddev,
    exp.Variance,
    exp.Median,
    exp.PercentileCont,
)

_SCALARS: tuple[type[exp.Expression], ...] = (
    exp.Abs,
    exp.Ln,
    exp.Exp,
    exp.Sqrt,
    exp.Pow,
    exp.Round,
    exp.Floor,
    exp.Ceil,
    exp.Sign,
    exp.Greatest,
    exp.Least,
    exp.Coalesce,
    exp.Nullif,
    exp.Extract,
    exp.Lower,
    exp.Upper,
    exp.Length,
    exp.Case,
    exp.If,
    exp.Cast,
)

_SYNTAX: tuple[type[exp.Expression], ...] = (
    exp.Alias,
    exp.Between,
    exp.Binary,
    exp.Boolean,
    exp.Column,
    exp.DataType,
    exp.Distinct,
    exp.Filter,
    exp.Identifier,
    exp.In,
    exp.Literal,
    exp.Neg,
    exp.Not,
    exp.Null,
    exp.Paren,
    exp.Star,
    exp.Var,
    exp.Where,
)

_FORBIDDEN_CLAUSES = ("where", "joins", "having", "order", "limit", "offset", "distinct", "windows", "qualify", "sample")

ALLOWED_AGGREGATES = "COUNT, COUNT(DISTINCT), SUM, AVG, MIN, MAX, STDDEV_SAMP, VAR_SAMP, MEDIAN, QUANTILE_CONT"
ALLOWED_SCALARS = (
    "ABS, LN, EXP, SQRT, POWER, ROUND, FLOOR, CEIL, SIGN, GREATEST, LEAST, COALESCE, NULLIF, EXTRACT, LOWER, UPPER, "
    "LENGTH, CASE and CAST"
)


@dataclass(frozen=True)
class Source:
    """A feature file: its text and where it lies."""

    place: str
    text: str

    def error(self, node: exp.Expression | None, rule: str, value: str, remedy: str) -> FeatureSqlError:
        """Word an error at the line of a node."""
        line = _line(node)
        return FeatureSqlError(f"{self.place}:{line}" if line else self.place, rule, value, remedy)


@dataclass(frozen=True)
class Query:
    """The parts of a feature file that Scorewright runs.

    Parameters
    ----------
    stages : tuple of tuple of expressions
        Derived columns, one group per CTE, in order.
    outputs : tuple of expressions
        The last SELECT.
    group_by : exp.Column or None
        What the aggregates are grouped by.
    """

    source: Source
    stages: tuple[tuple[exp.Expression, ...], ...]
    outputs: tuple[exp.Expression, ...]
    group_by: exp.Expression | None


def parse_query(source: Source, table: str) -> Query:
    """Parse a feature file and refuse what is not run.

    Raises
    ------
    FeatureSqlError
        The file is no single SELECT over `table`, or holds a clause or a function that is not supported.
    """
    select = _parse(source)
    relation, stages = table, []
    for cte in select.ctes:
        inner = cte.this
        _check_select(source, inner, relation)
        if not (isinstance(inner, exp.Select) and inner.expressions and isinstance(inner.expressions[0], exp.Star)):
            raise source.error(inner, "A CTE adds columns: SELECT *, ... FROM one relation.", _short(inner), "Begin it with *.")
        if inner.args.get("group"):
            raise source.error(inner, "A CTE adds columns row by row.", "GROUP BY", "Group in the last SELECT.")
        stages.append(tuple(inner.expressions[1:]))
        relation = cte.alias
    _check_select(source, select, relation)
    query = Query(source, tuple(stages), tuple(select.expressions), _group(source, select))
    for projection in (*(p for stage in stages for p in stage), *query.outputs):
        _check_projection(source, projection)
    return query


def _parse(source: Source) -> exp.Select:
    try:
        statements = [statement for statement in sqlglot.parse(source.text, dialect=DIALECT) if statement is not None]
    except SqlglotError as error:
        first = (getattr(error, "errors", None) or [{}])[0]
        place = f"{source.place}:{first['line']}" if first.get("line") else source.place
        found = f"{first.get('description', 'unreadable text')} near {first.get('highlight', '')!r}"
        raise FeatureSqlError(place, "The file must be SQL.", found, "Mend the line.") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        found = f"{len(statements)} statements" if len(statements) != 1 else statements[0].key.upper()
        raise source.error(None, "The file holds one SELECT.", found, "Keep one SELECT; CTEs may precede it.")
    return statements[0]


def _check_select(source: Source, select: exp.Expression, relation: str) -> None:
    if not isinstance(select, exp.Select):
        raise source.error(select, "Only SELECT is run.", select.key.upper(), "Write one SELECT over one relation.")
    for clause in _FORBIDDEN_CLAUSES:
        if select.args.get(clause):
            remedy = "Use FILTER (WHERE ...) on the aggregate." if clause == "where" else "Remove it."
            raise source.error(select, f"{clause.upper()} is not run in feature files.", clause.upper(), remedy)
    origin = select.args.get("from_")
    found = origin.this.name if origin is not None else "nothing"
    if found != relation:
        raise source.error(origin or select, f"FROM must name {relation!r}.", found, f"Write FROM {relation}.")


def _group(source: Source, select: exp.Select) -> exp.Expression | None:
    group = select.args.get("group")
    if group is None:
        return None
    if len(group.expressions) != 1 or not isinstance(group.expressions[0], exp.Column):
        raise source.error(group, "GROUP BY names one column.", _short(group), "Group by the column declared as `on`.")
    return group.expressions[0]


def _check_projection(source: Source, projection: exp.Expression) -> None:
    for node in projection.walk():
        if isinstance(node, (*AGGREGATES, *_SCALARS, *_SYNTAX)) and not isinstance(node, exp.Window):
            continue
        raise source.error(
            node,
            "This SQL is not run in feature files.",
            _short(node),
            f"Allowed are the aggregates {ALLOWED_AGGREGATES}, the functions {ALLOWED_SCALARS}, and operators.",
        )


def _short(node: exp.Expression) -> str:
    text = node.sql(dialect=DIALECT, comments=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _line(node: exp.Expression | None) -> int | None:
    if node is None:
        return None
    lines = [part.meta["line"] for part in node.walk() if "line" in part.meta]
    if lines:
        return int(min(lines))
    return _line(node.parent) if node.parent is not None else None
