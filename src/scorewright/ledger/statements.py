"""Statements compiled once and run by the driver itself.

An append is a handful of short statements; what `Connection.execute` spends on each is more than the database does. The
transaction around them stays SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Column, Connection, Select, bindparam
from sqlalchemy.sql import ClauseElement

Values: TypeAlias = Mapping[str, Any]
"""What stands for the parameters of a statement, by name."""

Row: TypeAlias = tuple[Any, ...]


class Statement:
    """A statement with named parameters.

    Parameters
    ----------
    made : ClauseElement
        As SQLAlchemy builds it.
    """

    def __init__(self, made: ClauseElement) -> None:
        self._made = made
        self._compiled: dict[str, tuple[str, tuple[str, ...] | None]] = {}

    def rows(self, connection: Connection, values: Values | None = None) -> list[Row]:
        """Run it and return the rows."""
        text, order = self._text(connection)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text, _ordered(order, values or {}))
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def run(self, connection: Connection, every: Sequence[Values]) -> None:
        """Run it once for each of the values."""
        text, order = self._text(connection)
        cursor = connection.connection.cursor()
        try:
            if len(every) == 1:
                cursor.execute(text, _ordered(order, every[0]))
            else:
                cursor.executemany(text, [_ordered(order, values) for values in every])
        finally:
            cursor.close()

    def _text(self, connection: Connection) -> tuple[str, tuple[str, ...] | None]:
        """Return the SQL in the words of the database, and the order of its parameters where they have no names."""
        name = connection.dialect.name
        if name not in self._compiled:
            made: Any = self._made.compile(dialect=connection.dialect)
            self._compiled[name] = str(made), tuple(made.positiontup) if made.positional else None
        return self._compiled[name]


class Lookup:
    """Finds rows by one column.

    Parameters
    ----------
    query : Select
        Which rows to look through.
    column : Column
        The column.
    """

    def __init__(self, query: Select[*tuple[Any, ...]], column: Column[Any]) -> None:
        self._query = query
        self._column = column
        self._by_size: dict[int, Statement] = {}

    def rows(self, connection: Connection, values: Collection[Any]) -> list[Row]:
        """Return the rows whose column is among the values."""
        if not values:
            return []
        wanted = list(values)
        # Few sizes, so that few statements are compiled: the last value is asked for again.
        size = 1 << (len(wanted) - 1).bit_length()
        wanted += wanted[-1:] * (size - len(wanted))
        return self._statement(size).rows(connection, {f"v{place}": value for place, value in enumerate(wanted)})

    def _statement(self, size: int) -> Statement:
        if size not in self._by_size:
            parameters = [bindparam(f"v{place}", type_=self._column.type) for place in range(size)]
            self._by_size[size] = Statement(self._query.where(self._column.in_(parameters)))
        return self._by_size[size]


def _ordered(order: tuple[str, ...] | None, values: Values) -> Any:
    return values if order is None else [values[name] for name in order]
