"""Find a registered model and make a scorer of it."""

from __future__ import annotations

from dataclasses import dataclass

from scorewright.bundle.contents import open_bundle
from scorewright.bundle.scorer import Scorer, Took, untimed
from scorewright.errors import NoModelError
from scorewright.registry.seam import ModelVersion, Registry
from scorewright.tables.portfolio import UnseenCategory


@dataclass(frozen=True)
class LoadedModel:
    """A registered version, verified and ready to score."""

    version: ModelVersion
    scorer: Scorer


def load_version(
    registry: Registry,
    portfolio: str | None,
    wanted: str = "champion",
    unseen: UnseenCategory | None = None,
    took: Took = untimed,
) -> LoadedModel:
    """Fetch, verify and load a version.

    Parameters
    ----------
    portfolio : str or None
        Name; None where the registry holds just one.
    wanted : str
        Version number or alias.
    unseen : {"refuse", "null"}, optional
        Overrides what the portfolio says of categories that training never saw.
    took : callable, optional
        Told how long each step of scoring took.

    Raises
    ------
    NoModelError
        There is none.
    BundleError
        Its bundle is not the one that was registered.
    """
    version = registry.version(chosen_portfolio(registry, portfolio), wanted)
    bundle = open_bundle(registry.fetch(version), expected=version.bundle)
    return LoadedModel(version, Scorer(bundle, unseen, took))


def chosen_portfolio(registry: Registry, wanted: str | None) -> str:
    """Name the portfolio that is meant: the wanted one, or the only one that was trained.

    Raises
    ------
    NoModelError
        It was never trained, there is none, or there are several.
    """
    known = registry.portfolios()
    if wanted in known or (wanted is None and len(known) == 1):
        return wanted or known[0]
    if not known:
        raise NoModelError("A model must be trained first.", "an empty registry", "Run `scorewright train`.")
    if wanted is not None:
        raise NoModelError("The portfolio must have been trained.", repr(wanted), f"Trained are: {', '.join(known)}.")
    raise NoModelError(
        "One portfolio must be meant.", f"{len(known)} trained: {', '.join(known)}", "Name it with --portfolio."
    )
