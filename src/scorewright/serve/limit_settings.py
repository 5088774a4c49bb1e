"""Settings of how much is taken at once and how long each side waits, and what they amount to."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from scorewright.serve.batching import Limits
from scorewright.serve.lifetime import Running
from scorewright.serve.logs import Format
from scorewright.serve.patience import Patience


class LimitSettings(BaseSettings):
    """Limits of the service. `scorewright.serve.settings.ServiceSettings` reads them with its own."""

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on. Beyond loopback the service starts only with keys or an identity provider.",
    )
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 lets the system choose a free one.")
    workers: int = Field(1, ge=1, le=64, description="Processes that share the address; each loads the model.")
    shutdown_seconds: int = Field(
        10, ge=0, description="How long requests under way may take to finish once the service is told to stop."
    )
    announce_seconds: float = Field(
        0.0,
        ge=0,
        description="How long a service that was told to stop still answers while `/readyz` says that it is not ready: "
        "longer than a load balancer takes to see that.",
    )
    closing_seconds: float = Field(
        10.0, gt=0, description="How long batches, ledger and registry each may take to close at the end."
    )
    keep_alive_seconds: int = Field(
        65,
        ge=1,
        description="How long a connection may be silent between requests: longer than the load balancer's own.",
    )
    head_seconds: float = Field(
        10.0, gt=0, description="How long the first line and the headers of a request may take."
    )
    head_bytes: int = Field(65536, ge=1024, description="Largest first line and headers, in bytes.")
    connections: int = Field(1024, ge=1, description="Most open connections of one worker; the next is closed.")
    concurrent_requests: int = Field(
        512, ge=1, description="Most requests of one worker under way at once; the next is answered 503."
    )
    body_seconds: float = Field(30.0, gt=0, description="How long a whole body may take to arrive.")
    pause_seconds: float = Field(10.0, gt=0, description="How long may pass between two pieces of a body.")
    send_seconds: float = Field(30.0, gt=0, description="How long a caller may take to accept a piece of an answer.")
    queue: int = Field(
        256, ge=1, description="Most decisions that may wait to be computed; the next is answered 503 with Retry-After."
    )
    batch: int = Field(64, ge=1, description="Most waiting decisions computed together.")
    decision_seconds: float = Field(
        10.0, gt=0, description="How long a decision may wait, be computed and be recorded before it is answered 503."
    )
    retry_after: int = Field(1, ge=1, description="Seconds that a refused caller is told to wait (`Retry-After`).")
    log_format: Format = Field("plain", description="How a line of the log looks: for programs, or for people.")

    follow_seconds: float = Field(
        2.0, gt=0, description="Seconds between two looks at the registry for another champion or challenger."
    )
    challenger: str | None = Field(
        None,
        min_length=1,
        description="Alias of a model that is scored beside each decision and recorded, never answered: `challenger`.",
    )
    store: Path | None = Field(
        None, description="Client store made by `scorewright store build`, to decide on known clients by id."
    )

    @property
    def running(self) -> Running:
        """How the service runs."""
        names = Running.__dataclass_fields__
        return Running(**{name: getattr(self, name) for name in names})

    @property
    def patience(self) -> Patience:
        """How long callers are waited for."""
        names = ("body_seconds", "pause_seconds", "send_seconds", "retry_after")
        return Patience(requests=self.concurrent_requests, **{name: getattr(self, name) for name in names})

    @property
    def limits(self) -> Limits:
        """How many decisions wait, and how many are computed together."""
        return Limits(self.queue, self.batch, self.retry_after)
