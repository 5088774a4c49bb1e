"""The short way in reads what the long way reads, and leaves to it whatever it would refuse or convert."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorewright.errors import ScorewrightError
from scorewright.tables.contract import infer_contract
from scorewright.tables.loading import Sealed
from scorewright.tables.portfolio import ROW_KEY
from scorewright.tables.posted import Posted
from scorewright.tables.rows import RowReader
from scorewright.tables.types import OWNER, Tables
from tests.oracles.book import TOML, frames, portfolio

BOOK = portfolio(TOML.replace('never = ["SEX"]', 'never = ["SEX"]\nsentinels = { AGE = [99], DAY = ["1900-01-01"] }'))
USED = {"application": frozenset({"AGE", "AMOUNT", "JOB"}), "loan": frozenset({"TERM"})}
READERS = {
    unseen: RowReader(BOOK, Sealed(infer_contract(BOOK, frames()), USED, unseen))  # type: ignore[arg-type]
    for unseen in ("refuse", "null")
}

numbers = st.none() | st.floats() | st.integers(-3, 3) | st.sampled_from([2**53, 2**53 + 1, 2**64, 10**400, -0.0])
whole = st.none() | st.integers(-(2**64), 2**64) | st.sampled_from([3.0, 3.5, 99, 99.0, True, "3"])
words = st.none() | st.sampled_from(["cook", "nurse", "pilot", "", "é", "\ud800", 3])
days = st.none() | st.sampled_from(["2024-02-29", "2023-02-29", "1900-01-01", "2024-2-9", "20240229", "x", 3])
flags = st.none() | st.booleans() | st.sampled_from([1, "true"])
keys = st.none() | st.integers(1, 3) | st.sampled_from([1.0, "1"])


def sometimes(**columns: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=columns)


plain_rows = st.fixed_dictionaries(
    {"ID": st.integers(1, 3), "AMOUNT": st.floats(-9, 9), "AGE": st.integers(0, 99), "JOB": st.just("cook")}
)
roots = st.one_of(
    plain_rows,
    st.builds(
        dict.__or__, plain_rows, sometimes(JOB=words, DAY=days, OWNER=flags, PASSPORT=words, SEX=words, BAD=keys)
    ),
    sometimes(ID=keys, AMOUNT=numbers, AGE=whole, JOB=words, STRANGE=words),
)
loans = st.lists(
    sometimes(ID=keys, LOAN=keys, TERM=whole, SUM=numbers, STATE=words, START=days), max_size=3
) | st.lists(st.fixed_dictionaries({"LOAN": st.integers(1, 9), "TERM": st.integers(1, 9)}), max_size=4)
months = st.lists(sometimes(LOAN=keys, LATE=whole, DUE=numbers), max_size=3) | st.none() | st.just("x") | st.just([1])
bodies = st.builds(
    lambda root, more: {"application": root} | more, roots, sometimes(loan=loans, month=months, strange=st.just([]))
)


def outcome(read: Any) -> object:
    """What is read, or why it is refused."""
    try:
        return described(read())
    except ScorewrightError as error:
        return type(error), str(error)


def described(tables: Tables) -> object:
    return {name: (dict(frame.schema), repr(frame.rows())) for name, frame in tables.items()}


@pytest.mark.parametrize("unseen", READERS)
@given(body=bodies)
def test_both_ways_read_the_same_and_refuse_the_same(unseen: str, body: dict[str, Any]) -> None:
    reader = READERS[unseen]
    assert outcome(lambda: reader.read(body)) == outcome(lambda: reader.read_long(body))


@given(several=st.lists(bodies, min_size=1, max_size=4))
def test_both_ways_read_several_bodies_alike(several: list[dict[str, Any]]) -> None:
    reader = READERS["null"]
    assert outcome(lambda: reader.read_together(several)) == outcome(lambda: reader.read_together_long(several))


ROOT = {"ID": 20, "AMOUNT": 1.5, "AGE": 40, "JOB": "cook"}
PLAIN = {"application": ROOT, "loan": [{"LOAN": 1, "TERM": 6}, {"TERM": 7, "LOAN": 2}], "month": [{"LOAN": 2}]}


def test_a_plain_body_takes_the_short_way() -> None:
    tables = READERS["refuse"].read(json.loads(json.dumps(PLAIN)))
    assert isinstance(tables, Posted)
    assert tables["loan"]["TERM"].to_list() == [6, 7]
    assert tables["loan"]["ID"].to_list() == [20, 20]
    assert tables.rows["month"].parents == [1]
    day = READERS["refuse"].read({"application": ROOT | {"DAY": "2024-02-29", "AGE": 99}})
    assert isinstance(day, Posted)
    assert day["application"].select("DAY", "AGE").row(0) == (dt.date(2024, 2, 29), None)


def test_rows_of_several_bodies_are_told_apart() -> None:
    tables = READERS["refuse"].plain([PLAIN, {"application": ROOT}, PLAIN])
    assert tables is not None
    assert tables["loan"][OWNER].to_list() == [0, 0, 2, 2]
    assert tables.rows["loan"].parents == [0, 0, 2, 2]
    assert tables.rows["month"].parents == [1, 3]


def test_without_a_key_the_short_way_numbers_the_application_too() -> None:
    keyless = portfolio(TOML.split("[tables.loan]")[0].replace('key = "ID"', ""))
    reader = RowReader(keyless, Sealed(infer_contract(keyless, {"application": frames()["application"]}), {}))
    tables = reader.plain([{"application": {"AGE": 40}}, {"application": {"AGE": 41}}])
    assert tables is not None
    assert tables["application"][ROW_KEY].to_list() == [0, 0]
