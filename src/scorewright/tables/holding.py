"""Hold later rows to what training saw: categories are a rule, ranges and gaps are worth a word."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from scorewright.errors import UnseenCategoryError
from scorewright.tables.contract import ColumnContract
from scorewright.tables.portfolio import TableSpec, UnseenCategory

#: From so many rows on it is quicker to look for the different values first.
_MANY = 1000


def known_categories(
    spec: TableSpec, columns: Mapping[str, ColumnContract], used: Collection[str]
) -> dict[str, frozenset[str]]:
    """Categories, seen in training or declared, of each text column that feeds a feature."""
    return {
        name: frozenset((*column.categories, *spec.categories.get(name, ())))
        for name, column in columns.items()
        if name in used and column.categories
    }


def hold_categories(
    table: str, frame: pl.DataFrame, known: Mapping[str, frozenset[str]], unseen: UnseenCategory
) -> pl.DataFrame:
    """Refuse categories that nobody knows, or empty them where the rule is "null".

    Raises
    ------
    UnseenCategoryError
        The first column that holds one, and the rule is "refuse".
    """
    for name, categories in known.items():
        values = frame[name]
        new = set(values.to_list() if len(values) < _MANY else values.unique().to_list()) - categories - {None}
        if new:
            strange = pl.col(name).is_in(pl.Series(sorted(new)).implode())
            if unseen == "refuse":
                rows = frame.filter(strange).height
                raise UnseenCategoryError(f"{table}.{name}", sorted(new), sorted(categories), rows)
            frame = frame.with_columns(pl.when(~strange).then(name).alias(name))
    return frame


def departures(
    table: str, frame: pl.DataFrame, columns: Mapping[str, ColumnContract], used: Collection[str]
) -> tuple[str, ...]:
    """Say how many rows leave the range of training or are empty where training never was; no value is told."""
    fed = {name: column for name, column in columns.items() if name in used}
    sentences = []
    for name, column in fed.items():
        empty = 0 if column.nullable else frame[name].null_count()
        if empty:
            rows = "1 row is" if empty == 1 else f"{empty} rows are"
            sentences.append(f"{table}.{name}: {rows} empty; it never was in training")
        outside = _outside(frame[name], column)
        if outside:
            rows = "1 row" if outside == 1 else f"{outside} rows"
            span = f"{column.minimum:.12g} to {column.maximum:.12g}"
            sentences.append(f"{table}.{name}: {rows} outside the range seen in training ({span})")
    return tuple(sentences)


def _outside(values: pl.Series, column: ColumnContract) -> int:
    if column.minimum is None or column.maximum is None:
        return 0
    return int(((values < column.minimum) | (values > column.maximum)).sum())
