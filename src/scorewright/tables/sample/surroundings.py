"""The columns of the application table about the building, the social circle and the bureau's enquiries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from scorewright.tables.sample.applicants import Applicants
from scorewright.tables.sample.draws import Floats, Rng, blank, chance, pick
from scorewright.tables.sample.person import Columns
from scorewright.tables.sample.reference import along, housing, missing, shares

_NO_STATISTIC = ("TOTALAREA",)
_ENQUIRIES = {"HOUR": 0.0065, "DAY": 0.007, "WEEK": 0.034, "MON": 0.27, "QRT": 0.265, "YEAR": 1.9}


def surroundings_columns(rng: Rng, people: Applicants) -> Columns:
    """Describe what surrounds the persons."""
    return _building(rng, people) | _circle(rng, people) | _enquiries(rng, people)


def _building(rng: Rng, people: Applicants) -> Columns:
    """Measures of a building: one hidden size behind all, and blanks together, since a building is surveyed or not."""
    surveyed = rng.random(people.size)
    columns: Columns = {}
    for measure, shape in housing().items():
        columns |= _measure(rng, people, measure, shape, surveyed)
    for column in ("FONDKAPREMONT_MODE", "HOUSETYPE_MODE", "WALLSMATERIAL_MODE", "EMERGENCYSTATE_MODE"):
        values = pick(shares("application", column, people.part), rng.random(people.size))
        known = pl.Series(surveyed >= missing(column))
        columns[column] = pl.select(pl.when(pl.lit(known)).then(values)).to_series()
    return columns


def _measure(rng: Rng, people: Applicants, measure: str, shape: Mapping[str, Any], surveyed: Floats) -> Columns:
    score = 0.7 * people.building + 0.714 * rng.standard_normal(people.size)
    average = along(shape["quantiles"], score)
    absent = surveyed < shape["missing"]
    if measure in _NO_STATISTIC:
        return {f"{measure}_MODE": blank(np.round(average, 4), absent)}
    mode = np.clip(average * (1.0 + 0.06 * rng.standard_normal(people.size)), 0.0, 1.0)
    median = np.clip(average * (1.0 + 0.015 * rng.standard_normal(people.size)), 0.0, 1.0)
    named = {"AVG": average, "MODE": mode, "MEDI": median}
    return {f"{measure}_{name}": blank(np.round(values, 4), absent) for name, values in named.items()}


def _circle(rng: Rng, people: Applicants) -> Columns:
    """Acquaintances observed, and late: by 60 days only those late by 30, and those only among the observed."""
    observed = rng.poisson(1.42 * rng.gamma(0.55, 1.0 / 0.55, people.size))
    late = rng.binomial(observed, np.clip(0.1 * np.exp(-0.25 * people.discipline), 0.0, 1.0))
    observed_60 = observed - (rng.binomial(observed, 0.012) * (observed > late))
    columns: Columns = {
        "OBS_30_CNT_SOCIAL_CIRCLE": observed,
        "DEF_30_CNT_SOCIAL_CIRCLE": late,
        "OBS_60_CNT_SOCIAL_CIRCLE": np.maximum(observed_60, late),
        "DEF_60_CNT_SOCIAL_CIRCLE": rng.binomial(late, 0.7),
    }
    unknown = chance(rng, 0.0035, people.size)
    return {name: blank(values.astype(float), unknown) for name, values in columns.items()}


def _enquiries(rng: Rng, people: Applicants) -> Columns:
    """Enquiries at the bureau before the application; blank for those whom the bureau does not know."""
    eager = rng.gamma(1.6, 1.0 / 1.6, people.size) * np.exp(-0.15 * people.discipline)
    return {
        f"AMT_REQ_CREDIT_BUREAU_{span}": blank(rng.poisson(mean * eager).astype(float), ~people.banked)
        for span, mean in _ENQUIRIES.items()
    }
