"""A short name for the features that a decision was made from."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def features_digest(values: NDArray[np.float64]) -> str:
    """Return the SHA-256 of one row of features, in hexadecimal.

    Parameters
    ----------
    values : ndarray of float64, shape (p,)
        In the order of the bundle's columns. Their bytes count, little end first: equal digests are equal bits, but
        every NaN counts as the same one.

    Examples
    --------
    >>> features_digest(np.array([1.0, np.nan])) == features_digest(np.array([1.0, -np.nan]))
    True
    """
    return features_digests(values.reshape(1, -1))[0]


def features_digests(values: NDArray[np.float64]) -> list[str]:
    """Return `features_digest` of each of n rows: values have shape (n, p)."""
    canonical = np.ascontiguousarray(np.where(np.isnan(values), np.nan, values), dtype="<f8")
    return [hashlib.sha256(row).hexdigest() for row in canonical]
