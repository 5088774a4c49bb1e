"""Make a registered version ready to answer its first caller as fast as its thousandth."""

from __future__ import annotations

from dataclasses import dataclass

from scorewright.bundle.folder import AGAIN
from scorewright.bundle.scorer import Took, untimed
from scorewright.domain.decisions import INCLUDES, NOTHING
from scorewright.domain.service import Wish
from scorewright.errors import BundleCorruptError, ScorewrightError
from scorewright.flows.champion import LoadedModel, load_version
from scorewright.flows.decide import ModelService
from scorewright.registry.seam import ModelVersion, Registry
from scorewright.tables.portfolio import UnseenCategory


@dataclass(frozen=True)
class Held:
    """A loaded version and the service that decides with it."""

    loaded: LoadedModel
    service: ModelService

    @property
    def version(self) -> ModelVersion:
        """The version that decides."""
        return self.loaded.version


def load_held(
    registry: Registry,
    version: ModelVersion,
    top: int = 10,
    unseen: UnseenCategory | None = None,
    took: Took = untimed,
) -> Held:
    """Fetch, verify, load and warm a version.

    Parameters
    ----------
    top : int
        How many contributions and places an answer names.
    unseen : {"refuse", "null"}, optional
        Overrides what the portfolio says of categories that training never saw.
    took : callable, optional
        Told how long each step of scoring took.

    Raises
    ------
    NoModelError
        Its bundle is gone.
    BundleError
        Its bundle is not the one that was registered, or does not answer its own example.
    """
    loaded = load_version(registry, version.portfolio, version.version, unseen, took)
    held = Held(loaded, ModelService(loaded, top))
    warm(held.service)
    return held


def warm(service: ModelService) -> None:
    """Decide the model's own example, bare, explained and as batches do, so that no caller pays for what is made once.

    Raises
    ------
    BundleCorruptError
        What comes out is no probability.
    """
    example = service.example()
    for include in (NOTHING, frozenset(INCLUDES)):
        pd = service.decide(example, include).pd
        _check(pd)
    for together in ([Wish(example)], [Wish(example), Wish(example)]):
        for one in service.decide_each(together):
            if isinstance(one, ScorewrightError):
                raise one
            _check(one.decision.pd)


def _check(pd: float) -> None:
    if not 0.0 <= pd <= 1.0:
        rule = "A model must answer its own example with a probability."
        raise BundleCorruptError(rule, f"{pd:g}", AGAIN)
