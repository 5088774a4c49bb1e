"""The order of the questions: is the address tried out, is the route known, who asks, may they."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.requests import Request

from scorewright.domain.access import Caller, Stranger
from scorewright.serve.access.proxies import Networks, address_of
from scorewright.serve.access.roles import ROUTES, allowed
from scorewright.serve.access.seam import CHALLENGE, Authenticator
from scorewright.serve.access.throttle import Throttle, neighbourhood

NO_ROUTE = "(no route)"
#: What callers are told, by status. Nobody learns why they were not recognised.
TOLD: Mapping[int, str] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: "no key, or another one",
        HTTPStatus.FORBIDDEN: "a caller without such a role",
        HTTPStatus.TOO_MANY_REQUESTS: "too many that failed",
    }
)


@dataclass(frozen=True)
class Asked:
    """What is known of a request before its body is read.

    Parameters
    ----------
    method, route : str
        Route as it was declared.
    headers : mapping
        Case-insensitive.
    address : str
        Of the client, as far as it can be trusted.
    """

    method: str
    route: str
    headers: Mapping[str, str]
    address: str


@dataclass(frozen=True)
class Ruling:
    """Whether a request goes on: if its status is 200.

    Parameters
    ----------
    status : int
        200, 401, 403 or 429.
    caller : Caller, optional
        Who asks, where they were recognised.
    why : str, optional
        Why it is denied, for the audit; never for the caller.
    wait : int
        Seconds until another attempt, with 429.
    """

    status: HTTPStatus
    caller: Caller | None = None
    why: str | None = None
    wait: int = 0

    @property
    def headers(self) -> Mapping[str, str]:
        """What HTTP wants beside the status."""
        if self.status == HTTPStatus.UNAUTHORIZED:
            return {"WWW-Authenticate": CHALLENGE}
        return {"Retry-After": str(self.wait)} if self.status == HTTPStatus.TOO_MANY_REQUESTS else {}


class Guard:
    """Lets requests pass, or not.

    Parameters
    ----------
    authenticator : Authenticator
        Who recognises callers.
    addresses, keys : Throttle
        Count what failed, by address and by key id.
    proxies : sequence of networks
        Whose word on addresses is believed.
    """

    def __init__(
        self, authenticator: Authenticator, addresses: Throttle, keys: Throttle, proxies: Networks = ()
    ) -> None:
        self.authenticator = authenticator
        self._addresses = addresses
        self._keys = keys
        self._proxies = proxies

    async def admit(self, request: Request) -> None:
        """Let a request pass, as a dependency of its route, or raise its refusal. Its body is not read.

        Leaves the ruling in ``request.state.ruling`` and who asks in ``request.state.caller``, None where all may.
        """
        route = getattr(request.scope.get("route"), "path", NO_ROUTE)
        address = address_of(request.scope, self._proxies)
        ruling = await self.judge(Asked(request.method, route, request.headers, address))
        request.state.ruling = ruling
        if ruling.status != HTTPStatus.OK:
            raise HTTPException(ruling.status, TOLD[ruling.status], dict(ruling.headers))
        request.state.caller = ruling.caller

    async def judge(self, asked: Asked) -> Ruling:
        """Decide whether a request goes on."""
        if (asked.method, asked.route) not in ROUTES:
            return Ruling(HTTPStatus.FORBIDDEN, why="a route that the table does not know")
        if allowed(None, asked.method, asked.route):
            return Ruling(HTTPStatus.OK)
        wait = self._addresses.wait(neighbourhood(asked.address))
        if wait:
            return Ruling(HTTPStatus.TOO_MANY_REQUESTS, why="an address that failed too often", wait=wait)
        known = await self.authenticator.identify(asked.headers)
        if isinstance(known, Stranger):
            return self._turned_away(known, asked.address)
        if allowed(known, asked.method, asked.route):
            return Ruling(HTTPStatus.OK, known)
        return Ruling(HTTPStatus.FORBIDDEN, known, "no role that the route is for")

    def _turned_away(self, stranger: Stranger, address: str) -> Ruling:
        # A right key is admitted whatever others tried under its id, which is no secret: they could else lock its owner
        # out, and 256 bits are not found by trying.
        wait = self._keys.wait(stranger.key_id) if stranger.key_id else 0
        if stranger.tried:
            self._addresses.fail(neighbourhood(address))
        if wait:
            return Ruling(HTTPStatus.TOO_MANY_REQUESTS, why=f"{stranger.why}, tried too often", wait=wait)
        if stranger.key_id:
            self._keys.fail(stranger.key_id)
        return Ruling(HTTPStatus.UNAUTHORIZED, why=stranger.why)
