from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from scorewright.domain.ledger import Anchor
from scorewright.errors import SettingsError
from scorewright.ledger.anchors import from_json, to_json

ANCHORS = tuple(
    Anchor("ledger", number, "ab" * 32, datetime(2026, 1, 2, 3, 4, 5, number, UTC), "0123", "cd")
    for number in (0, 1000)
)


def test_anchors_come_back_as_they_were_exported() -> None:
    assert from_json(to_json(ANCHORS)) == ANCHORS
    assert from_json(to_json(())) == ()


@pytest.mark.parametrize(
    ("name", "value"), [("sequence", "1"), ("mac", 1), ("time", "yesterday"), ("time", "2026-01-01"), ("seal", None)]
)
def test_an_anchor_with_another_type_of_value_is_refused(name: str, value: object) -> None:
    content = json.loads(to_json(ANCHORS))
    content["anchors"][1][name] = value
    with pytest.raises(SettingsError, match="as the ledger exported it"):
        from_json(json.dumps(content))


@pytest.mark.parametrize("text", ["", "[]", "null", '{"protocol": 2, "anchors": []}', '{"protocol": 1}', "[" * 100_000])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        from_json(text)
