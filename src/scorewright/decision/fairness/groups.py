"""Applicants parted by a protected attribute, or by two."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.decision.segments import UNKNOWN, banded

#: Name of the group in which those that are too small are put together.
TOO_FEW = "too few"

#: Applications from which a group is judged by itself. Of fewer, a 95 % interval of a rate may span a quarter.
LEAST = 50

#: A number with at most so many values is a code, and each value a group.
MOST_VALUES = 12

#: Lower bounds of age bands, in years. 62 is where the law of the United States begins to protect the elderly
#: (Regulation B, 12 CFR 1002.2(o)). Fixed bands compare from one year's applications to the next; quantiles do not.
AGES = (25, 35, 45, 55, 62)

_DAYS_PER_YEAR = 365.25

Scale = Literal["values", "years", "days_back"]


@dataclass(frozen=True)
class Groups:
    """A parting of n applications.

    Parameters
    ----------
    names : tuple of str, length k
        In ascending order of the text.
    of_row : ndarray of intp, shape (n,)
        Position of each application's group.
    few : bool
        Whether the last group holds all that are too small to be judged.
    """

    names: tuple[str, ...]
    of_row: NDArray[np.intp]
    few: bool = False

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Applications in each group, shape (k,)."""
        return np.bincount(self.of_row, minlength=len(self.names))

    @property
    def judged(self) -> range:
        """Positions of the groups that are large enough to be judged."""
        return range(len(self.names) - self.few)


def groups_of(values: pl.Series, scale: Scale = "values") -> Groups:
    """Part applications by one attribute.

    Text, booleans and numbers of at most `MOST_VALUES` values: each value is a group. Other numbers are cut into
    quartiles (`scorewright.decision.segments.banded`), ages into bands from `AGES`. What is missing is a group of its
    own, ``"unknown"``.

    Parameters
    ----------
    values : Series, length n
        The attribute of each application.
    scale : {"values", "years", "days_back"}
        What a number says: no more than itself, an age in years, or minus the age in days.

    Examples
    --------
    >>> groups_of(pl.Series(["F", None, "M", "F"])).names
    ('F', 'M', 'unknown')
    >>> groups_of(pl.Series([-9000, -23000, -22500]), "days_back").names
    ('55–61', '< 25', '≥ 62')
    """
    known = values.fill_nan(None) if values.dtype.is_float() else values
    texts = pl.Series(_texts(known, scale), dtype=pl.String).fill_null(UNKNOWN).to_numpy().astype(str)
    names, of_row = np.unique(texts, return_inverse=True)
    return Groups(tuple(names.tolist()), of_row.astype(np.intp))


def crossed(first: Groups, second: Groups) -> Groups:
    """Part applications by two attributes at once: whoever is alike in both is one group.

    Examples
    --------
    >>> crossed(groups_of(pl.Series(["F", "M"])), groups_of(pl.Series([1, 2]))).names
    ('F × 1', 'M × 2')
    """
    width = len(second.names)
    codes, of_row = np.unique(first.of_row * width + second.of_row, return_inverse=True)
    names = (f"{first.names[code // width]} × {second.names[code % width]}" for code in codes.tolist())
    return Groups(tuple(names), of_row.astype(np.intp))


def together(groups: Groups, least: int = LEAST) -> Groups:
    """Put the groups of fewer applications than `least` together, as the last one."""
    small = groups.sizes < least
    if not small.any():
        return groups
    kept = np.flatnonzero(~small)
    place = np.full(len(groups.names), len(kept), dtype=np.intp)
    place[kept] = np.arange(len(kept))
    return Groups((*(groups.names[at] for at in kept.tolist()), TOO_FEW), place[groups.of_row], few=True)


def _texts(values: pl.Series, scale: Scale) -> pl.Series | list[str | None]:
    if scale == "days_back":
        return _ages((values.cast(pl.Float64) / -_DAYS_PER_YEAR).floor())
    if scale == "years":
        return _ages(values.cast(pl.Float64))
    if not values.dtype.is_numeric():
        return values.cast(pl.String)
    if values.drop_nulls().n_unique() > MOST_VALUES:
        return banded(values)
    whole = bool((values == values.round()).all())
    return values.cast(pl.Int64 if whole else pl.Float64).cast(pl.String)


def _ages(years: pl.Series) -> list[str | None]:
    names = [f"< {AGES[0]}", *(f"{low}–{high - 1}" for low, high in pairwise(AGES)), f"≥ {AGES[-1]}"]
    bands = np.searchsorted(AGES, years.fill_null(0.0).to_numpy(), side="right").tolist()
    return [None if missing else names[band] for band, missing in zip(bands, years.is_null().to_list(), strict=True)]
