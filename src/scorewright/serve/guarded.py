"""Routes behind the guard, at the cost of the guard alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

if TYPE_CHECKING:
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

    from scorewright.serve.access.guard import Guard


class Guarded(APIRoute):
    """A route that needs nothing of what routers and applications put around one."""


def guarded_by(guard: Guard) -> type[APIRoute]:
    """Return the class of routes that ask this guard first.

    An endpoint takes the request and returns a response: what FastAPI would do beside it (solve dependencies, read the
    body, validate the answer) takes longer than a decision may wait for it.
    """

    class GuardedRoute(Guarded):
        def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
            super().__init__(path, endpoint, **options)
            self.app = _guarded(guard, endpoint)

    return GuardedRoute


class Direct:
    """Finds the routes of an address without parameters at once, and leaves all others to the router.

    Parameters
    ----------
    routes : sequence of routes
        Those that may be found, if they are `Guarded`: for others the router prepares what they need.
    router : ASGI application
        Finds all others.
    """

    def __init__(self, routes: Sequence[BaseRoute], router: ASGIApp) -> None:
        plain = [route for route in routes if isinstance(route, Guarded) and not route.param_convertors]
        self._known = {(method, route.path): route for route in plain for method in route.methods or ()}
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        route = self._known.get((scope.get("method", ""), scope.get("path", "")))
        if route is None or scope.get("root_path"):
            await self._router(scope, receive, send)
            return
        scope.update(route=route, endpoint=route.endpoint, path_params={})
        await route.app(scope, receive, send)


def _guarded(guard: Guard, endpoint: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        await guard.admit(request)
        answered = await endpoint(request)
        await answered(scope, receive, send)

    return app
