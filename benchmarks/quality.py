"""How well untuned candidates do on real data: five-fold out-of-fold, the same split for all.

``make bench-quality`` writes ``benchmarks/quality.md`` and ``benchmarks/quality.json``. The data are read from the
folder named by ``SCOREWRIGHT_REAL_DATA`` (default ``../shared/data``). Every labelled row is used: each is scored by
models that never saw it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import mean
from time import perf_counter

from report import today, write_report

from scorewright.decision.costs import baselines
from scorewright.decision.metrics import evaluate_folds
from scorewright.decision.threshold import best_threshold
from scorewright.domain.matrix import FeatureMatrix
from scorewright.features.compile import compile_features
from scorewright.features.encoding import Encoder, learn_columns
from scorewright.features.engine import FeatureEngine
from scorewright.flows.dataset import Labelled, read_labelled
from scorewright.models.candidates import CANDIDATES
from scorewright.models.cross_validation import Lesson, cross_validate
from scorewright.models.folds import stratified_folds
from scorewright.models.seam import Candidate
from scorewright.tables.contract import infer_contract
from scorewright.tables.portfolio import load_portfolio

SEED = 7
FOLDS = 5
REAL = Path(os.environ.get("SCOREWRIGHT_REAL_DATA") or Path(__file__).parents[1].parent / "shared" / "data")


@dataclass(frozen=True)
class Set:
    """One data set: its short name, portfolio, folder and the seeds over which measures are averaged."""

    name: str
    portfolio: str
    folder: str
    seeds: tuple[int, ...] = (SEED,)


SETS = (
    Set("applications", "home_credit", "home_credit/applications"),
    Set("clients_10k", "home_credit", "home_credit/clients_10k", (SEED, SEED + 1, SEED + 2)),
    Set("uci", "uci_credit_card", "uci_default_credit_card"),
    Set("south_german", "south_german_credit", "south_german_credit"),
)


@dataclass(frozen=True)
class Measured:
    """Means over the seeds."""

    auc: float
    cost: float
    brier: float
    seconds: float


def whole_matrix(labelled: Labelled) -> FeatureMatrix:
    """Compute the matrix of all applications; nothing is locked away, because here candidates are only compared."""
    portfolio, root = labelled.portfolio, labelled.tables[labelled.portfolio.root]
    compiled = compile_features(portfolio, infer_contract(portfolio, labelled.tables))
    features = FeatureEngine(portfolio, compiled).compute(labelled.tables)
    return Encoder(learn_columns(features, compiled), unseen="null").encode(features, root[portfolio.key])


def measure(candidate: Candidate, labelled: Labelled, seeds: tuple[int, ...]) -> Measured:
    """Cross-validate a candidate with its defaults; the threshold is the cheapest on the out-of-fold PDs."""
    matrix, target, costs = whole_matrix(labelled), labelled.target, labelled.portfolio.costs
    rows = []
    for seed in seeds:
        started = perf_counter()
        folds = stratified_folds(target, seed, FOLDS)
        pd = cross_validate(candidate, Lesson(matrix, target, folds, seed)).pd
        metrics = evaluate_folds(pd, target, folds, best_threshold(pd, target, costs).value, costs).metrics
        rows.append((metrics["auc"], metrics["cost"], metrics["brier"], perf_counter() - started))
    return Measured(*(mean(column) for column in zip(*rows, strict=True)))


def measure_set(chosen: Set) -> Iterator[tuple[str, Measured, Labelled]]:
    """Measure every candidate on one set; on the set with histories LightGBM also without them."""
    labelled = read_labelled(load_portfolio(chosen.portfolio), REAL / chosen.folder)
    for candidate in CANDIDATES:
        yield candidate.name, measure(candidate, labelled, chosen.seeds), labelled
    if chosen.name == "clients_10k":
        root = labelled.portfolio.root
        bare = replace(labelled, tables={root: labelled.tables[root]})
        yield "lightgbm_without_histories", measure(CANDIDATES[-1], bare, chosen.seeds), bare


def main() -> int:
    """Measure everything and write the tables."""
    if not REAL.is_dir():
        sys.exit(f"The real data are not there: {REAL}. Set SCOREWRIGHT_REAL_DATA to their folder.")
    rows, figures = [], {}
    for chosen in SETS:
        measured: dict[str, Measured] = {}
        for name, result, labelled in measure_set(chosen):
            measured[name] = result
            shown = f"{result.auc:.4f}", f"{result.cost:.4f}", f"{result.brier:.4f}", f"{result.seconds:.1f}"
            rows.append((chosen.name, f"{len(labelled.target):,}", name, *shown))
            figures |= {f"{chosen.name}.{name}.auc": result.auc, f"{chosen.name}.{name}.cost": result.cost}
            print(*rows[-1], flush=True)
        figures |= {f"{chosen.name}.auc": max(r.auc for r in measured.values())}
        figures |= {f"{chosen.name}.cost": min(r.cost for r in measured.values())}
        simple = baselines(labelled.target, labelled.portfolio.costs)
        figures |= {f"{chosen.name}.{name}.cost": cost for name, cost in simple.items()}
        rows += [
            (chosen.name, f"{len(labelled.target):,}", name.replace("_", " "), "", f"{cost:.4f}", "", "")
            for name, cost in simple.items()
        ]
    libraries = ", ".join(
        f"{name} {version(name)}" for name in ("scorewright", "lightgbm", "scikit-learn", "polars", "numpy")
    )
    write_report(
        Path(__file__).with_suffix(""),
        title="Quality of untuned candidates on real data",
        notes=(
            f"{today()}; {libraries}; seed {SEED}; `make bench-quality`.",
            "Five-fold out-of-fold on every labelled row, the same folds for all candidates of a set.",
            f"`clients_10k` is the mean of {len(SETS[1].seeds)} seeds.",
            "Cost per application at 10:1, at the cheapest threshold of the calibrated out-of-fold PDs.",
            "Seconds are wall-clock on the machine of that day, for orientation only.",
        ),
        header=("set", "applications", "candidate", "AUC", "cost", "Brier", "seconds"),
        rows=rows,
        figures=figures,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
