from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt import encode
from jwt.algorithms import ECAlgorithm
from pydantic import SecretStr

from scorewright.domain.access import Caller
from scorewright.errors import SettingsError
from scorewright.serve.access.choosing import choose_authenticator, choose_guard
from scorewright.serve.access.guard import Asked
from scorewright.serve.access.key_file import change_keys
from scorewright.serve.access.keys import Wish, add, mint
from scorewright.serve.settings import ServiceSettings

SHARED = "a-key-of-23-characters!"
TEXT = mint()
PRIVATE = generate_private_key(SECP256R1())
LATER = datetime.now(UTC) + timedelta(hours=1)
TOKEN = encode({"iss": "bank", "aud": "us", "sub": "u", "exp": LATER, "roles": "risk"}, PRIVATE, "ES256", {"kid": "k"})
OIDC: dict[str, Any] = {"oidc_issuer": "bank", "oidc_audience": "us", "oidc_roles": {"risk": "validator"}}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    place = tmp_path / "keys.json"
    wish = Wish("branches", ("integrator",), timedelta(days=1))
    change_keys(place, lambda before: add(before, TEXT, wish, datetime.now(UTC)))
    return place


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    place = tmp_path / "jwks.json"
    public = ECAlgorithm.to_jwk(PRIVATE.public_key(), as_dict=True)
    place.write_text(json.dumps({"keys": [{**public, "kid": "k"}]}))
    return place


def names(settings: ServiceSettings) -> list[str]:
    door = choose_authenticator(settings)
    known = [asyncio.run(door.authenticate({"authorization": f"Bearer {text}"})) for text in (TEXT, TOKEN, SHARED)]
    return [caller.reference for caller in known if isinstance(caller, Caller)]


def test_each_way_of_signing_in_is_there_when_the_settings_ask_for_it(keys: Path, jwks: Path) -> None:
    oidc = {**OIDC, "oidc_jwks_file": jwks}
    shared = {"api_key": SecretStr(SHARED)}
    assert names(ServiceSettings(keys_file=keys)) == ["api-key:branches"]
    assert names(ServiceSettings(**oidc)) == ["token:u"]
    assert names(ServiceSettings(**shared)) == ["shared-key:key"]
    everything = ServiceSettings(host="0.0.0.0", keys_file=keys, **oidc, **shared)
    assert names(everything) == ["api-key:branches", "token:u", "shared-key:key"]
    assert set(choose_authenticator(everything).schemes) == {"bearer", "key", "token"}


def test_keys_of_an_address_are_not_fetched_before_a_token_needs_them() -> None:
    choose_authenticator(ServiceSettings(**OIDC, oidc_jwks_url="https://keys.invalid/"))


def test_a_file_of_keys_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="keys new"):
        choose_authenticator(ServiceSettings(keys_file=tmp_path / "keys.json"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org"])
def test_other_machines_are_never_let_in_without_keys_or_a_provider(host: str, keys: Path) -> None:
    with pytest.raises(SettingsError, match="SCOREWRIGHT_KEYS_FILE"):
        choose_guard(ServiceSettings(host=host))
    choose_guard(ServiceSettings(host=host, keys_file=keys))


def test_the_guard_counts_as_the_settings_say() -> None:
    guard = choose_guard(ServiceSettings(api_key=SecretStr(SHARED), throttle_failures=2, throttle_seconds=1000))
    asked = Asked("GET", "/v1/model", {"x-api-key": "wrong"}, "192.0.2.7")
    assert [asyncio.run(guard.judge(asked)).status for _ in range(3)] == [401, 401, 429]


def test_keys_alone_load_no_library_for_tokens() -> None:
    code = "import sys, scorewright.serve.access, scorewright.serve.settings; sys.exit('jwt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
