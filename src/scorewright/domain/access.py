"""Who asks, in which role, and what is written down of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

Role = Literal["integrator", "officer", "validator", "operator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

#: What a caller brought. ``open`` is nothing: a service on loopback without any key admits everyone.
Credential = Literal["open", "shared-key", "api-key", "token"]


@dataclass(frozen=True)
class Caller:
    """Who asks, once admitted. Without roles nothing is allowed but what is open to all.

    Parameters
    ----------
    name : str
        What the operator or the identity provider calls them.
    roles : frozenset of str
        What they may do.
    credential : {"open", "shared-key", "api-key", "token"}
        What they brought. Names are unique within one of these only.
    key_id : str, optional
        Which API key it was; not secret.
    clients : frozenset of str, optional
        The only clients whose records they may see; None for all.
    """

    name: str
    roles: frozenset[Role] = frozenset()
    credential: Credential = "open"
    key_id: str | None = None
    clients: frozenset[str] | None = None

    @property
    def reference(self) -> str:
        """Name that no caller with another credential bears.

        Examples
        --------
        >>> Caller("branches", credential="api-key").reference
        'api-key:branches'
        """
        return f"{self.credential}:{self.name}"

    def is_any_of(self, roles: Collection[Role]) -> bool:
        """Tell whether one of their roles is among these."""
        return not self.roles.isdisjoint(roles)

    def sees(self, client: str) -> bool:
        """Tell whether this client's records are theirs to see, as far as the client goes: the role is another matter.

        Examples
        --------
        >>> Caller("branch", clients=frozenset({"17"})).sees("18")
        False
        """
        return self.clients is None or client in self.clients


@dataclass(frozen=True)
class Stranger:
    """Who could not be told from anyone else.

    Parameters
    ----------
    why : str
        For the log and the audit, never for the caller.
    key_id : str, optional
        The API key that they named.
    tried : bool
        Whether they brought anything at all: only that counts as an attempt.
    """

    why: str
    key_id: str | None = None
    tried: bool = True


@dataclass(frozen=True)
class AccessEvent:
    """One answered request, as the audit keeps it.

    Parameters
    ----------
    time : datetime
        When it was answered, in UTC.
    caller : str or None
        `Caller.reference`; None where nobody was recognised.
    method : str
        As in HTTP; ``"other"`` for one that HTTP does not know.
    route : str
        Template of the address, such as ``/v1/decisions/{id}``: an address itself may name a person.
    status : int
        As in HTTP; 499 where the caller left before the answer, 500 where there was none.
    request_id : str
        As in the header ``X-Request-ID`` of the answer.
    why : str or None
        Why it was denied; None where it was not.
    client : str or None
        Whose records it was about, where that is known.
    """

    time: datetime
    caller: str | None
    method: str
    route: str
    status: int
    request_id: str
    why: str | None = None
    client: str | None = field(default=None, repr=False)
