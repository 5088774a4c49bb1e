from __future__ import annotations

import asyncio
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request

from scorewright.domain.access import Caller, Stranger
from scorewright.serve.access.guard import Asked, Guard, Ruling
from scorewright.serve.access.seam import NO_SCHEMES, NOTHING_BROUGHT, Authenticator, Schemes
from scorewright.serve.access.throttle import Throttle

OFFICER = Caller("anne", frozenset({"officer"}), "api-key")


class Badges(Authenticator):
    """Knows a caller by the header ``X-API-Key``, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    @property
    def schemes(self) -> Schemes:
        return NO_SCHEMES

    async def identify(self, headers: Mapping[str, str]) -> Caller | Stranger:
        self.asked += 1
        badge = headers.get("x-api-key")
        if badge is None:
            return NOTHING_BROUGHT
        return OFFICER if badge == "right" else Stranger(f"badge {badge}", badge if badge.startswith("id") else None)


class House:
    """A guard and its clock."""

    def __init__(self, failures: int = 3) -> None:
        self.now = 0.0
        self.badges = Badges()
        throttles = (Throttle(failures, 60.0, lambda: self.now) for _ in range(2))
        self.guard = Guard(self.badges, *throttles, proxies=[ip_network("127.0.0.1/32")])

    def judge(self, badge: str | None, route: str = "/v1/model", address: str = "192.0.2.7") -> Ruling:
        headers = {} if badge is None else {"x-api-key": badge}
        return asyncio.run(self.guard.judge(Asked("GET", route, headers, address)))


def test_a_caller_with_the_role_passes() -> None:
    assert House().judge("right") == Ruling(200, OFFICER)  # type: ignore[arg-type]


def test_a_caller_without_the_role_is_told_so_and_kept_for_the_audit() -> None:
    ruling = House().judge("right", "/v1/models")
    assert (ruling.status, ruling.caller) == (403, OFFICER)


@pytest.mark.parametrize("badge", [None, "wrong", "right"])
def test_a_route_that_the_table_does_not_know_is_refused_to_everyone(badge: str | None) -> None:
    house = House()
    assert (house.judge(badge, "/v1/secrets").status, house.badges.asked) == (403, 0)


def test_what_is_open_is_open_even_to_those_who_wait() -> None:
    house = House(failures=1)
    house.judge("wrong")
    assert house.judge("right").status == 429
    assert house.judge(None, "/healthz") == Ruling(200)  # type: ignore[arg-type]


@pytest.mark.parametrize("badge", [None, "wrong", "id-unknown"])
def test_a_stranger_is_turned_away_with_the_reason_for_the_audit_alone(badge: str | None) -> None:
    ruling = House().judge(badge)
    assert (ruling.status, ruling.caller) == (401, None)
    assert ruling.headers["WWW-Authenticate"].startswith("Bearer")
    assert ruling.why == ("no credential" if badge is None else f"badge {badge}")


def test_an_address_that_failed_too_often_waits_whatever_it_brings() -> None:
    house = House()
    assert [house.judge("wrong").status for _ in range(5)] == [401, 401, 401, 429, 429]
    asked = house.badges.asked
    ruling = house.judge("right")
    assert (ruling.status, ruling.headers, house.badges.asked) == (429, {"Retry-After": "60"}, asked)
    assert house.judge("right", address="192.0.2.8").status == 200
    house.now = 60.0
    assert house.judge("right").status == 200


def test_success_forgives_nothing() -> None:
    house = House()
    assert [house.judge(badge).status for badge in ("wrong", "wrong", "right", "wrong", "right")] == [
        401, 401, 200, 401, 429,
    ]  # fmt: skip


def test_bringing_nothing_is_no_attempt() -> None:
    house = House()
    assert {house.judge(None).status for _ in range(10)} == {401}
    assert house.judge("right").status == 200


def test_a_key_tried_from_many_addresses_waits_but_never_its_owner() -> None:
    house = House()
    tries = [house.judge("id-1", address=f"192.0.2.{number}") for number in range(5)]
    assert [ruling.status for ruling in tries] == [401, 401, 401, 429, 429]
    assert tries[-1].wait == 60
    assert house.judge("id-2", address="192.0.2.99").status == 401
    assert house.judge("right", address="192.0.2.98").status == 200


# As a dependency of routes


def served(house: House) -> FastAPI:
    app = FastAPI(dependencies=[Depends(house.guard.admit)], openapi_url=None)

    @app.get("/v1/model")
    async def model(request: Request) -> str:
        return str(request.state.caller.name)

    @app.get("/healthz")
    async def health(request: Request) -> Any:
        return request.state.caller

    @app.get("/v1/forgotten")
    async def forgotten() -> str:
        return "must not be told"

    return app


def ask(app: FastAPI, path: str, **headers: str) -> httpx.Response:
    async def asking() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://s", trust_env=False
        ) as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.get(path, headers=named)

    return asyncio.run(asking())


def test_routes_are_guarded_before_they_run() -> None:
    app = served(House())
    assert ask(app, "/v1/model", X_API_Key="right").json() == "anne"
    assert ask(app, "/healthz").json() is None
    refused = ask(app, "/v1/model", X_API_Key="wrong")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Bearer realm="scorewright"')
    forgotten = ask(app, "/v1/forgotten", X_API_Key="right")
    assert forgotten.status_code == 403
    assert "told" not in forgotten.text


def test_all_who_are_not_recognised_are_told_the_same() -> None:
    app = served(House(failures=100))
    answers = [ask(app, "/v1/model", **sent) for sent in ({}, {"X_API_Key": "wrong"}, {"X_API_Key": "id-1"})]
    assert len({(answer.text, tuple(answer.headers.items())) for answer in answers}) == 1


def test_behind_a_proxy_each_client_has_an_address() -> None:
    app = served(House(failures=1))
    assert ask(app, "/v1/model", X_API_Key="wrong", X_Forwarded_For="192.0.2.7").status_code == 401
    waits = ask(app, "/v1/model", X_API_Key="right", X_Forwarded_For="1.1.1.1, 192.0.2.7")
    assert (waits.status_code, waits.headers["retry-after"]) == (429, "60")
    assert ask(app, "/v1/model", X_API_Key="right", X_Forwarded_For="192.0.2.8").status_code == 200
