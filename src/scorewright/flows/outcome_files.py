"""Files of how loans turned out: read, and recorded in the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from scorewright.domain.ledger import Ledger, Recorded
from scorewright.domain.progress import Listener, Step, silent
from scorewright.errors import (
    ColumnsError,
    LedgerTamperedError,
    LedgerUnavailableError,
    ScorewrightError,
    TargetError,
    UnreadableFileError,
)
from scorewright.flows.records import Matured, record_outcomes
from scorewright.tables.readers import collect, scan_table

LINES = (".ndjson", ".jsonl")
COLUMNS = ("decision", "defaulted", "observed")
_WORDS = {"true": True, "1": True, "false": False, "0": False}
_TOGETHER = 250


@dataclass(frozen=True)
class Refused:
    """A row that was not recorded.

    Parameters
    ----------
    row : int
        Its number, from 1; of a CSV the header does not count.
    decision : str
        Id of the decision, as far as it could be read.
    error : ScorewrightError
        Why.
    """

    row: int
    decision: str
    error: ScorewrightError


#: A row as it was read, or why it could not be.
_Row: TypeAlias = Mapping[str, Any] | ScorewrightError


@dataclass(frozen=True)
class Imported:
    """What became of the rows of a file."""

    recorded: int = 0
    repeated: int = 0
    refused: tuple[Refused, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return self.recorded + self.repeated + len(self.refused)

    def more(self, chunk: Sequence[_Row], found: Sequence[Recorded | ScorewrightError]) -> Imported:
        """Count the rows that come next."""
        records = [one for one in found if isinstance(one, Recorded)]
        repeated = sum(one.repeated for one in records)
        refused = (
            Refused(number, _named(row), one)
            for number, (row, one) in enumerate(zip(chunk, found, strict=True), start=self.rows + 1)
            if isinstance(one, ScorewrightError)
        )
        recorded = self.recorded + len(records) - repeated
        return Imported(recorded, self.repeated + repeated, (*self.refused, *refused))


@dataclass(frozen=True)
class _Source:
    """Rows of a file, and how many there are."""

    total: int
    rows: Iterator[_Row]


def import_outcomes(ledger: Ledger, source: Path, caller: str, listen: Listener = silent) -> Imported:
    """Record the outcomes of a file.

    The same file may be given again: a row that the caller told before makes no second entry.

    Parameters
    ----------
    ledger : Ledger
        What records.
    source : Path
        CSV (``.csv``, also zipped), Parquet, or a JSON object a line (``.ndjson``, ``.jsonl``), with the columns
        `COLUMNS`: id of a decision; whether its loan defaulted (true, false, 1 or 0); the day from which this is known,
        which may be empty or absent.
    caller : str
        Who tells it.
    listen : callable, optional
        Told of progress.

    Raises
    ------
    UnreadableFileError, ColumnsError
        The file is no such file, or its columns are not these. Nothing was recorded.
    LedgerUnavailableError, LedgerTamperedError
        The ledger cannot be written or trusted. What was recorded before stays.
    """
    read = _read(source)
    imported = Imported()
    while chunk := list(islice(read.rows, _TOGETHER)):
        imported = imported.more(chunk, _recorded(ledger, chunk, caller))
        listen(Step("Record outcomes", imported.rows, read.total))
    return imported


def _recorded(ledger: Ledger, chunk: Sequence[_Row], caller: str) -> list[Recorded | ScorewrightError]:
    """Record rows together; what keeps all from being recorded is raised."""
    told = [_matured(row) for row in chunk]
    ended = iter(record_outcomes(ledger, [one for one in told if isinstance(one, Matured)], caller))
    found = [next(ended) if isinstance(one, Matured) else one for one in told]
    for one in found:
        if isinstance(one, LedgerUnavailableError | LedgerTamperedError):
            raise one
    return found


def _read(source: Path) -> _Source:
    if source.suffix.lower() in LINES:
        return _read_lines(source)
    frame = collect(scan_table(source, COLUMNS), source)
    missing = [name for name in COLUMNS[:2] if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in COLUMNS]
    if missing or unknown:
        raise ColumnsError("outcomes", missing, unknown, hint=f"The columns are {', '.join(COLUMNS)}.")
    return _Source(frame.height, frame.iter_rows(named=True))


def _read_lines(source: Path) -> _Source:
    try:
        lines = [line for line in source.read_bytes().splitlines() if line.strip()]
    except OSError as error:
        raise UnreadableFileError(source.name, error.strerror or type(error).__name__) from None
    return _Source(len(lines), map(_object, lines))


def _object(line: bytes) -> _Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return _unusable("A line must be a JSON object.", "another text")
    if not isinstance(row, dict) or not set(row) <= set(COLUMNS):
        return _unusable(f"A line must be a JSON object with {', '.join(COLUMNS)}.", "another value, or other names")
    return row


def _matured(row: _Row) -> Matured | ScorewrightError:
    if isinstance(row, ScorewrightError):
        return row
    try:
        return Matured(_named(row), _truth(row.get("defaulted")), _day(row.get("observed")))
    except ScorewrightError as error:
        return error


def _named(row: _Row) -> str:
    decision = None if isinstance(row, ScorewrightError) else row.get("decision")
    return decision.strip() if isinstance(decision, str) else ""


def _truth(value: Any) -> bool:
    told = _WORDS.get(str(value).strip().lower())
    if told is None:
        raise _unusable("`defaulted` must be true, false, 1 or 0.", "another value")
    return told


def _day(value: Any) -> date | None:
    if value is None or value == "":
        return None
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError:
        raise _unusable("`observed` must be a day such as 2026-09-30, or empty.", "another value") from None


def _unusable(rule: str, value: str) -> TargetError:
    return TargetError(rule, value, "Correct the row, and give the file again.")
