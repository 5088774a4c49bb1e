"""One score, shared out among the features in log-odds, in PD and in points.

A model shares out its own score: that is the only scale on which its contributions mean something by themselves. They
are carried to another scale by the rescale rule of DeepLIFT (Shrikumar, Greenside and Kundaje 2017, *Learning important
features through propagating activation differences*, section 3.5.1): each is multiplied by the slope of the chord from
the average application to this one,

    share = contribution * (f(x) - f(x0)) / (x - x0),

so that the features keep their order and proportions, and the shares sum to ``f(x) - f(x0)``. Where the two meet the
slope is the derivative there.

Points are those of a scorecard, more being safer:

    points(PD) = P - pdo / ln 2 * (logit(PD) - logit(1 / (1 + odds))),

which is P at `odds` good to one bad, and `pdo` more where these odds double.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scorewright.domain.explanations import PointScale, Shares
from scorewright.errors import AdditivityError

Floats = NDArray[np.float64]
PdOf = Callable[[Floats], Floats]

TOLERANCE = 1e-9
"""How far contributions may sum beside the score, in parts of it where it is above 1."""

_POINTS = PointScale()
_LEAST = float(np.finfo(np.float64).eps)
_LEAST_BASE = 1e-6  # models give their log-odds from probabilities clipped to it
_MEETING = 1e-6
_STEP = 1e-3  # in log-odds, on either side, for the derivative of a calibration


@dataclass(frozen=True)
class Scored:
    """What a model says of n applications with p features.

    Parameters
    ----------
    contributions : ndarray of float64, shape (n, p + 1)
        What each feature moves the score by, on the model's scale; the last column is the base value.
    score : ndarray of float64, shape (n,)
        The scores that they share out, as the model gives them.
    log_odds : ndarray of float64, shape (n,)
        The same in log-odds, as the calibration is given them. Finite.
    scale : {"log-odds", "probability"}
        Scale of the first two.
    """

    contributions: Floats
    score: Floats
    log_odds: Floats
    scale: Literal["log-odds", "probability"] = "log-odds"


@dataclass(frozen=True)
class ScaleShares:
    """Shares on one scale: ``base + shares.sum(axis=1)`` is `value`.

    Parameters
    ----------
    base, value : ndarray of float64, shape (n,)
        The average application, and this one.
    shares : ndarray of float64, shape (n, p)
        What each feature adds.
    """

    base: Floats
    value: Floats
    shares: Floats


@dataclass(frozen=True)
class SharedOut:
    """Shares of n applications on three scales. More is riskier, but for points."""

    log_odds: ScaleShares
    pd: ScaleShares
    points: ScaleShares

    def totals(self, row: int = 0) -> Shares:
        """Base and value of one application, on each scale."""
        scales = (self.log_odds, self.pd, self.points)
        return Shares(*(float(end[row]) for scale in scales for end in (scale.base, scale.value)))


def points_of(pd: Floats, scale: PointScale = _POINTS) -> Floats:
    """Turn n PDs into points, more being safer.

    The log-odds of a PD of 0 or 1 are infinite: these two count as the nearest PD that a calibration gives, a rounding
    error (2.2e-16) away from it.

    Examples
    --------
    >>> points_of(np.array([1 / 51, 1 / 101])).round(6).tolist()
    [600.0, 620.0]
    """
    within = np.clip(pd, _LEAST, 1.0 - _LEAST)
    found: Floats = scale.points - scale.pdo / math.log(2.0) * (
        np.log(within) - np.log1p(-within) + math.log(scale.odds)
    )
    return found


def check_additive(contributions: Floats, score: Floats) -> None:
    """Make sure that contributions, the base value among them, sum to the scores.

    Parameters
    ----------
    contributions : ndarray of float64, shape (n, p + 1)
        Of n applications.
    score : ndarray of float64, shape (n,)
        On the same scale.

    Raises
    ------
    AdditivityError
        A sum is further from its score than `TOLERANCE`, or is no number.
    """
    _check_sums(contributions.sum(axis=1), score, "score")


def share_out(scored: Scored, pd: PdOf, points: PointScale = _POINTS) -> SharedOut:
    """Share scores out among the features on three scales, each exactly.

    Parameters
    ----------
    scored : Scored
        What the model says.
    pd : callable
        The calibration: from k log-odds to k PDs, never falling.
    points : PointScale
        What a PD is worth in points.

    Raises
    ------
    AdditivityError
        The contributions do not sum to the scores, or the shares to what they share out.
    """
    check_additive(scored.contributions, scored.score)
    log_odds = _in_log_odds(scored)
    around = _around(log_odds, pd)
    chances, worth = _carried(log_odds, around), _carried(log_odds, points_of(around, points))
    for name, scale in (("log-odds", log_odds), ("PD", chances), ("points", worth)):
        _check_sums(scale.base + scale.shares.sum(axis=1), scale.value, name)
    return SharedOut(log_odds, chances, worth)


def _check_sums(sums: Floats, values: Floats, name: str) -> None:
    with np.errstate(invalid="ignore"):
        off = np.abs(sums - values) / np.maximum(1.0, np.abs(values))
        wrong = ~(off <= TOLERANCE)
    if wrong.any():
        raise AdditivityError(name, int(wrong.sum()), float(np.max(off)))


def _in_log_odds(scored: Scored) -> ScaleShares:
    moves, base = scored.contributions[:, :-1], scored.contributions[:, -1]
    if scored.scale == "log-odds":
        return ScaleShares(base, scored.log_odds, moves)
    within = np.clip(base, _LEAST_BASE, 1.0 - _LEAST_BASE)
    start = np.log(within) - np.log1p(-within)
    spread = within * (1.0 - within)
    meeting = np.abs(moves.sum(axis=1)) <= _MEETING * spread
    return ScaleShares(start, scored.log_odds, _rescaled(moves, scored.log_odds - start, meeting, 1.0 / spread))


def _around(log_odds: ScaleShares, pd: PdOf) -> Floats:
    """PDs of the applications, of the average, and just below and above it: shape (4, n)."""
    base = log_odds.base
    found = pd(np.concatenate((log_odds.value, base, base - _STEP, base + _STEP)))
    return found.reshape(4, -1)


def _carried(log_odds: ScaleShares, around: Floats) -> ScaleShares:
    """Carry shares of log-odds to a function of them, known at the four places of `_around`."""
    value, base, below, above = around
    meeting = np.abs(log_odds.value - log_odds.base) <= _MEETING
    return ScaleShares(base, value, _rescaled(log_odds.shares, value - base, meeting, (above - below) / (2.0 * _STEP)))


def _rescaled(moves: Floats, rise: Floats, meeting: NDArray[np.bool_], derivative: Floats) -> Floats:
    """Multiply contributions, shape (n, p), so that they sum to `rise`, shape (n,).

    Where the ends meet, rounding would drown the slope of the chord, and the derivative stands in for it. What then
    lacks, and what rounding leaves anywhere, goes to the features in proportion to how far they moved the score.
    """
    run = moves.sum(axis=1)
    slope = np.where(meeting, derivative, rise / np.where(meeting, 1.0, run))
    multiplied = moves * slope[:, None]
    reach = np.abs(moves)
    total = reach.sum(axis=1)
    lacking = (rise - multiplied.sum(axis=1)) / np.where(total == 0.0, 1.0, total)
    shares: Floats = multiplied + reach * lacking[:, None]
    return shares
