"""The composition root: settings become wired parts, here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from scorewright.errors import SettingsError, StoreUnusableError

if TYPE_CHECKING:
    from scorewright.domain.clients import ClientStore
    from scorewright.flows.replay import Replayer
    from scorewright.flows.train import Shelves
    from scorewright.ledger import SqlLedger
    from scorewright.registry.seam import Registry
    from scorewright.serve.lifetime import Served
    from scorewright.serve.settings import ServiceSettings


def _listed(told: object) -> object:
    """Split the text of a variable at its commas."""
    return tuple(part.strip() for part in told.split(",") if part.strip()) if isinstance(told, str) else told


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
    ledger : str or None
        ``SCOREWRIGHT_LEDGER``: ``sqlite:///PATH`` or ``postgresql://USER@HOST/NAME``; else ``ledger.db`` under home.
    ledger_secret : SecretStr or None
        ``SCOREWRIGHT_LEDGER_SECRET``: 32 random bytes or more. For the default ledger one is made under home.
    ledger_secret_file : Path or None
        ``SCOREWRIGHT_LEDGER_SECRET_FILE``: file that holds the secret instead.
    ledger_former_secrets : tuple of SecretStr
        ``SCOREWRIGHT_LEDGER_FORMER_SECRETS``: those before it, the oldest first, with commas between.
    ledger_seconds : float
        ``SCOREWRIGHT_LEDGER_SECONDS``: how long to wait for a lock or a connection before recording fails.
    ledger_anchors : Path or None
        ``SCOREWRIGHT_LEDGER_ANCHORS``: file to which each anchor is appended once its row is on disk.
    """

    model_config = SettingsConfigDict(
        env_prefix="SCOREWRIGHT_", env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    home: Path = Path(".scorewright")
    registry: str = Field("mlflow", min_length=1)
    artifacts: str | None = None
    ledger: str | None = None
    ledger_secret: SecretStr | None = None
    ledger_secret_file: Path | None = None
    ledger_former_secrets: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_listed)] = ()
    ledger_seconds: float = Field(5.0, gt=0, le=60)
    ledger_anchors: Path | None = None


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

    @cached_property
    def ledger(self) -> SqlLedger:
        """The ledger of the settings, made where there is none. Raises what `open_ledger` raises."""
        return self.open_ledger(new=True)

    def open_ledger(self, *, new: bool = False) -> SqlLedger:
        """Open the ledger of the settings; close it when done.

        Parameters
        ----------
        new : bool
            Whether to make one where there is none.

        Raises
        ------
        SettingsError
            Home cannot be a folder, the URL names no database or one without a ledger, its secret is missing or too
            short, or the extra ``serve`` is not installed.
        LedgerUnavailableError
            The database does not answer.
        LedgerVersionError, LedgerTamperedError
            It was written by a later version, or under another secret.
        """
        settings = self.settings
        _make_home(settings.home)
        try:
            from scorewright.ledger import LedgerOptions, open_ledger
            from scorewright.ledger.anchors import AnchorFile
            from scorewright.ledger.settings import ledger_keys, ledger_url
        except ModuleNotFoundError as error:
            raise _not_installed(error) from error
        former = [one.get_secret_value() for one in settings.ledger_former_secrets]
        secret = settings.ledger_secret.get_secret_value() if settings.ledger_secret else None
        keys = ledger_keys(settings.home, settings.ledger, secret, settings.ledger_secret_file, former)
        options = LedgerOptions(patience=settings.ledger_seconds)
        if settings.ledger_anchors is not None:
            options = replace(options, on_anchor=AnchorFile(settings.ledger_anchors).append)
        return open_ledger(ledger_url(settings.home, settings.ledger), keys, options, new=new)

    @cached_property
    def replayer(self) -> Replayer:
        """What computes past decisions again. Raises what `registry` and `ledger` raise."""
        from scorewright.flows.replay import Replayer

        return Replayer(self.registry, self.ledger)

    @property
    def shelves(self) -> Shelves:
        """Where a training puts what it makes: registry, bundles and studies."""
        from scorewright.flows.train import Shelves

        return Shelves(self.registry, self.settings.home / "bundles", self.settings.home / "studies")

    def service(self, portfolio: str | None, wanted: str, settings: ServiceSettings) -> Served:
        """Load a model and build the service around it: it follows the registry, and records in the ledger.

        Raises
        ------
        NoModelError, BundleError, RegistryUnusableError
            There is no model to begin with.
        SettingsError, LedgerError
            As `ledger`; or other machines could reach the service without keys.
        StoreUnusableError
            The client store is damaged, or of another portfolio.
        """
        from scorewright.flows.catalogue import RegistryCatalogue
        from scorewright.flows.following import Follower, Following
        from scorewright.flows.shadowing import Shadow
        from scorewright.flows.warming import load_held
        from scorewright.serve.access import choose_authenticator
        from scorewright.serve.app import create_app
        from scorewright.serve.door import Parts
        from scorewright.serve.lifetime import Served
        from scorewright.serve.telemetry import Metrics, open_tracing

        # What can be wrong is said before anything runs.
        authenticator, ledger, metrics = choose_authenticator(settings), self.ledger, Metrics()
        following = Following(wanted, settings.challenger, settings.follow_seconds)
        load = partial(load_held, self.registry, top=settings.top_contributions, took=metrics.took)
        follower = Follower(self.registry, portfolio, following, load, metrics.followed)
        store = _store(settings.store, follower.portfolio)
        follower.start()
        shadow = Shadow(follower.shadow, ledger, missed=metrics.shadow_missed)
        parts = Parts(
            service=follower,
            ledger=ledger,
            catalogue=RegistryCatalogue(self.registry, follower.portfolio, follower.state),
            replayer=self.replayer,
            store=store,
            offer=shadow.offer,
            closing=(follower.close, shadow.close),
            metrics=metrics,
            tracing=open_tracing(),
        )
        app = create_app(parts, settings, authenticator)
        return Served(app, app.hooks)


def serve_one(portfolio: str | None, wanted: str, settings: ServiceSettings) -> Served:
    """Build the service of one worker, from the environment that it was started in."""
    return open_workbench().service(portfolio, wanted, settings)


def _store(folder: Path | None, portfolio: str) -> ClientStore | None:
    if folder is None:
        return None
    from scorewright.tables.store import open_store

    store = open_store(folder)
    if store.portfolio != portfolio:
        raise StoreUnusableError(f"{folder}: a store of the portfolio {store.portfolio!r}, not of {portfolio!r}")
    return store


def _make_home(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            "SCOREWRIGHT_HOME must name a folder, or a place where one can be made.",
            f"{home}: {error.strerror or type(error).__name__}",
            "Name another folder, or correct the permissions.",
        ) from None


def _not_installed(error: ModuleNotFoundError) -> SettingsError:
    return SettingsError(
        "The ledger needs the libraries of the extra 'serve'.",
        f"no module {error.name!r}",
        "Install scorewright[serve].",
    )


def open_workbench() -> Workbench:
    """Read the settings and wire the parts.

    Raises
    ------
    SettingsError
        A variable has a value that cannot be used. All are named at once; no value is repeated, for one is secret.
    """
    try:
        return Workbench(Settings())
    except ValidationError as error:
        wrong = [("_".join(map(str, issue["loc"])), issue["msg"]) for issue in error.errors(include_input=False)]
        raise SettingsError(
            "The settings must be usable.",
            "; ".join(f"SCOREWRIGHT_{name.upper()}: {message}" for name, message in wrong),
            "Correct or unset the variable.",
        ) from None
