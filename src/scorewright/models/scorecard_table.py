"""The table in which people read a scorecard."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

HEADER = ("feature", "label_en", "label_fr", "bin_en", "bin_fr", "share", "default_rate", "woe", "points")
MISSING = ("missing", "manquant")
_LARGEST_WHOLE = 1e15


@dataclass(frozen=True)
class Row:
    """One row of the table that people read; points are whole, scores are not made of them."""

    feature: str
    label_en: str
    label_fr: str
    bin_en: str
    bin_fr: str
    share: float
    default_rate: float | None
    woe: float
    points: int

    def cells(self) -> tuple[str, ...]:
        """Write the row in figures that people read: four decimals, whole points."""
        rate = "" if self.default_rate is None else f"{self.default_rate:.4f}"
        texts = (self.feature, self.label_en, self.label_fr, self.bin_en, self.bin_fr)
        return (*(_inert(text) for text in texts), f"{self.share:.4f}", rate, f"{self.woe:.4f}", str(self.points))


def names_of_ranges(edges: Sequence[float]) -> list[tuple[str, str]]:
    """Name the bins between k edges in English and French: k + 1 pairs.

    Examples
    --------
    >>> [english for english, _ in names_of_ranges([25.0, 40.5])]
    ['below 25', '[25, 40.5)', 'at least 40.5']
    """
    if not edges:
        return [("any value", "toute valeur")]
    shown = [_shown(edge) for edge in edges]
    middle = [f"[{low}, {high})" for low, high in pairwise(shown)]
    first, last = shown[0], shown[-1]
    ends = (f"below {first}", f"moins de {first}"), (f"at least {last}", f"au moins {last}")
    return [ends[0], *((text, text) for text in middle), ends[1]]


def names_of_groups(groups: Sequence[int], categories: Sequence[str]) -> list[tuple[str, str]]:
    """Name each group by its categories, which are the same in both languages.

    Examples
    --------
    >>> names_of_groups([1, 1, 0], ["boat", "flat", "house"])
    [('house', 'house'), ('boat; flat', 'boat; flat')]
    """
    members: list[list[str]] = [[] for _ in range(max(groups) + 1)]
    for category, group in zip(categories, groups, strict=True):
        members[group].append(category)
    return [("; ".join(group), "; ".join(group)) for group in members]


def to_csv(rows: Sequence[Row]) -> bytes:
    """Write the table as CSV in UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(row.cells() for row in rows)
    return text.getvalue().encode()


def _shown(edge: float) -> str:
    return str(int(edge)) if edge.is_integer() and abs(edge) < _LARGEST_WHOLE else repr(edge)


def _inert(text: str) -> str:
    """Keep spreadsheets from taking text for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
