"""The file that keeps the keys: read when it changes, written whole or not at all, for its owner alone."""

from __future__ import annotations

import fcntl
import logging
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from scorewright.errors import OutputError, SettingsError
from scorewright.serve.access.keys import KeyRecord, Keys, repeated_ids

log = logging.getLogger("scorewright.serve.access.keys")

Signature = tuple[int, int, int, int]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    protocol: Literal[1] = 1
    keys: Keys = ()


def read_keys(path: Path) -> Keys:
    """Read every key of the file.

    Raises
    ------
    SettingsError
        The file is absent or unreadable, is not what these verbs write, or may be written by others: who can write it
        can let anyone in.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            written = _Written.model_validate_json(file.read())
    except OSError as error:
        raise _unusable(path, error.strerror or type(error).__name__) from None
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"])) or "the file"
        raise _unusable(path, f"not a file of keys; {place} is not as it was written") from None
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _unusable(path, f"mode {stat.S_IMODE(mode):04o}: others may write it")
    if repeated_ids(written.keys):
        raise _unusable(path, f"repeated ids {', '.join(repeated_ids(written.keys))}")
    return written.keys


def change_keys(path: Path, change: Callable[[Keys], Keys]) -> Keys:
    """Replace the keys of the file by what `change` makes of them, one change at a time; without a file, of none.

    The new file is on the disk before this returns, so that a revocation survives a power cut.

    Raises
    ------
    SettingsError
        The file is not usable, or `change` refuses.
    OutputError
        The folder is absent, full or may not be written.
    """
    with _writable(path), _alone(path):
        changed = change(read_keys(path) if path.exists() else ())
        _write(path, _Written(keys=changed).model_dump_json(indent=1).encode() + b"\n")
    return changed


class WatchedKeys:
    """The keys by id, as the file has them now: it is looked at on every call, and read again when it changed.

    A file that is absent or unusable admits nobody: whether a key was revoked in it cannot be known. It is tried again
    on the next call.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: Signature | None = None
        self._told: Signature | bool | None = False
        self._keys: Mapping[str, KeyRecord] = {}

    def __call__(self) -> Mapping[str, KeyRecord]:
        """Return the keys by id."""
        # Looked at before it is read: a change in between is then seen the next time, never missed.
        found = _signature(self._path)
        if found is None or found != self._read:
            self._read_again(found)
        return self._keys

    def _read_again(self, found: Signature | None) -> None:
        try:
            self._keys, self._read = {key.id: key for key in read_keys(self._path)}, found
        except SettingsError as error:
            self._keys, self._read = {}, None
            if found != self._told:
                log.error("no key is accepted: %s", error)  # noqa: TRY400 - told whole
            self._told = found


def _signature(path: Path) -> Signature | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait for other verbs that change the same file."""
    place = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


def _write(path: Path, content: bytes) -> None:
    # A link is followed: what it names is replaced, not the link.
    target = path.resolve()
    with tempfile.NamedTemporaryFile(prefix=".unfinished-", dir=target.parent, delete=False) as file:
        unfinished = Path(file.name)
        try:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError("The output must be writable.", f"{path}: {reason}", "Check space and permissions.") from None


def _unusable(path: Path, reason: str) -> SettingsError:
    return SettingsError(
        "The file of keys must be whole, and writable by its owner alone.",
        f"{path}: {reason}",
        "Make the first key with `scorewright keys new`; else restore the file, or correct its mode with chmod 600.",
    )
