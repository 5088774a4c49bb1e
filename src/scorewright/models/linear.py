"""A scorecard: the sum of what each feature is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from scorewright.models import numbers
from scorewright.models.seam import ModelKind, Scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureColumn

FILE = "linear.json"
_ROWS_AT_ONCE = 8192


@dataclass(frozen=True)
class NumericTerm:
    """What a number is worth: ``coefficient * (x - mean) / scale``, or `missing` when there is none, minus `centre`.

    `mean` and `scale` describe the rows of training with the gaps filled by the mean. ``(x - mean) / scale`` counts as
    `reach` at most, and as ``-reach`` at least. `centre` is the mean of the term over those rows, so that the average
    application is worth nothing.
    """

    name: str
    mean: float
    scale: float
    reach: float
    coefficient: float
    missing: float
    centre: float


@dataclass(frozen=True)
class CategoryTerm:
    """What a category is worth: its coefficient, or `missing` when there is none, minus their mean in training."""

    name: str
    coefficients: tuple[float, ...]
    missing: float
    centre: float


Term = NumericTerm | CategoryTerm


@dataclass(frozen=True)
class _Numbers:
    """All numeric terms side by side: their positions, and a row for each of their facts in order."""

    at: NDArray[np.intp]
    facts: NDArray[np.float64]

    def worth(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        mean, scale, reach, coefficient, missing, centre = self.facts
        standard = (np.clip(values, -numbers.LARGEST_VALUE, numbers.LARGEST_VALUE) - mean) / scale
        known = coefficient * np.clip(standard, -reach, reach)
        return np.asarray(np.where(np.isnan(values), missing, known) - centre, dtype=np.float64)


@dataclass(frozen=True)
class _Categories:
    """All categories' worths end to end: each term's part starts at `start`, and a missing value is its `last`."""

    at: NDArray[np.intp]
    table: NDArray[np.float64]
    start: NDArray[np.intp]
    last: NDArray[np.intp]

    def worth(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        codes = np.where(np.isnan(values), self.last, values).astype(np.intp)
        return np.asarray(self.table[self.start + codes], dtype=np.float64)


@dataclass(frozen=True)
class Linear:
    """The score of the average application plus one term per feature, in log-odds.

    Parameters
    ----------
    base : float
        Score of the average application of training.
    terms : tuple of NumericTerm or CategoryTerm, length p
        One per feature, in order.
    """

    base: float
    terms: tuple[Term, ...]
    kind: ClassVar[ModelKind] = "linear"
    scale: ClassVar[Scale] = "log-odds"

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score n applications: shape (n,)."""
        # A running sum adds in column order; BLAS and pairwise sums may group differently from one batch size to
        # another.
        scores = np.empty(len(values))
        for start in range(0, len(values), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            scores[rows] = np.cumsum(self.contributions(values[rows]), axis=1)[:, -1]
        return scores

    def log_odds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give ``score``, which is in log-odds already."""
        return self.score(values)

    def contributions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give each term's worth and the base value: shape (n, p + 1), rows summing to ``score``."""
        shares = np.empty((len(values), len(self.terms) + 1))
        shares[:, -1] = self.base
        for part in (self._numbers, self._categories):
            shares[:, part.at] = part.worth(values[:, part.at])
        return shares

    @cached_property
    def _numbers(self) -> _Numbers:
        at = [position for position, term in enumerate(self.terms) if isinstance(term, NumericTerm)]
        facts = [astuple(self.terms[position])[1:] for position in at]
        return _Numbers(np.array(at, dtype=np.intp), np.array(facts, dtype=np.float64).reshape(-1, 6).T)

    @cached_property
    def _categories(self) -> _Categories:
        terms = [(position, term) for position, term in enumerate(self.terms) if isinstance(term, CategoryTerm)]
        worths = [[value - term.centre for value in (*term.coefficients, term.missing)] for _, term in terms]
        last = np.array([len(worth) - 1 for worth in worths], dtype=np.intp)
        table = np.array([value for worth in worths for value in worth], dtype=np.float64)
        return _Categories(
            np.array([at for at, _ in terms], dtype=np.intp), table, np.cumsum(last + 1) - last - 1, last
        )

    def files(self) -> Mapping[str, bytes]:
        """Seal as one JSON file."""
        return {FILE: numbers.dump({"base": self.base, "terms": [asdict(term) for term in self.terms]})}

    @classmethod
    def load(cls, files: Mapping[str, bytes], columns: Sequence[FeatureColumn]) -> Linear:
        """Read the sealed file, one term for each of `columns`. Raises ``BundleCorruptError``."""
        return numbers.parse(FILE, files.get(FILE, b""), lambda found: _linear(found, columns))


def _linear(found: dict[str, Any], columns: Sequence[FeatureColumn]) -> Linear:
    terms = tuple(_term(entry, column) for entry, column in zip(found["terms"], columns, strict=True))
    return Linear(numbers.number(found["base"]), terms)


def _term(entry: dict[str, Any], column: FeatureColumn) -> Term:
    if entry["name"] != column.name:
        raise ValueError(f"a term for {column.name} is needed")
    missing, centre = numbers.number(entry["missing"]), numbers.number(entry["centre"])
    if column.kind == "category":
        coefficients = tuple(numbers.number(value) for value in entry["coefficients"])
        if len(coefficients) != len(column.categories):
            raise ValueError(f"{len(column.categories)} coefficients are needed for {column.name}")
        return CategoryTerm(column.name, coefficients, missing, centre)
    mean, scale, coefficient = (numbers.number(entry[key]) for key in ("mean", "scale", "coefficient"))
    # Scorecards sealed before numbers had a reach let them go as far as they would.
    reach = numbers.number(entry.get("reach", numbers.LARGEST_VALUE))
    if min(scale, reach) <= 0.0:
        raise ValueError(f"the scale and the reach of {column.name} must be above 0")
    return NumericTerm(column.name, mean, scale, reach, coefficient, missing, centre)
