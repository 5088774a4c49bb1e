"""The model that knows nothing but how often applicants default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scorewright.models import numbers
from scorewright.models.seam import ModelKind, Scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = "prior.json"


@dataclass(frozen=True)
class Prior:
    """Gives every application the log-odds of the default rate seen in training.

    Parameters
    ----------
    base : float
        Log-odds of the default rate.
    """

    base: float
    kind: ClassVar[ModelKind] = "prior"
    scale: ClassVar[Scale] = "log-odds"

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score n applications: shape (n,), all equal."""
        return np.full(len(values), self.base)

    def log_odds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give ``score``, which is in log-odds already."""
        return self.score(values)

    def contributions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give zeros and the base value: shape (n, p + 1)."""
        shares = np.zeros((len(values), values.shape[1] + 1))
        shares[:, -1] = self.base
        return shares

    def files(self) -> Mapping[str, bytes]:
        """Seal as one JSON file."""
        return {FILE: numbers.dump({"log_odds": self.base})}

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> Prior:
        """Read the sealed file. Raises ``BundleCorruptError``."""
        return numbers.parse(FILE, files.get(FILE, b""), lambda found: cls(numbers.number(found["log_odds"])))
