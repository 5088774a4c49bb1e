"""The one place where raw rows become PD and decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from time import perf_counter
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.bundle.contents import Bundle, Contents
from scorewright.bundle.digest import features_digests
from scorewright.bundle.folder import AGAIN
from scorewright.bundle.rehearsal import example, rehearsals
from scorewright.decision.cases import Cases, Decided
from scorewright.decision.declared import Interval, cases_of, declared_policy, of_rows
from scorewright.decision.referral import Straddle
from scorewright.domain.matrix import FeatureMatrix
from scorewright.errors import BundleCorruptError, ScorewrightError
from scorewright.features.compile import compile_features
from scorewright.features.encoding import Encoder, declared_categories
from scorewright.features.engine import FeatureEngine
from scorewright.features.expressions import Particulars, particulars, portfolio_expressions
from scorewright.features.few import ComputedFew
from scorewright.models.venn_abers import VennAbers
from scorewright.tables.loading import Sealed
from scorewright.tables.portfolio import UnseenCategory
from scorewright.tables.posted import Posted
from scorewright.tables.rows import RowReader
from scorewright.tables.types import Tables

Took = Callable[[Literal["read", "features", "score"], float], None]
"""Takes how long a step took, in seconds."""


def untimed(step: str, seconds: float) -> None:
    """Take no notice of the time."""


@dataclass(frozen=True)
class Scores:
    """PD and decision of n applications, and what they come from.

    Parameters
    ----------
    matrix : FeatureMatrix
        Features, shape (n, p), with the applications' keys.
    cases : Cases
        What the policy was told: PDs, their intervals, thresholds of loans, hard rules broken.
    decided : Decided
        What the policy answers.
    known : Particulars
        Amounts and hard rules, as computed beside the features.
    log_odds : ndarray of float64, shape (n,)
        Scores before calibration.
    """

    matrix: FeatureMatrix
    cases: Cases
    decided: Decided
    known: Particulars
    log_odds: NDArray[np.float64]

    def take(self, rows: NDArray[np.intp]) -> Scores:
        """Return the given applications, in the given order."""
        parts = self.matrix.take(rows), self.cases.take(rows), self.decided.take(rows), of_rows(self.known, rows)
        return Scores(*parts, self.log_odds[rows])

    @cached_property
    def keys(self) -> list[Any]:
        """Key of each application."""
        return self.matrix.keys.to_list()

    @property
    def pd(self) -> NDArray[np.float64]:
        """Probability of default, shape (n,)."""
        return self.cases.pd

    @property
    def refused(self) -> NDArray[np.bool_]:
        """Whether the policy refuses, shape (n,)."""
        return self.decided.refused


@dataclass(frozen=True)
class Together:
    """Applications that were scored together.

    Parameters
    ----------
    scores : Scores
        Their scores.
    tables : Tables
        What these were computed from.
    """

    scores: Scores
    tables: Tables = field(repr=False)

    @cached_property
    def digests(self) -> list[str]:
        """Digest of the features of each."""
        return features_digests(self.scores.matrix.values)


@dataclass(frozen=True)
class Scored:
    """One application that was scored with others.

    Parameters
    ----------
    together : Together
        All of them.
    row : int
        Which of them it is.
    """

    together: Together
    row: int
    _read: Callable[[], Tables] = field(repr=False, compare=False)

    @cached_property
    def scores(self) -> Scores:
        """Its own scores."""
        return self.together.scores.take(np.array([self.row]))

    @cached_property
    def tables(self) -> Tables:
        """Its own checked tables, read when they are asked for."""
        return self._read()


class Scorer:
    """Scores applications with one bundle. Safe to share between threads: nothing in it changes.

    Parameters
    ----------
    bundle : Bundle
        Verified bundle.
    unseen : {"refuse", "null"}, optional
        Overrides what the portfolio says of categories that training never saw.
    took : callable, optional
        Told how long each step took, in seconds: ``"read"``, ``"features"``, ``"score"``.
    """

    def __init__(self, bundle: Bundle, unseen: UnseenCategory | None = None, took: Took = untimed) -> None:
        self._took = took
        contents = bundle.contents
        _check_policy(contents)
        compiled = compile_features(
            contents.portfolio,
            contents.contract,
            portfolio_expressions(contents.portfolio, ("money", "rule")),
            only=[column.name for column in contents.columns],
        )
        self.bundle = bundle
        rule = unseen or contents.portfolio.unseen_category
        self.sealed = Sealed(contents.contract, compiled.used_columns(), rule)
        self._engine = FeatureEngine(contents.portfolio, compiled)
        declared = declared_categories(contents.columns, contents.portfolio)
        self._encoder = Encoder(contents.columns, rule, declared)
        self._rows = RowReader(contents.portfolio, self.sealed)
        #: Whether few applications are computed by programs: these were tried, and gave what queries give.
        self.by_programs = self._compare()

    def read(self, body: Mapping[str, Any]) -> Tables:
        """Check one application posted as raw rows by table (see `scorewright.tables.rows`)."""
        return self._rows.read(body)

    def read_many(self, bodies: Sequence[Mapping[str, Any]]) -> Tables:
        """Check applications posted by several callers, as one set of tables (see `RowReader.read_together`)."""
        return self._rows.read_together(bodies)

    def score(self, applications: Tables) -> Scores:
        """Score n applications given as checked tables.

        An application's PD depends on its own rows alone: the same bits whatever else is in the batch.

        Raises
        ------
        UnseenCategoryError
            A category is new to the model and the rule is "refuse".
        DataError
            An amount is negative or infinite, and the policy decides by money.
        """
        contents = self.bundle.contents
        keys = _column(applications, contents.portfolio.root, contents.portfolio.key)
        began = perf_counter()
        computed = self._engine.compute_all(applications)
        features = computed if isinstance(computed, ComputedFew) else computed.features
        matrix = self._encoder.encode(features, keys)
        made = perf_counter()
        log_odds = contents.model.log_odds(matrix.values)
        pd = contents.calibration.pd(log_odds)
        known = particulars(contents.portfolio, computed if isinstance(computed, ComputedFew) else computed.extra)
        cases = cases_of(contents.policy, pd, known, _interval(contents, log_odds, pd))
        scores = Scores(matrix, cases, contents.policy.decide(cases), known, log_odds)
        self._took("features", made - began)
        self._took("score", perf_counter() - made)
        return scores

    def score_each(self, bodies: Sequence[Mapping[str, Any]]) -> list[Scored | ScorewrightError]:
        """Read and score applications posted by several callers, together.

        Each is scored as it would be alone, to the last bit, whatever the others hold: bodies may use the same keys,
        and one that is refused fails by itself.

        Returns
        -------
        list, one per body
            Scores and tables of the one application, or why it was refused.
        """
        began = perf_counter()
        tables = self._rows.plain(bodies) if bodies else None
        self._took("read", perf_counter() - began)
        if tables is not None or len(bodies) <= 1:
            return self._scored(bodies, tables)
        # Bodies that need a longer look are read apart, so that they do not slow down the others.
        plain = [self._rows.plain([body]) is not None for body in bodies]
        ways = {
            way: iter(self._scored([body for body, found in zip(bodies, plain, strict=True) if found == way]))
            for way in set(plain)
        }
        return [next(ways[way]) for way in plain]

    def _scored(
        self, bodies: Sequence[Mapping[str, Any]], tables: Tables | None = None
    ) -> list[Scored | ScorewrightError]:
        """Score bodies together; `tables` are what was read of them already."""
        if not bodies:
            return []
        try:
            read = self._rows.read_together(bodies) if tables is None else tables
            together = Together(self.score(read), read)
        except ScorewrightError as error:
            if len(bodies) == 1:
                return [error]
            # Halves are tried again, so that few bad bodies do not make all the good ones be scored one by one.
            middle = len(bodies) // 2
            return [*self._scored(bodies[:middle]), *self._scored(bodies[middle:])]
        return [Scored(together, row, partial(self.read, body)) for row, body in enumerate(bodies)]

    def contributions(self, matrix: FeatureMatrix) -> NDArray[np.float64]:
        """How far each feature moves each score, shape (n, p + 1); the last column is the base value.

        On the model's own scale (`Model.scale`); each row sums to the model's score.
        """
        return self.bundle.contents.model.contributions(matrix.values)

    def example(self) -> dict[str, Any]:
        """Make up an application from typical values: no person, accepted by this model."""
        return example(self.bundle.contents.portfolio, self.bundle.contents.contract)

    def _compare(self) -> bool:
        """Try the short way of computing features against the long one, before anything depends on it."""
        for body in rehearsals(self.bundle.contents.portfolio, self.bundle.contents.contract):
            try:
                tables = self._rows.read(body)
            except ScorewrightError:
                continue
            if not self._engine.agrees(tables):
                return False
        return True


def _column(tables: Tables, table: str, name: str) -> pl.Series:
    """Give one column without making a frame of posted rows."""
    return tables.rows[table].series(name) if isinstance(tables, Posted) else tables[table][name]


def _interval(contents: Contents, log_odds: NDArray[np.float64], pd: NDArray[np.float64]) -> Interval | None:
    """Low and high end of each PD's interval, where the bundle holds what gives them."""
    intervals: VennAbers | None = contents.intervals
    return None if intervals is None else intervals.around(log_odds, pd)


def _check_policy(contents: Contents) -> None:
    """Refuse a policy that is not the one its portfolio declares: a hard rule must not be lost on the way."""
    policy = replace(contents.policy, referral=None)
    if policy != declared_policy(contents.portfolio, policy.threshold):
        rule = "The policy of a bundle is the one that its portfolio declares."
        raise BundleCorruptError(rule, "other costs, rules, money or version", AGAIN)
    if isinstance(contents.policy.referral, Straddle) and contents.intervals is None:
        raise BundleCorruptError("A policy that refers by interval needs the intervals of PDs.", "none", AGAIN)


def score_frame(scores: Scores) -> pl.DataFrame:
    """Lay scores out as a table.

    Returns
    -------
    DataFrame, n rows
        The application's key, ``pd``, its interval as ``pd_low`` and ``pd_high`` where there is one, ``decision``, and
        ``rules``: names of the hard rules it breaks, joined by ``"; "``, empty where it breaks none.
    """
    cases, decided = scores.cases, scores.decided
    interval = {} if cases.low is None or cases.high is None else {"pd_low": cases.low, "pd_high": cases.high}
    rules = [""] * len(decided)
    for row in np.flatnonzero(decided.broken.any(axis=1)).tolist():
        rules[row] = "; ".join(rule.name for rule in decided.rules_of(row))
    keys = scores.matrix.keys
    answers = {"decision": pl.Series(decided.outcomes, dtype=pl.String), "rules": pl.Series(rules, dtype=pl.String)}
    return pl.DataFrame({keys.name: keys, "pd": cases.pd, **interval, **answers})
