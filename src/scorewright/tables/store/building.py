"""Build a client store from a data folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from scorewright.atomic import whole_folder
from scorewright.domain.progress import Listener, Step, silent
from scorewright.tables.loading import open_data
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.store.manifest import INDEX, MANIFEST, PROTOCOL, StoreManifest, digest_of, table_file
from scorewright.tables.store.sources import Book, Sorted

#: Values in a row group. A lookup reads a whole one, and an open store keeps the address of every column of each.
_CELLS = 1 << 15
_FEWEST_ROWS, _MOST_ROWS = 64, 8192

#: Name of the keys' column in the index; no table has it, for names of tables begin with a letter.
KEYS = "_keys"


@dataclass(frozen=True)
class StoreBuilt:
    """What was written.

    Parameters
    ----------
    applications : int
        How many can be looked up.
    rows : mapping of str to int
        Rows of every table.
    notices : tuple of str
        What was noticed on the way that is no error.
    """

    applications: int
    rows: Mapping[str, int]
    notices: tuple[str, ...]


def build_store(portfolio: Portfolio, data: Path, out: Path, listen: Listener = silent) -> StoreBuilt:
    """Write the raw rows of every application of a data folder where they are found by key.

    Applications to score and of training are taken alike, without their outcome; of one that both files hold, the row
    to score. Types are those that training on the folder would give the columns. Values that the portfolio takes as
    missing are kept; days and times are written as ISO 8601 text.

    Parameters
    ----------
    portfolio : Portfolio
        Which tables there are and how they hang together.
    data : Path
        Folder with the tables, or the one table.
    out : Path
        New or empty folder: it appears whole or not at all. The same tables give the same bytes.

    Raises
    ------
    DataError
        The tables do not hold what the portfolio promises.
    OutputError
        The folder holds something already, or cannot be written.
    """
    book = Book(open_data(portfolio, data))
    with whole_folder(out) as unfinished:
        written = [_written(each, unfinished) for each in _told(book, listen)]
        _write_index(book.keys, written, unfinished / INDEX)
        rows = {each.name: each.rows for each in written}
        files = {path.name: digest_of(path) for path in sorted(unfinished.iterdir())}
        manifest = StoreManifest(PROTOCOL, portfolio.name, portfolio.root, len(book.keys), rows, files)
        (unfinished / MANIFEST).write_bytes(manifest.to_json())
    return StoreBuilt(len(book.keys), rows, _notices(book, written))


@dataclass(frozen=True)
class _Written:
    """A table that lies in its file: rows, the first one of each application, and how many were left out."""

    name: str
    rows: int
    starts: NDArray[np.int64]
    orphans: int


def _told(book: Book, listen: Listener) -> Iterator[Sorted]:
    """Tables one by one, telling of each."""
    total = len(book.portfolio.tables)
    listen(Step("store", 0, total, book.portfolio.root))
    yield book.sort_applications()
    for done, history in enumerate(book.sort_histories(), start=1):
        listen(Step("store", done, total, history.name))
        yield history
    listen(Step("store", total, total, f"{len(book.keys):,} applications"))


def _written(table: Sorted, folder: Path) -> _Written:
    frame = table.frame.with_columns(
        _iso_text(name, dtype) for name, dtype in table.frame.schema.items() if dtype.is_temporal()
    )
    rows = min(max(_CELLS // max(frame.width, 1), _FEWEST_ROWS), _MOST_ROWS)
    pq.write_table(
        frame.to_arrow(),
        folder / table_file(table.name),
        row_group_size=rows,
        compression="lz4",
        write_statistics=False,
    )
    return _Written(table.name, frame.height, np.cumsum(table.counts) - table.counts, table.orphans)


def _iso_text(name: str, dtype: pl.DataType) -> pl.Expr:
    """Write days as ``2024-02-29`` and times as ``2024-02-29T10:00:00.000000``, as posted rows are read.

    Midnights are written as days, because many writers of tables have no others.
    """
    column = pl.col(name)
    day = column.dt.to_string("%Y-%m-%d")
    if dtype == pl.Date:
        return day
    time = column.dt.to_string("%Y-%m-%dT%H:%M:%S%.6f")
    return pl.when(column == column.dt.truncate("1d")).then(day).otherwise(time).alias(name)


def _write_index(keys: pl.Series, written: Sequence[_Written], path: Path) -> None:
    columns = {KEYS: keys.to_arrow(), **{each.name: pa.array(each.starts) for each in written}}
    index = pa.record_batch(columns)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, index.schema) as writer:
        writer.write_batch(index)


def _notices(book: Book, written: Sequence[_Written]) -> tuple[str, ...]:
    root, there = book.portfolio.root, {each.name for each in written}
    both = [f"{root}: {book.repeated} applications are in both files; the rows to score were taken"]
    lost = [f"{each.name}: {each.orphans} rows belong to no application and were left out" for each in written]
    absent = [f"{name}: no file, so no client has rows of it" for name in book.portfolio.tables if name not in there]
    return (
        *(both if book.repeated else []),
        *(line for line, each in zip(lost, written, strict=True) if each.orphans),
        *absent,
    )
