"""The likelihood of PDs, and the most likely weights of a few columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scorewright.models import numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_STEPS = 100
_TOLERANCE = 1e-10
_RIDGE = 1e-12
_ROUNDING = 1e-13


def log_losses(pd: NDArray[np.float64], target: NDArray[np.float64] | NDArray[np.int8]) -> NDArray[np.float64]:
    """``-t ln(pd) - (1 - t) ln(1 - pd)`` of each of n PDs and their targets t between 0 and 1."""
    tiny = np.finfo(np.float64).tiny
    aim = target.astype(np.float64)
    return -(aim * np.log(np.maximum(pd, tiny)) + (1.0 - aim) * np.log(np.maximum(1.0 - pd, tiny)))


def log_loss(pd: NDArray[np.float64], target: NDArray[np.float64] | NDArray[np.int8]) -> float:
    """Mean of `log_losses`."""
    return float(log_losses(pd, target).mean())


def aims(target: NDArray[np.int8]) -> NDArray[np.float64]:
    """Targets of Platt 1999 for n outcomes: ``(defaults + 1) / (defaults + 2)`` and ``1 / (repaid + 2)``.

    They keep weights finite even where scores separate the outcomes; the mean PD remains the share of defaults but for
    one part in n.
    """
    defaulted = float(target.sum())
    repaid = len(target) - defaulted
    return np.where(target == 1, (defaulted + 1.0) / (defaulted + 2.0), 1.0 / (repaid + 2.0))


def varies(column: NDArray[np.float64]) -> bool:
    """Whether a column of n values tells rows apart by more than rounding."""
    return float(column.std()) > 1e-9 * max(1.0, abs(float(column.mean())))


def shift(log_odds: NDArray[np.float64], aim: NDArray[np.float64]) -> float:
    """Find what, added to n log-odds, makes them most likely."""
    return _newton(np.ones((len(aim), 1)), log_odds, aim)[0]


def weigh(columns: NDArray[np.float64], aim: NDArray[np.float64]) -> tuple[float, list[float]]:
    """Find the intercept and the weights of columns, shape (n, k), whose sum is the most likely log-odds.

    Columns must vary. They are standardised first, so that their scale has no say in how well this ends.
    """
    middle, spread = columns.mean(axis=0), columns.std(axis=0)
    design = np.column_stack([np.ones(len(aim)), (columns - middle) / spread])
    intercept, *weights = _newton(design, np.zeros(len(aim)), aim)
    scaled = np.array(weights) / spread
    return intercept - float((scaled * middle).sum()), [float(weight) for weight in scaled]


def loss_of(log_odds: NDArray[np.float64], aim: NDArray[np.float64]) -> float:
    """Log loss of n log-odds against targets between 0 and 1, without overflow."""
    return float((np.logaddexp(0.0, log_odds) - aim * log_odds).mean())


def _newton(design: NDArray[np.float64], offset: NDArray[np.float64], aim: NDArray[np.float64]) -> list[float]:
    """Minimise the log loss of ``offset + design @ weights`` by Newton's method, halving steps that overshoot."""
    weights = np.zeros(design.shape[1])
    loss = loss_of(offset, aim)
    for _ in range(_MOST_STEPS):
        pd = numbers.sigmoid(offset + (design * weights).sum(axis=1))
        gradient = (design * (pd - aim)[:, None]).mean(axis=0)
        curvature = np.einsum("ni,nj,n->ij", design, design, pd * (1.0 - pd)) / len(aim)
        step = np.linalg.solve(curvature + _RIDGE * np.eye(len(weights)), gradient)
        while (after := loss_of(offset + (design * (weights - step)).sum(axis=1), aim)) > loss + _ROUNDING:
            step /= 2.0
        weights, loss = weights - step, after
        if np.abs(step).max() < _TOLERANCE:
            break
    return [float(weight) for weight in weights]
