"""Stream a sample to files, chunk by chunk, all or nothing."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Protocol, Self
from uuid import uuid4

import polars as pl

from scorewright.domain.progress import Listener, Step, silent
from scorewright.errors import OutputError
from scorewright.tables.sample.chunks import Tables, draw_chunk
from scorewright.tables.sample.settings import Part, SampleConfig, SampleSummary

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetWriter

_ROWS_PER_GROUP = 50_000


def write_sample(config: SampleConfig, out: Path, listen: Listener = silent) -> SampleSummary:
    """Generate a sample and write one file per table.

    Memory holds a few chunks at a time, whatever the size. Files appear in `out` only when all are whole.

    Parameters
    ----------
    config : SampleConfig
        What to generate.
    out : Path
        Folder to create; it may exist if it is empty.
    listen : Listener
        Told after each chunk.

    Raises
    ------
    OutputError
        When `out` is in use or cannot be written.
    """
    _check_free(out)
    try:
        with _replacing(out) as folder:
            rows, defaults = _write(config, folder, listen)
    except OSError as error:
        raise OutputError(
            "The folder of the sample must be writable.", f"{out}: {error.strerror or error}", "Choose another folder."
        ) from error
    return SampleSummary(rows, defaults / config.applications, out)


def _check_free(out: Path) -> None:
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise OutputError(
            "A sample is written to a new or empty folder.", str(out), "Choose another, or remove this one."
        )


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """Give a folder beside `out` that takes its place when all went well and is removed otherwise."""
    target = Path(os.path.abspath(out))  # noqa: PTH100  resolve() would follow a link and rename its target
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.parent / f".{target.name}.{uuid4().hex[:8]}.partial"
    folder.mkdir()
    try:
        yield folder
        folder.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(config: SampleConfig, folder: Path, listen: Listener) -> tuple[dict[str, int], int]:
    rows: Counter[str] = Counter()
    defaults = 0
    work = _work(config)
    with ExitStack() as stack:
        sinks: dict[str, Sink] = {}
        for done, (part, chunk) in enumerate(work, start=1):
            tables = draw_chunk(config, part, chunk)
            _pour(tables, sinks, folder, stack, config)
            rows.update({name: table.height for name, table in tables.items()})
            defaults += int(tables["application_train"]["TARGET"].sum()) if part == "train" else 0
            listen(
                Step("sample", done, len(work), f"{rows['application_train'] + rows['application_test']} applications")
            )
    return dict(rows), defaults


def _work(config: SampleConfig) -> list[tuple[Part, int]]:
    parts: tuple[Part, ...] = ("train", "test")
    return [(part, chunk) for part in parts for chunk in range(config.chunks(part))]


class Sink(Protocol):
    """Where the rows of one table go."""

    def add(self, rows: pl.DataFrame) -> None:
        """Append rows."""
        ...


class ParquetSink:
    """A Parquet file that grows by row groups of a fixed least size."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[pl.DataFrame] = []
        self._writer: ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

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


class CsvSink:
    """A CSV file that grows by rows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, rows: pl.DataFrame) -> None:
        """Append rows."""
        started = self._file is not None
        if self._file is None:
            self._file = self._path.open("wb")
        rows.write_csv(self._file, include_header=not started)


def _pour(tables: Tables, sinks: dict[str, Sink], folder: Path, stack: ExitStack, config: SampleConfig) -> None:
    kind = ParquetSink if config.file_format == "parquet" else CsvSink
    for name, rows in tables.items():
        if name not in sinks:
            sinks[name] = stack.enter_context(kind(folder / f"{name}.{config.file_format}"))
        sinks[name].add(rows)
