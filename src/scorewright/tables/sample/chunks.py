"""One chunk of the sample: some applications with all their rows in every table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from scorewright.tables.sample.applicants import Applicants, draw_applicants
from scorewright.tables.sample.bureau import bureau_tables
from scorewright.tables.sample.cards import card_instalments_table, cards_table, draw_card_months
from scorewright.tables.sample.draws import stream
from scorewright.tables.sample.person import person_columns
from scorewright.tables.sample.previous import draw_previous, previous_table
from scorewright.tables.sample.reference import frame
from scorewright.tables.sample.repayments import draw_instalments, instalments_table, pos_table
from scorewright.tables.sample.request import request_columns
from scorewright.tables.sample.risk import draw_target
from scorewright.tables.sample.settings import CHUNK, Part, SampleConfig
from scorewright.tables.sample.surroundings import surroundings_columns
from scorewright.tables.sample.timeline import Arrivals, arrivals

Tables = Mapping[str, pl.DataFrame]

_KEYS_PER_CHUNK = 2 * 32 * CHUNK
_FIRST_BUREAU = 5_000_001
_FIRST_PREVIOUS = 1_000_001


def draw_chunk(config: SampleConfig, part: Part, chunk: int) -> Tables:
    """Generate one chunk, from the seed, the part and the chunk's number alone.

    A chunk is always drawn whole and then cut to the applications asked for: what comes before the cut does not
    depend on where it falls.

    Returns
    -------
    Mapping of str to polars.DataFrame
        Rows of the seven tables; the applications are under ``application_train`` or ``application_test``.
    """
    first = chunk * CHUNK
    when = arrivals(config, part, first + np.arange(CHUNK))
    people = draw_applicants(stream(config.seed, part, chunk, 0), part, first, when)
    tables = {f"application_{part}": _application(config, people, chunk, when), **_histories(config, people, chunk)}
    return _cut(tables, min(CHUNK, config.size(part) - first), people)


def _application(config: SampleConfig, people: Applicants, chunk: int, when: Arrivals) -> pl.DataFrame:
    rng = stream(config.seed, people.part, chunk, 1)
    columns = person_columns(rng, people) | request_columns(rng, people) | surroundings_columns(rng, people)
    if people.part == "train":
        columns["TARGET"] = draw_target(rng, people, columns)
    return frame("application", columns).with_columns(**when.columns())


def _histories(config: SampleConfig, people: Applicants, chunk: int) -> Tables:
    offset = chunk * _KEYS_PER_CHUNK + (people.part == "train")
    tables = bureau_tables(stream(config.seed, people.part, chunk, 2), people, _FIRST_BUREAU + offset)
    rng = stream(config.seed, people.part, chunk, 3)
    previous = draw_previous(rng, people, _FIRST_PREVIOUS + offset)
    tables["previous_application"] = previous_table(rng, people, previous)
    rng = stream(config.seed, people.part, chunk, 4)
    instalments = draw_instalments(rng, previous)
    tables["POS_CASH_balance"] = pos_table(rng, previous, instalments)
    loans = instalments_table(rng, previous, instalments)
    rng = stream(config.seed, people.part, chunk, 5)
    months = draw_card_months(rng, previous)
    tables["credit_card_balance"] = cards_table(rng, previous, months)
    tables["installments_payments"] = pl.concat([loans, card_instalments_table(rng, previous, months)])
    return tables


def _cut(tables: Tables, size: int, people: Applicants) -> Tables:
    if size == people.size:
        return tables
    last = int(people.keys[size - 1])
    kept = {
        name: table.filter(pl.col("SK_ID_CURR") <= last) for name, table in tables.items() if name != "bureau_balance"
    }
    loans = kept["bureau"]["SK_ID_BUREAU"]
    return kept | {"bureau_balance": tables["bureau_balance"].filter(pl.col("SK_ID_BUREAU").is_in(loans.implode()))}
