"""Earlier applications with this lender."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
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
    logistic,
    pick,
    rounded,
    step,
    words,
)
from scorewright.tables.sample.reference import along, frame, shares
from scorewright.tables.sample.request import annuity

CASH, CONSUMER, REVOLVING, UNNAMED = range(4)
APPROVED, CANCELED, REFUSED, UNUSED = range(4)
NEVER = 365_243.0
"""The published tables write this day for what has not happened."""

_CONTRACTS = ("Cash loans", "Consumer loans", "Revolving loans", "XNA")
_STATUSES = ("Approved", "Canceled", "Refused", "Unused offer")
_CONTRACT_SHARES = np.cumsum([0.454, 0.428, 0.1177])
_STATUS_SHARES = np.array(
    [
        [0.415, 0.378, 0.2064, 0.0006],
        [0.859, 0.002, 0.101, 0.038],
        [0.545, 0.235, 0.2199, 0.0001],
        [0.0, 0.93, 0.07, 0.0],
    ]
)
_DAYS = (
    [-2910, -2640, -1890, -1450, -766, -409, -228, -100, -48, -9, -3],
    [-2910, -2874, -2706, -2500, -1934, -1053, -524, -270, -163, -40, -5],
    [-2910, -2890, -2760, -2500, -1750, -800, -390, -230, -140, -30, -3],
    [-900, -700, -500, -450, -400, -300, -250, -150, -100, -30, -3],
)
_CASH_TERMS = np.array([6, 12, 18, 24, 36, 48, 60])
_CONSUMER_TERMS = np.array([4, 6, 8, 10, 12, 18, 24])


@dataclass(frozen=True)
class Previous:
    """Earlier applications of one chunk; every array has shape (rows,).

    `owner` is the position of the applicant; `contract` and `status` are positions in their lists; `decided`,
    `first_due`, `planned_end` are days before the application. `term` counts the planned instalments and `paid_in`
    those until a settlement, early or not. `started` loans have a schedule.
    """

    owner: Ints
    keys: Ints
    clients: Ints
    discipline: Floats
    contract: Ints
    status: Ints
    decided: Floats
    asked: Floats
    credit: Floats
    monthly: Floats
    term: Ints
    paid_in: Ints
    priced: Flags
    started: Flags
    first_due: Floats

    @property
    def size(self) -> int:
        """Number of earlier applications."""
        return self.owner.size

    @cached_property
    def approved(self) -> Flags:
        """Approved ones."""
        return np.asarray(self.status == APPROVED)

    @cached_property
    def last_due(self) -> Floats:
        """Day of the last instalment: in the past, or `NEVER` while the loan runs."""
        day = self.first_due + 30.0 * (self.paid_in - 1)
        return np.where((day < 0) & (self.contract != REVOLVING), day, NEVER)


def draw_previous(rng: Rng, people: Applicants, first_key: int) -> Previous:
    """Draw the earlier applications of one chunk; about one applicant in twenty has none."""
    eager = rng.gamma(1.1, 3.95 / 1.1, people.size)
    counts = np.minimum((1 + rng.poisson(eager)) * chance(rng, 0.948, people.size), 70)
    owner = Ragged(counts).owner
    discipline = people.discipline[owner]
    contract = np.searchsorted(_CONTRACT_SHARES, rng.random(owner.size), side="right")
    status = _status(rng, contract, discipline)
    decided = _decided(rng, contract)
    term = _term(rng, contract)
    first_due = decided + rng.integers(28, 36, owner.size)
    return Previous(
        owner=owner,
        keys=first_key + 2 * np.arange(owner.size),
        clients=people.keys[owner],
        discipline=discipline,
        contract=contract,
        status=status,
        decided=decided,
        **_amounts(rng, people.wealth[owner], contract, status, term),
        term=term,
        paid_in=_paid_in(rng, term),
        started=(status == APPROVED) & (first_due < 0) & chance(rng, 0.965, owner.size),
        first_due=first_due,
    )


def previous_table(rng: Rng, people: Applicants, rows: Previous) -> pl.DataFrame:
    """Bring the earlier applications to the official columns."""
    columns: dict[str, Any] = {
        "SK_ID_PREV": rows.keys,
        "SK_ID_CURR": rows.clients,
        "NAME_CONTRACT_TYPE": words(_CONTRACTS, rows.contract),
        "NAME_CONTRACT_STATUS": words(_STATUSES, rows.status),
        "DAYS_DECISION": rows.decided,
    }
    columns |= _money(rng, rows) | _schedule(rng, rows) | _request(rng, people, rows) | _product(rng, rows)
    return frame("previous_application", columns)


def _status(rng: Rng, contract: Ints, discipline: Floats) -> Ints:
    """Outcome: the undisciplined are refused more often; the other outcomes keep their proportions."""
    table = _STATUS_SHARES[contract]
    usual = np.clip(table[:, REFUSED], 0.01, 0.99)
    refused = logistic(np.log(usual / (1.0 - usual)) - 0.5 * discipline)
    others = table * (np.arange(4) != REFUSED)
    weights = others * ((1.0 - refused) / others.sum(axis=1))[:, None]
    weights[:, REFUSED] = refused
    return np.asarray(np.argmax(rng.random(contract.size)[:, None] < np.cumsum(weights, axis=1), axis=1))


def _decided(rng: Rng, contract: Ints) -> Floats:
    score = rng.standard_normal(contract.size)
    days = np.select([contract == kind for kind in range(4)], [along(list(map(float, day)), score) for day in _DAYS])
    return np.asarray(np.round(days), dtype=np.float64)


def _term(rng: Rng, contract: Ints) -> Ints:
    cash = rng.choice(_CASH_TERMS, contract.size, p=[0.08, 0.3, 0.12, 0.2, 0.14, 0.09, 0.07])
    consumer = rng.choice(_CONSUMER_TERMS, contract.size, p=[0.05, 0.22, 0.1, 0.21, 0.26, 0.06, 0.1])
    return np.select([contract == CASH, contract == CONSUMER], [cash, consumer], 0)


def _paid_in(rng: Rng, term: Ints) -> Ints:
    """Instalments until the loan is settled: one in three is settled early."""
    share = np.where(chance(rng, 0.33, term.size), rng.uniform(0.25, 1.0, term.size), 1.0)
    return np.maximum(np.ceil(term * share), 1).astype(np.int64)


def _amounts(rng: Rng, wealth: Floats, contract: Ints, status: Ints, term: Ints) -> dict[str, Any]:
    """Amounts asked and granted; canceled requests mostly never had any."""
    revolving = contract == REVOLVING
    consumer, cash = contract == CONSUMER, contract == CASH
    scale = np.select(
        [cash, consumer], [62e3 * np.sqrt(np.maximum(term, 1)), 23e3 * np.sqrt(np.maximum(term, 1))], 150e3
    )
    asked = step(rng, scale * np.exp(0.2 * wealth), 0.62, contract.size)
    asked = np.clip(rounded(asked, 1.0), np.where(consumer, 13_500.0, 45_000.0), 3e6)
    asked = np.where(consumer, rounded(asked, 4.5), rounded(asked, 22_500.0))
    known = np.select([status == APPROVED, status == CANCELED, status == REFUSED], [1.0, 0.03, 0.83], 0.0)
    priced = chance(rng, known, contract.size) & (contract != UNNAMED)
    premium = np.where(cash, np.clip(rng.normal(0.11, 0.1, contract.size), 0.0, 0.4), 0.0)
    credit = rounded(asked * (1.0 + premium), 4.5)
    rate = np.clip(rng.normal(0.3, 0.12, contract.size), 0.02, 0.8)
    monthly = np.where(revolving, credit / 20.0, annuity(credit, np.maximum(term, 1).astype(float), rate))
    present = priced | (consumer & (status != CANCELED))
    return {"asked": asked * present, "credit": credit * present, "monthly": rounded(monthly, 4.5), "priced": priced}


def _money(rng: Rng, rows: Previous) -> dict[str, Any]:
    consumer, revolving = rows.contract == CONSUMER, rows.contract == REVOLVING
    rate = np.where(chance(rng, 0.5, rows.size), rng.beta(1.6, 9.0, rows.size), 0.0)
    down = rounded(rows.asked * rate * consumer, 4.5)
    unasked = revolving & rows.priced & chance(rng, 0.4, rows.size)
    asked = np.where(unasked, 0.0, rows.asked)
    no_down = ~(consumer & (rows.asked > 0)) & chance(rng, 0.94, rows.size)
    interest = chance(rng, np.where(consumer & rows.approved, 0.009, 0.0), rows.size)
    return {
        "AMT_ANNUITY": blank(rows.monthly, ~rows.priced),
        "AMT_APPLICATION": asked,
        "AMT_CREDIT": np.where(consumer, rows.credit - down, rows.credit),
        "AMT_GOODS_PRICE": blank(asked, asked == 0),
        "CNT_PAYMENT": blank(rows.term.astype(float), ~rows.priced),
        "AMT_DOWN_PAYMENT": blank(down, no_down),
        "RATE_DOWN_PAYMENT": blank(np.where(down > 0, np.round(rate, 6), 0.0), no_down),
        "RATE_INTEREST_PRIMARY": blank(np.round(rng.normal(0.18, 0.02, rows.size), 6), ~interest),
        "RATE_INTEREST_PRIVILEGED": blank(np.round(rng.normal(0.79, 0.06, rows.size), 6), ~interest),
    }


def _schedule(rng: Rng, rows: Previous) -> dict[str, Any]:
    """Days of the schedule, blank where no loan was started, 365243 for what has not happened."""
    revolving = rows.contract == REVOLVING
    drawn = revolving & chance(rng, 0.63, rows.size)
    planned = rows.first_due + 30.0 * (rows.term - 1)
    ended = np.where(rows.last_due < -10, rows.last_due + rng.integers(2, 10, rows.size), NEVER)
    days = {
        "DAYS_FIRST_DRAWING": np.where(drawn, np.minimum(rows.decided + 20.0, -1.0), NEVER),
        "DAYS_FIRST_DUE": np.where(revolving & ~drawn, NEVER, rows.first_due),
        "DAYS_LAST_DUE_1ST_VERSION": np.where(revolving, NEVER, planned),
        "DAYS_LAST_DUE": rows.last_due,
        "DAYS_TERMINATION": ended,
        "NFLAG_INSURED_ON_APPROVAL": chance(rng, 0.34, rows.size).astype(float),
    }
    return {name: blank(values, ~rows.started) for name, values in days.items()}


def _request(rng: Rng, people: Applicants, rows: Previous) -> dict[str, Any]:
    refusal = pick(shares("previous", "CODE_REJECT_REASON"), rng.random(rows.size))
    reason = np.select([rows.status == REFUSED, rows.status == UNUSED], [0, 1], 2)
    suite = pick(shares("previous", "NAME_TYPE_SUITE"), rng.random(rows.size))
    alone = chance(rng, np.where(rows.priced, 0.66, 0.05), rows.size)
    through_bank = rows.priced & (rows.contract <= CONSUMER) & chance(rng, 0.88, rows.size)
    return {
        "WEEKDAY_APPR_PROCESS_START": pick(
            shares("application", "WEEKDAY_APPR_PROCESS_START", people.part), rng.random(rows.size)
        ),
        "HOUR_APPR_PROCESS_START": np.clip(np.round(rng.normal(12.5, 3.3, rows.size)), 0, 23),
        "FLAG_LAST_APPL_PER_CONTRACT": words(("N", "Y"), chance(rng, 0.9958, rows.size).astype(int)),
        "NFLAG_LAST_APPL_IN_DAY": chance(rng, 0.9967, rows.size),
        "CODE_REJECT_REASON": _choose(reason, refusal, "CLIENT", "XAP"),
        "NAME_TYPE_SUITE": pl.select(pl.when(pl.lit(pl.Series(alone))).then(suite)).to_series(),
        "NAME_CLIENT_TYPE": pick(
            {"Repeater": 0.742, "New": 0.174, "Refreshed": 0.083, "XNA": 0.001}, rng.random(rows.size)
        ),
        "NAME_PAYMENT_TYPE": words(("XNA", "Cash through the bank"), through_bank.astype(int)),
        "NAME_CASH_LOAN_PURPOSE": _purpose(rng, rows),
    }


def _purpose(rng: Rng, rows: Previous) -> pl.Series:
    stated = pick(shares("previous", "NAME_CASH_LOAN_PURPOSE"), rng.random(rows.size))
    told = rows.priced & chance(rng, 0.15, rows.size)
    return _choose(np.select([rows.contract != CASH, told], [2, 0], 1), stated, "XNA", "XAP")


def _product(rng: Rng, rows: Previous) -> dict[str, Any]:
    """Product names, which follow the contract, its price and where it was sold."""
    consumer = rows.contract == CONSUMER
    cross_sold = rows.priced & ~consumer & chance(rng, np.where(rows.approved, 0.84, 0.6), rows.size)
    kind = np.where(rows.priced, np.where(cross_sold, 1, 2), 0) * ~consumer
    goods = pick(shares("previous", "NAME_GOODS_CATEGORY"), rng.random(rows.size))
    industry = pick(shares("previous", "NAME_SELLER_INDUSTRY"), rng.random(rows.size))
    area = np.where(consumer, np.round(step(rng, 200.0, 1.9, rows.size)), -1.0)
    yield_group = rng.choice(4, rows.size, p=[0.34, 0.3, 0.28, 0.08])
    return {
        "NAME_PORTFOLIO": words(("XNA", "Cash", "POS", "Cards"), np.where(rows.priced, rows.contract + 1, 0)),
        "NAME_PRODUCT_TYPE": words(("XNA", "x-sell", "walk-in"), kind),
        "NAME_GOODS_CATEGORY": _choose((~consumer).astype(int), goods, "XNA"),
        "NAME_SELLER_INDUSTRY": _choose((~consumer).astype(int), industry, "XNA"),
        "SELLERPLACE_AREA": np.minimum(area, 8_000.0),
        "CHANNEL_TYPE": _channel(rng, rows),
        "NAME_YIELD_GROUP": _yields(rows, yield_group),
        "PRODUCT_COMBINATION": _combination(rng, rows, cross_sold, yield_group),
    }


def _yields(rows: Previous, group: Ints) -> pl.Series:
    told = rows.priced & (rows.contract <= CONSUMER)
    return words(("middle", "high", "low_normal", "low_action", "XNA"), np.where(told, group, 4))


def _channel(rng: Rng, rows: Previous) -> pl.Series:
    uniform = rng.random(rows.size)
    by_contract = [pick(shares("previous", f"CHANNEL_TYPE {name}"), uniform) for name in _CONTRACTS[:3]]
    return _choose(rows.contract, *by_contract, "Country-wide")


def _combination(rng: Rng, rows: Previous, cross_sold: Flags, yield_group: Ints) -> pl.Series:
    level = np.minimum(yield_group, 2)
    crossed = words(("Cash X-Sell: middle", "Cash X-Sell: high", "Cash X-Sell: low"), level)
    street = words(("Cash Street: middle", "Cash Street: high", "Cash Street: low"), level)
    goods = pick(shares("previous", "POS"), rng.random(rows.size))
    cash, card = rows.contract == CASH, rows.contract == REVOLVING
    choice = np.select(
        [cash & ~rows.priced, cash & cross_sold, cash, rows.contract == CONSUMER, card & cross_sold, card],
        [0, 1, 2, 3, 4, 5],
        6,
    )
    return _choose(choice, "Cash", crossed, street, goods, "Card X-Sell", "Card Street", None)


def _choose(choice: Ints, *options: pl.Series | str | None) -> pl.Series:
    """Take each row's text from the option of its number."""
    which = pl.Series(choice)
    chosen = pl.lit(None, dtype=pl.String)
    for number, option in enumerate(options):
        chosen = (
            pl.when(pl.lit(which == number))
            .then(option if isinstance(option, pl.Series) else pl.lit(option))
            .otherwise(chosen)
        )
    return pl.select(chosen).to_series()
