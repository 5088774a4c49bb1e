"""How fast the service decides, beside an endpoint that does nothing, MLflow and BentoML.

``make bench-serve`` writes ``benchmarks/serve.md`` and ``serve.json``. ``--only PART``, several times if need be,
measures these alone and writes nothing, for its ratios would not be of one run; ``--seconds S`` loads each number of
connections for so long; ``--home DIR`` takes a champion that lies there; ``--out STEM`` writes elsewhere. The data are
read from the folder named by ``SCOREWRIGHT_REAL_DATA`` (default ``../shared/data``).

A tuned LightGBM champion with features over histories is served by ``scorewright serve`` as a user starts it, its
ledger on SQLite included, and asked for decisions on the raw rows of real applicants. Every answer's PD must be that of
a batch over the same applicants, to the last bit. The peers get the same trees and features that are ready.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from time import perf_counter

import lightgbm
import numpy as np
from load import LOST, Call, Driven, Pace, Reply, drive, get, pace_of, post
from serve_report import Measured, Steps, write
from served_champion import COMMAND, KEPT, REAL, ROOT, Applicants, Champion, draw_applicants, kept_champion
from started import HOST, fetch, free_port, started

CONNECTIONS = (1, 8, 64)
APPLICANTS = 300
SECONDS = 10.0
#: Peers and the empty endpoint are loaded for this share of it.
SHARE = 0.6
WARM_UP = 0.3
CORES = 2
HERE = Path(__file__).parent
STEM = Path(__file__).with_suffix("")
PEERS = ROOT / ".venv-serve-peers" / "bin"
#: No peer may report home.
QUIET = {"DO_NOT_TRACK": "true", "BENTOML_DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
_STEP = re.compile(r'^scorewright_step_seconds_(sum|count)\{step="(\w+)"\} (\S+)$', re.MULTILINE)
_SIZE = re.compile(r"^scorewright_batch_size_(sum|count) (\S+)$", re.MULTILINE)
Right = Callable[[Reply], bool]


@dataclass(frozen=True)
class Way:
    """One way of asking one server.

    Parameters
    ----------
    name : str
        As the table shows it.
    port : int
        Of loopback.
    calls : tuple of Call
        Sent in turn, over and over.
    right : callable
        Whether an answer is what it must be.
    """

    name: str
    port: int
    calls: tuple[Call, ...]
    right: Right

    def load(self, connections: int, seconds: float) -> Driven:
        """Load the server, after a warm-up."""
        first = asyncio.run(self._driven(connections, WARM_UP * seconds))
        self._check(first)
        driven = asyncio.run(self._driven(connections, seconds))
        self._check(driven)
        return driven

    async def _driven(self, connections: int, seconds: float) -> Driven:
        return await drive((HOST, self.port), cycle(self.calls), connections=connections, seconds=seconds)

    def _check(self, driven: Driven) -> None:
        for reply in driven.replies:
            if reply.status != 200:
                told = "no answer" if reply.status == LOST else f"{reply.status}: {reply.body[:500].decode()}"
                sys.exit(f"{self.name}, {driven.connections} connections: {told}")
            if not self.right(reply):
                sys.exit(f"{self.name}: wrong for applicant {reply.tag}: {reply.body[:500].decode()}")


@dataclass(frozen=True)
class Bench:
    """What every part needs: whom to serve, with what, for how long, and where to write meanwhile."""

    champion: Champion
    applicants: Applicants
    folder: Path
    seconds: float

    @property
    def log(self) -> Path:
        """Where servers write."""
        return self.folder / "servers.log"

    def trees(self) -> np.ndarray:
        """What the trees alone predict, which is what a peer must answer."""
        return np.asarray(lightgbm.Booster(model_file=str(self.champion.trees)).predict(self.applicants.features))

    def paces(self, way: Way, share: float = SHARE, connections: Sequence[int] = CONNECTIONS) -> list[Measured]:
        """Load a server with each number of connections."""
        return [
            Measured(way.name, said(way.name, pace_of(way.load(count, share * self.seconds)))) for count in connections
        ]


def said(name: str, pace: Pace) -> Pace:
    """Print a pace, and return it."""
    shown = f"{pace.per_second:.0f}/s, p50 {pace.p50_ms:.2f} ms, p99 {pace.p99_ms:.2f} ms"
    print(f"{name}, {pace.connections} connections: {shown} ({pace.cpu_us:.0f} µs of load each)", flush=True)
    return pace


# The service


def service(bench: Bench) -> Iterator[Measured]:
    """Serve the champion, and ask for decisions without reasons."""
    port, key = free_port(), secrets.token_urlsafe(24)
    environment = {**bench.champion.environment(), "SCOREWRIGHT_API_KEY": key}
    with started([str(COMMAND), "serve", "--port", str(port)], port, "/readyz", log=bench.log, environment=environment):
        headers = {"Authorization": f"Bearer {key}"}
        bodies = enumerate(bench.applicants.bodies)
        calls = tuple(post("/v1/decisions", body, headers, tag) for tag, body in bodies)
        way = Way("scorewright", port, calls, Recorded(bench.applicants.scores.pd.tolist()))
        for count in CONNECTIONS:
            before = _counted(port, headers)
            pace = said(way.name, pace_of(way.load(count, bench.seconds)))
            steps = _steps(before, _counted(port, headers))
            shown = ", ".join(f"{step} {ms:.2f} ms" for step, ms in steps.ms.items())
            print(f"  {shown}; {steps.together:.1f} computed together", flush=True)
            yield Measured(way.name, pace, steps)


class Recorded:
    """Whether an answer holds the PD of the batch, to the last bit, and an id that no other answer had.

    Parameters
    ----------
    pds : list of float
        PD of each applicant.
    """

    def __init__(self, pds: list[float]) -> None:
        self._pds = pds
        self._ids: set[str] = set()

    def __call__(self, reply: Reply) -> bool:
        """Judge one answer."""
        told, before = json.loads(reply.body), len(self._ids)
        self._ids.add(told["id"])
        return bool(told["pd"] == self._pds[reply.tag]) and len(self._ids) == before + 1


def _counted(port: int, headers: Mapping[str, str]) -> Mapping[tuple[str, str], float]:
    status, text = fetch(port, "/metrics", headers)
    if status != 200:
        raise RuntimeError(f"/metrics answers {status}")
    told = text.decode()
    steps = {(step, kind): float(value) for kind, step, value in _STEP.findall(told)}
    return steps | {("batch", kind): float(value) for kind, value in _SIZE.findall(told)}


def _steps(before: Mapping[tuple[str, str], float], after: Mapping[tuple[str, str], float]) -> Steps:
    """Mean time of each step in milliseconds, and the mean size of a batch, between two looks at the metrics."""
    grown = {name: value - before.get(name, 0.0) for name, value in after.items()}
    means = {step: grown[step, "sum"] / grown[step, "count"] for step, kind in grown if kind == "count"}
    size = means.pop("batch", 1.0)
    return Steps({step: 1000 * mean for step, mean in means.items()}, size)


# What it is compared with


def empty(bench: Bench) -> Iterator[Measured]:
    """Ask the service's own stack for nothing."""
    port = free_port()
    command = [sys.executable, str(HERE / "serve_empty.py"), str(port)]
    with started(command, port, "/nothing", log=bench.log):
        bodies = bench.applicants.bodies
        ways = (
            Way("empty endpoint", port, (get("/nothing"),), _is_nothing),
            Way("empty endpoint that reads the body", port, tuple(post("/nothing", b) for b in bodies), _is_nothing),
        )
        for way in ways:
            yield from bench.paces(way)


def _is_nothing(reply: Reply) -> bool:
    return reply.body == b"{}"


def mlflow(bench: Bench) -> Iterator[Measured]:
    """Serve the trees by ``mlflow models serve``, with a signature and without."""
    folder, features = bench.folder / "mlflow", bench.folder / "features.npy"
    np.save(features, bench.applicants.features)
    logging = [PEERS / "python", HERE / "serve_mlflow.py", bench.champion.trees, features, folder]
    subprocess.run(logging, check=True, env={**os.environ, **QUIET}, capture_output=True)
    names = [f"Column_{at}" for at in range(bench.applicants.features.shape[1])]
    rows = bench.applicants.features.tolist()
    signed = [{"dataframe_split": {"columns": names, "data": [row]}} for row in rows]
    yield from _mlflow(bench, "MLflow", folder / "signed", signed)
    yield from _mlflow(bench, "MLflow without a signature", folder / "bare", [{"inputs": [row]} for row in rows])


def _mlflow(bench: Bench, name: str, model: Path, bodies: Sequence[object]) -> Iterator[Measured]:
    port = free_port()
    asked = ["-m", str(model), "--env-manager", "local", "-h", HOST, "-p", str(port)]
    command = [str(PEERS / "mlflow"), "models", "serve", *asked]
    expected = bench.trees()

    def right(reply: Reply) -> bool:
        return bool(json.loads(reply.body)["predictions"] == [expected[reply.tag]])

    with started(command, port, "/ping", log=bench.log, environment=_peers()):
        yield from bench.paces(Way(name, port, _posted("/invocations", bodies), right))


def bentoml(bench: Bench) -> Iterator[Measured]:
    """Serve the trees by BentoML, as it comes and with one thread for each prediction."""
    yield from _bentoml(bench, "BentoML", {})
    yield from _bentoml(bench, "BentoML, one thread", {"OMP_NUM_THREADS": "1"})


def _bentoml(bench: Bench, name: str, more: Mapping[str, str]) -> Iterator[Measured]:
    port, expected = free_port(), bench.trees()
    command = [str(PEERS / "bentoml"), "serve", "serve_bentoml:Champion", "--host", HOST, "--port", str(port)]
    own = {"SERVED_TREES": str(bench.champion.trees), "BENTOML_HOME": str(bench.folder / "bentoml")}

    def right(reply: Reply) -> bool:
        return bool(json.loads(reply.body) == [expected[reply.tag]])

    with started(command, port, "/readyz", log=bench.log, environment={**_peers(), **own, **more}, folder=HERE):
        bodies = [{"rows": [row]} for row in bench.applicants.features.tolist()]
        yield from bench.paces(Way(name, port, _posted("/predict", bodies), right))


def _posted(path: str, bodies: Sequence[object]) -> tuple[Call, ...]:
    # A feature that is missing is written NaN, which both read as they read null, without turning its column to text.
    return tuple(post(path, json.dumps(body).encode(), tag=tag) for tag, body in enumerate(bodies))


def _peers() -> dict[str, str]:
    # `mlflow models serve` starts its server by name.
    return {**QUIET, "PATH": f"{PEERS}{os.pathsep}{os.environ['PATH']}"}


PARTS: Mapping[str, Callable[[Bench], Iterator[Measured]]] = {
    "scorewright": service,
    "empty": empty,
    "mlflow": mlflow,
    "bentoml": bentoml,
}


# All of it together


def main(arguments: Sequence[str]) -> int:
    """Measure what is wanted; write if it is everything."""
    if not REAL.is_dir():
        sys.exit(f"The real data are not there: {REAL}. Set SCOREWRIGHT_REAL_DATA to their folder.")
    asked, began = _asked(arguments), perf_counter()
    _take_cores()
    with _bench(asked) as bench:
        measured = [each for part in asked.only or PARTS for each in PARTS[part](bench)]
    print(f"{perf_counter() - began:.0f} s", flush=True)
    if not asked.only:
        features = bench.applicants.features.shape[1]
        write(asked.out, measured, features=features, seconds=asked.seconds, applicants=bench.applicants)
    return 0


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", choices=PARTS, help="measure these alone, and write nothing")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of load for each number of connections")
    parser.add_argument("--home", type=Path, help="a home with a champion, instead of training one")
    parser.add_argument("--out", type=Path, default=STEM, metavar="STEM", help="where to write, without the ending")
    return parser.parse_args(arguments)


def _take_cores() -> None:
    """Keep this process, and all that it starts, to two cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


@contextmanager
def _bench(asked: argparse.Namespace) -> Iterator[Bench]:
    """Lay out a folder on the disk of the kept champion: the ledger must be as slow here as it is for a user."""
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = Champion(asked.home) if asked.home else kept_champion()
    with tempfile.TemporaryDirectory(dir=KEPT, prefix="run-") as place:
        # A copy, so that each run begins with a ledger that is empty.
        champion = replace(kept, home=Path(shutil.copytree(kept.home, Path(place, "home"))))
        yield Bench(champion, draw_applicants(champion, APPLICANTS), Path(place), asked.seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
