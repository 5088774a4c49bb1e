"""What is wrong with a TOML file of a portfolio, said all at once."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from scorewright.errors import PortfolioError
from scorewright.tables.sections import Scalar

S = TypeVar("S", bound=BaseModel)


def checked(section: type[S], text: bytes, place: str, told: Mapping[str, Any] | None = None) -> S:
    """Read TOML as a section of settings.

    Parameters
    ----------
    section : type
        The pydantic model of the whole file.
    text : bytes
        The file.
    place : str
        Where it lies, for messages.
    told : mapping, optional
        What its validators are told, as ``info.context``.

    Raises
    ------
    PortfolioError
        It is no TOML, or breaks rules of the format; all of them in one message.
    """
    try:
        return section.model_validate(tomllib.loads(text.decode("utf-8-sig")), context=told)
    except tomllib.TOMLDecodeError as error:
        raise PortfolioError(f"{place} must be TOML.", str(error), "Mend the line named.") from None
    except ValidationError as error:
        problems = "; ".join(_worded(problem, section) for problem in error.errors())
        raise PortfolioError(f"{place} must follow its format.", problems, "Correct these entries.") from None


def _worded(problem: Any, section: type[BaseModel]) -> str:
    path = [str(part) for part in problem["loc"] if part != "[key]"]
    if problem["type"] == "extra_forbidden":
        what = f"is not a known setting{nearest(path[-1], _known_words(path[:-1], section))}"
    elif problem["type"] == "missing":
        what = "is required"
    else:
        what = problem["msg"].removeprefix("Value error, ").removeprefix("Input ") + _found(problem)
    return f"{'.'.join(path)} {what}".strip()


def _found(problem: Any) -> str:
    """The value that was found, and the word that may have been meant."""
    value = problem["input"]
    if problem["type"] == "value_error" or not isinstance(value, Scalar):
        return ""
    near = nearest(value, _expected(problem)) if isinstance(value, str) else ""
    return f", not {value!r:.80}{near}"


def _expected(problem: Any) -> tuple[str, ...]:
    return tuple(str(problem.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ").split(", "))


def _known_words(path: Iterable[str], section: type[BaseModel]) -> tuple[str, ...]:
    """Settings of the section that a path such as ``families.late`` leads to."""
    for word in path:
        field = section.model_fields.get(word)
        section = (_section(field.annotation) if field is not None else None) or section
    return tuple(section.model_fields)


def _section(annotation: Any) -> type[BaseModel] | None:
    """The section inside an annotation: itself, or what a mapping by name holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section(part)) is not None), None)


def nearest(word: str, known: Iterable[str]) -> str:
    """Say which known word was perhaps meant."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
