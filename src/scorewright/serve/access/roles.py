"""Who may ask for what: one table. What does not stand in it is refused to everyone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Final, Literal

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from scorewright.domain.access import ROLES, Caller, Role

Address = tuple[str, str]
"""Method, and path as the route was declared."""


class Anyone(Enum):
    """Marks what needs no credential."""

    OPEN = "open"


OPEN: Final = Anyone.OPEN
Allowance = frozenset[Role] | Literal[Anyone.OPEN]


def _only(*roles: Role) -> frozenset[Role]:
    return frozenset({"admin", *roles})


_DECIDE = _only("integrator")
_READ = _only("integrator", "officer", "validator")
_EVERY_ROLE: frozenset[Role] = frozenset(ROLES)

#: The validator reads everything and writes nothing: a replay and a simulation record no decision.
ROUTES: Mapping[Address, Allowance] = MappingProxyType(
    {
        ("POST", "/v1/decisions"): _DECIDE,
        ("POST", "/v1/decisions/batch"): _DECIDE,
        ("GET", "/v1/decisions"): _READ,
        ("GET", "/v1/decisions/{id}"): _READ,
        ("POST", "/v1/decisions/{id}/override"): _only("officer"),
        ("POST", "/v1/decisions/{id}/outcome"): _DECIDE,
        ("POST", "/v1/outcomes"): _DECIDE,
        ("POST", "/v1/decisions/{id}/replay"): _only("validator"),
        ("POST", "/v1/simulations"): _READ,
        ("POST", "/v1/clients/{id}/decisions"): _DECIDE,
        ("GET", "/v1/clients/{id}"): _only("officer", "validator"),
        ("GET", "/v1/model"): _EVERY_ROLE,
        ("GET", "/v1/models"): _only("operator", "validator"),
        ("GET", "/v1/schema"): _READ,
        ("GET", "/v1/example"): _READ,
        ("GET", "/v1/openapi.json"): _READ,
        ("GET", "/openapi.json"): OPEN,
        ("GET", "/healthz"): OPEN,
        ("GET", "/readyz"): OPEN,
        ("GET", "/metrics"): _only("operator", "validator"),
    }
)


def allowed(caller: Caller | None, method: str, path: str) -> bool:
    """Tell whether someone, or nobody in particular, may ask for this.

    Parameters
    ----------
    caller : Caller, optional
        Who asks; None for someone who was not recognised.
    method, path : str
        As the route was declared: ``GET``, ``/v1/decisions/{id}``.

    Examples
    --------
    >>> officer = Caller("anne", frozenset({"officer"}))
    >>> allowed(officer, "POST", "/v1/decisions/{id}/override"), allowed(officer, "POST", "/v1/decisions")
    (True, False)
    >>> allowed(officer, "DELETE", "/v1/decisions/{id}"), allowed(None, "GET", "/healthz")
    (False, True)
    """
    allowance = ROUTES.get((method, path), frozenset())
    if allowance is OPEN:
        return True
    return caller is not None and caller.is_any_of(allowance)


def running_routes(app_routes: Sequence[BaseRoute]) -> Iterable[Address]:
    """Give each method and path that an application answers; ``*`` where a route has no method, as a mount has none."""
    for route in iter_route_contexts(app_routes):
        for method in sorted(route.methods or {"*"}):
            yield method, route.path or "*"


def missing_routes(app_routes: Sequence[BaseRoute]) -> list[Address]:
    """Name the running routes that the table does not know, all of which are refused."""
    return sorted(set(running_routes(app_routes)) - set(ROUTES))


def idle_routes(app_routes: Sequence[BaseRoute]) -> list[Address]:
    """Name the entries of the table that no running route answers."""
    return sorted(set(ROUTES) - set(running_routes(app_routes)))
