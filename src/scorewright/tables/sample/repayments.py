"""Monthly life of earlier cash and consumer loans: instalments due and paid, and month-end snapshots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from scorewright.tables.sample.bureau import MONTH
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
    rounded,
    words,
)
from scorewright.tables.sample.previous import REVOLVING, Previous
from scorewright.tables.sample.reference import frame

_STATUSES = ("Active", "Completed", "Signed", "Approved", "Returned to the store", "Demand")
_LONGEST = 14
"""Month-ends after which even the slowest payment has come, or the application has."""


@dataclass(frozen=True)
class Instalments:
    """Instalments already due; every array has shape (rows,).

    `rows` lays them out by loan and `loan` gives the position of the loan among the earlier applications; `number`
    counts from 1; `due` is a day (negative); `delay` is days after it (negative: early); `unpaid` ones stay due.
    """

    rows: Ragged
    loan: Ints
    number: Ints
    due: Floats
    delay: Floats
    unpaid: Flags


def draw_instalments(rng: Rng, previous: Previous) -> Instalments:
    """Draw how the started loans of one chunk have been repaid."""
    loans = np.flatnonzero(previous.started & (previous.contract != REVOLVING))
    past = np.ceil(-previous.first_due[loans] / 30.0).astype(np.int64)
    rows = Ragged(np.minimum(past, previous.paid_in[loans]))
    loan = loans[rows.owner]
    due = previous.first_due[loan] + 30.0 * rows.position
    discipline = previous.discipline[loan]
    unpaid = chance(rng, 0.0008 * np.exp(-1.2 * discipline) * (due > -400), rows.total)
    delay = np.where(unpaid, -due, _delay(rng, discipline))
    return Instalments(rows, loan, rows.position + 1, due, np.where(unpaid, -due, np.minimum(delay, -due - 1)), unpaid)


def instalments_table(rng: Rng, previous: Previous, instalments: Instalments) -> pl.DataFrame:
    """Bring payments to the official columns; a late instalment is often paid in two parts."""
    split = ~instalments.unpaid & chance(rng, np.where(instalments.delay > 0, 0.35, 0.02), instalments.rows.total)
    row = np.repeat(np.arange(split.size), 1 + split)
    second = np.concatenate([[False], row[1:] == row[:-1]])
    part = np.where(split, rng.uniform(0.1, 0.9, split.size), 1.0)[row]
    loan, due = instalments.loan[row], instalments.due[row]
    amount = _amount(previous, instalments)[row]
    share = np.where(second, 1.0 - part, part)
    earlier = np.where(split[row] & ~second, rng.geometric(0.2, row.size), 0)
    return frame(
        "installments_payments",
        {
            "SK_ID_PREV": previous.keys[loan],
            "SK_ID_CURR": previous.clients[loan],
            "NUM_INSTALMENT_VERSION": 1 + _settles_early(previous, instalments)[row],
            "NUM_INSTALMENT_NUMBER": instalments.number[row],
            "DAYS_INSTALMENT": due,
            "DAYS_ENTRY_PAYMENT": blank(due + instalments.delay[row] - earlier, instalments.unpaid[row]),
            "AMT_INSTALMENT": amount,
            "AMT_PAYMENT": blank(rounded(amount * share, 0.005), instalments.unpaid[row]),
        },
    )


def pos_table(rng: Rng, previous: Previous, instalments: Instalments) -> pl.DataFrame:
    """Bring month-ends to the official columns: the month of the decision, then one row per instalment due."""
    loans = np.flatnonzero(previous.started & (previous.contract != REVOLVING))
    rows = Ragged(instalments.rows.lengths + 1)
    loan, elapsed = loans[rows.owner], rows.position
    month = np.floor(previous.decided / MONTH).astype(np.int64)[loan] + elapsed
    late = _days_past_due(instalments, rows, rng.integers(2, 29, loans.size)[rows.owner])
    done = (elapsed >= previous.paid_in[loan]) & (late == 0)
    planned = np.where(done, previous.paid_in[loan], previous.term[loan])
    shown = (month <= -1) & (month >= -96)
    table = frame(
        "POS_CASH_balance",
        {
            "SK_ID_PREV": previous.keys[loan],
            "SK_ID_CURR": previous.clients[loan],
            "MONTHS_BALANCE": month,
            "CNT_INSTALMENT": blank(planned.astype(float), _untold(rng, rows.total)),
            "CNT_INSTALMENT_FUTURE": np.where(done, 0, planned - elapsed).astype(float),
            "NAME_CONTRACT_STATUS": words(_STATUSES, _status(rng, elapsed, done, late)),
            "SK_DPD": late,
            "SK_DPD_DEF": np.where(chance(rng, 0.4, rows.total), late, 0),
        },
    ).filter(shown)
    untold = pl.col("CNT_INSTALMENT").is_not_null()
    return table.with_columns(pl.when(untold).then("CNT_INSTALMENT_FUTURE").alias("CNT_INSTALMENT_FUTURE"))


def _delay(rng: Rng, discipline: Floats) -> Floats:
    """Days from due to paid: mostly some days early, at times a few late, seldom months."""
    size = discipline.size
    early = -np.floor(rng.exponential(9.0, size)) * chance(rng, 0.75, size)
    late = chance(rng, logistic(log_odds(0.06) - 0.75 * discipline), size)
    slow = chance(rng, logistic(log_odds(0.006) - 0.9 * discipline), size)
    days = np.where(late, rng.geometric(0.16, size), early)
    return np.asarray(np.where(slow, 30.0 + np.floor(rng.exponential(35.0, size)), days))


def _amount(previous: Previous, instalments: Instalments) -> Floats:
    """Amount due: constant, with what was left of the principal in the instalment that settles a loan early."""
    loan = instalments.loan
    left = (previous.term[loan] - instalments.number) * previous.credit[loan] / np.maximum(previous.term[loan], 1)
    return rounded(previous.monthly[loan] + np.where(_settles_early(previous, instalments), left, 0.0), 0.005)


def _settles_early(previous: Previous, instalments: Instalments) -> Flags:
    settled = previous.paid_in[instalments.loan]
    return np.asarray((instalments.number == settled) & (settled < previous.term[instalments.loan]))


def _days_past_due(instalments: Instalments, rows: Ragged, month_end: Ints) -> Ints:
    """Days late of the oldest instalment still open at each month-end, some days after that month's due day."""
    delay = np.zeros(rows.total)
    delay[rows.position > 0] = instalments.delay
    late = np.zeros(rows.total, dtype=np.int64)
    for lag in range(_LONGEST):
        days = month_end + 30 * lag
        open_since = np.zeros(rows.total)
        open_since[lag:] = delay[: rows.total - lag]
        late = np.where((rows.position > lag) & (open_since > days), days, late)
    return late


def _status(rng: Rng, elapsed: Ints, done: Flags, late: Ints) -> Ints:
    first = rng.choice(4, elapsed.size, p=[0.9, 0.089, 0.005, 0.006])
    opening = np.where(first == 0, 0, first + 1)
    return np.select([done, elapsed == 0, late > 100], [1, opening, 5], 0)


def _untold(rng: Rng, size: int) -> Flags:
    return chance(rng, 0.0026, size)
