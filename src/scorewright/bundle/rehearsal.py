"""Made-up applications: an example for integrators, and the cases on which a scorer is tried before it is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scorewright.tables.contract import ColumnContract, Contract
from scorewright.tables.portfolio import Portfolio

Choose = Callable[[ColumnContract], Any]


def example(portfolio: Portfolio, contract: Contract) -> dict[str, Any]:
    """Make up an application from typical values: no person."""
    return _body(portfolio, contract, [_typical])


def rehearsals(portfolio: Portfolio, contract: Contract) -> list[dict[str, Any]]:
    """Make up applications that take different ways through the features.

    Returns
    -------
    list of bodies
        The example; without histories; several rows in each history, with least and greatest values and gaps; and
        nothing but gaps.
    """
    plain = example(portfolio, contract)
    rows = [_typical, _least, _greatest, _missing, _typical, _missing, _greatest]
    return [
        plain,
        {portfolio.root: plain[portfolio.root]},
        _body(portfolio, contract, rows),
        _body(portfolio, contract, [_greatest, *rows]),
        _body(portfolio, contract, [_missing, _missing]),
    ]


def _body(portfolio: Portfolio, contract: Contract, rows: Sequence[Choose]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for table, columns in contract.tables.items():
        spec = portfolio.tables[table]
        made = [{name: choose(column) for name, column in columns.items()} for choose in rows]
        for number, row in enumerate(made, 1):
            for name in (spec.key, spec.on, *spec.identifiers):
                if name in row:
                    # Rows are told apart by their own key, and all belong to the first row of their parent.
                    key = number if name == spec.key else 1
                    row[name] = str(key) if columns[name].type == "text" else key
        body[table] = made[0] if table == portfolio.root else made
    return body


def _typical(column: ColumnContract) -> Any:
    return column.typical


def _least(column: ColumnContract) -> Any:
    return _number(column, column.minimum) if column.minimum is not None else (column.categories or (None,))[0]


def _greatest(column: ColumnContract) -> Any:
    return _number(column, column.maximum) if column.maximum is not None else (column.categories or (None,))[-1]


def _number(column: ColumnContract, bound: float) -> float:
    return int(bound) if column.type == "integer" else bound


def _missing(_: ColumnContract) -> Any:
    return None
