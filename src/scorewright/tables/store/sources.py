"""Read the raw tables of a data folder through the door, and say which application each row belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.errors import TableMissingError
from scorewright.tables.contract import ColumnContract
from scorewright.tables.door import (
    Layout,
    admit,
    check_filled,
    check_keys,
    check_orphans,
    first_layout,
    number_rows,
    sealed_layout,
)
from scorewright.tables.loading import DataFolder, Purpose
from scorewright.tables.portfolio import ROW_KEY, Portfolio
from scorewright.tables.readers import SUFFIXES, collect, scan_table
from scorewright.tables.types import column_type, with_dates

#: Column, beside a table's own, with the position of the application that a row belongs to. No export has such a name.
PLACE = "\x00place"


@dataclass(frozen=True)
class Sorted:
    """One table of the store.

    Parameters
    ----------
    name : str
        Name of the table.
    frame : DataFrame
        Its rows, those of an application beside each other in the order of the file, applications by their keys.
    counts : ndarray of int64, shape (n,)
        Rows of each application, in the order of the keys.
    orphans : int
        Rows that were left out, because they belong to no application.
    """

    name: str
    frame: pl.DataFrame
    counts: NDArray[np.int64]
    orphans: int


#: By purpose, the keys of a table's rows and the position of the application they belong to, null where of none.
_Owners = Mapping[Purpose, pl.DataFrame]


@dataclass(frozen=True)
class _History:
    """A history as the purposes read it: rows with their `PLACE`, owners for the tables below, rows of nobody."""

    parts: list[pl.DataFrame]
    owners: _Owners
    orphans: int


@dataclass(frozen=True)
class Book:
    """The applications of a data folder, those to score and those of training alike.

    Where both files hold an application, the file to score has the newer rows, and they are taken. A history that the
    two purposes read from different files follows its application.

    Parameters
    ----------
    folder : DataFolder
        Where the tables lie.
    """

    folder: DataFolder

    @property
    def portfolio(self) -> Portfolio:
        """The lending book."""
        return self.folder.portfolio

    @cached_property
    def purposes(self) -> tuple[Purpose, ...]:
        """Which files hold applications; training comes first, because it says what types the columns have."""
        root = self.portfolio.root
        train, score = (self.folder.find(root, purpose) for purpose in ("train", "score"))
        both = train is not None and train != score and not self.portfolio.numbered
        return ("train", "score") if both else ("score",)

    @cached_property
    def keys(self) -> pl.Series:
        """Keys of all applications, ascending: int64, or text."""
        keys = pl.concat([frame[self.portfolio.key] for frame in self._applications.values()])
        return keys.cast(pl.Int64 if keys.dtype.is_integer() else pl.String).sort()

    @cached_property
    def repeated(self) -> int:
        """Count applications that both files hold."""
        if len(self.purposes) == 1:
            return 0
        train, score = (self._read_roots[purpose][self.portfolio.key] for purpose in self.purposes)
        return int(train.is_in(score.implode()).sum())

    def sort_applications(self) -> Sorted:
        """Sort the root table."""
        parts = [frame.with_columns(self._places(frame)) for frame in self._applications.values()]
        added = (PLACE, ROW_KEY) if self.portfolio.numbered else (PLACE,)
        ones = np.ones(len(self.keys), np.int64)
        return Sorted(self.portfolio.root, pl.concat(parts).sort(PLACE).drop(added), ones, 0)

    def sort_histories(self) -> Iterator[Sorted]:
        """Sort the other tables, one after the other, parents before their children; absent ones are left out."""
        key = self.portfolio.key
        roots = {p: frame.select(key, self._places(frame)) for p, frame in self._applications.items()}
        owners: dict[str, _Owners] = {self.portfolio.root: roots}
        for name in _below(self.portfolio, self.portfolio.root):
            spec = self.portfolio.tables[name]
            history = self._history(name, owners.get(str(spec.parent), {}))
            if history.parts:
                owners[name] = history.owners
                yield _sorted(name, pl.concat(history.parts), len(self.keys), history.orphans)

    @cached_property
    def _read_roots(self) -> Mapping[Purpose, pl.DataFrame]:
        """The applications of each file as read, without their outcome."""
        roots: dict[Purpose, pl.DataFrame] = {}
        for purpose in self.purposes:
            before = next(iter(roots.values()), None)
            frame = self._read(self.portfolio.root, self._required(self.portfolio.root, purpose), None, before)
            roots[purpose] = number_rows(self.portfolio, frame)
            check_keys(self.portfolio, {self.portfolio.root: roots[purpose]})
            check_filled(self.portfolio, {self.portfolio.root: roots[purpose]})
        return roots

    @cached_property
    def _applications(self) -> Mapping[Purpose, pl.DataFrame]:
        """The applications of each file, each in one of them only."""
        roots, key = dict(self._read_roots), self.portfolio.key
        if self.repeated:
            roots["train"] = roots["train"].filter(~pl.col(key).is_in(roots["score"][key].implode()))
        return roots

    def _places(self, frame: pl.DataFrame) -> pl.Series:
        """Positions of applications among all, by their keys."""
        keys = frame[self.portfolio.key].cast(self.keys.dtype)
        return self.keys.search_sorted(keys).cast(pl.Int64).alias(PLACE)

    def _history(self, name: str, above: _Owners) -> _History:
        """Read a history as each purpose reads it."""
        spec = self.portfolio.tables[name]
        read: dict[Path, pl.DataFrame] = {}
        parts, owners, orphans = [], {}, 0
        for purpose, parents in above.items():
            source = self.folder.source(name, purpose)
            if source is None:
                continue
            if source not in read:
                read[source] = self._read(name, source, parents.schema, next(iter(read.values()), None))
                orphans += self._check_history(name, read[source], pl.concat(list(above.values())))
            frame = read[source]
            place = frame.select(str(spec.on)).join(parents, on=str(spec.on), how="left", maintain_order="left")[PLACE]
            owners[purpose] = pl.DataFrame([frame[spec.key], place]) if spec.key else pl.DataFrame()
            parts.append(frame.with_columns(place).filter(pl.col(PLACE).is_not_null()))
        return _History(parts, owners, orphans)

    def _check_history(self, name: str, frame: pl.DataFrame, above: pl.DataFrame) -> int:
        """Hold a history to what loading holds it to; count its rows that belong to no row of their parent."""
        check_keys(self.portfolio, {name: frame})
        check_filled(self.portfolio, {name: frame})
        spec = self.portfolio.tables[name]
        tables = {str(spec.parent): above, name: frame}
        return check_orphans(self.portfolio, tables, above[str(spec.on)]).get(name, 0)

    def _required(self, name: str, purpose: Purpose) -> Path:
        source = self.folder.source(name, purpose)
        if source is None:
            raise TableMissingError(name, [f"{name}{suffix}" for suffix in SUFFIXES], str(self.folder.path))
        return source

    def _read(
        self, name: str, source: Path, above: Mapping[str, pl.DataType] | None, first: pl.DataFrame | None
    ) -> pl.DataFrame:
        """Read a file of a table and bring it to its layout, or to that of the file `first` of the same table.

        Values are left as they are: what a portfolio takes as missing is for the model that reads them.
        """
        spec = self.portfolio.tables[name]
        text = {column for column, kind in spec.types.items() if kind == "text"}
        like = first.schema if first is not None else {}
        text |= {column for column, dtype in [*(above or {}).items(), *like.items()] if column_type(dtype) == "text"}
        frame = with_dates(collect(scan_table(source, text), source), keep=text)
        if name == self.portfolio.root:
            frame = frame.drop(self.portfolio.target.column, strict=False)
        layout = self._layout(name, frame, above, like)
        admitted = admit(name, frame, spec.model_copy(update={"sentinels": {}}), layout)
        return admitted.with_columns(
            pl.when(pl.col(column).is_finite()).then(pl.col(column)).alias(column)
            for column, dtype in admitted.schema.items()
            if dtype.is_float()
        )

    def _layout(
        self,
        name: str,
        frame: pl.DataFrame,
        above: Mapping[str, pl.DataType] | None,
        like: Mapping[str, pl.DataType],
    ) -> Layout:
        target = self.portfolio.target.column if name == self.portfolio.root else None
        if like:
            kinds = {column: column_type(dtype) for column, dtype in like.items()}
            contract = {column: ColumnContract(kind, nullable=True) for column, kind in kinds.items() if kind}
            return sealed_layout(self.portfolio, name, contract, frozenset())
        layout = first_layout(self.portfolio, name, frame.schema, above)
        return replace(layout, required=layout.required - {target})


def _below(portfolio: Portfolio, table: str) -> Iterator[str]:
    """Tables that hang under a table, parents before their children."""
    waiting: Sequence[str] = portfolio.children(table)
    while waiting:
        yield from waiting
        waiting = [child for name in waiting for child in portfolio.children(name)]


def _sorted(name: str, rows: pl.DataFrame, applications: int, orphans: int) -> Sorted:
    ordered = rows.sort(PLACE, maintain_order=True)
    counts = np.bincount(ordered[PLACE].to_numpy(), minlength=applications).astype(np.int64)
    return Sorted(name, ordered.drop(PLACE), counts, orphans)
