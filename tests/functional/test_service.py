"""The service over HTTP, against a hand-written decision service."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import openapi_spec_validator
import pytest
from fastapi import FastAPI
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import SecretStr

from scorewright.domain.decisions import Contribution, Decision, ModelInfo
from scorewright.domain.matrix import Label
from scorewright.errors import (
    BundleCorruptError,
    ColumnsError,
    NoModelError,
    ScorewrightError,
    UnknownApplicationError,
    UnseenCategoryError,
)
from scorewright.serve.access import Caller
from scorewright.serve.app import create_app
from scorewright.serve.settings import ServiceSettings

KEY = "a-key-of-23-characters!"
MODEL = ModelInfo("book", "7", "sha256:ab", "lightgbm", "log-odds", 0.09, 12, ("application", "loans"))
EXAMPLE = {"application": {"id": 1, "income": 1200.5, "job": "maçon", "owner": True}, "loans": [{"debt": None}]}
WEIGHTS = (0.1, -0.9, 0.3, 0.05, -0.2, 0.7, 0.0, 0.4, -0.6, 0.15, 0.25, -0.35)


class FakeService:
    """Knows two tables and refuses by income; fails on demand."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.asked: list[Mapping[str, Any]] = []
        self.threads: list[int] = []

    def model(self) -> ModelInfo:
        if isinstance(self.failure, NoModelError):
            raise self.failure
        return MODEL

    def example(self) -> Mapping[str, Any]:
        self.model()
        return EXAMPLE

    def decide(self, application: Mapping[str, Any]) -> Decision:
        self.threads.append(threading.get_ident())
        self.asked.append(application)
        if self.failure is not None:
            raise self.failure
        unknown = sorted(set(application) - {"application", "loans"})
        if unknown:
            raise ColumnsError("application", unknown=unknown)
        labels = Label("Feature", "Variable")
        parts = tuple(Contribution(f"f{i}", labels, float(i), weight) for i, weight in enumerate(WEIGHTS))
        income = application["application"].get("income")
        poor = not isinstance(income, float) or income < 1000
        return Decision(1, 0.2 if poor else 0.01, "refuse" if poor else "approve", MODEL, parts)


class Client:
    """Sends requests to the application within this process, each on an event loop of its own."""

    def __init__(self, app: FastAPI, **headers: str) -> None:
        self.app = app
        self.headers = headers

    def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        return asyncio.run(self.asking(method, path, **sent))

    async def asking(self, method: str, path: str, **sent: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://service", headers=self.headers, trust_env=False
        ) as client:
            return await client.request(method, path, **sent)

    def get(self, path: str, **sent: Any) -> httpx.Response:
        return self.ask("GET", path, **sent)

    def decide(self, body: bytes, **sent: Any) -> httpx.Response:
        return self.ask(
            "POST", "/v1/decisions", content=body, **{"headers": {"Content-Type": "application/json"}, **sent}
        )


def client_of(service: FakeService, **given: Any) -> Client:
    return Client(create_app(service, ServiceSettings(**given)))


def keyed(**headers: str) -> Client:
    return Client(create_app(FakeService(), ServiceSettings(api_key=SecretStr(KEY))), **headers)


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Assert that the answer is this problem, in the one shape of problems, and return it."""
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(told) == {"type", "title", "status", "detail", "code", "rule", "value", "remedy", "instance"}
    assert told["status"] == status
    assert told["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    return told


@pytest.fixture(scope="module")
def client() -> Client:
    return client_of(FakeService())


# What each address answers


def test_a_decision_tells_all_that_was_promised(client: Client) -> None:
    answer = client.decide(json.dumps(EXAMPLE).encode())
    told = answer.json()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert (told["application"], told["pd"], told["decision"], told["threshold"]) == (1, 0.01, "approve", 0.09)
    assert told["model"] == {"portfolio": "book", "version": "7", "bundle": "sha256:ab", "candidate": "lightgbm"}
    assert told["scale"] == "log-odds"
    assert [one["feature"] for one in told["contributions"][:3]] == ["f1", "f5", "f8"]
    assert len(told["contributions"]) == 10
    label = {"en": "Feature", "fr": "Variable"}
    assert told["contributions"][0] == {"feature": "f1", "label": label, "value": 1.0, "contribution": -0.9}


def test_the_service_is_asked_with_the_rows_as_they_were_sent() -> None:
    service = FakeService()
    client_of(service).decide(json.dumps(EXAMPLE).encode())
    assert service.asked == [EXAMPLE]


def test_the_number_of_contributions_is_a_setting() -> None:
    answer = client_of(FakeService(), top_contributions=3).decide(json.dumps(EXAMPLE).encode())
    assert len(answer.json()["contributions"]) == 3


def test_health_and_readiness(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_the_model_says_what_it_is(client: Client) -> None:
    assert client.get("/v1/model").json() == {
        "portfolio": "book",
        "version": "7",
        "bundle": "sha256:ab",
        "candidate": "lightgbm",
        "scale": "log-odds",
        "threshold": 0.09,
        "features": 12,
        "tables": ["application", "loans"],
        "policy": {"version": "0", "rule": "threshold", "referral": None, "rules": []},
    }


def test_the_example_is_accepted_byte_for_byte(client: Client) -> None:
    sample = client.get("/v1/example")
    assert sample.json() == EXAMPLE
    assert client.decide(sample.content).status_code == 200


def test_decisions_leave_the_event_loop_and_never_overlap() -> None:
    service = FakeService()
    crowd = client_of(service)
    body = json.dumps(EXAMPLE).encode()

    async def all_at_once() -> list[httpx.Response]:
        sent = {"content": body, "headers": {"Content-Type": "application/json"}}
        return await asyncio.gather(*(crowd.asking("POST", "/v1/decisions", **sent) for _ in range(20)))

    answers = asyncio.run(all_at_once())
    assert {answer.status_code for answer in answers} == {200}
    assert len(service.asked) == 20
    assert threading.get_ident() not in service.threads


# What is refused, and how


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "request-not-json"),
        (b"{", 400, "request-not-json"),
        (b'{"application": {"x": NaN}}', 400, "request-not-json"),
        (b'{"application": {"x": -Infinity}}', 400, "request-not-json"),
        (b'{"application": {"x": 1, "x": 2}}', 400, "request-not-json"),
        (b'{"application": {"x": "\xff"}}', 400, "request-not-json"),
        (b'{"application": {"x": "\\udead"}}', 400, "request-not-json"),
        (b"[" * 100_000, 422, "request-shape"),
        (b'{"application": {"x": ' + b"[" * 9 + b"]" * 9 + b"}}", 422, "request-shape"),
        (b"[]", 422, "request-shape"),
        (b"{}", 422, "request-shape"),
        (b'{"application": []}', 422, "request-shape"),
        (b'{"application": {}, "loans": {}}', 422, "request-shape"),
        (b'{"application": {}, "loans": [1]}', 422, "request-shape"),
        (b'{"application": {"x": [1]}}', 422, "request-shape"),
        (b'{"application": {"x": 9223372036854775808}}', 422, "request-shape"),
        (b'{"application": {"x": 1e400}}', 422, "request-shape"),
        (b'{"application": {}, "lons": []}', 422, "data-columns"),
    ],
)
def test_bodies_refused(client: Client, body: bytes, status: int, code: str) -> None:
    problem(client.decide(body), status, code)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_other_media_types_are_refused(client: Client, headers: dict[str, str]) -> None:
    answer = client.decide(b"{}", headers=headers)
    problem(answer, 415, "request-media-type")
    assert answer.headers["accept"] == "application/json"


async def pieces(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * size


@pytest.mark.parametrize("declared", [None, "2", "2049", "junk", str(10**30)])
def test_a_body_too_large_is_refused_whatever_it_declares(declared: str | None) -> None:
    small = client_of(FakeService(), max_body_bytes=2048)
    headers = {"Content-Type": "application/json"} | ({"Content-Length": declared} if declared else {})
    answer = small.decide(pieces(1024, 3), headers=headers)  # type: ignore[arg-type]
    told = problem(answer, 413, "request-too-large")
    assert "2048" in told["rule"]
    assert answer.headers["connection"] == "close"


def test_a_body_of_just_the_limit_is_read() -> None:
    small = client_of(FakeService(), max_body_bytes=2048)
    body = json.dumps(EXAMPLE).encode()
    assert small.decide(body.ljust(2048)).status_code == 200
    problem(small.decide(body.ljust(2049)), 413, "request-too-large")


def test_unknown_addresses_and_methods(client: Client) -> None:
    problem(client.get("/v1/nothing"), 404, "request-not-found")
    problem(client.get("/healthz/"), 404, "request-not-found")
    refused = client.get("/v1/decisions")
    problem(refused, 405, "request-method")
    assert refused.headers["allow"] == "POST"


@pytest.mark.parametrize("page", ["/docs", "/redoc", "/docs/oauth2-redirect"])
def test_no_page_that_loads_from_the_network(client: Client, page: str) -> None:
    problem(client.get(page), 404, "request-not-found")


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (ColumnsError("loans", missing=["debt"], mistyped={"due": "is text"}), 422),
        (UnseenCategoryError("job", ["roi"], ["maçon"], 1), 422),
        (UnknownApplicationError("The application must exist.", "none such", "Check the key."), 404),
    ],
)
def test_what_a_caller_can_mend_is_told_in_full(failure: ScorewrightError, status: int) -> None:
    told = problem(client_of(FakeService(failure)).decide(b'{"application": {}}'), status, failure.code)
    assert (told["rule"], told["value"], told["remedy"]) == (failure.rule, failure.value, failure.remedy)


@pytest.mark.parametrize(("method", "path"), [("GET", "/readyz"), ("GET", "/v1/model"), ("GET", "/v1/example")])
def test_without_a_model_nothing_is_ready_but_the_process_lives(method: str, path: str) -> None:
    empty = client_of(FakeService(NoModelError("A champion must exist.", "none in /srv/registry", "Promote one.")))
    told = problem(empty.ask(method, path), 503, "registry-no-model")
    assert "/srv" not in json.dumps(told)
    assert empty.get("/healthz").status_code == 200
    problem(empty.decide(b'{"application": {}}'), 503, "registry-no-model")


def test_the_operators_errors_are_told_to_the_operator(caplog: pytest.LogCaptureFixture) -> None:
    failure = BundleCorruptError("Bytes must be those sealed.", "/srv/bundle/model.txt", "Copy it again.")
    answer = client_of(FakeService(failure)).decide(b'{"application": {}}')
    told = problem(answer, 500, "bundle-corrupt")
    assert "/srv" not in json.dumps(told)
    assert "/srv/bundle/model.txt" in caplog.text
    assert answer.headers["x-request-id"] in caplog.text


def test_an_unexpected_failure_tells_nothing_and_logs_no_value(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    broken = client_of(FakeService(ZeroDivisionError("Martin, 54321")))
    answer = broken.decide(b'{"application": {"income": 54321.0}}')
    problem(answer, 500, "internal")
    assert "ZeroDivisionError" in caplog.text
    assert answer.headers["x-request-id"] in caplog.text
    for text in (answer.text, caplog.text):
        assert "54321" not in text
        assert "Martin" not in text
    assert "Traceback" not in answer.text + caplog.text


# Who may ask


@pytest.mark.parametrize("headers", [{"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}])
def test_the_key_opens_the_service(headers: dict[str, str]) -> None:
    assert keyed(**headers).get("/v1/model").status_code == 200
    assert keyed(**headers).decide(json.dumps(EXAMPLE).encode()).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer other"}, {"X-API-Key": "other"}])
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/decisions"), ("GET", "/v1/model"), ("GET", "/v1/example")])
def test_without_the_key_nothing_is_told(headers: dict[str, str], method: str, path: str) -> None:
    answer = keyed(**headers).ask(method, path)
    told = problem(answer, 401, "request-unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert KEY not in json.dumps(told)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
def test_what_tells_of_nobody_needs_no_key(path: str) -> None:
    assert keyed().get(path).status_code == 200


def test_a_body_is_not_read_before_the_key() -> None:
    taken: list[int] = []

    async def watched() -> AsyncIterator[bytes]:
        taken.append(1)
        yield b"{}"

    # The transport itself takes the first piece only when the application asks for it.
    answer = keyed().decide(watched())  # type: ignore[arg-type]
    problem(answer, 401, "request-unauthenticated")
    assert taken == []


def test_another_way_of_signing_in_can_be_handed_in() -> None:
    class Badge:
        schemes: Mapping[str, Mapping[str, Any]] = {"badge": {"type": "apiKey", "in": "header", "name": "X-Badge"}}

        async def authenticate(self, headers: Mapping[str, str]) -> Caller | None:
            return Caller("guard") if headers.get("x-badge") == "blue" else None

    app = create_app(FakeService(), ServiceSettings(), Badge())
    problem(Client(app).get("/v1/model"), 401, "request-unauthenticated")
    assert Client(app, **{"X-Badge": "blue"}).get("/v1/model").status_code == 200
    assert app.openapi()["components"]["securitySchemes"] == Badge.schemes


# What every answer wears


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/healthz", 200), ("GET", "/nothing", 404), ("POST", "/v1/decisions", 415), ("GET", "/openapi.json", 200)],
)
def test_headers(client: Client, method: str, path: str, status: int) -> None:
    answer = client.ask(method, path)
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


def test_request_ids_are_unique_and_never_the_callers(client: Client) -> None:
    ids = [client.get("/healthz", headers={"X-Request-ID": "mine"}).headers["x-request-id"] for _ in range(50)]
    assert len(set(ids)) == 50
    assert "mine" not in ids


# The document


@pytest.mark.parametrize("app", [client_of(FakeService()).app, keyed().app], ids=["open", "keyed"])
def test_the_document_is_valid_openapi_3_1(app: FastAPI) -> None:
    document = Client(app).get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    openapi_spec_validator.validate(document)
    assert document == app.openapi()


def test_the_document_shows_a_body_that_the_model_accepts(client: Client) -> None:
    document = client.get("/openapi.json").json()
    body = document["paths"]["/v1/decisions"]["post"]["requestBody"]["content"]["application/json"]
    shown = body["examples"]["made_up"]["value"]
    Draft202012Validator(body["schema"]).validate(shown)
    assert client.decide(json.dumps(shown).encode()).status_code == 200


def test_the_document_stands_without_a_model() -> None:
    empty = client_of(FakeService(NoModelError("A champion must exist.", "none", "Promote one.")))
    document = empty.get("/openapi.json").json()
    openapi_spec_validator.validate(document)
    assert "examples" not in document["paths"]["/v1/decisions"]["post"]["requestBody"]["content"]["application/json"]


def test_answers_are_as_the_document_says(client: Client) -> None:
    document = client.get("/openapi.json").json()

    def check(answer: httpx.Response, schema: str) -> None:
        Draft202012Validator({**document, "$ref": f"#/components/schemas/{schema}"}).validate(answer.json())

    check(client.decide(json.dumps(EXAMPLE).encode()), "DecisionAnswer")
    check(client.get("/v1/model"), "ModelAnswer")
    check(client.get("/healthz"), "HealthAnswer")
    check(client.get("/readyz"), "ReadyAnswer")
    check(client.get("/nothing"), "Problem")


def test_every_refusal_of_a_decision_is_documented() -> None:
    responses = keyed().get("/openapi.json").json()["paths"]["/v1/decisions"]["post"]["responses"]
    assert set(responses) == {"200", "400", "401", "413", "415", "422", "500", "503"}
    assert all("application/problem+json" in told["content"] for status, told in responses.items() if status != "200")


# Odd bodies

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
near = st.fixed_dictionaries({"application": anything}, optional={"loans": anything, "other": anything})
bodies = (
    st.binary(max_size=60)
    | anything.map(lambda value: json.dumps(value).encode())
    | near.map(lambda value: json.dumps(value).encode())
)


@settings(max_examples=150, deadline=None)
@given(body=bodies)
@example(body=b"\x00")
@example(body=b'{"application": {"\\u0000": "\\u0000"}}')
@example(body=b'{"application": {"x": -0.0e-0}, "\\uffff": []}')
def test_no_body_makes_the_service_fail(client: Client, body: bytes) -> None:
    answer = client.decide(body)
    if answer.status_code == 200:
        assert set(json.loads(body)) <= {"application", "loans"}
    else:
        problem(answer, answer.status_code, answer.json()["code"])
        assert answer.status_code in {400, 422}
