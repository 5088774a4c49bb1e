"""The figures of `benchmarks/serve.py`, their targets, and how they are told."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from load import Pace
from report import today, write_report
from served_champion import ROOT, TRIALS, Applicants

HEADER = ("server", "connections", "requests", "per second", "p50 ms", "p99 ms", "load generator, µs each")
OWN, EMPTY, READING = "scorewright", "empty endpoint", "empty endpoint that reads the body"
STEPS = ("parse", "read", "features", "score", "ledger", "total")
#: At 64 connections the service must still decide as many in a second as this share of what it decides at 8.
NO_COLLAPSE = 0.8
Figures = dict[str, float]
Row = tuple[str, ...]


@dataclass(frozen=True)
class Steps:
    """Mean milliseconds of each step of the service, and the mean number of requests that were computed together."""

    ms: Mapping[str, float] = field(default_factory=dict)
    together: float = 1.0


@dataclass(frozen=True)
class Measured:
    """One server at one number of connections."""

    name: str
    pace: Pace
    steps: Steps = field(default_factory=Steps)


@dataclass(frozen=True)
class Target:
    """What a figure is to be."""

    what: str
    figure: str
    bound: float
    at_least: bool = False

    def row(self, figures: Figures) -> str:
        """Say it, what was measured, and whether it is met."""
        value = figures[self.figure]
        met = value >= self.bound if self.at_least else value <= self.bound
        word = "at least" if self.at_least else "at most"
        return f"| {self.what} | {word} {self.bound:g} | {value:.2f} | {'yes' if met else '**no**'} |"


TARGETS = (
    Target("p50 at 1 connection, ms", "p50_ms_1", 5),
    Target("p99 at 1 connection, ms", "p99_ms_1", 12),
    Target("p50 at 8 connections, ms", "p50_ms_8", 10),
    Target("p99 at 8 connections, ms", "p99_ms_8", 40),
    Target("decisions per second at 64 connections, by those at 8", "kept_at_64", NO_COLLAPSE, at_least=True),
    Target("decisions per second, by MLflow's", "ratio_mlflow", 40, at_least=True),
    Target("decisions per second, by BentoML's", "ratio_bentoml", 1.5, at_least=True),
)


def write(stem: Path, measured: Sequence[Measured], *, features: int, seconds: float, applicants: Applicants) -> None:
    """Write the table and the figures."""
    figures = {"features": float(features), **figures_of(measured)}
    write_report(
        stem,
        title="The service under load",
        notes=[*_notes(seconds, applicants, features), _targets(figures), _steps(measured), _compared(figures)],
        header=HEADER,
        rows=[_row(each) for each in measured],
        figures=figures,
    )


def figures_of(measured: Sequence[Measured]) -> Figures:
    """Give the figures by name. Ratios are of the best of each, over the numbers of connections."""
    own = [each for each in measured if each.name == OWN]
    best = {name: _best(measured, name) for name in {each.name for each in measured}}
    figures = {
        "ratio_mlflow": best[OWN] / best["MLflow"],
        "ratio_mlflow_bare": best[OWN] / best["MLflow without a signature"],
        "ratio_bentoml": best[OWN] / max(best["BentoML"], best["BentoML, one thread"]),
        "share_of_empty": best[OWN] / best[EMPTY],
        "share_of_reading": best[OWN] / best[READING],
        "load_us": median(each.pace.cpu_us for each in own),
    }
    for each in own:
        figures |= {
            f"decisions_per_s_{each.pace.connections}": each.pace.per_second,
            f"p50_ms_{each.pace.connections}": each.pace.p50_ms,
            f"p99_ms_{each.pace.connections}": each.pace.p99_ms,
            f"together_{each.pace.connections}": each.steps.together,
        }
    figures["kept_at_64"] = figures["decisions_per_s_64"] / figures["decisions_per_s_8"]
    return figures | {f"step_ms.{step}": value for step, value in own[0].steps.ms.items()}


def _best(measured: Sequence[Measured], name: str) -> float:
    return max(each.pace.per_second for each in measured if each.name == name)


def _row(each: Measured) -> Row:
    pace = each.pace
    shown = f"{pace.per_second:,.0f}", f"{pace.p50_ms:.2f}", f"{pace.p99_ms:.2f}", f"{pace.cpu_us:.0f}"
    return each.name, str(pace.connections), f"{pace.requests:,}", *shown


def _notes(seconds: float, applicants: Applicants, features: int) -> Iterator[str]:
    own = ("scorewright", "lightgbm", "polars", "fastapi", "uvicorn")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in own]
    versions += [f"{name} {told}" for name, told in _peer_versions().items()]
    size = median(len(body) for body in applicants.bodies) / 1000
    yield f"{today()}; Python {platform.python_version()}, {', '.join(versions)}; `make bench-serve`."
    yield (
        f"LightGBM tuned by {TRIALS} trials on the Home Credit clients, {features} features over histories, behind "
        f"`scorewright serve` as a user starts it: one worker, a key, its ledger on SQLite on the disk. Asked for "
        f"decisions without reasons, on the raw rows of {len(applicants.bodies)} real applicants (median body "
        f"{size:.0f} kB). Every answer was 200, held the PD of a batch to the last bit, and an id of its own."
    )
    yield (
        "Load: closed loops over connections that are kept open, each sending again when its answer is there; "
        f"{seconds:g} s for each number of connections after a warm-up, for the others 0.6 of that. All servers and "
        "the load generator share the same two cores; what the latter takes of them stands in the last column."
    )
    yield (
        "The peers get the same trees and features that are ready, so they neither read rows, compute features, decide "
        "nor record. MLflow: `mlflow models serve`, its default server, one worker; the model with a signature, as "
        "MLflow asks for, and also without one, sent as a bare tensor, which checks nothing. BentoML: one worker, a "
        "batchable method, and also with one thread for each prediction; the better of both counts. The empty "
        "endpoint: server, framework and middleware of the service, without guard and audit."
    )


def _targets(figures: Figures) -> str:
    return "\n".join(["| target | wanted | measured | met |", "| --- | ---: | ---: | ---: |", *_target_rows(figures)])


def _target_rows(figures: Figures) -> Iterator[str]:
    yield from (target.row(figures) for target in TARGETS)


def _steps(measured: Sequence[Measured]) -> str:
    """Lay out the time of each step, which several requests may share."""
    own = [each for each in measured if each.name == OWN]
    names = [*(step for step in STEPS if step in own[0].steps.ms), *sorted(set(own[0].steps.ms) - set(STEPS))]
    lines = [
        f"| mean ms of a step, by connections | {' | '.join(names)} | computed together |",
        f"| --- | {'---: | ' * (len(names) + 1)}".rstrip(),
    ]
    for each in own:
        shown = " | ".join(f"{each.steps.ms[name]:.2f}" for name in names)
        lines.append(f"| {each.pace.connections} | {shown} | {each.steps.together:.1f} |")
    return "\n".join(lines)


def _compared(figures: Figures) -> str:
    return (
        f"Best of each over the numbers of connections: {figures['share_of_empty']:.1%} of the empty endpoint's "
        f"throughput ({figures['share_of_reading']:.1%} of one that reads the same bodies), "
        f"{figures['ratio_mlflow']:.1f} times MLflow's with a signature and {figures['ratio_mlflow_bare']:.2f} times "
        f"without, {figures['ratio_bentoml']:.2f} times BentoML's."
    )


def _peer_versions() -> dict[str, str]:
    """Ask the peers' environment."""
    code = "import importlib.metadata as m; print(*(m.version(n) for n in ('mlflow', 'bentoml')))"
    python = ROOT / ".venv-serve-peers" / "bin" / "python"
    told = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    return dict(zip(("mlflow", "bentoml"), told, strict=True))
