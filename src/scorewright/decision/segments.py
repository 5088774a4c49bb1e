"""The same measures for parts of the applications: where a model is worse than on the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.decision.costs import cost_per_application
from scorewright.decision.inputs import Flags, Floats, checked_decisions, checked_pair
from scorewright.domain.costs import CostMatrix
from scorewright.domain.evaluation import Segment
from scorewright.domain.measures import expected_calibration_error

UNKNOWN = "unknown"
LEAST = 100

Values = pl.Series | NDArray[Any] | Sequence[Any]


def segment_measures(
    columns: Mapping[str, Values],
    pd: NDArray[Any],
    target: NDArray[Any],
    refused: NDArray[np.bool_],
    costs: CostMatrix,
    fold_of_row: NDArray[np.intp] | None = None,
    least: int = LEAST,
) -> tuple[Segment, ...]:
    """Measure every value of every column by itself, values in ascending order.

    Parameters
    ----------
    columns : mapping of str to values, each of length n
        What to part the applications by. A value that is missing counts as ``"unknown"``.
    pd, target, refused : ndarray, shape (n,)
        Out-of-fold PDs, 0 or 1, and true where the application was refused.
    costs : CostMatrix
        Costs of the two wrong decisions.
    fold_of_row : ndarray of intp, shape (n,), optional
        Fold of each row. AUC then ranks only applications of the same fold against each other, for they were scored
        by the same model (Forman & Scholz 2010).
    least : int
        AUC is None for fewer rows than this, as where all have one outcome. Every other measure is given with the
        number of rows that it rests on.

    Raises
    ------
    ValueError
        When lengths differ, or as `scorewright.decision.metrics.evaluate`.
    """
    values, defaulted = checked_pair(pd, target)
    _, rejected = checked_decisions(target, refused)
    folds = np.zeros(values.size, dtype=np.intp) if fold_of_row is None else fold_of_row
    segments = []
    for name, column in columns.items():
        for value, rows in _parts(name, column, values.size):
            part = (values[rows], defaulted[rows])
            auc = _auc_within(*part, folds[rows]) if part[0].size >= least else None
            segments.append(_segment(name, value, part, rejected[rows], costs, auc))
    return tuple(segments)


def _parts(name: str, column: Values, rows: int) -> list[tuple[str, NDArray[np.intp]]]:
    """Every value of a column as text, with the positions of its rows."""
    series = column if isinstance(column, pl.Series) else pl.Series(name, column, strict=False)
    if len(series) != rows:
        raise ValueError(f"{len(series)} values of {name} do not part {rows} applications.")
    if series.dtype.is_float():
        series = series.fill_nan(None)
    texts = series.cast(pl.String).fill_null(UNKNOWN).to_numpy()
    known, place = np.unique(texts.astype(str), return_inverse=True)
    return [(str(value), np.flatnonzero(place == position)) for position, value in enumerate(known)]


def _segment(
    name: str, value: str, part: tuple[Floats, Flags], refused: Flags, costs: CostMatrix, auc: float | None
) -> Segment:
    pd, defaulted = part
    return Segment(
        name=name,
        value=value,
        applications=pd.size,
        default_rate=float(defaulted.mean()),
        mean_pd=float(pd.mean()),
        approval_rate=float(np.mean(~refused)),
        cost=cost_per_application(defaulted, refused, costs),
        ece=expected_calibration_error(pd, defaulted),
        auc=auc,
    )


def _auc_within(pd: Floats, defaulted: Flags, folds: NDArray[np.intp]) -> float | None:
    """Share of pairs of one default and one repayment in the same fold that are ranked rightly, ties counting half."""
    counted = [_won_pairs(pd[folds == fold], defaulted[folds == fold]) for fold in np.unique(folds)]
    pairs = sum(number for _, number in counted)
    return sum(won for won, _ in counted) / pairs if pairs else None


def _won_pairs(pd: Floats, defaulted: Flags) -> tuple[float, int]:
    """Mann-Whitney's U and the number of pairs."""
    bad, good = pd[defaulted], np.sort(pd[~defaulted])
    below, upto = (np.searchsorted(good, bad, side) for side in ("left", "right"))
    return float(np.sum(below + upto)) / 2, bad.size * good.size


def banded(amounts: Values, bands: int = 4) -> list[str | None]:
    """Return for each amount the name of its band, None where it is missing: income bands, say.

    Bands hold about equal numbers; equal amounts share one. Names sort by amount: ``"1: up to 112,500"``.

    Examples
    --------
    >>> banded([10.0, 20.0, 30.0, None, 40.0], bands=2)
    ['1: up to 20', '1: up to 20', '2: above 20', None, '2: above 20']
    """
    values = pl.Series(amounts, strict=False).cast(pl.Float64).fill_null(np.nan).to_numpy()
    told = values[~np.isnan(values)]
    if not told.size:
        return [None] * values.size
    inner = np.quantile(told, np.arange(1, bands) / bands, method="lower")
    edges = np.unique(inner[inner < told.max()])
    names = _band_names(edges)
    return [None if np.isnan(value) else names[int(np.searchsorted(edges, value))] for value in values]


def _band_names(edges: Floats) -> list[str]:
    shown = [f"{edge:,.0f}" if float(edge).is_integer() or abs(edge) >= 1000 else f"{edge:.4g}" for edge in edges]
    if not shown:
        return ["1: all"]
    between = [f"{low} to {high}" for low, high in pairwise(shown)]
    return [f"{place}: {name}" for place, name in enumerate([f"up to {shown[0]}", *between, f"above {shown[-1]}"], 1)]
