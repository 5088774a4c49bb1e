"""Look for leaks before a training spends an hour on them, and in what it made of the features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from scorewright.domain.evaluation import CandidateRecord
from scorewright.domain.explanations import Finding
from scorewright.domain.matrix import FeatureColumn, FeatureMatrix
from scorewright.domain.progress import Listener, Step, silent
from scorewright.errors import LeakError
from scorewright.explain.leaks.concentration import concentration
from scorewright.explain.leaks.gate import Allowed, gate, refusals
from scorewright.explain.leaks.late import late_columns
from scorewright.explain.leaks.learnt import Learnt
from scorewright.explain.leaks.missingness import missingness
from scorewright.explain.leaks.order import POSITION, identifiers_read, order
from scorewright.explain.leaks.outcomes import outcomes
from scorewright.explain.leaks.overlap import Read, shared_persons, shared_rows
from scorewright.explain.leaks.separation import separation
from scorewright.explain.leaks.shift import shift
from scorewright.explain.leaks.suspicion import in_order
from scorewright.flows.dataset import Dataset, Labelled, build_dataset, read_labelled
from scorewright.flows.plan import Plan
from scorewright.tables.portfolio import Portfolio


def inspect_folder(portfolio: Portfolio, data: Path, listen: Listener = silent) -> tuple[Finding, ...]:
    """Read the training tables, compute the features and look for leaks; nothing is trained and nothing written.

    Raises
    ------
    DataError, PortfolioError, TrainingError
        The tables cannot be read, computed or split.
    """
    labelled = read_labelled(portfolio, data, listen)
    dataset = build_dataset(labelled, Plan().test_share, listen)
    return look_for_leaks(portfolio, labelled, dataset, listen)


def look_for_leaks(
    portfolio: Portfolio, labelled: Labelled, dataset: Dataset, listen: Listener = silent
) -> tuple[Finding, ...]:
    """Return what needs no model to be found, the gravest first. No outcome of the test set is read."""
    found: list[Finding] = []
    looks = _looks(portfolio, labelled.tables[portfolio.root], dataset)
    for done, findings in enumerate(looks):
        listen(Step("looking for leaks", done, _LOOKS))
        found += findings
    listen(Step("looking for leaks", _LOOKS, _LOOKS, f"{len(found)} found"))
    return in_order(found)


def look_at_model(record: CandidateRecord, columns: Sequence[FeatureColumn]) -> tuple[Finding, ...]:
    """Return what a candidate made of its features tells.

    Parameters
    ----------
    record : CandidateRecord
        What was measured about it.
    columns : sequence of FeatureColumn
        The features, at least those it uses.
    """
    return concentration(record.name, record.features, columns, record.out_of_fold.metrics["auc"])


def pass_gate(findings: Sequence[Finding], allowed: Allowed) -> tuple[Finding, ...]:
    """Return the findings with the reasons for which they are allowed.

    Raises
    ------
    SettingsError
        A reason is empty.
    LeakError
        One of severity ``"refuse"`` is not allowed.
    """
    judged = gate(findings, allowed)
    stopped = refusals(judged)
    if stopped:
        raise LeakError(
            "A model learns only from what is known when an application is scored.",
            " ".join(finding.seen for finding in stopped[:_TOLD]).removesuffix(".") + _others(len(stopped) - _TOLD),
            stopped[0].remedy if len(stopped) == 1 else "`scorewright leaks` says of each what to do.",
        )
    return judged


_LOOKS = 7
_TOLD = 3


def _others(number: int) -> str:
    return f"; and {number} more" if number > 0 else ""


def _looks(portfolio: Portfolio, root: pl.DataFrame, dataset: Dataset) -> Iterator[tuple[Finding, ...]]:
    matrix, train, test = dataset.matrix, dataset.train_rows, dataset.test_rows
    dated = portfolio.tables[portfolio.root].date is not None
    raw = _raw(portfolio, root, matrix.columns)
    known = outcomes(dataset.target[train])
    looked_at = train if known is None else train[known.rows]
    learnt = Learnt(matrix.take(looked_at), dataset.target[looked_at], raw[pl.Series(looked_at)])
    yield late_columns(_sources(dataset), _declared_late(portfolio))
    yield identifiers_read(matrix.columns, _identifiers(portfolio))
    yield separation(learnt)
    yield missingness(learnt)
    yield order(_marks(portfolio, root)[pl.Series(train)], known)
    yield (
        *shared_rows(_read(raw, portfolio, matrix), train, test, portfolio.root),
        *shared_persons(_persons(portfolio, root), train, test, dated=dated),
    )
    yield shift(matrix.take(train), matrix.take(test)) if dated else ()


def _raw(portfolio: Portfolio, root: pl.DataFrame, columns: Sequence[FeatureColumn]) -> pl.DataFrame:
    """Raw columns of the application that features read, under the names that lineage gives them."""
    read = {source for column in columns for source in column.sources}
    aside = {portfolio.target.column, portfolio.key}
    names = {name: f"{portfolio.root}.{name}" for name in root.columns if name not in aside}
    return root.select(pl.col(name).alias(source) for name, source in names.items() if source in read)


def _read(raw: pl.DataFrame, portfolio: Portfolio, matrix: FeatureMatrix) -> Read:
    """Everything that the features read of an application: raw columns, and features of its histories.

    Identifiers are left aside: a copy may have been given new ones.
    """
    own = f"{portfolio.root}."
    sources = [column.sources for column in matrix.columns]
    places = [place for place, read in enumerate(sources) if not all(source.startswith(own) for source in read)]
    return Read(raw.drop(_identifiers(portfolio), strict=False), matrix.values, places)


def _sources(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Raw columns that feed each feature and each hard rule."""
    features = {column.name: column.sources for column in dataset.matrix.columns}
    rules = {each.name: tuple(each.sources) for each in dataset.compiled.extra if each.name.startswith("policy.rules.")}
    return features | rules


def _declared_late(portfolio: Portfolio) -> list[str]:
    return [f"{name}.{column}" for name, table in portfolio.tables.items() for column in table.known_after]


def _identifiers(portfolio: Portfolio) -> list[str]:
    """Columns that name an application or an applicant.

    The keys of histories name their rows: to count how many there are is no leak.
    """
    root = portfolio.tables[portfolio.root]
    own = [f"{portfolio.root}.{name}" for name in (root.key, *root.identifiers) if name is not None]
    return own + [f"{child}.{portfolio.tables[child].on}" for child in portfolio.children(portfolio.root)]


def _marks(portfolio: Portfolio, root: pl.DataFrame) -> pl.DataFrame:
    """What numbers or dates the applications, and their places in the table."""
    spec = portfolio.tables[portfolio.root]
    named = [name for name in (spec.key, *spec.identifiers, spec.date) if name is not None]
    marks = [pl.col(name).alias(f"{portfolio.root}.{name}") for name in dict.fromkeys(named)]
    return root.select(*marks, pl.int_range(pl.len()).alias(POSITION))


def _persons(portfolio: Portfolio, root: pl.DataFrame) -> pl.DataFrame:
    names = portfolio.tables[portfolio.root].identifiers
    return root.select(pl.col(name).alias(f"{portfolio.root}.{name}") for name in names)
