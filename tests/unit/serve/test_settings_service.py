from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from ipaddress import ip_network
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from scorewright.errors import SettingsError
from scorewright.serve.batching import Limits
from scorewright.serve.lifetime import Running
from scorewright.serve.limit_settings import LimitSettings
from scorewright.serve.patience import Patience
from scorewright.serve.settings import FILE, PREFIX, ServiceSettings, load_settings, settings_table

SECRET = "a-key-of-23-characters!"
OIDC: dict[str, Any] = {
    "oidc_issuer": "https://login.bank.example",
    "oidc_audience": "scorewright",
    "oidc_roles": "risk=validator",
    "oidc_jwks_url": "https://login.bank.example/keys",
}


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def refusal(**given: Any) -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings(**given)
    return str(refused.value)


# The settings file


def test_arguments_come_before_variables_and_variables_before_the_file(tmp_path: Path) -> None:
    place = tmp_path / "service.toml"
    place.write_text('host = "::1"\nport = 1\nmax_body_bytes = 4096\ntrusted_proxies = ["10.0.0.0/8"]\n')
    with environment(SCOREWRIGHT_SETTINGS_FILE=str(place), SCOREWRIGHT_PORT="2", SCOREWRIGHT_HOST=""):
        settings = load_settings(port=3)
        assert (settings.host, settings.port, settings.max_body_bytes) == ("::1", 3, 4096)
        assert settings.trusted_proxies == (ip_network("10.0.0.0/8"),)
        assert load_settings().port == 2


def test_a_file_may_hold_tables_and_secrets(tmp_path: Path) -> None:
    place = tmp_path / "service.toml"
    place.write_text(
        f'api_key = "{SECRET}"\noidc_issuer = "bank"\noidc_audience = "us"\noidc_jwks_file = "keys.json"\n'
        '[oidc_roles]\n"a=b, c" = "officer"\n'
    )
    with environment(SCOREWRIGHT_SETTINGS_FILE=str(place)):
        settings = load_settings()
    assert settings.oidc_roles == {"a=b, c": "officer"}
    assert SECRET not in repr(settings) + str(settings.model_dump())


@pytest.mark.parametrize("content", [None, b"port = ", b"\xff", b"port = 1\nport = 2"])
def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, content: bytes | None) -> None:
    place = tmp_path / "service.toml"
    if content is not None:
        place.write_bytes(content)
    with environment(SCOREWRIGHT_SETTINGS_FILE=str(place)):
        assert "readable TOML" in refusal()


def test_a_misspelt_name_in_the_file_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "service.toml"
    place.write_text("prot = 1\n")
    with environment(SCOREWRIGHT_SETTINGS_FILE=str(place)):
        assert "prot" in refusal()


def test_no_value_of_the_file_is_repeated(tmp_path: Path) -> None:
    place = tmp_path / "service.toml"
    place.write_text('api_key = "short"\n')
    with environment(SCOREWRIGHT_SETTINGS_FILE=str(place)):
        assert "short" not in refusal()


# Lists, tables and what belongs together


def test_variables_hold_lists_and_tables_with_commas() -> None:
    told = {
        "SCOREWRIGHT_TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8,",
        "SCOREWRIGHT_CORS_ORIGINS": "https://desk.example,http://localhost:3000",
        "SCOREWRIGHT_OIDC_ALGORITHMS": "ES256",
        "SCOREWRIGHT_OIDC_ROLES": "bank-officers=officer, a=b=validator",
        **{f"{PREFIX}{name.upper()}": value for name, value in OIDC.items() if name != "oidc_roles"},
    }
    with environment(**told):
        settings = load_settings()
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert settings.cors_origins == ("https://desk.example", "http://localhost:3000")
    assert settings.oidc_algorithms == ("ES256",)
    assert settings.oidc_roles == {"bank-officers": "officer", "a=b": "validator"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("oidc_algorithms", "none"),
        ("oidc_algorithms", "HS256"),
        ("oidc_algorithms", ()),
        ("oidc_roles", "officers"),
        ("oidc_roles", "=officer"),
        ("oidc_roles", "officers=boss"),
        ("oidc_leeway_seconds", "301"),
        ("oidc_jwks_url", "http://login.bank.example/keys"),
        ("oidc_jwks_url", "file:///etc/passwd"),
        ("oidc_jwks_url", "https://user:word@login.bank.example/keys"),
        ("oidc_jwks_url", "https://"),
        ("trusted_proxies", "proxy"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", "0.0.0.0/0"),
        ("trusted_proxies", "::/0"),
        ("cors_origins", "*"),
        ("cors_origins", "null"),
        ("cors_origins", "https://desk.example/"),
        ("cors_origins", "https://Desk.example"),
        ("cors_origins", "https://a@desk.example"),
        ("throttle_failures", "0"),
    ],
)
def test_a_value_that_would_weaken_the_service_is_refused_by_name(name: str, value: Any) -> None:
    told = refusal(**{name: value})
    assert name in told
    assert f"{PREFIX}{name.upper()}" in told


@pytest.mark.parametrize("left_out", sorted(OIDC))
def test_a_provider_is_described_whole_or_not_at_all(left_out: str) -> None:
    load_settings(**OIDC)
    told = refusal(**{name: value for name, value in OIDC.items() if name != left_out})
    assert "oidc_issuer" in told


def test_keys_of_the_provider_come_from_one_place() -> None:
    assert "oidc_jwks_file or oidc_jwks_url" in refusal(**OIDC, oidc_jwks_file="keys.json")


def test_keys_of_a_provider_on_this_machine_need_no_tls() -> None:
    load_settings(**{**OIDC, "oidc_jwks_url": "http://127.0.0.1:8080/keys"})


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, False), ({"api_key": SECRET}, True), ({"keys_file": "keys.json"}, True), (OIDC, True)],
)
def test_whether_anyone_has_to_bring_anything(given: dict[str, Any], expected: bool) -> None:
    assert load_settings(**given).has_credentials is expected


# What they reach

#: Every setting of how much and how long: another value than the default, one that is refused, and where it arrives.
REACH: dict[str, tuple[Any, Any, str]] = {
    "workers": (3, 0, "running.workers"),
    "announce_seconds": (1.5, -1, "running.announce_seconds"),
    "closing_seconds": (2.5, 0, "running.closing_seconds"),
    "keep_alive_seconds": (66, 0, "running.keep_alive_seconds"),
    "head_seconds": (3.5, 0, "running.head_seconds"),
    "head_bytes": (2048, 1023, "running.head_bytes"),
    "connections": (7, 0, "running.connections"),
    "log_format": ("json", "xml", "running.log_format"),
    "concurrent_requests": (8, 0, "patience.requests"),
    "body_seconds": (4.5, 0, "patience.body_seconds"),
    "pause_seconds": (5.5, 0, "patience.pause_seconds"),
    "send_seconds": (6.5, 0, "patience.send_seconds"),
    "queue": (9, 0, "limits.waiting"),
    "batch": (10, 0, "limits.batch"),
    "retry_after": (11, 0, "limits.retry_after"),
    "shutdown_seconds": (12, -1, "shutdown_seconds"),
    "decision_seconds": (7.5, 0, "decision_seconds"),
    "follow_seconds": (8.5, 0, "follow_seconds"),
    "challenger": ("shadow", None, "challenger"),
    "store": (Path("clients"), None, "store"),
    "host": ("::1", None, "host"),
    "port": (81, 65536, "port"),
}


def arrived(settings: ServiceSettings, place: str) -> Any:
    return attrgetter(place)(settings)


@pytest.mark.parametrize("name", REACH)
def test_each_limit_comes_from_its_variable_and_arrives_where_it_counts(name: str) -> None:
    value, refused, place = REACH[name]
    assert arrived(load_settings(), place) == ServiceSettings.model_fields[name].default
    with environment(**{f"{PREFIX}{name.upper()}": str(value)}):
        assert arrived(load_settings(), place) == value
    if refused is not None:
        with environment(**{f"{PREFIX}{name.upper()}": str(refused)}):
            assert name in refusal()


def test_no_limit_is_forgotten_and_each_part_has_a_setting() -> None:
    assert set(REACH) == set(LimitSettings.model_fields)
    places = {place for _, _, place in REACH.values()}
    for part, made in {"running": Running, "patience": Patience, "limits": Limits}.items():
        left_out = {each.name for each in fields(made)} - {place.removeprefix(f"{part}.") for place in places}
        # The last two name routes, no limits.
        assert left_out <= {"retry_after", "always", "streamed"}
    assert load_settings(retry_after=4).patience.retry_after == 4


@pytest.mark.parametrize(
    ("part", "made"),
    [
        pytest.param("running", Running(), id="running"),
        pytest.param("patience", Patience(), id="patience"),
        pytest.param("limits", Limits(), id="limits"),
    ],
)
def test_defaults_are_those_of_the_parts_themselves(part: str, made: Any) -> None:
    assert getattr(load_settings(), part) == made


# The table


def rows() -> dict[str, list[str]]:
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in settings_table().splitlines()]
    assert lines[1] == ["---"] * 4
    return {line[0].strip("`"): line[1:] for line in lines[2:]}


def test_the_page_on_the_service_holds_this_table() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "service.md"
    assert settings_table() in page.read_text(encoding="utf-8")


def test_every_setting_stands_in_the_table_with_its_meaning() -> None:
    assert set(rows()) == {FILE} | {f"{PREFIX}{name.upper()}" for name in ServiceSettings.model_fields}
    assert all(len(row) == 3 and row[2].endswith(".") and len(row[2]) > 20 for row in rows().values())


@pytest.mark.parametrize(
    ("name", "kind", "default"),
    [
        ("HOST", "text", "`127.0.0.1`"),
        ("PORT", "integer, 0 to 65535", "`8000`"),
        ("MAX_BODY_BYTES", "integer, at least 1024", "`2097152`"),
        ("API_KEY", "secret", "–"),
        ("KEYS_FILE", "path", "–"),
        ("OIDC_ALGORITHMS", "list of `RS256`, `ES256`, `EdDSA`", "`RS256, ES256, EdDSA`"),
        ("THROTTLE_SECONDS", "number, above 0", "`60`"),
        ("TRUSTED_PROXIES", "list of network", "–"),
    ],
)
def test_the_table_says_type_and_default(name: str, kind: str, default: str) -> None:
    assert rows()[f"{PREFIX}{name}"][:2] == [kind, default]
