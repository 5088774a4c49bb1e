"""From a data folder to checked tables."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from scorewright.domain.progress import Listener, Step, silent
from scorewright.errors import TableMissingError, UnknownApplicationError, UnreadableFileError
from scorewright.tables.contract import Contract
from scorewright.tables.door import (
    admit,
    check_filled,
    check_keys,
    check_orphans,
    first_layout,
    number_rows,
    sealed_layout,
)
from scorewright.tables.holding import departures, hold_categories, known_categories
from scorewright.tables.portfolio import ROW_KEY, Portfolio, UnseenCategory
from scorewright.tables.readers import SUFFIXES, collect, find_table, parts_of, scan_table
from scorewright.tables.types import Tables, column_type, with_dates

Purpose = Literal["train", "score"]


@dataclass(frozen=True)
class Sealed:
    """The contract that later data are held to.

    Parameters
    ----------
    contract : Contract
        What training data looked like.
    used : mapping of str to frozenset of str
        Raw columns that feed features, by table.
    unseen : {"refuse", "null"}
        What happens to a category in one of these that training never saw and nobody declared.
    """

    contract: Contract
    used: Mapping[str, frozenset[str]]
    unseen: UnseenCategory = "refuse"

    def admit(self, portfolio: Portfolio, table: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Bring a table to its layout and hold its categories to those that are known.

        Raises
        ------
        DataError
            The table breaks the contract.
        """
        spec, columns = portfolio.tables[table], self.contract.tables[table]
        used = self.used.get(table, frozenset())
        admitted = admit(table, frame, spec, sealed_layout(portfolio, table, columns, used))
        return hold_categories(table, admitted, known_categories(spec, columns, used), self.unseen)


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
        found = self.find(table, purpose)
        if found is not None or self.portfolio.tables[table].optional:
            return found
        looked_for = [f"{stem}{suffix}" for stem in self._stems(table, purpose) for suffix in SUFFIXES]
        raise TableMissingError(table, looked_for, str(self.path))

    def find(self, table: str, purpose: Purpose) -> Path | None:
        """Find a table's file, None where there is none."""
        if self.path.is_file():
            return self.path if table == self.portfolio.root else None
        found = (find_table(self.path, stem) for stem in self._stems(table, purpose))
        return next((path for path in found if path is not None), None)

    def _stems(self, table: str, purpose: Purpose) -> list[str]:
        spec = self.portfolio.tables[table]
        names = [spec.score, spec.train] if purpose == "score" else [spec.train]
        return list(dict.fromkeys([name for name in [*names, table] if name]))

    def root_keys(self, own: pl.DataFrame, text: Collection[str]) -> pl.Series:
        """Keys of every application in the folder, whichever file holds it.

        Parameters
        ----------
        own : DataFrame
            The root table as it was read.
        text : collection of str
            Its columns that are text.
        """
        key = self.portfolio.key
        sources = {self.find(self.portfolio.root, "train"), self.find(self.portfolio.root, "score")} - {None}
        keys = [own[key]]
        for source in () if self.portfolio.numbered else sources:
            frame = scan_table(source, text)  # type: ignore[arg-type]
            if key in frame.collect_schema().names():
                keys.append(collect(frame.select(pl.col(key).cast(own.schema[key], strict=False)), source)[key])  # type: ignore[arg-type]
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
        if source is not None and (sealed is None or name in sealed.contract.tables):
            tables[name] = _Reading(data, tables, sealed, only).load(name, source)
    listen(Step("read", len(portfolio.tables), len(portfolio.tables)))
    check_keys(portfolio, tables)
    root = tables[portfolio.root]
    if only is not None:
        check_orphans(portfolio, tables, root[portfolio.key])
        return Loaded(tables)
    check_filled(portfolio, tables)
    orphans = check_orphans(
        portfolio, tables, data.root_keys(root, _text_columns(portfolio, portfolio.root, sealed, tables))
    )
    lost = (f"{name}: {rows} rows belong to no application and were left out" for name, rows in orphans.items())
    return Loaded(tables, (*_absences(data, purpose, tables, sealed), *lost, *_departures(tables, sealed)))


def _absences(data: DataFolder, purpose: Purpose, tables: Tables, sealed: Sealed | None) -> tuple[str, ...]:
    """Say which histories are missing, above all those a model learnt from: their features are then empty."""
    told = []
    for name in data.portfolio.tables:
        learnt = sealed is not None and name in sealed.contract.tables
        if name not in tables and (sealed is None or learnt):
            why = "; the model learnt from it" if learnt else ""
            told.append(f"{name}: no file, so its features are empty{why}")
        elif name not in tables and data.source(name, purpose) is not None:
            told.append(f"{name}: not used, because the model was trained without it")
    return tuple(told)


def _departures(tables: Tables, sealed: Sealed | None) -> tuple[str, ...]:
    if sealed is None:
        return ()
    return tuple(
        sentence
        for name, frame in tables.items()
        for sentence in departures(name, frame, sealed.contract.tables[name], sealed.used.get(name, frozenset()))
    )


@dataclass(frozen=True)
class _Reading:
    """How the tables of one folder are read: `tables` holds those above in the tree, read before."""

    data: DataFolder
    tables: Tables
    sealed: Sealed | None
    only: Collection[int | str] | None

    def load(self, name: str, source: Path) -> pl.DataFrame:
        portfolio = self.data.portfolio
        text = _text_columns(portfolio, name, self.sealed, self.tables)
        scan = scan_table(source, text)
        if name == portfolio.root and portfolio.numbered:
            return self._numbered(scan, source, text)
        frame = collect(self._wanted(name, scan) if self.only is not None else scan, source)
        return self._admitted(name, frame, text)

    def _numbered(self, scan: pl.LazyFrame, source: Path, text: Collection[str]) -> pl.DataFrame:
        """Read a root without a key; the rows wanted are named by their numbers."""
        portfolio = self.data.portfolio
        frame = number_rows(portfolio, self._admitted(portfolio.root, collect(scan, source), text))
        return (
            frame
            if self.only is None
            else frame.filter(pl.col(ROW_KEY).cast(pl.String).is_in([str(row) for row in self.only]))
        )

    def _admitted(self, name: str, frame: pl.DataFrame, text: Collection[str]) -> pl.DataFrame:
        portfolio, spec = self.data.portfolio, self.data.portfolio.tables[name]
        if self.sealed is not None:
            return self.sealed.admit(portfolio, name, frame)
        settled = with_dates(frame, keep=text)
        above = self.tables.get(spec.parent or "")
        layout = first_layout(portfolio, name, settled.schema, above.schema if above is not None else None)
        return admit(name, settled, spec, layout)

    def _wanted(self, name: str, scan: pl.LazyFrame) -> pl.LazyFrame:
        """Leave the rows of other applications on disk."""
        portfolio, spec = self.data.portfolio, self.data.portfolio.tables[name]
        column = spec.on or portfolio.key
        dtype = scan.collect_schema().get(column)
        if dtype is None:
            return scan
        if spec.parent is None:
            keys = pl.Series([str(each) for each in self.only or ()], dtype=pl.String)
        elif spec.parent in self.tables:
            keys = self.tables[spec.parent][column].drop_nulls().unique()
        else:
            return scan.head(0)
        return scan.filter(pl.col(column).is_in(keys.cast(dtype, strict=False).drop_nulls().implode()))


def _from_the_root(portfolio: Portfolio) -> list[str]:
    """Parents before their children, so that rows of unwanted applications need not be read."""
    names = [portfolio.root]
    for name in names:
        names.extend(portfolio.children(name))
    return names


def hold(portfolio: Portfolio, tables: Tables, sealed: Sealed) -> Tables:
    """Hold tables that were read and checked once to another model's contract.

    Raises
    ------
    ColumnsError
        A column that feeds this model's features is missing or of another type.
    UnseenCategoryError
        Such a column holds a category that nobody knows, and the rule is "refuse".
    """
    held: dict[str, pl.DataFrame] = {}
    for name, columns in sealed.contract.tables.items():
        if name in tables:
            layout = sealed_layout(portfolio, name, columns, sealed.used.get(name, frozenset()))
            known = tables[name].select([column for column in tables[name].columns if column in layout.known])
            held[name] = sealed.admit(portfolio, name, known)
    held[portfolio.root] = number_rows(portfolio, held[portfolio.root])
    return held


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


def _text_columns(portfolio: Portfolio, table: str, sealed: Sealed | None, read: Tables) -> frozenset[str]:
    """Columns of a CSV to read as text: declared or sealed as such, or tied to a text key."""
    spec = portfolio.tables[table]
    text = {name for name, kind in spec.types.items() if kind == "text"}
    if sealed is not None and table in sealed.contract.tables:
        text |= {name for name, column in sealed.contract.tables[table].items() if column.type == "text"}
    above = read.get(spec.parent or "")
    if above is not None and spec.on is not None and column_type(above.schema[spec.on]) == "text":
        text.add(spec.on)
    return frozenset(text)


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
            kept[name] = tables[name].join(
                kept[str(spec.parent)].select(str(spec.on)), on=spec.on, how="semi", maintain_order="left"
            )
    return kept


def fingerprint(data: DataFolder, purpose: Purpose = "train") -> str:
    """Hash the files that a purpose reads: table names, file names and contents, not where they lie."""
    digest = hashlib.sha256()
    for name in data.portfolio.tables:
        source = data.source(name, purpose)
        if source is None:
            continue
        for path in parts_of(source):
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{name}/{path.name}={content}\n".encode())
    return digest.hexdigest()
