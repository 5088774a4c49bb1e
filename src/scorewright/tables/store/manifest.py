"""What a client store holds, byte for byte."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scorewright.errors import StoreUnusableError

#: Raised with every change that older versions cannot read.
PROTOCOL = 1
MANIFEST = "manifest.json"
INDEX = "index.arrow"

_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")


@dataclass(frozen=True)
class StoreManifest:
    """Identity of a client store.

    Parameters
    ----------
    protocol : int
        Layout of the folder and meaning of its files.
    portfolio : str
        The lending book.
    root : str
        Its table of applications.
    applications : int
        How many there are.
    tables : mapping of str to int
        Rows of every table, the root among them.
    files : mapping of str to str
        SHA-256 of every other file of the folder.
    """

    protocol: int
    portfolio: str
    root: str
    applications: int
    tables: Mapping[str, int]
    files: Mapping[str, str]

    def to_json(self) -> bytes:
        """Write the manifest; the same manifest gives the same bytes."""
        return (json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def table_file(table: str) -> str:
    """Name of a table's file."""
    return f"{table}.parquet"


def digest_of(path: Path) -> str:
    """Hash a file: SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> StoreManifest:
    """Read the manifest of a store and hold the folder's files to it, before any of them is opened.

    Raises
    ------
    StoreUnusableError
        There is no manifest, it is of a newer protocol, or a file is absent or other than the one written.
    """
    try:
        manifest = _parsed(json.loads((folder / MANIFEST).read_bytes()))
        for name, digest in manifest.files.items():
            if digest_of(folder / name) != digest:
                raise StoreUnusableError(f"{folder / name}: other bytes than those written")
    except OSError as error:
        raise StoreUnusableError(f"{folder}: {error.strerror or type(error).__name__}") from None
    except (KeyError, TypeError, ValueError, RecursionError):
        raise StoreUnusableError(f"{folder / MANIFEST}: not the manifest of a client store") from None
    return manifest


def _parsed(fields: dict[str, Any]) -> StoreManifest:
    protocol = fields["protocol"]
    if type(protocol) is not int or not 1 <= protocol <= PROTOCOL:
        raise StoreUnusableError(f"a protocol other than 1 to {PROTOCOL}")
    manifest = StoreManifest(**fields)
    if not all(_TABLE.fullmatch(table) for table in manifest.tables) or manifest.root not in manifest.tables:
        raise ValueError("tables")
    if set(manifest.files) != {INDEX, *map(table_file, manifest.tables)}:
        raise ValueError("files")
    return manifest
