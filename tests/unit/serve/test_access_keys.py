from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorewright.errors import OutputError, SettingsError
from scorewright.serve.access.key_file import WatchedKeys, change_keys, read_keys
from scorewright.serve.access.keys import KeyRecord, Keys, Wish, add, digest_of, id_of, mint, revoke, rotate

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WISH = Wish("branches", ("officer", "integrator", "officer"), 90 * DAY)


def adding(wish: Wish = WISH, text: str | None = None) -> Callable[[Keys], Keys]:
    return lambda keys: add(keys, text or mint(), wish, NOW)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


# What a key is


def test_a_key_names_its_id_and_brings_256_bits() -> None:
    made = {mint() for _ in range(100)}
    assert len(made) == len({id_of(text) for text in made}) == 100
    assert all(len(text.split("_", 2)[2]) == 43 for text in made)


@given(st.text())
def test_other_text_names_no_id(text: str) -> None:
    assert id_of(text) is None


def test_what_is_kept_of_a_key_is_a_hash_of_all_of_it() -> None:
    text = mint()
    (record,) = add((), text, WISH, NOW)
    assert (record.id, record.digest) == (id_of(text), digest_of(text).hex())
    assert (record.roles, record.created, record.expires) == (("integrator", "officer"), NOW, NOW + 90 * DAY)
    assert text.split("_", 2)[2] not in repr(record)


@pytest.mark.parametrize(
    ("after", "state"), [(timedelta(0), "live"), (90 * DAY - timedelta(seconds=1), "live"), (90 * DAY, "expired")]
)
def test_a_key_ends_at_its_expiry(after: timedelta, state: str) -> None:
    (record,) = adding()(())
    assert record.state(NOW + after) == state


# How keys change


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "a" * 64, "é", "a\n"])
def test_a_name_is_plain(name: str) -> None:
    with pytest.raises(SettingsError, match="name"):
        add((), mint(), Wish(name, ("officer",), DAY), NOW)


def test_one_live_key_bears_a_name() -> None:
    keys = adding()(())
    with pytest.raises(SettingsError, match="Rotate"):
        adding()(keys)
    assert len(add(revoke(keys, "branches", NOW), mint(), WISH, NOW)) == 2
    assert len(add(keys, mint(), WISH, NOW + 90 * DAY)) == 2


@pytest.mark.parametrize("by", [id_of, lambda _: "branches", lambda text: text])
def test_a_key_is_revoked_by_id_by_name_or_by_itself(by: Callable[[str], str | None]) -> None:
    text = mint()
    (record,) = revoke(adding(text=text)(()), str(by(text)), NOW + DAY)
    assert (record.state(NOW + DAY), record.revoked) == ("revoked", NOW + DAY)
    (again,) = revoke((record,), str(by(text)), NOW + 2 * DAY)
    assert again == record


def test_a_name_revokes_what_was_rotated_as_well() -> None:
    keys = rotate(adding()(()), "branches", mint(), DAY, NOW)
    assert {key.state(NOW) for key in revoke(keys, "branches", NOW)} == {"revoked"}


@pytest.mark.parametrize("change", [lambda keys, which: revoke(keys, which, NOW),
                                    lambda keys, which: rotate(keys, which, mint(), DAY, NOW)])  # fmt: skip
@pytest.mark.parametrize("which", ["nobody", "swk_mistyped-secret", f"swk_{0:012x}_{'s' * 43}"])
def test_a_key_that_is_not_there_is_refused_without_repeating_it(
    change: Callable[[Keys, str], Keys], which: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        change(adding()(()), which)
    assert "mistyped" not in str(refusal.value)
    assert "sss" not in str(refusal.value)


def test_a_rotated_key_stays_valid_for_the_grace_and_its_successor_as_long_as_it_did() -> None:
    text = mint()
    old, made = rotate(adding()(()), "branches", text, 2 * DAY, NOW + DAY)
    assert (old.expires, old.successor) == (NOW + 3 * DAY, made.id)
    assert (made.id, made.name, made.roles, made.clients) == (id_of(text), old.name, old.roles, old.clients)
    assert (made.created, made.expires, made.successor) == (NOW + DAY, NOW + 91 * DAY, None)


def test_a_grace_never_lengthens_a_life() -> None:
    old, _ = rotate(adding()(()), "branches", mint(), 900 * DAY, NOW)
    assert old.expires == NOW + 90 * DAY


def test_whom_a_key_sees_is_never_widened_by_its_rotation() -> None:
    (record,) = add((), mint(), Wish("branch", ("officer",), DAY, clients=()), NOW)
    assert rotate((record,), "branch", mint(), DAY, NOW)[1].clients == ()


@pytest.mark.parametrize("ended", [lambda keys: revoke(keys, "branches", NOW), lambda keys: keys])
def test_what_no_longer_admits_is_not_rotated(ended: Callable[[Keys], Keys]) -> None:
    with pytest.raises(SettingsError, match="Make a new one"):
        rotate(ended(adding()(())), "branches", mint(), DAY, NOW + 90 * DAY)


def test_a_key_is_rotated_once_and_by_its_name_its_successor() -> None:
    first, second = rotate(adding()(()), "branches", mint(), DAY, NOW)
    with pytest.raises(SettingsError, match="rotated before"):
        rotate((first, second), first.id, mint(), DAY, NOW)
    assert rotate((first, second), "branches", mint(), DAY, NOW)[1].successor is not None


# The file


def test_what_is_written_is_read_and_belongs_to_its_owner_alone(place: Path) -> None:
    before = os.umask(0)
    try:
        written = change_keys(place, adding())
    finally:
        os.umask(before)
    assert read_keys(place) == written
    assert place.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in place.parent.iterdir() if "unfinished" in path.name] == []


def test_a_refused_change_leaves_the_file_as_it_was(place: Path) -> None:
    change_keys(place, adding())
    before = place.read_bytes()
    with pytest.raises(SettingsError):
        change_keys(place, adding())
    assert place.read_bytes() == before


def test_changes_at_the_same_time_are_all_kept(place: Path) -> None:
    wishes = [Wish(f"caller-{number}", ("officer",), DAY) for number in range(12)]
    threads = [threading.Thread(target=change_keys, args=(place, adding(wish))) for wish in wishes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key.name for key in read_keys(place)} == {wish.name for wish in wishes}


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        change_keys(tmp_path / "nowhere" / "keys.json", adding())


def test_a_link_is_followed(place: Path, tmp_path: Path) -> None:
    change_keys(place, adding())
    link = tmp_path / "link.json"
    link.symlink_to(place)
    change_keys(link, lambda keys: revoke(keys, "branches", NOW))
    assert link.is_symlink()
    assert read_keys(place)[0].revoked == NOW


def broken(place: Path, **changes: object) -> None:
    """Write a file of one key with some fields changed."""
    change_keys(place, adding())
    told = json.loads(place.read_text())
    told["keys"][0].update(changes)
    place.write_text(json.dumps(told))


@pytest.mark.parametrize(
    "changes",
    [
        {"roles": []},
        {"roles": ["root"]},
        {"id": "0" * 11},
        {"digest": "0" * 63},
        {"name": "a\n"},
        {"expires": "2030-01-01T00:00:00"},
        {"extra": 1},
        {"clients": "all"},
    ],
)
def test_a_file_that_says_something_else_is_refused(place: Path, changes: dict[str, object]) -> None:
    broken(place, **changes)
    with pytest.raises(SettingsError, match="not as it was written"):
        read_keys(place)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"protocol": 2, "keys": []}'])
def test_a_file_that_is_not_one_of_keys_is_refused(place: Path, text: str) -> None:
    place.write_text(text)
    place.chmod(0o600)
    with pytest.raises(SettingsError, match="not a file of keys"):
        read_keys(place)


def test_a_file_that_others_may_write_is_refused(place: Path) -> None:
    change_keys(place, adding())
    place.chmod(0o620)
    with pytest.raises(SettingsError, match="0620"):
        read_keys(place)
    place.chmod(0o644)
    assert len(read_keys(place)) == 1


def test_an_id_stands_once(place: Path) -> None:
    change_keys(place, lambda keys: adding()(keys) * 2)
    with pytest.raises(SettingsError, match="repeated ids"):
        read_keys(place)


def test_an_absent_file_is_said_with_the_verb_that_makes_it(place: Path) -> None:
    with pytest.raises(SettingsError, match="keys new"):
        read_keys(place)


# A file that is watched


def names(keys: WatchedKeys) -> list[str]:
    return [key.name for key in keys().values()]


def test_changes_are_seen_at_the_next_look(place: Path) -> None:
    watched = WatchedKeys(place)
    assert names(watched) == []
    change_keys(place, adding())
    assert names(watched) == ["branches"]
    assert watched() is watched()
    change_keys(place, lambda keys: revoke(keys, "branches", NOW))
    (record,) = watched().values()
    assert isinstance(record, KeyRecord)
    assert record.revoked == NOW


def test_a_file_that_went_bad_admits_nobody_until_it_is_mended(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    change_keys(place, adding())
    watched, whole = WatchedKeys(place), place.read_bytes()
    assert names(watched) == ["branches"]
    place.write_text("{")
    assert (names(watched), names(watched)) == ([], [])
    assert len(caplog.records) == 1
    place.unlink()
    assert names(watched) == []
    place.write_bytes(whole)
    place.chmod(0o600)
    assert names(watched) == ["branches"]
