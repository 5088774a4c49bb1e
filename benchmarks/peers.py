"""Peers of the champion: CatBoost with its defaults, and FLAML within a time budget, on folds that are handed to them.

Runs in an environment of its own (``requirements/peers.txt``), started by ``benchmarks/quality.py``:
``peers.py FOLDER``. The folder holds ``task.npz``: features, target, categorical positions, folds of every seed, and
the seconds that FLAML may search per fold. For each peer ``<peer>.npz`` is written beside it: PDs of shape (seeds, n),
and the seconds that all its fits took.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

THREADS = 2
Learner = Callable[[pd.DataFrame, np.ndarray, list[str], int, float], Callable[[pd.DataFrame], np.ndarray]]


def catboost(
    features: pd.DataFrame, target: np.ndarray, categories: list[str], seed: int, _: float
) -> Callable[[pd.DataFrame], np.ndarray]:
    """CatBoost as it comes, categories declared."""
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(
        random_seed=seed, cat_features=categories, thread_count=THREADS, verbose=False, allow_writing_files=False
    )
    model.fit(features, target)
    return lambda rows: model.predict_proba(rows)[:, 1]


def flaml(
    features: pd.DataFrame, target: np.ndarray, categories: list[str], seed: int, seconds: float
) -> Callable[[pd.DataFrame], np.ndarray]:
    """FLAML's own search for AUC over all its learners within the budget."""
    from flaml import AutoML

    search = AutoML()
    typed = features.astype(dict.fromkeys(categories, "category"))
    search.fit(
        typed,
        target,
        task="classification",
        metric="roc_auc",
        time_budget=seconds,
        seed=seed,
        n_jobs=THREADS,
        verbose=0,
    )
    kinds = typed.dtypes.to_dict()
    return lambda rows: np.asarray(search.predict_proba(rows.astype(kinds)))[:, 1]


PEERS: dict[str, Learner] = {"catboost": catboost, "flaml": flaml}


def frame(values: np.ndarray, categorical: np.ndarray) -> tuple[pd.DataFrame, list[str]]:
    """Lay the matrix out as both libraries like it: categories as text, a missing one as a category of its own."""
    table = pd.DataFrame({f"f{at}": values[:, at] for at in range(values.shape[1])})
    names = [f"f{at}" for at in categorical]
    for name in names:
        table[name] = table[name].map(lambda value: "missing" if np.isnan(value) else f"c{int(value)}").astype(str)
    return table, names


def main(folder: Path) -> int:
    """Score every fold of every seed by every peer."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    task = np.load(folder / "task.npz")
    table, categories = frame(task["values"], task["categorical"])
    target, seeds, budget = task["target"], task["seeds"], float(task["seconds"])
    for name, learn in PEERS.items():
        started, pds = perf_counter(), np.empty((len(seeds), len(target)))
        for at, (seed, fold_of_row) in enumerate(zip(seeds, task["folds"], strict=True)):
            for fold in np.unique(fold_of_row):
                inside = fold_of_row == fold
                predict = learn(table[~inside], target[~inside], categories, int(seed), budget)
                pds[at, inside] = predict(table[inside])
            print(f"  {name}, seed {seed}: {perf_counter() - started:.0f} s", flush=True)
        np.savez(folder / f"{name}.npz", pd=pds, seconds=perf_counter() - started)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
