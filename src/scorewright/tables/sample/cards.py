"""Monthly life of earlier credit cards: what is drawn, owed, asked and paid, month by month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    step,
    words,
)
from scorewright.tables.sample.previous import REVOLVING, Previous
from scorewright.tables.sample.reference import frame

_MONTHLY_INTEREST = 0.03
_LEAST_SHARE = 0.05
_DORMANT = 0.38


@dataclass(frozen=True)
class CardMonths:
    """Months of all cards; `rows` lays them out by card, every other array has shape (rows,).

    `card` is the position among the earlier applications, `month` counts back from the application. Amounts obey
    ``balance = before + interest + drawn - paid``. `missed` counts the asked payments missed in a row.
    """

    rows: Ragged
    card: Ints
    month: Ints
    dormant: Flags
    limit: Floats
    drawn: Floats
    balance: Floats
    interest: Floats
    asked: Floats
    paid: Floats
    missed: Ints

    @property
    def size(self) -> int:
        """Number of month rows."""
        return self.card.size


def draw_card_months(rng: Rng, previous: Previous) -> CardMonths:
    """Draw the months of the cards of one chunk."""
    cards = np.flatnonzero(previous.started & (previous.contract == REVOLVING))
    age = np.clip(np.floor(-previous.decided[cards] / MONTH), 1, 96).astype(np.int64)
    rows = Ragged(age)
    dormant = chance(rng, _DORMANT, cards.size)
    limit = np.maximum(previous.credit[cards], 45_000.0)
    grid = _live(rng, previous.discipline[cards], limit, ~dormant, int(age.max(initial=0)))
    past = np.arange(grid["balance"].shape[1])[None, :] < age[:, None]
    return CardMonths(
        rows=rows,
        card=cards[rows.owner],
        month=rows.position - age[rows.owner],
        dormant=dormant[rows.owner],
        limit=limit[rows.owner],
        missed=grid.pop("missed")[past].astype(np.int64),
        **{name: values[past] for name, values in grid.items()},
    )


def cards_table(rng: Rng, previous: Previous, months: CardMonths) -> pl.DataFrame:
    """Bring the card months to the official columns."""
    asked_before = np.cumsum(months.asked > 0)
    first = np.repeat((np.cumsum(months.rows.lengths) - months.rows.lengths), months.rows.lengths)
    mature: Ints = asked_before - (asked_before - (months.asked > 0))[first]
    untold = months.rows.position < 1 + chance(rng, 0.9, months.size)
    late = np.where(months.missed > 0, 30 * months.missed - previous.keys[months.card] % 29, 0)
    columns: dict[str, Any] = {
        "SK_ID_PREV": previous.keys[months.card],
        "SK_ID_CURR": previous.clients[months.card],
        "MONTHS_BALANCE": months.month,
        "AMT_BALANCE": months.balance,
        "AMT_CREDIT_LIMIT_ACTUAL": months.limit,
        "AMT_INST_MIN_REGULARITY": blank(months.asked, untold),
        "AMT_PAYMENT_CURRENT": blank(months.paid, months.dormant & (months.paid == 0)),
        "AMT_PAYMENT_TOTAL_CURRENT": months.paid,
        "AMT_RECEIVABLE_PRINCIPAL": np.maximum(months.balance - months.interest, 0.0),
        "AMT_RECIVABLE": months.balance,
        "AMT_TOTAL_RECEIVABLE": months.balance,
        "CNT_INSTALMENT_MATURE_CUM": blank(mature.astype(float), untold),
        "NAME_CONTRACT_STATUS": _status(rng, months),
        "SK_DPD": late,
        "SK_DPD_DEF": np.where(chance(rng, 0.5, months.size), late, 0),
    }
    return frame("credit_card_balance", columns | _drawings(rng, months))


def card_instalments_table(rng: Rng, previous: Previous, months: CardMonths) -> pl.DataFrame:
    """Payments of the cards: one or more for each month in which something was asked or paid."""
    due = np.flatnonzero((months.asked > 0) | (months.paid > 0))
    row = np.repeat(due, 1 + rng.poisson(1.5, due.size))
    parts = np.unique(row, return_counts=True)[1] if row.size else np.zeros(0, dtype=np.int64)
    card = months.card[row]
    day = np.minimum(np.round(months.month[row] * MONTH + 12.0), -1.0)
    missed = months.paid[row] <= 0
    still_open = missed & (day + 35.0 >= 0)
    amount = np.where(missed, months.asked[row], months.paid[row])
    early = np.minimum(rng.integers(-12, 3, row.size), -day - 1)
    return frame(
        "installments_payments",
        {
            "SK_ID_PREV": previous.keys[card],
            "SK_ID_CURR": previous.clients[card],
            "NUM_INSTALMENT_VERSION": np.zeros(row.size),
            "NUM_INSTALMENT_NUMBER": months.rows.position[row] + 1,
            "DAYS_INSTALMENT": day,
            "DAYS_ENTRY_PAYMENT": blank(np.where(missed, day + 35.0, day + early), still_open),
            "AMT_INSTALMENT": rounded(np.maximum(months.asked, months.paid)[row] / np.repeat(parts, parts), 0.005),
            "AMT_PAYMENT": blank(rounded(amount / np.repeat(parts, parts), 0.005), still_open),
        },
    )


def _live(rng: Rng, discipline: Floats, limit: Floats, used: Flags, months: int) -> dict[str, Floats]:
    """Run all cards month by month; every array has shape (cards, months)."""
    shape = (limit.size, months)
    draws = _wishes(rng, discipline, limit, used, shape)
    misses = rng.random(shape) < logistic(log_odds(0.02) - 0.9 * discipline)[:, None]
    generous = np.where(rng.random(shape) < 0.12, 1.0, np.minimum(0.06 * np.exp(0.6 * rng.standard_normal(shape)), 1.0))
    grid = {name: np.zeros(shape) for name in ("drawn", "balance", "interest", "asked", "paid", "missed")}
    balance, missed = np.zeros(limit.size), np.zeros(limit.size)
    for month in range(months):
        interest = rounded(_MONTHLY_INTEREST * balance, 0.005)
        owed = balance + interest
        asked = np.minimum(rounded(np.maximum(_LEAST_SHARE * owed, 225.0), 0.005), owed)
        skipped = misses[:, month] & (asked > 0)
        paid = np.where(skipped, 0.0, np.maximum(asked, rounded(generous[:, month] * owed, 0.005)))
        drawn = np.maximum(np.minimum(draws[:, month], limit - balance), 0.0)
        balance = rounded(owed + drawn - paid, 0.005)
        missed = np.where(skipped, missed + 1, 0)
        values = (drawn, balance, interest, asked, paid, missed)
        for array, value in zip(grid.values(), values, strict=True):
            array[:, month] = value
    return grid


def _wishes(rng: Rng, discipline: Floats, limit: Floats, used: Flags, shape: tuple[int, int]) -> Floats:
    """What holders would draw each month if the limit allowed it."""
    appetite = used * np.exp(rng.normal(-0.35 * discipline, 0.8))
    often = rng.random(shape) < np.clip(0.24 * appetite, 0.0, 0.9)[:, None]
    amounts = rounded(step(rng, 0.12, 1.0, shape[0] * shape[1]).reshape(shape) * limit[:, None], 45.0)
    return np.where(often, amounts, 0.0)


def _drawings(rng: Rng, months: CardMonths) -> dict[str, Any]:
    """Split what is drawn between cash machines and shops, as amounts and as numbers of drawings."""
    machine = rounded(months.drawn * np.where(chance(rng, 0.55, months.size), 1.0, rng.random(months.size)), 45.0)
    shop = np.maximum(months.drawn - machine, 0.0)
    machine = months.drawn - shop
    counts = {
        "ATM": np.where(machine > 0, 1 + rng.poisson(1.0, months.size), 0),
        "POS": np.where(shop > 0, 1 + rng.poisson(4.0, months.size), 0),
        "OTHER": np.zeros(months.size, dtype=np.int64),
    }
    amounts = {"ATM": machine, "POS": shop, "OTHER": np.zeros(months.size)}
    columns: dict[str, Any] = {"AMT_DRAWINGS_CURRENT": months.drawn, "CNT_DRAWINGS_CURRENT": sum(counts.values())}
    for place, number in counts.items():
        columns[f"AMT_DRAWINGS_{place}_CURRENT"] = blank(amounts[place], months.dormant)
        columns[f"CNT_DRAWINGS_{place}_CURRENT"] = blank(number.astype(float), months.dormant)
    return columns


def _status(rng: Rng, months: CardMonths) -> pl.Series:
    idle = (months.balance == 0) & (months.drawn == 0)
    ended = idle & chance(rng, 0.065, months.size)
    signed = (months.rows.position == 0) & chance(rng, 0.09, months.size)
    return words(("Active", "Completed", "Signed"), np.select([ended, signed], [1, 2], 0))
