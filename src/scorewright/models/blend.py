"""Several models whose log-odds are averaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from scorewright.models import numbers
from scorewright.models.seam import Scale
from scorewright.models.trees import Trees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scorewright.models.seam import Model

FILE = "blend.json"
MEMBERS = ("linear", "trees")
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Blend:
    """A weighted mean of log-odds.

    The mean of scores that are sums is a sum: contributions and base values are averaged with the same weights, and
    stay exact.

    Parameters
    ----------
    members : tuple of Model
        Models on the scale of log-odds, each of another kind.
    weights : tuple of float
        Their weights, above 0, adding up to 1.
    """

    members: tuple[Model, ...]
    weights: tuple[float, ...]
    kind: ClassVar[Literal["blend"]] = "blend"
    scale: ClassVar[Scale] = "log-odds"

    def __post_init__(self) -> None:
        if len(self.members) != len(self.weights) or {member.scale for member in self.members} != {self.scale}:
            raise ValueError("a blend needs a weight for each member, and members on log-odds")
        if len({member.kind for member in self.members} & set(MEMBERS)) < len(self.members):
            raise ValueError(f"members must be different ones of {', '.join(MEMBERS)}")
        if not all(weight > 0.0 for weight in self.weights) or abs(sum(self.weights) - 1.0) > _ROUNDING:
            raise ValueError("weights must be above 0 and add up to 1")

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score n applications: shape (n,)."""
        return self._mean([member.score(values) for member in self.members])

    def log_odds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give ``score``, which is in log-odds already."""
        return self.score(values)

    def contributions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Average the members' contributions and base values: shape (n, p + 1), rows summing to ``score``."""
        return self._mean([member.contributions(values) for member in self.members])

    def gains(self) -> NDArray[np.float64] | None:
        """Give the shares of gain of the member that has trees: shape (p,); None where none has."""
        return next((member.gains() for member in self.members if isinstance(member, Trees)), None)

    def _mean(self, parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        # Member by member, so that no product of matrices groups the sums by the size of the batch.
        total = np.zeros_like(parts[0])
        for weight, part in zip(self.weights, parts, strict=True):
            total += weight * part
        return total

    def files(self) -> Mapping[str, bytes]:
        """Seal the members under their own names, and their kinds and weights as JSON."""
        parts = [
            {"kind": member.kind, "weight": weight} for member, weight in zip(self.members, self.weights, strict=True)
        ]
        sealed: dict[str, bytes] = {FILE: numbers.dump({"members": parts})}
        for member in self.members:
            sealed |= member.files()
        return sealed

    @classmethod
    def load(cls, files: Mapping[str, bytes], load_member: Callable[[str], Model]) -> Blend:
        """Read the sealed files.

        Parameters
        ----------
        files : mapping of str to bytes
            Sealed files by name.
        load_member : callable
            Builds the model of a kind from the same files.

        Raises
        ------
        BundleCorruptError
            When a file is absent or malformed, or the members or weights are not those of a blend.
        """
        return numbers.parse(FILE, files.get(FILE, b""), lambda found: _blend(found, load_member))


def _blend(found: dict[str, Any], load_member: Callable[[str], Model]) -> Blend:
    kinds = [str(entry["kind"]) for entry in found["members"]]
    # Before anything is built: a blend within a blend would not end, and a kind given twice is one file read twice.
    if len(set(kinds) & set(MEMBERS)) < len(kinds):
        raise ValueError(f"members must be different ones of {', '.join(MEMBERS)}")
    weights = tuple(numbers.number(entry["weight"]) for entry in found["members"])
    return Blend(tuple(load_member(kind) for kind in kinds), weights)
