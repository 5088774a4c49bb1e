"""Find and scan the files of a table: CSV as exported or zipped, Parquet, or a folder of either. Lazily, by Polars."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Collection
from pathlib import Path

import polars as pl
from polars.exceptions import ColumnNotFoundError, NoDataError, PolarsError

from scorewright.errors import DataError, UnreadableFileError

#: Endings that are read, in the order in which they are looked for.
SUFFIXES = (".parquet", ".csv", ".csv.zip", ".csv.gz")

#: How much of a CSV's end is looked at to see whether its last line is whole.
_TAIL_BYTES = 1 << 20


def find_table(data: Path, stem: str) -> Path | None:
    """Find the file or the folder of parts that holds a table, in a folder of tables."""
    for suffix in SUFFIXES:
        if (data / f"{stem}{suffix}").is_file():
            return data / f"{stem}{suffix}"
    folder = data / stem
    return folder if folder.is_dir() and _parts(folder) else None


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
    parts = _parts(source) if source.is_dir() else [source]
    if not parts:
        raise UnreadableFileError(source.name, f"it holds no file ending in {', '.join(SUFFIXES)}")
    frames = [_scan_file(part, text) for part in parts]
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="vertical_relaxed")


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


def _parts(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIXES))


def _scan_file(path: Path, text: Collection[str]) -> pl.LazyFrame:
    try:
        if path.name.endswith(".parquet"):
            frame = pl.scan_parquet(path)
        else:
            content = _content(path)
            _refuse_cut_csv(content, path.name)
            frame = pl.scan_csv(content, infer_schema_length=None, try_parse_dates=True, schema_overrides=_as_text(content, text))
        frame.collect_schema()
    except DataError:
        raise
    except (PolarsError, OSError, zipfile.BadZipFile, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFileError(path.name, _reason(error)) from None
    return frame


def _content(path: Path) -> Path | io.BytesIO:
    """A plain CSV stays on disk and is scanned there; a zipped one is unpacked in memory."""
    if path.name.endswith(".gz"):
        return io.BytesIO(pl.read_csv(path, has_header=False, infer_schema=False).write_csv(include_header=False).encode())
    if not path.name.endswith(".zip"):
        return path
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name.endswith(".csv") and not name.startswith("__MACOSX")]
        if len(members) != 1:
            raise UnreadableFileError(path.name, f"it must hold one CSV, not {len(members)}")
        return io.BytesIO(archive.read(members[0]))


def _header(content: Path | io.BytesIO) -> list[str]:
    return pl.read_csv(content, n_rows=0, infer_schema=False).columns


def _as_text(content: Path | io.BytesIO, text: Collection[str]) -> dict[str, pl.DataType]:
    return {name: pl.String() for name in _header(content) if name in text}


def _refuse_cut_csv(content: Path | io.BytesIO, name: str) -> None:
    """Polars fills a short line with nulls; a short last line is what a copy that stopped half-way leaves."""
    head, tail = _ends(content)
    if not head.strip():
        raise UnreadableFileError(name, "it is empty")
    columns = next(csv.reader([head]))
    if len(set(columns)) < len(columns):
        raise UnreadableFileError(name, "two columns have the same name")
    last = tail.rstrip("\r\n").rpartition("\n")[2]
    fields = next(csv.reader([last]), [])
    if tail.count('"') % 2 == 0 and len(fields) < len(columns):
        raise UnreadableFileError(name, f"its last line has {len(fields)} of {len(columns)} fields: it was cut short")


def _ends(content: Path | io.BytesIO) -> tuple[str, str]:
    if isinstance(content, Path):
        with content.open("rb") as file:
            return _first_and_last(file)
    content.seek(0)
    ends = _first_and_last(content)
    content.seek(0)
    return ends


def _first_and_last(file: io.BufferedReader | io.BytesIO) -> tuple[str, str]:
    head = file.readline()
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _TAIL_BYTES))
    return head.decode("utf-8-sig").rstrip("\r\n"), file.read().decode("utf-8", "replace")


def _reason(error: Exception) -> str:
    if isinstance(error, NoDataError):
        return "it is empty"
    if isinstance(error, FileNotFoundError):
        return "it does not exist"
    if "found more fields" in str(error):
        return "a line has more fields than the header"
    if "Parquet" in str(error) or "parquet" in str(error):
        return "it is not whole Parquet"
    return "it cannot be parsed"
