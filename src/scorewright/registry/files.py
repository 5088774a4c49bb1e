"""Files of a registry: they appear whole or not at all, and are read with care."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scorewright.atomic import whole_file
from scorewright.errors import OutputError, RegistryUnusableError


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old content or the new one, never a part.

    Raises
    ------
    OutputError
        The place may not be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            "The registry's folder must be writable.",
            f"{path.parent}: {error.strerror or type(error).__name__}",
            "Correct its permissions, or choose another folder.",
        ) from error
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


@contextmanager
def legible(what: str) -> Iterator[None]:
    """Say of what a registry keeps that it cannot be read, whatever is wrong in it.

    Raises
    ------
    FileNotFoundError
        It is absent: the caller knows what that means.
    RegistryUnusableError
        It cannot be read, or is not what a registry writes.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RegistryUnusableError(f"{what}: {error.strerror or type(error).__name__}") from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise RegistryUnusableError(f"{what} does not hold what was written") from error
