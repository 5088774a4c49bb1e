"""Types of expressions, and the rewritings by which one engine comes to mean what another means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl
from sqlglot import exp

from scorewright.features.grammar import AGGREGATES, DIALECT
from scorewright.tables.types import POLARS_TYPES, ColumnType

#: ``null`` is the type of a column that never held a value: it goes with every other type.
Kind = ColumnType | Literal["null"]

_CASTS: Mapping[Kind, str] = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "text": "VARCHAR",
    "boolean": "BOOLEAN",
    "date": "DATE",
}
#: A column of zeros that the engine adds. Polars divides by a number that is the same in every row by multiplying with
#: its reciprocal, which differs in the last bit, and whether it sees such a number depends on the batch; zeros added to
#: a divisor keep it a column.
ZERO = "\x00zero"

#: No finite double is larger; only infinity and NaN compare as greater, in every engine that orders NaN last.
_LARGEST = "1.7976931348623157e308"


@dataclass(frozen=True)
class Typed:
    """An expression with its type.

    Parameters
    ----------
    wild : bool
        Whether it may be NaN, which engines order differently.
    raw : bool
        Whether it is a column as it was read.
    """

    node: exp.Expr
    kind: Kind
    wild: bool = False
    raw: bool = False


def storage(kind: Kind) -> pl.DataType:
    """Polars type of a kind."""
    return pl.Float64() if kind == "null" else POLARS_TYPES[kind]


def swap(old: exp.Expr, new: exp.Expr) -> exp.Expr:
    """Put an expression in the place of another, and return it."""
    old.replace(new)
    return new


def cast(typed: Typed, kind: Kind) -> Typed:
    """Convert an expression in its place; a whole number that is written out is written as a double."""
    if isinstance(typed.node, exp.Literal) and kind == "number":
        return Typed(swap(typed.node, exp.Literal.number(f"{typed.node.this}e0")), kind)
    converted = exp.Cast(this=typed.node.copy(), to=exp.DataType.build(_CASTS[kind], dialect=DIALECT))
    return Typed(swap(typed.node, converted), kind, typed.wild)


def never_zero(divisor: exp.Expr) -> bool:
    """Whether a divisor is a number other than zero, or guarded by NULLIF(x, 0)."""
    divisor = divisor.unnest()
    if isinstance(divisor, exp.Neg):
        return never_zero(divisor.this)
    if isinstance(divisor, exp.Nullif):
        return _is_zero(divisor.expression)
    return isinstance(divisor, exp.Literal) and not _is_zero(divisor)


def _is_zero(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and float(node.this) == 0


def may_fold(node: exp.Expr) -> bool:
    """Whether an engine may find that an expression has one value for all rows: by itself no column does."""
    while isinstance(node, (exp.Paren, exp.Cast)):
        node = node.this
    return not isinstance(node, (exp.Column, exp.Filter, *AGGREGATES))


def half_away(number: exp.Expr, decimals: int, zero: str) -> exp.Expr:
    """Round halves away from zero, without an addition that could itself round."""
    text = number.sql(dialect=DIALECT)
    scaled = f"ABS(({text}) * 1e{decimals})"
    whole = f"(FLOOR({scaled}) + CASE WHEN {scaled} - FLOOR({scaled}) >= 5e-1 THEN 1e0 ELSE 0e0 END)"
    unscaled = f" / (1e{decimals} + {zero})" if decimals else ""
    return exp.maybe_parse(f"(SIGN({text}) * {whole}{unscaled})", dialect=DIALECT)


def greatest(node: exp.Expr) -> exp.Expr:
    """The greatest value, which is NaN where one is NaN."""
    case = exp.Case(default=node.copy())
    for part in (node.this, *node.expressions):
        case = case.when(
            exp.GT(this=exp.Paren(this=part.copy()), expression=exp.Literal.number(_LARGEST)), part.copy(), copy=False
        )
    return exp.Paren(this=case)
