"""How well candidates do on real data, untuned: five-fold out-of-fold, three seeds, the same folds for all.

``make bench-quality`` writes ``benchmarks/quality.md`` and ``benchmarks/quality.json``; names of sets as arguments
measure these alone and keep the figures of the others. The data are read from the folder named by
``SCOREWRIGHT_REAL_DATA`` (default ``../shared/data``). Every labelled row is used: each is scored by models that never
saw it, on features chosen without it. CatBoost and FLAML get the same features and the same folds, in their own
environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from report import today, write_report

from scorewright.decision.comparison import cross_fitted_threshold_costs, simplest_within_noise
from scorewright.decision.costs import baselines
from scorewright.decision.metrics import evaluate_folds
from scorewright.decision.threshold import best_threshold
from scorewright.domain.matrix import FeatureMatrix
from scorewright.features.compile import compile_features
from scorewright.features.encoding import Encoder, learn_columns
from scorewright.features.engine import FeatureEngine
from scorewright.flows.dataset import Labelled, read_labelled
from scorewright.models.calibration import cross_fitted
from scorewright.models.candidates import CANDIDATES
from scorewright.models.candidates import candidate as candidate_named
from scorewright.models.cores import side_by_side
from scorewright.models.cross_validation import Lesson, cross_validate, prepared_folds
from scorewright.models.folds import stratified_folds
from scorewright.models.numbers import logit
from scorewright.models.seam import Candidate
from scorewright.models.selection import select_features
from scorewright.models.tuning import Budget, tune
from scorewright.models.venn_abers import cross_fitted_intervals, interval_coverage
from scorewright.tables.contract import infer_contract
from scorewright.tables.portfolio import load_portfolio

SEEDS = (7, 8, 9)
FOLDS = 5
THREADS = 2
TRIALS = 40
DEPTHS = (3, 4, 5, 6)
ROOT = Path(__file__).parents[1]
REAL = Path(os.environ.get("SCOREWRIGHT_REAL_DATA") or ROOT.parent / "shared" / "data")
STEM = Path(__file__).with_suffix("")
Row = tuple[str, ...]


@dataclass(frozen=True)
class Set:
    """One data set.

    Parameters
    ----------
    name, portfolio, folder : str
        Its short name, the portfolio it belongs to, and where it lies.
    seconds : float
        How long FLAML may search on each fold.
    """

    name: str
    portfolio: str
    folder: str
    seconds: float


SETS = (
    Set("applications", "home_credit", "home_credit/applications", 20.0),
    Set("clients_10k", "home_credit", "home_credit/clients_10k", 10.0),
    Set("uci", "uci_credit_card", "uci_default_credit_card", 10.0),
    Set("south_german", "south_german_credit", "south_german_credit", 5.0),
)


@dataclass(frozen=True)
class Measured:
    """Means over the seeds.

    Parameters
    ----------
    fold_costs : ndarray of float64, shape (seeds * folds,)
        Cost in every fold of every seed, at thresholds chosen without the fold.
    """

    auc: float
    cost: float
    brier: float
    ece: float
    seconds: float
    fold_costs: NDArray[np.float64]
    coverage: float | None = None


@dataclass(frozen=True)
class Course:
    """One set, its folds by seed, and the features that each fold chose for itself."""

    chosen: Set
    labelled: Labelled
    lessons: tuple[Lesson, ...]

    @property
    def name(self) -> str:
        """Name of the set."""
        return self.chosen.name


def whole_matrix(labelled: Labelled) -> FeatureMatrix:
    """Compute the matrix of all applications; nothing is locked away, because here candidates are only compared."""
    portfolio, root = labelled.portfolio, labelled.tables[labelled.portfolio.root]
    compiled = compile_features(portfolio, infer_contract(portfolio, labelled.tables))
    features = FeatureEngine(portfolio, compiled).compute(labelled.tables)
    return Encoder(learn_columns(features, compiled), unseen="null").encode(features, root[portfolio.key])


def lay_out(chosen: Set, labelled: Labelled) -> Course:
    """Deal the applications into folds, once per seed, and choose features inside each fold."""
    matrix, target = whole_matrix(labelled), labelled.target
    lessons = []
    for seed in SEEDS:
        fold_of_row = stratified_folds(target, seed, FOLDS)
        learnt = [np.flatnonzero(fold_of_row != fold) for fold in range(FOLDS)]
        chosen_by = partial(_kept, matrix, target, seed)
        kept = tuple(side_by_side(chosen_by, learnt, THREADS))
        lessons.append(Lesson(matrix, target, fold_of_row, seed, kept=kept))
    return Course(chosen, labelled, tuple(lessons))


def _kept(matrix: FeatureMatrix, target: NDArray[np.int8], seed: int, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    return select_features(matrix.take(rows), target[rows], seed).kept


def measure(candidate: Candidate, course: Course, parameters: dict[str, float] | None = None) -> Measured:
    """Cross-validate a candidate with its defaults; the threshold is the cheapest on the out-of-fold PDs."""
    started, rows, coverage = perf_counter(), [], []
    for lesson in course.lessons:
        folds = prepared_folds(candidate, lesson)
        chosen = {**candidate.defaults(), **(parameters or {})}
        settled = candidate.settle(folds[0].prepared, chosen, lesson.seed, THREADS)
        found = cross_validate(candidate, lesson, settled, folds, THREADS)
        rows.append(figures_of(found.pd, lesson, course))
        outcome = lesson.target, lesson.fold_of_row
        bare = cross_fitted_intervals(found.log_odds, *outcome, seed=lesson.seed)
        coverage.append(interval_coverage(found.pd, bare, *outcome))
    return replace(averaged(rows, perf_counter() - started), coverage=mean(coverage))


def figures_of(pd: NDArray[np.float64], lesson: Lesson, course: Course) -> tuple[float, float, float, float, NDArray]:
    """AUC, cost, Brier score and ECE of one seed, and its cost in each fold."""
    target, costs = lesson.target, course.labelled.portfolio.costs
    threshold = best_threshold(pd, target, costs).value
    metrics = evaluate_folds(pd, target, lesson.fold_of_row, threshold, costs).metrics
    by_fold = cross_fitted_threshold_costs(pd, target, lesson.fold_of_row, costs)
    return metrics["auc"], metrics["cost"], metrics["brier"], metrics["ece"], by_fold


def averaged(rows: list[tuple[float, float, float, float, NDArray]], seconds: float) -> Measured:
    """Average over the seeds."""
    *means, folds = zip(*rows, strict=True)
    return Measured(*(mean(column) for column in means), seconds, np.concatenate(folds))


def measure_peers(course: Course) -> dict[str, Measured]:
    """Hand matrix and folds to the peers, and measure their PDs as those of a candidate, calibrated likewise."""
    matrix, target = course.lessons[0].matrix, course.lessons[0].target
    matrix = matrix.select(np.flatnonzero(~np.isnan(matrix.values).all(axis=0)))
    categorical = [at for at, column in enumerate(matrix.columns) if column.kind == "category"]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        np.savez(
            Path(folder, "task.npz"),
            values=matrix.values,
            target=target,
            categorical=np.array(categorical, dtype=np.intp),
            seeds=np.array([lesson.seed for lesson in course.lessons]),
            folds=np.array([lesson.fold_of_row for lesson in course.lessons]),
            seconds=course.chosen.seconds,
        )
        python = ROOT / ".venv-peers" / "bin" / "python"
        subprocess.run([python, Path(__file__).with_name("peers.py"), folder], check=True)
        for answer in sorted(Path(folder).glob("*.npz")):
            if answer.stem != "task":
                scores = np.load(answer)
                rows = [figures_of(_calibrated(pd, lesson), lesson, course) for pd, lesson in _paired(scores, course)]
                found[answer.stem] = averaged(rows, float(scores["seconds"]))
    return found


def _paired(scores: dict[str, NDArray], course: Course) -> list[tuple[NDArray, Lesson]]:
    return list(zip(scores["pd"], course.lessons, strict=True))


def _calibrated(pd: NDArray[np.float64], lesson: Lesson) -> NDArray[np.float64]:
    return cross_fitted(logit(pd), lesson.target, lesson.fold_of_row, "platt")


def measure_depths(course: Course) -> tuple[list[Row], dict[str, float]]:
    """Measure LightGBM at each depth, and the time that the contributions of one application take."""
    rows, figures = [], {}
    boosting = candidate_named("lightgbm")
    first = course.lessons[0]
    one = first.matrix.values[:1]
    for depth in DEPTHS:
        parameters = {"max_depth": depth}
        result = measure(boosting, course, parameters)
        prepared = boosting.prepare(first.matrix, first.target)
        settled = boosting.settle(prepared, {**boosting.defaults(), **parameters}, SEEDS[0], THREADS)
        model = boosting.fit(prepared, settled, SEEDS[0], THREADS)
        times = []
        for _ in range(200):
            started = perf_counter()
            model.contributions(one)
            times.append(perf_counter() - started)
        figures |= {
            f"applications.depth_{depth}.auc": result.auc,
            f"applications.depth_{depth}.cost": result.cost,
            f"applications.depth_{depth}.contribution_ms": 1000 * median(times),
        }
        rows.append((f"depth {depth}", f"{result.auc:.4f}", f"{result.cost:.4f}", f"{1000 * median(times):.2f}"))
        print("depth", *rows[-1], flush=True)
    return rows, figures


def measure_tuning(course: Course) -> dict[str, float]:
    """Time 40 trials of LightGBM on the first seed's folds."""
    boosting, lesson = candidate_named("lightgbm"), course.lessons[0]
    started = perf_counter()
    tuning = tune(boosting, lesson, Budget(TRIALS, workers=THREADS), folds=prepared_folds(boosting, lesson))
    minutes = (perf_counter() - started) / 60
    pruned = sum(trial.state == "pruned" for trial in tuning.trials)
    print(f"tuning: {len(tuning.trials)} trials, {pruned} pruned, {minutes:.1f} minutes", flush=True)
    return {"tuning.minutes": minutes, "tuning.trials_per_minute": TRIALS / minutes, "tuning.pruned": float(pruned)}


def measure_set(chosen: Set) -> tuple[list[Row], dict[str, float]]:
    """Measure every candidate and the peers on one set, and name the champion."""
    labelled = read_labelled(load_portfolio(chosen.portfolio), REAL / chosen.folder)
    course = lay_out(chosen, labelled)
    candidates: dict[str, Measured] = {}
    rows: list[Row] = []
    for candidate in CANDIDATES:
        candidates[candidate.name] = measure(candidate, course)
        rows.append(_row(course, candidate.name, candidates[candidate.name]))
    order, costs = [known.name for known in CANDIDATES], {name: each.fold_costs for name, each in candidates.items()}
    choice = simplest_within_noise(order, costs, 1 / FOLDS)
    print(choice.reason, flush=True)
    others = measure_peers(course)
    if chosen.name == "clients_10k":
        others["lightgbm_without_histories"] = measure(candidate_named("lightgbm"), _bare(course))
    rows += [_row(course, name, each) for name, each in others.items()]
    champion = candidates[choice.name]
    best = max(candidates.values(), key=lambda each: each.auc)
    figures = {f"{chosen.name}.auc": best.auc, f"{chosen.name}.cost": min(each.cost for each in candidates.values())}
    figures |= {f"{chosen.name}.ece": best.ece, f"{chosen.name}.coverage": best.coverage or 0.0}
    figures |= {f"{chosen.name}.champion.{measure}": getattr(champion, measure) for measure in ("auc", "cost", "ece")}
    for name, each in (candidates | others).items():
        figures |= {f"{chosen.name}.{name}.{measure}": getattr(each, measure) for measure in ("auc", "cost", "ece")}
    simple = baselines(labelled.target, labelled.portfolio.costs)
    figures |= {f"{chosen.name}.{name}.cost": cost for name, cost in simple.items()}
    rows += [
        (chosen.name, f"{len(labelled.target):,}", name.replace("_", " "), "", f"{cost:.4f}", "", "", "", "")
        for name, cost in simple.items()
    ]
    marked = [(*row[:2], f"**{row[2]}**", *row[3:]) if row[2] == choice.name else row for row in rows]
    if chosen.name == "applications":
        depths, more = measure_depths(course)
        figures |= more | measure_tuning(course)
        marked += [(chosen.name, "", f"lightgbm, {name}", auc, cost, "", "", "", "") for name, auc, cost, _ in depths]
    return marked, figures


def _bare(course: Course) -> Course:
    """The same applications without their histories."""
    root = course.labelled.portfolio.root
    labelled = replace(course.labelled, tables={root: course.labelled.tables[root]})
    return lay_out(course.chosen, labelled)


def _row(course: Course, name: str, found: Measured) -> Row:
    coverage = "" if found.coverage is None else f"{found.coverage:.1%}"
    shown = f"{found.auc:.4f}", f"{found.cost:.4f}", f"{found.brier:.4f}", f"{found.ece:.4f}", coverage
    row = (course.name, f"{len(course.labelled.target):,}", name, *shown, f"{found.seconds:.0f}")
    print(*row, flush=True)
    return row


def main(wanted: list[str]) -> int:
    """Measure the sets that are wanted and write the tables."""
    if not REAL.is_dir():
        sys.exit(f"The real data are not there: {REAL}. Set SCOREWRIGHT_REAL_DATA to their folder.")
    kept = Path(f"{STEM}.json"), Path(f"{STEM}.md")
    names = [chosen.name for chosen in SETS if not wanted or chosen.name in wanted]
    figures, rows = {}, []
    if wanted and all(file.exists() for file in kept):
        figures = {name: value for name, value in json.loads(kept[0].read_text()).items() if not _of(names, name)}
        rows = [row for row in _old_rows(kept[1]) if row[0] not in names]
    for chosen in SETS:
        if chosen.name in names:
            more_rows, more = measure_set(chosen)
            rows, figures = [*rows, *more_rows], figures | more
            _write(rows, figures)
    return 0


def _of(sets: list[str], figure: str) -> bool:
    return any(figure.startswith(f"{name}.") for name in sets) or ("applications" in sets and "tuning." in figure)


def _old_rows(table: Path) -> list[Row]:
    lines = [line for line in table.read_text().splitlines() if line.startswith("| ")][2:]
    return [tuple(cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")) for line in lines]


def _write(rows: list[Row], figures: dict[str, float]) -> None:
    order = {chosen.name: place for place, chosen in enumerate(SETS)}
    write_report(
        STEM,
        title="Quality of untuned candidates on real data, beside CatBoost and FLAML",
        notes=_notes(figures),
        header=("set", "applications", "candidate", "AUC", "cost", "Brier", "ECE", "covered", "seconds"),
        rows=sorted(rows, key=lambda row: order.get(row[0], len(order))),
        figures=figures,
    )


def _notes(figures: dict[str, float]) -> list[str]:
    libraries = ("scorewright", "lightgbm", "scikit-learn", "optuna", "polars", "numpy")
    seconds = ", ".join(f"{chosen.seconds:g} s ({chosen.name})" for chosen in SETS)
    how = f"""\
{today()}; {", ".join(f"{name} {version(name)}" for name in libraries)}; `make bench-quality`.

Mean of seeds {", ".join(map(str, SEEDS))}. Five-fold out-of-fold on every labelled row, the same folds for all; \
features are chosen, models learnt and PDs calibrated without the fold that is scored.

Cost per application at the portfolio's costs (10:1), at the cheapest threshold of the calibrated out-of-fold PDs. The \
champion (bold) is the simplest candidate within one corrected standard error of the lowest cost at thresholds chosen \
without the fold. ECE: 15 equal-mass bins. Covered: share of held-out bins whose observed default rate agrees with the \
Venn-Abers intervals.

CatBoost runs with its defaults; FLAML may search {seconds} on each fold. Both get all features that \
Scorewright computed.

Seconds are wall-clock of all folds and seeds on the machine of that day, for orientation only."""
    return [*how.split("\n\n"), *_price_note(figures), *_tuning_note(figures)]


def _price_note(figures: dict[str, float]) -> list[str]:
    """What the scorecard, which a person can read and add up, gives away against the best candidate."""
    told = [
        f"{name} {figures[f'{name}.scorecard.auc'] - figures[f'{name}.auc']:+.4f} AUC, "
        f"{figures[f'{name}.scorecard.cost'] - figures[f'{name}.cost']:+.4f} cost"
        for name in (chosen.name for chosen in SETS)
        if f"{name}.scorecard.auc" in figures
    ]
    return [f"The price of a scorecard against the best figure of any candidate: {'; '.join(told)}."] if told else []


def _tuning_note(figures: dict[str, float]) -> list[str]:
    if "tuning.minutes" not in figures:
        return []
    depths = "; ".join(
        f"depth {depth}: {figures[f'applications.depth_{depth}.contribution_ms']:.2f} ms" for depth in DEPTHS
    )
    return [
        (
            f"Tuning: {TRIALS} LightGBM trials on `applications` took {figures['tuning.minutes']:.1f} minutes with "
            f"{THREADS} workers, {figures['tuning.pruned']:.0f} of them given up early."
        ),
        f"Contributions of one application by LightGBM, median time: {depths}.",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
