"""The one door to MLflow: quiet, without telemetry, imported when first opened."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scorewright.errors import RegistryUnusableError, SettingsError

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Seven retries with doubled waits would keep a person waiting minutes for a server that is not there.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}
_RAISING = frozenset({"alembic", "botocore", "mlflow", "sqlalchemy"})


def connect(tracking_uri: str) -> MlflowClient:
    """Return a client whose store is ready, setting a new database up.

    Raises
    ------
    SettingsError
        MLflow is not installed, or its store cannot be reached or read.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # MLflow's own imports and migrations warn of its dependencies' plans, which a reader can do nothing about.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from mlflow import MlflowClient
        except ModuleNotFoundError as error:
            raise _not_installed() from error
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        return _reach(MlflowClient, tracking_uri)


def _reach(make: type[MlflowClient], tracking_uri: str) -> MlflowClient:
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # what goes wrong is said once, by the error below
    try:
        client = make(tracking_uri, tracking_uri)
        client.search_experiments(max_results=1)
        client.search_registered_models(max_results=1)
    except Exception as error:
        if _of_the_store(error):
            raise _not_reached(error) from error
        raise
    finally:
        logger.setLevel(level)
    return client


@contextmanager
def reached() -> Iterator[None]:
    """Say that the store failed, whatever MLflow raised. Also a decorator.

    Raises
    ------
    RegistryUnusableError
        The store does not answer, or refuses.
    """
    try:
        yield
    except Exception as error:
        if _of_the_store(error):
            raise RegistryUnusableError(_first_line(error)) from error
        raise


def _of_the_store(error: Exception) -> bool:
    # By name: what MLflow lets through comes from libraries that are its own affair, and may not be installed.
    roots = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, ImportError | OSError) or not roots.isdisjoint(_RAISING)


def _first_line(error: Exception) -> str:
    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return first[:300].rstrip(".")


def _not_installed() -> SettingsError:
    return SettingsError(
        "An MLflow registry needs MLflow.",
        "it is not installed",
        'Install scorewright[train], or use the registry "folder".',
    )


def _not_reached(error: Exception) -> SettingsError:
    return SettingsError(
        "The MLflow store must be reachable and of this MLflow's layout.",
        _first_line(error),
        "Correct the registry's URI, start its server, or run: mlflow db upgrade URI.",
    )
