"""Bring an expression to the form in which Polars gives what the feature file's dialect gives.

Types are followed from the columns upwards. What engines understand differently is either written so that it means the
same (an integer that could overflow becomes a double, ``0.5`` is a double and no decimal, halves are rounded away from
zero) or refused: text where a number is needed, dates compared with text, fractions cut by a CAST.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from sqlglot import exp

from scorewright.features.grammar import AGGREGATES, COMPARISONS, DIALECT, Source
from scorewright.features.rewriting import ZERO, Kind, Typed, cast, greatest, half_away, may_fold, never_zero, swap

_NUMBERS = frozenset({"integer", "number"})
_CASTABLE: Mapping[str, frozenset[str]] = {
    "DOUBLE": frozenset({"integer", "number", "boolean", "null"}),
    "BIGINT": frozenset({"integer", "boolean", "null"}),
    "VARCHAR": frozenset({"integer", "boolean", "text", "date", "null"}),
}

#: Aggregates whose last bits depend on how their rows were gathered; under FILTER Polars gathers in more than one way.
_SUMMED = (exp.Sum, exp.Avg, exp.Stddev, exp.StddevSamp, exp.Variance)


class Lowering:
    """Lowers the expressions of one feature file.

    Parameters
    ----------
    source : Source
        The file, for messages.
    scope : mapping of str to Typed
        Columns that may be named. Read at each call, so that it may grow between calls.
    """

    def __init__(self, source: Source, scope: Mapping[str, Typed]) -> None:
        self._source, self._scope = source, scope
        self._grouped = False

    def lower(self, body: exp.Expr, *, grouped: bool = False) -> Typed:
        """Lower a checked expression (see `scorewright.features.grammar`).

        Parameters
        ----------
        grouped : bool
            Whether it stands under GROUP BY.

        Raises
        ------
        FeatureSqlError
            Types do not go together.
        """
        self._grouped = grouped
        holder = exp.Paren(this=body.copy())
        typed = self._lower(holder.this)
        return Typed(holder.this, typed.kind, typed.wild)

    def _lower(self, node: exp.Expr) -> Typed:
        return self._HANDLERS[type(node)](self, node)

    def _fail(self, node: exp.Expr, rule: str, remedy: str) -> Exception:
        return self._source.error(node, rule, node.sql(dialect=DIALECT, comments=False)[:80], remedy)

    def _numeric(self, node: exp.Expr) -> Typed:
        return self._as_number(self._lower(node))

    def _as_number(self, typed: Typed) -> Typed:
        if typed.kind == "null":
            return cast(typed, "number")
        if typed.kind not in _NUMBERS:
            remedy = f"It is {typed.kind}: use CASE, EXTRACT or LENGTH, or declare its type in portfolio.toml."
            raise self._fail(typed.node, "A number must stand here.", remedy)
        return typed

    def _as_double(self, typed: Typed) -> Typed:
        """A number in which nothing overflows."""
        number = self._as_number(typed)
        return cast(number, "number") if number.kind == "integer" else number

    def _of_kind(self, node: exp.Expr, kind: Kind, rule: str) -> Typed:
        typed = self._lower(node)
        if typed.kind == "null":
            return cast(typed, kind)
        if typed.kind != kind:
            raise self._fail(node, rule, f"It is {typed.kind}.")
        return typed

    def _condition(self, node: exp.Expr) -> Typed:
        return self._of_kind(node, "boolean", "A condition is true or false.")

    def _alike(self, nodes: Sequence[exp.Expr]) -> tuple[list[Typed], Kind]:
        """Lower expressions that must be of one type, and name it."""
        typed = [self._lower(node) for node in nodes]
        kinds = {each.kind for each in typed} - {"null"}
        kind: Kind = "number" if kinds == _NUMBERS else next(iter(kinds), "null")
        if len(kinds) > 1 and kinds != _NUMBERS:
            found = " and ".join(sorted(kinds))
            raise self._fail(
                nodes[0].parent or nodes[0], f"{found.capitalize()} do not go together.", "Bring both to one type."
            )
        open_ended = kind in {"null", "datetime"}
        settled = [
            cast(each, kind) if each.kind == "null" and not open_ended and not isinstance(each.node, exp.Null) else each
            for each in typed
        ]
        return settled, kind

    def _column(self, node: exp.Expr) -> Typed:
        known = self._scope[node.name]
        return Typed(node, known.kind, known.wild)

    def _literal(self, node: exp.Expr) -> Typed:
        if node.args.get("is_string"):
            return Typed(node, "text")
        if node.is_int and abs(int(node.this)) < 2**63:
            return Typed(node, "integer")
        # Without an exponent Polars reads a decimal number, whose quotients are cut to a few digits.
        written = node.this if "e" in node.this.lower() else f"{node.this}e0"
        return Typed(swap(node, exp.Literal.number(written)), "number")

    def _paren(self, node: exp.Expr) -> Typed:
        inner = self._lower(node.this)
        return Typed(node, inner.kind, inner.wild)

    def _arithmetic(self, node: exp.Expr) -> Typed:
        left, right = self._lower(node.this), self._lower(node.expression)
        if isinstance(node, exp.Sub) and left.kind == right.kind == "date":
            cast(left, "number")
            cast(right, "number")
            return Typed(node, "number")
        left, right = self._as_double(left), self._as_double(right)
        return Typed(node, "number", left.wild or right.wild)

    def _division(self, node: exp.Expr) -> Typed:
        guarded, plain = never_zero(node.expression), self._is_plain(node.expression)
        left, right = self._numeric(node.this), self._numeric(node.expression)
        if isinstance(node, exp.Div) and not plain:
            divisor = exp.Add(this=node.expression.copy(), expression=self._zero(node))
            node.expression.replace(exp.Paren(this=divisor))
        integers = isinstance(node, exp.Mod) and left.kind == right.kind == "integer"
        return Typed(node, "integer" if integers else "number", left.wild or right.wild or not guarded)

    def _zero(self, node: exp.Expr) -> exp.Expr:
        zero: exp.Expr = exp.column(ZERO, quoted=True)
        return exp.Min(this=zero) if self._grouped and node.find_ancestor(*AGGREGATES, exp.Where) is None else zero

    def _is_plain(self, divisor: exp.Expr) -> bool:
        """Whether a divisor is surely a column as it was read or an aggregate, perhaps guarded against zero."""
        divisor = divisor.unnest()
        if isinstance(divisor, exp.Nullif):
            return isinstance(divisor.expression, exp.Literal) and self._is_plain(divisor.this)
        if isinstance(divisor, exp.Column):
            return self._scope[divisor.name].raw
        return isinstance(divisor, (exp.Filter, *AGGREGATES))

    def _same_number(self, node: exp.Expr) -> Typed:
        inner = self._numeric(node.this)
        return Typed(node, inner.kind, inner.wild)

    def _wild_number(self, node: exp.Expr) -> Typed:
        for part in (node.this, node.args.get("expression")):
            if part is not None:
                self._as_double(self._lower(part))
        return Typed(node, "number", wild=True)

    def _round(self, node: exp.Expr) -> Typed:
        inner = self._numeric(node.this)
        if inner.kind == "integer":
            return Typed(swap(node, inner.node), "integer", inner.wild)
        decimals = int(node.args["decimals"].this) if node.args.get("decimals") else 0
        rounded = half_away(inner.node, decimals, self._zero(node).sql(dialect=DIALECT))
        return Typed(swap(node, rounded), "number", inner.wild)

    def _comparison(self, node: exp.Expr) -> Typed:
        self._alike([part for part in (node.this, node.expression) if part is not None])
        return Typed(node, "boolean")

    def _between(self, node: exp.Expr) -> Typed:
        self._alike([node.this, node.args["low"], node.args["high"]])
        return Typed(node, "boolean")

    def _in(self, node: exp.Expr) -> Typed:
        self._alike([node.this, *node.expressions])
        return Typed(node, "boolean")

    def _is_null(self, node: exp.Expr) -> Typed:
        self._lower(node.this)
        return Typed(node, "boolean")

    def _logic(self, node: exp.Expr) -> Typed:
        self._condition(node.this)
        if node.args.get("expression") is not None:
            self._condition(node.expression)
        return Typed(node, "boolean")

    def _like(self, node: exp.Expr) -> Typed:
        self._of_kind(node.this, "text", "LIKE looks at text.")
        return Typed(node, "boolean")

    def _text(self, node: exp.Expr) -> Typed:
        self._of_kind(node.this, "text", f"{node.key.upper()} takes text.")
        return cast(Typed(node, "integer"), "integer") if isinstance(node, exp.Length) else Typed(node, "text")

    def _extract(self, node: exp.Expr) -> Typed:
        if self._lower(node.expression).kind not in {"date", "datetime"}:
            raise self._fail(node, "EXTRACT takes a date.", "Declare the column's type in portfolio.toml.")
        return cast(Typed(node, "integer"), "integer")

    def _convert(self, node: exp.Expr) -> Typed:
        to = node.args["to"].sql(dialect=DIALECT).replace("TEXT", "VARCHAR")
        inner = self._lower(node.this)
        if inner.kind not in _CASTABLE[to]:
            rule = f"CAST of {inner.kind} to {to} would not mean the same in every engine."
            raise self._fail(node, rule, "Use ROUND, FLOOR or CASE, or declare the column's type in portfolio.toml.")
        kinds: Mapping[str, Kind] = {"DOUBLE": "number", "BIGINT": "integer", "VARCHAR": "text"}
        return Typed(node, kinds[to], inner.wild)

    def _case(self, node: exp.Expr) -> Typed:
        branches = node.args["ifs"] if isinstance(node, exp.Case) else [node]
        if isinstance(node, exp.Case) and node.this is not None:
            self._alike([node.this, *(branch.this for branch in branches)])
        else:
            for branch in branches:
                self._condition(branch.this)
        otherwise = node.args.get("default") if isinstance(node, exp.Case) else node.args.get("false")
        values, kind = self._alike([branch.args["true"] for branch in branches] + ([otherwise] if otherwise else []))
        return Typed(node, kind, any(value.wild for value in values))

    def _choice(self, node: exp.Expr) -> Typed:
        values, kind = self._alike([node.this, *node.expressions])
        wild = any(value.wild for value in values)
        if wild and isinstance(node, exp.Greatest):
            return Typed(swap(node, greatest(node)), kind, wild)
        if isinstance(node, exp.Coalesce) and may_fold(node.this):
            self._unfold(node)
        return Typed(node, kind, wild)

    def _unfold(self, node: exp.Expr) -> None:
        """Tie each choice to a column: where the first are one value for all rows, Polars gives back only one row.

        Under GROUP BY that row counted for the first group alone, or broke Polars.
        """
        for choice in (node.this, *node.expressions):
            if may_fold(choice):
                every_row = exp.EQ(this=self._zero(node), expression=exp.Literal.number(0))
                swap(choice, exp.Paren(this=exp.Case().when(every_row, choice.copy(), copy=False)))

    def _nullif(self, node: exp.Expr) -> Typed:
        values, _ = self._alike([node.this, node.expression])
        return Typed(node, values[0].kind, values[0].wild)

    def _count(self, node: exp.Expr) -> Typed:
        if not isinstance(node.this, exp.Star):
            self._lower(node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this)
        return Typed(node, "integer")

    def _sum(self, node: exp.Expr) -> Typed:
        inner = self._lower(node.this)
        inner = cast(inner, "number") if inner.kind == "boolean" else self._as_double(inner)
        return Typed(node, "number", inner.wild)

    def _mean(self, node: exp.Expr) -> Typed:
        return Typed(node, "number", self._numeric(node.this).wild)

    def _extreme(self, node: exp.Expr) -> Typed:
        inner = self._lower(node.this)
        if inner.wild and isinstance(node, exp.Max):
            # Polars' maximum skips NaN, the dialect's is NaN; the last of the sorted values is NaN in both.
            node = swap(node, exp.PercentileCont(this=inner.node.copy(), expression=exp.Literal.number(1)))
        return Typed(node, inner.kind, inner.wild)

    def _filter(self, node: exp.Expr) -> Typed:
        inner, condition = self._lower(node.this), self._condition(node.expression.this)
        if isinstance(inner.node, _SUMMED):
            chosen = exp.Case().when(condition.node.copy(), inner.node.this.copy(), copy=False)
            return Typed(swap(node, type(inner.node)(this=chosen)), inner.kind, inner.wild)
        return Typed(node, inner.kind, inner.wild)

    _HANDLERS: ClassVar[dict[type[exp.Expr], Callable[[Lowering, exp.Expr], Typed]]] = {
        **dict.fromkeys(COMPARISONS, _comparison),
        **dict.fromkeys((exp.Add, exp.Sub, exp.Mul), _arithmetic),
        **dict.fromkeys((exp.Div, exp.Mod), _division),
        **dict.fromkeys((exp.Neg, exp.Abs, exp.Floor, exp.Ceil, exp.Sign), _same_number),
        **dict.fromkeys((exp.Ln, exp.Exp, exp.Sqrt, exp.Pow), _wild_number),
        **dict.fromkeys((exp.And, exp.Or, exp.Not), _logic),
        **dict.fromkeys((exp.Case, exp.If), _case),
        **dict.fromkeys((exp.Coalesce, exp.Greatest, exp.Least), _choice),
        **dict.fromkeys((exp.Lower, exp.Upper, exp.Length), _text),
        **dict.fromkeys((exp.Avg, exp.Median, exp.Stddev, exp.StddevSamp, exp.Variance, exp.PercentileCont), _mean),
        **dict.fromkeys((exp.Min, exp.Max), _extreme),
        exp.Between: _between,
        exp.Boolean: lambda _, node: Typed(node, "boolean"),
        exp.Cast: _convert,
        exp.Column: _column,
        exp.Count: _count,
        exp.Extract: _extract,
        exp.Filter: _filter,
        exp.In: _in,
        exp.Is: _is_null,
        exp.Like: _like,
        exp.Literal: _literal,
        exp.Null: lambda _, node: Typed(node, "null"),
        exp.Nullif: _nullif,
        exp.Paren: _paren,
        exp.Round: _round,
        exp.Sum: _sum,
    }
