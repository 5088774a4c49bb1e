"""Open a CSV file and find what a reader would pass over: a copy that stopped half-way, lines that lost fields."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scorewright.errors import UnreadableFileError

_CHUNK = 1 << 22
_VALUE = re.compile(r"\s*[-+]?[\d.,]*\d([eE][-+]?\d+)?\s*$|\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")


@dataclass(frozen=True)
class CsvFile:
    """A CSV that looks whole.

    Parameters
    ----------
    content : Path or bytes
        What to scan: a plain file stays on disk, a packed one is unpacked in memory.
    columns : tuple of str
        Its header.
    """

    content: Path | bytes
    columns: tuple[str, ...]


def open_csv(path: Path) -> CsvFile:
    """Open a CSV, plain or packed, and check that no line lacks fields.

    Raises
    ------
    UnreadableFileError
        The file is empty, cut short, no CSV or not UTF-8. The message holds no value of a row.
    """
    try:
        content = _unpacked(path)
        columns = _header(content, path.name)
        short = _short_line(content, len(columns)) if _lacks_fields(content, len(columns)) else None
    except (OSError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile, csv.Error) as error:
        raise UnreadableFileError(path.name, _reason(error)) from None
    except UnicodeDecodeError:
        raise UnreadableFileError(path.name, "it is not UTF-8") from None
    if short is not None:
        line, fields = short
        raise UnreadableFileError(
            path.name, f"line {line} has {fields} of {len(columns)} fields; it may have been cut short"
        )
    return CsvFile(content, columns)


def _unpacked(path: Path) -> Path | bytes:
    name = path.name.lower()
    if name.endswith(".gz"):
        with gzip.open(path) as file:
            return file.read()
    if not name.endswith(".zip"):
        return path
    with zipfile.ZipFile(path) as archive:
        members = [
            each for each in archive.namelist() if each.lower().endswith(".csv") and not each.startswith("__MACOSX")
        ]
        if len(members) != 1:
            raise UnreadableFileError(path.name, f"it must hold one CSV, not {len(members)}")
        return archive.read(members[0])


@contextmanager
def _opened(content: Path | bytes) -> Iterator[io.BufferedReader | io.BytesIO]:
    if isinstance(content, Path):
        with content.open("rb") as file:
            yield file
    else:
        yield io.BytesIO(content)


def _header(content: Path | bytes, name: str) -> tuple[str, ...]:
    with _opened(content) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        columns = tuple(next(csv.reader(text, strict=True), ()))
    with _opened(content) as file:
        line = file.readline(_CHUNK).rstrip(b"\r\n")
    if b"\r" in line and b'"' not in line:
        raise UnreadableFileError(name, "its lines end in a carriage return alone, as on old systems")
    if not any(columns):
        raise UnreadableFileError(name, "it is empty")
    repeated = [column for column, times in Counter(columns).items() if times > 1]
    if repeated:
        told = f" ({repeated[0][:60]!r})" if looks_like_header(columns) else "; the first line may not be a header"
        raise UnreadableFileError(name, f"two columns have the same name{told}")
    if len(columns) == 1 and ";" in columns[0]:
        raise UnreadableFileError(name, "its fields are separated by semicolons, not by commas")
    return columns


def looks_like_header(names: Iterable[str]) -> bool:
    """Whether these can be names of columns: the row of a person holds a number or a day."""
    return not any(_VALUE.match(name) for name in names)


def _lacks_fields(content: Path | bytes, columns: int) -> bool:
    """Count separators outside quotes: lines with too many fields are refused later, so too few in all is a short line.

    A reader fills a short line with empty values. Counting bytes costs a small part of what reading costs.
    """
    commas = lines = 0
    quoted, last = False, b"\n"
    with _opened(content) as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            for position, piece in enumerate(chunk.split(b'"')):
                quoted = quoted != (position > 0)
                if not quoted:
                    commas += piece.count(b",")
                    lines += piece.count(b"\n")
            last = chunk[-1:]
    lines += last != b"\n"
    return columns > 1 and commas != lines * (columns - 1)


def _short_line(content: Path | bytes, columns: int) -> tuple[int, int] | None:
    """Find the first line with too few fields, by the slower reader that can say where it is."""
    with _opened(content) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        rows = csv.reader(text)
        return next(((rows.line_num, len(row)) for row in rows if len(row) < columns), None)


def _reason(error: Exception) -> str:
    reasons: list[tuple[type[Exception], str]] = [
        (FileNotFoundError, "it does not exist"),
        (zipfile.BadZipFile, "it is not a whole zip archive"),
        (RuntimeError, "its archive is locked or of a kind that is not read"),
        (csv.Error, "a quotation mark or a line end is out of place"),
    ]
    return next((words for kind, words in reasons if isinstance(error, kind)), "it is damaged or cut short")
