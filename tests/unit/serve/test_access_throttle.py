from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorewright.serve.access.throttle import Throttle, neighbourhood


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_after_so_many_failures_a_subject_waits_until_the_first_has_left_the_window() -> None:
    clock = Clock()
    throttle = Throttle(3, 60.0, clock)
    for second in (0.0, 10.0, 20.5):
        assert throttle.wait("a") == 0
        clock.now = second
        throttle.fail("a")
    assert throttle.wait("a") == 40
    clock.now = 59.5
    assert throttle.wait("a") == 1
    clock.now = 60.0
    assert throttle.wait("a") == 0
    throttle.fail("a")
    assert throttle.wait("a") == 10


def test_subjects_are_apart() -> None:
    throttle = Throttle(1, 60.0, Clock())
    throttle.fail("a")
    assert (throttle.wait("a"), throttle.wait("b")) == (60, 0)


def test_memory_is_bounded_and_whoever_failed_longest_ago_is_forgotten() -> None:
    throttle = Throttle(1, 60.0, Clock(), subjects=3)
    for subject in "abac" + "d":
        throttle.fail(subject)
    assert len(throttle) == 3
    assert [throttle.wait(subject) > 0 for subject in "abcd"] == [True, False, True, True]


@given(st.lists(st.floats(0.0, 20.0), max_size=60), st.integers(1, 5))
def test_no_window_holds_more_failures_than_are_let_pass(pauses: list[float], most: int) -> None:
    clock = Clock()
    throttle = Throttle(most, 30.0, clock)
    failed: list[float] = []
    for pause in pauses:
        clock.now += pause
        if throttle.wait("a") == 0:
            throttle.fail("a")
            failed.append(clock.now)
    # A hair less than the window: its two ends are sums that may be rounded.
    assert all(sum(start <= time < start + 29.999 for time in failed) <= most for start in failed)


@pytest.mark.parametrize(
    ("address", "subject"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::/64"), ("2001:db8::ffff:1:2:3", "2001:db8::/64"),
     ("::1", "::/64"), ("unknown", "unknown")],
)  # fmt: skip
def test_neighbours_in_ipv6_count_as_one(address: str, subject: str) -> None:
    assert neighbourhood(address) == subject
