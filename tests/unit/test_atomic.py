from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from scorewright.atomic import whole_file, whole_folder, write_files
from scorewright.errors import OutputError


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    with whole_file(path) as unfinished:
        unfinished.write_text("a\n1\n")
        assert not path.exists()
    assert path.read_text() == "a\n1\n"
    assert [found.name for found in tmp_path.iterdir()] == ["scores.csv"]


def test_a_file_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("old")
    with suppress(RuntimeError), whole_file(path) as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "new" / "folder") as unfinished:
        write_files(unfinished, {"a/b.txt": b"b", "c.txt": b"c"})
    assert (tmp_path / "new/folder/a/b.txt").read_bytes() == b"b"
    assert [found.name for found in (tmp_path / "new").iterdir()] == ["folder"]


def test_a_folder_that_fails_or_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), whole_folder(tmp_path / "folder") as unfinished:
        (unfinished / "half").write_text("half")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_is_used_and_a_full_one_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with whole_folder(folder) as unfinished:
        (unfinished / "a").write_text("a")
    with pytest.raises(OutputError, match="new or empty folder"), whole_folder(folder):
        pytest.fail("The block must not run.")
    assert (folder / "a").read_text() == "a"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="writable"), whole_file(tmp_path / "no" / "file.csv"):
        pytest.fail("The block must not run.")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="writable"), whole_folder(tmp_path / "file" / "folder"):
        pytest.fail("The block must not run.")
