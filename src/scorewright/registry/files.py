"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from scorewright.errors import OutputError


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old content or the new one, never a part.

    The text goes to a temporary file beside it, reaches the disk, and takes its name in one step.
    """
    make_folder(path.parent)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def fill_whole(target: Path, fill: Callable[[Path], object]) -> Path:
    """Return the folder `target`, filled by `fill` if it is not there yet, and only seen when full."""
    if target.is_dir():
        return target
    make_folder(target.parent)
    scratch = Path(tempfile.mkdtemp(prefix=".", suffix=".part", dir=target.parent))
    try:
        content = scratch / target.name
        fill(content)
        _take_name(content, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def make_folder(folder: Path) -> None:
    """Make a folder and its parents. Raises ``OutputError`` when that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            "The registry's folder must be writable.",
            f"{folder}: {error.strerror or error}",
            "Correct its permissions, or choose another folder.",
        ) from error


def _take_name(content: Path, target: Path) -> None:
    try:
        content.rename(target)
    except OSError:
        # Another process filled it first: the same name means the same bytes.
        if not target.is_dir():
            raise
