from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from scorewright.registry.history import KEPT, advance, aligned, before

versions = st.sampled_from(["1", "2", "3", "4"])
moves = st.lists(versions, max_size=12)


def walked(moves: list[str]) -> tuple[str, ...]:
    history: tuple[str, ...] = ()
    for version in moves:
        history = advance(history, history[-1] if history else None, version)
    return history


@given(moves)
def test_the_last_is_always_who_was_set_last(moves: list[str]) -> None:
    assert walked(moves)[-1:] == tuple(moves[-1:])


@given(moves)
def test_nobody_follows_themselves(moves: list[str]) -> None:
    history = walked(moves)
    assert all(one != next_one for one, next_one in pairwise(history))


@given(moves)
def test_going_back_always_comes_to_an_end(moves: list[str]) -> None:
    history = walked(moves)
    for _ in range(len(history)):
        back = before(history, history[-1])
        if back is None:
            break
        history = advance(history, history[-1], back)
    assert len(history) <= 1


@given(moves, versions)
def test_a_step_forward_and_back_changes_nothing(moves: list[str], version: str) -> None:
    history = walked(moves)
    further = advance(history, history[-1] if history else None, version)
    if len(further) > len(history) > 0:
        assert advance(further, version, history[-1]) == history


@given(moves, versions)
def test_a_change_cut_short_leaves_a_history_that_fits(moves: list[str], version: str) -> None:
    # MLflow keeps the alias and its history apart: forward, the history is written first; back, the alias.
    history = walked(moves)
    if not history:
        return
    holder = history[-1]
    changed = advance(history, holder, version)
    if len(changed) < len(history):
        assert before(history, version) == before(changed, version) or version in history[:-2]
    else:
        assert before(changed, holder) == before(history, holder)


def test_an_alias_moved_by_another_tool_is_believed() -> None:
    assert aligned(("1", "2"), "7") == ("1", "2", "7")
    assert before(("1", "2"), "7") == "2"
    assert before(("1", "2"), None) is None


def test_only_the_last_holders_are_kept() -> None:
    history = walked([str(number) for number in range(3 * KEPT)])
    assert len(history) == KEPT
    assert history[-1] == str(3 * KEPT - 1)
