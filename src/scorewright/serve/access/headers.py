"""What browsers are told: to trust nothing here by default."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from scorewright.serve.access.proxies import Networks, is_https

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
)
#: For a year. Not for the names below this one, which may belong to others.
TRANSPORT: Mapping[str, str] = MappingProxyType({"Strict-Transport-Security": "max-age=31536000"})

SENT = ("Authorization", "Content-Type", "Idempotency-Key", "X-API-Key")
SHOWN = ("Retry-After", "X-Request-ID")
PREFLIGHT_SECONDS = 600


def security_headers(*, https: bool) -> Mapping[str, str]:
    """Return the headers of every answer that sets none of its own."""
    return {**HEADERS, **TRANSPORT} if https else HEADERS


#: The same, as ASGI wants them, by whether the request came over TLS.
_ENCODED = {
    https: [(name.lower().encode(), value.encode()) for name, value in security_headers(https=https).items()]
    for https in (False, True)
}


class SecurityHeaders:
    """Adds the security headers to every answer, never over those that a page sets itself.

    Parameters
    ----------
    app : ASGI application
        What answers.
    proxies : sequence of networks
        Whose word on TLS is believed.
    """

    def __init__(self, app: ASGIApp, proxies: Networks = ()) -> None:
        self.app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        added = _ENCODED[is_https(scope, self._proxies)]

        def dressed(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", ()))
                named = {name.lower() for name, _ in own}
                message["headers"] = own + [pair for pair in added if pair[0] not in named]
            return send(message)

        await self.app(scope, receive, dressed)


def cross_origin(origins: Sequence[str]) -> list[Middleware]:
    """Return what lets pages of these origins ask, and pages of no other; nothing where there are none.

    Credentials are never allowed: a key travels in a header that such a page sets itself, and a cookie must not.
    """
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=tuple(origins),
            allow_methods=("GET", "POST"),
            allow_headers=SENT,
            expose_headers=SHOWN,
            allow_credentials=False,
            max_age=PREFLIGHT_SECONDS,
        )
    ]
