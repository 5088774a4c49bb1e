"""The service over HTTP, against a hand-written decision service."""

from __future__ import annotations

import asyncio
import json
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

from scorewright.domain.access import Caller, Stranger
from scorewright.domain.decisions import INCLUDES, Include
from scorewright.errors import (
    BundleCorruptError,
    ColumnsError,
    NoModelError,
    ScorewrightError,
    UnknownApplicationError,
    UnseenCategoryError,
)
from scorewright.serve.access.roles import missing_routes
from scorewright.serve.access.seam import NOTHING_BROUGHT, Authenticator
from scorewright.serve.app import create_app
from scorewright.serve.settings import ServiceSettings
from tests.logs import lines_of, logged
from tests.serving import (
    EXAMPLE,
    FIELDS,
    KEY,
    Client,
    FakeService,
    client_of,
    keyed,
    parts_of,
    problem,
)


@pytest.fixture(scope="module")
def client() -> Client:
    return client_of(FakeService())


# What each address answers


def test_a_decision_tells_all_that_was_promised(client: Client) -> None:
    answer = client.decide(json.dumps(EXAMPLE).encode(), "/v1/decisions?include=contributions")
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


def test_a_plain_decision_asks_for_no_part_and_tells_none() -> None:
    service = FakeService()
    told = client_of(service).decide(json.dumps(EXAMPLE).encode()).json()
    assert service.included == [frozenset()]
    assert {name for part in INCLUDES for name in FIELDS.get(part, [part]) if told[name] is not None} == set()


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("", set()),
        ("?include=", set()),
        ("?include=reasons", {"reasons"}),
        ("?include=reasons,recourse", {"reasons", "recourse"}),
        ("?include=reasons&include=recourse", {"reasons", "recourse"}),
        ("?include=points,standing&include=standing,%20contributions,", {"points", "standing", "contributions"}),
        (f"?include={','.join(INCLUDES)}", set(INCLUDES)),
    ],
)
def test_just_the_parts_asked_for_are_told(query: str, parts: set[Include]) -> None:
    service = FakeService()
    told = client_of(service).decide(json.dumps(EXAMPLE).encode(), f"/v1/decisions{query}").json()
    assert service.included == [frozenset(parts)]
    fields = {part: FIELDS.get(part, [part]) for part in INCLUDES}
    assert {part for part, names in fields.items() if all(told[name] is not None for name in names)} == parts
    assert {part for part, names in fields.items() if any(told[name] is not None for name in names)} == parts


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/simulations"])
@pytest.mark.parametrize("query", ["include=raesons", "include=reasons,Points", "include=reasons&include=all"])
def test_an_unknown_part_is_refused_with_those_there_are(path: str, query: str) -> None:
    service = FakeService()
    told = problem(client_of(service).decide(json.dumps(EXAMPLE).encode(), f"{path}?{query}"), 422, "request-invalid")
    assert all(part in told["value"] for part in INCLUDES)
    assert any(name in told["value"] for name in ("'raesons'", "'Points'", "'all'"))
    assert service.asked == []


SIMULATION = {**EXAMPLE, "changes": {"application": {"income": 900.5}}}


def test_a_simulation_decides_before_and_after_and_says_that_it_is_one() -> None:
    service = FakeService()
    answer = client_of(service).simulate(json.dumps(SIMULATION).encode(), "?include=reasons")
    told = answer.json()
    assert answer.status_code == 200
    assert set(told) == {"simulated", "before", "after"}
    assert told["simulated"] is True
    assert (told["before"]["decision"], told["after"]["decision"]) == ("approve", "refuse")
    assert told["before"]["reasons"] == told["after"]["reasons"] != []
    assert [one["application"]["income"] for one in service.asked] == [1200.5, 900.5]
    assert all(one["loans"] == EXAMPLE["loans"] and "changes" not in one for one in service.asked)
    assert service.included == [frozenset({"reasons"})] * 2


def test_before_is_what_the_decision_says(client: Client) -> None:
    told = client.simulate(json.dumps(SIMULATION).encode()).json()
    decided = client.decide(json.dumps(EXAMPLE).encode()).json()
    assert list(decided)[:2] == ["id", "time"]
    assert told["before"] == {name: value for name, value in decided.items() if name not in {"id", "time"}}


def test_the_number_of_contributions_is_a_setting() -> None:
    asked = "/v1/decisions?include=contributions"
    answer = client_of(FakeService(), top_contributions=3).decide(json.dumps(EXAMPLE).encode(), asked)
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
    problem(client.simulate(body), status, "request-shape" if code == "data-columns" else code)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (b"{}", "request-shape"),
        (b'{"loans": []}', "request-shape"),
        (b'{"application": {"income": [1]}}', "request-shape"),
        (b'{"application": {}, "lons": {}}', "request-shape"),
    ],
)
def test_changes_refused(client: Client, changes: bytes, code: str) -> None:
    problem(client.simulate(b'{"application": {}, "changes": ' + changes + b"}"), 422, code)


def test_changes_are_no_part_of_a_decision(client: Client) -> None:
    problem(client.decide(json.dumps(SIMULATION).encode()), 422, "request-shape")


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
    refused = client.get("/v1/simulations")
    problem(refused, 405, "request-method")
    assert refused.headers["allow"] == "POST"
    assert client.ask("PUT", "/v1/decisions").headers["allow"] == "GET, POST"


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


def test_the_operators_errors_are_told_to_the_operator() -> None:
    failure = BundleCorruptError("Bytes must be those sealed.", "/srv/bundle/model.txt", "Copy it again.")
    with logged() as log:
        answer = client_of(FakeService(failure)).decide(b'{"application": {}}')
    told = problem(answer, 500, "bundle-corrupt")
    assert "/srv" not in json.dumps(told)
    (line,) = [line for line in lines_of(log) if line["event"] == "refused"]
    assert (line["code"], line["request_id"]) == ("bundle-corrupt", answer.headers["x-request-id"])
    assert "/srv/bundle/model.txt" in line["reason"]


def test_an_unexpected_failure_tells_nothing_and_logs_no_value() -> None:
    broken = client_of(FakeService(ZeroDivisionError("Martin, 54321")))
    with logged("json") as log:
        answer = broken.decide(b'{"application": {"income": 54321.0}}')
    problem(answer, 500, "internal")
    (line,) = [line for line in lines_of(log) if line["event"] == "unexpected"]
    assert "ZeroDivisionError" in line["error"]
    assert line["request_id"] == answer.headers["x-request-id"]
    for text in (answer.text, log.getvalue()):
        assert "54321" not in text
        assert "Martin" not in text
        assert "Traceback" not in text


# Who may ask


@pytest.mark.parametrize("headers", [{"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}])
def test_the_key_opens_the_service(headers: dict[str, str]) -> None:
    assert keyed(headers).get("/v1/model").status_code == 200
    assert keyed(headers).decide(json.dumps(EXAMPLE).encode()).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer other"}, {"X-API-Key": "other"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/decisions"),
        ("POST", "/v1/decisions?include=raesons"),
        ("POST", "/v1/simulations"),
        ("GET", "/v1/model"),
        ("GET", "/v1/example"),
    ],
)
def test_without_the_key_nothing_is_told(headers: dict[str, str], method: str, path: str) -> None:
    answer = keyed(headers).ask(method, path)
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
    class Badge(Authenticator):
        schemes: Mapping[str, Mapping[str, Any]] = {"badge": {"type": "apiKey", "in": "header", "name": "X-Badge"}}

        async def identify(self, headers: Mapping[str, str]) -> Caller | Stranger:
            return Caller("guard", frozenset({"admin"})) if headers.get("x-badge") == "blue" else NOTHING_BROUGHT

    app = create_app(parts_of(FakeService()), ServiceSettings(), Badge())
    problem(Client(app).get("/v1/model"), 401, "request-unauthenticated")
    assert Client(app, **{"X-Badge": "blue"}).get("/v1/model").status_code == 200
    assert app.openapi()["components"]["securitySchemes"] == Badge.schemes


def test_every_running_route_stands_in_the_table_of_roles(client: Client) -> None:
    assert missing_routes(client.app.routes) == []


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
    document = client.get("/v1/openapi.json").json()
    for path in ("/v1/decisions", "/v1/simulations"):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        shown = body["examples"]["made_up"]["value"]
        Draft202012Validator({**document, **body["schema"]}).validate(shown)
        assert client.decide(json.dumps(shown).encode(), path).status_code == 200


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/simulations"])
def test_the_document_names_the_parts_there_are(client: Client, path: str) -> None:
    include, *others = client.get("/openapi.json").json()["paths"][path]["post"]["parameters"]
    assert ("Idempotency-Key" in {each["name"] for each in others}) == ("simul" not in path)
    assert (include["name"], include["in"], include["required"]) == ("include", "query", False)
    assert include["schema"]["items"]["enum"] == list(INCLUDES)
    for shown in include["examples"].values():
        Draft202012Validator(include["schema"]).validate(shown["value"])
        asked = f"{path}?include={','.join(shown['value'])}"
        assert client.decide(json.dumps(SIMULATION if "simul" in path else EXAMPLE).encode(), asked).status_code == 200


def test_the_document_stands_without_a_model() -> None:
    empty = client_of(FakeService(NoModelError("A champion must exist.", "none", "Promote one.")))
    document = empty.get("/openapi.json").json()
    openapi_spec_validator.validate(document)
    assert document == client_of(FakeService()).get("/openapi.json").json()


def test_answers_are_as_the_document_says(client: Client) -> None:
    document = client.get("/openapi.json").json()

    def check(answer: httpx.Response, schema: str) -> None:
        Draft202012Validator({**document, "$ref": f"#/components/schemas/{schema}"}).validate(answer.json())

    everything = f"?include={','.join(INCLUDES)}"
    for asked in ("", everything):
        check(client.decide(json.dumps(EXAMPLE).encode(), f"/v1/decisions{asked}"), "RecordedDecision")
        check(client.simulate(json.dumps(SIMULATION).encode(), asked), "SimulationAnswer")
    check(client.get("/v1/model"), "ModelAnswer")
    check(client.get("/healthz"), "HealthAnswer")
    check(client.get("/readyz"), "ReadyAnswer")
    check(client.get("/nothing"), "Problem")


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/simulations"])
def test_every_refusal_of_a_decision_is_documented(path: str) -> None:
    responses = keyed().get("/openapi.json").json()["paths"][path]["post"]["responses"]
    refusals = {"400", "401", "403", "408", "413", "415", "422", "429", "500", "503"}
    assert set(responses) - {"409"} == {"200"} | refusals
    assert "409" in responses or path == "/v1/simulations"
    assert all("application/problem+json" in told["content"] for status, told in responses.items() if status != "200")


# Odd bodies

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
changes = st.fixed_dictionaries({"application": st.dictionaries(st.text(max_size=5), scalars, max_size=2)})
near = st.fixed_dictionaries(
    {"application": anything}, optional={"loans": anything, "other": anything, "changes": changes}
)
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
    supposed = client.simulate(body)
    assert supposed.status_code in {200, 400, 422}
