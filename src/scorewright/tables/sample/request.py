"""The columns of the application table that describe the credit asked for and how it was asked."""

from __future__ import annotations

import numpy as np
import polars as pl

from scorewright.tables.sample.applicants import Applicants
from scorewright.tables.sample.draws import Flags, Floats, Rng, blank, chance, pick, rounded, words
from scorewright.tables.sample.person import Columns
from scorewright.tables.sample.reference import documents, quantile, shares
from scorewright.tables.sample.settings import Part

CONTRACTS = ("Cash loans", "Revolving loans")
_REVOLVING = {"train": 0.094, "test": 0.009}
_SUITE_MISSING = {"train": 0.004, "test": 0.019}
_GOODS_MISSING = 0.008
_TERMS = (12, 18, 24, 30, 36, 42, 48, 54, 60)


def request_columns(rng: Rng, people: Applicants) -> Columns:
    """Describe the requests: contract, amounts, hour, company and documents handed in."""
    revolving = chance(rng, _REVOLVING[people.part] * (1.0 - 0.7 * people.drift), people.size)
    suite = pick(shares("application", "NAME_TYPE_SUITE", people.part), rng.random(people.size))
    alone = chance(rng, 1.0 - _SUITE_MISSING[people.part], people.size)
    columns: Columns = {
        "NAME_CONTRACT_TYPE": words(CONTRACTS, revolving.astype(int)),
        "NAME_TYPE_SUITE": pl.select(pl.when(pl.lit(pl.Series(alone))).then(suite)).to_series(),
        "WEEKDAY_APPR_PROCESS_START": _weekday(rng, people.part, people.size),
        "HOUR_APPR_PROCESS_START": np.round(quantile("HOUR_APPR_PROCESS_START", rng.standard_normal(people.size))),
    }
    return columns | _amounts(rng, people, revolving) | _documents(rng, people, revolving)


def annuity(credit: Floats, months: Floats, yearly_rate: Floats) -> Floats:
    """Constant monthly payment that repays `credit` in `months` at a nominal yearly rate."""
    monthly = yearly_rate / 12.0
    return np.asarray(credit * monthly / (1.0 - (1.0 + monthly) ** -months), dtype=np.float64)


def _amounts(rng: Rng, people: Applicants, revolving: Flags) -> Columns:
    score = 0.45 * people.wealth + 0.25 * people.drift + 0.89 * rng.standard_normal(people.size)
    limit = rounded(np.exp(12.4 + 0.5 * score), 45_000.0)
    goods = np.where(revolving, limit, rounded(quantile("AMT_GOODS_PRICE", score), 4_500.0))
    premium = np.maximum(rng.normal(0.13, 0.13, people.size), 0.0)
    credit = np.where(revolving, limit, rounded(goods * (1.0 + premium), 4.5))
    size = np.clip(np.round(3.1 + 1.9 * score + rng.normal(0.0, 1.7, people.size)), 0, len(_TERMS) - 1).astype(int)
    rate = np.clip(rng.normal(0.22, 0.07, people.size) - 0.02 * score, 0.08, 0.45)
    monthly = np.where(revolving, credit / 20.0, annuity(credit, np.array(_TERMS)[size].astype(float), rate))
    return {
        "AMT_CREDIT": credit,
        "AMT_GOODS_PRICE": blank(goods, revolving & chance(rng, _GOODS_MISSING, people.size)),
        "AMT_ANNUITY": blank(rounded(monthly, 4.5), chance(rng, 4e-5, people.size)),
    }


def _documents(rng: Rng, people: Applicants, revolving: Flags) -> Columns:
    """Nearly every cash loan comes with document 3, or with 6 (pensioners) or 8 in its place."""
    pension = people.retired & chance(rng, 0.49, people.size)
    other = ~pension & ~revolving & chance(rng, 0.1, people.size)
    usual = ~revolving & ~pension & ~other & chance(rng, 0.955, people.size)
    columns: Columns = {
        "FLAG_DOCUMENT_3": usual | (revolving & chance(rng, 0.04, people.size)),
        "FLAG_DOCUMENT_6": pension,
        "FLAG_DOCUMENT_8": other,
    }
    for number, share in documents().items():
        columns[f"FLAG_DOCUMENT_{number}"] = chance(rng, share, people.size)
    return columns


def _weekday(rng: Rng, part: Part, size: int) -> pl.Series:
    return pick(shares("application", "WEEKDAY_APPR_PROCESS_START", part), rng.random(size))
