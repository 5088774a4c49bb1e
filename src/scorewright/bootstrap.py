"""The composition root: settings become wired parts, here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from scorewright.errors import SettingsError

if TYPE_CHECKING:
    from scorewright.flows.train import Shelves
    from scorewright.registry.seam import Registry
    from scorewright.serve.app import ServiceApp
    from scorewright.serve.settings import ServiceSettings


class Settings(BaseSettings):
    """Where Scorewright keeps its state, from ``SCOREWRIGHT_...`` variables.

    Parameters
    ----------
    home : Path
        ``SCOREWRIGHT_HOME``: folder of the MLflow store and the bundles.
    registry : str
        ``SCOREWRIGHT_REGISTRY``: ``mlflow`` (SQLite under home), ``folder``, ``folder:PATH`` or an MLflow tracking URI.
    artifacts : str or None
        ``SCOREWRIGHT_ARTIFACTS``: where MLflow keeps files, as a path or URI.
    """

    model_config = SettingsConfigDict(env_prefix="SCOREWRIGHT_", env_ignore_empty=True, frozen=True, extra="ignore")

    home: Path = Path(".scorewright")
    registry: str = Field("mlflow", min_length=1)
    artifacts: str | None = None


@dataclass(frozen=True)
class Workbench:
    """Everything the verbs need, made when first asked for."""

    settings: Settings

    @cached_property
    def registry(self) -> Registry:
        """The registry of the settings.

        Raises
        ------
        SettingsError
            Home cannot be a folder, or the registry cannot be opened.
        """
        from scorewright.registry.opening import open_registry

        _make_home(self.settings.home)
        return open_registry(self.settings.registry, self.settings.home, self.settings.artifacts)

    @property
    def shelves(self) -> Shelves:
        """Where a training puts what it makes: registry, bundles and studies."""
        from scorewright.flows.train import Shelves

        return Shelves(self.registry, self.settings.home / "bundles", self.settings.home / "studies")

    def service(self, portfolio: str | None, wanted: str, settings: ServiceSettings) -> ServiceApp:
        """Load a model and build the service around it."""
        from scorewright.flows.champion import load_version
        from scorewright.flows.decide import ModelService
        from scorewright.serve.app import create_app

        loaded = load_version(self.registry, portfolio, wanted)
        return create_app(ModelService(loaded, settings.top_contributions), settings)


def _make_home(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            "SCOREWRIGHT_HOME must name a folder, or a place where one can be made.",
            f"{home}: {error.strerror or type(error).__name__}",
            "Name another folder, or correct the permissions.",
        ) from None


def open_workbench() -> Workbench:
    """Read the settings and wire the parts."""
    return Workbench(Settings())
