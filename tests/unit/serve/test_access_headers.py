from __future__ import annotations

import asyncio
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from scorewright.serve.access.headers import HEADERS, SecurityHeaders, cross_origin, security_headers

DESK = "https://desk.example"


async def answer(request: Request) -> PlainTextResponse:
    own = {"Content-Security-Policy": "default-src 'self'"} if "page" in request.query_params else None
    return PlainTextResponse("hello", headers=own)


def ask(method: str = "GET", path: str = "/", origins: tuple[str, ...] = (), base: str = "http://s",
        **headers: str) -> httpx.Response:  # fmt: skip
    middleware = [Middleware(SecurityHeaders, [ip_network("127.0.0.1/32")]), *cross_origin(origins)]
    app = Starlette(routes=[Route("/", answer, methods=["GET", "POST"])], middleware=middleware)

    async def asking() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base, trust_env=False) as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, headers=named)

    return asyncio.run(asking())


@pytest.mark.parametrize("path", ["/", "/nothing"])
def test_every_answer_wears_the_headers(path: str) -> None:
    told = ask(path=path).headers
    assert told["x-content-type-options"] == "nosniff"
    assert told["referrer-policy"] == "no-referrer"
    assert told["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in told["content-security-policy"]


def test_a_page_keeps_its_own() -> None:
    told = ask(path="/?page").headers
    assert told["content-security-policy"] == "default-src 'self'"
    assert told["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("how", "expected"),
    [({"base": "https://s"}, True), ({"x_forwarded_proto": "https"}, True), ({}, False)],
)
def test_browsers_are_told_to_stay_with_tls_where_there_is_tls(how: Mapping[str, str], expected: bool) -> None:
    assert ("strict-transport-security" in ask(**how).headers) is expected


def test_the_headers_are_a_pure_function_of_tls() -> None:
    assert security_headers(https=False) == HEADERS
    assert set(security_headers(https=True)) - set(HEADERS) == {"Strict-Transport-Security"}


def test_what_is_not_http_passes_untouched() -> None:
    passed: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append((scope, receive, send))

    asyncio.run(SecurityHeaders(app)({"type": "lifespan"}, print, repr))  # type: ignore[arg-type]
    assert passed == [({"type": "lifespan"}, print, repr)]


# Other origins


def cors(told: httpx.Response) -> set[str]:
    return {name for name in told.headers if name.startswith("access-control-allow")}


def test_no_origin_may_ask_by_default() -> None:
    assert cross_origin(()) == []
    assert cors(ask(origin=DESK)) == set()
    assert ask("OPTIONS", origin=DESK, access_control_request_method="POST").status_code == 405


def test_a_named_origin_may_ask_without_cookies() -> None:
    told = ask(origins=(DESK,), origin=DESK)
    assert told.headers["access-control-allow-origin"] == DESK
    assert "access-control-allow-credentials" not in told.headers
    assert "Origin" in told.headers["vary"]


@pytest.mark.parametrize("origin", ["https://evil.example", "https://desk.example.evil", "http://desk.example", "null"])
def test_another_origin_may_not(origin: str) -> None:
    assert cors(ask(origins=(DESK,), origin=origin)) == set()
    preflight = ask("OPTIONS", origins=(DESK,), origin=origin, access_control_request_method="POST")
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers


@pytest.mark.parametrize(
    ("method", "header", "status"),
    [("POST", "authorization, idempotency-key", 200), ("DELETE", "authorization", 400), ("POST", "cookie", 400)],
)
def test_a_named_origin_may_send_what_the_service_reads(method: str, header: str, status: int) -> None:
    named = {"access_control_request_method": method, "access_control_request_headers": header}
    assert ask("OPTIONS", origins=(DESK,), origin=DESK, **named).status_code == status
