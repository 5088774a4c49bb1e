"""What every measure asks of its arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def checked_pd(pd: NDArray[Any]) -> Floats:
    """Return PDs as float64.

    Raises
    ------
    ValueError
        When they are not one row of numbers between 0 and 1: a NaN would pass for "approve" in any comparison.
    """
    values = np.asarray(pd, dtype=np.float64)
    if values.ndim != 1 or not within(values, 0.0, 1.0):
        raise ValueError("PDs must be a one-dimensional array of numbers between 0 and 1.")
    return values


def within(values: Floats, least: float, most: float) -> bool:
    """Whether all numbers of a one-dimensional array lie between two; a NaN does not."""
    if values.size == 1:  # as one application has them: a fifth of the time
        return least <= values.item() <= most
    return bool(np.all((values >= least) & (values <= most)))


def checked_target(target: NDArray[Any]) -> Flags:
    """Return targets as flags, true where the application defaulted.

    Raises
    ------
    ValueError
        When there is none, or a value other than 0 and 1.
    """
    values = np.asarray(target)
    if values.ndim != 1 or values.size == 0 or not bool(np.all((values == 0) | (values == 1))):
        raise ValueError("Targets must be a one-dimensional array of at least one 0 or 1.")
    defaulted: Flags = values == 1
    return defaulted


def checked_pair(pd: NDArray[Any], target: NDArray[Any]) -> tuple[Floats, Flags]:
    """Return PDs and targets of the same applications. Raises ``ValueError`` as its parts do, or on unequal lengths."""
    values, defaulted = checked_pd(pd), checked_target(target)
    if values.shape != defaulted.shape:
        raise ValueError(f"{values.size} PDs cannot be measured against {defaulted.size} targets.")
    return values, defaulted


def checked_decisions(target: NDArray[Any], refused: NDArray[Any]) -> tuple[Flags, Flags]:
    """Return targets and refusals of the same applications. Raises ``ValueError`` as `checked_pair` does."""
    defaulted, rejected = checked_target(target), np.asarray(refused, dtype=np.bool_)
    if rejected.shape != defaulted.shape:
        raise ValueError(f"{rejected.size} decisions cannot be judged by {defaulted.size} targets.")
    return defaulted, rejected
