"""Write files and folders whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from scorewright.errors import OutputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path to write to; the file appears under its own name when the block ends well, else not at all.

    Raises
    ------
    OutputError
        The folder is absent, full or may not be written.
    """
    with _writable(path):
        with tempfile.NamedTemporaryFile(
            prefix=".unfinished-", suffix=path.suffix, dir=path.parent, delete=False
        ) as made:
            unfinished = Path(made.name)
        try:
            yield unfinished
            unfinished.chmod(0o644)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill; it appears under its own name when the block ends well, else not at all.

    An empty folder of that name is replaced.

    Raises
    ------
    OutputError
        There is a file or a folder with contents of that name, or the place may not be written.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise OutputError(
            "What is written goes into a new or empty folder.", str(path), "Choose another, or remove it."
        )
    target = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow a link and rename its target
    with _writable(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=target.parent))
        try:
            yield unfinished
            unfinished.chmod(0o755)
            unfinished.replace(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by their relative names, making the folders between."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError("The output must be writable.", f"{path}: {reason}", "Check space and permissions.") from None
