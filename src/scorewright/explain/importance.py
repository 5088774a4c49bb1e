"""Which features, and which raw columns behind them, move the score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from scorewright.domain.evaluation import Importance
from scorewright.domain.matrix import FeatureColumn


def _mean_absolute(contributions: NDArray[np.float64], columns: Sequence[FeatureColumn]) -> list[float]:
    if contributions.ndim != 2 or contributions.shape[1] != len(columns) + 1 or contributions.shape[0] == 0:
        raise ValueError(f"Contributions must have rows, and {len(columns)} + 1 columns, the last the base value.")
    means: list[float] = np.mean(np.abs(contributions[:, :-1]), axis=0).tolist()
    return means


def _ranked(values: Mapping[str, float], labels: Mapping[str, str]) -> tuple[Importance, ...]:
    """Largest first, equals by name. Shares are zero where nothing moves the score."""
    total = sum(values.values())
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        Importance(name, labels.get(name, name), value, value / total if total else 0.0) for name, value in ordered
    )


def global_importance(contributions: NDArray[np.float64], columns: Sequence[FeatureColumn]) -> tuple[Importance, ...]:
    """Return each feature's mean absolute contribution and its share of their sum, largest first.

    Mean absolute Shapley values are the global importance of Lundberg et al. (2020, *From local explanations to global
    understanding with explainable AI for trees*).

    Parameters
    ----------
    contributions : ndarray of float64, shape (n, p + 1)
        What moved each score, on the model's own scale; the last column is the base value and is left aside.
    columns : sequence of FeatureColumn, length p
        The features, in order.

    Raises
    ------
    ValueError
        When the shapes do not fit, or there is no row.
    """
    means = _mean_absolute(contributions, columns)
    values = {column.name: mean for column, mean in zip(columns, means, strict=True)}
    return _ranked(values, {column.name: column.label.en for column in columns})


def by_raw_column(
    contributions: NDArray[np.float64],
    columns: Sequence[FeatureColumn],
    labels: Mapping[str, str] | None = None,
) -> tuple[Importance, ...]:
    """Return the importance of raw columns, through lineage, largest first.

    A feature's importance is divided equally among its sources, since nothing tells how much of a ratio is its
    numerator's. A feature without sources, such as a count of rows, stands under its own name. Nothing is lost: sums
    equal those of `global_importance`.

    Parameters
    ----------
    contributions, columns
        As for `global_importance`.
    labels : mapping of str to str, optional
        What a person reads for ``"table.column"``; by default that name itself.

    Raises
    ------
    ValueError
        When the shapes do not fit, or there is no row.
    """
    return _by_source(contributions, columns, labels or {}, lambda source: source)


def by_table(
    contributions: NDArray[np.float64],
    columns: Sequence[FeatureColumn],
    labels: Mapping[str, str] | None = None,
) -> tuple[Importance, ...]:
    """Return the importance of tables, through lineage, largest first: that of their raw columns, added up.

    Parameters
    ----------
    contributions, columns
        As for `global_importance`.
    labels : mapping of str to str, optional
        What a person reads for a table; by default its name.

    Raises
    ------
    ValueError
        When the shapes do not fit, or there is no row.
    """
    return _by_source(contributions, columns, labels or {}, lambda source: source.partition(".")[0])


def _by_source(
    contributions: NDArray[np.float64],
    columns: Sequence[FeatureColumn],
    labels: Mapping[str, str],
    group_of: Callable[[str], str],
) -> tuple[Importance, ...]:
    values: dict[str, float] = {}
    own = {column.name: column.label.en for column in columns if not column.sources}
    for column, mean in zip(columns, _mean_absolute(contributions, columns), strict=True):
        groups = [group_of(source) for source in column.sources] or [column.name]
        for group in groups:
            values[group] = values.get(group, 0.0) + mean / len(groups)
    return _ranked(values, own | dict(labels))
