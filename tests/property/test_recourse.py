"""Recourse against brute force over every setting, and levers against their declared bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from scorewright.domain.matrix import Label
from scorewright.explain.recourse import Dial, Setting, effort, search
from scorewright.tables.contract import ColumnContract, Contract
from scorewright.tables.declarations import TableSpec
from scorewright.tables.levers import Lever, Scale
from scorewright.tables.turning import turned

Outcome = Callable[[Setting], bool]


def dials(sizes: Sequence[int]) -> list[Dial]:
    return [Dial(tuple((k + 1) / size for k in range(size)), frozenset({str(i)})) for i, size in enumerate(sizes)]


def judge(outcome: Outcome) -> Callable[[Sequence[Setting]], list[bool]]:
    return lambda settings: [outcome(setting) for setting in settings]


def brute_force(sizes: Sequence[int], outcome: Outcome, most: int) -> list[Setting]:
    """Every setting that leads there."""
    every = product(*(range(size + 1) for size in sizes))
    return [setting for setting in every if 0 < sum(map(bool, setting)) <= most and outcome(setting)]


@st.composite
def rising(draw: st.DrawFn) -> tuple[list[int], Outcome]:
    """Dials, and an outcome that no further turn undoes: one of several sets of least positions is reached."""
    sizes = draw(st.lists(st.integers(1, 12), min_size=1, max_size=3))
    corner = st.tuples(*(st.integers(0, size) for size in sizes)).filter(any)
    least = draw(st.lists(corner, min_size=0, max_size=4))

    def outcome(setting: Setting) -> bool:
        return any(all(at >= needed for at, needed in zip(setting, each, strict=True)) for each in least)

    return sizes, outcome


@given(case=rising(), most=st.integers(1, 3))
def test_where_more_never_harms_a_way_is_found_if_there_is_one(case: tuple[list[int], Outcome], most: int) -> None:
    sizes, outcome = case
    ways = search(dials(sizes), judge(outcome), most, 3).settings
    every = brute_force(sizes, outcome, most)
    assert set(ways) <= set(every)
    assert bool(ways) == bool(every)
    for way in ways:
        for place, position in enumerate(way):
            if position:
                assert not outcome((*way[:place], position - 1, *way[place + 1 :])) or position == 1


@given(case=rising())
def test_one_lever_at_a_time_the_least_effort_is_found(case: tuple[list[int], Outcome]) -> None:
    sizes, outcome = case
    laid = dials(sizes)
    ways = search(laid, judge(outcome), 1, 3).settings
    every = brute_force(sizes, outcome, 1)
    assert [effort(laid, way) for way in ways[:1]] == [
        effort(laid, each) for each in sorted(every, key=lambda each: effort(laid, each))[:1]
    ]


@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    accepted=st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6))),
    most=st.integers(1, 3),
    wanted=st.integers(1, 3),
)
def test_whatever_the_outcome_every_way_leads_there(
    sizes: list[int], accepted: set[Setting], most: int, wanted: int
) -> None:
    def outcome(setting: Setting) -> bool:
        return (*setting, 0, 0)[:3] in accepted

    laid = dials(sizes)
    ways = search(laid, judge(outcome), most, wanted).settings
    assert set(ways) <= set(brute_force(sizes, outcome, most))
    assert len(ways) <= 2 * wanted
    assert [effort(laid, way) for way in ways] == sorted(effort(laid, way) for way in ways)
    turned_sets = [frozenset(place for place, position in enumerate(way) if position) for way in ways]
    assert not any(easier <= later for i, later in enumerate(turned_sets) for easier in turned_sets[:i])


amounts = st.one_of(st.none(), st.floats(-1e7, 1e7).map(lambda x: round(x, 2)))
wholes = st.one_of(st.none(), st.integers(-(10**6), 10**6))


@given(
    rows=st.lists(st.tuples(amounts, amounts, wholes), min_size=1, max_size=6),
    limit=st.one_of(st.floats(0.0, 0.99), st.floats(1.01, 3.0)),
    bounds=st.tuples(st.floats(-1e6, 0), st.floats(0, 1e7)),
    fixed=st.sampled_from([0.0, 130.5]),
)
def test_no_amount_leaves_range_direction_or_limit(
    rows: list[tuple[float | None, float | None, int | None]],
    limit: float,
    bounds: tuple[float, float],
    fixed: float,
) -> None:
    frame = pl.DataFrame(rows, schema={"A": pl.Float64, "B": pl.Float64, "N": pl.Int64}, orient="row")
    low, high = bounds
    column, whole = ColumnContract("number", True, low, high), ColumnContract("integer", True, low, high)  # noqa: FBT003
    contract = Contract({"application": {"A": column, "B": column, "N": whole}})
    pulled = Lever("pulled", Label("", ""), "application", ("A", "B", "N"), Scale(limit, {"B": fixed}))
    laid = turned(pulled, {"application": frame}, contract, TableSpec())
    for name, series in ({} if laid is None else laid.columns).items():
        part = fixed if name == "B" else 0.0
        for after in series[1:]:
            for old, new in zip(frame[name], after, strict=True):
                if new != old:
                    assert low <= new <= high
                    assert old > part
                    assert (new < old) == (limit < 1)
                    reached, bound = new - part, (old - part) * limit
                    slack = 0.0051 + 1e-6 * old
                    assert reached >= bound - slack if limit < 1 else reached <= bound + slack
