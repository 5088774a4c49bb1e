"""Small vectorised draws shared by all tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.tables.sample.settings import Part

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Rng = np.random.Generator

_PARTS: Mapping[Part, int] = {"train": 0, "test": 1}


def stream(seed: int, part: Part, chunk: int, room: int) -> Rng:
    """Random stream of one table's room in one chunk: independent of every other, whatever the order of work."""
    sequence = np.random.SeedSequence(seed, spawn_key=(_PARTS[part], chunk, room))
    return np.random.Generator(np.random.Philox(sequence))


def normal_cdf(score: Floats) -> Floats:
    """Standard normal distribution function, to 2e-4.

    Logistic approximation of Bowling et al. (2009), *A logistic approximation to the cumulative normal distribution*.

    Examples
    --------
    >>> normal_cdf(np.array([0.0])).tolist()
    [0.5]
    """
    return logistic(1.5976 * score + 0.07056 * score**3)


def logistic(x: Floats) -> Floats:
    """Probability of the given log-odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-x)), dtype=np.float64)


def log_odds(probability: float) -> float:
    """Log-odds of a probability."""
    return float(np.log(probability / (1.0 - probability)))


def chance(rng: Rng, probability: Floats | float, size: int) -> Flags:
    """Draw `size` independent events of the given probabilities."""
    return np.asarray(rng.random(size) < probability)


def step(rng: Rng, mean: Floats | float, spread: float, size: int) -> Floats:
    """Draw log-normal amounts around a median."""
    return np.asarray(mean * np.exp(spread * rng.standard_normal(size)), dtype=np.float64)


def rounded(values: Floats, unit: float) -> Floats:
    """Round to multiples of a unit, as amounts in these tables are."""
    return np.asarray(np.round(values / unit) * unit, dtype=np.float64)


def blank(values: Floats, where: Flags) -> Floats:
    """Leave values out where asked."""
    return np.where(where, np.nan, values)


def pick(shares: Mapping[str, float], uniform: Floats) -> pl.Series:
    """Turn uniform numbers into categories with the given shares, in the order given."""
    edges = np.cumsum(np.fromiter(shares.values(), dtype=np.float64))
    return words(list(shares), np.searchsorted(edges / edges[-1], uniform, side="right"))


def words(labels: Sequence[str], codes: NDArray[np.integer]) -> pl.Series:
    """Text column from positions in `labels`; a negative position is null."""
    positions = np.where((codes < 0) | (codes >= len(labels)), len(labels), codes).astype(np.uint32)
    return pl.Series([*labels, None], dtype=pl.String).gather(pl.Series(positions))


@dataclass(frozen=True)
class Ragged:
    """Rows of many groups laid end to end.

    Parameters
    ----------
    lengths : ndarray of int64, shape (groups,)
        Rows of each group, zero allowed.
    """

    lengths: Ints

    @cached_property
    def total(self) -> int:
        """Number of rows."""
        return int(self.lengths.sum())

    @cached_property
    def owner(self) -> Ints:
        """Group of each row."""
        return np.repeat(np.arange(self.lengths.size), self.lengths)

    @cached_property
    def position(self) -> Ints:
        """Place of each row in its group, from 0."""
        starts = np.cumsum(self.lengths) - self.lengths
        return np.arange(self.total) - np.repeat(starts, self.lengths)

    def spells(self, rng: Rng, probability: Floats, mean_length: float) -> Ints:
        """Age of the current bad spell at each row, 0 outside spells.

        Spells start at any row with the given probability (per row) and last a geometric number of rows; a new one
        replaces the old. No spell crosses into the next group.
        """
        row = np.arange(self.total)
        starts = chance(rng, probability, self.total)
        lengths = rng.geometric(1.0 / mean_length, self.total)
        latest = np.maximum.accumulate(np.where(starts, row, -1))
        age = row - latest + 1
        inside = (latest >= row - self.position) & (age <= lengths[np.maximum(latest, 0)])
        return np.where(inside, age, 0)
