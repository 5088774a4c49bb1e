"""Which SQL a feature file may hold, and where in the file it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from scorewright.errors import FeatureSqlError

#: The dialect feature files are written in; other engines get them transpiled.
DIALECT = "duckdb"

AGGREGATES: tuple[type[exp.Expr], ...] = (
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

#: Exact types: a subclass such as TRY_CAST or ILIKE has another meaning.
_SCALARS: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Abs,
        exp.Case,
        exp.Cast,
        exp.Ceil,
        exp.Coalesce,
        exp.Exp,
        exp.Extract,
        exp.Floor,
        exp.Greatest,
        exp.If,
        exp.Least,
        exp.Length,
        exp.Ln,
        exp.Lower,
        exp.Nullif,
        exp.Pow,
        exp.Round,
        exp.Sign,
        exp.Sqrt,
        exp.Upper,
    }
)

COMPARISONS: tuple[type[exp.Expr], ...] = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)

_SYNTAX: frozenset[type[exp.Expr]] = frozenset(
    {
        *COMPARISONS,
        exp.Add,
        exp.Alias,
        exp.And,
        exp.Between,
        exp.Boolean,
        exp.Column,
        exp.DataType,
        exp.Distinct,
        exp.Div,
        exp.Filter,
        exp.Identifier,
        exp.In,
        exp.Is,
        exp.Like,
        exp.Literal,
        exp.Mod,
        exp.Mul,
        exp.Neg,
        exp.Not,
        exp.Null,
        exp.Or,
        exp.Paren,
        exp.Star,
        exp.Sub,
        exp.Var,
        exp.Where,
    }
)

_ALLOWED = frozenset(AGGREGATES) | _SCALARS | _SYNTAX

#: What a SELECT and the parts around it may consist of; any other clause is refused by its name.
_SELECT_PARTS = frozenset({"with_", "expressions", "from_", "group"})
_CTE_PARTS = frozenset({"this", "alias"})

ALLOWED_AGGREGATES = "COUNT, COUNT(DISTINCT), SUM, AVG, MIN, MAX, STDDEV_SAMP, VAR_SAMP, MEDIAN, QUANTILE_CONT"
ALLOWED_SCALARS = (
    "ABS, LN, EXP, SQRT, POWER, ROUND, FLOOR, CEIL, SIGN, GREATEST, LEAST, COALESCE, NULLIF, EXTRACT, LOWER, UPPER, "
    "LENGTH, CASE and CAST"
)


@dataclass(frozen=True)
class Source:
    """SQL: its text, where it lies, and whether a line of the text is a line of that file."""

    place: str
    text: str
    lines: bool = True

    @property
    def where(self) -> str:
        """Where SQL of this kind stands, for messages."""
        return "in feature files" if self.lines else "in an expression of portfolio.toml"

    def error(self, node: exp.Expr | None, rule: str, value: str, remedy: str) -> FeatureSqlError:
        """Word an error at the line of a node."""
        line = _line(node) if self.lines else None
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
    stages: tuple[tuple[exp.Expr, ...], ...]
    outputs: tuple[exp.Expr, ...]
    group_by: exp.Expr | None


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
        stages.append(_stage(source, cte, relation))
        relation = cte.alias
    _check_select(source, select, relation)
    query = Query(source, tuple(stages), tuple(select.expressions), _group(source, select))
    for projection in (*(p for stage in stages for p in stage), *query.outputs):
        _check_projection(source, projection)
    return query


def parse_expression(source: Source) -> exp.Expr:
    """Parse a bare expression and refuse what is not run.

    Raises
    ------
    FeatureSqlError
        It is not one expression, has a name, or holds a function that is not supported.
    """
    select = _parse(Source(source.place, f"SELECT {source.text}", source.lines))
    _refuse_parts(source, select, frozenset({"expressions"}))
    body: exp.Expr | None = select.expressions[0] if len(select.expressions) == 1 else None
    if body is None or isinstance(body, (exp.Star, exp.Alias)):
        raise source.error(None, "One expression stands here, without a name.", source.text.strip()[:80], "Shorten it.")
    _check_projection(source, body)
    return body


def _parse(source: Source) -> exp.Select:
    try:
        parsed = sqlglot.parse(source.text, dialect=DIALECT)
    except SqlglotError as error:
        first = (getattr(error, "errors", None) or [{}])[0]
        place = f"{source.place}:{first['line']}" if first.get("line") and source.lines else source.place
        found = f"{first.get('description', 'unreadable text')} near {first.get('highlight', '')!r}"
        rule = "The file must be SQL." if source.lines else "The expression must be SQL."
        raise FeatureSqlError(place, rule, found, "Mend the line.") from None
    statements = [
        statement for statement in parsed if statement is not None and not isinstance(statement, exp.Semicolon)
    ]
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        found = f"{len(statements)} statements" if len(statements) != 1 else statements[0].key.upper()
        rule = "The file holds one SELECT." if source.lines else "One expression stands here."
        raise source.error(None, rule, found, "Keep one SELECT; CTEs may precede it.")
    return statements[0]


def _stage(source: Source, cte: exp.CTE, relation: str) -> tuple[exp.Expr, ...]:
    inner = cte.this
    _refuse_parts(source, cte, _CTE_PARTS)
    if cte.args["alias"].args.get("columns"):
        raise source.error(
            cte, "A CTE has a name and no list of columns.", _short(cte.args["alias"]), "Name columns with AS."
        )
    _check_select(source, inner, relation)
    if inner.args.get("group"):
        raise source.error(inner, "A CTE adds columns row by row.", "GROUP BY", "Group in the last SELECT.")
    if not _is_plain_star(inner.expressions[0]):
        rule = "A CTE adds columns: SELECT *, ... FROM one relation."
        raise source.error(inner, rule, _short(inner.expressions[0]), "Begin it with *.")
    return tuple(inner.expressions[1:])


def _check_select(source: Source, select: exp.Expr, relation: str) -> None:
    if not isinstance(select, exp.Select):
        raise source.error(select, "Only SELECT is run.", select.key.upper(), "Write one SELECT over one relation.")
    _refuse_parts(source, select, _SELECT_PARTS)
    if select.args.get("with_") is not None:
        _refuse_parts(source, select.args["with_"], frozenset({"expressions"}))
    origin = select.args.get("from_")
    table = origin.this if origin is not None else None
    if not isinstance(table, exp.Table) or table.name != relation:
        found = _short(table) if table is not None else "nothing"
        raise source.error(origin or select, f"FROM must name {relation!r}.", found, f"Write FROM {relation}.")
    if any(value for part, value in table.args.items() if part != "this"):
        remedy = f"Write FROM {relation}, and columns without a prefix."
        raise source.error(table, "A relation stands by its bare name.", _short(table), remedy)


def _refuse_parts(source: Source, node: exp.Expr, allowed: frozenset[str]) -> None:
    for part, value in node.args.items():
        if value and part not in allowed:
            clause = part.rstrip("_").upper()
            place = value[0] if isinstance(value, list) else value
            remedy = "Use FILTER (WHERE ...) on each aggregate, or CASE." if clause == "WHERE" else "Remove it."
            where = place if isinstance(place, exp.Expr) else node
            raise source.error(where, f"{clause} is not run {source.where}.", clause, remedy)


def _group(source: Source, select: exp.Select) -> exp.Expr | None:
    group = select.args.get("group")
    if group is None:
        return None
    extra = [value for part, value in group.args.items() if part != "expressions" and value]
    if extra or len(group.expressions) != 1 or not isinstance(group.expressions[0], exp.Column):
        raise source.error(group, "GROUP BY names one column.", _short(group), "Group by the column declared as `on`.")
    return group.expressions[0]


def _check_projection(source: Source, projection: exp.Expr) -> None:
    if _is_plain_star(projection):
        return
    for node in projection.walk():
        if type(node) not in _ALLOWED:
            allowed = (
                f"Allowed are the aggregates {ALLOWED_AGGREGATES}, the functions {ALLOWED_SCALARS}, and operators."
            )
            raise source.error(node, f"This SQL is not run {source.where}.", _short(node), allowed)
        rule = _broken_rule(node)
        if rule:
            raise source.error(
                node, rule, _short(node.parent if isinstance(node, exp.Star) and node.parent else node), "Rewrite it."
            )


def _is_plain_star(node: exp.Expr) -> bool:
    return isinstance(node, exp.Star) and not any(node.args.values())


def _broken_rule(node: exp.Expr) -> str | None:
    """Say which rule an allowed kind of node breaks by its parts; the meaning would differ between engines."""
    check = _RULES.get(type(node))
    return check(node) if check else _broken_aggregate(node) if isinstance(node, AGGREGATES) else None


def _broken_aggregate(node: exp.Expr) -> str | None:
    if node.find_ancestor(*AGGREGATES) is not None:
        return "An aggregate looks at rows, not at aggregates."
    if isinstance(node, exp.Count) and node.expressions:
        return "COUNT takes one expression."
    if isinstance(node, exp.PercentileCont) and not _is_number(node.expression, 0, 1):
        return "QUANTILE_CONT(x, q) takes a number q from 0 to 1."
    return None


def _is_number(node: exp.Expr | None, low: float, high: float) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and low <= float(node.this) <= high


def _broken_comparison(node: exp.Expr) -> str | None:
    chained = isinstance(node.this, COMPARISONS) or isinstance(node.expression, COMPARISONS)
    return "Comparisons are not chained: join two with AND, or set parentheses." if chained else None


def _broken_cast(node: exp.Expr) -> str | None:
    kinds = {exp.DType.DOUBLE, exp.DType.BIGINT, exp.DType.TEXT, exp.DType.VARCHAR}
    return None if node.args["to"].this in kinds else "CAST goes to DOUBLE, BIGINT or VARCHAR."


def _broken_filter(node: exp.Expr) -> str | None:
    if not isinstance(node.this, AGGREGATES):
        return "FILTER follows an aggregate."
    return "FILTER looks at rows, not at aggregates." if node.expression.find(*AGGREGATES) else None


def _broken_round(node: exp.Expr) -> str | None:
    decimals = node.args.get("decimals")
    whole = decimals is None or (decimals.is_int and _is_number(decimals, 0, 15))
    return None if whole else "ROUND(x, n) takes a whole number n from 0 to 15."


_RULES: dict[type[exp.Expr], Callable[[exp.Expr], str | None]] = {
    **dict.fromkeys(COMPARISONS, _broken_comparison),
    exp.Cast: _broken_cast,
    exp.Column: lambda node: "A column stands by its bare name." if node.args.get("table") else None,
    exp.Distinct: lambda node: (
        None
        if isinstance(node.parent, exp.Count) and len(node.expressions) == 1 and not node.args.get("on")
        else "DISTINCT stands in COUNT(DISTINCT x)."
    ),
    exp.Extract: lambda node: (
        None if node.name.upper() in {"YEAR", "MONTH", "DAY"} else "EXTRACT takes YEAR, MONTH or DAY."
    ),
    exp.Filter: _broken_filter,
    exp.In: lambda node: None if node.expressions and not node.args.get("query") else "IN takes a list of values.",
    exp.Is: lambda node: None if isinstance(node.expression, exp.Null) else "IS is followed by NULL or NOT NULL.",
    exp.Like: lambda node: (
        None
        if isinstance(node.expression, exp.Literal) and node.expression.is_string
        else "LIKE takes a quoted pattern."
    ),
    exp.Round: _broken_round,
    exp.Star: lambda node: None if isinstance(node.parent, exp.Count) else "* stands alone, or in COUNT(*).",
}


def _short(node: exp.Expr) -> str:
    text = node.sql(dialect=DIALECT, comments=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _line(node: exp.Expr | None) -> int | None:
    if node is None:
        return None
    lines = [part.meta["line"] for part in node.walk() if "line" in part.meta]
    if lines:
        return int(min(lines))
    return _line(node.parent) if node.parent is not None else None
