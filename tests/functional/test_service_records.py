"""Recorded decisions and known clients over HTTP: read, overridden, matured, replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openapi_spec_validator
import pytest
from jsonschema import Draft202012Validator

from scorewright.domain.access import Role
from scorewright.domain.ledger import OutcomeEntry
from scorewright.errors import ForgottenError, ReplayDifferenceError
from scorewright.serve import records
from tests.functional.recording_desk import NDJSON, NOBODYS, OVERRIDE, Desk, codes, post, send
from tests.serving import EXAMPLE, FEATURES, Client, Store, problem


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, Store())
    with closing(made.ledger):
        yield made


# One decision, and what followed


def test_a_decision_that_was_asked_for_is_read_back_as_it_was_answered(desk: Desk) -> None:
    answered = desk.as_("integrator").decide(json.dumps(EXAMPLE).encode()).json()
    told = desk.as_("officer").get(f"/v1/decisions/{answered['id']}").json()
    assert {"id": told["id"], "time": told["time"], **told["answer"]} == answered
    assert (told["client"], told["caller"], told["kind"]) == ("1", "api-key:integrator", "decision")
    assert (told["model"], told["policy"], told["features"]) == (
        {"portfolio": "book", "version": "7", "bundle": "sha256:ab"},
        "0",
        FEATURES,
    )
    assert (told["forgotten"], told["standing_outcome"], told["inputs"]) == (False, answered["decision"], None)
    assert told["overrides"] == told["outcomes"] == told["shadows"] == []


def test_inputs_are_told_to_who_asks_for_them(desk: Desk) -> None:
    decision = desk.decided()
    told = desk.as_("validator").get(f"/v1/decisions/{decision.id}?include=inputs").json()
    assert told["inputs"] == EXAMPLE


def test_an_unknown_part_is_refused(desk: Desk) -> None:
    answer = desk.as_("validator").get(f"/v1/decisions/{desk.decided().id}?include=inputs,outputs")
    assert "'outputs'" in problem(answer, 422, "request-invalid")["value"]


def test_what_followed_is_told_the_oldest_first_and_the_last_override_holds(desk: Desk) -> None:
    decision = desk.decided()
    shadow = desk.decided(shadow_of=decision.id, pd=0.3, outcome="refuse", model="8", answer=b"")
    for outcome in ("refuse", "refer"):
        assert post(desk.as_("officer"), f"/v1/decisions/{decision.id}/override", {**OVERRIDE, "outcome": outcome})
    post(desk.as_("integrator"), f"/v1/decisions/{decision.id}/outcome", {"defaulted": True, "observed": "2026-01-31"})
    told = desk.as_("validator").get(f"/v1/decisions/{decision.id}").json()
    assert [one["outcome"] for one in told["overrides"]] == ["refuse", "refer"]
    assert told["overrides"][0] == {
        "id": desk.entries("override")[0].id,
        "time": told["overrides"][0]["time"],
        "decision": decision.id,
        "caller": "api-key:officer",
        **OVERRIDE,
    }
    assert [(one["defaulted"], one["observed"]) for one in told["outcomes"]] == [(True, "2026-01-31")]
    (beside,) = told["shadows"]
    assert (beside["id"], beside["pd"], beside["outcome"], beside["model"]["version"]) == (
        shadow.id,
        0.3,
        "refuse",
        "8",
    )
    assert (told["outcome"], told["standing_outcome"]) == ("approve", "refer")


def test_a_shadow_is_told_as_one(desk: Desk) -> None:
    decision = desk.decided()
    shadow = desk.decided(shadow_of=decision.id, answer=b"")
    told = desk.as_("validator").get(f"/v1/decisions/{shadow.id}").json()
    assert (told["kind"], told["shadow_of"], told["answer"]) == ("shadow", decision.id, None)


def test_of_a_forgotten_client_what_is_left_is_told(desk: Desk) -> None:
    decision = desk.decided()
    post(desk.as_("officer"), f"/v1/decisions/{decision.id}/override", OVERRIDE)
    desk.ledger.forget("1", "local:owner")
    told = desk.as_("validator").get(f"/v1/decisions/{decision.id}?include=inputs").json()
    assert told["forgotten"] is True
    assert [told[name] for name in ("client", "answer", "inputs", "features")] == [None] * 4
    assert (told["overrides"][0]["officer"], told["overrides"][0]["reason"]) == ("Zoé Martin", None)
    assert (told["pd"], told["outcome"], told["standing_outcome"]) == (0.02, "approve", "refuse")


@pytest.mark.parametrize("id_", [NOBODYS, "batch", "%00", "x" * 500, "é"])
def test_an_unknown_decision_is_not_found(desk: Desk, id_: str) -> None:
    problem(desk.as_("officer").get(f"/v1/decisions/{id_}"), 404, "ledger-unknown-decision")


# Pages


def walk(client: Client, limit: int) -> list[list[str]]:
    pages, before = [], ""
    while True:
        page = client.get(f"/v1/decisions?client=1&limit={limit}{before}").json()
        pages.append([one["id"] for one in page["decisions"]])
        if page["next"] is None:
            return pages
        before = f"&before={page['next']}"


@pytest.mark.parametrize("limit", [1, 2, 5, 200])
def test_pages_together_hold_every_decision_once_the_newest_first(desk: Desk, limit: int) -> None:
    made = [desk.decided(client=client).id for client in "1121121"]
    own = [id_ for id_, client in zip(made, "1121121", strict=True) if client == "1"]
    pages = walk(desk.as_("officer"), limit)
    assert [id_ for page in pages for id_ in page] == own[::-1]
    assert all(len(page) == limit for page in pages[:-1])


def test_a_page_holds_fifty_decisions_of_no_shadow(desk: Desk) -> None:
    first = desk.decided()
    desk.decided(shadow_of=first.id)
    for _ in range(50):
        desk.decided()
    page = desk.as_("officer").get("/v1/decisions?client=1").json()
    assert len(page["decisions"]) == 50
    assert page["next"] is not None
    assert "late" in page["decisions"][0]["reasons"]


def test_an_unknown_client_has_no_decisions(desk: Desk) -> None:
    assert desk.as_("officer").get("/v1/decisions?client=2").json() == {"decisions": [], "next": None}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?client=",
        "?client=1&limit=0",
        "?client=1&limit=201",
        "?client=1&limit=many",
        "?client=1&before=0",
        f"?client=1&before={2**70}",
    ],
)
def test_a_page_is_asked_for_by_a_client_and_within_limits(desk: Desk, query: str) -> None:
    told = problem(desk.as_("officer").get(f"/v1/decisions{query}"), 422, "request-invalid")
    assert "query." in told["value"]
    assert "many" not in told["detail"]


def test_who_has_no_key_does_not_learn_what_a_page_is_asked_by(desk: Desk) -> None:
    problem(Client(desk.app).get("/v1/decisions"), 401, "request-unauthenticated")


# Overrides


def test_an_override_is_recorded_before_it_is_answered(desk: Desk) -> None:
    decision = desk.decided()
    answer = post(desk.as_("officer"), f"/v1/decisions/{decision.id}/override", OVERRIDE)
    (recorded,) = desk.entries("override")
    assert answer.status_code == 201
    assert answer.json()["id"] == recorded.id
    assert "idempotency-replayed" not in answer.headers


@pytest.mark.parametrize(
    ("path", "body", "other", "role"),
    [
        ("override", OVERRIDE, {**OVERRIDE, "reason": "Another."}, "officer"),
        ("outcome", {"defaulted": True}, {"defaulted": False}, "integrator"),
    ],
)
def test_a_repeated_request_is_answered_the_same_and_another_is_refused(
    desk: Desk, path: str, body: Any, other: Any, role: Role
) -> None:
    address = f"/v1/decisions/{desk.decided().id}/{path}"
    first, again = (post(desk.as_(role), address, body, "k1") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    problem(post(desk.as_(role), address, other, "k1"), 409, "ledger-idempotency-conflict")
    assert post(desk.as_(role), address, body, "k2").json()["id"] != first.json()["id"]
    assert len(desk.entries(path)) == 2


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": " \n"}, "reason"),
        ({"reason": "x" * 4001}, "reason"),
        ({"reason": None}, "reason"),
        ({"officer": ""}, "officer"),
        ({"officer": "x" * 201}, "officer"),
        ({"officer": "Zoé\nMartin"}, "officer"),
        ({"outcome": "perhaps"}, "outcome"),
        ({"more": 1}, "more"),
    ],
)
def test_an_override_needs_officer_and_reason(desk: Desk, changed: Any, place: str) -> None:
    address = f"/v1/decisions/{desk.decided().id}/override"
    told = problem(post(desk.as_("officer"), address, {**OVERRIDE, **changed}), 422, "request-shape")
    assert told["value"].startswith(f"{place}:")
    assert "Martin" not in told["detail"]
    for missing in OVERRIDE:
        body = {name: value for name, value in OVERRIDE.items() if name != missing}
        assert missing in problem(post(desk.as_("officer"), address, body), 422, "request-shape")["value"]
    assert desk.entries("override") == []


def test_a_shadow_cannot_be_overridden(desk: Desk) -> None:
    shadow = desk.decided(shadow_of=desk.decided().id)
    answer = post(desk.as_("officer"), f"/v1/decisions/{shadow.id}/override", OVERRIDE)
    problem(answer, 404, "ledger-unknown-decision")


@pytest.mark.parametrize(("path", "body"), [("override", OVERRIDE), ("outcome", {"defaulted": True})])
def test_of_a_forgotten_client_nothing_more_is_recorded(desk: Desk, path: str, body: Any) -> None:
    decision = desk.decided()
    desk.ledger.forget("1", "local:owner")
    problem(post(desk.as_("admin"), f"/v1/decisions/{decision.id}/{path}", body), 410, "ledger-forgotten")


def test_what_cannot_be_recorded_is_not_answered(desk: Desk) -> None:
    decision = desk.decided()
    officer = desk.as_("officer")
    desk.ledger.close()
    answer = post(officer, f"/v1/decisions/{decision.id}/override", OVERRIDE)
    problem(answer, 503, "ledger-unavailable")
    assert answer.headers["retry-after"] == "1"


# Outcomes


@pytest.mark.parametrize("body", [{"defaulted": False, "observed": "2026-03-02"}, {"defaulted": True}])
def test_an_outcome_is_recorded(desk: Desk, body: Any) -> None:
    decision = desk.decided()
    answer = post(desk.as_("integrator"), f"/v1/decisions/{decision.id}/outcome", body)
    (recorded,) = desk.entries("outcome")
    assert answer.status_code == 201
    assert answer.json() == {
        "id": recorded.id,
        "time": answer.json()["time"],
        "decision": decision.id,
        "caller": "api-key:integrator",
        "observed": None,
        **body,
    }


@pytest.mark.parametrize("body", [{}, {"defaulted": 1}, {"defaulted": "true"}, {"defaulted": True, "observed": "soon"}])
def test_an_outcome_is_true_or_false_since_a_day(desk: Desk, body: Any) -> None:
    problem(post(desk.as_("integrator"), f"/v1/decisions/{desk.decided().id}/outcome", body), 422, "request-shape")


def test_no_outcome_is_told_before_it_is_observed(desk: Desk) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    body = {"defaulted": True, "observed": ahead}
    problem(post(desk.as_("integrator"), f"/v1/decisions/{desk.decided().id}/outcome", body), 422, "data-target")


def test_each_line_of_an_import_is_recorded_or_refused_by_itself(desk: Desk) -> None:
    first, second = desk.decided(), desk.decided(client="2")
    lines = send(
        desk.as_("integrator"),
        {"decision": first.id, "defaulted": True, "observed": "2026-01-31"},
        {"decision": NOBODYS, "defaulted": True},
        b"{]\n",
        {"decision": first.id},
        b"\n",
        {"decision": first.id, "defaulted": True, "observed": "2999-01-01"},
        {"decision": "\0", "defaulted": True},
        b'{"decision": "' + b"x" * 5000 + b'"}\n',
        {"decision": second.id, "defaulted": False},
    )
    assert codes(lines) == [
        None,
        "ledger-unknown-decision",
        "request-shape",
        "request-shape",
        "data-target",
        "ledger-unknown-decision",
        "request-too-large",
        None,
    ]
    kept = desk.entries("outcome")
    assert [line["answer"]["id"] for line in (lines[0], lines[-1])] == [one.id for one in kept]
    assert [one.entry.decision for one in kept if isinstance(one.entry, OutcomeEntry)] == [first.id, second.id]


def test_a_line_told_before_makes_no_second_entry(desk: Desk) -> None:
    first, second = desk.decided(), desk.decided()
    told = [{"decision": first.id, "defaulted": True}, {"decision": second.id, "defaulted": False}]
    before = send(desk.as_("integrator"), told[0])
    after = send(desk.as_("integrator"), *told, told[1], {**told[0], "observed": "2026-01-31"})
    assert [line["answer"]["repeated"] for line in after] == [True, False, True, False]
    assert after[0]["answer"]["id"] == before[0]["answer"]["id"]
    assert len(desk.entries("outcome")) == 3


def test_an_import_larger_than_a_chunk_is_recorded_whole_and_together(desk: Desk) -> None:
    made = [desk.decided(client=str(number)) for number in range(300)]
    lines = send(desk.as_("integrator"), *({"decision": one.id, "defaulted": False} for one in made))
    assert [line["answer"]["decision"] for line in lines] == [one.id for one in made]
    assert desk.ledger.counts()["outcome"] == 300
    assert desk.ledger.verify().broken is None


def test_an_empty_import_is_answered_with_nothing(desk: Desk) -> None:
    assert send(desk.as_("integrator")) == []


@pytest.mark.parametrize("headers", [{"Content-Type": "text/csv"}, {}, {**NDJSON, "Content-Encoding": "gzip"}])
def test_an_import_comes_as_plain_ndjson(desk: Desk, headers: dict[str, str]) -> None:
    answer = desk.as_("integrator").ask("POST", "/v1/outcomes", content=b"{}", headers=headers)
    problem(answer, 415, "request-media-type")
    assert answer.headers["accept"] == "application/x-ndjson"


# Replays


def test_a_replay_tells_what_was_compared(desk: Desk) -> None:
    decision = desk.decided()
    answer = desk.as_("validator").ask("POST", f"/v1/decisions/{decision.id}/replay")
    assert answer.json() == {
        "id": decision.id,
        "identical": True,
        "model": {"portfolio": "book", "version": "7", "bundle": "sha256:ab"},
        "compared": ["pd", "outcome"],
    }
    assert desk.replayer.asked == [decision.id]


def test_a_difference_is_told_with_both_values(desk: Desk) -> None:
    decision = desk.decided()
    desk.replayer.failure = ReplayDifferenceError(decision.id, {"pd": ("0.1", "0.2")})
    told = problem(
        desk.as_("validator").ask("POST", f"/v1/decisions/{decision.id}/replay"), 409, "ledger-replay-difference"
    )
    assert "pd: recorded 0.1, computed 0.2" in told["value"]


def test_of_a_forgotten_client_nothing_can_be_computed_again(desk: Desk) -> None:
    decision = desk.decided()
    desk.replayer.failure = ForgottenError(decision.id)
    problem(desk.as_("validator").ask("POST", f"/v1/decisions/{decision.id}/replay"), 410, "ledger-forgotten")


# Clients


def test_a_known_client_is_told_as_it_would_be_decided_on(desk: Desk) -> None:
    answer = desk.as_("officer").get("/v1/clients/1")
    assert answer.json() == EXAMPLE
    assert answer.headers["cache-control"] == "no-store"


def test_an_unknown_client_is_not_found_and_not_repeated(desk: Desk) -> None:
    assert "4711" not in str(problem(desk.as_("officer").get("/v1/clients/4711"), 404, "data-unknown-client"))


def test_without_a_store_no_client_is_known(tmp_path: Path) -> None:
    made = Desk(tmp_path, None)
    with closing(made.ledger):
        problem(made.as_("officer").get("/v1/clients/1"), 404, "data-no-store")


# The document


ADDRESSES = {
    ("get", "/v1/decisions"): ("200", records.PageAnswer),
    ("get", "/v1/decisions/{id}"): ("200", records.TrailAnswer),
    ("post", "/v1/decisions/{id}/override"): ("201", records.OverrideAnswer),
    ("post", "/v1/decisions/{id}/outcome"): ("201", records.OutcomeAnswer),
    ("post", "/v1/decisions/{id}/replay"): ("200", records.ReplayAnswer),
    ("post", "/v1/outcomes"): ("200", None),
    ("get", "/v1/clients/{id}"): ("200", None),
}


def test_the_document_describes_each_address_with_bodies_parameters_and_problems(desk: Desk) -> None:
    document = desk.app.openapi()
    openapi_spec_validator.validate(document)
    for (method, path), (status, _) in ADDRESSES.items():
        operation = document["paths"][path][method]
        assert operation["summary"]
        assert all(one.get("description") for one in operation.get("parameters", ()))
        assert {status, "401", "403", "500"} <= set(operation["responses"]), path
        assert all(one["description"] for one in operation["responses"].values())
        if method == "post" and "replay" not in path:
            (media,) = operation["requestBody"]["content"].values()
            assert media["schema"]
            assert media["examples"]


@pytest.mark.parametrize("model", [model for _, model in ADDRESSES.values() if model is not None])
def test_worked_examples_are_answers(model: Any) -> None:
    schema = model.model_json_schema()
    for example in schema["examples"]:
        Draft202012Validator(schema).validate(example)
        assert model.model_validate(example)


@pytest.mark.parametrize(
    ("path", "model"),
    [("/v1/decisions/{id}/override", records.OverrideBody), ("/v1/decisions/{id}/outcome", records.OutcomeBody)],
)
def test_worked_bodies_are_taken(desk: Desk, path: str, model: Any) -> None:
    (media,) = desk.app.openapi()["paths"][path]["post"]["requestBody"]["content"].values()
    address = path.replace("{id}", desk.decided().id)
    for each in media["examples"].values():
        Draft202012Validator(model.model_json_schema()).validate(each["value"])
        assert post(desk.as_("admin"), address, each["value"]).status_code == 201


def test_the_worked_import_has_a_line_of_the_schema_each(desk: Desk) -> None:
    described = desk.app.openapi()["paths"]["/v1/outcomes"]["post"]["requestBody"]["content"]["application/x-ndjson"]
    for line in described["examples"]["two"]["value"].splitlines():
        Draft202012Validator(records.OutcomeLine.model_json_schema()).validate(json.loads(line))
