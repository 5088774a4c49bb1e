"""How the service listens, whom it admits and how much it reads. The one place that says what each setting means."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, IPvAnyNetwork, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from scorewright.domain.access import Role
from scorewright.errors import SettingsError
from scorewright.serve.access.choosing import is_loopback
from scorewright.serve.limit_settings import LimitSettings

PREFIX = "SCOREWRIGHT_"
FILE = f"{PREFIX}SETTINGS_FILE"
SHORTEST_KEY = 16
_FILE_MEANING = "TOML file with any of the settings below, their names in lower case and without the prefix."


def _listed(told: object) -> object:
    """Split the text of a variable at its commas; a list of the settings file stays as it is."""
    return tuple(part.strip() for part in told.split(",") if part.strip()) if isinstance(told, str) else told


def _mapped(told: object) -> object:
    """Read ``theirs=ours, theirs=ours``; a table of the settings file stays as it is."""
    if not isinstance(told, str):
        return told
    pairs = [part.rpartition("=") for part in told.split(",") if part.strip()]
    if not all(theirs.strip() and equals for theirs, equals, _ in pairs):
        raise ValueError("must read theirs=ours, with commas between")
    return {theirs.strip(): ours.strip() for theirs, _, ours in pairs}


class ServiceSettings(LimitSettings):
    """Settings of the service: arguments first, then ``SCOREWRIGHT_...`` variables, then the settings file.

    Empty variables count as unset. `settings_table` says what each of them means.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    max_body_bytes: int = Field(2 * 1024 * 1024, ge=1024, description="Largest request body, in bytes.")
    top_contributions: int = Field(10, ge=0, description="How many contributions a decision shows.")

    api_key: SecretStr | None = Field(
        None,
        description="One key that admits to everything, for trying and small setups; 16 or more visible ASCII "
        "characters, for it travels in a header. Beside it, or instead, each caller may have a key of its own.",
    )
    keys_file: Path | None = Field(
        None,
        description="File of the callers' own keys, made by `scorewright keys new`. It is read again when it changes.",
    )

    oidc_issuer: str | None = Field(
        None, min_length=1, description="Identity provider whose tokens are believed: what their `iss` must be."
    )
    oidc_audience: str | None = Field(
        None, min_length=1, description="This service's name at the provider: what `aud` must be or contain."
    )
    oidc_jwks_file: Path | None = Field(
        None, description="File with the provider's public keys, a JSON Web Key Set. It is read again when it changes."
    )
    oidc_jwks_url: str | None = Field(
        None, description="Address of these keys instead of a file; `https`, or `http` on loopback."
    )
    oidc_algorithms: Annotated[tuple[Literal["RS256", "ES256", "EdDSA"], ...], NoDecode, BeforeValidator(_listed)] = (
        Field(("RS256", "ES256", "EdDSA"), min_length=1, description="Algorithms by which tokens may be signed.")
    )
    oidc_roles: Annotated[dict[str, Role], NoDecode, BeforeValidator(_mapped)] = Field(
        {},
        description="From what the provider calls a role to this service's: `bank-officers=officer, risk=validator`. "
        "Nothing counts by its name alone.",
    )
    oidc_roles_claim: str = Field(
        "roles", min_length=1, description="Claim that holds the roles; dots lead into objects: `realm_access.roles`."
    )
    oidc_clients_claim: str | None = Field(
        None,
        min_length=1,
        description="Claim that holds the clients whose records the bearer sees. A token without it then sees none.",
    )
    oidc_leeway_seconds: float = Field(
        30.0, ge=0, le=300, description="How far the provider's clock and this one may differ."
    )
    oidc_timeout_seconds: float = Field(5.0, gt=0, le=60, description="How long fetching the provider's keys may take.")
    oidc_lifetime_seconds: float = Field(
        3600.0, ge=60, description="How long the provider's keys are used before they are fetched again."
    )
    oidc_cooldown_seconds: float = Field(
        60.0, ge=1, description="Shortest time between two fetches, however many tokens name an unknown key."
    )

    throttle_failures: int = Field(
        10, ge=1, description="Failed attempts, by address and by key, after which others wait (429)."
    )
    throttle_seconds: float = Field(60.0, gt=0, description="Window in which these are counted.")
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (),
        description="Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. Without them every caller "
        "behind a proxy counts as one address.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (), description="Origins whose pages may ask, such as `https://desk.example`. Never with cookies."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then variables, then the settings file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, InitSettingsSource(settings_cls, _file_settings())

    @property
    def has_credentials(self) -> bool:
        """Whether anyone has to bring anything."""
        return any(one is not None for one in (self.api_key, self.keys_file, self.oidc_issuer))

    @field_validator("api_key")
    @classmethod
    def _key_travels_in_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not _is_strong(key.get_secret_value()):
            raise ValueError(f"must be {SHORTEST_KEY} or more visible ASCII characters without spaces")
        return key

    @field_validator("oidc_jwks_url")
    @classmethod
    def _keys_come_over_tls(cls, address: str | None) -> str | None:
        if address is None:
            return None
        parts = urlsplit(address)
        local = parts.scheme == "http" and is_loopback(parts.hostname or "")
        if not (parts.hostname and (parts.scheme == "https" or local)) or parts.username is not None:
            raise ValueError("must be an https address, or http on loopback, without a user")
        return address

    @field_validator("trusted_proxies")
    @classmethod
    def _not_everyone_is_a_proxy(cls, networks: tuple[IPvAnyNetwork, ...]) -> tuple[IPvAnyNetwork, ...]:
        if any(network.prefixlen == 0 for network in networks):
            raise ValueError("must name proxies, not every address: anyone could then make theirs up")
        return networks

    @field_validator("cors_origins")
    @classmethod
    def _origins_are_whole(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(_is_origin, origins)):
            raise ValueError("must be origins such as https://desk.example, in lower case and without a path; never *")
        return origins

    @model_validator(mode="after")
    def _provider_is_whole(self) -> Self:
        named = [name for name in type(self).model_fields if name.startswith("oidc_") and name in self.model_fields_set]
        sources = [self.oidc_jwks_file, self.oidc_jwks_url]
        if self.oidc_issuer is None:
            if any(getattr(self, name) not in (None, {}) for name in named):
                raise ValueError(f"oidc_issuer must be set for {', '.join(named)} to count")
        elif self.oidc_audience is None or not self.oidc_roles or sources.count(None) != 1:
            raise ValueError("oidc_issuer needs oidc_audience, oidc_roles, and oidc_jwks_file or oidc_jwks_url")
        return self


def load_settings(**given: object) -> ServiceSettings:
    """Return the settings given, completed by environment, settings file and defaults. ``None`` means not given.

    Raises
    ------
    SettingsError
        The settings file cannot be read, or a setting has a value that cannot be used. All are named at once; no value
        is repeated, for one is secret.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        return ServiceSettings(**chosen)  # type: ignore[arg-type]
    except ValidationError as error:
        raise _unusable(error) from None


def settings_table(model: type[BaseSettings] = ServiceSettings) -> str:
    """Return a Markdown table of every setting: its variable, type, default and meaning."""
    schema = model.model_json_schema()
    rows = [("variable", "type", "default", "meaning"), ("---", "---", "---", "---")]
    rows.append((f"`{FILE}`", "path", "–", _FILE_MEANING))
    rows += [
        (f"`{PREFIX}{name.upper()}`", _kind(told), _default(model.model_fields[name].default), told["description"])
        for name, told in schema["properties"].items()
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _kind(schema: Mapping[str, Any]) -> str:
    """Say what a value may be, from its JSON schema."""
    options = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if options:
        return " or ".join(dict.fromkeys(map(_kind, options)))
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema["type"] == "array":
        return f"list of {_kind(schema['items'])}"
    if schema["type"] == "object":
        return f"text to {_kind(schema['additionalProperties'])}"
    formats = {"path": "path", "password": "secret", "ipvanynetwork": "network"}
    kind = formats.get(schema.get("format", ""), {"string": "text"}.get(schema["type"], schema["type"]))
    return ", ".join([kind, *_bounds(schema)])


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    if {"minimum", "maximum"} <= set(schema):
        return iter([f"{schema['minimum']:g} to {schema['maximum']:g}"])
    words = (("minimum", "at least"), ("exclusiveMinimum", "above"), ("maximum", "at most"))
    return (f"{told} {schema[name]:g}" for name, told in words if name in schema)


def _default(value: object) -> str:
    shown = ", ".join(map(str, value)) if isinstance(value, tuple | dict) else str(value).removesuffix(".0")
    return "–" if value is None or not shown else f"`{shown}`"


def _file_settings() -> dict[str, Any]:
    named = os.environ.get(FILE)
    if not named:
        return {}
    try:
        return tomllib.loads(Path(named).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        if isinstance(error, UnicodeDecodeError):
            reason = "not UTF-8"
        raise SettingsError(
            "The settings file must be readable TOML.", f"{named}: {reason}", f"Correct the file, or {FILE}."
        ) from None


def _is_strong(key: str) -> bool:
    return len(key) >= SHORTEST_KEY and all("!" <= character <= "~" for character in key)


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    whole = f"{parts.scheme}://{parts.netloc}"
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in text and text == whole.lower()


def _unusable(error: ValidationError) -> SettingsError:
    wrong = [(".".join(map(str, issue["loc"])), issue["msg"]) for issue in error.errors(include_input=False)]
    variables = ", ".join(dict.fromkeys(f"{PREFIX}{name.partition('.')[0].upper()}" for name, _ in wrong if name))
    remedy = f"Correct the option, the variable ({variables})" if variables else "Correct the variables"
    return SettingsError(
        "The service's settings must be usable.",
        "; ".join(f"{name}: {message}" if name else message for name, message in wrong),
        f"{remedy} or the line of the settings file.",
    )
