"""Coverage and ranges against the plainest possible way of finding them."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scorewright.tables.contract import ColumnContract, Contract
from scorewright.tables.inputs import InputCheck
from tests.oracles.book import TOML, portfolio

BOUNDS = {"A": (-5.0, 5.0), "B": (0.0, 0.0), "C": (-1e300, 1e18)}
SENTINELS: dict[str, tuple[Any, ...]] = {"A": (-9.0, 7.0)}
COLUMNS = {name: ColumnContract("number", nullable=True, minimum=b[0], maximum=b[1]) for name, b in BOUNDS.items()}
CONTRACT = Contract(
    {
        "application": {**COLUMNS, "T": ColumnContract("text", nullable=True)},
        "loan": COLUMNS,
        "month": {"A": COLUMNS["A"]},
    }
)
BOOK = portfolio(
    TOML + "".join(f"[tables.{table}.sentinels]\nA = [-9.0, 7.0]\n" for table in ("application", "loan", "month"))
)

numbers = st.none() | st.sampled_from([-9.0, 7, 0, -5, 5.0, 6, 2**63 - 1, 10**18, 10**18 + 1]) | st.floats()
rows = st.fixed_dictionaries({}, optional=dict.fromkeys("ABC", numbers))
roots = st.fixed_dictionaries({}, optional={**dict.fromkeys("ABC", numbers), "T": st.none() | st.text(max_size=2)})
bodies = st.fixed_dictionaries(
    {"application": roots}, optional={"loan": st.lists(rows, max_size=4), "month": st.lists(rows, max_size=4)}
)
uses = st.fixed_dictionaries(
    {}, optional={t: st.frozensets(st.sampled_from([*columns])) for t, columns in CONTRACT.tables.items()}
)


def is_missing(column: str, value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or value in SENTINELS.get(column, ())


@given(bodies, uses)
def test_what_is_missing_and_what_lies_outside(body: dict[str, Any], used: dict[str, frozenset[str]]) -> None:
    found = InputCheck(BOOK, CONTRACT, used).check(body)
    outside = []
    for table, columns in CONTRACT.tables.items():
        held = [body["application"]] if table == "application" else body.get(table, [])
        for column in columns:
            values = [row.get(column) for row in held]
            known = [value for value in values if not is_missing(column, value)]
            low, high = BOUNDS.get(column, (0.0, 0.0))
            if column in used.get(table, ()) and column in BOUNDS and any(not low <= value <= high for value in known):
                outside.append(f"{table}.{column}")
    asked = used.get("application", frozenset())
    there = [column for column in asked if not is_missing(column, body["application"].get(column))]
    assert [each.name for each in found.outside] == outside
    assert found.coverage == (len(there) / len(asked) if asked else 1.0)
