from __future__ import annotations

from pathlib import Path

import pytest

from scorewright.errors import OutputError
from scorewright.registry.files import fill_whole, write_whole


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
    with pytest.raises(OutputError):
        fill_whole(tmp_path / "file" / "folder", Path.exists)


def test_a_folder_is_filled_once(tmp_path: Path) -> None:
    target = tmp_path / "bundles" / "abc"
    fill_whole(target, lambda folder: (folder / "x").write_text("first"))
    fill_whole(target, lambda folder: (folder / "x").write_text("second"))
    assert (target / "x").read_text() == "first"
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_whose_filling_fails_is_never_seen(tmp_path: Path) -> None:
    def cut_short(folder: Path) -> None:
        (folder / "x").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_whole(tmp_path / "abc", cut_short)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_filled_by_another_meanwhile_is_taken(tmp_path: Path) -> None:
    target = tmp_path / "abc"

    def overtaken(folder: Path) -> None:
        (folder / "x").write_text("mine")
        target.mkdir()
        (target / "x").write_text("theirs")

    assert fill_whole(target, overtaken) == target
    assert (target / "x").read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [target]
