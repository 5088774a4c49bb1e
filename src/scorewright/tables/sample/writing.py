"""Stream a sample to files, chunk by chunk, all or nothing."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from scorewright.atomic import whole_folder
from scorewright.domain.progress import Listener, Step, silent
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
    with whole_folder(out) as folder:
        rows, defaults = _write(config, folder, listen)
    return SampleSummary(rows, defaults / config.applications, out)


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
