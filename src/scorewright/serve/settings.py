"""How the service listens, whom it admits and how much it reads."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from scorewright.errors import SettingsError

PREFIX = "SCOREWRIGHT_"
SHORTEST_KEY = 16


class ServiceSettings(BaseSettings):
    """Settings of the service: arguments first, then ``SCOREWRIGHT_...`` variables. Empty variables count as unset.

    Parameters
    ----------
    host : str
        Address to listen on. Loopback unless told otherwise.
    port : int
        Port to listen on; 0 lets the system choose a free one.
    api_key : SecretStr, optional
        Key that every ``/v1`` request must bring; 16 or more visible ASCII characters, for it travels in a header.
    max_body_bytes : int
        Largest request body, in bytes.
    top_contributions : int
        How many contributions a decision shows.
    shutdown_seconds : int
        How long requests under way may take to finish once the service is told to stop.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    api_key: SecretStr | None = None
    max_body_bytes: Annotated[int, Field(ge=1024)] = 2 * 1024 * 1024
    top_contributions: Annotated[int, Field(ge=0)] = 10
    shutdown_seconds: Annotated[int, Field(ge=0)] = 10

    @field_validator("api_key")
    @classmethod
    def _key_travels_in_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and not _is_strong(key.get_secret_value()):
            raise ValueError(f"must be {SHORTEST_KEY} or more visible ASCII characters without spaces")
        return key


def load_settings(**given: object) -> ServiceSettings:
    """Return the settings given, completed by the environment and the defaults. ``None`` means not given.

    Raises
    ------
    SettingsError
        A setting has a value that cannot be used. All are named at once; no value is repeated, for one is secret.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        return ServiceSettings(**chosen)  # type: ignore[arg-type]
    except ValidationError as error:
        raise _unusable(error) from None


def _is_strong(key: str) -> bool:
    return len(key) >= SHORTEST_KEY and all("!" <= character <= "~" for character in key)


def _unusable(error: ValidationError) -> SettingsError:
    wrong = [(".".join(map(str, issue["loc"])), issue["msg"]) for issue in error.errors(include_input=False)]
    variables = ", ".join(f"{PREFIX}{name.upper()}" for name, _ in wrong)
    return SettingsError(
        "The service's settings must be usable.",
        "; ".join(f"{name}: {message}" for name, message in wrong),
        f"Correct the option, or the variable ({variables}).",
    )
