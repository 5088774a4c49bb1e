"""Files and folders of a registry: they appear whole or not at all, and once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scorewright.atomic import whole_file, whole_folder
from scorewright.errors import OutputError


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


def fill_whole(target: Path, fill: Callable[[Path], object]) -> Path:
    """Return the folder `target`, filled by `fill` unless it is there already, and only seen when full.

    Raises
    ------
    OutputError
        The place may not be written.
    """
    if target.is_dir():
        return target
    try:
        with whole_folder(target) as unfinished:
            fill(unfinished)
    except OutputError:
        # Another process may have filled it meanwhile: the same name means the same bytes.
        if not target.is_dir():
            raise
    return target
