"""The columns of the application table that describe the person."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from scorewright.tables.sample.applicants import Applicants
from scorewright.tables.sample.draws import Flags, Floats, Ints, Rng, blank, chance, normal_cdf, pick, rounded, words
from scorewright.tables.sample.reference import missing, quantile, shares

Columns = dict[str, Any]

_NOT_EMPLOYED = 365_243
_YES_NO = ("N", "Y")


def person_columns(rng: Rng, people: Applicants) -> Columns:
    """Describe the persons: family, work, home, and the scores of outside agencies."""
    man = chance(rng, 0.3425, people.size)
    columns: Columns = {"SK_ID_CURR": people.keys, "CODE_GENDER": _gender(rng, people, man)}
    columns |= _family(rng, people)
    columns |= _work(rng, people, man)
    columns |= _home(rng, people, man)
    columns |= _reach(rng, people, columns["FLAG_EMP_PHONE"] == 1)
    columns |= _moves(rng, people, columns["FLAG_EMP_PHONE"] == 1)
    return columns | _external(rng, people)


def _gender(rng: Rng, people: Applicants, man: Flags) -> pl.Series:
    """Women and men; the labelled part has the published trace of 'XNA'."""
    unknown = chance(rng, 1.3e-5 if people.part == "train" else 0.0, people.size)
    return words(("F", "M", "XNA"), np.where(unknown, 2, man))


def _family(rng: Rng, people: Applicants) -> Columns:
    status = _leaning(rng, people, "NAME_FAMILY_STATUS", age=0.45)
    years = -quantile("DAYS_BIRTH", -people.age) / 365.25
    children = np.minimum(rng.poisson(0.95 * np.exp(-(((years - 36.0) / 11.0) ** 2))), 6)
    together = status.is_in(["Married", "Civil marriage"]).to_numpy()
    return {
        "NAME_FAMILY_STATUS": status,
        "CNT_CHILDREN": children,
        "CNT_FAM_MEMBERS": 1 + together + children,
        "DAYS_BIRTH": np.round(quantile("DAYS_BIRTH", -people.age)),
        "NAME_EDUCATION_TYPE": _leaning(rng, people, "NAME_EDUCATION_TYPE", wealth=0.4, age=-0.15),
    }


def _work(rng: Rng, people: Applicants, man: Flags) -> Columns:
    kind = _leaning(rng, people, "NAME_INCOME_TYPE", wealth=0.3)
    kind = pl.select(pl.when(pl.lit(people.retired)).then(pl.lit("Pensioner")).otherwise(kind)).to_series()
    idle = people.retired | kind.is_in(["Unemployed"]).to_numpy()
    income = 0.9 * people.wealth - 0.5 * people.retired + 0.25 * man + 0.4 * rng.standard_normal(people.size)
    trade = _leaning(rng, people, "OCCUPATION_TYPE", wealth=0.5)
    unstated = idle | chance(rng, 0.16, people.size)
    employer = pick(shares("application", "ORGANIZATION_TYPE", people.part), rng.random(people.size))
    return {
        "NAME_INCOME_TYPE": kind,
        "AMT_INCOME_TOTAL": rounded(quantile("AMT_INCOME_TOTAL", income), 4_500.0),
        "DAYS_EMPLOYED": np.where(idle, _NOT_EMPLOYED, _tenure(rng, people)),
        "FLAG_EMP_PHONE": 1 - idle,
        "OCCUPATION_TYPE": _where(trade, ~unstated),
        "ORGANIZATION_TYPE": _where(employer, ~idle).fill_null("XNA"),
    }


def _tenure(rng: Rng, people: Applicants) -> Floats:
    """Days in the present job: longer for the older, never begun before the age of 17."""
    score = 0.35 * people.age + 0.94 * rng.standard_normal(people.size)
    youngest = quantile("DAYS_BIRTH", -people.age) + 17 * 365
    return np.asarray(np.round(np.maximum(quantile("DAYS_EMPLOYED", -score), np.minimum(youngest, -30.0))))


def _home(rng: Rng, people: Applicants, man: Flags) -> Columns:
    car = chance(rng, np.where(man, 0.52, 0.25) + 0.06 * np.tanh(people.wealth), people.size)
    rating = 1 + (people.region < 1.258).astype(int) + (people.region < -1.01)
    age_of_car = np.round(quantile("OWN_CAR_AGE", 0.95 * rng.standard_normal(people.size) - 0.3 * people.wealth))
    return {
        "FLAG_OWN_CAR": words(_YES_NO, car.astype(int)),
        "OWN_CAR_AGE": blank(age_of_car, ~car),
        "FLAG_OWN_REALTY": words(_YES_NO, chance(rng, 0.694, people.size).astype(int)),
        "NAME_HOUSING_TYPE": _leaning(rng, people, "NAME_HOUSING_TYPE", age=0.4),
        "REGION_POPULATION_RELATIVE": _population(rng, people),
        "REGION_RATING_CLIENT": rating,
        "REGION_RATING_CLIENT_W_CITY": rating - ((rating > 1) & chance(rng, 0.022, people.size)),
        "DAYS_REGISTRATION": np.round(quantile("DAYS_REGISTRATION", -_aged(rng, people, 0.3))),
        "DAYS_ID_PUBLISH": np.round(quantile("DAYS_ID_PUBLISH", -_aged(rng, people, 0.25))),
    }


def _population(rng: Rng, people: Applicants) -> Floats:
    score = 0.55 * people.region + 0.835 * rng.standard_normal(people.size)
    return np.asarray(np.round(quantile("REGION_POPULATION_RELATIVE", score), 6))


def _reach(rng: Rng, people: Applicants, employed: Flags) -> Columns:
    changed = quantile("DAYS_LAST_PHONE_CHANGE", rng.standard_normal(people.size))
    return {
        "FLAG_MOBIL": np.ones(people.size),
        "FLAG_WORK_PHONE": employed & chance(rng, 0.243, people.size),
        "FLAG_CONT_MOBILE": chance(rng, 0.998, people.size),
        "FLAG_PHONE": chance(rng, 0.279, people.size),
        "FLAG_EMAIL": chance(rng, 0.055 + 0.1 * people.drift, people.size),
        "DAYS_LAST_PHONE_CHANGE": np.round(changed),
    }


def _moves(rng: Rng, people: Applicants, employed: Flags) -> Columns:
    """Whether people are registered, live and work in different regions or towns."""
    young = np.exp(-0.25 * people.age)
    columns: Columns = {}
    for place, elsewhere, works in (("REGION", 0.015, 0.061), ("CITY", 0.075, 0.275)):
        apart = chance(rng, elsewhere * young, people.size)
        away = employed & chance(rng, works * young, people.size)
        commutes = np.where(away, chance(rng, 0.75, people.size), employed & apart & chance(rng, 0.3, people.size))
        columns[f"REG_{place}_NOT_LIVE_{place}"] = apart
        columns[f"REG_{place}_NOT_WORK_{place}"] = away
        columns[f"LIVE_{place}_NOT_WORK_{place}"] = commutes
    return columns


def _external(rng: Rng, people: Applicants) -> Columns:
    columns: Columns = {}
    for number, score in enumerate(people.external, start=1):
        name = f"EXT_SOURCE_{number}"
        values = np.round(quantile(name, score), 6)
        columns[name] = blank(values, chance(rng, missing(name), people.size))
    return columns


def _aged(rng: Rng, people: Applicants, weight: float) -> Floats:
    return np.asarray(weight * people.age + np.sqrt(1 - weight**2) * rng.standard_normal(people.size))


def _leaning(rng: Rng, people: Applicants, column: str, age: float = 0.0, wealth: float = 0.0) -> pl.Series:
    """Draw a category whose listed order follows age or wealth, with the given correlations."""
    noise = np.sqrt(1.0 - age**2 - wealth**2) * rng.standard_normal(people.size)
    score = age * people.age + wealth * people.wealth + noise
    return pick(shares("application", column, people.part), normal_cdf(score))


def _where(values: pl.Series, keep: Flags | Ints) -> pl.Series:
    return pl.select(pl.when(pl.lit(pl.Series(keep))).then(values)).to_series()
