"""One fold of cross-validation, as explanations need it: applications, and the model that never saw them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Score = Callable[[Floats], Floats]


@dataclass(frozen=True)
class HeldOut:
    """Applications of one fold, and the scores of a model learnt without them.

    Parameters
    ----------
    values : ndarray of float64, shape (n, p)
        Their features.
    target : ndarray of int8, shape (n,)
        1 = defaulted.
    score : callable
        Scores any number of applications: (m, p) to (m,), higher meaning riskier.
    """

    values: Floats
    target: NDArray[np.int8]
    score: Score


def evenly(rows: int, most: int) -> NDArray[np.intp]:
    """At most `most` of so many positions, evenly spread: no random draw to explain.

    Examples
    --------
    >>> evenly(9, 3).tolist(), evenly(2, 3).tolist()
    ([0, 4, 8], [0, 1])
    """
    return np.linspace(0, rows - 1, min(most, rows)).round().astype(np.intp)


def shown(value: float) -> str:
    """Write a number for people, without an exponent where it can be helped.

    Examples
    --------
    >>> shown(-0.0), shown(1250000.0), shown(0.25)
    ('0', '1250000', '0.25')
    """
    return f"{value + 0.0:.10g}"
