from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scorewright.domain.ledger import Anchor
from scorewright.errors import SettingsError
from scorewright.ledger.anchors import AnchorFile, from_lines, to_lines

ANCHORS = tuple(
    Anchor("ledger", number, "ab" * 32, datetime(2026, 1, 2, 3, 4, 5, number, UTC), "0123", "cd")
    for number in (0, 1000)
)


def test_anchors_come_back_as_they_were_exported() -> None:
    assert from_lines(to_lines(ANCHORS)) == ANCHORS
    assert from_lines(to_lines(())) == ()


def test_anchors_are_appended_as_they_are_made(tmp_path: Path) -> None:
    kept = tmp_path / "anchors.jsonl"
    for anchor in ANCHORS:
        AnchorFile(kept).append(anchor)
    assert from_lines(kept.read_text()) == ANCHORS


def test_a_file_of_anchors_that_cannot_be_written_is_said_at_once_or_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SettingsError, match="SCOREWRIGHT_LEDGER_ANCHORS"):
        AnchorFile(tmp_path / "nowhere" / "anchors.jsonl")
    kept = tmp_path / "there" / "anchors.jsonl"
    kept.parent.mkdir()
    file = AnchorFile(kept)
    kept.unlink()
    kept.parent.rmdir()
    file.append(ANCHORS[0])
    assert [record.message for record in caplog.records] == ["anchor-not-written"]


def test_one_export_can_be_put_behind_another() -> None:
    assert from_lines(to_lines(ANCHORS[:1]) + to_lines(ANCHORS)) == (ANCHORS[0], *ANCHORS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sequence", "1"),
        ("sequence", True),
        ("mac", 1),
        ("time", "yesterday"),
        ("time", "2026-01-01"),
        ("seal", None),
        ("protocol", 2),
    ],
)
def test_an_anchor_with_another_type_of_value_is_refused(name: str, value: object) -> None:
    first, second = to_lines(ANCHORS).splitlines()
    changed = json.dumps({**json.loads(second), name: value})
    with pytest.raises(SettingsError, match="line 2"):
        from_lines(f"{first}\n{changed}\n")


@pytest.mark.parametrize("text", ["\n", "[]", "null", "{}", '{"protocol": 1}', "[" * 100_000])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="as the ledger exported it"):
        from_lines(text)
