"""Leaks planted into a made-up lending book, one of each kind, and the book without any.

``PLANTED`` names them; `caught` says whether one is found. Tests and the benchmark of explanations use both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.domain.explanations import Finding, Severity
from scorewright.flows.dataset import build_dataset, read_labelled
from scorewright.flows.leaks import inspect_folder, look_at_model
from scorewright.flows.plan import Plan
from scorewright.flows.train import Shelves, train
from scorewright.registry.folder_registry import FolderRegistry
from scorewright.tables.portfolio import Portfolio, portfolio_from_files

ROWS = 3000
MONTHS = 24
_TOML = """
[portfolio]
name = "planted"
label = {{ en = "Made-up loans", fr = "Prêts inventés" }}
[target]
column = "defaulted"
default = 1
[tables.application]
train = "loans"
key = "loan_no"
identifiers = ["client"]
{more}
"""


@dataclass(frozen=True)
class Book:
    """A made-up lending book.

    Parameters
    ----------
    loans : DataFrame
        Its one table.
    sql : str
        Its features.
    more : str
        Lines of ``[tables.application]`` in its portfolio.
    """

    loans: pl.DataFrame
    sql: str = "SELECT * FROM application"
    more: str = ""

    @property
    def portfolio(self) -> Portfolio:
        """Its declaration."""
        files = {"portfolio.toml": _TOML.format(more=self.more).encode(), "features/application.sql": self.sql.encode()}
        return portfolio_from_files(files, "planted")

    @property
    def target(self) -> NDArray[np.int64]:
        """1 where a loan defaulted, shape (n,)."""
        return self.loans["defaulted"].to_numpy()

    def write(self, folder: Path) -> Path:
        """Write its table, and return the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.loans.write_parquet(folder / "loans.parquet")
        return folder

    def with_column(self, name: str, values: NDArray[np.float64] | pl.Series) -> Book:
        """Add a column; NaN is empty."""
        return replace(self, loans=self.loans.with_columns(pl.Series(name, values, nan_to_null=True)))


Plant = Callable[[Book], Book]


@dataclass(frozen=True)
class Planted:
    """A leak, what it is to be found as, and whether it takes a model to find it."""

    plant: Plant
    kind: str
    severity: Severity
    by_model: bool = False


def honest(rows: int = ROWS, seed: int = 0) -> Book:
    """Make loans whose outcome depends on what was known before: an AUC of about 0.75, one in five defaults."""
    draw = np.random.default_rng(seed)
    income, burden, score = draw.lognormal(8, 0.5, rows), draw.beta(2, 5, rows), draw.normal(0, 1, rows)
    purpose = draw.integers(0, 4, rows)
    risk = -2.3 + 2.5 * burden - 0.4 * np.log(income / 3000) - 0.7 * score + 0.4 * (purpose == 2)
    loans = pl.DataFrame(
        {
            "loan_no": np.arange(100_000, 100_000 + rows),
            "client": [f"C{number:06d}" for number in draw.permutation(rows)],
            "opened": pl.Series(np.datetime64("2022-01-01") + np.sort(draw.integers(0, 30 * MONTHS, rows))).cast(
                pl.Date
            ),
            "income": income.round(-1),
            "amount": (income * 12 * burden).round(-2),
            "purpose": np.array(["car", "home", "travel", "other"])[purpose],
            "children": draw.poisson(1.0, rows),
            "bureau_score": pl.Series(np.where(draw.random(rows) < 0.2, np.nan, score), nan_to_null=True),
            "defaulted": (draw.random(rows) < 1 / (1 + np.exp(-risk))).astype(np.int64),
        }
    )
    return Book(loans)


def dated(book: Book) -> Book:
    """Name the date, so that the model is tested on the latest loans."""
    return replace(book, more=book.more + '\ndate = "opened"')


def _noise(book: Book) -> np.random.Generator:
    return np.random.default_rng(book.loans.height)


def _collected(book: Book) -> NDArray[np.float64]:
    """Money collected: nearly always from loans in default, now and then a fee from another."""
    draw, rows = _noise(book), book.loans.height
    hit = np.where(book.target == 1, draw.random(rows) < 0.95, draw.random(rows) < 0.02)
    return np.where(hit, draw.lognormal(5, 1, rows), 0.0)


def _separating_number(book: Book) -> Book:
    return book.with_column("collected", _collected(book))


def _separating_category(book: Book) -> Book:
    draw, rows = _noise(book), book.loans.height
    written = np.where(book.target == 1, draw.integers(3, 6, rows), draw.integers(0, 4, rows))
    return book.with_column("last_letter", pl.Series([f"form {number}" for number in written]))


def _separating_raw_column(book: Book) -> Book:
    """Read what leaks in one feature that hardly shows it."""
    sql = "SELECT income, amount, bureau_score, amount / NULLIF(income + 0 * collected, 0) AS burden FROM application"
    return replace(_separating_number(book), sql=sql)


def _filled_by_outcome(book: Book) -> Book:
    draw, rows = _noise(book), book.loans.height
    known = draw.random(rows) < np.where(book.target == 1, 0.25, 0.95)
    return book.with_column("last_call", np.where(known, draw.normal(0, 1, rows), np.nan))


def _sorted_by_outcome(book: Book) -> Book:
    return replace(book, loans=book.loans.sort("defaulted", maintain_order=True))


def _numbered_by_outcome(book: Book) -> Book:
    numbered = _sorted_by_outcome(book).loans.with_columns(loan_no=pl.int_range(pl.len()) + 500)
    return replace(book, loans=numbered.sample(fraction=1.0, shuffle=True, seed=1))


def _identifier_as_feature(book: Book) -> Book:
    return replace(book, sql="SELECT *, loan_no / 1000 AS batch FROM application")


def _known_after(book: Book) -> Book:
    """Declare the column, and read it: a weak one, so that nothing else would find it."""
    letters = _noise(book).poisson(1.0 + 0.2 * book.target).astype(np.float64)
    late = replace(book, more='known_after = ["letters"]', sql="SELECT *, letters > 0 AS warned FROM application")
    return late.with_column("letters", letters)


def _copied_rows(book: Book) -> Book:
    copies = book.loans.sample(fraction=0.2, seed=2).with_columns(
        pl.col("loan_no") + 1_000_000, pl.concat_str(pl.lit("D"), "client").alias("client")
    )
    return replace(book, loans=pl.concat([book.loans, copies]).sample(fraction=1.0, shuffle=True, seed=3))


def _returning_clients(book: Book) -> Book:
    draw, rows = _noise(book), book.loans.height
    return book.with_column("client", pl.Series([f"C{number:06d}" for number in draw.integers(0, rows // 3, rows)]))


def _late(book: Book) -> NDArray[np.bool_]:
    return (book.loans["opened"].rank("ordinal") > 0.75 * book.loans.height).to_numpy()


def _changed_meaning(book: Book) -> Book:
    """Record the income per month until a change of systems, then per year."""
    factor = np.where(_late(book), 12.0, 1.0)
    return dated(book.with_column("income", book.loans["income"].to_numpy() * factor))


def _wiped_later(book: Book) -> Book:
    """Fill a column only for loans that are old enough to have been reviewed."""
    reviewed = np.where(_late(book), np.nan, _noise(book).normal(0, 1, book.loans.height))
    return dated(book.with_column("review", reviewed))


def _dominating(book: Book) -> Book:
    """Add a score that knows much of the outcome: no other look refuses it, but it leaves the others little to say."""
    return book.with_column("behaviour", _noise(book).normal(0, 1, book.loans.height) + 1.4 * book.target)


PLANTED: Mapping[str, Planted] = {
    "a number known after default": Planted(_separating_number, "separation", "refuse"),
    "a category written after default": Planted(_separating_category, "separation", "refuse"),
    "a raw column behind a harmless feature": Planted(_separating_raw_column, "separation", "refuse"),
    "a column filled in by outcome": Planted(_filled_by_outcome, "missingness", "refuse"),
    "rows sorted by outcome": Planted(_sorted_by_outcome, "order", "warn"),
    "keys numbered by outcome": Planted(_numbered_by_outcome, "order", "warn"),
    "a key read by a feature": Planted(_identifier_as_feature, "identifier", "refuse"),
    "a column declared known after the decision": Planted(_known_after, "known_after", "refuse"),
    "copied applications": Planted(_copied_rows, "shared_rows", "refuse"),
    "clients on both sides": Planted(_returning_clients, "shared_persons", "refuse"),
    "a column that changed its meaning": Planted(_changed_meaning, "shift", "warn"),
    "a column filled for old loans only": Planted(_wiped_later, "only_on_one_side", "refuse"),
    "a feature that carries the model": Planted(_dominating, "concentration", "refuse", by_model=True),
}


def found_in(book: Book, folder: Path) -> tuple[Finding, ...]:
    """Return what is found without a model."""
    return inspect_folder(book.portfolio, book.write(folder))


def found_in_model(book: Book, folder: Path, candidate: str = "logistic_regression") -> tuple[Finding, ...]:
    """Train one candidate, and return what is found in it."""
    data = book.write(folder / "tables")
    shelves = Shelves(FolderRegistry(folder / "registry"), folder / "bundles")
    # Its own gate must let it pass, so that it can be looked at here.
    allowed = dict.fromkeys(book.loans.columns, "planted")
    plan = Plan((candidate,), folds=3, repeats=1, pictures=False, allowed=allowed)
    trained = train(book.portfolio, data, plan, shelves)
    dataset = build_dataset(read_labelled(book.portfolio, data), 0.2)
    return look_at_model(trained.record.candidate(candidate), dataset.matrix.columns)


def caught(name: str, folder: Path) -> bool:
    """Whether a planted leak is found as what it is."""
    planted = PLANTED[name]
    look = found_in_model if planted.by_model else found_in
    found = look(planted.plant(honest()), folder)
    return any((finding.kind, finding.severity) == (planted.kind, planted.severity) for finding in found)
