"""From one setting to a registry."""

from __future__ import annotations

import re
from pathlib import Path

from scorewright.errors import SettingsError
from scorewright.registry.folder_registry import FolderRegistry
from scorewright.registry.seam import Registry

_DATABASE = re.compile(r"(sqlite|postgresql|mysql|mssql)(\+\w+)?://.+")
_SERVER = re.compile(r"https?://.+")


def open_registry(uri: str, home: Path, artifacts: str | None = None) -> Registry:
    """Open the registry that a setting names.

    Parameters
    ----------
    uri : str
        ``"mlflow"`` (SQLite under `home`), an MLflow tracking URI (of a database or server), ``"folder"`` (under
        `home`) or ``"folder:PATH"``.
    home : Path
        Folder of Scorewright's own files.
    artifacts : str, optional
        Where MLflow keeps the files of new experiments, as a path or URI. By default under `home` for a database, and
        wherever it says for a server.

    Raises
    ------
    SettingsError
        The setting names no registry, MLflow is not installed, or it cannot be reached.
    """
    kind, _, path = uri.partition(":")
    if kind == "folder":
        return FolderRegistry(Path(path).expanduser() if path else home / "registry")
    if uri == "mlflow":
        return _open_mlflow(f"sqlite:///{(home / 'mlflow.db').resolve()}", home, artifacts)
    if _DATABASE.fullmatch(uri) or _SERVER.fullmatch(uri):
        return _open_mlflow(uri, home, artifacts)
    raise SettingsError(
        'The registry must be "mlflow", "folder", "folder:PATH" or an MLflow tracking URI.',
        repr(without_password(uri)),
        "Write for example folder:/srv/models, sqlite:////srv/mlflow.db or http://localhost:5000.",
    )


def without_password(uri: str) -> str:
    """Return a URI that can be shown.

    Examples
    --------
    >>> without_password("postgresql://lender:secret@db/mlflow")
    'postgresql://***@db/mlflow'
    """
    return re.sub(r"//[^/]*@", "//***@", uri)


def _open_mlflow(uri: str, home: Path, artifacts: str | None) -> Registry:
    from scorewright.registry.mlflow_registry import MlflowRegistry

    if artifacts is None and _DATABASE.fullmatch(uri):
        artifacts = (home / "artifacts").resolve().as_uri()
    return MlflowRegistry(uri, artifacts, cache=home / "cache" / "bundles")
