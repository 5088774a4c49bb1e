"""Loans with other lenders, as the credit bureau reports them, and their months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from scorewright.tables.sample.applicants import Applicants
from scorewright.tables.sample.draws import (
    Flags,
    Floats,
    Ints,
    Ragged,
    Rng,
    blank,
    chance,
    log_odds,
    logistic,
    pick,
    rounded,
    step,
    words,
)
from scorewright.tables.sample.reference import frame, quantile, shares

MONTH = 30.4375
_REPORTED_MONTHLY = 0.435
_MOST_LOANS = 60

_TERM = {"Consumer credit": 480.0, "Credit card": 1500.0, "Car loan": 1500.0, "Mortgage": 5000.0, "Microloan": 60.0}
_SUM = {"Consumer credit": 115e3, "Credit card": 110e3, "Car loan": 1.4e6, "Mortgage": 4.5e6, "Microloan": 25e3}
_NO_END = {"Credit card": 0.21, "Microloan": 0.45}
_STATUSES = ("C", "X", "0", "1", "2", "3", "4", "5")


@dataclass(frozen=True)
class Loans:
    """Bureau loans of one chunk; every array has shape (loans,).

    `owner` is the position of the applicant, `opened`, `due` and `closed` are days before the application (negative;
    `closed` is positive while the loan runs), `overdue` the days late today.
    """

    owner: Ints
    keys: Ints
    discipline: Floats
    kind: pl.Series
    card: Flags
    opened: Floats
    due: Floats
    closed: Floats
    overdue: Ints

    @property
    def size(self) -> int:
        """Number of loans."""
        return self.owner.size

    @property
    def active(self) -> Flags:
        """Loans that still run."""
        return self.closed > 0


def bureau_tables(rng: Rng, people: Applicants, first_key: int) -> dict[str, pl.DataFrame]:
    """Draw `bureau` and `bureau_balance` of one chunk."""
    loans = _loans(rng, people, first_key)
    return {"bureau": _bureau(rng, people, loans), "bureau_balance": _months(rng, people, loans)}


def _loans(rng: Rng, people: Applicants, first_key: int) -> Loans:
    eager = rng.gamma(1.35, 4.62 / 1.35, people.size)
    counts = np.minimum(people.banked * (1 + rng.poisson(eager)), _MOST_LOANS)
    owner = Ragged(counts).owner
    discipline = people.discipline[owner]
    kind = pick(shares("bureau", "CREDIT_TYPE", people.part), rng.random(owner.size))
    recent = 0.96 * rng.standard_normal(owner.size) - 0.28 * discipline
    opened = np.minimum(np.round(quantile("DAYS_CREDIT", recent)), -1.0)
    card = kind.eq("Credit card").to_numpy()
    due = np.round(opened + _of(kind, _TERM, 480.0) * np.exp(0.75 * rng.standard_normal(owner.size)))
    closed = _closing(rng, opened, due, card)
    overdue = (closed > 0) & chance(rng, 0.006 * np.exp(-0.9 * discipline), owner.size)
    return Loans(
        owner=owner,
        keys=first_key + 2 * np.arange(owner.size),
        discipline=discipline,
        kind=kind,
        card=card,
        opened=opened,
        due=due,
        closed=closed,
        overdue=np.minimum(overdue * np.ceil(step(rng, 20.0, 1.2, owner.size)), -opened).astype(np.int64),
    )


def _closing(rng: Rng, opened: Floats, due: Floats, card: Flags) -> Floats:
    """Day of closing: many loans are repaid early, some late, cards at any time; 1 while the loan runs."""
    early = np.where(
        chance(rng, 0.55, opened.size), rng.uniform(0.15, 1.0, opened.size), rng.uniform(0.95, 1.1, opened.size)
    )
    pace = np.where(card, rng.uniform(0.3, 2.0, opened.size), early)
    day = np.round(opened + np.maximum((due - opened) * pace, 5.0))
    return np.where(day < 0, day, 1.0)


def _bureau(rng: Rng, people: Applicants, loans: Loans) -> pl.DataFrame:
    sold = chance(rng, 0.0037 * np.exp(-0.5 * loans.discipline), loans.size)
    status = np.where(sold, 2, loans.active.astype(int))
    columns = {
        "SK_ID_CURR": people.keys[loans.owner],
        "SK_ID_BUREAU": loans.keys,
        "CREDIT_ACTIVE": words(("Closed", "Active", "Sold"), status),
        "CREDIT_CURRENCY": pick(
            {"currency 1": 0.9993, "currency 2": 0.0006, "currency 3": 0.0001}, rng.random(loans.size)
        ),
        "CREDIT_TYPE": loans.kind,
        "CNT_CREDIT_PROLONG": chance(rng, 0.0037, loans.size),
        **_days(rng, loans),
        **_sums(rng, people, loans),
    }
    return frame("bureau", columns)


def _days(rng: Rng, loans: Loans) -> dict[str, Any]:
    """Days of the loan. Open-ended cards carry an end in a far, implausible year, a few loans an end long past."""
    far = loans.card & chance(rng, 0.14, loans.size)
    end = np.where(far, np.round(rng.normal(31_000.0, 120.0, loans.size)), loans.due)
    end = np.where(chance(rng, 5e-5, loans.size), -41_800.0, end)
    told = np.where(loans.active, -rng.exponential(22.0, loans.size), loans.closed * rng.beta(0.9, 0.5, loans.size))
    return {
        "DAYS_CREDIT": loans.opened,
        "CREDIT_DAY_OVERDUE": loans.overdue,
        "DAYS_CREDIT_ENDDATE": blank(end, chance(rng, _of(loans.kind, _NO_END, 0.01), loans.size)),
        "DAYS_ENDDATE_FACT": blank(loans.closed, loans.active),
        "DAYS_CREDIT_UPDATE": np.round(np.maximum(told, loans.opened)),
    }


def _sums(rng: Rng, people: Applicants, loans: Loans) -> dict[str, Floats]:
    """Amounts of the loan: debt left by the share of the term to run, on cards by how far the limit is used."""
    wealth = people.wealth[loans.owner]
    length = np.maximum(loans.due - loans.opened, 30.0)
    usual = _of(loans.kind, _SUM, 115e3) * np.where(loans.card, 1.0, (length / _of(loans.kind, _TERM, 480.0)) ** 0.6)
    total = rounded(step(rng, usual * np.exp(0.25 * wealth), 0.85, loans.size), 4.5)
    total = np.where(loans.card & chance(rng, 0.14, loans.size), 0.0, total)
    used = logistic(-0.7 * loans.discipline - 0.4 + 1.2 * rng.standard_normal(loans.size))
    left = np.where(loans.card, used, np.clip(loans.due / length, 0.03, 1.0))
    debt = np.where(loans.active, rounded(total * left, 4.5), 0.0)
    limit = np.where(loans.card & loans.active & chance(rng, 0.35, loans.size), np.maximum(total - debt, 0.0), 0.0)
    overdue = np.where(loans.overdue > 0, rounded(np.minimum(debt, 0.05 * total) + 4.5, 4.5), 0.0)
    return {
        "AMT_CREDIT_SUM": total,
        "AMT_CREDIT_SUM_DEBT": blank(debt, chance(rng, np.where(loans.active, 0.105, 0.165), loans.size)),
        "AMT_CREDIT_SUM_LIMIT": blank(limit, chance(rng, 0.37, loans.size)),
        "AMT_CREDIT_SUM_OVERDUE": overdue,
        "AMT_CREDIT_MAX_OVERDUE": _worst(rng, loans, overdue),
        "AMT_ANNUITY": _annuity(rng, loans, total, length),
    }


def _worst(rng: Rng, loans: Loans, overdue: Floats) -> Floats:
    """Largest amount ever overdue, blank for two thirds, never less than what is overdue now."""
    ever = chance(rng, logistic(log_odds(0.18) - 0.8 * loans.discipline), loans.size)
    worst = np.maximum(np.where(ever, rounded(step(rng, 6_000.0, 1.2, loans.size), 4.5), 0.0), overdue)
    return blank(worst, chance(rng, 0.67, loans.size) & (overdue == 0))


def _annuity(rng: Rng, loans: Loans, total: Floats, length: Floats) -> Floats:
    told = loans.active | chance(rng, 0.3, loans.size)
    monthly = np.where(told & ~loans.card, rounded(1.15 * total / (length / MONTH), 4.5), 0.0)
    return blank(monthly, chance(rng, np.where(loans.active, 0.5, 0.62), loans.size))


def _months(rng: Rng, people: Applicants, loans: Loans) -> pl.DataFrame:
    """Status of each month since the opening, for the applicants whose loans are reported by month."""
    reported = chance(rng, _REPORTED_MONTHLY, people.size)[loans.owner] & chance(rng, 0.97, loans.size)
    age = np.floor(-loans.opened / MONTH).astype(np.int64)
    rows = Ragged(np.where(reported, np.minimum(age + 1, 97), 0))
    loan = rows.owner
    month = rows.position - np.minimum(age, 96)[loan]
    columns = {
        "SK_ID_BUREAU": loans.keys[loan],
        "MONTHS_BALANCE": month,
        "STATUS": words(_STATUSES, _status(rng, loans, rows, month)),
    }
    return frame("bureau_balance", columns)


def _status(rng: Rng, loans: Loans, rows: Ragged, month: Ints) -> Ints:
    """Position in `_STATUSES`: closed, unknown, or months late, consistent with the days overdue today."""
    loan = rows.owner
    late = rows.spells(rng, (0.009 * np.exp(-1.0 * loans.discipline))[loan], 1.35)
    now = np.ceil(loans.overdue / 30.0).astype(np.int64)[loan]
    late = np.where(month > -now, now + month, np.where(month == 0, 0, late))
    unknown = np.where(chance(rng, 0.37, loans.size), 0.9, 0.25)
    hidden = (late == 0) & chance(rng, unknown[loan], rows.total)
    status = np.where(hidden, 1, 2 + np.minimum(late, 5))
    return np.where(month * MONTH > loans.closed[loan], 0, status)


def _of(kind: pl.Series, values: dict[str, float], otherwise: float) -> Floats:
    return kind.replace_strict(values, default=otherwise, return_dtype=pl.Float64).to_numpy()
