"""Stream a sample to files, chunk by chunk, all or nothing."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

from scorewright.domain.progress import Listener, Step, silent
from scorewright.errors import OutputError
from scorewright.tables.sample.chunks import Tables, draw_chunk
from scorewright.tables.sample.settings import Part, SampleConfig, SampleSummary
from scorewright.tables.sample.sinks import CsvSink, ParquetSink, Sink


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
            listen(Step("sample", done, len(work), f"{sum(rows.values()):,} rows"))
    return dict(rows), defaults


def _work(config: SampleConfig) -> list[tuple[Part, int]]:
    parts: tuple[Part, ...] = ("train", "test")
    return [(part, chunk) for part in parts for chunk in range(config.chunks(part))]


def _pour(tables: Tables, sinks: dict[str, Sink], folder: Path, stack: ExitStack, config: SampleConfig) -> None:
    for name, rows in tables.items():
        if name not in sinks:
            sinks[name] = stack.enter_context(_sink(folder / f"{name}.{config.file_format}"))
        sinks[name].add(rows)


def _sink(path: Path) -> Sink:
    return ParquetSink(path) if path.suffix == ".parquet" else CsvSink(path)
