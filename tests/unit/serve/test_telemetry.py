from __future__ import annotations

import io
import json
import logging
import logging.config
import os
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from scorewright.flows.following import Event
from scorewright.serve import logs
from scorewright.serve.logs import FIELDS, LineFormatter, accepted_request_id, access_fields, logging_config
from scorewright.serve.telemetry import METRICS_MEDIA_TYPE, Metrics, open_tracing

SECRET = "Mrs Martin earns 54321"
ID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"


def record(
    event: Any, *args: Any, logger: str = "scorewright.serve", error: Any = None, **extra: Any
) -> logging.LogRecord:
    made = logging.getLogger(logger).makeRecord(logger, logging.INFO, "f.py", 7, event, args, error, "f", extra)
    assert isinstance(made, logging.LogRecord)
    return made


def line(*given: Any, **more: Any) -> dict[str, Any]:
    told = LineFormatter("json").format(record(*given, **more))
    assert "\n" not in told
    read: dict[str, Any] = json.loads(told)
    return read


def fail() -> None:
    raise RuntimeError(SECRET) from KeyError(SECRET)


def failure() -> tuple[type, BaseException, Any]:
    with pytest.raises(RuntimeError) as failed:
        fail()
    return RuntimeError, failed.value, failed.tb


# Log lines


def test_a_line_has_time_level_event_and_the_fields_given() -> None:
    told = line("answered", status=200, ms=1.25, route="/v1/decisions/{id}", caller="branch-7")
    assert told.pop("time").endswith("Z")
    assert told == {
        "level": "info",
        "event": "answered",
        "status": 200,
        "ms": 1.25,
        "route": "/v1/decisions/{id}",
        "caller": "branch-7",
    }


@pytest.mark.parametrize("form", ["json", "plain"])
def test_what_is_planted_around_a_line_never_enters_it(form: logs.Format) -> None:
    planted = record(
        "request %s failed for %s",
        SECRET,
        {"body": SECRET},
        error=failure(),
        body=SECRET,
        application=SECRET,
        headers={SECRET: SECRET},
        status=500,
    )
    told = LineFormatter(form).format(planted)
    assert SECRET not in told
    assert "54321" not in told
    assert "RuntimeError < fail (" in told
    assert "fail (" in told
    assert "KeyError" in told


def test_another_library_is_told_by_its_place_alone() -> None:
    told = line(f"SELECT {SECRET}", logger="sqlalchemy.engine", error=failure())
    assert told["event"] == "sqlalchemy.engine (f:7)"
    assert SECRET not in json.dumps(told)


@given(st.text())
def test_whatever_a_field_holds_a_line_is_one_line(value: str) -> None:
    told = LineFormatter("json").format(record("event", reason=value))
    assert json.loads(told)["reason"] == value[: logs.LONGEST]
    assert "\n" not in told
    assert "\n" not in LineFormatter("plain").format(record("event", reason=value))


def test_people_read_names_and_values() -> None:
    told = LineFormatter("plain").format(record("answered", status=200, ms=1.5, route="/v1/model"))
    assert told.split(" ", 1)[1] == 'INFO answered route="/v1/model" status=200 ms=1.5'


def test_a_line_of_a_request_has_its_id_wherever_it_is_written() -> None:
    token = logs.request_id.set(ID)
    try:
        assert line("event")["request_id"] == ID
        assert line("event", request_id="own")["request_id"] == "own"
    finally:
        logs.request_id.reset(token)
    assert "request_id" not in line("event")


def test_the_access_line_takes_nothing_else_from_a_request() -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/v1/clients/{SECRET}",
        "raw_path": SECRET.encode(),
        "query_string": SECRET.encode(),
        "headers": [(SECRET.encode(), SECRET.encode())],
        "client": (SECRET, 1),
        "path_params": {"id": SECRET},
        "route": SimpleNamespace(path="/v1/clients/{id}", name=SECRET),
        "state": {"request_id": ID, "caller": SimpleNamespace(name="branch-7", key=SECRET), "body": SECRET},
    }
    told = access_fields(scope, 200, 0.0123456)
    assert told == {
        "request_id": ID,
        "method": "GET",
        "route": "/v1/clients/{id}",
        "status": 200,
        "ms": 12.35,
        "caller": "branch-7",
    }
    assert set(told) <= set(FIELDS)


def test_a_request_of_another_kind_is_not_repeated() -> None:
    told = access_fields({"method": "MARTIN", "path": SECRET}, 404, 0.0)
    assert (told["method"], told["route"], told["caller"]) == ("(other)", "(no route)", None)


def test_the_logging_is_as_configured(capsys: pytest.CaptureFixture[str]) -> None:
    root, own = logging.getLogger(), logging.getLogger("scorewright")
    before = (root.handlers[:], root.level, own.level)
    try:
        config = logging_config("json")
        config["handlers"]["stderr"]["stream"] = stream = io.StringIO()
        logging.config.dictConfig(config)
        logging.getLogger("scorewright.anywhere").info("told %s", SECRET, extra={"status": 1, "body": SECRET})
        logging.getLogger("elsewhere").warning(SECRET)
        logging.getLogger("elsewhere").info(SECRET)
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        own.setLevel(before[2])
    events = [json.loads(text)["event"] for text in stream.getvalue().splitlines()]
    assert events[0] == "told %s"
    assert events[1].startswith("elsewhere (test_telemetry:")
    assert len(events) == 2
    assert SECRET not in stream.getvalue()


# Request ids


@pytest.mark.parametrize("offered", [ID, ID.upper(), ID.replace("-", "")])
def test_the_callers_uuid_is_kept(offered: str) -> None:
    assert accepted_request_id(offered) == ID


@pytest.mark.parametrize(
    "offered", [None, "", "mine", "100002", SECRET, f"{ID}\n", f"urn:uuid:{ID}", ID + "0", "\u0660" * 32]
)
def test_any_other_id_is_replaced(offered: str | None) -> None:
    made = accepted_request_id(offered)
    assert made == str(uuid.UUID(made))
    assert made != accepted_request_id(offered)


# Metrics


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    """Read figures by name and label values."""
    families = text_string_to_metric_families(text.decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_metrics_count_what_happened() -> None:
    metrics = Metrics()
    metrics.took("parse", 0.0004)
    with pytest.raises(KeyError), metrics.timed("ledger"):
        raise KeyError
    metrics.decided("approve")
    metrics.decided("approve")
    metrics.refused("request-shape")
    metrics.ledger_failed()
    metrics.batched(3)
    metrics.queued(5)
    metrics.answered(access_fields({"method": "GET"}, 404, 0.0))
    told = samples(metrics.text())
    assert told["scorewright_step_seconds_count", "parse"] == 1
    assert told["scorewright_step_seconds_bucket", "0.0002", "parse"] == 0
    assert told["scorewright_step_seconds_bucket", "0.0005", "parse"] == 1
    assert told["scorewright_step_seconds_count", "ledger"] == 1
    assert told["scorewright_decisions_total", "approve"] == 2
    assert told["scorewright_problems_total", "request-shape"] == 1
    assert told["scorewright_ledger_failures_total",] == 1
    assert told["scorewright_batch_size_bucket", "4.0"] == 1
    assert told["scorewright_queue_depth",] == 5
    assert told["scorewright_requests_total", "GET", "(no route)", "404"] == 1
    assert METRICS_MEDIA_TYPE.startswith("text/plain; version=0.0.4")


def test_metrics_tell_which_model_answers_and_what_was_refused() -> None:
    metrics = Metrics()
    for event in (
        Event("swapped", "champion", "1", "a" * 64),
        Event("refused", "champion", "2", "b" * 64, "bundle-corrupt", "why", 1),
        Event("unreachable", "champion", code="registry-unusable", reason="why"),
        Event("swapped", "champion", "3", "c" * 64),
        Event("swapped", "challenger", "4", "d" * 64),
        Event("withdrawn", "challenger"),
    ):
        metrics.followed(event)
    told = samples(metrics.text())
    assert told["scorewright_model_events_total", "swapped", "champion"] == 2
    assert told["scorewright_model_events_total", "refused", "champion"] == 1
    assert told["scorewright_registry_unreachable", "champion"] == 1
    serving = {labels[-2:]: value for labels, value in told.items() if labels[0] == "scorewright_model_workers"}
    assert sorted(serving.values()) == [0, 0, 1]
    assert {value for labels, value in told.items() if labels[0] == "scorewright_model_workers" and "3" in labels} == {
        1
    }


WORKER = textwrap.dedent(
    """
    import sys
    from scorewright.serve.telemetry import Metrics
    metrics = Metrics()
    metrics.decided("approve")
    metrics.took("total", 0.003)
    metrics.queued(4)
    if sys.argv[1] == "ask":
        sys.stdout.write(metrics.text().decode())
    """
)


def test_any_worker_tells_the_figures_of_all_and_forgets_the_queue_of_those_gone(tmp_path: Path) -> None:
    def work(what: str) -> bytes:
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
        command = [sys.executable, "-W", "error", "-c", WORKER, what]
        return subprocess.run(command, env=environment, check=True, capture_output=True).stdout

    work("leave")
    work("leave")
    told = samples(work("ask"))
    assert told["scorewright_decisions_total", "approve"] == 3
    assert told["scorewright_step_seconds_count", "total"] == 3
    assert told["scorewright_queue_depth",] == 4


# Traces


def test_spans_carry_the_fields_of_log_lines_and_no_message() -> None:
    kept = InMemorySpanExporter()
    tracing = open_tracing(kept)
    remote = tracing.remote(f"00-{'ab' * 16}-{'cd' * 8}-01")
    with tracing.span("request", remote, route="/v1/decisions", body=SECRET):
        inner = tracing.here()
    with pytest.raises(ValueError, match=SECRET), tracing.span("score", inner, step="score"):
        raise ValueError(SECRET)
    tracing.close()
    request, score = kept.get_finished_spans()
    assert dict(request.attributes or {}) == {"route": "/v1/decisions"}
    assert request.parent is not None
    assert request.context is not None
    assert f"{request.context.trace_id:032x}" == "ab" * 16
    assert score.parent is not None
    assert score.parent.span_id == request.context.span_id
    assert score.status.description == "ValueError"
    assert SECRET not in request.to_json() + score.to_json()


def test_without_a_place_to_send_to_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    tracing = open_tracing()
    with tracing.span("request", tracing.remote(f"00-{'ab' * 16}-{'cd' * 8}-01")):
        assert tracing.here() is None
    tracing.close()


def test_without_the_extra_the_service_runs_untraced() -> None:
    code = textwrap.dedent(
        """
        import sys
        sys.modules["opentelemetry"] = None
        from scorewright.serve.telemetry import open_tracing
        with open_tracing().span("request"):
            print("served")
        """
    )
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout == "served\n"
    assert "tracing-not-installed" in done.stderr
