"""Where a ledger is and what its secrets are, from what its owner set."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from scorewright.errors import SettingsError
from scorewright.ledger.keys import LedgerKeys

EMBEDDED = "ledger.db"
SECRET = "ledger.secret"  # noqa: S105 - the name of the file that holds it


def ledger_url(home: Path, url: str | None = None) -> str:
    """Return the URL of the ledger: the one that was set, or that of the embedded database under home."""
    return url or f"sqlite:///{(home / EMBEDDED).absolute()}"


def ledger_keys(
    home: Path,
    url: str | None = None,
    secret: str | None = None,
    secret_file: Path | None = None,
    former: Sequence[str] = (),
) -> LedgerKeys:
    """Return the secrets of the ledger.

    For the embedded database a secret that nobody gave is made once, and kept under home, readable by its owner alone.
    Whoever names a database of their own gives its secret too: one that lay beside it would protect nothing.

    Parameters
    ----------
    home : Path
        Folder of the embedded database.
    url : str or None
        The database that was set; None for the embedded one.
    secret : str or None
        The secret in force.
    secret_file : Path or None
        File that holds it instead; blanks around it do not count.
    former : sequence of str
        Those before it, the oldest first.

    Raises
    ------
    SettingsError
        There is none, there are two, one is too short, or its file cannot be read or made.
    """
    return LedgerKeys(_secret(home, url, secret, secret_file), tuple(one.encode() for one in former))


def _secret(home: Path, url: str | None, secret: str | None, secret_file: Path | None) -> bytes:
    if secret is not None and secret_file is not None:
        raise SettingsError(
            "The ledger has one secret in force.",
            "SCOREWRIGHT_LEDGER_SECRET and SCOREWRIGHT_LEDGER_SECRET_FILE",
            "Set one of them; secrets before it go into SCOREWRIGHT_LEDGER_FORMER_SECRETS.",
        )
    if secret is not None:
        return secret.encode()
    if secret_file is not None:
        return _read(secret_file)
    if url is not None:
        raise SettingsError(
            "A ledger in a database of your own needs the secret that seals it.",
            "none",
            "Set SCOREWRIGHT_LEDGER_SECRET_FILE, or SCOREWRIGHT_LEDGER_SECRET, to 32 random bytes or more.",
        )
    return _own(home)


def _own(home: Path) -> bytes:
    """Return the secret of the embedded database, made where neither is there yet."""
    # Looked at in this order: whoever makes both at this moment makes the secret first.
    is_kept, file = (home / EMBEDDED).exists(), home / SECRET
    if not file.exists():
        if is_kept:
            raise SettingsError(
                "The secret of a ledger must be where it was made.",
                f"{home / EMBEDDED} without {file}",
                "Restore the secret from a backup, or set SCOREWRIGHT_LEDGER_SECRET. Nothing else opens the ledger.",
            )
        _make(file)
    return _read(file)


def _make(file: Path) -> None:
    """Draw a secret and keep it, whole from its first moment on; another process may have been quicker."""
    drawn = file.with_name(f".{SECRET}-{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(drawn, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as made:
            made.write(secrets.token_urlsafe(48) + "\n")
            made.flush()
            os.fsync(made.fileno())
        _put(drawn, file)
    except OSError as error:
        raise _unusable(file, error) from None
    finally:
        with suppress(OSError):
            drawn.unlink()


def _put(drawn: Path, file: Path) -> None:
    try:
        os.link(drawn, file)
    except FileExistsError:
        return
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes().strip()
    except OSError as error:
        raise _unusable(file, error) from None


def _unusable(file: Path, error: OSError) -> SettingsError:
    return SettingsError(
        "The file of the ledger's secret must be there and readable.",
        f"{file}: {error.strerror or type(error).__name__}",
        "Correct the path or the permissions.",
    )
