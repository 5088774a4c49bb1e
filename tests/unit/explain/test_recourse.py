from __future__ import annotations

from collections.abc import Sequence

import pytest

from scorewright.explain.recourse import Dial, Setting, effort, search


def dial(positions: int, *columns: str) -> Dial:
    return Dial(tuple((step + 1) / positions for step in range(positions)), frozenset(columns))


class Needs:
    """Accepts what gains enough: each dial gains a stated amount per position."""

    def __init__(self, gains: Sequence[float], enough: float) -> None:
        self.gains, self.enough = gains, enough
        self.calls: list[Sequence[Setting]] = []

    def gain(self, setting: Setting) -> float:
        return sum(gain * position for gain, position in zip(self.gains, setting, strict=True))

    def __call__(self, settings: Sequence[Setting]) -> list[bool]:
        self.calls.append(settings)
        return [self.gain(setting) >= self.enough for setting in settings]


def test_one_dial_is_turned_no_further_than_needed() -> None:
    judge = Needs([1.0], 23)
    assert search([dial(50, "a")], judge, 3, 3).settings == ((23,),)
    assert len(judge.calls) <= 4


def test_easier_ways_come_first_and_each_changes_other_columns() -> None:
    dials = [dial(50, "a"), dial(50, "b"), dial(2, "c")]
    ways = search(dials, Needs([1.0, 2.0, 10.0], 20), 3, 3)
    assert ways.settings == ((0, 10, 0), (20, 0, 0), (0, 0, 2))
    assert [effort(dials, setting) for setting in ways.settings] == [0.2, 0.4, 1.0]


def test_two_dials_where_one_is_not_enough() -> None:
    dials = [dial(50, "a"), dial(50, "b")]
    judge = Needs([1.0, 1.0], 80)
    (setting,) = search(dials, judge, 3, 3).settings
    assert judge.gain(setting) == 80
    assert search(dials, judge, 1, 3).settings == ()


def test_dials_of_one_column_are_never_turned_together() -> None:
    judge = Needs([1.0, 1.0], 80)
    assert search([dial(50, "a", "b"), dial(50, "b")], judge, 3, 3).settings == ()
    assert all(min(setting) == 0 for call in judge.calls for setting in call)


def test_a_way_that_changes_all_of_an_easier_one_is_none() -> None:
    dials = [dial(50, "a"), dial(50, "a", "b")]
    assert search(dials, Needs([2.0, 1.0], 20), 3, 3).settings == ((10, 0),)
    assert search(dials, Needs([1.0, 2.0], 20), 3, 3).settings == ((0, 10), (20, 0))


def test_nothing_leads_there() -> None:
    ways = search([dial(50, "a"), dial(3, "b")], Needs([0.0, 0.0], 1), 2, 3)
    assert ways.settings == ()
    assert ways.tried == 10 + 3 + 4 * 3


def test_without_dials_nothing_is_asked() -> None:
    judge = Needs([], 0)
    assert search([], judge, 3, 3).settings == ()
    assert judge.calls == []


def test_nothing_is_asked_twice() -> None:
    judge = Needs([1.0, 2.0, 3.0], 55)
    ways = search([dial(50, "a"), dial(20, "b"), dial(7, "c")], judge, 3, 3)
    asked = [setting for call in judge.calls for setting in call]
    assert len(asked) == len(set(asked)) == ways.tried


@pytest.mark.parametrize("wanted", [1, 2])
def test_more_dials_are_turned_only_while_ways_are_wanted(wanted: int) -> None:
    judge = Needs([1.0, 1.0, 1.0], 40)
    search([dial(50, "a"), dial(50, "b"), dial(50, "c")], judge, 3, wanted)
    assert max(sum(map(bool, setting)) for call in judge.calls for setting in call) == 1


def test_where_more_does_harm_the_answer_still_leads_there() -> None:
    def narrow(settings: Sequence[Setting]) -> list[bool]:
        return [setting[0] in {20, 21} for setting in settings]

    assert search([dial(50, "a")], narrow, 3, 3).settings == ((20,),)
