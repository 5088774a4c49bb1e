"""A bundle as a folder: verified byte for byte, kept once, and replaced where it is broken."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scorewright.bundle.manifest import MANIFEST, Manifest, sha256
from scorewright.errors import BundleCorruptError, BundleError, OutputError

AGAIN = "Copy the bundle again from the registry, or train again."


@dataclass(frozen=True)
class SealedFiles:
    """The verified bytes of a bundle: the hash of its manifest, the manifest, and every other file by name."""

    digest: str
    manifest: Manifest
    files: Mapping[str, bytes]


def verified(folder: Path, expected: str | None = None) -> SealedFiles:
    """Read a bundle and check every byte against its manifest.

    Parameters
    ----------
    folder : Path
        The sealed folder.
    expected : str, optional
        Hash that the manifest must have.

    Raises
    ------
    BundleProtocolError
        It was sealed under a protocol this version does not read.
    BundleCorruptError
        It is another bundle, or a file is missing, added, changed or unreadable.
    """
    try:
        return _verified(folder, expected)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BundleCorruptError("Each file of a bundle must be readable.", reason, AGAIN) from None


def keep(folder: Path, digest: str, fill: Callable[[Path], object]) -> Path:
    """Return `folder` holding the bundle of that hash.

    What is whole stays as it is. What is absent or broken is filled by `fill` beside it and then put in its place, so
    that a reader never sees a part.

    Raises
    ------
    OutputError
        The place may not be written.
    """
    if _holds(folder, digest):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=".unfinished-", dir=folder.parent, ignore_cleanup_errors=True
        ) as workplace:
            _replace(folder, digest, fill, Path(workplace))
    except OSError as error:
        if not _holds(folder, digest):
            reason = f"{folder}: {error.strerror or type(error).__name__}"
            raise OutputError("A bundle's place must be writable.", reason, "Check space and permissions.") from None
    return folder


def _replace(folder: Path, digest: str, fill: Callable[[Path], object], workplace: Path) -> None:
    made = workplace / "made"
    made.mkdir()
    fill(made)
    if _holds(folder, digest):  # another process was quicker
        return
    if folder.exists() or folder.is_symlink():
        folder.rename(workplace / "broken")
    made.rename(folder)


def _holds(folder: Path, digest: str) -> bool:
    try:
        verified(folder, expected=digest)
    except BundleError:
        return False
    return True


def _verified(folder: Path, expected: str | None) -> SealedFiles:
    if not (folder / MANIFEST).is_file():
        raise BundleCorruptError(f"A bundle is a folder with {MANIFEST}.", f"none in {folder.name}", "Check the path.")
    text = (folder / MANIFEST).read_bytes()
    manifest = Manifest.from_json(text)
    digest = sha256(text)
    if expected is not None and digest != expected:
        raise BundleCorruptError(
            "The bundle must be the one that was registered.", f"hash {digest[:12]}", "Restore the bundle."
        )
    return SealedFiles(digest, manifest, _files(folder, manifest))


def _files(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    astray = sorted(present ^ set(manifest.files))
    if astray:
        raise BundleCorruptError(
            "A bundle holds the files of its manifest.", f"missing or added {', '.join(astray[:5])}", AGAIN
        )
    files = {name: (folder / name).read_bytes() for name in sorted(manifest.files)}
    for name, content in files.items():
        if sha256(content) != manifest.files[name]:
            raise BundleCorruptError("Each file must be as it was sealed.", f"{name} has changed", AGAIN)
    return files
