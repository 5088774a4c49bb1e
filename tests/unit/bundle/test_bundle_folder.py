from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scorewright.bundle.folder import keep, verified
from scorewright.bundle.manifest import MANIFEST, PROTOCOL, Manifest, sha256
from scorewright.errors import BundleCorruptError, OutputError

TEXT = b"model"
SEALED = Manifest(PROTOCOL, "lender", "trees", "trees", "ab" * 32, 1, {}, {"model.txt": sha256(TEXT)}).to_json()
DIGEST = sha256(SEALED)


def fill(folder: Path) -> None:
    (folder / "model.txt").write_bytes(TEXT)
    (folder / MANIFEST).write_bytes(SEALED)


def refill(folder: Path) -> None:
    raise AssertionError(folder)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "bundles" / "kept"


def assert_whole(place: Path) -> None:
    assert verified(place, DIGEST).files == {"model.txt": TEXT}
    assert list(place.parent.iterdir()) == [place]


def test_a_whole_bundle_is_kept_as_it_is(place: Path) -> None:
    assert keep(keep(place, DIGEST, fill), DIGEST, refill) == place
    assert_whole(place)


BREAKING: dict[str, Callable[[Path], object]] = {
    "changed": lambda folder: (folder / "model.txt").write_bytes(b"other"),
    "missing": lambda folder: (folder / "model.txt").unlink(),
    "added": lambda folder: (folder / "more.txt").touch(),
    "no manifest": lambda folder: (folder / MANIFEST).unlink(),
    "no manifest at all": lambda folder: (folder / MANIFEST).write_bytes(b"{}"),
    "another bundle": lambda folder: (folder / MANIFEST).write_bytes(SEALED.replace(b"lender", b"renter")),
}


@pytest.mark.parametrize("breaking", BREAKING.values(), ids=BREAKING.keys())
def test_a_broken_bundle_is_replaced(place: Path, breaking: Callable[[Path], object]) -> None:
    breaking(keep(place, DIGEST, fill))
    keep(place, DIGEST, fill)
    assert_whole(place)


def test_a_file_in_its_place_is_replaced(place: Path) -> None:
    place.parent.mkdir()
    place.touch()
    keep(place, DIGEST, fill)
    assert_whole(place)


def test_a_filling_cut_short_leaves_what_was_there(place: Path) -> None:
    def cut_short(folder: Path) -> None:
        (folder / "x").touch()
        raise KeyboardInterrupt

    BREAKING["changed"](keep(place, DIGEST, fill))
    with pytest.raises(KeyboardInterrupt):
        keep(place, DIGEST, cut_short)
    assert (place / "model.txt").read_bytes() == b"other"
    assert list(place.parent.iterdir()) == [place]


def test_one_that_another_process_kept_meanwhile_is_taken(place: Path) -> None:
    def overtaken(folder: Path) -> None:
        place.mkdir()
        fill(place)
        (folder / "x").touch()

    keep(place, DIGEST, overtaken)
    assert_whole(place)


def test_a_place_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="writable"):
        keep(tmp_path / "file" / "ab", DIGEST, fill)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that is there but cannot be read")
@pytest.mark.parametrize("name", [MANIFEST, "model.txt"])
def test_a_file_that_cannot_be_read_is_corrupt(place: Path, name: str) -> None:
    keep(place, DIGEST, fill)
    (place / name).unlink()
    (place / name).symlink_to("/proc/self/mem")
    with pytest.raises(BundleCorruptError, match="readable"):
        verified(place)
