"""Find a registered model and make a scorer of it."""

from __future__ import annotations

from dataclasses import dataclass

from scorewright.bundle.contents import open_bundle
from scorewright.bundle.scorer import Scorer
from scorewright.errors import NoModelError
from scorewright.registry.seam import ModelVersion, Registry
from scorewright.tables.portfolio import UnseenCategory


@dataclass(frozen=True)
class LoadedModel:
    """A registered version, verified and ready to score."""

    version: ModelVersion
    scorer: Scorer


def load_version(
    registry: Registry, portfolio: str | None, wanted: str = "champion", unseen: UnseenCategory | None = None
) -> LoadedModel:
    """Fetch, verify and load a version.

    Parameters
    ----------
    portfolio : str or None
        Name; None where the registry holds just one.
    wanted : str
        Version number or alias.

    Raises
    ------
    NoModelError
        There is none.
    BundleError
        Its bundle is not the one that was registered.
    """
    version = registry.version(portfolio or only_portfolio(registry), wanted)
    bundle = open_bundle(registry.fetch(version), expected=version.bundle)
    return LoadedModel(version, Scorer(bundle, unseen))


def only_portfolio(registry: Registry) -> str:
    """Name the one portfolio that was trained.

    Raises
    ------
    NoModelError
        There is none, or there are several.
    """
    known = registry.portfolios()
    if len(known) == 1:
        return known[0]
    if not known:
        raise NoModelError("A model must be trained first.", "an empty registry", "Run `scorewright train`.")
    raise NoModelError(
        "One portfolio must be meant.", f"{len(known)} trained: {', '.join(known)}", "Name it with --portfolio."
    )
