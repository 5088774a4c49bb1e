"""Who defaults: the hidden risk process."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from scorewright.tables.sample.applicants import Applicants
from scorewright.tables.sample.draws import Flags, Floats, Rng, chance, logistic
from scorewright.tables.sample.person import Columns

_BASE = -2.95
"""Log-odds of default of the typical applicant; gives about 8 % over the undrifted population."""

_EXTERNAL = (0.31, 0.53, 0.62)
_DISCIPLINE = 0.78
_DRIFTED = 0.20

_CATEGORIES: Mapping[str, Mapping[str, float]] = {
    "CODE_GENDER": {"M": 0.30},
    "NAME_CONTRACT_TYPE": {"Revolving loans": -0.35},
    "NAME_EDUCATION_TYPE": {
        "Lower secondary": 0.25,
        "Incomplete higher": -0.1,
        "Higher education": -0.35,
        "Academic degree": -0.9,
    },
    "NAME_FAMILY_STATUS": {"Married": -0.1, "Widow": -0.1},
    "NAME_HOUSING_TYPE": {"Rented apartment": 0.3, "With parents": 0.1, "Municipal apartment": 0.15},
    "NAME_INCOME_TYPE": {"State servant": -0.25, "Commercial associate": -0.05, "Unemployed": 1.5},
    "OCCUPATION_TYPE": {
        "Low-skill Laborers": 0.45,
        "Laborers": 0.15,
        "Drivers": 0.15,
        "Cooking staff": 0.2,
        "Security staff": 0.15,
        "Accountants": -0.35,
        "Core staff": -0.15,
        "Managers": -0.1,
    },
    "FLAG_OWN_CAR": {"Y": -0.22},
    "REGION_RATING_CLIENT_W_CITY": {"1": -0.3, "3": 0.25},
}


def draw_target(rng: Rng, people: Applicants, columns: Columns) -> Flags:
    """Draw who defaults, from the columns of the application and the hidden traits."""
    score = _BASE + _from_traits(people) + _from_categories(columns) + _from_numbers(columns)
    return chance(rng, logistic(score), people.size)


def _from_traits(people: Applicants) -> Floats:
    opinions = np.tensordot(np.array(_EXTERNAL), people.external, axes=1)
    return np.asarray(_DRIFTED * people.drift - opinions - _DISCIPLINE * people.discipline)


def _from_categories(columns: Columns) -> Floats:
    effects = [
        pl.Series(columns[name]).cast(pl.String).replace_strict(effect, default=0.0, return_dtype=pl.Float64)
        for name, effect in _CATEGORIES.items()
    ]
    return np.asarray(np.sum([effect.to_numpy() for effect in effects], axis=0))


def _from_numbers(columns: Columns) -> Floats:
    """Effects of numbers: short tenure, recent papers, city to city commuting, dear and middling loans."""
    tenure = np.clip(-np.asarray(columns["DAYS_EMPLOYED"], dtype=float) / 365.0, 0.0, 15.0)
    idle = np.asarray(columns["FLAG_EMP_PHONE"]) == 0
    premium = columns["AMT_CREDIT"] / np.nan_to_num(columns["AMT_GOODS_PRICE"], nan=1e9) - 1.0
    length = np.nan_to_num(columns["AMT_CREDIT"] / columns["AMT_ANNUITY"], nan=20.0)
    return np.asarray(
        np.where(idle, -0.25, 0.3 - 0.07 * tenure)
        + 0.05 * columns["DAYS_ID_PUBLISH"] / 1500.0
        + 0.08 * columns["DAYS_LAST_PHONE_CHANGE"] / 800.0
        + 0.15 * columns["REG_CITY_NOT_WORK_CITY"]
        + 1.3 * np.clip(premium, 0.0, 0.4)
        - 0.25 * np.tanh((length - 21.0) / 6.0) ** 2
        + 0.2 * columns["FLAG_DOCUMENT_3"]
    )
