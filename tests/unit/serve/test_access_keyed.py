from __future__ import annotations

import asyncio
import hmac
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.datastructures import Headers

from scorewright.domain.access import Caller, Stranger
from scorewright.serve.access.keyed import ApiKeys, OpenDoor, SharedKey
from scorewright.serve.access.keys import KeyRecord, Wish, add, revoke, rotate
from scorewright.serve.access.seam import KEY_SCHEMES, NOTHING_BROUGHT, OF_NO_KIND, AnyOf, Authenticator

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BRANCHES, DESK, OLD, NEW, STRANGER = (f"swk_{number:012x}_{'oldestnew'[number:] * 9:.43}" for number in range(5))
KEYS = add((), BRANCHES, Wish("branches", ("integrator",), 10 * DAY), NOW)
KEYS = add(KEYS, DESK, Wish("desk", ("officer", "validator"), 20 * DAY, ("17", "18")), NOW)
KEYS = add(KEYS, OLD, Wish("batch", ("integrator",), 30 * DAY), NOW)
KEYS = rotate(KEYS, "batch", NEW, 2 * DAY, NOW)
SHARED = "a-key-of-23-characters!"


def door(after: timedelta = timedelta(0), keys: tuple[KeyRecord, ...] = KEYS) -> ApiKeys:
    return ApiKeys(lambda: {key.id: key for key in keys}, lambda: NOW + after)


def identified(door: Authenticator, headers: Mapping[str, str]) -> Caller | Stranger:
    return asyncio.run(door.identify(Headers(dict(headers))))


def why(door: Authenticator, text: str) -> str:
    known = identified(door, {"Authorization": f"Bearer {text}"})
    assert isinstance(known, Stranger)
    return known.why


@pytest.mark.parametrize("headers", [{"Authorization": f"Bearer {DESK}"}, {"X-API-Key": DESK},
                                     {"Authorization": f"Bearer {STRANGER}", "X-API-Key": DESK}])  # fmt: skip
def test_a_live_key_tells_who_asks_and_for_what(headers: dict[str, str]) -> None:
    known = identified(door(), headers)
    assert isinstance(known, Caller)
    assert (known.name, known.roles, known.reference) == ("desk", {"officer", "validator"}, "api-key:desk")
    assert (known.sees("17"), known.sees("19")) == (True, False)
    assert known.key_id == DESK.split("_")[1]


def test_why_a_key_is_turned_away_is_for_the_log() -> None:
    key_id = BRANCHES.split("_")[1]
    forged = BRANCHES[:-43] + STRANGER[-43:]
    assert why(door(10 * DAY), BRANCHES) == f"key {key_id} expired"
    assert why(door(keys=revoke(KEYS, "branches", NOW)), BRANCHES) == f"key {key_id} revoked"
    assert why(door(), forged) == f"key {key_id} with a wrong secret"
    assert why(door(), STRANGER) == f"key {STRANGER.split('_')[1]} unknown"
    assert why(door(), "text") == OF_NO_KIND.why
    assert identified(door(), {}) == NOTHING_BROUGHT


def test_an_ended_key_with_a_wrong_secret_does_not_tell_that_it_ended() -> None:
    forged = BRANCHES[:-43] + STRANGER[-43:]
    assert "wrong secret" in why(door(10 * DAY), forged)


def test_after_a_rotation_both_keys_admit_and_after_the_grace_only_the_new_one() -> None:
    for text in (OLD, NEW):
        known = identified(door(2 * DAY - timedelta(seconds=1)), {"X-API-Key": text})
        assert isinstance(known, Caller)
        assert known.name == "batch"
    assert "expired" in why(door(2 * DAY), OLD)
    assert isinstance(identified(door(2 * DAY), {"X-API-Key": NEW}), Caller)


def test_every_key_is_compared_once_in_constant_time_known_or_not() -> None:
    compared: list[tuple[int, int]] = []

    def same(left: bytes, right: bytes) -> bool:
        compared.append((len(left), len(right)))
        return hmac.compare_digest(left, right)

    watched = ApiKeys(lambda: {key.id: key for key in KEYS}, lambda: NOW, same)
    texts = [BRANCHES, BRANCHES[:-43] + STRANGER[-43:], STRANGER]
    for number, text in enumerate(texts, 1):
        identified(watched, {"X-API-Key": text})
        assert compared == [(32, 32)] * number
    shared = SharedKey(SecretStr(SHARED), same)
    identified(shared, {"X-API-Key": "x", "Authorization": f"Bearer {SHARED}"})
    assert compared[3:] == [(32, 32)] * 2


def test_the_comparison_of_the_library_is_used_where_no_other_is_given() -> None:
    assert door()._same is hmac.compare_digest
    assert SharedKey(SecretStr(SHARED))._same is hmac.compare_digest


def test_the_shared_key_and_the_open_door_admit_to_everything() -> None:
    known = identified(SharedKey(SecretStr(SHARED)), {"X-API-Key": SHARED})
    assert known == Caller("key", frozenset({"admin"}), "shared-key")
    assert identified(OpenDoor(), {}) == Caller("anyone", frozenset({"admin"}))


# Several ways of signing in


BOTH = AnyOf([door(), SharedKey(SecretStr(SHARED))])


def test_any_of_several_ways_admits() -> None:
    names = [identified(BOTH, {"X-API-Key": text}) for text in (BRANCHES, SHARED)]
    assert [known.name for known in names if isinstance(known, Caller)] == ["branches", "key"]
    assert BOTH.schemes == KEY_SCHEMES


def test_the_most_telling_reason_is_kept() -> None:
    assert "unknown" in why(BOTH, STRANGER)
    assert why(BOTH, "text") == OF_NO_KIND.why
    assert identified(BOTH, {}) == NOTHING_BROUGHT
    assert identified(AnyOf([]), {"X-API-Key": SHARED}) == NOTHING_BROUGHT


ANY_HEADER = st.text(alphabet=st.characters(max_codepoint=255), max_size=200)
KEY_LIKE = st.builds(
    "swk_{}_{}".format,
    st.sampled_from([text.split("_")[1] for text in (BRANCHES, DESK, STRANGER)])
    | st.text("0123456789abcdef", max_size=14),
    st.text(string.ascii_letters + string.digits + "-_", min_size=41, max_size=45),
)


@given(ANY_HEADER | KEY_LIKE, ANY_HEADER | KEY_LIKE)
def test_no_random_text_is_ever_admitted(left: str, right: str) -> None:
    for header in (left, f"Bearer {left}"):
        headers = {"authorization": header, "x-api-key": right}
        assert isinstance(asyncio.run(BOTH.identify(headers)), Stranger)


@given(st.sampled_from([BRANCHES, DESK, SHARED]), st.data())
def test_a_key_with_one_character_changed_is_never_admitted(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(
        st.sampled_from(string.ascii_letters + string.digits + "-_").filter(lambda one: one != text[place])
    )
    changed = text[:place] + other + text[place + 1 :]
    assert isinstance(asyncio.run(BOTH.identify({"x-api-key": changed})), Stranger)
