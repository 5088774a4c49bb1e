from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.datastructures import Headers

from scorewright.errors import SettingsError
from scorewright.serve.access import Authenticator, OpenDoor, SharedKey, choose_authenticator, is_loopback
from scorewright.serve.settings import ServiceSettings

KEY = "a-key-of-23-characters!"
DOOR = SharedKey(SecretStr(KEY))


def admits(door: Authenticator, **headers: str) -> bool:
    named = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return asyncio.run(door.authenticate(named)) is not None


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer   {KEY} "},
        {"X_API_Key": KEY},
        {"Authorization": "Bearer other", "X_API_Key": KEY},
    ],
)
def test_the_key_admits_in_either_header(headers: dict[str, str]) -> None:
    assert admits(DOOR, **headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": KEY},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": f"Bearer {KEY}x"},
        {"X_API_Key": KEY[:-1]},
        {"X_API_Key": KEY.upper()},
    ],
)
def test_anything_else_is_turned_away(headers: dict[str, str]) -> None:
    assert not admits(DOOR, **headers)


@given(st.text(alphabet=st.characters(max_codepoint=255)).filter(lambda offered: offered.strip() != KEY))
def test_no_other_text_is_the_key_and_none_fails(offered: str) -> None:
    named = {"authorization": f"Bearer {offered}", "x-api-key": offered}
    assert asyncio.run(DOOR.authenticate(named)) is None


def test_the_open_door_admits_everyone() -> None:
    assert admits(OpenDoor())


def test_settings_choose_the_door() -> None:
    assert isinstance(choose_authenticator(ServiceSettings(api_key=SecretStr(KEY))), SharedKey)
    assert isinstance(choose_authenticator(ServiceSettings()), OpenDoor)
    assert isinstance(choose_authenticator(ServiceSettings(host="0.0.0.0", api_key=SecretStr(KEY))), SharedKey)


def test_other_machines_are_never_let_in_without_a_key() -> None:
    with pytest.raises(SettingsError, match="SCOREWRIGHT_API_KEY"):
        choose_authenticator(ServiceSettings(host="0.0.0.0"))


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("10.0.0.1", False), ("localhost.example.org", False)],
)  # fmt: skip
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
