"""Recourse: what an applicant can change to be approved, shown by scoring the changed application."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.bundle.scorer import Scorer, Scores
from scorewright.domain.explanations import Change, Option, Recourse
from scorewright.domain.matrix import FeatureMatrix
from scorewright.explain.recourse import (
    APPROVED_ALREADY,
    NOTHING_LEADS_THERE,
    NOTHING_TO_CHANGE,
    Dial,
    Setting,
    effort,
    search,
)
from scorewright.tables.turning import Turn, check_levers, turned
from scorewright.tables.types import Tables
from scorewright.tables.variations import Variations

#: Variations that are scored in one call: enough for the speed of batches, few enough for the memory of long histories.
_BATCH = 256


def find_recourse(scorer: Scorer, tables: Tables) -> Recourse:
    """Find the smallest changes that would have an application approved.

    The levers are those of the portfolio that travels in the bundle. Raw rows are changed and scored as any others, so
    that ratios and aggregates follow through the feature SQL, and hard rules, referral and the money rule have their
    say. Each option is scored once more by itself, as if the application had come so.

    Parameters
    ----------
    scorer : Scorer
        Decides.
    tables : mapping of str to DataFrame
        Checked tables of one application, as `Scorer.read` and `load_tables` give them.

    Returns
    -------
    Recourse
        Options, the easiest first, or why there is none.

    Raises
    ------
    PortfolioError
        A lever does not fit the data that the model was trained on.
    ValueError
        There is not exactly one application.
    """
    contents = scorer.bundle.contents
    portfolio, contract = contents.portfolio, contents.contract
    if tables[portfolio.root].height != 1:
        raise ValueError("Recourse is found for one application at a time.")
    check_levers(portfolio, contract)
    before = scorer.score(tables)
    if before.decided.approved[0]:
        return Recourse(none_because=APPROVED_ALREADY)
    turns = _turns(scorer, tables)
    if not turns:
        return Recourse(none_because=NOTHING_TO_CHANGE)
    return _Bench(scorer, tables, turns, before.matrix).recourse()


def _turns(scorer: Scorer, tables: Tables) -> tuple[Turn, ...]:
    """Levers that move something that is read."""
    contents = scorer.bundle.contents
    levers = [
        lever
        for lever in contents.portfolio.recourse.levers
        if scorer.sealed.used.get(lever.table, frozenset()) & frozenset(lever.moved)
    ]
    laid = (turned(each, tables, contents.contract, contents.portfolio.tables[each.table]) for each in levers)
    return tuple(turn for turn in laid if turn is not None)


class _Bench:
    """One application under its levers."""

    def __init__(self, scorer: Scorer, tables: Tables, turns: Sequence[Turn], before: FeatureMatrix) -> None:
        portfolio = scorer.bundle.contents.portfolio
        self._scorer, self._turns, self._spec = scorer, turns, portfolio.recourse
        self._variations = Variations(portfolio, tables, turns, scorer.sealed.used)
        self._dials = [Dial(turn.efforts, turn.names) for turn in turns]
        self._before = before.values[0]
        places = {column.name: place for place, column in enumerate(before.columns)}
        self._keeps = [[places[name] for name in turn.lever.keeps if name in places] for turn in turns]

    def recourse(self) -> Recourse:
        ways = search(self._dials, self._judged, self._spec.most_changes, self._spec.options)
        options = tuple(islice(self._options(ways.settings), self._spec.options))
        return Recourse(options, ways.tried, None if options else NOTHING_LEADS_THERE)

    def _judged(self, settings: Sequence[Setting]) -> list[bool]:
        answers: list[bool] = []
        for start in range(0, len(settings), _BATCH):
            batch = settings[start : start + _BATCH]
            scores = self._scorer.score(self._variations.together(batch))
            answers += (scores.decided.approved & self._kept(scores, batch)).tolist()
        return answers

    def _kept(self, scores: Scores, settings: Sequence[Setting]) -> NDArray[np.bool_]:
        """Whether what the levers must keep came out as it was, shape (n,)."""
        positions, kept = np.asarray(settings), np.ones(len(settings), dtype=np.bool_)
        for place, features in enumerate(self._keeps):
            same = np.isclose(scores.matrix.values[:, features], self._before[features], equal_nan=True)
            kept &= same.all(axis=1) | (positions[:, place] == 0)
        return kept

    def _options(self, settings: Sequence[Setting]) -> Iterator[Option]:
        """Score each setting by itself, and leave out any that does not hold."""
        for setting in settings:
            scores = self._scorer.score(self._variations.alone(setting))
            if scores.decided.approved[0]:
                yield self._option(setting, scores)

    def _option(self, setting: Setting, scores: Scores) -> Option:
        pulled = [(turn, position) for turn, position in zip(self._turns, setting, strict=True) if position]
        return Option(
            labels=tuple(turn.lever.label for turn, _ in pulled),
            changes=tuple(change for turn, position in pulled for change in _changes(turn, position)),
            effort=effort(self._dials, setting),
            pd=float(scores.pd[0]),
            outcome=scores.decided.outcomes[0],
        )


def _changes(turn: Turn, position: int) -> Iterator[Change]:
    for name, series in turn.columns.items():
        before, after = series[0], series[position]
        rows = before.ne_missing(after)
        if rows.any():
            old, new = (_summed(each.filter(rows)) for each in (before, after))
            yield Change(turn.lever.name, f"{turn.lever.table}.{name}", int(rows.sum()), old, new)


def _summed(values: pl.Series) -> float | str | None:
    """The one value, or the sum over rows; of texts, what they all say."""
    if values.dtype.is_numeric():
        return float(values.sum())
    said = values.cast(pl.String).unique()
    return str(said[0]) if len(said) == 1 else None
