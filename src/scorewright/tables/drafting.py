"""Draft a portfolio from one table that nobody prepared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from scorewright.atomic import whole_folder, write_files
from scorewright.errors import ColumnsError, EmptyTableError, TargetError
from scorewright.tables.contract import hardly_repeats
from scorewright.tables.delimited import looks_like_header
from scorewright.tables.door import refuse_row_key
from scorewright.tables.readers import SUFFIXES, collect, scan_table
from scorewright.tables.types import column_type, with_dates

#: Text with more different values than this is drafted as an identifier: a person may know better.
_MOST_CATEGORIES = 100

#: Likewise text with fewer rows to a value than four: training refuses two, and sees only a part of the rows.
_MOST_DIFFERENT = 0.25

_BAD_WORDS = frozenset(
    {
        "true",
        "yes",
        "y",
        "bad",
        "default",
        "defaulted",
        "charged off",
        "late",
        "oui",
        "mauvais",
        "défaut",
        "defaut",
    }
)
_ID_NAME = re.compile(r"(^|[_ .-])(id|key|uuid|ref|reference|number|no|num)$|^(id|sk)[_ .-]|^row$|^$", re.IGNORECASE)
_ID_ENDING = re.compile(r"[a-z0-9]I[dD]$")


@dataclass(frozen=True)
class Draft:
    """What was drafted, and the guesses a person should look at."""

    folder: Path
    rows: int
    key: str | None
    default: str
    default_rate: float
    features: int
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class _Table:
    """A table seen for the first time, with a role guessed for each column."""

    stem: str
    frame: pl.DataFrame
    target: str
    default: object
    key: str | None
    identifiers: tuple[str, ...]
    never: tuple[str, ...]
    dates: tuple[str, ...]


def draft_portfolio(data: Path, target: str, out: Path) -> Draft:
    """Write ``portfolio.toml`` and ``features/application.sql`` for a table.

    Parameters
    ----------
    data : Path
        CSV or Parquet file with one row per application.
    target : str
        Column that says how each ended.
    out : Path
        Folder to write; it must not hold anything yet.

    Raises
    ------
    UnreadableFileError, ColumnsError, TargetError
        The table cannot be used.
    OutputError
        The folder exists already.
    """
    with whole_folder(out) as folder:
        table = _look(data, target)
        texts = {"portfolio.toml": _toml(table, out.resolve().name), "features/application.sql": _sql(table)}
        write_files(folder, {name: text.encode() for name, text in texts.items()})
    defaulted = (table.frame[target].cast(pl.String) == _plain(table.default)).mean()
    left_out = (*table.identifiers, *table.never)
    kept = set(table.frame.columns) - {target, table.key, *left_out, *table.dates}
    rate = float(defaulted or 0.0)  # type: ignore[arg-type]
    return Draft(
        out, table.frame.height, table.key, _plain(table.default), rate, len(kept) + 2 * len(table.dates), left_out
    )


def _look(data: Path, target: str) -> _Table:
    frame = with_dates(collect(scan_table(data), data))
    if frame.is_empty():
        raise EmptyTableError(data.name)
    if target not in frame.columns:
        raise ColumnsError(data.name, missing=[target], hint=_columns_to_name(frame.columns))
    key = _guess_key(frame, target)
    if key is None:
        refuse_row_key("application", frame.columns)
    others = [name for name in frame.columns if name not in {target, key}]
    identifiers = tuple(name for name in others if _is_identifier(frame[name]))
    never = tuple(name for name in others if name not in identifiers and _is_useless(frame[name]))
    dates = tuple(
        name for name in others if frame.schema[name].is_temporal() and name not in never and name not in identifiers
    )
    stem = next(data.name.removesuffix(suffix) for suffix in (*SUFFIXES, "") if data.name.endswith(suffix))
    return _Table(stem, frame, target, _guess_default(frame[target]), key, identifiers, never, dates)


def _columns_to_name(columns: Sequence[str]) -> str:
    if not looks_like_header(columns):
        return "The first line does not look like a header: add one, or rename the columns."
    return f"Name the target among: {', '.join(name[:60] for name in columns[:20])}."


def _guess_key(frame: pl.DataFrame, target: str) -> str | None:
    """An identifier by name that is whole and unique; else a unique text; else none."""
    unique = [
        name
        for name in frame.columns
        if name not in {target, ""}
        and column_type(frame.schema[name]) in {"integer", "text"}
        and frame[name].null_count() == 0
        and frame[name].n_unique() == frame.height
    ]
    named = [name for name in unique if _is_named_id(name)]
    texts = [name for name in unique if frame.schema[name] == pl.String]
    return next(iter((*named, *texts)), None)


def _is_named_id(name: str) -> bool:
    """Names such as ``loan_id`` or ``loanId``; also no name at all, which is how an index is exported."""
    return bool(_ID_NAME.search(name) or _ID_ENDING.search(name))


def _is_identifier(column: pl.Series) -> bool:
    kind = column_type(column.dtype)
    if kind not in {"integer", "text"}:
        return False
    different = column.drop_nulls().n_unique()
    if kind == "text":
        return different > _MOST_CATEGORIES or hardly_repeats(column, _MOST_DIFFERENT)
    return different == len(column) and _is_named_id(column.name)


def _is_useless(column: pl.Series) -> bool:
    """Nothing to learn from: no type that is read, no value, or always the same one."""
    return column_type(column.dtype) is None or (column.null_count() == len(column)) or column.n_unique() < 2


def _guess_default(column: pl.Series) -> object:
    values = column.drop_nulls().unique().sort().to_list()
    if column.null_count() or len(values) != 2:
        raise TargetError(
            f"The target {column.name} must have two values and no gaps.",
            f"{len(values)} different values and {column.null_count()} empty",
            "Name another column with --target, or fill it.",
        )
    if {_plain(value) for value in values} in ({"0", "1"}, {"0.0", "1.0"}):
        return values[1]
    bad = [value for value in values if _plain(value).strip().lower() in _BAD_WORDS]
    if len(bad) == 1:
        return bad[0]
    return min(values, key=lambda value: int((column == value).sum()))


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _toml(table: _Table, name: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9_]", "_", name)
    safe = safe if safe[:1].isalpha() else f"p_{safe}"
    lines = [
        "[portfolio]",
        f'name = "{safe[:60]}"',
        f"label = {{ en = {_quoted(_words(name))}, fr = {_quoted(_words(name))} }}",
        "",
        "[target]",
        f"column = {_quoted(table.target)}",
        f'default = {_value(table.default)}    # the value that means "defaulted": please check',
        "",
        "[costs]    # what a wrong decision costs: please check",
        "false_negative = 10.0    # approved, then defaulted",
        "false_positive = 1.0     # refused, would have repaid",
        "",
        "[tables.application]",
        f"train = {_quoted(table.stem)}",
        *([f"key = {_quoted(table.key)}"] if table.key else ['# key = "..."    # none found: rows are numbered']),
        *([f"# date = {_quoted(table.dates[0])}    # set it to test on the latest months"] if table.dates else []),
        *_list("identifiers", table.identifiers, "never features"),
        *_list("never", table.never, "empty or constant"),
        "protected = []    # attributes to measure fairness on; list them under never too to keep them out",
        "",
        "[tables.application.labels]",
        *[_label(column) for column in table.frame.columns if column not in {table.target, *table.never}],
    ]
    return "\n".join(lines) + "\n"


def _list(setting: str, columns: Iterable[str], why: str) -> list[str]:
    names = ", ".join(_quoted(name) for name in columns)
    return [f"{setting} = [{names}]    # {why}"] if names else []


def _label(column: str) -> str:
    return f"{_quoted(column)} = {{ en = {_quoted(_words(column))}, fr = {_quoted(_words(column))} }}"


def _words(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").strip()
    return (spaced[:1].upper() + spaced[1:].lower()) or name


def _quoted(text: str) -> str:
    """Write a TOML string: JSON's escapes, and the one control character that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _value(value: object) -> str:
    return _quoted(value) if isinstance(value, str) else _plain(value)


def _sql(table: _Table) -> str:
    taken = set(table.frame.columns)
    parts = [("*", "")]
    for name in table.dates:
        words, stem = " ".join(_words(name).replace("|", "/").split()), re.sub(r"[^A-Za-z0-9_]", "_", name)
        identifier = '"' + name.replace('"', '""') + '"'
        for part, word, mot in (("YEAR", "year", "année"), ("MONTH", "month", "mois")):
            code = f'EXTRACT({part} FROM {identifier}) AS "{_unused(f"{stem}_{word}", taken)}"'
            parts.append((code, f"  -- {words}: {word} | {words} : {mot}"))
    last = len(parts) - 1
    lines = [f"  {code}{',' if number < last else ''}{label}" for number, (code, label) in enumerate(parts)]
    body = "\n".join(["SELECT", *lines, "FROM application"])
    return f"-- One row per application. Add ratios and other expressions here.\n{body}\n"


def _unused(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
