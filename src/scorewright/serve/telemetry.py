"""Metrics and traces of the service, none of which can hold personal data.

Labels of metrics are words of this program: steps, outcomes, codes, templates of routes. Spans carry the fields that
log lines may have, and an error in one is told by its class.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from scorewright import __version__
from scorewright.serve.logs import FIELDS

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

    from scorewright.flows.following import Event

Step = Literal["parse", "read", "features", "score", "ledger", "total"]

METRICS_MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
#: Folder through which several workers share their metrics. Read once, when prometheus_client is first imported.
SHARED_METRICS = "PROMETHEUS_MULTIPROC_DIR"


# Metrics


class Metrics:
    """Counts and times of the service, in a registry of their own.

    Several workers share one socket, so that a scrape reaches any of them: each writes its figures to a file of the
    folder `SHARED_METRICS` names, and whichever is asked answers for all. Without that variable there is one process.
    """

    def __init__(self) -> None:
        self._shared = os.environ.get(SHARED_METRICS)
        self._registry = CollectorRegistry()
        if not self._shared:
            ProcessCollector(registry=self._registry)
        given: dict[str, Any] = {"registry": self._registry}
        self._steps = Histogram("scorewright_step_seconds", "Time of one step.", ["step"], buckets=SECONDS, **given)
        asked = ["method", "route", "status"]
        self._requests = Counter("scorewright_requests", "Requests answered.", asked, **given)
        self._decisions = Counter("scorewright_decisions", "Decisions by outcome.", ["outcome"], **given)
        self._problems = Counter("scorewright_problems", "Requests refused or failed.", ["code"], **given)
        self._batches = Histogram("scorewright_batch_size", "Requests computed together.", buckets=SIZES, **given)
        self._ledger = Counter("scorewright_ledger_failures", "Writes that the ledger refused.", **given)
        self._missed = Counter("scorewright_shadows_missed", "Decisions not scored beside.", ["code"], **given)
        self._happened = Counter("scorewright_model_events", "Model swaps and refusals.", ["slot", "event"], **given)
        live: dict[str, Any] = {"multiprocess_mode": "livesum", **given}
        self._queue = Gauge("scorewright_queue_depth", "Requests that wait to be computed.", **live)
        self._serving = Gauge("scorewright_model_workers", "Workers by model.", ["slot", "version", "bundle"], **live)
        self._stale = Gauge("scorewright_registry_unreachable", "Workers without a registry.", ["slot"], **live)
        self._held: dict[str, tuple[str, str]] = {}
        # Looked up once: prometheus_client takes a lock and makes texts of all labels each time.
        self._step = cache(self._steps.labels)
        self._request = cache(self._requests.labels)
        self._decision = cache(self._decisions.labels)

    @contextmanager
    def timed(self, step: Step) -> Iterator[None]:
        """Count the time of a step, whether it ends well or not."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.took(step, time.perf_counter() - began)

    def took(self, step: Step, seconds: float) -> None:
        """Count the time that a step took."""
        self._step(step).observe(seconds)

    def answered(self, fields: Mapping[str, Any]) -> None:
        """Count an answered request, from its `access_fields`."""
        self._request(fields["method"], fields["route"], fields["status"]).inc()

    def decided(self, outcome: str) -> None:
        """Count a decision: ``approve``, ``refer`` or ``refuse``."""
        self._decision(outcome).inc()

    def refused(self, code: str) -> None:
        """Count a problem by its code."""
        self._problems.labels(code).inc()

    def ledger_failed(self) -> None:
        """Count a write that the ledger refused."""
        self._ledger.inc()

    def shadow_missed(self, code: str) -> None:
        """Count a decision that the challenger did not score beside."""
        self._missed.labels(code).inc()

    def batched(self, size: int) -> None:
        """Count a batch."""
        self._batches.observe(size)

    def queued(self, waiting: int) -> None:
        """State how many requests wait."""
        self._queue.set(waiting)

    def followed(self, event: Event) -> None:
        """Count what happened to the model that is followed."""
        self._happened.labels(event.slot, event.happening).inc()
        if event.happening in {"unreachable", "reached"}:
            self._stale.labels(event.slot).set(event.happening == "unreachable")
        if event.happening in {"swapped", "withdrawn"} and event.slot in self._held:
            self._serving.labels(event.slot, *self._held.pop(event.slot)).set(0)
        if event.happening == "swapped":
            self._held[event.slot] = (str(event.version), str(event.bundle)[:12])
            self._serving.labels(event.slot, *self._held[event.slot]).set(1)

    def text(self) -> bytes:
        """Return all figures, of every worker, in Prometheus' text format (`METRICS_MEDIA_TYPE`)."""
        if not self._shared:
            return generate_latest(self._registry)
        _forget_the_dead(Path(self._shared))
        gathered = CollectorRegistry()
        MultiProcessCollector(gathered, self._shared)  # type: ignore[no-untyped-call]
        return generate_latest(gathered)


#: Bounds of a step's time, close together where the targets lie: 5, 12 and 40 ms.
SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.012, 0.02, 0.04, 0.1, 0.25, 1.0, 5.0)
SIZES = (1, 2, 4, 8, 16, 32, 64)


def _forget_the_dead(folder: Path) -> None:
    """Take what a worker that is gone last stated, such as its queue, out of the sums. Its counts stay."""
    workers = {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*_*.db")}
    for worker in workers:
        if not _lives(worker):
            mark_process_dead(worker, str(folder))  # type: ignore[no-untyped-call]


def _lives(worker: int) -> bool:
    try:
        os.kill(worker, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


# Traces


class Tracing:
    """Spans, if there is somewhere to send them; otherwise nothing, at no cost."""

    def __init__(self, tracer: Tracer | None = None, end: Callable[[], None] | None = None) -> None:
        self._tracer = tracer
        self._end = end

    def span(self, name: str, parent: Context | None = None, **fields: str | float) -> AbstractContextManager[None]:
        """Return a context that is one span, with the `FIELDS` given. An error in it is told by its class alone."""
        if self._tracer is None:
            return nullcontext()
        return _span(self._tracer, name, parent, {key: value for key, value in fields.items() if key in FIELDS})

    def remote(self, traceparent: str | None) -> Context | None:
        """Return the caller's own span, from the header ``traceparent`` (W3C Trace Context), as a parent."""
        if self._tracer is None or traceparent is None:
            return None
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        return TraceContextTextMapPropagator().extract({"traceparent": traceparent})

    def here(self) -> Context | None:
        """Return the span under way as a parent, to be carried to another thread."""
        if self._tracer is None:
            return None
        from opentelemetry.context import get_current

        return get_current()

    def close(self) -> None:
        """Send what was not sent yet."""
        if self._end is not None:
            self._end()


def open_tracing(exporter: SpanExporter | None = None) -> Tracing:
    """Return tracing to where the standard ``OTEL_EXPORTER_OTLP_...`` variables say.

    Without them, or without ``scorewright[telemetry]``, nothing is traced.

    Parameters
    ----------
    exporter : SpanExporter, optional
        Where spans go instead, at once.
    """
    wanted = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if exporter is None and not any(os.environ.get(name) for name in wanted):
        return Tracing()
    try:
        return _open(exporter)
    except ModuleNotFoundError:
        logging.getLogger("scorewright.telemetry").warning("tracing-not-installed")
        return Tracing()


def _open(exporter: SpanExporter | None) -> Tracing:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    # Not the global provider: other libraries would then send spans of their own, and these may hold anything.
    service = {"service.name": os.environ.get("OTEL_SERVICE_NAME", "scorewright"), "service.version": __version__}
    provider = TracerProvider(resource=Resource.create(service))
    if exporter is None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    else:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider.get_tracer("scorewright", __version__), provider.shutdown)


@contextmanager
def _span(tracer: Tracer, name: str, parent: Context | None, fields: Mapping[str, Any]) -> Iterator[None]:
    from opentelemetry.trace import Status, StatusCode

    # What OpenTelemetry records of an exception is its message, which may quote a row.
    with tracer.start_as_current_span(
        name, parent, attributes=fields, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__qualname__))
            raise
