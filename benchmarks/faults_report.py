"""Say what the faults did as Markdown and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from report import today, write_report

TITLE = "Faults: swaps, kills, made up requests, replays"
HEADER = ("what", "found", "target")
HOW = (
    "`scorewright serve` as a user starts it, its ledger on SQLite, with a LightGBM model trained twice on clients_10k "
    "by different seeds. Real applicants; every answer's PD must be the one that a batch of the version that it names "
    "gives, to the last bit. Promotions by hand in the registry (the gate of `promote` would refuse the version that "
    "costs more, every second time), rollbacks by `scorewright rollback`."
)
FUZZED = (
    "Schemathesis makes requests up from the OpenAPI document, and from the same with what `GET /v1/schema` says of an "
    "application in the place of its bodies; as many fit the document as break it. Any answer of 500 or above counts."
)
#: Figures that several parts have stand for all of them together.
TOGETHER = ("failed_requests", "answered", "missing", "doubled")


@dataclass(frozen=True)
class Outcome:
    """One thing that was held to a target stated before."""

    what: str
    found: float
    target: str
    met: bool

    @staticmethod
    def none(what: str, found: int) -> Outcome:
        """Make the outcome of what must not happen."""
        return Outcome(what, found, "0", found == 0)


@dataclass(frozen=True)
class Found:
    """What a part found: figures, outcomes, a sentence, and what went wrong in words."""

    part: str
    figures: Mapping[str, float]
    outcomes: tuple[Outcome, ...]
    note: str
    told: tuple[str, ...] = ()


def write(stem: Path, found: Sequence[Found]) -> None:
    """Write the report."""
    figures: dict[str, float] = {}
    for each in found:
        for name, value in each.figures.items():
            figures[name] = figures.get(name, 0) + value if name in TOGETHER else value
    names = ("lightgbm", "polars", "schemathesis", "uvicorn", "sqlalchemy")
    versions = ", ".join(f"{name} {version(name)}" for name in ("scorewright", *names))
    write_report(
        stem,
        title=TITLE,
        notes=(f"{today()}; {versions}; `make bench-faults`.", HOW, FUZZED, *(each.note for each in found)),
        header=HEADER,
        rows=[
            (outcome.what, f"{outcome.found:g}", outcome.target + ("" if outcome.met else " **missed**"))
            for each in found
            for outcome in each.outcomes
        ],
        figures=figures,
    )
