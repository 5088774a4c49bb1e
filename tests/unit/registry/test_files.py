from __future__ import annotations

from pathlib import Path

import pytest

from scorewright.errors import OutputError
from scorewright.registry.files import write_whole


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b.json"
    write_whole(target, "one")
    write_whole(target, "deux é")
    assert target.read_text(encoding="utf-8") == "deux é"
    assert list(target.parent.iterdir()) == [target]


def test_a_write_that_fails_leaves_the_old_content(tmp_path: Path) -> None:
    target = tmp_path / "b.json"
    write_whole(target, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(target, "\ud800")
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_place_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="folder"):
        write_whole(tmp_path / "file" / "b.json", "x")
