"""A logistic regression that takes in one column at a time, and only with the sign it must have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorewright.models.numbers import sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_GAIN = 2.0
"""Twice the log-likelihood that a column must add, by its score test, to be taken in."""
_MOST_STEPS = 50
_TOLERANCE = 1e-10
_SMALLEST_SPREAD = 1e-12


@dataclass(frozen=True)
class Plan:
    """How many columns at most, and how strongly coefficients are held back.

    Parameters
    ----------
    most : int
        Columns at most.
    penalty : float
        Half of it times the sum of the squared coefficients is taken off the log-likelihood.
    """

    most: int
    penalty: float


@dataclass(frozen=True)
class Regression:
    """The columns taken in, in that order, with coefficients above 0, and the intercept."""

    chosen: tuple[int, ...]
    coefficients: NDArray[np.float64]
    intercept: float


def forward(design: NDArray[np.float64], target: NDArray[np.float64], plan: Plan) -> Regression:
    """Take in, again and again, the column that promises most and whose coefficient is above 0.

    What a column promises is Rao's score statistic given those already in, which needs no fit of its own. After each
    fit, a column whose coefficient is no longer above 0 is thrown out for good: it says something else than it does
    alone.

    Parameters
    ----------
    design : ndarray of float64, shape (n, m)
        Columns that should each raise the log-odds.
    target : ndarray of float64, shape (n,)
        1 = defaulted; both outcomes occur.
    plan : Plan
        When to stop.

    References
    ----------
    Rao 1948, *Large sample tests of statistical hypotheses concerning several parameters*.
    """
    squares = design**2
    open_to = design.std(axis=0) > _SMALLEST_SPREAD
    chosen: list[int] = []
    weights = newton(design[:, chosen], target, plan.penalty)
    while len(chosen) < plan.most and open_to.any():
        gains = _gains(design, squares, target, (chosen, weights, plan.penalty))
        best = int(np.argmax(np.where(open_to, gains, -np.inf)))
        if gains[best] < LEAST_GAIN:
            break
        open_to[best] = False
        chosen.append(best)
        weights = newton(design[:, chosen], target, plan.penalty)
        while chosen and weights[1:].min() <= 0.0:
            chosen.pop(int(weights[1:].argmin()))
            weights = newton(design[:, chosen], target, plan.penalty)
    return Regression(tuple(chosen), weights[1:], float(weights[0]))


def _gains(
    design: NDArray[np.float64],
    squares: NDArray[np.float64],
    target: NDArray[np.float64],
    state: tuple[list[int], NDArray[np.float64], float],
) -> NDArray[np.float64]:
    """Rao's statistic of every column that would get a coefficient above 0, and 0 for the others: shape (m,)."""
    chosen, weights, penalty = state
    inside = np.column_stack([np.ones(len(target)), design[:, chosen]])
    pd = sigmoid(inside @ weights)
    slope = (target - pd) @ design
    spread = pd * (1.0 - pd)
    weighed = inside * spread[:, None]
    cross = weighed.T @ design
    own = (
        spread @ squares + penalty - (cross * np.linalg.solve(_ridged(weighed.T @ inside, penalty), cross)).sum(axis=0)
    )
    return np.asarray(np.where((slope > 0.0) & (own > 0.0), slope**2 / np.maximum(own, _SMALLEST_SPREAD), 0.0))


def _ridged(curvature: NDArray[np.float64], penalty: float) -> NDArray[np.float64]:
    return curvature + np.diag([0.0] + [penalty] * (len(curvature) - 1))


def newton(columns: NDArray[np.float64], target: NDArray[np.float64], penalty: float) -> NDArray[np.float64]:
    """Fit the intercept, which is not penalised, and k coefficients by Newton's method: shape (k + 1,).

    Parameters
    ----------
    columns : ndarray of float64, shape (n, k)
        The design without the column of ones.
    target : ndarray of float64, shape (n,)
        0 and 1; both occur.
    penalty : float
        Above 0: then there is one answer even where columns are twins or separate the outcomes.
    """
    design = np.column_stack([np.ones(len(target)), columns])
    held = np.array([0.0] + [penalty] * columns.shape[1])
    weights = np.zeros(design.shape[1])
    weights[0] = np.log(target.mean() / (1.0 - target.mean()))
    loss = _loss(design, target, weights, held)
    for _ in range(_MOST_STEPS):
        pd = sigmoid(design @ weights)
        curvature = (design * (pd * (1.0 - pd))[:, None]).T @ design + np.diag(held)
        step = np.linalg.solve(curvature, design.T @ (pd - target) + held * weights)
        while (after := _loss(design, target, weights - step, held)) > loss + _TOLERANCE * abs(loss):
            step /= 2.0
        weights, loss = weights - step, after
        if np.abs(step).max() < _TOLERANCE:
            break
    return weights


def _loss(
    design: NDArray[np.float64], target: NDArray[np.float64], weights: NDArray[np.float64], held: NDArray[np.float64]
) -> float:
    log_odds = design @ weights
    return float((np.logaddexp(0.0, log_odds) - target * log_odds).sum() + (held * weights**2).sum() / 2.0)
