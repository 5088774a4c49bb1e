"""Hand lowered expressions to Polars, and try them where a failure can still name its line."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Protocol

import polars as pl
from polars.exceptions import PanicException, PolarsError
from sqlglot import exp

from scorewright.errors import FeatureSqlError
from scorewright.features.grammar import DIALECT, Source

#: The SQL parser behind ``sql_expr`` is not documented as safe from several threads.
_PARSING = threading.Lock()


class Named(Protocol):
    """A named expression with its definition."""

    @property
    def name(self) -> str:
        """Output column."""
        ...

    @property
    def sql(self) -> str:
        """Definition as written."""
        ...

    @property
    def expression(self) -> pl.Expr:
        """Definition ready to run."""
        ...


def written(source: Source, node: exp.Expr, lowered: exp.Expr) -> pl.Expr:
    """Parse a lowered expression once.

    Raises
    ------
    FeatureSqlError
        Polars does not read it.
    """
    sql = lowered.sql(dialect=DIALECT, identify=True, comments=False)
    try:
        with _PARSING:
            return pl.sql_expr(sql)
    except PolarsError as error:
        raise _refused(source, node, sql, error) from None


def try_out(
    source: Source, columns: Mapping[str, pl.DataType], stages: Sequence[Sequence[Named]], *, grouped: bool
) -> None:
    """Run every expression on one row without values.

    Parameters
    ----------
    columns : mapping of str to polars.DataType
        What may be named.
    stages : sequence of sequences
        Derived columns, then the outputs.
    grouped : bool
        Whether the outputs aggregate.

    Raises
    ------
    FeatureSqlError
        Polars cannot run one of them on these types.
    """
    frame = pl.DataFrame({name: pl.Series([None], dtype=dtype) for name, dtype in columns.items()})
    for stage in stages[:-1]:
        frame = frame.with_columns(_run(source, frame, each, grouped=False) for each in stage)
    for each in stages[-1]:
        _run(source, frame, each, grouped=grouped)


def _run(source: Source, frame: pl.DataFrame, each: Named, *, grouped: bool) -> pl.Series:
    try:
        if grouped:
            return frame.group_by(pl.lit(1).alias("\x00group")).agg(each.expression)[each.name]
        return frame.select(each.expression)[each.name]
    except (PolarsError, PanicException) as error:
        raise _refused(source, None, each.sql, error) from None


def _refused(source: Source, node: exp.Expr | None, sql: str, error: BaseException) -> FeatureSqlError:
    found = f"{sql[:80]} ({str(error).splitlines()[0][:120]})"
    return source.error(
        node, "The expression must run in Polars.", found, "Write it with the functions that are allowed."
    )
