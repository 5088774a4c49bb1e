"""When applications arrive, and how far the population has drifted by then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.tables.sample.draws import Floats, Ints
from scorewright.tables.sample.reference import shares
from scorewright.tables.sample.settings import Part, SampleConfig

_FIRST_YEAR = 2023
_RAMP = 3
"""Months from the first sign of drift to its full strength."""


@dataclass(frozen=True)
class Arrivals:
    """When the applications of one chunk arrive.

    Parameters
    ----------
    drift : ndarray of float64, shape (n,)
        0 for the population as it was, 1 for the fully drifted one.
    dates : ndarray of datetime64[D], shape (n,), or None
        Day of each application, when the sample is spread over months.
    """

    drift: Floats
    dates: NDArray[np.datetime64] | None = None

    def columns(self) -> dict[str, pl.Series]:
        """Columns that the dates add to, or change in, the application table."""
        if self.dates is None:
            return {}
        days = pl.Series("DATE_APPLICATION", self.dates)
        weekdays = pl.Series(list(shares("application", "WEEKDAY_APPR_PROCESS_START")))
        return {"DATE_APPLICATION": days, "WEEKDAY_APPR_PROCESS_START": weekdays.gather(days.dt.weekday() - 1)}


def arrivals(config: SampleConfig, part: Part, index: Ints) -> Arrivals:
    """Place applications, given by their position in their part, in time."""
    if not config.months:
        return Arrivals(np.zeros(index.size))
    place = np.minimum(index / config.size(part), 1 - 1e-9) * (config.months if part == "train" else 1)
    month = np.floor(place).astype(np.int64) + (1 if part == "train" else config.months + 1)
    effective = np.minimum(month, config.months)
    drift = np.clip((effective - config.first_drifting_month + 1) / _RAMP, 0.0, 1.0)
    return Arrivals(drift, _dates(month, place % 1.0))


def _dates(month: Ints, fraction: Floats) -> NDArray[np.datetime64]:
    dates = np.empty(month.size, dtype="datetime64[D]")
    for number in np.unique(month):
        here = month == number
        first = date(_FIRST_YEAR + (int(number) - 1) // 12, (int(number) - 1) % 12 + 1, 1)
        dates[here] = np.datetime64(first) + _day(first, fraction[here])
    return dates


def _day(first: date, fraction: Floats) -> NDArray[np.timedelta64]:
    """Days after the first of the month: busy weekdays receive more of the month's applications."""
    length = ((first + timedelta(days=31)).replace(day=1) - first).days
    busy = list(shares("application", "WEEKDAY_APPR_PROCESS_START").values())
    weights = np.cumsum([busy[(first.weekday() + day) % 7] for day in range(length)])
    return np.searchsorted(weights / weights[-1], fraction, side="right").astype("timedelta64[D]")
