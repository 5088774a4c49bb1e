"""What explanations are worth on real data: exact, in words, and kept when they are put to the test.

``make bench-explain`` writes ``benchmarks/explain.md`` and ``explain.json``. Names as arguments measure these parts and
keep the figures of the others: the sets ``south_german``, ``uci`` and ``clients_10k``, and ``leaks``.
``--candidate NAME``, several times if need be, trains these alone; ``--out STEM`` writes elsewhere. The data are read
from the folder named by ``SCOREWRIGHT_REAL_DATA`` (default ``../shared/data``).

Every candidate of every set is trained with its defaults, sealed, and read back. What is asked of a served model is
asked of the champion, in JSON as an integrator would ask it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from secrets import token_bytes
from statistics import median
from time import perf_counter

import httpx
import numpy as np
import polars as pl
from beside_shap import shap_of
from numpy.typing import NDArray
from planted_leaks import PLANTED, caught
from posted import Bodies, Body, decided, refused, sent_again, trespasses
from report import today, write_report

from scorewright.bundle.contents import open_bundle
from scorewright.bundle.scorer import Scorer
from scorewright.domain.explanations import Reasons, Recourse
from scorewright.explain.shares import Scored, share_out
from scorewright.flows.catalogue import RegistryCatalogue
from scorewright.flows.champion import LoadedModel, load_version
from scorewright.flows.decide import ModelService
from scorewright.flows.plan import EVERY_CANDIDATE, Plan
from scorewright.flows.recourse import find_recourse
from scorewright.flows.replay import Replayer
from scorewright.flows.report import report_on
from scorewright.flows.train import Shelves, Trained, train
from scorewright.ledger import LedgerKeys, open_ledger
from scorewright.models.trees import Trees
from scorewright.registry.folder_registry import FolderRegistry
from scorewright.serve.app import create_app
from scorewright.serve.door import Parts
from scorewright.serve.settings import ServiceSettings
from scorewright.tables.loading import Purpose, load_tables, open_data, restrict
from scorewright.tables.portfolio import load_portfolio

SEED = 7
ADDED_UP = 1000
BESIDE_SHAP = 100
RECOURSE = 200
REASONS = 1000
REQUESTS = 250
WARM_UP = 50
LEAKS = "leaks"
LATENCY_SET = "clients_10k"
ROOT = Path(__file__).parents[1]
REAL = Path(os.environ.get("SCOREWRIGHT_REAL_DATA") or ROOT.parent / "shared" / "data")
STEM = Path(__file__).with_suffix("")
#: What a sentence that was not filled in would hold. Whole words: the French "financement" is no "nan".
UNFILLED = re.compile(r"[{}]|\b(?:nan|None|null|inf)\b")
HEADER = (
    "set",
    "champion",
    "sums beside the score",
    "beside shap",
    "refused, asked for recourse",
    "with an option",
    "options",
    "of them flip",
    "median s",
    "95 % s",
    "refused, asked for reasons",
    "with reasons in words",
    "report MB",
)
Row = tuple[str, ...]
Figures = dict[str, float]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Set:
    """One data set: its name, its portfolio, where it lies, and the files of applications that it has."""

    name: str
    portfolio: str
    folder: str
    purposes: tuple[Purpose, ...] = ("train",)

    @property
    def path(self) -> Path:
        """Folder of its tables."""
        return REAL / self.folder


SETS = (
    Set("south_german", "south_german_credit", "south_german_credit"),
    Set("uci", "uci_credit_card", "uci_default_credit_card"),
    Set("clients_10k", "home_credit", "home_credit/clients_10k", ("score", "train")),
)


@dataclass(frozen=True)
class Course:
    """One set, the models that were trained on it, and the applications as they are posted."""

    chosen: Set
    shelves: Shelves
    trained: Trained
    bodies: Mapping[Purpose, Bodies]

    @property
    def champion(self) -> LoadedModel:
        """The model that was registered."""
        return load_version(self.shelves.registry, self.chosen.portfolio, unseen="null")

    def model(self, candidate: str) -> LoadedModel:
        """A sealed candidate, as if it had been registered."""
        digest = self.trained.record.candidate(candidate).bundle
        served = replace(self.trained.version, bundle=digest, candidate=candidate)
        return LoadedModel(served, Scorer(open_bundle(self.shelves.bundles / digest, expected=digest), "null"))

    def refused(self, scorer: Scorer, wanted: int) -> Iterator[Body]:
        """Give applications that a model refuses, at most so many, drawn by a fixed seed."""
        found = [(purpose, row) for purpose in self.bodies for row in refused(scorer, self.chosen.path, purpose)]
        for at in np.random.default_rng(SEED).permutation(len(found))[:wanted].tolist():
            purpose, row = found[at]
            yield self.bodies[purpose].of(row)


def lay_out(chosen: Set, candidates: tuple[str, ...], folder: Path) -> Course:
    """Train on a set."""
    portfolio = load_portfolio(chosen.portfolio)
    shelves = Shelves(FolderRegistry(folder / "registry"), folder / "bundles")
    plan = Plan(candidates, seed=SEED, repeats=1, trials=0, pictures=False)
    trained = train(portfolio, chosen.path, plan, shelves)
    return Course(
        chosen, shelves, trained, {purpose: Bodies(portfolio, chosen.path, purpose) for purpose in chosen.purposes}
    )


def measure_set(chosen: Set, candidates: tuple[str, ...], folder: Path) -> tuple[Row, Figures]:
    """Measure everything on one set."""
    started = perf_counter()
    course = lay_out(chosen, candidates, folder)
    champion = course.trained.record.winner
    _say(chosen, f"{len(candidates)} candidates trained, {champion} is champion", started)
    figures = {**additivity(course), **recourse(course), **reasons(course), **report(course, folder)}
    if chosen.name == LATENCY_SET and "lightgbm" in candidates:
        figures |= added_latency(course)
    return _row(chosen, champion, figures), figures


# Sums


def additivity(course: Course) -> Figures:
    """Add up the contributions of every sealed candidate, and compare those of trees with shap's."""
    started, figures = perf_counter(), {}
    for record in course.trained.record.candidates:
        if record.bundle:
            scorer = course.model(record.name).scorer
            matrix, errors = _errors(scorer, course.chosen)
            figures |= {f"additivity.{course.chosen.portfolio}.{record.name}.{scale}": e for scale, e in errors.items()}
            model = scorer.bundle.contents.model
            if isinstance(model, Trees) and record.name in {"lightgbm", "random_forest"}:
                own, peer = model.contributions(matrix), shap_of(model, matrix)
                figures[f"shap.{course.chosen.portfolio}.{record.name}"] = float(np.abs(own - peer).max())
    _say(course.chosen, f"sums at most {_worst(figures, 'additivity.'):.1e} beside the score", started)
    _say(course.chosen, f"contributions at most {_worst(figures, 'shap.'):.1e} beside shap's", started)
    return figures


def _errors(scorer: Scorer, chosen: Set) -> tuple[Floats, dict[str, float]]:
    """How far contributions sum beside the scores of real applications, on the model's scale and on the others."""
    contents = scorer.bundle.contents
    tables = load_tables(open_data(contents.portfolio, chosen.path), chosen.purposes[0], scorer.sealed).tables
    drawn = np.random.default_rng(SEED).permutation(tables[contents.portfolio.root].height)[:ADDED_UP]
    scores = scorer.score(restrict(contents.portfolio, tables, pl.Series(np.sort(drawn))))
    contributions = scorer.contributions(scores.matrix)
    score = contents.model.score(scores.matrix.values)
    shared = share_out(Scored(contributions, score, scores.log_odds, contents.model.scale), contents.calibration.pd)
    scales = {"log_odds": shared.log_odds, "pd": shared.pd, "points": shared.points}
    errors = {name: np.abs(each.base + each.shares.sum(axis=1) - each.value) for name, each in scales.items()}
    errors["margin"] = np.abs(contributions.sum(axis=1) - score)
    return scores.matrix.values[:BESIDE_SHAP], {name: float(each.max()) for name, each in errors.items()}


# Recourse


def recourse(course: Course) -> Figures:
    """Look for recourse for refused applicants, and post each option again."""
    started, scorer, name = perf_counter(), course.champion.scorer, course.chosen.portfolio
    seconds, found, options, flipped, faithful = [], 0, 0, 0, 0
    for body in course.refused(scorer, RECOURSE):
        tables, began = scorer.read(body), perf_counter()
        told = find_recourse(scorer, tables)
        seconds.append(perf_counter() - began)
        holds = [flips(scorer, body, told, at) for at in range(len(told.options))]
        found, options, flipped = found + bool(holds), options + len(holds), flipped + sum(holds)
        faithful += bool(holds) and all(holds)
    figures = {
        "asked": len(seconds),
        "found": found,
        "flipped": faithful,
        "share": found / max(len(seconds), 1),
        "options": options,
        "options_flipped": flipped,
        "median_s": median(seconds),
        "p95_s": float(np.quantile(seconds, 0.95)),
        "slowest_s": max(seconds),
    }
    said = f"recourse for {found} of {len(seconds)}, {flipped} of {options} options flip, {median(seconds):.2f} s"
    _say(course.chosen, said, started)
    return {f"recourse.{name}.{what}": float(value) for what, value in figures.items()}


def flips(scorer: Scorer, body: Body, told: Recourse, at: int) -> bool:
    """Whether an option, posted again, is approved at the PD that was told, and changes only what it may."""
    option = told.options[at]
    again = sent_again(scorer, body, option)
    wrong = list(trespasses(scorer, body, again, option))
    answer = decided(scorer, [again])[0]
    for each in wrong:
        print(f"  an option trespasses: {each}", flush=True)
    return not wrong and answer == ("approve", option.pd)


# Reasons


def reasons(course: Course) -> Figures:
    """Ask for the reasons of refused applicants, in both languages."""
    started, model = perf_counter(), course.champion
    service = ModelService(model)
    answers = [service.decide(body, frozenset({"reasons"})) for body in course.refused(model.scorer, REASONS)]
    # Where a hard rule alone refuses, it is the reason, and the portfolio words it.
    share = sum(worded(each.reasons) or each.opinion == "approve" for each in answers) / max(len(answers), 1)
    _say(course.chosen, f"reasons in words for {share:.1%} of {len(answers)} refused applicants", started)
    name = course.chosen.portfolio
    return {f"reasons.{name}.refused": float(len(answers)), f"reasons.{name}.worded": share}


def worded(told: Reasons | None) -> bool:
    """Whether there is a reason, and each is said in both languages with nothing left to fill in."""
    if told is None or not told.given:
        return False
    labels = [label for reason in told.given for label in (reason.label, reason.sentence)]
    texts = [text for label in labels for text in (label.en, label.fr)]
    return all(text.strip() and not UNFILLED.search(text) for text in texts)


def added_latency(course: Course) -> Figures:
    """Serve LightGBM, and ask with and without reasons by turns."""
    started, bodies = perf_counter(), course.bodies[course.chosen.purposes[0]]
    drawn = np.random.default_rng(SEED).permutation(len(bodies))[:REQUESTS].tolist()
    sent = [json.dumps(bodies.of(row)).encode() for row in drawn]
    plain, told = asyncio.run(_asked_by_turns(course.model("lightgbm"), sent))
    figures = {"plain_ms": 1000 * median(plain), "with_ms": 1000 * median(told)}
    figures["added_ms"] = figures["with_ms"] - figures["plain_ms"]
    said = f"{figures['plain_ms']:.1f} ms plain, {figures['with_ms']:.1f} ms with reasons"
    _say(course.chosen, f"LightGBM served: {said}", started)
    return {f"reasons.{name}": value for name, value in figures.items()}


async def _asked_by_turns(model: LoadedModel, sent: Sequence[bytes]) -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        transport = httpx.ASGITransport(create_app(_parts(model, Path(folder)), ServiceSettings()))
        return await _timed_by_turns(transport, sent)


def _parts(model: LoadedModel, folder: Path) -> Parts:
    registry = FolderRegistry(folder / "registry")
    ledger = open_ledger(f"sqlite:///{folder / 'ledger.db'}", LedgerKeys(token_bytes()))
    catalogue = RegistryCatalogue(registry, model.version.portfolio, tuple)
    return Parts(ModelService(model), ledger, catalogue, Replayer(registry, ledger))


async def _timed_by_turns(transport: httpx.ASGITransport, sent: Sequence[bytes]) -> tuple[list[float], list[float]]:
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", trust_env=False) as client:

        async def ask(query: str, body: bytes) -> float:
            headers, began = {"Content-Type": "application/json"}, perf_counter()
            answer = await client.post(f"/v1/decisions{query}", content=body, headers=headers)
            took = perf_counter() - began
            answer.raise_for_status()
            return took

        ways = ("", "?include=reasons")
        for body in sent[:WARM_UP]:
            for query in ways:
                await ask(query, body)
        took: dict[str, list[float]] = {query: [] for query in ways}
        for at, body in enumerate(sent):
            # Whoever asks second finds the rows of this applicant warm: each way is second as often.
            for query in ways if at % 2 else reversed(ways):
                took[query].append(await ask(query, body))
    return took[ways[0]], took[ways[1]]


# The report, the leaks, and all of it together


def report(course: Course, folder: Path) -> Figures:
    """Write the champion's report."""
    written = report_on(course.shelves.registry, course.chosen.portfolio, "champion", folder / "report.html")
    return {f"report_mb.{course.chosen.portfolio}": written.size / 1e6}


def leaks(folder: Path) -> Figures:
    """Plant every leak, and see which are caught."""
    started, found = perf_counter(), 0
    for number, name in enumerate(PLANTED):
        seen = caught(name, folder / str(number))
        found += seen
        if not seen:
            print(f"  not caught: {name}", flush=True)
    print(f"leaks: {found} of {len(PLANTED)} caught ({perf_counter() - started:.0f} s)", flush=True)
    return {"planted_leaks": float(len(PLANTED)), "planted_leaks_caught": float(found)}


def summed_up(figures: Figures) -> Figures:
    """Add the figures over all sets: the worst of what must be small, and those of Home Credit for persons."""
    worst = {
        "additivity_max_error": _worst(figures, "additivity."),
        "shap_max_error": _worst(figures, "shap."),
        "report_mb": _worst(figures, "report_mb."),
    }
    headline = {
        f"{part}.{what}": figures[name]
        for name in figures
        if name.startswith(("recourse.home_credit.", "reasons.home_credit."))
        for part, _, what in [name.split(".")]
    }
    return {**figures, **worst, **headline}


def main(arguments: Sequence[str]) -> int:
    """Measure what is wanted and write the table."""
    if not REAL.is_dir():
        sys.exit(f"The real data are not there: {REAL}. Set SCOREWRIGHT_REAL_DATA to their folder.")
    asked = _asked(arguments)
    rows, figures = _kept(asked.out, asked.parts)
    with tempfile.TemporaryDirectory() as place:
        if LEAKS in asked.parts:
            figures |= leaks(Path(place))
        for chosen in SETS:
            if chosen.name in asked.parts:
                row, more = measure_set(chosen, tuple(asked.candidate or EVERY_CANDIDATE), Path(place, chosen.name))
                rows, figures = [*rows, row], figures | more
    _write(asked.out, rows, summed_up(figures))
    return 0


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    every = [*(chosen.name for chosen in SETS), LEAKS]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"among {', '.join(every)}; all by default")
    parser.add_argument("--candidate", action="append", choices=EVERY_CANDIDATE, help="train these alone")
    parser.add_argument("--out", type=Path, default=STEM, metavar="STEM", help="where to write, without the ending")
    asked = parser.parse_args(arguments)
    unknown = sorted(set(asked.parts) - set(every))
    if unknown:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(every)}")
    asked.parts = asked.parts or every
    return asked


def _kept(stem: Path, parts: Sequence[str]) -> tuple[list[Row], Figures]:
    """Rows and figures of the parts that are not measured now."""
    table, file = Path(f"{stem}.md"), Path(f"{stem}.json")
    if not (table.exists() and file.exists()):
        return [], {}
    anew = {chosen.portfolio for chosen in SETS if chosen.name in parts}
    latency = {"reasons.plain_ms", "reasons.with_ms", "reasons.added_ms"} if LATENCY_SET in parts else set()
    read: Figures = json.loads(file.read_text(encoding="utf-8"))
    lines = [line for line in table.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][2:]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return (
        [row for row in rows if row[0] not in parts],
        {name: value for name, value in read.items() if anew.isdisjoint(name.split(".")) and name not in latency},
    )


def _worst(figures: Figures, beginning: str) -> float:
    return max((value for name, value in figures.items() if name.startswith(beginning)), default=0.0)


def _row(chosen: Set, champion: str, figures: Figures) -> Row:
    def of(part: str, what: str) -> float:
        return figures[f"{part}.{chosen.portfolio}.{what}"]

    return (
        chosen.name,
        champion,
        f"{_worst(figures, 'additivity.'):.1e}",
        f"{_worst(figures, 'shap.'):.1e}" if any(name.startswith("shap.") for name in figures) else "",
        *(f"{of('recourse', what):.0f}" for what in ("asked", "found", "options", "options_flipped")),
        *(f"{of('recourse', what):.2f}" for what in ("median_s", "p95_s")),
        f"{of('reasons', 'refused'):.0f}",
        f"{of('reasons', 'worded'):.1%}",
        f"{figures[f'report_mb.{chosen.portfolio}']:.2f}",
    )


def _write(stem: Path, rows: Sequence[Row], figures: Figures) -> None:
    order = {chosen.name: place for place, chosen in enumerate(SETS)}
    write_report(
        stem,
        title="Explanations on real data",
        notes=_notes(figures),
        header=HEADER,
        rows=sorted(rows, key=lambda row: order[row[0]]),
        figures=figures,
    )


def _notes(figures: Figures) -> list[str]:
    libraries = ("scorewright", "lightgbm", "shap", "polars", "numpy")
    how = f"""\
{today()}; {", ".join(f"{name} {version(name)}" for name in libraries)}; `make bench-explain`; seed {SEED}.

Every candidate with its defaults, sealed and read back. Sums beside the score: the largest distance of the sum of \
contributions from the score of {ADDED_UP:,} applications, over all candidates, on the model's own scale and in \
log-odds, PD and points. Beside shap: the largest distance of a contribution from that of `shap.TreeExplainer`, its \
own code, for LightGBM and the forest on {BESIDE_SHAP} applications.

Recourse and reasons are the champion's, for refused applicants drawn by the seed. An option flips when its changes, \
laid over the raw rows and posted again as JSON, are approved at the PD that was told, and no column moves but by a \
lever, in its direction and within what training saw. Reasons in words: at least one family, in English and French, \
with nothing left to fill in.

Seconds are wall-clock on the machine of that day."""
    return [*how.split("\n\n"), *_latency_note(figures), *_leaks_note(figures)]


def _latency_note(figures: Figures) -> list[str]:
    if "reasons.added_ms" not in figures:
        return []
    plain, told, added = (figures[f"reasons.{name}_ms"] for name in ("plain", "with", "added"))
    return [
        (
            f"LightGBM of clients_10k behind the service, in one process: {plain:.1f} ms for a plain decision, "
            f"{told:.1f} ms with reasons, {added:.1f} ms more (medians of {REQUESTS} requests each, by turns)."
        )
    ]


def _leaks_note(figures: Figures) -> list[str]:
    if "planted_leaks" not in figures:
        return []
    return [f"Leaks planted: {figures['planted_leaks']:.0f}, caught: {figures['planted_leaks_caught']:.0f}."]


def _say(chosen: Set, what: str, started: float) -> None:
    print(f"{chosen.name}: {what} ({perf_counter() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
