from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scorewright.errors import SettingsError
from scorewright.serve.settings import ServiceSettings, load_settings

KEY = "a-key-of-23-characters!"


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_defaults_listen_on_loopback_without_a_key() -> None:
    settings = ServiceSettings()
    assert (settings.host, settings.port, settings.api_key) == ("127.0.0.1", 8000, None)
    assert settings.max_body_bytes == 2 * 1024 * 1024
    assert settings.top_contributions == 10


def test_arguments_come_before_variables_and_variables_before_defaults() -> None:
    with environment(SCOREWRIGHT_PORT="9001", SCOREWRIGHT_HOST="::1", SCOREWRIGHT_API_KEY=KEY):
        settings = load_settings(port=9002, host=None)
    assert (settings.host, settings.port) == ("::1", 9002)
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == KEY


def test_an_empty_variable_counts_as_unset() -> None:
    with environment(SCOREWRIGHT_API_KEY="", SCOREWRIGHT_PORT=""):
        settings = load_settings()
    assert (settings.api_key, settings.port) == (None, 8000)


def test_the_key_is_never_shown() -> None:
    assert KEY not in repr(load_settings(api_key=KEY))


@pytest.mark.parametrize(
    "key", ["short", "with spaces in the middle", "clé-de-seize-caractères", "tab\tin-the-middle-of-it"]
)
def test_a_key_that_is_weak_or_cannot_travel_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings(api_key=key)
    assert key not in str(refusal.value)
    assert "SCOREWRIGHT_API_KEY" in refusal.value.remedy


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings(port=70000, max_body_bytes=1, host="", nonsense=1)
    assert all(name in refusal.value.value for name in ("port", "max_body_bytes", "host", "nonsense"))
