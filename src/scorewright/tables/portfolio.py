"""The portfolio: the declaration of one lending book, read from a folder and kept as it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from scorewright.domain.costs import CostMatrix, MoneyTerms
from scorewright.domain.matrix import Label
from scorewright.errors import PortfolioError
from scorewright.tables.declarations import (
    Document,
    Scalar,
    TableSpec,
    TargetSpec,
    UnseenCategory,
    parse_document,
)
from scorewright.tables.lending import InputRules, Objective, PolicySpec, Segment
from scorewright.tables.levers import RecourseSpec
from scorewright.tables.problems import nearest
from scorewright.tables.wording import Wording, parse_wording

__all__ = [
    "ROW_KEY",
    "Portfolio",
    "Scalar",
    "TableSpec",
    "TargetSpec",
    "UnseenCategory",
    "load_portfolio",
    "portfolio_from_files",
    "shipped_portfolios",
]

#: Column that numbers the applications where the portfolio names no key.
ROW_KEY = "row_number"

_REASONS = "reasons.toml"


@dataclass(frozen=True)
class Portfolio:
    """One lending book.

    Parameters
    ----------
    files : mapping of str to bytes
        ``portfolio.toml``, ``features/<table>.sql`` and, where there is one, ``reasons.toml`` as written; they travel
        inside the bundle.
    place : str
        Where the files were read from, for messages.
    """

    files: Mapping[str, bytes]
    place: str

    @cached_property
    def _document(self) -> Document:
        return parse_document(self.files["portfolio.toml"], f"{self.place}/portfolio.toml")

    @property
    def name(self) -> str:
        """Name, also of the registered model."""
        return self._document.portfolio.name

    @property
    def label(self) -> Label:
        """Name for people."""
        return self._document.portfolio.label.label

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

    @cached_property
    def money(self) -> MoneyTerms | None:
        """What each loan earns and loses, None where the portfolio does not say."""
        return None if self._document.money is None else MoneyTerms(**self._document.money.model_dump())

    @cached_property
    def policy(self) -> PolicySpec:
        """How PDs become outcomes, with the hard rules; without a section, one threshold and nobody is referred."""
        return PolicySpec() if self._document.policy is None else self._document.policy.spec

    @cached_property
    def inputs(self) -> InputRules:
        """What an application must bring; without a section, nothing, and ranges are only warned of."""
        return self._document.inputs.rules

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Divisions of the applications that reports go by."""
        return self._document.segment_list

    @property
    def objective(self) -> Objective:
        """What tuning looks for."""
        return self._document.tuning.objective

    @cached_property
    def wording(self) -> Wording:
        """How reasons are worded; without ``reasons.toml``, each raw column speaks for itself."""
        text = self.files.get(_REASONS)
        return Wording() if text is None else parse_wording(text, f"{self.place}/{_REASONS}", tuple(self.tables))

    @property
    def recourse(self) -> RecourseSpec:
        """What applicants can change; without a section, nothing."""
        return RecourseSpec() if self._document.recourse is None else self._document.recourse.spec

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
        There is none, a feature file belongs to no table, or ``portfolio.toml`` or ``reasons.toml`` breaks a rule.
    """
    own = Path(name_or_folder)
    folder: Traversable = own if (own / "portfolio.toml").is_file() else _shipped(str(name_or_folder))
    place = own.as_posix() if folder is own else str(name_or_folder)
    try:
        files = {"portfolio.toml": (folder / "portfolio.toml").read_bytes()}
        if (folder / _REASONS).is_file():
            files[_REASONS] = (folder / _REASONS).read_bytes()
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
                f"{name}{nearest(stem, portfolio.tables)}",
                "Rename the file or declare the table.",
            )
    if portfolio.sql(portfolio.root) is None:
        raise PortfolioError(
            "A portfolio needs features/application.sql.",
            f"no such file in {place}",
            "Write it; SELECT * FROM application is enough to begin with.",
        )
    _ = portfolio.wording  # refused here, and not when the first reason is asked for
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
            f"{name!r}{nearest(name, shipped)}",
            f"Shipped are {', '.join(shipped)}; `scorewright init` drafts one from your own table.",
        )
    return resources.files("scorewright.portfolios") / name
