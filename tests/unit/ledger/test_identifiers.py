from __future__ import annotations

from datetime import UTC, datetime
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from scorewright.ledger.identifiers import identifier, to_datetime, to_microseconds

moments = st.integers(0, 4_000_000_000_000_000)
random = st.binary(min_size=8, max_size=8)


@given(moments, random)
def test_an_id_is_a_uuid_of_version_7_that_holds_its_time(moment: int, chance: bytes) -> None:
    made = UUID(identifier(moment, chance))
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == moment // 1000


@given(moments, moments, random, random)
def test_ids_sort_by_time(one: int, other: int, first: bytes, second: bytes) -> None:
    if one != other:
        assert (identifier(one, first) < identifier(other, second)) is (one < other)


@given(moments)
def test_time_is_kept_to_the_microsecond(moment: int) -> None:
    assert to_microseconds(to_datetime(moment)) == moment
    assert to_datetime(moment).tzinfo is UTC


def test_the_standards_own_example() -> None:
    moment = to_microseconds(datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC))
    assert identifier(moment, bytes(8)).startswith("017f22e2-79b0-7")
