"""The portfolio: the declaration of one lending book, read from a folder and kept as it was written."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from scorewright.domain.costs import CostMatrix
from scorewright.domain.matrix import Label
from scorewright.errors import PortfolioError
from scorewright.tables.types import ColumnType

Scalar = bool | int | float | str
UnseenCategory = Literal["refuse", "null"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=60)]
ColumnName = Annotated[str, Field(min_length=1)]

#: Column that numbers the applications where the portfolio names no key.
ROW_KEY = "row_number"


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelSpec(_Declared):
    """A name for people, in English and French."""

    en: str
    fr: str


class TableSpec(_Declared):
    """One table: where it lies, how it hangs on its parent and what its columns may be used for."""

    train: str | None = None
    score: str | None = None
    key: ColumnName | None = None
    parent: str | None = None
    on: ColumnName | None = None
    optional: bool = False
    orphans: Literal["refuse", "drop"] = "refuse"
    date: str | None = None
    identifiers: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    sentinels: Mapping[str, tuple[Scalar, ...]] = {}
    types: Mapping[str, ColumnType] = {}
    categories: Mapping[str, tuple[str, ...]] = {}
    labels: Mapping[str, LabelSpec] = {}

    @property
    def declared_columns(self) -> tuple[str, ...]:
        """Columns the declaration names, which the table must therefore have."""
        named = [self.key, self.on, self.date, *self.identifiers, *self.protected, *self.never]
        return tuple(
            dict.fromkeys(name for name in [*named, *self.sentinels, *self.categories, *self.types] if name is not None)
        )

    @property
    def not_features(self) -> frozenset[str]:
        """Columns that ``*`` leaves out."""
        named = [self.key, self.on, self.date, *self.identifiers, *self.never]
        return frozenset(name for name in named if name is not None)

    @property
    def unread(self) -> frozenset[str]:
        """Columns that feed nothing at all: neither a feature nor a measure of fairness."""
        return frozenset(self.never) - frozenset(self.protected)


class TargetSpec(_Declared):
    """The column to predict and the value that means "defaulted"."""

    column: str
    default: Scalar


class _Costs(_Declared):
    false_negative: float = Field(10.0, gt=0, allow_inf_nan=False)
    false_positive: float = Field(1.0, gt=0, allow_inf_nan=False)


class _About(_Declared):
    name: Name
    label: LabelSpec
    unseen_category: UnseenCategory = "refuse"


class _Document(_Declared):
    portfolio: _About
    target: TargetSpec
    costs: _Costs = _Costs()
    tables: Mapping[Name, TableSpec]

    @model_validator(mode="after")
    def _tables_hang_together(self) -> _Document:
        roots = [name for name, table in self.tables.items() if table.parent is None]
        if roots != ["application"]:
            raise ValueError(f"exactly one table, called 'application', has no parent, not {roots}")
        root = self.tables["application"]
        if root.on is not None or root.optional:
            raise ValueError("tables.application has no parent: `on` and `optional` have no meaning there")
        if self.target.column in root.not_features:
            raise ValueError(f"target.column cannot be a key, a date, an identifier or `never`: {self.target.column!r}")
        for name, table in self.tables.items():
            if table.parent is not None:
                self._check_parent(name, table)
        return self

    def _check_parent(self, name: str, table: TableSpec) -> None:
        parent = self.tables.get(table.parent or "")
        if parent is None:
            raise ValueError(f"tables.{name}.parent names no table: {table.parent!r}")
        if table.on is None or parent.key != table.on:
            raise ValueError(f"tables.{name}.on must be the key of {table.parent!r} ({parent.key!r}), not {table.on!r}")
        seen = {name}
        while parent is not None and parent.parent is not None:
            if parent.parent in seen:
                raise ValueError(f"tables.{name}.parent leads back to itself")
            seen.add(parent.parent)
            parent = self.tables.get(parent.parent)


@dataclass(frozen=True)
class Portfolio:
    """One lending book.

    Parameters
    ----------
    files : mapping of str to bytes
        ``portfolio.toml`` and ``features/<table>.sql`` as written; they travel inside the bundle.
    place : str
        Where the files were read from, for messages.
    """

    files: Mapping[str, bytes]
    place: str

    @cached_property
    def _document(self) -> _Document:
        return _parse(self.files["portfolio.toml"], f"{self.place}/portfolio.toml")

    @property
    def name(self) -> str:
        """Name, also of the registered model."""
        return self._document.portfolio.name

    @property
    def label(self) -> Label:
        """Name for people."""
        return Label(self._document.portfolio.label.en, self._document.portfolio.label.fr)

    @property
    def unseen_category(self) -> UnseenCategory:
        """What happens to a category that training never saw."""
        return self._document.portfolio.unseen_category

    @property
    def target(self) -> TargetSpec:
        """The column to predict."""
        return self._document.target

    @property
    def costs(self) -> CostMatrix:
        """What wrong decisions cost."""
        return CostMatrix(self._document.costs.false_negative, self._document.costs.false_positive)

    @property
    def tables(self) -> Mapping[str, TableSpec]:
        """Every table by name."""
        return self._document.tables

    @property
    def root(self) -> str:
        """The table with one row per application."""
        return "application"

    @property
    def key(self) -> str:
        """Key of an application; rows are numbered where the portfolio names none."""
        return self.tables[self.root].key or ROW_KEY

    @property
    def numbered(self) -> bool:
        """Whether applications are numbered, for want of a key."""
        return self.tables[self.root].key is None

    def children(self, table: str) -> tuple[str, ...]:
        """Name the tables that hang directly under a table, in the order of declaration."""
        return tuple(name for name, spec in self.tables.items() if spec.parent == table)

    def sql(self, table: str) -> str | None:
        """Return the feature SQL of a table, None where it has none."""
        text = self.files.get(f"features/{table}.sql")
        return None if text is None else text.decode("utf-8-sig")

    def sql_place(self, table: str) -> str:
        """Where the feature SQL of a table lies, for messages."""
        return f"{self.place}/features/{table}.sql"


def shipped_portfolios() -> tuple[str, ...]:
    """Names of the portfolios that come with Scorewright."""
    folder = resources.files("scorewright.portfolios")
    return tuple(sorted(entry.name for entry in folder.iterdir() if (entry / "portfolio.toml").is_file()))


def load_portfolio(name_or_folder: str | Path) -> Portfolio:
    """Read a portfolio from a folder, or a shipped one by its name.

    Raises
    ------
    PortfolioError
        There is none, a feature file belongs to no table, or ``portfolio.toml`` breaks a rule.
    """
    own = Path(name_or_folder)
    folder: Traversable = own if (own / "portfolio.toml").is_file() else _shipped(str(name_or_folder))
    place = own.as_posix() if folder is own else str(name_or_folder)
    try:
        files = {"portfolio.toml": (folder / "portfolio.toml").read_bytes()}
        parts = (folder / "features").iterdir() if (folder / "features").is_dir() else ()
        for path in sorted(parts, key=lambda part: part.name):
            if path.name.endswith(".sql"):
                files[f"features/{path.name}"] = path.read_bytes()
    except OSError as error:
        raise PortfolioError(
            "The files of a portfolio must be readable.", f"{place}: {error.strerror}", "Allow it."
        ) from None
    return portfolio_from_files(files, place)


def portfolio_from_files(files: Mapping[str, bytes], place: str) -> Portfolio:
    """Build a portfolio from its files in memory, and check it."""
    if "portfolio.toml" not in files:
        raise PortfolioError("A portfolio needs portfolio.toml.", f"no such file in {place}", "Write it, or copy one.")
    portfolio = Portfolio(dict(files), place)
    for name, content in files.items():
        _refuse_other_text(content, f"{place}/{name}")
        stem = Path(name).stem
        if name.startswith("features/") and stem not in portfolio.tables:
            raise PortfolioError(
                "Each file in features/ is named for a table of portfolio.toml.",
                f"{name}{_nearest(stem, portfolio.tables)}",
                "Rename the file or declare the table.",
            )
    if portfolio.sql(portfolio.root) is None:
        raise PortfolioError(
            "A portfolio needs features/application.sql.",
            f"no such file in {place}",
            "Write it; SELECT * FROM application is enough to begin with.",
        )
    return portfolio


def _refuse_other_text(content: bytes, place: str) -> None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PortfolioError(
            f"{place} must be UTF-8.", f"{error.reason} at byte {error.start}", "Save it as UTF-8."
        ) from None


def _shipped(name: str) -> Traversable:
    shipped = shipped_portfolios()
    if name not in shipped:
        raise PortfolioError(
            "A portfolio is a folder that holds portfolio.toml, or the name of a shipped one.",
            f"{name!r}{_nearest(name, shipped)}",
            f"Shipped are {', '.join(shipped)}; `scorewright init` drafts one from your own table.",
        )
    return resources.files("scorewright.portfolios") / name


def _parse(text: bytes, place: str) -> _Document:
    try:
        return _Document.model_validate(tomllib.loads(text.decode("utf-8-sig")))
    except tomllib.TOMLDecodeError as error:
        raise PortfolioError(f"{place} must be TOML.", str(error), "Mend the line named.") from None
    except ValidationError as error:
        raise _worded(error, place) from None


def _worded(error: ValidationError, place: str) -> PortfolioError:
    problems = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"])
        hint = _nearest(str(problem["loc"][-1]), _known_words(where)) if problem["type"] == "extra_forbidden" else ""
        what = "is not a known setting" if problem["type"] == "extra_forbidden" else problem["msg"]
        what = what.removeprefix("Value error, ")
        problems.append(f"{where} {what}{hint}".strip())
    return PortfolioError(f"{place} must follow the portfolio format.", "; ".join(problems), "Correct these entries.")


def _known_words(where: str) -> tuple[str, ...]:
    """Settings that could have been meant at a place such as ``tables.bureau.parnt``."""
    section = where.split(".", maxsplit=1)[0]
    models: dict[str, type[BaseModel]] = {
        "portfolio": _About,
        "target": TargetSpec,
        "costs": _Costs,
        "tables": TableSpec,
    }
    return tuple(models.get(section, _Document).model_fields) if "." in where else tuple(_Document.model_fields)


def _nearest(word: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
