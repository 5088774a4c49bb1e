"""An interval around each PD: inductive Venn-Abers prediction at a stated level."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from scorewright.domain.measures import ECE_BINS, equal_mass_bins
from scorewright.models import numbers
from scorewright.models.calibrators.newcomer import both_ends

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Interval = tuple[NDArray[np.float64], NDArray[np.float64]]

LEVEL = 0.95
_FILE = "intervals.json"
_MOST_GROUPS, _FEWEST_PER_GROUP = 400, 10
_PDS, _SCORES = 10_000.0, 1_000_000.0
"""What is sealed is rounded: PDs to a hundredth of a per cent, scores to a millionth."""
_TWO_SIDED = 1.959963984540054  # of a normal distribution, 95 % lie within so many standard deviations


@dataclass(frozen=True)
class Steps:
    """A function of the score that is level but for steps up.

    Parameters
    ----------
    scores : tuple of float
        Where it steps up, in log-odds, ascending; the value at a step is the one above it.
    levels : tuple of float
        Its values, one more than `scores`, never falling.

    Examples
    --------
    >>> Steps((-2.0, 1.0), (0.0, 0.1, 0.4)).at(np.array([-np.inf, -2.0, 0.5, 7.0])).tolist()
    [0.0, 0.1, 0.1, 0.4]
    """

    scores: tuple[float, ...]
    levels: tuple[float, ...]

    def at(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give its values at n scores; NaN where the score is NaN."""
        scores, levels = self._arrays
        return levels[scores.searchsorted(log_odds, "right")]

    @cached_property
    def _arrays(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores and levels, with NaN as the last of each: it is sorted behind all numbers."""
        return np.array([*self.scores, np.nan]), np.array([*self.levels, np.nan])

    @classmethod
    def of(cls, scores: NDArray[np.float64], levels: NDArray[np.float64]) -> Steps:
        """Keep one step per score (never falling, shape (k,)) at which the levels, shape (k + 1,), rise."""
        last = np.append(scores[1:] != scores[:-1], True)
        after = levels[1:][last]
        rises = np.diff(after, prepend=levels[0]) > 0.0
        return cls(tuple(scores[last][rises].tolist()), (float(levels[0]), *after[rises].tolist()))

    def to_dict(self) -> dict[str, Any]:
        """Give what is written to JSON."""
        return {"log_odds": list(self.scores), "pd": list(self.levels)}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Steps:
        """Read what ``to_dict`` gave. Raises ``BundleCorruptError``, ``KeyError``, ``TypeError`` and ``ValueError``."""
        scores, levels = (tuple(numbers.number(value) for value in found[name]) for name in ("log_odds", "pd"))
        if len(levels) != len(scores) + 1 or min(levels) < 0.0 or max(levels) > 1.0:
            raise numbers.corrupt(_FILE, "one more PD than scores is needed, each between 0 and 1")
        if any(after <= before for before, after in pairwise(scores)):
            raise numbers.corrupt(_FILE, "scores must rise")
        if any(after < before for before, after in pairwise(levels)):
            raise numbers.corrupt(_FILE, "PDs must not fall")
        return cls(scores, levels)


@dataclass(frozen=True)
class VennAbers:
    """The interval of PDs that past applications leave open for a score.

    A Venn-Abers interval reaches from the default rate that isotonic regression gives a new application's score if the
    application, added to the past ones, repays, to the rate if it defaults. One of the two is right about it, and that
    one is perfectly calibrated as long as new applications come from where the past ones came from, whatever the model.
    With thousands of past applications the two hardly differ, while both would differ had others applied. So the past
    applications are drawn again, many times, and the ends are those that a share `level` of the draws lie between; they
    are never closer than those without drawing.

    What is sealed are steps, rounded outwards, between groups of at least ten applications: no row of any person, and
    never a narrower interval.

    Parameters
    ----------
    low, high : Steps
        Lower and upper end by score.
    level : float
        Share of the draws within.

    Notes
    -----
    Pointwise, and good but not exact: the bootstrap of isotonic regression is not consistent (Sen, Banerjee and
    Woodroofe 2010, *Inconsistency of bootstrap: the Grenander estimator*). `interval_coverage` checks it on held-out
    applications.

    References
    ----------
    Vovk, Petej and Fedorova 2015, *Large-scale probabilistic predictors with and without guarantees of validity*.
    """

    low: Steps
    high: Steps
    level: float = LEVEL

    def interval(self, log_odds: NDArray[np.float64]) -> Interval:
        """Give the lower and the upper end for n scores; neither falls as the score rises."""
        return self.low.at(log_odds), self.high.at(log_odds)

    def around(self, log_odds: NDArray[np.float64], pd: NDArray[np.float64]) -> Interval:
        """Give the interval widened, where need be, until it holds the PD of the same score.

        The PD is that of the calibration that training chose. It borrows from all scores, and may therefore lie just
        outside what applications of nearly the same score say by themselves.
        """
        low, high = self.interval(log_odds)
        return np.minimum(low, pd), np.maximum(high, pd)

    @classmethod
    def fit(
        cls,
        log_odds: NDArray[np.float64],
        target: NDArray[np.int8],
        *,
        level: float = LEVEL,
        resamples: int = 200,
        seed: int = 0,
    ) -> VennAbers:
        """Learn from n applications that the model has not learnt from. Their order has no say.

        Parameters
        ----------
        log_odds : ndarray of float64, shape (n,)
            Their scores. Neighbouring ones form at most 400 groups, within which they count as equal.
        target : ndarray of int8, shape (n,)
            1 = defaulted.
        level : float
            Share of the draws that lie between the ends.
        resamples : int
            Number of draws; with 0 the interval is the bare Venn-Abers one.
        seed : int
            Seed of the draws.
        """
        groups = _grouped(log_odds, target)
        low, high = groups.ends()
        if resamples:
            drawn_low, drawn_high = groups.drawn(resamples, seed)
            low = np.minimum(low, np.quantile(drawn_low, (1.0 - level) / 2.0, axis=0))
            high = np.maximum(high, np.quantile(drawn_high, (1.0 + level) / 2.0, axis=0))
        low, high = np.maximum.accumulate(low), np.maximum.accumulate(high)
        return cls(
            Steps.of(np.ceil(groups.first * _SCORES) / _SCORES, np.floor(low * _PDS) / _PDS),
            Steps.of(np.floor(groups.last * _SCORES) / _SCORES, np.ceil(high * _PDS) / _PDS),
            level,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give what is written to JSON."""
        return {"high": self.high.to_dict(), "level": self.level, "low": self.low.to_dict()}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> VennAbers:
        """Read what ``to_dict`` gave.

        Raises
        ------
        BundleCorruptError
            It is no interval for every score, or one that falls where the score rises.
        """
        try:
            level = numbers.number(found["level"])
            read = cls(Steps.from_dict(found["low"]), Steps.from_dict(found["high"]), level)
        except (KeyError, TypeError, ValueError) as error:
            raise numbers.corrupt(_FILE, f"no intervals: {error}"[:200]) from error
        low, high = read.interval(np.array([-np.inf, *read.low.scores, *read.high.scores]))
        if (low > high).any() or not 0.0 < level < 1.0:
            raise numbers.corrupt(_FILE, "a lower end lies above its upper end, or the level is none")
        return read


@dataclass(frozen=True)
class _Groups:
    """Past applications in groups of neighbouring scores. Arrays have shape (k,), by ascending score."""

    first: NDArray[np.float64]
    last: NDArray[np.float64]
    defaults: NDArray[np.intp]
    repaid: NDArray[np.intp]

    def ends(self) -> Interval:
        return both_ends(self.defaults.tolist(), (self.defaults + self.repaid).tolist())

    def drawn(self, resamples: int, seed: int) -> Interval:
        """Ends of every resample, each of shape (resamples, k + 1). Drawing cells is drawing applications."""
        cells = np.concatenate([self.defaults, self.repaid])
        counts = np.random.default_rng(seed).multinomial(cells.sum(), cells / cells.sum(), resamples)
        parts = (_Groups(self.first, self.last, *np.split(count, 2)).ends() for count in counts)
        low, high = zip(*parts, strict=True)
        return np.array(low), np.array(high)


def _grouped(log_odds: NDArray[np.float64], target: NDArray[np.int8]) -> _Groups:
    scores = np.clip(log_odds, -numbers.LARGEST_VALUE, numbers.LARGEST_VALUE)
    wanted = max(1, min(_MOST_GROUPS, len(scores) // _FEWEST_PER_GROUP))
    _, group = np.unique(equal_mass_bins(scores, wanted), return_inverse=True)
    order = np.lexsort((scores, group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    ends = np.append(starts[1:], len(scores)) - 1
    defaults = np.bincount(group, weights=target).astype(np.intp)
    return _Groups(scores[order][starts], scores[order][ends], defaults, np.bincount(group) - defaults)


def cross_fitted_intervals(
    log_odds: NDArray[np.float64], target: NDArray[np.int8], fold_of_row: NDArray[np.intp], *, seed: int = 0
) -> Interval:
    """Give n out-of-fold scores the intervals that the other folds' scores leave open.

    Parameters
    ----------
    log_odds, target, fold_of_row : ndarray, shape (n,)
        Out-of-fold scores, outcomes (1 = defaulted), and the fold of each application.
    seed : int
        Seed of the draws.
    """
    low, high = np.empty(len(log_odds)), np.empty(len(log_odds))
    for fold in np.unique(fold_of_row):
        inside = fold_of_row == fold
        learnt = VennAbers.fit(log_odds[~inside], target[~inside], seed=seed)
        low[inside], high[inside] = learnt.interval(log_odds[inside])
    return low, high


def interval_coverage(
    pd: NDArray[np.float64],
    interval: Interval,
    target: NDArray[np.int8],
    fold_of_row: NDArray[np.intp],
    bins: int = ECE_BINS,
) -> float:
    """Share of held-out bins whose observed default rate agrees with their intervals.

    Within each fold, applications are put into bins of equal numbers by PD. A bin agrees when the 95 % Wilson interval
    of its observed default rate meets the span from the mean lower to the mean upper end of its intervals: the rate of
    a few hundred applications is itself not known better. Intervals that hold the true rates reach 95 % and more.

    Parameters
    ----------
    pd : ndarray of float64, shape (n,)
        Out-of-fold PDs, which only order the applications of a fold.
    interval : pair of ndarray of float64, each of shape (n,)
        Lower and upper ends by what learnt nothing from the application's fold.
    target, fold_of_row : ndarray, shape (n,)
        1 = defaulted, and the fold of each application.
    bins : int
        Bins per fold.

    References
    ----------
    Wilson 1927, *Probable inference, the law of succession, and statistical inference*.
    """
    agreeing: list[bool] = []
    for fold in np.unique(fold_of_row):
        inside = fold_of_row == fold
        in_bin = equal_mass_bins(pd[inside], bins)
        amount = np.bincount(in_bin, minlength=bins)
        held = amount > 0
        rows = (interval[0][inside], interval[1][inside], target[inside])
        low, high, rate = (np.bincount(in_bin, row, minlength=bins)[held] / amount[held] for row in rows)
        least, most = wilson(rate, amount[held])
        agreeing += ((least <= high) & (low <= most)).tolist()
    return float(np.mean(agreeing))


def wilson(rate: NDArray[np.float64], amount: NDArray[np.intp]) -> Interval:
    """Wilson's 95 % interval of observed rates, shape (k,), among so many applications."""
    squared = _TWO_SIDED**2 / amount
    middle = (rate + squared / 2.0) / (1.0 + squared)
    reach = np.sqrt(squared * (rate * (1.0 - rate) + squared / 4.0)) / (1.0 + squared)
    return middle - reach, middle + reach
