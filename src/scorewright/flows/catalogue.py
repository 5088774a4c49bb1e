"""List the versions of a portfolio, and what is done with each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scorewright.domain.service import ListedModel
from scorewright.flows.following import SlotState
from scorewright.registry.seam import Registry


@dataclass(frozen=True)
class RegistryCatalogue:
    """Lists what a registry holds; implements `scorewright.domain.service.Catalogue`.

    Parameters
    ----------
    registry : Registry
        Asked at every call.
    portfolio : str
        Whose versions.
    state : callable
        Says what is served (see `scorewright.flows.following.Follower.state`).
    """

    registry: Registry
    portfolio: str
    state: Callable[[], tuple[SlotState, ...]]

    def models(self) -> list[ListedModel]:
        """List the versions, oldest first."""
        serving = {slot.serving.version: slot.slot for slot in reversed(self.state()) if slot.serving is not None}
        return [
            ListedModel(
                version=each.version,
                bundle=each.bundle,
                candidate=each.candidate,
                created=each.created,
                aliases=each.aliases,
                serving=serving.get(each.version),
            )
            for each in self.registry.versions(self.portfolio)
        ]
