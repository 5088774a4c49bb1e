"""What an application may contain, as JSON schema, generated from the contract that holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scorewright.tables.contract import ColumnContract
from scorewright.tables.door import sealed_layout
from scorewright.tables.holding import known_categories
from scorewright.tables.loading import Sealed
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.types import ColumnType

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_INT64 = {"minimum": -(2**63), "maximum": 2**63 - 1}
_TYPES: Mapping[ColumnType, Mapping[str, Any]] = {
    "integer": {"type": "integer", **_INT64},
    "number": {"type": "number"},
    "text": {"type": "string"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
}
_IGNORED = {"description": "Accepted and not read."}


def application_schema(portfolio: Portfolio, sealed: Sealed) -> Mapping[str, Any]:
    """Describe the applications that a model accepts.

    What a schema cannot say stays with the reader: keys are unique, and rows of histories belong to a row above them.

    Parameters
    ----------
    portfolio : Portfolio
        How the tables hang together, and what columns are called.
    sealed : Sealed
        The contract, and the columns that feed features.

    Returns
    -------
    dict
        JSON schema (2020-12). ``x-reads`` tells whether the model reads a column. Ranges of training stand as
        ``x-minimum`` and ``x-maximum``: a number beyond them is told in the answer, and refused only where the
        portfolio says so.
    """
    rows = {table: _row(portfolio, table, sealed) for table in sealed.contract.tables}
    root = portfolio.root
    return {
        "$schema": DIALECT,
        "title": f"An application of {portfolio.name}",
        "type": "object",
        "required": [root],
        "additionalProperties": False,
        "properties": {table: row if table == root else _rows(row) for table, row in rows.items()},
    }


def _rows(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [{"type": "array", "items": row}, {"type": "null"}]}


def _row(portfolio: Portfolio, table: str, sealed: Sealed) -> dict[str, Any]:
    spec, columns = portfolio.tables[table], sealed.contract.tables[table]
    used = sealed.used.get(table, frozenset())
    layout = sealed_layout(portfolio, table, columns, used)
    known = known_categories(spec, columns, used) if sealed.unseen == "refuse" else {}
    tie = {spec.on} if spec.parent == portfolio.root else set()
    properties: dict[str, Any] = {}
    for name in sorted(layout.known - set(columns)):
        properties[name] = _IGNORED
    for name, column in columns.items():
        label = spec.labels.get(name)
        properties[name] = {
            **({"title": label.en} if label else {}),
            "x-reads": name in used,
            "anyOf": [_value(column, known.get(name)), {"type": "null"}],
        }
    if table == portfolio.root and spec.key is not None:
        properties[spec.key]["anyOf"].pop()
    return {
        "type": "object",
        "required": sorted(layout.required - tie),
        "additionalProperties": False,
        "properties": properties,
    }


def _value(column: ColumnContract, known: frozenset[str] | None) -> dict[str, Any]:
    ranges = {"x-minimum": column.minimum, "x-maximum": column.maximum}
    told = {**_TYPES[column.type], **{name: bound for name, bound in ranges.items() if bound is not None}}
    return {**told, "enum": sorted(known)} if known else told
