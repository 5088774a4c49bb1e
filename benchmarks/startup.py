"""Time how long the package takes to import and the command to show its help, against an empty interpreter.

``make bench-startup`` runs it and writes ``startup.md`` and ``startup.json`` beside it.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from report import today, write_report

HERE = Path(__file__).resolve().parent
ROUNDS = 11


@dataclass(frozen=True)
class Start:
    """A command to time, and the seconds it may take."""

    name: str
    command: tuple[str, ...]
    budget: float | None = None


@dataclass(frozen=True)
class Timing:
    """Seconds of wall clock over the rounds."""

    start: Start
    median: float
    least: float


EMPTY = Start("empty interpreter", (sys.executable, "-c", "pass"))
STARTS = (
    EMPTY,
    Start("import scorewright", (sys.executable, "-c", "import scorewright"), 0.3),
    Start("scorewright --help", (str(Path(sys.executable).parent / "scorewright"), "--help"), 0.7),
)


def timed(start: Start) -> float:
    """Run a command once and return the seconds it took."""
    began = time.perf_counter()
    subprocess.run(start.command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def measure() -> list[Timing]:
    """Time the commands in turn, so that a busy moment of the machine meets all of them; the first round warms up."""
    rounds = [[timed(start) for start in STARTS] for _ in range(ROUNDS + 1)][1:]
    return [
        Timing(start, median(seconds), min(seconds))
        for start, seconds in zip(STARTS, zip(*rounds, strict=True), strict=True)
    ]


def figures(timings: list[Timing]) -> dict[str, float]:
    """Give the timings as flat names and seconds."""
    names = [timing.start.name.replace("--", "").replace(" ", "_") for timing in timings]
    medians = {f"{name}_median_s": round(timing.median, 4) for name, timing in zip(names, timings, strict=True)}
    return medians | {f"{name}_least_s": round(timing.least, 4) for name, timing in zip(names, timings, strict=True)}


def main() -> None:
    """Measure, write and print."""
    timings = measure()
    empty = timings[0].median
    rows = [
        (
            timing.start.name,
            f"{timing.median:.3f}",
            f"{timing.least:.3f}",
            f"{timing.median / empty:.1f}",
            f"{timing.start.budget:.1f}" if timing.start.budget else "",
        )
        for timing in timings
    ]
    write_report(
        HERE / "startup",
        title="Start-up",
        notes=(f"{today()}; `make bench-startup`: {ROUNDS} rounds in turn, Python {platform.python_version()}.",),
        header=("command", "median s", "least s", "times the empty interpreter", "budget s"),
        rows=rows,
        figures=figures(timings),
    )
    print(*(" ".join(row) for row in rows), sep="\n")


if __name__ == "__main__":
    main()
