"""Many variations of one application in one set of tables, under made-up keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.tables.portfolio import Portfolio
from scorewright.tables.turning import Turn
from scorewright.tables.types import Tables

#: Position of each lever: 0 where it is left alone, k at the k-th of its positions.
Setting = tuple[int, ...]

_Rows = NDArray[np.int64]
_PLACE = "\x00place"


class Variations:
    """Puts settings of levers into the tables of one application.

    Parameters
    ----------
    portfolio : Portfolio
        How the tables hang together.
    tables : mapping of str to DataFrame
        Checked tables of one application.
    turns : sequence of Turn
        Its levers. Those that a setting turns share no column.
    needed : mapping of str to collection of str
        Columns that are read, by table: with the keys, all that is repeated.
    """

    def __init__(
        self, portfolio: Portfolio, tables: Tables, turns: Sequence[Turn], needed: Mapping[str, Collection[str]]
    ) -> None:
        self._portfolio, self._tables, self._turns, self._needed = portfolio, tables, turns, needed

    def alone(self, setting: Setting) -> Tables:
        """Give the application itself with one setting, as if it had come so: its own keys and every column."""
        changed = dict(self._tables)
        for turn, position in zip(self._turns, setting, strict=True):
            if position:
                moved = [series[position] for series in turn.columns.values()]
                changed[turn.lever.table] = changed[turn.lever.table].with_columns(moved)
        return changed

    def together(self, settings: Sequence[Setting]) -> Tables:
        """Give n applications, one per setting and in their order, whose keys number them from 0."""
        return {name: self._repeated(name, settings) for name in self._parents}

    def _repeated(self, name: str, settings: Sequence[Setting]) -> pl.DataFrame:
        frame, times, keys = self._tables[name], len(settings), self._keys(name)
        kept = [column for column in frame.columns if column in self._needed.get(name, ()) and column not in keys]
        places = np.tile(np.arange(frame.height), times)
        numbers = [_numbered(key, own, rows, times).cast(frame.schema[key]) for key, (own, rows) in keys.items()]
        return pl.DataFrame(numbers).hstack(frame.select(kept)[places]).with_columns(self._moved(name, settings, kept))

    def _keys(self, name: str) -> dict[str, tuple[_Rows, int]]:
        """Keys of a table: the place that each row's number names, and of how many."""
        spec, rows = self._portfolio.tables[name], self._tables[name].height
        own = self._portfolio.key if name == self._portfolio.root else spec.key
        keys = {own: (np.arange(rows), rows)} if own is not None else {}
        if spec.on is not None:
            keys[spec.on] = (self._parents[name], self._tables[str(spec.parent)].height)
        return keys

    @cached_property
    def _parents(self) -> dict[str, _Rows]:
        """Place of each row's parent among its table's rows, by table; the root's rows have none."""
        root = self._portfolio.root
        places = {root: np.zeros(self._tables[root].height, dtype=np.int64)}
        for name in self._needed:
            parent = self._portfolio.tables[name].parent
            if name in self._tables and parent is not None and parent in self._tables:
                places[name] = self._places(name, parent)
        return places

    def _places(self, name: str, parent: str) -> _Rows:
        """Find each row's parent; -1 where there is none."""
        on = str(self._portfolio.tables[name].on)
        keys = self._tables[parent][on]
        numbered = pl.DataFrame([keys, pl.Series(_PLACE, np.arange(len(keys)))])
        found = self._tables[name].select(on).join(numbered, on=on, how="left", maintain_order="left")
        return found[_PLACE].fill_null(-1).to_numpy()

    def _moved(self, name: str, settings: Sequence[Setting], kept: Sequence[str]) -> list[pl.Series]:
        """Columns that a lever moves, as each setting has them."""
        movers = {
            column: [place for place, turn in enumerate(self._turns) if self._moves(turn, name, column)]
            for column in kept
        }
        return [
            pl.concat([self._standing(name, column, places, setting) for setting in settings])
            for column, places in movers.items()
            if places
        ]

    def _moves(self, turn: Turn, name: str, column: str) -> bool:
        return turn.lever.table == name and column in turn.columns

    def _standing(self, name: str, column: str, places: Sequence[int], setting: Setting) -> pl.Series:
        turned = (self._turns[place].columns[column][setting[place]] for place in places if setting[place])
        return next(turned, self._tables[name][column])


def _numbered(key: str, own: _Rows, rows: int, times: int) -> pl.Series:
    """Number the rows of each variation apart from those of all others; rows of nobody have no number."""
    places = np.tile(own, times)
    numbers = pl.Series(key, np.repeat(np.arange(times), len(own)) * rows + places)
    return numbers.zip_with(pl.Series(places >= 0), numbers.clear(len(numbers)))
