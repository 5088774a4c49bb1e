"""What the service loses when models are swapped under it, when it is killed, and when callers send anything at all.

``make bench-faults`` writes ``benchmarks/faults.md`` and ``faults.json``. ``--only PART``, several times if need be,
tries these alone and writes nothing; ``--minutes M`` swaps for so long, ``--kills N`` kills so often, ``--bodies N``
makes up so many, ``--replays N`` computes so many decisions again; ``--home DIR`` takes two versions that lie there;
``--out STEM`` writes elsewhere. The data are read from the folder named by ``SCOREWRIGHT_REAL_DATA`` (default
``../shared/data``).

A LightGBM model with features over histories, trained twice with different seeds, is served by ``scorewright serve`` as
a user starts it, its ledger on SQLite, and asked about real applicants. Ends with 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import requests
from faults_report import Found, Outcome, write
from fuzzing import fuzz, worst
from keyed_load import Keyed
from load import LOST, Call, Reply, drive, post
from mixed_load import DECISIONS, MODEL, OK, Mixture
from schemathesis import Case
from served_champion import COMMAND, DATA, KEPT, PORTFOLIO, REAL
from started import HOST, fetch, free_port, started
from two_versions import VERSIONS, Applicants, Home, draw_applicants, kept_versions

from scorewright.domain.ledger import Wanted
from scorewright.errors import ScorewrightError

STEM = Path(__file__).with_suffix("")
APPLICANTS = 300
CONNECTIONS = 8
SEED = 7
PROMOTIONS, ROLLBACKS = 20, 2
#: A change of model must be seen by callers within so many seconds.
SEEN_SECONDS = 30.0
#: So far memory may have a slope over the second half: in parts of what it is then.
FLAT = 0.05
#: Seconds of load before a kill: anything between.
BEFORE_KILL = (0.5, 2.0)


@dataclass(frozen=True)
class Bench:
    """What the parts share."""

    home: Home
    applicants: Applicants
    place: Path
    asked: argparse.Namespace
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What admits to everything."""
        return {"Authorization": f"Bearer {self.key}"}

    def copied(self, name: str) -> Home:
        """A home of a part's own."""
        return self.home.copied(self.place / name)

    @contextmanager
    def serving(self, home: Home, **settings: object) -> Iterator[Served]:
        """Serve from a home while the block lasts."""
        port = free_port()
        told = {f"SCOREWRIGHT_{name.upper()}": str(value) for name, value in settings.items()}
        own = {**home.environment(), "SCOREWRIGHT_API_KEY": self.key, "SCOREWRIGHT_FOLLOW_SECONDS": "0.5", **told}
        command = [COMMAND, "serve", "--port", str(port)]
        with started(command, port, "/readyz", log=self.place / "serve.log", environment=own) as process:
            yield Served(process, port, self.headers)


@dataclass(frozen=True)
class Served:
    """A service that runs."""

    process: subprocess.Popen[bytes]
    port: int
    headers: Mapping[str, str]

    def get(self, path: str) -> Any:
        """Get a document."""
        status, body = fetch(self.port, path, self.headers)
        if status != OK:
            raise RuntimeError(f"{path}: {status}")
        return json.loads(body)

    def load(self, calls: Iterator[Call], seconds: float, take: Callable[[Reply], None]) -> None:
        """Load it until the time or the calls are over."""
        asyncio.run(drive((HOST, self.port), calls, connections=CONNECTIONS, seconds=seconds, take=take))

    def await_version(self, version: str) -> bool:
        """Wait until callers are told of a version."""
        until = time.monotonic() + SEEN_SECONDS
        while time.monotonic() < until:
            if self.get(MODEL)["version"] == version:
                return True
            time.sleep(0.1)
        return False

    def kill(self) -> None:
        """End it as a power cut would end it."""
        os.killpg(self.process.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Kept:
    """What a ledger holds: ids of its decisions, and the first break of its chain."""

    ids: tuple[str, ...]
    broken: str

    def missing(self, answered: Sequence[str]) -> int:
        """How many answered decisions it lacks."""
        return len(set(answered) - set(self.ids))

    def doubled(self, answered: Sequence[str]) -> int:
        """How many decisions it holds beyond one for each that was answered."""
        return len(self.ids) - len(set(self.ids) & set(answered))


def kept_in(home: Home) -> Kept:
    """Read and verify the ledger of a home."""
    ledger = home.workbench.open_ledger()
    try:
        verified = ledger.verify()
        return Kept(tuple(one.id for one in ledger.iterate(Wanted())), str(verified.broken or ""))
    finally:
        ledger.close()


# Models that are swapped under load


class Swapping(threading.Thread):
    """Gives the champion's alias to the other version again and again, evenly over a time."""

    def __init__(self, home: Home, served: Served, seconds: float) -> None:
        super().__init__(daemon=True)
        self.promoted = self.rolled_back = 0
        self.unseen: list[str] = []
        self._home, self._served, self._seconds = home, served, seconds

    def run(self) -> None:
        """Make every change; end with the time, or later if changing takes longer."""
        changes, began = PROMOTIONS + ROLLBACKS, time.monotonic()
        # Back from the second version: giving the alias to the first again counts as a step back already.
        steps = [changes * (number + 1) // (ROLLBACKS + 1) | 1 for number in range(ROLLBACKS)]
        for number in range(changes):
            time.sleep(max(0.0, began + self._seconds * (number + 0.5) / changes - time.monotonic()))
            try:
                self._change(VERSIONS[(number + 1) % 2], back=number in steps)
            except (RuntimeError, ScorewrightError, OSError, subprocess.SubprocessError) as error:
                self.unseen.append(str(error))
        time.sleep(max(0.0, began + self._seconds - time.monotonic()))

    def _change(self, version: str, *, back: bool) -> None:
        if back:
            self._home.run("rollback")
        else:
            # By hand: the gate of `promote` would refuse the version that costs more, every second time.
            self._home.registry.set_alias(PORTFOLIO, "champion", version)
        if not self._served.await_version(version):
            self.unseen.append(f"version {version} did not answer")
        elif back:
            self.rolled_back += 1
        else:
            self.promoted += 1


class Weighing(threading.Thread):
    """Looks every second at how much memory a process holds."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.megabytes: list[float] = []
        self._file = Path(f"/proc/{process}/status")
        self._over = threading.Event()

    def run(self) -> None:
        """Look."""
        while not self._over.wait(1.0):
            told = self._file.read_text()
            self.megabytes.append(int(told.partition("VmRSS:")[2].split()[0]) / 1024)

    def end(self) -> Mapping[str, float]:
        """Look no more, and sum up: at first, at last, and the slope over the second half."""
        self._over.set()
        self.join()
        late = np.array(self.megabytes[len(self.megabytes) // 2 :])
        slope = float(np.polyfit(np.arange(len(late)), late, 1)[0])
        return {
            "memory_mb_first": self.megabytes[0],
            "memory_mb_last": self.megabytes[-1],
            "memory_mb_most": max(self.megabytes),
            "memory_mb_per_minute": 60 * slope,
            "memory_grown": slope * len(late) / float(late.mean()),
        }


def swaps(bench: Bench) -> Found:
    """Swap champions under mixed load."""
    home, seconds = bench.copied("swaps"), 60 * bench.asked.minutes
    mixture = Mixture(bench.applicants, bench.headers, SEED)
    with bench.serving(home) as served:
        served.load(_few(iter(mixture), 200), 30.0, mixture.take)
        swapping, weighing = Swapping(home, served, seconds), Weighing(served.process.pid)
        swapping.start()
        weighing.start()
        served.load(_while(swapping.is_alive, iter(mixture)), 2 * seconds + 60.0, mixture.take)
        swapping.join()
        memory = weighing.end()
    tally, kept = mixture.tally, kept_in(home)
    answered = list(tally.answered)
    figures = {
        "swaps": swapping.promoted,
        "rollbacks": swapping.rolled_back,
        "requests": sum(tally.kinds.values()) + len(tally.failed),
        "failed_requests": len(tally.failed),
        "wrong_answers": len(tally.wrong),
        "answered": len(answered),
        "missing": kept.missing(answered),
        "doubled": kept.doubled(answered),
        **memory,
    }
    told = [*tally.failed[:10], *tally.wrong[:10], *swapping.unseen, *([kept.broken] if kept.broken else [])]
    outcomes = (
        Outcome("champions swapped under load", swapping.promoted, f"{PROMOTIONS}", swapping.promoted == PROMOTIONS),
        Outcome("rolled back", swapping.rolled_back, f"{ROLLBACKS}", swapping.rolled_back == ROLLBACKS),
        Outcome.none("requests that failed", len(tally.failed)),
        Outcome.none("answers with a PD or a version that is not a batch's", len(tally.wrong)),
        Outcome.none("answered decisions missing from the ledger", int(figures["missing"])),
        Outcome.none("decisions in the ledger that nobody was answered, or twice", int(figures["doubled"])),
        Outcome.none("breaks of the chain", int(bool(kept.broken))),
        Outcome(
            "memory grown over the second half, %",
            round(100 * memory["memory_grown"], 2),
            f"≤ {100 * FLAT:g}",
            memory["memory_grown"] <= FLAT,
        ),
    )
    note = (
        f"{bench.asked.minutes:g} minutes of mixed load over {CONNECTIONS} connections: {_listed(tally.kinds)}; "
        f"decisions by version {_listed(tally.versions)}."
    )
    return Found("swaps", figures, outcomes, note, tuple(told))


# A service that is killed


def kills(bench: Bench) -> Found:
    """Kill the service under load, again and again, and ask again for what was not answered."""
    home, keyed, pause = bench.copied("kills"), Keyed(bench.applicants, bench.headers), random.Random(SEED)  # noqa: S311
    done = amid = 0
    # A kill counts if it left requests without an answer.
    while amid < bench.asked.kills and done < 2 * bench.asked.kills:
        amid += _killed(bench, home, keyed, pause.uniform(*BEFORE_KILL))
        done += 1
        print(f"  {done} kills, {len(keyed.answers)} answered, {len(keyed.lost)} to be asked again", flush=True)
    with bench.serving(home) as served:
        served.load(keyed.again(), 60.0, keyed.take)
    kept, answered = kept_in(home), list(keyed.answers.values())
    figures = {
        "kills": amid,
        "answered": len(answered),
        "missing": kept.missing(answered),
        "doubled": kept.doubled(answered) + keyed.differing,
        "failed_requests": len(keyed.failed) + len(keyed.lost),
    }
    outcomes = (
        Outcome("kills amid requests", amid, f"{bench.asked.kills}", amid == bench.asked.kills),
        Outcome.none("answered decisions missing from the ledger after kills", int(figures["missing"])),
        Outcome.none("decisions doubled when they were asked for again", int(figures["doubled"])),
        Outcome.none("requests refused, or unanswered at the end", int(figures["failed_requests"])),
        Outcome.none("breaks of the chain after kills", int(bool(kept.broken))),
    )
    note = (
        f"{done} kills by SIGKILL, {BEFORE_KILL[0]:g} to {BEFORE_KILL[1]:g} s after load began, {amid} of them while "
        f"requests were under way; {len(answered)} decisions answered, each under a key."
    )
    told = (*keyed.failed[:10], *([kept.broken] if kept.broken else []))
    return Found("kills", figures, outcomes, note, told)


def _killed(bench: Bench, home: Home, keyed: Keyed, after: float) -> bool:
    """Serve, ask again for what was not answered, load, and kill; tell whether requests were under way."""
    with bench.serving(home) as served:
        served.load(keyed.again(), 60.0, keyed.take)
        before, killing = keyed.now_lost, threading.Timer(after, served.kill)
        killing.start()
        served.load(keyed.new(), after, keyed.take)
        killing.join()
        served.process.wait()
    return keyed.now_lost > before


# Requests that are made up


def fuzzed(bench: Bench) -> Found:
    """Send what Schemathesis makes up."""
    home, store = bench.copied("fuzz"), bench.place / "store"
    home.run("store", "build", "--portfolio", PORTFOLIO, "--data", DATA, "--out", store)
    with bench.serving(home, store=store, throttle_failures=10**9) as served:
        mixture = Mixture(bench.applicants, bench.headers, SEED)
        served.load(_few(iter(mixture), 50), 30.0, mixture.take)
        known = {
            "/v1/decisions/": next(iter(mixture.tally.answered)),
            "/v1/clients/": str(json.loads(bench.applicants.bodies[0])["application"]["SK_ID_CURR"]),
        }
        with requests.Session() as session:

            def ask(case: Case) -> int:
                try:
                    base = f"http://{HOST}:{served.port}"
                    answer = case.call(base_url=base, session=session, headers=bench.headers, timeout=60)
                except (requests.RequestException, http.client.HTTPException):
                    return LOST
                return worst(answer.status_code, str(answer.headers.get("content-type", [""])[0]), answer.content)

            made = fuzz(served.get, ask, bench.asked.bodies, known)
        alive = served.process.poll() is None and fetch(served.port, "/readyz")[0] == OK
    kept = kept_in(home)
    figures = {"fuzzed": made.bodies, "fuzzed_requests": made.requests, "server_errors": len(made.failed)}
    outcomes = (
        Outcome("bodies made up", made.bodies, f"≥ {bench.asked.bodies}", made.bodies >= bench.asked.bodies),
        Outcome.none("answered 5xx, or not at all", len(made.failed)),
        Outcome.none("breaks of the chain after made up bodies", int(bool(kept.broken) or not alive)),
    )
    note = (
        f"{made.requests} requests made up, {made.bodies} of them with a body; answers by status: "
        f"{_listed(made.statuses)}; {len(kept.ids) - len(mixture.tally.answered)} applications were decided."
    )
    return Found("fuzz", figures, outcomes, note, tuple(made.failed[:10]))


# Decisions that are computed again


def replays(bench: Bench) -> Found:
    """Let both versions decide, then compute their decisions again."""
    home, each = bench.copied("replays"), bench.asked.replays // len(VERSIONS)
    answered: list[str] = []
    for version in VERSIONS:
        home.registry.set_alias(PORTFOLIO, "champion", version)
        with bench.serving(home) as served:
            calls = (_some_reasons(bench, row) for row in range(each))
            served.load(calls, 300.0, lambda reply: answered.append(json.loads(reply.body)["id"]))
    results = list(home.workbench.replayer.replay_many(Wanted()))
    differing = [str(result) for _, result in results if isinstance(result, ScorewrightError)]
    versions = {result.version for _, result in results if not isinstance(result, ScorewrightError)}
    again = len(results) if {id_ for id_, _ in results} == set(answered) else 0
    figures = {"replayed": again, "replay_versions": len(versions), "replay_differences": len(differing)}
    outcomes = (
        Outcome("decisions replayed", again, f"{bench.asked.replays}", again == bench.asked.replays),
        Outcome("over versions", len(versions), f"{len(VERSIONS)}", len(versions) == len(VERSIONS)),
        Outcome.none("of them different in any bit", len(differing)),
    )
    note = f"{again} decisions computed again, every fourth with its reasons."
    return Found("replay", figures, outcomes, note, tuple(differing[:10]))


def _some_reasons(bench: Bench, row: int) -> Call:
    bodies = bench.applicants.bodies
    path = f"{DECISIONS}?include=reasons" if row % 4 == 0 else DECISIONS
    return post(path, bodies[row % len(bodies)], bench.headers)


# All of it together


PARTS: Mapping[str, Callable[[Bench], Found]] = {"swaps": swaps, "kills": kills, "fuzz": fuzzed, "replay": replays}


def main(arguments: Sequence[str]) -> int:
    """Try what is wanted; write if it is everything."""
    if not REAL.is_dir():
        sys.exit(f"The real data are not there: {REAL}. Set SCOREWRIGHT_REAL_DATA to their folder.")
    asked = _asked(arguments)
    with _bench(asked) as bench:
        found = [_tried(part, bench) for part in asked.only or PARTS]
    if not asked.only:
        write(asked.out, found)
    return int(not all(outcome.met for each in found for outcome in each.outcomes))


def _tried(part: str, bench: Bench) -> Found:
    print(part, flush=True)
    began, found = time.monotonic(), PARTS[part](bench)
    print(f"  {found.note} {time.monotonic() - began:.0f} s")
    for outcome in found.outcomes:
        print(f"  {'' if outcome.met else 'MISSED: '}{outcome.what}: {outcome.found:g} ({outcome.target})")
    for line in found.told:
        print(f"    {line}", flush=True)
    return found


def _few(calls: Iterator[Call], count: int) -> Iterator[Call]:
    return (next(calls) for _ in range(count))


def _while(going: Callable[[], bool], calls: Iterator[Call]) -> Iterator[Call]:
    while going():
        yield next(calls)


def _listed(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", choices=PARTS, help="try these alone, and write nothing")
    parser.add_argument("--minutes", type=float, default=10.0, help="of swaps under load")
    parser.add_argument("--kills", type=int, default=20, help="how often to kill")
    parser.add_argument("--bodies", type=int, default=10_000, help="how many bodies to make up")
    parser.add_argument("--replays", type=int, default=1000, help="how many decisions to compute again")
    parser.add_argument("--home", type=Path, help="a home with two versions, instead of training them")
    parser.add_argument("--out", type=Path, default=STEM, metavar="STEM", help="where to write, without the ending")
    return parser.parse_args(arguments)


@contextmanager
def _bench(asked: argparse.Namespace) -> Iterator[Bench]:
    """Lay out a folder on the disk of the kept versions."""
    KEPT.mkdir(parents=True, exist_ok=True)
    home = Home(asked.home) if asked.home else kept_versions()
    place = Path(tempfile.mkdtemp(dir=KEPT, prefix="faults-"))
    try:
        yield Bench(home, draw_applicants(home, APPLICANTS), place, asked)
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
