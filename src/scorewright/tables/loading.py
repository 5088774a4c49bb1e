"""From a data folder to checked tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from scorewright.domain.progress import Listener, Step, silent
from scorewright.errors import TableMissingError, UnknownApplicationError, UnreadableFileError
from scorewright.tables.contract import Contract
from scorewright.tables.door import (
    Layout,
    admit,
    check_keys,
    check_orphans,
    first_layout,
    number_rows,
    sealed_layout,
)
from scorewright.tables.portfolio import ROW_KEY, Portfolio
from scorewright.tables.readers import SUFFIXES, collect, find_table, scan_table
from scorewright.tables.types import Tables

Purpose = Literal["train", "score"]


@dataclass(frozen=True)
class Sealed:
    """The contract that later data are held to, with the raw columns that feed features, by table."""

    contract: Contract
    used: dict[str, frozenset[str]]


@dataclass(frozen=True)
class Loaded:
    """Checked tables, and what was noticed on the way that is no error."""

    tables: Tables
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataFolder:
    """Where the tables of a portfolio lie: a folder, or one file that is the root table."""

    portfolio: Portfolio
    path: Path

    def source(self, table: str, purpose: Purpose) -> Path | None:
        """Find a table's file; the score file falls back to the training file.

        Raises
        ------
        TableMissingError
            The table is required and absent.
        """
        if self.path.is_file():
            return self.path if table == self.portfolio.root else None
        stems = self._stems(table, purpose)
        for stem in stems:
            found = find_table(self.path, stem)
            if found is not None:
                return found
        if self.portfolio.tables[table].optional:
            return None
        raise TableMissingError(table, [f"{stem}{suffix}" for stem in stems for suffix in SUFFIXES], str(self.path))

    def _stems(self, table: str, purpose: Purpose) -> list[str]:
        spec = self.portfolio.tables[table]
        names = [spec.score, spec.train] if purpose == "score" else [spec.train]
        return list(dict.fromkeys([name for name in [*names, table] if name]))

    def root_keys(self, own: pl.DataFrame) -> pl.Series:
        """Keys of every application in the folder, whichever file holds it."""
        key = self.portfolio.key
        keys = [own[key]]
        for purpose in ("train", "score"):
            source = self.source(self.portfolio.root, purpose)  # type: ignore[arg-type]
            if source is not None and key != ROW_KEY:
                frame = scan_table(source, _text_columns(self.portfolio, self.portfolio.root, None))
                if key in frame.collect_schema().names():
                    keys.append(collect(frame.select(pl.col(key).cast(own.schema[key], strict=False)), source)[key])
        return pl.concat(keys).unique()


def load_tables(
    data: DataFolder,
    purpose: Purpose,
    sealed: Sealed | None = None,
    only: Collection[int | str] | None = None,
    listen: Listener = silent,
) -> Loaded:
    """Read, check and convert every table of a portfolio.

    Parameters
    ----------
    data : DataFolder
        Where to read.
    purpose : {"train", "score"}
        Which file holds the applications.
    sealed : Sealed, optional
        Contract to hold the tables to. Without it they are seen for the first time.
    only : collection, optional
        Keys of the applications wanted; all others are left on disk.

    Raises
    ------
    DataError
        The first rule that does not hold.
    """
    portfolio = data.portfolio
    tables: dict[str, pl.DataFrame] = {}
    for done, name in enumerate(_from_the_root(portfolio)):
        listen(Step("read", done, len(portfolio.tables), name))
        source = data.source(name, purpose)
        if source is None or (sealed is not None and name not in sealed.contract.tables):
            continue
        tables[name] = _load_table(data, name, source, sealed, _wanted(portfolio, name, tables, only))
    listen(Step("read", len(portfolio.tables), len(portfolio.tables)))
    check_keys(portfolio, tables)
    root_keys = data.root_keys(tables[portfolio.root]) if only is None else tables[portfolio.root][portfolio.key]
    orphans = check_orphans(portfolio, tables, root_keys)
    return Loaded(tables, tuple(f"{name}: {rows} rows belong to no application and were left out" for name, rows in orphans.items()))


def _load_table(
    data: DataFolder, name: str, source: Path, sealed: Sealed | None, wanted: Callable[[pl.LazyFrame], pl.LazyFrame]
) -> pl.DataFrame:
    portfolio = data.portfolio
    scan = scan_table(source, _text_columns(portfolio, name, sealed))
    layout = _layout(portfolio, name, scan.collect_schema(), sealed)
    frame = admit(name, collect(wanted(scan), source), portfolio.tables[name], layout)
    return number_rows(portfolio, frame) if name == portfolio.root else frame


def _layout(portfolio: Portfolio, name: str, schema: pl.Schema, sealed: Sealed | None) -> Layout:
    if sealed is None:
        return first_layout(portfolio, name, schema)
    return sealed_layout(portfolio, name, sealed.contract.tables[name], sealed.used.get(name, frozenset()))


def _from_the_root(portfolio: Portfolio) -> list[str]:
    """Parents before their children, so that rows of unwanted applications need not be read."""
    names = [portfolio.root]
    for name in names:
        names.extend(portfolio.children(name))
    return names


def _wanted(
    portfolio: Portfolio, name: str, tables: Tables, only: Collection[int | str] | None
) -> Callable[[pl.LazyFrame], pl.LazyFrame]:
    if only is None:
        return lambda frame: frame
    spec = portfolio.tables[name]
    if spec.parent is None:
        return lambda frame: _chosen(portfolio, frame, only)
    keys = tables[spec.parent][str(spec.on)].drop_nulls().unique() if spec.parent in tables else pl.Series([], dtype=pl.Int64)
    return lambda frame: frame.filter(pl.col(str(spec.on)).cast(keys.dtype, strict=False).is_in(keys.implode()))


def _chosen(portfolio: Portfolio, frame: pl.LazyFrame, only: Collection[int | str]) -> pl.LazyFrame:
    key = portfolio.key
    if key == ROW_KEY:
        rows = [int(row) for row in only if str(row).isdecimal()]
        return frame.with_row_index(ROW_KEY).filter(pl.col(ROW_KEY).is_in(rows)).drop(ROW_KEY)
    return frame.filter(pl.col(key).cast(pl.String).is_in([str(wanted) for wanted in only]))


def require_application(tables: Tables, portfolio: Portfolio, key: int | str) -> None:
    """Check that the application asked for was found.

    Raises
    ------
    UnknownApplicationError
        It was not.
    """
    if tables[portfolio.root].is_empty():
        raise UnknownApplicationError(
            f"The application must be a row of {portfolio.root!r}.",
            f"no row with {portfolio.key} = {key}",
            "Check the id and the data folder.",
        )


def _text_columns(portfolio: Portfolio, table: str, sealed: Sealed | None) -> frozenset[str]:
    declared = {name for name, kind in portfolio.tables[table].types.items() if kind == "text"}
    if sealed is None or table not in sealed.contract.tables:
        return frozenset(declared)
    return frozenset(declared | {name for name, column in sealed.contract.tables[table].items() if column.type == "text"})


def open_data(portfolio: Portfolio, path: Path) -> DataFolder:
    """Point at the data of a portfolio.

    Raises
    ------
    UnreadableFileError
        There is nothing at the path.
    """
    if not path.exists():
        raise UnreadableFileError(str(path), "it does not exist")
    return DataFolder(portfolio, path)


def restrict(portfolio: Portfolio, tables: Tables, root_rows: pl.Series) -> Tables:
    """Keep some applications, by row position, and the history rows that belong to them."""
    kept: dict[str, pl.DataFrame] = {}
    for name in _from_the_root(portfolio):
        spec = portfolio.tables[name]
        if name not in tables:
            continue
        if spec.parent is None:
            kept[name] = tables[name][root_rows]
        elif spec.parent in kept:
            kept[name] = tables[name].join(kept[spec.parent].select(str(spec.on)), on=spec.on, how="semi", maintain_order="left")
    return kept


def fingerprint(data: DataFolder, purpose: Purpose = "train") -> str:
    """Hash the files that a purpose reads: table names, file names and contents, not where they lie."""
    digest = hashlib.sha256()
    for name in data.portfolio.tables:
        source = data.source(name, purpose)
        if source is None:
            continue
        for path in sorted(source.iterdir()) if source.is_dir() else [source]:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{name}/{path.name}={content}\n".encode())
    return digest.hexdigest()
