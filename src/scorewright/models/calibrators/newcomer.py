"""Isotonic regression's value for one more application, at every place at once.

The algorithm is that of Vovk, Petej and Fedorova 2015, *Large-scale probabilistic predictors with and without
guarantees of validity*, in whole numbers. The library ``venn-abers`` gives the same answers, and the tests hold this to
them. It is not used here because it takes applications one by one where this takes groups, which hundreds of resamples
need, and because importing it turns numpy's warnings off for the whole process.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def both_ends(defaults: Sequence[int], applications: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give isotonic regression's value for a newcomer at each place among k groups of equal scores, ascending.

    Returns
    -------
    low : ndarray of float64, shape (k + 1,)
        When the newcomer repays: below all groups, then at or right above each.
    high : ndarray of float64, shape (k + 1,)
        When it defaults: at or right below each group, then above all.
    """
    repaid = [amount - bad for amount, bad in zip(applications, defaults, strict=True)]
    high = _with_a_default(defaults, applications)
    # A newcomer that repays among ascending scores is one that defaults once scores and outcomes are turned around.
    low = 1.0 - _with_a_default(repaid[::-1], applications[::-1])[::-1]
    return low, high


def _with_a_default(defaults: Sequence[int], applications: Sequence[int]) -> NDArray[np.float64]:
    """Value for a newcomer that defaults, at each of k + 1 places, in time that grows with k.

    Isotonic regression is the slope of the greatest convex minorant of the cumulative sums. A newcomer at a place moves
    what lies before it by (-1, -1) relative to what follows; the slope sought is that of the minorant's edge over this
    gap, from a corner before it to the point it touches after it. Both only ever move to the right.
    """
    across, up = [0, *accumulate(applications)], [0, *accumulate(defaults)]
    following = _lower_hulls(across, up)
    found = np.empty(len(across))
    corner, touch, rise, run = 0, 0, 1, 1
    for place in range(len(across)):
        if place == 0 or (up[place] - up[corner]) * run < rise * (across[place] - across[corner]):
            corner, touch = place, max(touch, place)
            rise, run = up[touch] - up[place] + 1, across[touch] - across[place] + 1
            while touch < len(following):
                beyond = following[touch]
                rise_beyond, run_beyond = up[beyond] - up[place] + 1, across[beyond] - across[place] + 1
                if rise_beyond * run > rise * run_beyond:
                    break
                touch, rise, run = beyond, rise_beyond, run_beyond
        found[place] = rise / run
    return found


def _lower_hulls(across: Sequence[int], up: Sequence[int]) -> list[int]:
    """For each point but the last, which point follows it on the lower convex hull of it and all to its right."""
    last = len(across) - 1
    following = [last] * last
    for point in range(last - 1, -1, -1):
        beyond = point + 1
        while beyond < last:
            further = following[beyond]
            first = (up[beyond] - up[point]) * (across[further] - across[beyond])
            if first < (up[further] - up[beyond]) * (across[beyond] - across[point]):
                break
            beyond = further
        following[point] = beyond
    return following
