"""The manifest: what a bundle holds, byte for byte."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scorewright.errors import BundleCorruptError, BundleProtocolError

#: Raised with every change that older versions cannot read. 2: calibrations of several kinds, intervals, and policies
#: with a referral and hard rules. 3: profiles that count approvals. What 1 and 2 sealed is read as it was meant.
PROTOCOL = 3
MANIFEST = "manifest.json"

#: Names a bundle may use: no way out of its folder.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TYPES = {
    "portfolio": str,
    "candidate": str,
    "kind": str,
    "fingerprint": str,
    "seed": int,
    "versions": dict,
    "files": dict,
}


@dataclass(frozen=True)
class Manifest:
    """Identity of a bundle.

    Parameters
    ----------
    protocol : int
        Layout of the folder and meaning of its files.
    portfolio, candidate, kind : str
        What was trained: the book, the model family, the kind of sealed model.
    fingerprint : str
        Hash of the training tables.
    seed : int
        Seed of the training.
    versions : mapping of str to str
        Libraries that trained it.
    files : mapping of str to str
        SHA-256 of every other file, by its path inside the folder.
    """

    protocol: int
    portfolio: str
    candidate: str
    kind: str
    fingerprint: str
    seed: int
    versions: Mapping[str, str]
    files: Mapping[str, str]

    def to_json(self) -> bytes:
        """Write the manifest; the same manifest gives the same bytes."""
        return json_bytes(asdict(self))

    @staticmethod
    def from_json(text: bytes) -> Manifest:
        """Read a manifest, the protocol first.

        Raises
        ------
        BundleProtocolError
            The protocol is newer than this version.
        BundleCorruptError
            The text is no manifest.
        """
        try:
            fields = json.loads(text)
            protocol = fields["protocol"]
            if type(protocol) is not int:
                raise TypeError  # noqa: TRY301 - one refusal for whatever is no number
        except (KeyError, TypeError, ValueError, RecursionError):
            raise BundleCorruptError(
                f"{MANIFEST} must be JSON with a protocol.", "neither", "Copy the bundle again."
            ) from None
        _refuse_protocol(protocol)
        return _checked(fields)


def _refuse_protocol(protocol: int) -> None:
    if protocol > PROTOCOL:
        raise BundleProtocolError(
            f"This version reads bundles up to protocol {PROTOCOL}.",
            f"protocol {protocol}",
            "Install a newer Scorewright.",
        )
    if protocol < 1:
        raise BundleProtocolError("Protocols count from 1.", f"protocol {protocol}", "Train again.")


def _checked(fields: dict[str, Any]) -> Manifest:
    try:
        manifest = Manifest(**fields)
    except TypeError as error:
        raise BundleCorruptError(
            f"{MANIFEST} must have the fields of its protocol.", str(error), "Copy the bundle again."
        ) from None
    astray = sorted(name for name, kind in _TYPES.items() if not isinstance(fields[name], kind))
    if astray:
        raise BundleCorruptError(
            f"{MANIFEST} must have the fields of its protocol.",
            f"another type of {', '.join(astray)}",
            "Copy the bundle again.",
        )
    files = fields["files"]
    if not all(
        isinstance(digest, str) and _NAME.fullmatch(name) and _SHA256.fullmatch(digest)
        for name, digest in files.items()
    ):
        raise BundleCorruptError(
            f"{MANIFEST} must list files with their SHA-256.", "another list", "Copy the bundle again."
        )
    return manifest


def sha256(content: bytes) -> str:
    """Hash bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def json_bytes(content: object) -> bytes:
    """Write JSON for people and hashes: sorted keys, no NaN, a newline at the end."""
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()
