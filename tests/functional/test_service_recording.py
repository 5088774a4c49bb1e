"""No decision is answered before it stands in the ledger, none twice, and none when it cannot stand there."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from scorewright.domain.access import Caller, Stranger
from scorewright.domain.decisions import NOTHING, Decision, Include
from scorewright.domain.ledger import AccessEntry, Wanted
from scorewright.domain.service import Judged, Wish
from scorewright.errors import (
    BundleCorruptError,
    LedgerBusyError,
    LedgerTamperedError,
    LedgerUnavailableError,
    NoModelError,
    ScorewrightError,
    UnseenCategoryError,
)
from scorewright.ledger import LedgerKeys, open_ledger
from scorewright.serve.access.seam import NOTHING_BROUGHT, Authenticator
from scorewright.serve.app import create_app
from scorewright.serve.settings import ServiceSettings
from tests.ledgers import MemoryLedger
from tests.logs import lines_of, logged
from tests.serving import (
    EXAMPLE,
    FEATURES,
    KEY,
    Client,
    FakeService,
    Store,
    app_of,
    client_of,
    keyed,
    parts_of,
    problem,
)

JSON = {"Content-Type": "application/json"}
BODY = json.dumps(EXAMPLE).encode()
OTHER = json.dumps({"application": {"id": 2, "income": 10.5}}).encode()
PATIENCE = 30


def named(key: str) -> dict[str, str]:
    return {**JSON, "Idempotency-Key": key}


def ndjson(client: Client, *lines: bytes) -> list[dict[str, Any]]:
    answer = client.ask(
        "POST", "/v1/decisions/batch", content=b"\n".join(lines), headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not happened():  # noqa: ASYNC110 - what is waited for happens in another thread
            await asyncio.sleep(0.002)


# What is recorded


def test_the_entry_holds_what_was_sent_answered_and_seen() -> None:
    ledger = MemoryLedger()
    answer = client_of(FakeService(), ledger).decide(BODY, "/v1/decisions?include=reasons")
    (record,) = ledger.of_kind("decision")
    (entry,) = ledger.decisions
    told = answer.json()
    assert (told.pop("id"), datetime.fromisoformat(told.pop("time"))) == (record.id, record.time)
    assert told == json.loads(entry.answer)
    assert (entry.client, entry.caller, entry.inputs) == ("1", "open:anyone", BODY)
    assert (entry.pd, entry.outcome, entry.features) == (0.01, "approve", FEATURES)
    assert (entry.portfolio, entry.model, entry.bundle, entry.policy) == ("book", "7", "sha256:ab", "0")
    assert entry.reasons == ("late",)


def test_each_caller_is_recorded_under_their_own_name() -> None:
    ledger = MemoryLedger()
    keyed({"X-API-Key": KEY}, ledger).decide(BODY)
    assert [entry.caller for entry in ledger.decisions] == ["shared-key:key"]


def test_refusals_and_simulations_leave_no_entry() -> None:
    ledger = MemoryLedger()
    client = client_of(FakeService(), ledger)
    client.decide(b'{"application": {}, "lons": []}')
    client.decide(b"{")
    client.simulate(json.dumps({**EXAMPLE, "changes": {"application": {"income": 1.5}}}).encode())
    for path in ("/v1/model", "/v1/models", "/v1/example", "/v1/schema", "/healthz"):
        assert client.get(path).status_code == 200
    assert ledger.records == []


def test_a_real_ledger_keeps_what_was_answered_and_verifies(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", LedgerKeys(b"the secret of a ledger in a test"))
    client = client_of(FakeService(), ledger)  # type: ignore[arg-type]
    first = client.decide(BODY, headers=named("a"))
    again = client.decide(BODY, headers=named("a"))
    ndjson(client, BODY, OTHER)
    assert again.content == first.content
    assert next(one.id for one in ledger.iterate(Wanted())) == first.json()["id"]
    assert ledger.counts()["decision"] == 3
    assert ledger.verify().broken is None
    ledger.close()


# Before it is answered


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/decisions/batch"])
def test_nothing_is_answered_before_it_is_recorded(path: str) -> None:
    ledger = MemoryLedger()
    ledger.held = True
    client = client_of(FakeService(), ledger)
    kind = "application/x-ndjson" if "batch" in path else "application/json"

    async def story() -> httpx.Response:
        asked = asyncio.create_task(client.asking("POST", path, content=BODY, headers={"Content-Type": kind}))
        await until(lambda: ledger.submitted.acquire(blocking=False))
        for _ in range(20):
            await asyncio.sleep(0.002)
        assert not asked.done()
        assert ledger.records == []
        ledger.release()
        return await asked

    assert asyncio.run(story()).status_code == 200
    assert len(ledger.decisions) == 1


FAILURES = [LedgerUnavailableError("a full disk in /srv/ledger"), LedgerBusyError(10)]


def test_a_service_whose_ledger_failed_is_ready_once_the_ledger_answers() -> None:
    ledger = MemoryLedger()
    client = Client(app_of(FakeService(), ledger))
    repeated = {"Content-Type": "application/json", "Idempotency-Key": "one"}
    assert client.decide(BODY, headers=repeated).status_code == 200
    ledger.failure = LedgerUnavailableError("a database that is gone")
    assert client.get("/readyz").status_code == 200
    assert client.decide(BODY).status_code == 503
    problem(client.get("/readyz"), 503, "ledger-unavailable")
    ledger.failure = None
    assert client.decide(BODY, headers=repeated).headers["idempotency-replayed"] == "true"
    ledger.failure = LedgerUnavailableError("a database that is gone")
    problem(client.get("/readyz"), 503, "ledger-unavailable")
    ledger.failure = None
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("when", ["failure", "late_failure"])
@pytest.mark.parametrize("failure", FAILURES, ids=["unavailable", "busy"])
def test_what_cannot_be_recorded_is_not_answered(when: str, failure: ScorewrightError) -> None:
    ledger = MemoryLedger()
    setattr(ledger, when, failure)
    service = FakeService()
    app = app_of(service, ledger)
    with logged() as log:
        answer = Client(app).decide(BODY, headers=named("a"))
    told = problem(answer, 503, failure.code)
    assert answer.headers["retry-after"] == "1"
    assert "0.01" not in answer.text
    assert "/srv" not in json.dumps(told)
    assert [line["code"] for line in lines_of(log) if line["event"] == "refused"] == [failure.code]
    assert "scorewright_ledger_failures_total 1.0" in app.door.parts.metrics.text().decode()
    setattr(ledger, when, None)
    assert Client(app).decide(BODY, headers=named("a")).status_code == 200


def test_a_tampered_ledger_is_no_matter_of_waiting() -> None:
    ledger = MemoryLedger()
    ledger.failure = LedgerTamperedError(3, "another pd")
    answer = client_of(FakeService(), ledger).decide(BODY)
    problem(answer, 500, "ledger-tampered")
    assert "retry-after" not in answer.headers


def test_a_ledger_that_hangs_is_not_waited_for_for_ever_and_its_entry_is_found_by_its_key() -> None:
    ledger = MemoryLedger()
    ledger.held = True
    client = client_of(FakeService(), ledger, decision_seconds=0.05)
    with logged() as log:
        answer = client.decide(BODY, headers=named("a"))
        problem(answer, 503, "service-deadline")
        assert answer.headers["retry-after"] == "1"
        ledger.release()
        again = client.decide(BODY, headers=named("a"))
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["id"] == ledger.of_kind("decision")[0].id
    assert len(ledger.decisions) == 1
    # Nobody waited any more when it was recorded; that is no failure of anyone.
    assert [line["event"] for line in lines_of(log) if "futures" in line["event"]] == []


def test_a_batch_waits_once_for_a_ledger_that_hangs() -> None:
    ledger = MemoryLedger()
    ledger.held = True
    rows = ndjson(client_of(FakeService(), ledger, decision_seconds=0.05), *[BODY] * 40)
    assert {row["problem"]["code"] for row in rows} == {"service-deadline"}


# Idempotency


def test_a_repeated_request_is_answered_with_the_same_bytes_and_computed_once() -> None:
    service, ledger = FakeService(), MemoryLedger()
    client = client_of(service, ledger)
    first, again = (client.decide(BODY, headers=named("letter 12")) for _ in range(2))
    assert (again.status_code, again.content) == (200, first.content)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (len(service.asked), len(ledger.decisions)) == (1, 1)


def test_a_repeated_request_counts_as_one_decision() -> None:
    app = app_of(FakeService())
    for _ in range(3):
        Client(app).decide(BODY, headers=named("a"))
    assert 'scorewright_decisions_total{outcome="approve"} 1.0' in app.door.parts.metrics.text().decode()


def test_a_key_with_another_body_is_a_conflict_and_decides_nothing() -> None:
    service, ledger = FakeService(), MemoryLedger()
    client = client_of(service, ledger)
    client.decide(BODY, headers=named("a"))
    problem(client.decide(OTHER, headers=named("a")), 409, "ledger-idempotency-conflict")
    assert (len(service.asked), len(ledger.decisions)) == (1, 1)
    assert "ledger_failures_total 0.0" in client.app.door.parts.metrics.text().decode()  # type: ignore[attr-defined]


def test_a_key_is_its_callers_own() -> None:
    ledger = MemoryLedger()
    door = Badges()
    app = create_app(parts_of(FakeService(), ledger), ServiceSettings(), door)
    for badge in ("blue", "red"):
        assert Client(app).decide(BODY, headers={**named("a"), "X-Badge": badge}).status_code == 200
    assert [entry.caller for entry in ledger.decisions] == ["api-key:blue", "api-key:red"]


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x7f", "caf\xe9\x85"])
def test_a_key_that_cannot_be_kept_is_refused(key: str) -> None:
    service = FakeService()
    sent = [(b"content-type", b"application/json"), (b"idempotency-key", key.encode("latin-1"))]
    answer = client_of(service).decide(BODY, headers=sent)
    told = problem(answer, 422, "request-invalid")
    assert "Idempotency-Key" in told["value"]
    assert service.asked == []


def test_the_same_request_many_times_at_once_is_recorded_once() -> None:
    ledger, service = MemoryLedger(), Gate()
    answers = crowd(client_of(service, ledger), service, [named("a")] * 12)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(ledger.decisions) == 1


# Many at once


class Gate(FakeService):
    """Waits in its first decision until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.opened = threading.Event(), threading.Event()

    def decide_each(self, wishes: Sequence[Wish]) -> list[Judged | ScorewrightError]:
        self.entered.set()
        assert self.opened.wait(PATIENCE)
        return super().decide_each(wishes)


def crowd(client: Client, gate: Gate, headers: Sequence[Mapping[str, str]], *bodies: bytes) -> list[httpx.Response]:
    """Ask once, and once that is being computed all others, so that they wait together."""

    async def story() -> list[httpx.Response]:
        def ask(number: int) -> asyncio.Task[httpx.Response]:
            body = bodies[number] if bodies else BODY
            return asyncio.create_task(client.asking("POST", "/v1/decisions", content=body, headers=headers[number]))

        first = ask(0)
        await until(gate.entered.is_set)
        rest = [ask(number) for number in range(1, len(headers))]
        deciding = client.app.door.deciding  # type: ignore[attr-defined]
        await until(lambda: deciding.waiting + sum(asked.done() for asked in rest) == len(rest))
        gate.opened.set()
        return list(await asyncio.gather(first, *rest))

    return asyncio.run(story())


def test_those_who_wait_are_decided_together_and_answered_each_their_own() -> None:
    service = Gate()
    bodies = [json.dumps({"application": {"id": number, "income": 2000.5}}).encode() for number in range(8)]
    answers = crowd(client_of(service), service, [JSON] * 8, *bodies)
    assert [answer.json()["application"] for answer in answers] == list(range(8))
    assert service.batches == [1, 7]


def test_one_bad_request_among_those_who_wait_fails_alone() -> None:
    class Fragile(Gate):
        def decide(self, application: Mapping[str, Any], include: frozenset[Include] = NOTHING) -> Decision:
            if application["application"]["id"] == 3:
                raise ZeroDivisionError("Mrs Martin")
            return super().decide(application, include)

    service, ledger = Fragile(), MemoryLedger()
    bodies = [json.dumps({"application": {"id": number, "income": 2000.5}}).encode() for number in range(8)]
    bodies[5] = b"{"
    with logged() as log:
        answers = crowd(client_of(service, ledger), service, [JSON] * 8, *bodies)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 500, 200, 400, 200, 200]
    assert sorted(entry.client for entry in ledger.decisions) == ["0", "1", "2", "4", "6", "7"]
    assert "Martin" not in log.getvalue()


def test_a_caller_whom_the_ledger_cannot_name_fails_alone() -> None:
    service, ledger, door = Gate(), MemoryLedger(), Badges()
    client = Client(create_app(parts_of(service, ledger), ServiceSettings(), door))
    headers = [{**JSON, "X-Badge": badge} for badge in ("blue", "red", "x" * 300, "red")]
    assert [one.status_code for one in crowd(client, service, headers)] == [200, 200, 500, 200]
    assert len(ledger.decisions) == 3


def test_more_than_may_wait_are_told_to_come_again() -> None:
    service, ledger = Gate(), MemoryLedger()
    answers = crowd(client_of(service, ledger, queue=2, retry_after=7), service, [JSON] * 6)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 503, 503, 503]
    refused = [answer for answer in answers if answer.status_code == 503]
    for answer in refused:
        problem(answer, 503, "service-overloaded")
        assert answer.headers["retry-after"] == "7"
    assert len(ledger.decisions) == 3


# Batches, and clients of the store


def test_a_batch_records_each_of_its_rows() -> None:
    ledger = MemoryLedger()
    client = client_of(FakeService(), ledger)
    bad, broken = b'{"application": {}, "lons": []}', b"{"
    rows = ndjson(client, BODY, bad, OTHER, broken)
    assert [row["position"] for row in rows] == [0, 1, 2, 3]
    codes = [row["problem"] and row["problem"]["code"] for row in rows]
    assert codes == [None, "data-columns", None, "request-not-json"]
    assert [rows[place]["answer"]["id"] for place in (0, 2)] == [one.id for one in ledger.of_kind("decision")]
    assert [json.loads(entry.inputs) for entry in ledger.decisions] == [EXAMPLE, json.loads(OTHER)]
    told = {name: value for name, value in rows[2]["answer"].items() if name not in {"id", "time"}}
    assert told == json.loads(ledger.decisions[1].answer)
    assert [entry.client for entry in ledger.decisions] == ["1", "2"]


def test_rows_of_a_batch_that_cannot_be_recorded_are_problems_and_the_others_stand() -> None:
    class Full(MemoryLedger):
        def submit(self, entry: Any) -> Any:
            if len(self.records) == 2:
                raise LedgerBusyError(2)
            return super().submit(entry)

    ledger = Full()
    app = app_of(FakeService(), ledger)
    rows = ndjson(Client(app), BODY, BODY, BODY)
    assert [row["answer"] is not None for row in rows] == [True, True, False]
    assert rows[2]["problem"]["code"] == "ledger-busy"
    assert "scorewright_ledger_failures_total 1.0" in app.door.parts.metrics.text().decode()


def test_an_unexpected_failure_of_one_row_leaves_the_others_their_answers() -> None:
    class Fragile(FakeService):
        def decide(self, application: Mapping[str, Any], include: frozenset[Include] = NOTHING) -> Decision:
            if application["application"]["id"] == 2:
                raise ZeroDivisionError("Mrs Martin")
            return super().decide(application, include)

    with logged() as log:
        rows = ndjson(client_of(Fragile()), BODY, OTHER, BODY)
    assert [row["problem"] and row["problem"]["code"] for row in rows] == [None, "internal", None]
    assert "ZeroDivisionError" in log.getvalue()
    assert "Martin" not in log.getvalue() + json.dumps(rows)


def test_a_client_of_the_store_is_decided_on_with_what_is_new() -> None:
    service, ledger = FakeService(), MemoryLedger()
    client = Client(create_app(parts_of(service, ledger, store=Store()), ServiceSettings()))
    plain = client.decide(b"{}", "/v1/clients/1/decisions")
    changed = client.decide(b'{"application": {"income": 900.5}}', "/v1/clients/1/decisions?include=reasons")
    assert (plain.json()["decision"], changed.json()["decision"]) == ("approve", "refuse")
    assert changed.json()["reasons"]
    assert service.asked == [EXAMPLE, {**EXAMPLE, "application": {**EXAMPLE["application"], "income": 900.5}}]  # type: ignore[dict-item]
    assert [json.loads(entry.inputs) for entry in ledger.decisions] == service.asked
    problem(client.decide(b"{}", "/v1/clients/2/decisions"), 404, "data-unknown-client")
    problem(client.decide(b'{"loans": []}', "/v1/clients/1/decisions"), 422, "request-shape")
    assert len(ledger.decisions) == 2


def test_a_repeated_request_on_a_client_is_recorded_once() -> None:
    ledger = MemoryLedger()
    client = Client(create_app(parts_of(FakeService(), ledger, store=Store()), ServiceSettings()))
    first, again = (client.decide(b"{}", "/v1/clients/1/decisions", headers=named("a")) for _ in range(2))
    assert first.content == again.content
    assert len(ledger.decisions) == 1


def test_without_a_store_there_are_no_clients() -> None:
    problem(client_of(FakeService()).decide(b"{}", "/v1/clients/1/decisions"), 404, "data-no-store")


# Beside the answer


def test_each_new_decision_is_offered_to_be_scored_beside_once_it_is_recorded() -> None:
    offered: list[str] = []
    ledger = MemoryLedger()
    parts = parts_of(FakeService(), ledger, offer=lambda asked, answered: offered.append(answered.id))
    client = Client(create_app(parts, ServiceSettings()))
    client.decide(BODY, headers=named("a"))
    client.decide(BODY, headers=named("a"))
    client.decide(b"{")
    ndjson(client, OTHER)
    assert offered == [record.id for record in ledger.of_kind("decision")]
    assert len(offered) == 2


def test_what_fails_beside_harms_no_answer() -> None:
    def fail(asked: Any, answered: Any) -> None:
        raise RuntimeError("Mrs Martin")

    client = Client(create_app(parts_of(FakeService(), offer=fail), ServiceSettings()))
    with logged() as log:
        assert client.decide(BODY).status_code == 200
    assert "Martin" not in log.getvalue()


# Stopping


def test_a_service_that_stops_says_so_and_then_takes_no_more() -> None:
    ledger, closed = MemoryLedger(), list[str]()
    parts = parts_of(FakeService(), ledger, closing=(lambda: closed.append("beside"),))
    app = create_app(parts, ServiceSettings())
    client = Client(app)
    for act in app.hooks.stopping:
        act()
    problem(client.get("/readyz"), 503, "service-stopping")
    assert client.get("/healthz").status_code == 200
    assert client.decide(BODY).status_code == 200
    for close in app.hooks.closing:
        close()
    assert (closed, ledger.is_closed) == (["beside"], True)
    problem(client.decide(BODY), 503, "service-stopping")
    assert len(ledger.decisions) == 1


# Who was denied


class Badges(Authenticator):
    """Knows callers by their badge: an integrator for two clients only, an officer, a validator."""

    schemes: Mapping[str, Mapping[str, Any]] = {"badge": {"type": "apiKey", "in": "header", "name": "X-Badge"}}

    async def identify(self, headers: Mapping[str, str]) -> Caller | Stranger:
        badge = headers.get("x-badge")
        if badge is None:
            return NOTHING_BROUGHT
        role, clients = ("officer", None) if badge == "officer" else ("integrator", None)
        clients = frozenset({"17"}) if badge == "branch" else clients  # type: ignore[assignment]
        return Caller(badge, frozenset({role}), "api-key", clients=clients)  # type: ignore[arg-type]


def badged(ledger: MemoryLedger, badge: str) -> Client:
    app = create_app(parts_of(FakeService(), ledger, store=Store()), ServiceSettings(), Badges())
    return Client(app, **{"X-Badge": badge})


def test_a_denial_of_a_known_caller_stands_in_the_ledger() -> None:
    ledger = MemoryLedger()
    answer = badged(ledger, "officer").decide(BODY)
    problem(answer, 403, "request-forbidden")
    (record,) = ledger.records
    request = answer.headers["x-request-id"]
    assert record.entry == AccessEntry("api-key:officer", "POST /v1/decisions", allowed=False, request=request)


def test_a_client_who_is_not_theirs_is_a_denial_too() -> None:
    ledger = MemoryLedger()
    with logged() as log:
        problem(badged(ledger, "branch").decide(b"{}", "/v1/clients/1/decisions"), 403, "request-forbidden")
    (entry,) = [record.entry for record in ledger.records]
    assert isinstance(entry, AccessEntry)
    assert (entry.action, entry.allowed, entry.client) == ("POST /v1/clients/{id}/decisions", False, None)
    assert [line["reason"] for line in lines_of(log) if line["event"] == "denied"] == [
        "a client that is not theirs to see"
    ]


def test_strangers_fill_no_ledger() -> None:
    ledger = MemoryLedger()
    client = keyed({}, ledger)
    for _ in range(3):
        problem(client.decide(BODY), 401, "request-unauthenticated")
    problem(client.get("/nothing"), 404, "request-not-found")
    assert ledger.records == []


@pytest.mark.parametrize("failure", FAILURES, ids=["unavailable", "busy"])
def test_a_denial_that_cannot_be_written_down_is_answered_as_such(failure: ScorewrightError) -> None:
    ledger = MemoryLedger()
    ledger.failure = failure
    answer = badged(ledger, "officer").decide(BODY)
    problem(answer, 503, failure.code)
    assert answer.headers["retry-after"] == "1"


# What every answer wears, and what no log holds

PLANTED = ("Martin-Dupont", "54321.75", "k-9081-7726", "idem-4455-6677", "987654321")
PERSON = json.dumps({"application": {"id": 987654321, "income": 54321.75, "job": "Martin-Dupont"}}).encode()


def chained() -> Exception:
    told = RuntimeError(" ".join(PLANTED))
    told.__cause__ = KeyError(" ".join(PLANTED))
    return told


FAILING: dict[str, Callable[[], Exception | None]] = {
    "success": lambda: None,
    "unexpected": lambda: ZeroDivisionError(" ".join(PLANTED)),
    "chained": chained,
    "category": lambda: UnseenCategoryError("job", ["Martin-Dupont"], ["cook"], 1),
    "model": lambda: NoModelError("A champion must exist.", "none", "Promote one."),
    "bundle": lambda: BundleCorruptError("Bytes must be those sealed.", "model.txt", "Copy it again."),
}


@pytest.mark.parametrize("failing", FAILING)
def test_no_log_line_holds_what_a_person_is_or_what_a_caller_keeps_secret(failing: str) -> None:
    failure = FAILING[failing]()
    for ledger_failure in (None, LedgerUnavailableError("a lock"), RuntimeError(" ".join(PLANTED))):
        ledger = MemoryLedger()
        ledger.late_failure = ledger_failure
        app = create_app(parts_of(FakeService(failure), ledger, store=Store()), ServiceSettings(), Badges())
        headers = {
            "X-Badge": "branch",
            "Authorization": "Bearer k-9081-7726",
            "X-API-Key": "k-9081-7726",
            "Idempotency-Key": "idem-4455-6677",
            "X-Request-ID": "Martin-Dupont",
            "Content-Type": "application/json",
        }
        lines = {**headers, "Content-Type": "application/x-ndjson"}
        # What is told at DEBUG holds all that is told at INFO.
        with logged("json", logging.DEBUG) as log, logged("plain", logging.DEBUG) as plain:
            client = Client(app)
            client.decide(PERSON, headers=headers)
            client.decide(PERSON, headers=headers)
            client.decide(PERSON[:-1], headers=headers)
            client.decide(PERSON, "/v1/decisions?include=Martin-Dupont", headers=headers)
            client.decide(PERSON, "/v1/decisions/batch", headers=lines)
            client.decide(PERSON, "/v1/clients/987654321/decisions", headers=headers)
            client.decide(PERSON, "/v1/Martin-Dupont", headers=headers)
            client.ask("Martin-Dupont", "/v1/decisions", headers=headers)
            client.decide(PERSON, headers={**headers, "Content-Type": "Martin-Dupont"})
        assert len([line for line in lines_of(log) if line["event"] == "request"]) == 9
        assert [planted for planted in PLANTED if planted in log.getvalue() + plain.getvalue()] == []


def test_a_planted_value_that_is_logged_is_noticed() -> None:
    with logged() as log:
        logging.getLogger("scorewright").error("refused", extra={"reason": PLANTED[0]})
    assert PLANTED[0] in log.getvalue()


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "/healthz", None, 200),
        ("POST", "/v1/decisions", BODY, 200),
        ("POST", "/v1/decisions", b"{", 400),
        ("POST", "/v1/decisions", b"[]", 422),
        ("POST", "/v1/decisions", b" " * 3000, 413),
        ("GET", "/nothing", None, 404),
        ("DELETE", "/v1/decisions", None, 405),
    ],
)
def test_every_answer_wears_the_headers(method: str, path: str, content: bytes | None, status: int) -> None:
    client = client_of(FakeService(), max_body_bytes=2048)
    assert_dressed(client.ask(method, path, content=content, headers=JSON), status)


@pytest.mark.parametrize(
    ("failure", "status"), [(ZeroDivisionError(), 500), (NoModelError("One must be.", "none", "Promote one."), 503)]
)
def test_every_failure_wears_the_headers(failure: Exception, status: int) -> None:
    assert_dressed(client_of(FakeService(failure)).decide(BODY), status)


def test_a_stranger_and_a_failed_record_wear_the_headers() -> None:
    ledger = MemoryLedger()
    ledger.failure = LedgerBusyError(1)
    assert_dressed(client_of(FakeService(), ledger).decide(BODY), 503)
    assert_dressed(badged(ledger, "officer").decide(BODY), 503)
    assert_dressed(keyed().decide(BODY), 401)


def assert_dressed(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert len(answer.headers["x-request-id"]) == 36


def test_an_answer_without_the_headers_is_noticed() -> None:
    with pytest.raises((AssertionError, KeyError)):
        assert_dressed(httpx.Response(200, headers={"X-Request-ID": "x" * 36}), 200)
