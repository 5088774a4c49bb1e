"""Probabilities and log-odds, and the JSON they are sealed in."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from scorewright.errors import BundleCorruptError

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")

SMALLEST_PROBABILITY = 1e-6
LARGEST_VALUE = 1e100
"""A feature beyond it counts as it: sums of squares, and scores, stay finite."""


def sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn log-odds into probabilities, without overflow at either end.

    Examples
    --------
    >>> [float(p) for p in sigmoid(np.array([-1e4, 0.0, 1e4]))]
    [0.0, 0.5, 1.0]
    """
    small = np.exp(-np.abs(log_odds))
    return np.where(log_odds >= 0.0, 1.0, small) / (1.0 + small)


def logit(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn probabilities into log-odds, clipped to a probability of one in a million at either end."""
    clipped = np.clip(probability, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
    return np.asarray(np.log(clipped / (1.0 - clipped)), dtype=np.float64)


def dump(content: Any) -> bytes:
    """Write JSON that is the same bytes for the same content; floats keep every digit."""
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def parse(name: str, content: bytes, build: Callable[[dict[str, Any]], T]) -> T:
    """Read a sealed JSON object with `build`.

    Raises
    ------
    BundleCorruptError
        When it is not JSON, or `build` finds a key missing or a value of the wrong type.
    """
    try:
        return build(dict(json.loads(content).items()))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise corrupt(name, str(error)[:200]) from error


def number(value: Any) -> float:
    """Take a finite number, and nothing else. Raises ``ValueError``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a finite number is needed")
    return float(value)


def corrupt(name: str, reason: str) -> BundleCorruptError:
    """Word the refusal of a sealed file."""
    return BundleCorruptError(
        "A model's files must be those that training sealed.",
        f"{name}: {reason}",
        "Take the bundle again from where it was trained or registered.",
    )
