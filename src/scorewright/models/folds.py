"""Which applications train, which validate, and which stay locked away until the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scorewright.errors import TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FEWEST_MONTHS = 6


def hold_out(
    target: NDArray[np.int8], seed: int, share: float = 0.2, dates: NDArray[np.datetime64] | None = None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Lock a test set away.

    Parameters
    ----------
    target : ndarray of int8, shape (n,)
        1 = defaulted.
    seed : int
        Seed of the draw; not used with dates.
    share : float
        Part of the applications to lock away.
    dates : ndarray of datetime64, shape (n,), optional
        When each application was made. The test set is then the latest ones, in whole months (in whole days when
        there are fewer than six months), as close to `share` as that allows. An unknown date is never the latest.

    Returns
    -------
    tuple of two ndarrays of intp
        Rows to train on and rows to test on, each in ascending order. Without dates, both have the same share of
        defaults.

    Raises
    ------
    TrainingError
        When training or test would lack defaulted or repaid applications.
    """
    _need_both(target, 2, "locking a test set away")
    test = _random(target, seed, share) if dates is None else _latest(dates, share)
    for part, name in ((~test, "training"), (test, "test")):
        if len(np.unique(target[part])) < 2:
            raise TrainingError(
                f"The {name} set must hold defaulted and repaid applications.",
                f"{int(target[part].sum())} of {int(part.sum())} defaulted",
                "Give more applications, or leave the date out of portfolio.toml for a random test set.",
            )
    return np.flatnonzero(~test), np.flatnonzero(test)


def stratified_folds(target: NDArray[np.int8], seed: int, amount: int = 5) -> NDArray[np.intp]:
    """Deal applications into folds with the same share of defaults in each.

    Parameters
    ----------
    target : ndarray of int8, shape (n,)
        1 = defaulted.
    seed : int
        Seed of the draw.
    amount : int
        Number of folds.

    Returns
    -------
    ndarray of intp, shape (n,)
        Fold of each application, from 0.

    Raises
    ------
    TrainingError
        When there are fewer defaulted or fewer repaid applications than folds.
    """
    from sklearn.model_selection import StratifiedKFold

    _need_both(target, amount, f"cross-validation in {amount} folds")
    fold_of_row = np.empty(len(target), dtype=np.intp)
    split = StratifiedKFold(amount, shuffle=True, random_state=seed).split(np.zeros(len(target)), target)
    for fold, (_, rows) in enumerate(split):
        fold_of_row[rows] = fold
    return fold_of_row


def _need_both(target: NDArray[np.int8], fewest: int, purpose: str) -> None:
    defaulted = int(target.sum())
    repaid = len(target) - defaulted
    if min(defaulted, repaid) < fewest:
        raise TrainingError(
            f"There must be at least {fewest} defaulted and {fewest} repaid applications for {purpose}.",
            f"{defaulted} defaulted and {repaid} repaid",
            "Give more applications, or check which value of the target means defaulted.",
        )


def _random(target: NDArray[np.int8], seed: int, share: float) -> NDArray[np.bool_]:
    """Draw the share of each outcome, at least one and never all of it."""
    test = np.zeros(len(target), dtype=np.bool_)
    draw = np.random.default_rng(seed)
    for outcome in (0, 1):
        rows = np.flatnonzero(target == outcome)
        amount = min(max(1, round(share * len(rows))), len(rows) - 1)
        test[draw.permutation(rows)[:amount]] = True
    return test


def _latest(dates: NDArray[np.datetime64], share: float) -> NDArray[np.bool_]:
    known = ~np.isnat(dates)
    unit = "M" if len(np.unique(dates[known].astype("datetime64[M]"))) >= _FEWEST_MONTHS else "D"
    period = dates.astype(f"datetime64[{unit}]")
    periods, rows = np.unique(period[known], return_counts=True)
    if not len(periods):
        return np.zeros(len(dates), dtype=np.bool_)
    later = np.cumsum(rows[::-1])[::-1]
    first = periods[np.argmin(np.abs(later - share * len(dates)))]
    return np.asarray(known & (period >= first), dtype=np.bool_)
