"""Every role against every route, and the rules that the table keeps whatever it says."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Mount

from scorewright.domain.access import ROLES, Caller, Role
from scorewright.serve.access.roles import OPEN, ROUTES, allowed, idle_routes, missing_routes

#: Written out by hand: i(ntegrator), o(fficer), v(alidator), p for operator; admins may all of it.
EXPECTED = {
    "POST /v1/decisions": "i",
    "POST /v1/decisions/batch": "i",
    "GET /v1/decisions": "iov",
    "GET /v1/decisions/{id}": "iov",
    "POST /v1/decisions/{id}/override": "o",
    "POST /v1/decisions/{id}/outcome": "i",
    "POST /v1/outcomes": "i",
    "POST /v1/decisions/{id}/replay": "v",
    "POST /v1/simulations": "iov",
    "POST /v1/clients/{id}/decisions": "i",
    "GET /v1/clients/{id}": "ov",
    "GET /v1/model": "iovp",
    "GET /v1/models": "vp",
    "GET /v1/schema": "iov",
    "GET /v1/example": "iov",
    "GET /v1/openapi.json": "iov",
    "GET /metrics": "vp",
}
LETTERS = {"integrator": "i", "officer": "o", "validator": "v", "operator": "p"}
OPEN_TO_ALL = {("GET", "/openapi.json"), ("GET", "/healthz"), ("GET", "/readyz")}


def test_the_table_has_these_routes_and_no_other() -> None:
    assert set(ROUTES) == {tuple(address.split()) for address in EXPECTED} | OPEN_TO_ALL


@pytest.mark.parametrize("address", sorted(EXPECTED))
@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_allowed_what_the_table_says(address: str, role: Role) -> None:
    method, path = address.split()
    expected = role == "admin" or LETTERS[role] in EXPECTED[address]
    assert allowed(Caller("x", frozenset({role})), method, path) is expected


@pytest.mark.parametrize("address", sorted(ROUTES))
def test_nobody_and_a_caller_without_role_are_allowed_what_is_open_only(address: tuple[str, str]) -> None:
    assert allowed(None, *address) is allowed(Caller("x"), *address) is (address in OPEN_TO_ALL)
    assert (ROUTES[address] is OPEN) is (address in OPEN_TO_ALL)


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/v1/decisions/{id}"), ("get", "/v1/model"), ("HEAD", "/v1/model"), ("GET", "/v1/decisions/17"),
     ("GET", "/v1/decisions/"), ("GET", ""), ("*", "*")],
)  # fmt: skip
def test_what_is_not_in_the_table_is_refused_to_everyone(method: str, path: str) -> None:
    assert not allowed(Caller("root", frozenset(ROLES)), method, path)


def test_roles_add_up() -> None:
    both = Caller("x", frozenset({"officer", "operator"}))
    assert allowed(both, "POST", "/v1/decisions/{id}/override")
    assert allowed(both, "GET", "/v1/models")
    assert not allowed(both, "POST", "/v1/decisions")


def test_running_routes_are_compared_with_the_table() -> None:
    router = APIRouter()
    router.add_api_route("/v1/model", list, methods=["GET"])
    router.add_api_route("/v1/secrets", list, methods=["GET", "PUT"])
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router)
    app.router.routes.append(Mount("/files", app=FastAPI()))
    assert missing_routes(app.routes) == [("*", "/files"), ("GET", "/v1/secrets"), ("PUT", "/v1/secrets")]
    assert set(idle_routes(app.routes)) == set(ROUTES) - {("GET", "/v1/model")}


def test_a_prefix_given_when_a_router_is_included_counts() -> None:
    router = APIRouter()
    router.add_api_route("/model", list, methods=["GET"])
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router, prefix="/v1")
    assert missing_routes(app.routes) == []
