"""What decisions cost, in the units of the cost matrix.

A cost is always given per application, right decisions included. Divided by the number of errors instead, refusing
everyone would win: all its errors are of the cheap kind.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.inputs import Floats, checked_decisions
from scorewright.domain.costs import CostMatrix


def cost_of_each(target: NDArray[Any], refused: NDArray[np.bool_], costs: CostMatrix) -> Floats:
    """Return the cost of each decision, shape (n,): c_fn for an approved default, c_fp for a refused repayment, else 0.

    Parameters
    ----------
    target : ndarray of {0, 1}, shape (n,)
        1 where the application defaulted.
    refused : ndarray of bool, shape (n,)
        True where it was refused.
    costs : CostMatrix
        Costs of the two wrong decisions.
    """
    defaulted, rejected = checked_decisions(target, refused)
    wrong_approval = np.where(defaulted & ~rejected, costs.false_negative, 0.0)
    return np.where(~defaulted & rejected, costs.false_positive, wrong_approval)


def total_cost(target: NDArray[Any], refused: NDArray[np.bool_], costs: CostMatrix) -> float:
    """Return ``c_fn * FN + c_fp * FP`` over all rows.

    Examples
    --------
    >>> total_cost(np.array([1, 1, 0, 0]), np.array([True, False, True, False]), CostMatrix(10.0, 1.0))
    11.0
    """
    return float(cost_of_each(target, refused, costs).sum())


def cost_per_application(target: NDArray[Any], refused: NDArray[np.bool_], costs: CostMatrix) -> float:
    """Return ``(c_fn * FN + c_fp * FP) / n`` where n counts every application, rightly decided or not.

    Examples
    --------
    >>> cost_per_application(np.array([1, 1, 0, 0]), np.array([True, False, True, False]), CostMatrix(10.0, 1.0))
    2.75
    """
    return total_cost(target, refused, costs) / np.asarray(target).size


def baselines(target: NDArray[Any], costs: CostMatrix) -> dict[str, float]:
    """Return the cost per application of the two policies that need no model.

    Examples
    --------
    >>> baselines(np.array([1, 0, 0, 0]), CostMatrix(10.0, 1.0))
    {'approve_all': 2.5, 'refuse_all': 0.75}
    """
    everyone = np.ones(np.asarray(target).shape, dtype=np.bool_)
    return {
        "approve_all": cost_per_application(target, ~everyone, costs),
        "refuse_all": cost_per_application(target, everyone, costs),
    }
