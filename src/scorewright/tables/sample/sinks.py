"""Files that grow by rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

import polars as pl

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetWriter

_ROWS_PER_GROUP = 50_000


class Sink(ABC):
    """Where the rows of one table go; leaving its context closes the file."""

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @abstractmethod
    def add(self, rows: pl.DataFrame) -> None:
        """Append rows."""


class ParquetSink(Sink):
    """A Parquet file that grows by row groups of a fixed least size."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[pl.DataFrame] = []
        self._writer: ParquetWriter | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        if self._writer is not None:
            self._writer.close()

    def add(self, rows: pl.DataFrame) -> None:
        """Append rows, written once enough have gathered."""
        self._waiting.append(rows)
        if sum(frame.height for frame in self._waiting) >= _ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        table = pl.concat(self._waiting).to_arrow(compat_level=pl.CompatLevel.oldest())
        self._waiting.clear()
        if self._writer is None:
            from pyarrow.parquet import ParquetWriter

            self._writer = ParquetWriter(self._path, table.schema, compression="zstd", store_schema=False)
        self._writer.write_table(table)


class CsvSink(Sink):
    """A CSV file that grows by rows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, rows: pl.DataFrame) -> None:
        """Append rows."""
        started = self._file is not None
        if self._file is None:
            self._file = self._path.open("wb")
        rows.write_csv(self._file, include_header=not started)
