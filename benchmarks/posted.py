"""Applications as a client would post them, and post them again with the changes of an option.

The benchmark of explanations and the tests use both: what was found is tried from outside, on the raw rows.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from scorewright.bundle.scorer import Scorer
from scorewright.domain.explanations import Change, Option
from scorewright.tables.contract import ColumnContract
from scorewright.tables.levers import Lever, Scale
from scorewright.tables.loading import Purpose, load_tables, open_data
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.turning import turned

Body = dict[str, Any]


class Bodies:
    """The applications of one file as JSON objects, in the order of the file, without their outcome.

    Parameters
    ----------
    portfolio : Portfolio
        How the tables hang together.
    folder : Path
        Parquet files.
    purpose : {"train", "score"}
        Which file holds the applications.
    """

    def __init__(self, portfolio: Portfolio, folder: Path, purpose: Purpose = "score") -> None:
        data = open_data(portfolio, folder)
        sources = {name: data.find(name, purpose) for name in portfolio.tables}
        self._portfolio = portfolio
        self._tables = {name: pl.read_parquet(path) for name, path in sources.items() if path is not None}
        self._tables[portfolio.root] = self._tables[portfolio.root].drop(portfolio.target.column, strict=False)
        self._parts = {
            name: frame.partition_by(str(portfolio.tables[name].on), as_dict=True, maintain_order=True)
            for name, frame in self._tables.items()
            if name != portfolio.root
        }

    def __len__(self) -> int:
        return self._tables[self._portfolio.root].height

    def of(self, row: int) -> Body:
        """Give one application: its row, and under each history's name the list of its rows."""
        frames = {self._portfolio.root: self._tables[self._portfolio.root][row]}
        waiting = list(self._portfolio.children(self._portfolio.root))
        for name in waiting:
            if name in self._parts:
                frames[name] = self._history(name, frames)
                waiting += self._portfolio.children(name)
        read = {name: json.loads(frame.write_json()) for name, frame in frames.items()}
        return {**read, self._portfolio.root: read[self._portfolio.root][0]}

    def _history(self, name: str, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        spec, parts = self._portfolio.tables[name], self._parts[name]
        keys = frames[str(spec.parent)][str(spec.on)].unique(maintain_order=True)
        found = [parts[(key,)] for key in keys if (key,) in parts]
        return pl.concat(found) if found else self._tables[name].clear()


def refused(scorer: Scorer, folder: Path, purpose: Purpose = "score") -> list[int]:
    """Give the rows of a file of applications that the policy refuses, shuffled with a fixed seed."""
    tables = load_tables(open_data(scorer.bundle.contents.portfolio, folder), purpose, scorer.sealed).tables
    rows = np.flatnonzero(scorer.score(tables).refused)
    found: list[int] = np.random.default_rng(7).permutation(rows).tolist()
    return found


def sent_again(scorer: Scorer, body: Body, option: Option) -> Body:
    """Lay the changes of an option over an application.

    In the application's own row stand the new values that the option names. Of a history the option names the sums
    over the rows that change: the rows themselves are those of the lever at the position that has these sums.

    Raises
    ------
    ValueError
        No position of a lever fits what the option says.
    """
    again, root = copy.deepcopy(body), scorer.bundle.contents.portfolio.root
    for lever, changes in _pulled(scorer, option):
        if lever.table == root:
            again[root] |= {name: change.new for name, change in changes.items()}
        else:
            for name, row, value in _rewritten(scorer, body, lever, changes):
                again[lever.table][row][name] = value
    return again


def trespasses(scorer: Scorer, body: Body, again: Body, option: Option) -> Iterator[str]:
    """Say what an option changes that it may not: columns that no lever of it moves, values that training never saw."""
    contents = scorer.bundle.contents
    before, after = scorer.read(body), scorer.read(again)
    pulled = [lever for lever, _ in _pulled(scorer, option)]
    if len(pulled) > contents.portfolio.recourse.most_changes:
        yield f"{len(pulled)} changes"
    for table, frame in before.items():
        for name in frame.columns:
            rows = frame[name].ne_missing(after[table][name])
            if rows.any():
                old, new = frame[name].filter(rows).to_list(), after[table][name].filter(rows).to_list()
                lever = next((each for each in pulled if each.table == table and name in each.moved), None)
                if lever is None:
                    yield f"{table}.{name} is moved by no lever"
                elif not all(_may(lever, name, *pair) for pair in zip(old, new, strict=True)):
                    yield f"{table}.{name} leaves its direction"
                if not all(_seen(contents.contract.tables[table][name], value) for value in new):
                    yield f"{table}.{name} leaves its range"


def _pulled(scorer: Scorer, option: Option) -> Iterator[tuple[Lever, dict[str, Change]]]:
    """Levers of an option, each with its changes by column."""
    levers = {lever.name: lever for lever in scorer.bundle.contents.portfolio.recourse.levers}
    for name in dict.fromkeys(change.lever for change in option.changes):
        own = [change for change in option.changes if change.lever == name]
        yield levers[name], {change.column.removeprefix(f"{levers[name].table}."): change for change in own}


def _rewritten(
    scorer: Scorer, body: Body, lever: Lever, changes: Mapping[str, Change]
) -> Iterator[tuple[str, int, float | str | None]]:
    """Columns and rows of a history, with what then stands in them."""
    contents = scorer.bundle.contents
    turn = turned(lever, scorer.read(body), contents.contract, contents.portfolio.tables[lever.table])
    for position in range(1, len(turn.efforts) + 1) if turn is not None else ():
        after = {name: series[position] for name, series in turn.columns.items()}
        rows = {name: np.flatnonzero(turn.columns[name][0].ne_missing(each)).tolist() for name, each in after.items()}
        moved = {name: (len(at), _summed(after[name][at])) for name, at in rows.items() if at}
        if moved == {name: (change.rows, change.new) for name, change in changes.items()}:
            yield from ((name, row, after[name][row]) for name, at in rows.items() for row in at)
            return
    raise ValueError(f"No position of {lever.name} has the sums that were told.")


def _summed(values: pl.Series) -> float | str:
    return float(values.sum()) if values.dtype.is_numeric() else str(values[0])


def _may(lever: Lever, name: str, old: Any, new: Any) -> bool:
    """Whether a value moves in the direction that a lever states."""
    if not isinstance(lever.move, Scale):
        return new in lever.move.values and old is not None
    falls = (lever.move.limit < 1.0) == (name in lever.columns)
    return bool(new < old if falls else new > old)


def _seen(column: ColumnContract, value: Any) -> bool:
    if column.type == "text":
        return value in column.categories
    if column.minimum is None or column.maximum is None or isinstance(value, bool):
        return isinstance(value, bool)
    return bool(column.minimum <= value <= column.maximum)


def decided(scorer: Scorer, bodies: Sequence[Body]) -> list[tuple[str, float]]:
    """Post applications one by one, as JSON, to the scorer: outcome and PD of each."""
    read = (scorer.score(scorer.read(json.loads(json.dumps(body)))) for body in bodies)
    return [(str(scores.decided.outcomes[0]), float(scores.pd[0])) for scores in read]
