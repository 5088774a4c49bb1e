"""From the bytes of a request to raw rows by table. Strict: whatever could be read in two ways is refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterable, Mapping
from itertools import chain
from typing import Any, NoReturn

from pydantic_core import from_json

from scorewright.errors import BodyNotJsonError, BodyShapeError, BodyTooLargeError

ROOT = "application"
CHANGES = "changes"
DEEPEST = 8
INT64 = range(-(2**63), 2**63)
PLAIN = frozenset({str, int, float, bool, type(None)})
NUMBERS = frozenset({int, float})
SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
#: How an escaped colon begins, among other escapes.
COLON_ESCAPE = b"\\u003"

Row = dict[str, str | int | float | bool | None]
RawApplication = dict[str, Row | list[Row]]
Changes = dict[str, Row]


def is_plain_json(headers: Mapping[str, str]) -> bool:
    """Tell whether the headers declare a body of UTF-8 JSON, not compressed. `headers` is case-insensitive."""
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    pairs = (parameter.strip().lower().partition("=") for parameter in parameters.split(";"))
    charsets = {value.strip('"') for name, _, value in pairs if name == "charset"}
    plain = headers.get("content-encoding", "identity").strip().lower() == "identity"
    return media_type.strip().lower() == "application/json" and charsets <= {"utf-8"} and plain


async def read_body(chunks: AsyncIterable[bytes], declared: str | None, limit: int) -> bytes:
    """Collect a body of at most `limit` bytes, whatever length was declared for it.

    Parameters
    ----------
    chunks : async iterable of bytes
        The body as it arrives.
    declared : str, optional
        The header Content-Length, if any. It may only shorten the wait for a refusal: what counts is what arrives.
    limit : int
        Largest body, in bytes.

    Raises
    ------
    BodyTooLargeError
        More than `limit` bytes are declared, or arrive. Nothing more is read.
    """
    if declared is not None and declared.isdecimal() and int(declared[:20]) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def parse_application(body: bytes) -> RawApplication:
    """Read one application as raw rows by table.

    Parameters
    ----------
    body : bytes
        JSON in UTF-8: an object with the row ``application`` and, for each history table, a list of rows. A row is an
        object of strings, numbers, booleans and nulls. Integers fit 64 bits, other numbers fit a double.

    Returns
    -------
    dict
        The row of ``application`` and the lists of rows, by table.

    Raises
    ------
    BodyNotJsonError
        Not JSON that every reader understands alike (RFC 8259, and RFC 7493 for repeated names and lone surrogates).
    BodyShapeError
        JSON, but not of that shape. The message names the place and never repeats a value.

    Examples
    --------
    >>> parse_application(b'{"application": {"income": 1.5}, "loans": [{"debt": 2}]}')
    {'application': {'income': 1.5}, 'loans': [{'debt': 2}]}
    """
    plain = _read_plain(body)
    return _checked(_parse(body)) if plain is None else plain


def _read_plain(body: bytes) -> RawApplication | None:
    """Read what is surely one application, at the speed of C loops; None of all else, which is read with care.

    The quick reader accepts nothing that `_parse` refuses but names that repeat, and gives the same values. Each name
    has one colon behind it, and other colons stand within strings: where there are more, names repeat.
    """
    try:
        tables = from_json(body, allow_inf_nan=False, cache_strings="keys")
        histories = [value for table, value in tables.items() if table != ROOT]
        rows = [tables[ROOT], *chain.from_iterable(histories)]
        different = set(chain.from_iterable(map(dict.values, rows)))  # an object or a list would have no hash
    except (ValueError, AttributeError, KeyError, TypeError):
        return None
    lists = set(map(type, histories)) <= {list}
    return tables if lists and _are_small(different) and _has_colons(body, len(tables), rows) else None


def _are_small(values: set[Any]) -> bool:
    """Whether no number is infinite or beyond 64 bits. Other large ones are left to a closer look, and pass there."""
    numbers = [value for value in values if type(value) in NUMBERS] or [0]
    return bool(min(numbers) >= INT64.start and max(numbers) < INT64.stop)


def _has_colons(body: bytes, tables: int, rows: list[Row]) -> bool:
    """Whether a body has a colon for each of the names that were read, and but for those within values no other."""
    if b"\\" in body and COLON_ESCAPE in body:
        return False
    others = body.count(b":") - tables - sum(map(len, rows))
    return others == 0 or others == sum(
        value.count(":") for row in rows for value in row.values() if type(value) is str
    )


def parse_simulation(body: bytes) -> tuple[RawApplication, Changes]:
    """Read one application and what is to be changed in its row.

    Parameters
    ----------
    body : bytes
        As `parse_application` reads it, with ``changes`` beside the tables: under ``application``, columns and their
        new values.

    Returns
    -------
    tuple
        The application as it was sent, and the changes by table.

    Raises
    ------
    BodyNotJsonError, BodyShapeError
        As `parse_application`. The changes are missing, or are of another table than ``application``: what a history
        would be is said by sending other rows.

    Examples
    --------
    >>> parse_simulation(b'{"application": {"income": 1.5}, "changes": {"application": {"income": 2}}}')
    ({'application': {'income': 1.5}}, {'application': {'income': 2}})
    """
    read = _parse(body)
    changes = read.pop(CHANGES, None) if type(read) is dict else None
    application = _checked(read)
    if type(changes) is not dict or set(changes) != {ROOT}:
        found = f"{CHANGES!r} with other names" if type(changes) is dict else f"{CHANGES!r} is {_kind(changes)}"
        raise _wrong_shape(found, f"{CHANGES!r} must be an object with {ROOT!r} alone, and columns to change in it.")
    _check_row(f"{CHANGES!r}.{ROOT!r}", changes[ROOT])
    return application, changes


def parse_changes(body: bytes) -> Row:
    """Read what is new in a known client's application: nothing, or columns of its row.

    Raises
    ------
    BodyNotJsonError, BodyShapeError
        As `parse_application`; it is no object, or has another name than ``application``.

    Examples
    --------
    >>> parse_changes(b'{"application": {"amount": 2000}}'), parse_changes(b"{}")
    ({'amount': 2000}, {})
    """
    read = _parse(body)
    if type(read) is not dict or not set(read) <= {ROOT}:
        rule = f"The body must be an object with {ROOT!r} alone, or an empty one."
        raise _wrong_shape("other names" if type(read) is dict else f"the body is {_kind(read)}", rule)
    changes: Row = read.get(ROOT, {})
    _check_row(f"{ROOT!r}", changes)
    return changes


def _checked(tables: Any) -> RawApplication:
    if type(tables) is not dict:
        raise _wrong_shape(f"the body is {_kind(tables)}", "The body must be an object of tables.")
    if ROOT not in tables:
        raise _wrong_shape(f"no {ROOT!r}", f"The body must hold the row {ROOT!r}.")
    for table, value in tables.items():
        _check_table(table, value)
    return tables


def _parse(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
        read = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
        if SURROGATE_ESCAPE.search(text):
            # Whole pairs have become one character each; only half a pair cannot be written as UTF-8.
            json.dumps(read, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise _not_json(f"a byte that is not UTF-8 at position {error.start}") from None
    except UnicodeEncodeError:
        raise _not_json("half a surrogate pair") from None
    except json.JSONDecodeError as error:
        raise _not_json(f"{error.msg.rstrip(': ')} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        # Python refuses to read integers of more than a few thousand digits.
        raise _wrong_shape("an integer of thousands of digits", "Integers must fit 64 bits.") from None
    return read


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        seen: set[str] = set()
        repeated = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _not_json(f"the name {_short(repeated)} twice in one object")
    return read


def _refuse_constant(constant: str) -> NoReturn:
    raise _not_json(f"{constant}, which JSON does not have")


def _check_table(table: str, value: Any) -> None:
    if table == ROOT:
        _check_row(_short(table), value)
        return
    if type(value) is not list:
        raise _wrong_shape(f"{_short(table)} is {_kind(value)}", "A history table must be a list of rows.")
    for position, row in enumerate(value):
        _check_row(f"{_short(table)}[{position}]", row)


def _check_row(place: str, row: Any) -> None:
    if type(row) is not dict:
        raise _wrong_shape(f"{place} is {_kind(row)}", "A row must be an object.")
    if _is_surely_plain(row):
        return
    for column, value in row.items():
        _check_value(f"{place}.{_short(column)}", value)


def _is_surely_plain(row: dict[str, Any]) -> bool:
    """Pass most rows at the speed of C loops; the others are looked at value by value."""
    values = row.values()
    kinds = set(map(type, values))
    if not kinds <= PLAIN or math.inf in values or -math.inf in values:
        return False
    integers = [value for value in values if type(value) is int] if int in kinds else [0]
    return min(integers) in INT64 and max(integers) in INT64


def _check_value(place: str, value: Any) -> None:
    if type(value) is int and value not in INT64:
        raise _wrong_shape(f"{place} is an integer beyond 64 bits", "Integers must fit 64 bits.")
    if type(value) is float and not math.isfinite(value):
        raise _wrong_shape(f"{place} is a number beyond a double", "Numbers must fit a double.")
    if type(value) in PLAIN:
        return
    if _depth(value) > DEEPEST:
        raise _too_deep()
    raise _wrong_shape(f"{place} is {_kind(value)}", "A value in a row must be a string, a number, a boolean or null.")


def _depth(value: Any) -> int:
    depth, layer = 0, [value]
    while layer:
        depth += 1
        inner = [part.values() if type(part) is dict else part for part in layer if type(part) in {dict, list}]
        layer = [child for children in inner for child in children]
    return depth


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _short(name: str) -> str:
    return repr(name) if len(name) <= 60 else f"{name[:57]!r}..."


def _too_deep() -> BodyShapeError:
    return _wrong_shape("more levels than that", f"Values must nest at most {DEEPEST} deep.")


def _too_large(limit: int) -> BodyTooLargeError:
    return BodyTooLargeError(
        f"A body must have at most {limit} bytes.",
        "more",
        "Send one application per request, or let the operator raise SCOREWRIGHT_MAX_BODY_BYTES.",
    )


def _not_json(found: str) -> BodyNotJsonError:
    return BodyNotJsonError(
        "The body must be JSON in UTF-8, with each name once per object.",
        found,
        "See GET /v1/example for a body that the model accepts.",
    )


def _wrong_shape(found: str, rule: str) -> BodyShapeError:
    return BodyShapeError(rule, found, "See GET /v1/example for a body that the model accepts.")
