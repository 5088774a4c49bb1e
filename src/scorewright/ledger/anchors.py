"""Anchors as lines of JSON, to be kept where the ledger's database is not."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from scorewright.domain.ledger import Anchor
from scorewright.errors import SettingsError

log = logging.getLogger("scorewright.ledger")

_PROTOCOL = 1


class AnchorFile:
    """A file to which anchors are appended as they are made; best on a disk that the ledger's users cannot write.

    Parameters
    ----------
    path : Path
        The file; its folder exists.

    Raises
    ------
    SettingsError
        It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.open("a", encoding="utf-8").close()
        except OSError as error:
            raise SettingsError(
                "Anchors must be appended to a file that can be written.",
                f"{path}: {error.strerror or type(error).__name__}",
                "Correct SCOREWRIGHT_LEDGER_ANCHORS or the permissions.",
            ) from None

    def append(self, anchor: Anchor) -> None:
        """Append an anchor. A file that cannot be written now is said in the log: recording goes on without it."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(to_lines([anchor]))
        except OSError as error:
            log.error("anchor-not-written", extra={"error": type(error).__qualname__})  # noqa: TRY400 - one line


def to_lines(anchors: Sequence[Anchor]) -> str:
    """Write anchors down, each on a line of its own: one export can be put behind another."""
    return "".join(f"{json.dumps(_content(anchor))}\n" for anchor in anchors)


def from_lines(text: str) -> tuple[Anchor, ...]:
    """Read anchors back.

    Raises
    ------
    SettingsError
        A line is not what `to_lines` writes.
    """
    return tuple(_anchor(number, line) for number, line in enumerate(text.splitlines(), 1))


def _content(anchor: Anchor) -> dict[str, Any]:
    return {"protocol": _PROTOCOL, **asdict(anchor), "time": anchor.time.isoformat(timespec="microseconds")}


def _anchor(number: int, line: str) -> Anchor:
    try:
        return _read(json.loads(line))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise SettingsError(
            "Each line of a file of anchors must be a JSON object as the ledger exported it.",
            f"something else in line {number}",
            "Give the file as it was exported.",
        ) from None


def _read(content: dict[str, Any]) -> Anchor:
    ledger, sequence, mac, key, seal = (content[name] for name in ("ledger", "sequence", "mac", "key", "seal"))
    time = datetime.fromisoformat(content["time"])
    if type(sequence) is not int or not all(isinstance(text, str) for text in (ledger, mac, key, seal)):
        raise TypeError
    if time.tzinfo is None or content["protocol"] != _PROTOCOL:
        raise ValueError
    return Anchor(ledger, sequence, mac, time, key, seal)
