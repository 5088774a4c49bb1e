from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorewright.ledger.canonical import encode, pack, unpack

values = st.none() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=("Cs",))) | st.binary()
sequences = st.lists(values, max_size=5)


def identity(value: object) -> tuple[str, object]:
    return type(value).__name__, math.copysign(1, value).hex() + value.hex() if isinstance(value, float) else value


@given(sequences, sequences)
def test_only_equal_sequences_have_equal_bytes(one: list[object], other: list[object]) -> None:
    same = list(map(identity, one)) == list(map(identity, other))
    assert (encode(one) == encode(other)) is same  # type: ignore[arg-type]


@pytest.mark.parametrize(("one", "other"), [([None], [b""]), ([""], [b""]), ([0.0], [-0.0]), (["a", ""], ["", "a"])])
def test_what_looks_alike_is_told_apart(one: list[str], other: list[str]) -> None:
    assert encode(one) != encode(other)


@pytest.mark.parametrize("value", [True, [1], object()], ids=["flag", "list", "object"])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        encode([value])  # type: ignore[list-item]


@given(st.lists(st.binary()).map(tuple))
def test_what_is_packed_is_unpacked(parts: tuple[bytes, ...]) -> None:
    assert unpack(pack(parts)) == parts


class Name(str):
    __slots__ = ()


class Amount(float):
    __slots__ = ()


def test_values_of_derived_types_are_written_as_those_they_derive_from() -> None:
    assert encode([Name("ab"), Amount(1.5)]) == encode(["ab", 1.5])
