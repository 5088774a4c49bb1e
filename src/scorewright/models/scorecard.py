"""A scorecard that a person can add up: a few features, each in a few bins, each bin worth some points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from scorewright.models import numbers
from scorewright.models.scorecard_table import MISSING, Row, names_of_groups, names_of_ranges, to_csv
from scorewright.models.seam import Scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureColumn

FILE = "scorecard.json"
TABLE = "scorecard.csv"
_SHARES_SUM_TO_ONE = 1e-6
_LARGEST = 1e6


@dataclass(frozen=True)
class Scaling:
    """How log-odds become points: `points` at odds of `odds` repaid to 1 defaulted, twice the odds at `pdo` more.

    Points rise where the PD falls: ``points + pdo / ln 2 * (-log-odds - ln odds)``.

    References
    ----------
    Siddiqi 2017, *Intelligent credit scoring*, chapter 10.

    Examples
    --------
    >>> [round(float(points), 6) for points in Scaling().points(-np.log(np.array([50.0, 100.0])))]
    [600.0, 620.0]
    """

    pdo: float = 20.0
    points_at_odds: float = 600.0
    odds: float = 50.0

    @property
    def factor(self) -> float:
        """Points per unit of log-odds."""
        return self.pdo / math.log(2.0)

    def points(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn n log-odds of default into n points, not rounded."""
        return self.points_at_odds - self.factor * (log_odds + math.log(self.odds))


@dataclass(frozen=True)
class Bin:
    """What training saw in a bin.

    Parameters
    ----------
    share : float
        Part of the applications.
    default_rate : float or None
        Part of those that defaulted; None where there are too few applications to tell.
    woe : float
        Weight of evidence, above 0 where applications are safer than on average.
    """

    share: float
    default_rate: float | None
    woe: float


@dataclass(frozen=True)
class Feature:
    """One line of the scorecard.

    Parameters
    ----------
    name : str
        Name of its column.
    coefficient : float
        Log-odds that one unit of WoE takes off; above 0, so that WoE keeps its meaning.
    information_value : float
        IV of its bins in training.
    bins : tuple of Bin
        Bins of the values, then the bin of the missing.
    edges : tuple of float
        Numeric: bin i begins with edge i - 1 and ends below edge i. Empty for categories.
    groups : tuple of int
        Categories: the bin of each. Empty for numbers.
    """

    name: str
    coefficient: float
    information_value: float
    bins: tuple[Bin, ...]
    edges: tuple[float, ...] = ()
    groups: tuple[int, ...] = ()

    @cached_property
    def worth(self) -> NDArray[np.float64]:
        """Log-odds that each bin adds to the mean score of training; their mean over training is 0."""
        woe = np.array([each.woe for each in self.bins])
        mean = math.fsum(each.share * each.woe for each in self.bins)
        return self.coefficient * (mean - woe)

    @cached_property
    def _cuts(self) -> NDArray[np.float64]:
        return np.array(self.edges, dtype=np.float64)

    @cached_property
    def _bins_of_categories(self) -> NDArray[np.intp]:
        return np.array(self.groups, dtype=np.intp)

    def bin_of(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        """Find the bin of n values: shape (n,)."""
        missing = np.isnan(values)
        if self.groups:
            found = self._bins_of_categories[np.where(missing, 0.0, values).astype(np.intp)]
        else:
            found = np.searchsorted(self._cuts, values, side="right")
        return np.where(missing, len(self.bins) - 1, found)


@dataclass(frozen=True)
class Scorecard:
    """Log-odds of the average application, and what each bin of each chosen feature adds.

    Scores are sums of log-odds, never of rounded points: rounding moves a sum of points by at most half a point for
    each feature and the base.

    Parameters
    ----------
    base : float
        Mean score over the applications of training.
    features : tuple of Feature
        The chosen features, those that say most first. Others have no part in the score.
    columns : tuple of FeatureColumn, length p
        All columns of the matrices it scores, in order.
    scaling : Scaling
        How log-odds become points.
    """

    base: float
    features: tuple[Feature, ...]
    columns: tuple[FeatureColumn, ...]
    scaling: Scaling = Scaling()
    kind: ClassVar[Literal["scorecard"]] = "scorecard"
    scale: ClassVar[Scale] = "log-odds"

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score n applications: shape (n,)."""
        scores = np.full(len(values), self.base)
        for position, feature in self._placed:
            scores += feature.worth[feature.bin_of(values[:, position])]
        return scores

    def log_odds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give ``score``, which is in log-odds already."""
        return self.score(values)

    def contributions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give what each feature adds and the base value: shape (n, p + 1), rows summing to ``score``."""
        shares = np.zeros((len(values), len(self.columns) + 1))
        shares[:, -1] = self.base
        for position, feature in self._placed:
            shares[:, position] = feature.worth[feature.bin_of(values[:, position])]
        return shares

    def points(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give each feature's points, not rounded, and the base points last: shape (n, p + 1).

        A row sums to ``scaling.points`` of its log-odds. An average application keeps the base points.
        """
        shares = -self.scaling.factor * self.contributions(values)
        shares[:, -1] = self._base_points
        return shares

    def table(self) -> tuple[Row, ...]:
        """Give what people read: the base points, then every bin of every feature."""
        rows = [row for position, feature in self._placed for row in self._rows(feature, self.columns[position])]
        return (self._first_row(), *rows)

    def files(self) -> Mapping[str, bytes]:
        """Seal as JSON, with the table for people beside it."""
        sealed = {
            "base": self.base,
            "features": [asdict(feature) for feature in self.features],
            "scaling": asdict(self.scaling),
        }
        return {FILE: numbers.dump(sealed), TABLE: to_csv(self.table())}

    @classmethod
    def load(cls, files: Mapping[str, bytes], columns: Sequence[FeatureColumn]) -> Scorecard:
        """Read the sealed files, for matrices of `columns`.

        Raises
        ------
        BundleCorruptError
            When they are malformed, made for other columns, or the table says anything but what is scored.
        """
        card = numbers.parse(FILE, files.get(FILE, b""), lambda found: _scorecard(found, tuple(columns)))
        if files.get(TABLE) != card.files()[TABLE]:
            raise numbers.corrupt(TABLE, "the table must say what the scorecard does")
        return card

    @cached_property
    def _placed(self) -> tuple[tuple[int, Feature], ...]:
        place = {column.name: position for position, column in enumerate(self.columns)}
        return tuple((place[feature.name], feature) for feature in self.features)

    @property
    def _base_points(self) -> float:
        return float(self.scaling.points(np.array([self.base]))[0])

    def _first_row(self) -> Row:
        facts = self.scaling
        pdo, points, odds = (f"{fact:g}" for fact in (facts.pdo, facts.points_at_odds, facts.odds))
        english = f"Base points; {points} in all mean odds of {odds} to 1, {pdo} more double the odds; rounded"
        french = f"Points de base ; {points} en tout valent {odds} contre 1, {pdo} de plus doublent la cote ; arrondis"
        return Row("", english, french, "", "", 1.0, None, 0.0, round(self._base_points))

    def _rows(self, feature: Feature, column: FeatureColumn) -> list[Row]:
        label = column.label
        known = names_of_groups(feature.groups, column.categories) if feature.groups else names_of_ranges(feature.edges)
        points = [round(-self.scaling.factor * worth) for worth in feature.worth.tolist()]
        return [
            Row(feature.name, label.en, label.fr, *name, each.share, each.default_rate, each.woe, amount)
            for name, each, amount in zip((*known, MISSING), feature.bins, points, strict=True)
        ]


def _scorecard(found: dict[str, Any], columns: tuple[FeatureColumn, ...]) -> Scorecard:
    known = {column.name: column for column in columns}
    features = tuple(_feature(entry, known) for entry in found["features"])
    if len({feature.name for feature in features}) < len(features):
        raise ValueError("a feature must stand there once")
    return Scorecard(_moderate(found["base"]), features, columns, _scaling(found["scaling"]))


def _scaling(entry: dict[str, Any]) -> Scaling:
    scaling = Scaling(*(_moderate(entry[key]) for key in ("pdo", "points_at_odds", "odds")))
    if scaling.pdo <= 0.0 or scaling.odds <= 0.0:
        raise ValueError("pdo and odds must be above 0")
    return scaling


def _feature(entry: dict[str, Any], known: Mapping[str, FeatureColumn]) -> Feature:
    column = known[entry["name"]]
    coefficient, value = _moderate(entry["coefficient"]), _moderate(entry["information_value"])
    edges = tuple(numbers.number(edge) for edge in entry["edges"])
    groups = tuple(_whole(group) for group in entry["groups"])
    feature = Feature(column.name, coefficient, value, tuple(_bin(each) for each in entry["bins"]), edges, groups)
    _check(feature, column)
    return feature


def _check(feature: Feature, column: FeatureColumn) -> None:
    bins = len(feature.bins) - 1
    wrong = {
        "a coefficient above 0": feature.coefficient <= 0.0,
        "shares that sum to 1": abs(sum(each.share for each in feature.bins) - 1.0) > _SHARES_SUM_TO_ONE,
        "one bin for each category": len(feature.groups) != len(column.categories),
        "bins of its categories": bool(feature.groups) and set(feature.groups) != set(range(bins)),
        "edges in order": any(low >= high for low, high in pairwise(feature.edges)),
        "a bin between any two edges": not feature.groups and bins != len(feature.edges) + 1,
        "no edges between categories": bool(feature.groups and feature.edges),
        "risk that rises or falls as declared": not _keeps(feature, column),
    }
    for needed in (rule for rule, broken in wrong.items() if broken):
        raise ValueError(f"{column.name} needs {needed}")


def _keeps(feature: Feature, column: FeatureColumn) -> bool:
    woe = [each.woe for each in feature.bins[:-1]]
    return all(column.monotone * (low - high) >= 0.0 for low, high in pairwise(woe))


def _bin(entry: dict[str, Any]) -> Bin:
    rate = entry["default_rate"]
    share, known = numbers.number(entry["share"]), None if rate is None else numbers.number(rate)
    if not (0.0 <= share <= 1.0 and 0.0 <= (known or 0.0) <= 1.0):
        raise ValueError("shares and default rates lie between 0 and 1")
    return Bin(share, known, _moderate(entry["woe"]))


def _moderate(value: Any) -> float:
    found = numbers.number(value)
    if abs(found) > _LARGEST:
        raise ValueError("a number is too large for a scorecard")
    return found


def _whole(value: Any) -> int:
    found = numbers.number(value)
    if not found.is_integer():
        raise ValueError("a whole number is needed")
    return int(found)
