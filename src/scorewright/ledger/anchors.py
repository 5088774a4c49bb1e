"""Anchors as a JSON document, to be kept where the ledger's database is not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from scorewright.domain.ledger import Anchor
from scorewright.errors import SettingsError


def to_json(anchors: Sequence[Anchor]) -> str:
    """Write anchors down."""
    content = [asdict(anchor) | {"time": anchor.time.isoformat(timespec="microseconds")} for anchor in anchors]
    return json.dumps({"protocol": 1, "anchors": content}, indent=1) + "\n"


def from_json(text: str) -> tuple[Anchor, ...]:
    """Read anchors back.

    Raises
    ------
    SettingsError
        It is not what `to_json` writes.
    """
    try:
        content = json.loads(text)
        return tuple(map(_anchor, {1: content["anchors"]}[content["protocol"]]))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise SettingsError(
            "Anchors must be a JSON document as the ledger exported it.",
            "something else",
            "Give the file as it was exported.",
        ) from None


def _anchor(content: dict[str, Any]) -> Anchor:
    ledger, sequence, mac, key, seal = (content[name] for name in ("ledger", "sequence", "mac", "key", "seal"))
    time = datetime.fromisoformat(content["time"])
    if not isinstance(sequence, int) or not all(isinstance(text, str) for text in (ledger, mac, key, seal)):
        raise TypeError
    if time.tzinfo is None:
        raise ValueError
    return Anchor(ledger, sequence, mac, time, key, seal)
