"""Rows as they were posted and checked: lists of values, and frames only for those who ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl


@dataclass(frozen=True)
class PostedRows:
    """Checked rows of one table.

    Parameters
    ----------
    values : mapping of str to sequence
        Columns that were posted, None where a row has no value.
    schema : mapping of str to polars.DataType
        All columns of the table and their types, in order; those that were not posted are empty.
    height : int
        Number of rows.
    parents : sequence of int, optional
        For a history, the position of the parent's row of each row.
    """

    values: Mapping[str, Sequence[Any]]
    schema: Mapping[str, pl.DataType]
    height: int
    parents: Sequence[int] | None = None

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns."""
        return list(self.schema)

    def listed(self, name: str) -> Sequence[Any]:
        """Give a column as a list of values."""
        found = self.values.get(name)
        return [None] * self.height if found is None else found

    def series(self, name: str) -> pl.Series:
        """Give a column as Polars has it."""
        return pl.Series(name, self.listed(name), dtype=self.schema[name])

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All columns as a frame."""
        return pl.DataFrame([self.series(name) for name in self.schema])


class Posted(Mapping[str, pl.DataFrame]):
    """Checked tables of applications that were posted; each becomes a frame when it is asked for.

    Parameters
    ----------
    rows : mapping of str to PostedRows
        Rows by table.
    schemas : mapping of str to mapping of str to polars.DataType
        Types of their columns: one object for all that one reader reads, so that it tells its tables apart from others.
    """

    def __init__(self, rows: Mapping[str, PostedRows], schemas: Mapping[str, Mapping[str, pl.DataType]]) -> None:
        self.rows, self.schemas = rows, schemas

    def __getitem__(self, table: str) -> pl.DataFrame:
        """Give a table as a frame."""
        return self.rows[table].frame

    def __contains__(self, table: object) -> bool:
        """Whether there is such a table; without making a frame of it."""
        return table in self.rows

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the tables."""
        return iter(self.rows)

    def __len__(self) -> int:
        """Count the tables."""
        return len(self.rows)
