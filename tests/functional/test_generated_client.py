"""A client that a program wrote from the OpenAPI document, against the running application."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import uvicorn

from scorewright.domain.access import Caller, Role, Stranger
from scorewright.domain.decisions import NOTHING, Decision, HardRule, Include, ModelInfo, Simulated
from scorewright.domain.matrix import Label
from scorewright.domain.replays import Replayed
from scorewright.domain.service import Judged, ListedModel, Wish
from scorewright.errors import ColumnsError, ScorewrightError, UnknownApplicationError
from scorewright.ledger import LedgerKeys, open_ledger
from scorewright.serve.access.seam import NOTHING_BROUGHT
from scorewright.serve.app import ServiceApp, create_app
from scorewright.serve.door import Parts
from scorewright.serve.settings import ServiceSettings

CHECKOUT = Path(__file__).resolve().parents[2]
GENERATOR = CHECKOUT / ".venv-client" / "bin" / "openapi-python-client"
#: The generator knows no media types of streams: it takes them as files.
CONFIGURATION = """
post_hooks: []
content_type_overrides:
  application/x-ndjson: application/octet-stream
  application/vnd.apache.arrow.stream: application/octet-stream
"""
MODEL = ModelInfo("book", "7", "ab" * 32, "lightgbm", "log-odds", 0.09, 12, ("application", "loans"))
EXAMPLE = {"application": {"id": 1, "income": 1200.5, "job": "maçon"}, "loans": [{"debt": 80.0}]}
POOR = HardRule("poor", "refer", Label("Too little income", "Revenu trop faible"))


class FakeService:
    """Knows two tables and refuses by income."""

    def model(self) -> ModelInfo:
        return MODEL

    def example(self) -> Mapping[str, Any]:
        return EXAMPLE

    def schema(self) -> Mapping[str, Any]:
        return {"type": "object", "required": ["application"]}

    def decide(self, application: Mapping[str, Any], include: frozenset[Include] = NOTHING) -> Decision:
        unknown = sorted(set(application) - {"application", "loans"})
        if unknown:
            raise ColumnsError("application", unknown=unknown)
        row = application["application"]
        if row["income"] < 1000:
            return Decision(row["id"], 0.2, "refer", MODEL, opinion="refuse", rules=(POOR,), interval=(0.1, 0.3))
        return Decision(row["id"], 0.01, "approve", MODEL, opinion="approve", coverage=0.5)

    def decide_each(self, wishes: Sequence[Wish]) -> list[Judged | ScorewrightError]:
        return [self._judged(wish) for wish in wishes]

    def _judged(self, wish: Wish) -> Judged | ScorewrightError:
        try:
            return Judged(self.decide(wish.application), "0a")
        except ScorewrightError as error:
            return error

    def simulate(
        self, application: Mapping[str, Any], changes: Mapping[str, Mapping[str, Any]], include: frozenset[Include]
    ) -> Simulated:
        changed = {**application, "application": {**application["application"], **changes["application"]}}
        return Simulated(self.decide(application), self.decide(changed))


class FakeCatalogue:
    def models(self) -> list[ListedModel]:
        return [ListedModel("7", "ab" * 32, "lightgbm", datetime(2026, 3, 1, tzinfo=UTC), ("champion",), "champion")]


class FakeReplayer:
    def replay(self, decision: str) -> Replayed:
        return Replayed(decision, "book", "7", "ab" * 32, ("pd", "decision"))


class FakeStore:
    """Holds one client."""

    def get(self, key: int | str) -> dict[str, Any]:
        if str(key) != "1":
            raise UnknownApplicationError("application", str(key))
        return json.loads(json.dumps(EXAMPLE))

    def keys(self, prefix: str = "", limit: int = 100) -> tuple[int | str, ...]:
        return (1,)

    def __len__(self) -> int:
        return 1


class Badges:
    """Believes the role that a key is called."""

    schemes: Mapping[str, Mapping[str, Any]] = {"bearer": {"type": "http", "scheme": "bearer"}}

    async def identify(self, headers: Mapping[str, str]) -> Caller | Stranger:
        role: Role | str = headers.get("authorization", "").removeprefix("Bearer ")
        if role in {"integrator", "officer", "validator", "operator", "admin"}:
            return Caller(role, frozenset({role}))  # type: ignore[arg-type]
        return NOTHING_BROUGHT


@dataclass(frozen=True)
class Desk:
    """The application, and the client that was written from its document."""

    app: ServiceApp
    package: ModuleType

    def call(self, role: str, operation: str, **given: Any) -> Any:
        """Ask as someone in a role: ``call("integrator", "decisions.decide", body=...)``."""
        return asyncio.run(self._call(role, operation, given))

    async def _call(self, role: str, operation: str, given: Mapping[str, Any]) -> Any:
        ask: Callable[..., Awaitable[Any]] = self.module(f"api.{operation}").asyncio_detailed
        transport = {"transport": httpx.ASGITransport(self.app)}
        client = self.module("client").AuthenticatedClient(
            "http://service", token=role, httpx_args=transport, raise_on_unexpected_status=True
        )
        async with client as entered:
            return await ask(client=entered, **given)

    def module(self, name: str) -> ModuleType:
        return importlib.import_module(f"{self.package.__name__}.{name}")

    def model(self, name: str) -> Any:
        return getattr(self.module("models"), name)

    def body(self, application: Mapping[str, Any] = EXAMPLE) -> Any:
        return self.model("Application").from_dict(application)

    def file(self, lines: str) -> Any:
        # Bytes and no open file, which an asynchronous client does not read.
        return self.module("types").File(payload=lines.encode())

    def decided(self, **headers: str) -> Any:
        return self.call("integrator", "decisions.decide", body=self.body(), **headers).parsed


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceApp]:
    ledger = open_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db", LedgerKeys(b"k" * 32))
    made = create_app(
        Parts(FakeService(), ledger, FakeCatalogue(), FakeReplayer(), FakeStore()), ServiceSettings(), Badges()
    )
    yield made
    for close in made.hooks.closing:
        close()


@pytest.fixture(scope="module")
def desk(app: ServiceApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("client")
    generate(app.openapi(), folder)
    sys.path.insert(0, str(folder))
    yield Desk(app, importlib.import_module("generated_client"))
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == "generated_client"]:
        del sys.modules[name]


def generate(document: Mapping[str, Any], folder: Path) -> None:
    """Write a client. Whatever the generator does not understand is an error."""
    assert GENERATOR.exists(), f"{GENERATOR} is not there: make test installs it."
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "config.yaml").write_text(CONFIGURATION)
    options = ["--path", "openapi.json", "--config", "config.yaml", "--meta", "none"]
    done = subprocess.run(
        [GENERATOR, "generate", *options, "--output-path", "generated_client", "--fail-on-warning"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        # It looks for Ruff on the path.
        env={**os.environ, "PATH": f"{GENERATOR.parent}{os.pathsep}{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_decision_is_a_typed_object(desk: Desk) -> None:
    told = desk.decided()
    assert isinstance(told, desk.model("RecordedDecision"))
    assert (told.application, told.pd, told.decision.value, told.coverage) == (1, 0.01, "approve", 0.5)
    assert told.model.version == "7"
    assert told.time.tzinfo is not None


def test_the_same_idempotency_key_gives_the_same_decision(desk: Desk) -> None:
    sent = {"body": desk.body(), "idempotency_key": "loan-417"}
    first, again = (desk.call("integrator", "decisions.decide", **sent) for _ in range(2))
    assert first.content == again.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"


def test_a_simulation_tells_before_and_after(desk: Desk) -> None:
    body = desk.model("Simulation").from_dict({**EXAMPLE, "changes": {"application": {"income": 900.5}}})
    told = desk.call("officer", "decisions.simulate", body=body).parsed
    assert isinstance(told, desk.model("SimulationAnswer"))
    assert (told.before.decision.value, told.after.decision.value) == ("approve", "refer")
    assert [rule.name for rule in told.after.rules] == ["poor"]
    assert (told.after.interval.low, told.after.interval.high) == (0.1, 0.3)


def test_a_client_of_the_store_is_decided_by_id(desk: Desk) -> None:
    changes = desk.model("ClientChanges").from_dict({"application": {"income": 900.5}})
    told = desk.call("integrator", "decisions.decide_client", id="1", body=changes).parsed
    assert told.decision.value == "refer"


def test_a_batch_is_a_file_of_lines_each_of_which_has_a_type(desk: Desk) -> None:
    lines = "\n".join(json.dumps(each) for each in (EXAMPLE, {"application": []}))
    answered = desk.call("integrator", "decisions.decide_batch", body=desk.file(lines)).parsed
    rows = [desk.model("BatchRow").from_dict(json.loads(line)) for line in answered.payload.read().splitlines()]
    assert [row.position for row in rows] == [0, 1]
    assert rows[0].answer.decision == "approve"
    assert rows[1].problem.code == "request-shape"


def test_a_decision_is_read_with_what_followed(desk: Desk) -> None:
    decided = desk.decided()
    override = desk.model("OverrideBody").from_dict({"outcome": "refuse", "officer": "A. Martin", "reason": "Forged."})
    overridden = desk.call("officer", "records.override_decision", id=decided.id, body=override).parsed
    outcome = desk.model("OutcomeBody").from_dict({"defaulted": True, "observed": "2026-01-31"})
    matured = desk.call("integrator", "records.record_outcome", id=decided.id, body=outcome).parsed
    trail = desk.call("officer", "records.read_decision", id=decided.id).parsed
    assert isinstance(trail, desk.model("TrailAnswer"))
    assert (trail.outcome.value, trail.standing_outcome.value) == ("approve", "refuse")
    assert [(one.id, one.officer, one.reason) for one in trail.overrides] == [(overridden.id, "A. Martin", "Forged.")]
    assert [(one.id, one.defaulted, one.observed) for one in trail.outcomes] == [(matured.id, True, date(2026, 1, 31))]


def test_the_decisions_of_a_client_come_by_pages(desk: Desk) -> None:
    newest = [desk.decided().id for _ in range(2)][::-1]
    first = desk.call("officer", "records.list_decisions", client_query="1", limit=1).parsed
    second = desk.call("officer", "records.list_decisions", client_query="1", limit=1, before=first.next_).parsed
    assert [one.id for page in (first, second) for one in page.decisions] == newest


def test_outcomes_are_a_file_of_lines_too(desk: Desk) -> None:
    lines = "".join(f"{json.dumps({'decision': one, 'defaulted': False})}\n" for one in (desk.decided().id, "nothing"))
    answered = desk.call("integrator", "records.import_outcomes", body=desk.file(lines)).parsed
    rows = [desk.model("ImportRow").from_dict(json.loads(line)) for line in answered.payload.read().splitlines()]
    assert rows[0].answer.repeated is False
    assert rows[1].problem.code == "ledger-unknown-decision"


def test_a_decision_is_computed_again(desk: Desk) -> None:
    told = desk.call("validator", "records.replay_decision", id=desk.decided().id).parsed
    assert (told.identical, told.compared) == (True, ["pd", "decision"])


def test_a_client_of_the_store_is_shown(desk: Desk) -> None:
    assert desk.call("officer", "clients.read_client", id="1").parsed.to_dict() == EXAMPLE


def test_the_models_are_listed(desk: Desk) -> None:
    (listed,) = desk.call("operator", "models.models").parsed.models
    assert (listed.version, listed.serving.value) == ("7", "champion")
    assert desk.call("officer", "models.model").parsed.threshold == 0.09


@pytest.mark.parametrize(
    ("role", "application", "status", "code"),
    [
        ("nobody", EXAMPLE, 401, "request-unauthenticated"),
        ("officer", EXAMPLE, 403, "request-forbidden"),
        ("integrator", {**EXAMPLE, "lons": []}, 422, "data-columns"),
    ],
)
def test_a_refusal_is_a_typed_problem(
    desk: Desk, role: str, application: Mapping[str, Any], status: int, code: str
) -> None:
    answer = desk.call(role, "decisions.decide", body=desk.body(application))
    assert isinstance(answer.parsed, desk.model("Problem"))
    assert (answer.status_code, answer.parsed.status, answer.parsed.code) == (status, status, code)
    assert answer.parsed.instance == f"urn:uuid:{answer.headers['x-request-id']}"
    assert answer.parsed.rule
    assert answer.parsed.remedy


@contextmanager
def listening(app: ServiceApp) -> Iterator[str]:
    """Serve on a socket: whoever reads while sending needs a connection."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        serving.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            serving.join()


def test_the_guide_reads_answers_while_it_sends(app: ServiceApp) -> None:
    guide = (CHECKOUT / "docs" / "service.md").read_text()
    written: dict[str, Any] = {}
    exec(guide.partition("```python\n")[2].partition("```")[0], written)  # noqa: S102 - our own words
    bodies = [EXAMPLE, {"application": []}] * 400
    with listening(app) as address:
        answered = list(written["decide_all"](address, "integrator", iter(bodies)))
        with pytest.raises(RuntimeError, match="a caller without such a role"):
            list(written["decide_all"](address, "officer", iter([EXAMPLE])))
    assert [row["position"] for row in answered] == list(range(800))
    assert [row["problem"] is None for row in answered] == [True, False] * 400


def test_every_address_became_a_call(desk: Desk) -> None:
    operations = [each for one in desk.app.openapi()["paths"].values() for each in one.values()]
    for operation in operations:
        called = desk.module(f"api.{operation['tags'][0]}.{operation['operationId']}")
        assert callable(called.asyncio_detailed)


def test_a_generator_that_stumbles_is_an_error(app: ServiceApp, tmp_path: Path) -> None:
    document = json.loads(json.dumps(app.openapi()))
    document["paths"]["/v1/model"]["get"]["responses"]["200"]["content"] = {"application/x-other": {"schema": {}}}
    with pytest.raises(AssertionError, match="application/x-other"):
        generate(document, tmp_path)
