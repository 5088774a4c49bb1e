"""What computing a past decision again tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Replayed:
    """A past decision that was computed again, and came out the same to the last bit.

    Parameters
    ----------
    id : str
        Id of the decision.
    portfolio, version, bundle : str
        The model that made it, then and now.
    compared : tuple of str
        What was compared.
    """

    id: str
    portfolio: str
    version: str
    bundle: str
    compared: tuple[str, ...]
