from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from scorewright.errors import BodyNotJsonError, BodyShapeError, BodyTooLargeError, RequestError
from scorewright.serve.bodies import Row, is_plain_json, parse_application, parse_simulation, read_body

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | texts
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
rows = st.dictionaries(texts, scalars, max_size=4)
histories = st.dictionaries(texts.filter(lambda name: name != "application"), st.lists(rows, max_size=3), max_size=3)


class Arrivals:
    """A body that arrives in pieces and remembers how many were taken."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.taken += 1
            yield piece


def read(arrivals: Arrivals, declared: str | None, limit: int) -> bytes:
    return asyncio.run(read_body(arrivals, declared, limit))


@given(st.lists(st.binary(max_size=5)), st.integers(0, 20))
def test_a_body_is_read_whole_or_refused_by_what_arrives(pieces: list[bytes], limit: int) -> None:
    whole = b"".join(pieces)
    if len(whole) <= limit:
        assert read(Arrivals(*pieces), None, limit) == whole
    else:
        with pytest.raises(BodyTooLargeError, match=f"at most {limit} bytes"):
            read(Arrivals(*pieces), "1", limit)


def test_nothing_is_read_of_a_body_declared_too_large() -> None:
    arrivals = Arrivals(b"12345")
    with pytest.raises(BodyTooLargeError):
        read(arrivals, "11", 10)
    assert arrivals.taken == 0


def test_reading_stops_where_the_limit_is_passed() -> None:
    arrivals = Arrivals(*[b"12345"] * 100)
    with pytest.raises(BodyTooLargeError):
        read(arrivals, "3", 10)
    assert arrivals.taken == 3


@pytest.mark.parametrize("declared", ["", "-1", "ten", "1e9", "\u0663\u0663", "9" * 5000])
def test_an_odd_declared_length_never_fails_otherwise(declared: str) -> None:
    try:
        assert read(Arrivals(b"{}"), declared, 10) == b"{}"
    except BodyTooLargeError:
        assert declared.isdecimal()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content-Type": "application/json"}, True),
        ({"Content-Type": "Application/JSON; charset=UTF-8"}, True),
        ({"Content-Type": 'application/json;charset="utf-8"; profile=x'}, True),
        ({"Content-Type": "application/json", "Content-Encoding": "identity"}, True),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, False),
        ({"Content-Type": "application/json; charset=latin-1"}, False),
        ({"Content-Type": "application/jsonx"}, False),
        ({"Content-Type": "text/plain"}, False),
        ({"Content-Type": ""}, False),
        ({}, False),
    ],
)
def test_media_type(headers: dict[str, str], expected: bool) -> None:
    assert is_plain_json(Headers(headers)) is expected


@given(rows, histories)
def test_whatever_json_writes_is_read_back(row: Row, history: dict[str, list[Row]]) -> None:
    application = {**history, "application": row}
    for ascii_only in (True, False):
        body = json.dumps(application, ensure_ascii=ascii_only, allow_nan=False).encode()
        assert parse_application(body) == application


def plainly(body: bytes) -> object:
    """Read JSON as the standard library does, but for names that repeat and for NaN."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def never(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(body.decode("utf-8"), object_pairs_hook=once, parse_constant=never)


decimals = st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)


@given(st.lists(decimals, max_size=5))
def test_numbers_are_read_to_the_last_bit(written: list[str]) -> None:
    row = ", ".join(f'"c{place}": {number}' for place, number in enumerate(written))
    body = f'{{"application": {{{row}}}}}'.encode()
    try:
        read = parse_application(body)
    except BodyShapeError:
        return
    assert repr(read) == repr(plainly(body))


@pytest.mark.parametrize(
    "number",
    [
        *(
            "0.1",
            "2.2250738585072011e-308",
            "4.9e-324",
            "1e23",
            "8.5e22",
            "1.7976931348623157e308",
            "-0",
            "-0.0",
            "1E5",
        ),
        *("9007199254740993.0", "9007199254740993", "0.500000000000000166533453693773481063544750213623046875"),
        *("9223372036854775807", "-9223372036854775808", "1e19", "18446744073709551616.0"),
    ],
)
def test_numbers_at_the_edges_are_read_to_the_last_bit(number: str) -> None:
    body = f'{{"application": {{"x": {number}}}}}'.encode()
    assert repr(parse_application(body)) == repr(plainly(body))


@st.composite
def bent(draw: st.DrawFn) -> bytes:
    """A body of which a few bytes were changed."""
    application = {**draw(histories), "application": draw(rows)}
    body = bytearray(json.dumps(application, ensure_ascii=draw(st.booleans()), allow_nan=False).encode())
    pieces = st.sampled_from(
        [b":", b'"', b'"a":1,', b"\\u003a", b"\\", b"{", b"}", b",", b" ", b"\xff", b"1", b"e", b"null"]
    )
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(body)))
        body[place : place + draw(st.integers(0, 2))] = draw(pieces)
    return bytes(body)


@given(bent())
def test_no_bent_body_is_read_as_anything_else(body: bytes) -> None:
    try:
        read = parse_application(body)
    except RequestError:
        return
    assert repr(read) == repr(plainly(body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"application": {"a:": 1, "a:": 1}}',
        b'{"application": {"a": ":", "a": "::"}}',
        b'{"application": {"a": "::", "a": ":"}}',
        b'{"application": {"a" :1, "a":"x"}, "h": [{"b": ":a"}]}',
        b'{"application": {"a": 1, "a": "\\u003a"}}',
        b'{"application": {"\\u0061": 1, "a": 1}}',
        b'{"application": {"a": 1}, "h": [{"b": ":"}], "h": []}',
        b'{"application": {"a": 1}, "h": [{"b": 1, "c": "\\\\u003a\\":", "b": 1}]}',
    ],
)
def test_no_name_repeats_unseen_among_colons(body: bytes) -> None:
    with pytest.raises(BodyNotJsonError, match="twice in one object"):
        parse_application(body)


@pytest.mark.parametrize(
    "row",
    [
        {"a:b": "c:d", "t": "12:30:00"},
        {"x": '":'},
        {"x": ":"},
        {"": "\\u003a"},
        {"x": "é:\n"},
        {"x": True, "y": 1, "z": 1.0},
    ],
)
def test_colons_and_escapes_within_texts_are_read(row: Row) -> None:
    application = {"application": row, "loans": [row, {}], "none": []}
    for ascii_only in (True, False):
        assert repr(parse_application(json.dumps(application, ensure_ascii=ascii_only).encode())) == repr(application)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"not json",
        b'{"application": {"x": 1},}',
        b"{'application': {}}",
        b'{"application": {"x": NaN}}',
        b'{"application": {"x": Infinity}}',
        b'{"application": {"x": -Infinity}}',
        b'{"application": {"x": 1, "x": 1}}',
        b'{"application": {}, "application": {}}',
        b'{"application": {"x": {"y": 1, "y": 2}}}',
        b'{"application": {"x": "\xff"}}',
        b'\xef\xbb\xbf{"application": {}}',
        '{"application": {}}'.encode("utf-16"),
        '{"application": {}}'.encode("utf-32"),
        b'{"application": {"x": "\\ud800"}}',
        b'{"application": {"\\udc00x": 1}}',
        b'{"\\ud800": []}',
        b'{"application": {"x": "a\x00b"}}',
        b'{"application": {"x": 01}}',
        b'{"application": {"x": 0x10}}',
        b'{"application": {"x": 1}} {}',
    ],
)
def test_not_json(body: bytes) -> None:
    with pytest.raises(BodyNotJsonError):
        parse_application(body)


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"1",
        b'"application"',
        b"[]",
        b"{}",
        b'{"bureau": []}',
        b'{"application": []}',
        b'{"application": null}',
        b'{"application": [{"x": 1}]}',
        b'{"application": {}, "bureau": {}}',
        b'{"application": {}, "bureau": null}',
        b'{"application": {}, "bureau": "rows"}',
        b'{"application": {}, "bureau": [1]}',
        b'{"application": {}, "bureau": [null]}',
        b'{"application": {}, "bureau": [[]]}',
        b'{"application": {"x": []}}',
        b'{"application": {"x": {}}}',
        b'{"application": {}, "bureau": [{"x": [1]}]}',
        b'{"application": {"x": 9223372036854775808}}',
        b'{"application": {"x": -9223372036854775809}}',
        b'{"application": {"x": 1e999}}',
        b'{"application": {"x": -1e999}}',
        b'{"application": {"x": ' + b"9" * 400 + b".0}}",
        b'{"application": {"x": ' + b"9" * 5000 + b"}}",
    ],
)
def test_wrong_shape(body: bytes) -> None:
    with pytest.raises(BodyShapeError):
        parse_application(body)


def test_the_ends_of_int64_and_of_the_double_are_read() -> None:
    ends = b'{"a": 9223372036854775807, "b": -9223372036854775808, "c": 1.7976931348623157e308, "d": 1e-999}'
    row = parse_application(b'{"application": ' + ends + b"}")["application"]
    assert row == {"a": 2**63 - 1, "b": -(2**63), "c": sys.float_info.max, "d": 0.0}


def test_whole_surrogate_pairs_are_text() -> None:
    body = b'{"application": {"\\ud83d\\ude00": "\\uD83D\\uDE00"}}'
    assert parse_application(body) == {"application": {"\U0001f600": "\U0001f600"}}


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"application":{"x":[', b'{"b":[{"x":{"y":'])
@pytest.mark.parametrize("depth", [9, 200, 5000, 100_000])
def test_deep_nesting_is_refused_however_deep(opening: bytes, depth: int) -> None:
    closing = bytes({91: 93, 123: 125}[byte] for byte in reversed(opening * depth) if byte in b"[{")
    with pytest.raises(BodyShapeError):
        parse_application(opening * depth + b"1" + closing)


def test_nesting_deeper_than_the_limit_is_named_as_such() -> None:
    for value, rule in (([[[[[[[1]]]]]]], "string"), ([[[[[[[[1]]]]]]]], "at most 8 deep")):
        with pytest.raises(BodyShapeError, match=rule):
            parse_application(json.dumps({"application": {"x": value}}).encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"application": {"income": [54321.5]}}',
        b'{"application": {"income": 543215432154321543215432154321}}',
        b'{"application": {"name": "Martin 54321 \\ud800"}}',
        b'{"application": {"income": 54321, "x": NaN}}',
        b'{"application": {"income": 54321, "x": 1, "x": 2}}',
        b'{"application": {}, "bureau": [{"income": 54321}, 7]}',
        b'{"application": {}, "bureau": ["54321"]}',
    ],
)
def test_no_message_repeats_a_value(body: bytes) -> None:
    with pytest.raises(RequestError) as refusal:
        parse_application(body)
    assert "54321" not in str(refusal.value)
    assert "Martin" not in str(refusal.value)


def test_the_message_names_the_place_and_cuts_long_names() -> None:
    with pytest.raises(BodyShapeError, match=r"'bureau'\[1\]\.'debt' is a list"):
        parse_application(b'{"application": {}, "bureau": [{"debt": 1}, {"debt": []}]}')
    with pytest.raises(BodyShapeError) as refusal:
        parse_application(json.dumps({"application": {"n" * 10_000: []}}).encode())
    assert len(str(refusal.value)) < 400


@given(rows, histories.map(lambda given: {name: rows for name, rows in given.items() if name != "changes"}), rows)
def test_a_simulation_is_an_application_and_its_changes(row: Row, history: dict[str, list[Row]], changes: Row) -> None:
    application, changed = {**history, "application": row}, {"application": changes}
    body = json.dumps({**application, "changes": changed}, allow_nan=False).encode()
    assert parse_simulation(body) == (application, changed)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ("", "'changes' is null"),
        (', "changes": null', "'changes' is null"),
        (', "changes": []', "'changes' is a list"),
        (', "changes": {}', "other names"),
        (', "changes": {"income": 54321}', "other names"),
        (', "changes": {"loans": [{"debt": 54321}]}', "other names"),
        (', "changes": {"application": {}, "loans": []}', "other names"),
        (', "changes": {"application": [54321]}', "'changes'.'application' is a list"),
        (', "changes": {"application": {"income": [54321]}}', "'changes'.'application'.'income' is a list"),
        (', "changes": {"application": {"income": 1e999}}', "'income' is a number beyond a double"),
    ],
)
def test_changes_of_another_shape_are_refused_and_no_value_repeated(changes: str, found: str) -> None:
    with pytest.raises(BodyShapeError) as refusal:
        parse_simulation(f'{{"application": {{"income": 1}}{changes}}}'.encode())
    assert found in refusal.value.value
    assert "54321" not in str(refusal.value)


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"changes": {"application": {}}}', b'{"application": {}, "loans": 1}']
)
def test_a_simulation_needs_an_application_as_a_decision_does(body: bytes) -> None:
    for parse in (parse_application, parse_simulation):
        with pytest.raises(BodyShapeError):
            parse(body)
