"""Find and scan the files of a table: CSV as exported or zipped, Parquet, or a folder of either. Lazily, by Polars."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import polars as pl
from polars.exceptions import ColumnNotFoundError, NoDataError, PolarsError, SchemaError

from scorewright.errors import UnreadableFileError
from scorewright.tables.delimited import CsvFile, open_csv

#: Endings that are read, in the order in which they are looked for.
SUFFIXES = (".parquet", ".csv", ".csv.zip", ".csv.gz")


def find_table(data: Path, stem: str) -> Path | None:
    """Find the file or the folder of parts that holds a table, in a folder of tables."""
    for suffix in SUFFIXES:
        if (data / f"{stem}{suffix}").is_file():
            return data / f"{stem}{suffix}"
    folder = data / stem
    return folder if folder.is_dir() and parts_of(folder) else None


def parts_of(source: Path) -> list[Path]:
    """Files that make up a table: the file itself, or the parts in a folder without what tools hide there."""
    if not source.is_dir():
        return [source]
    return sorted(path for path in source.iterdir() if _is_read(path) and path.name[0] not in "._")


def scan_table(source: Path, text: Collection[str] = ()) -> pl.LazyFrame:
    """Open a table without reading its rows.

    Parameters
    ----------
    source : Path
        A file with one of `SUFFIXES`, or a folder of such files with the same columns.
    text : collection of str
        Columns of a CSV that are text even where every value looks like a number.

    Raises
    ------
    UnreadableFileError
        The file is corrupt, cut short, empty or of another format.
    """
    parts = parts_of(source)
    if not parts:
        raise UnreadableFileError(source.name, f"it holds no file ending in {', '.join(SUFFIXES)}")
    frames = [_scan_file(part, text) for part in parts]
    return frames[0] if len(frames) == 1 else _stacked(source, frames)


def collect(frame: pl.LazyFrame, source: Path) -> pl.DataFrame:
    """Read the rows.

    Raises
    ------
    UnreadableFileError
        A page or a line cannot be read. The reader's own message is not passed on: it quotes values.
    """
    try:
        return frame.collect()
    except ColumnNotFoundError:
        raise
    except (PolarsError, OSError) as error:
        raise UnreadableFileError(source.name, _reason(error)) from None


def _is_read(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES)


def _scan_file(path: Path, text: Collection[str]) -> pl.LazyFrame:
    if not _is_read(path):
        raise UnreadableFileError(path.name, f"its name ends in none of {', '.join(SUFFIXES)}")
    try:
        frame = pl.scan_parquet(path) if path.name.lower().endswith(".parquet") else _scan_csv(open_csv(path), text)
        frame.collect_schema()
    except (PolarsError, OSError) as error:
        raise UnreadableFileError(path.name, _reason(error)) from None
    return frame


def _scan_csv(file: CsvFile, text: Collection[str]) -> pl.LazyFrame:
    """Dates stay text here: Polars would guess whether 01/02 is a day in January or in February.

    Polars leaves the doubled quotation marks of a header as they are; the names are those that a CSV reader gives.
    """
    overrides = {name.replace('"', '""'): pl.String() for name in file.columns if name in text}
    frame = pl.scan_csv(file.content, infer_schema_length=None, try_parse_dates=False, schema_overrides=overrides)
    names = frame.collect_schema().names()
    if len(names) != len(file.columns):
        raise SchemaError(f"{len(names)} and {len(file.columns)} columns in the header")
    return frame.rename(dict(zip(names, file.columns, strict=True)))


def _stacked(source: Path, frames: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """Put parts with the same columns under each other, whatever their order."""
    schemas = [frame.collect_schema() for frame in frames]
    if any(set(schema) != set(schemas[0]) for schema in schemas):
        raise UnreadableFileError(source.name, "its parts do not have the same columns")
    types = {name: _common_type([schema[name] for schema in schemas], name, frames) for name in schemas[0]}
    return pl.concat([frame.select(pl.col(name).cast(dtype) for name, dtype in types.items()) for frame in frames])


def _common_type(dtypes: Sequence[pl.DataType], name: str, frames: Sequence[pl.LazyFrame]) -> pl.DataType:
    if len(set(dtypes)) == 1:
        return dtypes[0]
    valued = [
        dtype for dtype, frame in zip(dtypes, frames, strict=True) if dtype != pl.String or _has_values(frame, name)
    ]
    if pl.String in valued:
        return pl.String()
    empty = [pl.DataFrame(schema={name: dtype}) for dtype in valued or [pl.Null()]]
    return pl.concat(empty, how="vertical_relaxed").schema[name]


def _has_values(frame: pl.LazyFrame, name: str) -> bool:
    """A CSV part in which a column is empty says nothing about its type."""
    return bool(frame.select(pl.col(name).is_not_null().any()).collect().item())


def _reason(error: Exception) -> str:
    if isinstance(error, NoDataError):
        return "it is empty"
    if isinstance(error, FileNotFoundError):
        return "it does not exist"
    if "found more fields" in str(error):
        return "a line has more fields than the header"
    if "Parquet" in str(error) or "parquet" in str(error):
        return "it is not whole Parquet"
    return "it is not UTF-8" if "utf-8" in str(error) else "it cannot be parsed"
