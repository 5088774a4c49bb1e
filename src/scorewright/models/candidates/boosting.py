"""LightGBM: gradient-boosted trees, gaps and categories taken as they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from scorewright.models import tree_text
from scorewright.models.candidates.preparation import check_learnable, weight_of_defaults
from scorewright.models.cores import threads_for
from scorewright.models.folds import hold_out
from scorewright.models.trees import Trees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureColumn, FeatureMatrix
    from scorewright.models.seam import Parameters, ParameterValue, Suggest

_BINNING = {"verbosity": -1, "feature_pre_filter": False, "num_threads": 1}
_FIXED = {
    **_BINNING,
    "objective": "binary",
    "deterministic": True,
    "force_col_wise": True,
    "bagging_freq": 1,
}
_FEWEST_PER_LEAF = 10
_ROWS_PER_RARE = 50
_RAREST, _RARE = 10, 200
_MOST_ROUNDS = 1500
_PATIENCE = 2.0
_HELD_OUT = 0.2
_ROWS_PER_HOLDOUT, _MOST_HOLDOUTS = 20_000, 5


@dataclass(frozen=True)
class Boosting:
    """LightGBM on log-odds.

    A leaf holds at least ``min_leaf_share`` of the applications, and at least 10. Defaults weigh
    ``(repaid / defaulted) ** positive_weight_power``. Categories with few applications are pulled towards the mean, so
    that an employer with a handful of clients decides nothing. A feature declared monotone is so in every tree.
    """

    name: str = "lightgbm"
    tunable: bool = True

    def calibrated(self, parameters: Parameters) -> bool:
        """Without weights, the trees are fitted to the likelihood of the outcomes as they are."""
        return {**self.defaults(), **parameters}["positive_weight_power"] == 0.0

    def defaults(self) -> dict[str, ParameterValue]:
        """Give the parameters used without tuning."""
        return {
            "n_estimators": 600,
            "learning_rate": 0.03,
            "max_depth": 3,
            "min_leaf_share": 0.002,
            "feature_fraction": 0.15,
            "bagging_fraction": 0.8,
            "lambda_l2": 20.0,
            "positive_weight_power": 0.0,
        }

    def suggest(self, trial: Suggest) -> dict[str, ParameterValue]:
        """Draw the pace, the shape and the penalties of the trees; their number is left to ``settle``."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.1, log=True),
            "max_depth": trial.suggest_int("max_depth", 3, 6),
            "min_leaf_share": trial.suggest_float("min_leaf_share", 0.0005, 0.03, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.05, 0.9),
            "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
            "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 200.0, log=True),
            "positive_weight_power": trial.suggest_float("positive_weight_power", 0.0, 1.0),
        }

    def prepare(self, matrix: FeatureMatrix, target: NDArray[np.int8]) -> Binned:
        """Sort every feature's values into bins. Raises ``TrainingError``."""
        import lightgbm

        check_learnable(matrix, target)
        categories = [position for position, column in enumerate(matrix.columns) if column.kind == "category"]
        data = lightgbm.Dataset(matrix.values, target, categorical_feature=categories, params=dict(_BINNING))
        return Binned(matrix.columns, target, data.construct())

    def settle(
        self, prepared: Binned, parameters: Parameters, seed: int, threads: int = 1
    ) -> dict[str, ParameterValue]:
        """Find ``n_estimators`` by early stopping on a fifth of the applications, and give it with the others.

        The round is the one of the lowest log loss there, times 5/4: that much more can be learnt from all applications
        than from four fifths. Few applications say little of it: below 20,000 several fifths are tried, up to five, and
        the median counts.
        """
        chosen: dict[str, Any] = {**self.defaults(), **parameters}
        holdouts = min(-(-_ROWS_PER_HOLDOUT // len(prepared.target)), _MOST_HOLDOUTS)
        best = [_best_round(prepared, chosen, seed + number, threads) for number in range(holdouts)]
        return {**chosen, "n_estimators": round(median(best) / (1.0 - _HELD_OUT))}

    def fit(self, prepared: Binned, parameters: Parameters, seed: int, threads: int = 1) -> Trees:
        """Boost the trees and seal them as ``Trees`` on the scale of log-odds."""
        import lightgbm

        chosen: dict[str, Any] = {**self.defaults(), **parameters}
        booster = lightgbm.Booster(prepared.settings(chosen, seed, threads), prepared.data)
        for _ in range(int(chosen["n_estimators"])):
            booster.update()
        text = tree_text.canonical(booster.model_to_string(), len(prepared.columns))
        return Trees.load({tree_text.FILE: text}, len(prepared.columns))


@dataclass(frozen=True)
class Binned:
    """Applications as LightGBM learns from them, and what the parameters mean for so many of them.

    Parameters
    ----------
    columns : tuple of FeatureColumn
        Columns of the matrix.
    target : ndarray of int8, shape (n,)
        1 = defaulted.
    data : lightgbm.Dataset
        The binned values, constructed. Training reads it and changes nothing in it.
    """

    columns: tuple[FeatureColumn, ...]
    target: NDArray[np.int8]
    data: Any

    def settings(self, chosen: dict[str, Any], seed: int, threads: int) -> dict[str, Any]:
        """Translate parameters into LightGBM's."""
        rows = len(self.target)
        rare = min(max(rows // _ROWS_PER_RARE, _RAREST), _RARE)
        names = ("learning_rate", "max_depth", "feature_fraction", "bagging_fraction", "lambda_l2")
        return {
            **_FIXED,
            **{name: chosen[name] for name in names},
            "num_leaves": 2 ** int(chosen["max_depth"]),
            "min_data_in_leaf": max(_FEWEST_PER_LEAF, round(chosen["min_leaf_share"] * rows)),
            "scale_pos_weight": weight_of_defaults(self.target, float(chosen["positive_weight_power"])),
            "min_data_per_group": rare,
            "cat_smooth": rare // 2,
            "cat_l2": rare // 2,
            **self._monotone(),
            "seed": seed,
            "num_threads": min(threads, threads_for(rows * len(self.columns))),
        }

    def _monotone(self) -> dict[str, Any]:
        declared = [column.monotone if column.kind == "numeric" else 0 for column in self.columns]
        if not any(declared):
            return {}
        return {"monotone_constraints": declared, "monotone_constraints_method": "advanced"}


def _best_round(prepared: Binned, chosen: dict[str, Any], seed: int, threads: int) -> int:
    """Boost on four fifths of the applications until the loss on the others has not fallen for a while."""
    import lightgbm

    learn, test = hold_out(prepared.target, seed, _HELD_OUT)
    settings = {**prepared.settings(chosen, seed, threads), "metric": "none"}
    parts = [prepared.data.subset(rows).construct() for rows in (learn, test)]
    # The booster comes last: LightGBM's number of threads is whatever was said last in the process.
    booster = lightgbm.Booster(settings, parts[0])
    booster.add_valid(parts[1], "held out")
    loss = _Loss(prepared.target[test], settings["scale_pos_weight"])
    # Slow learning needs more rounds to show that it leads nowhere.
    patience = math.ceil(_PATIENCE / chosen["learning_rate"])
    best, least = 0, math.inf
    for number in range(1, _MOST_ROUNDS + 1):
        booster.update()
        [(_, _, value, *_)] = booster.eval_valid(loss)
        if value < least:
            best, least = number, value
        elif number - best >= patience:
            break
    return best


@dataclass(frozen=True)
class _Loss:
    """Log loss of PDs whose odds were learnt `weight` times too high."""

    target: NDArray[np.int8]
    weight: float

    def __call__(self, weighted: NDArray[np.float64], data: Any) -> tuple[str, float, bool]:  # noqa: ARG002
        odds = weighted / (1.0 - weighted) / self.weight
        losses = np.where(self.target == 1, np.log1p(1.0 / odds), np.log1p(odds))
        return "log loss", float(losses.mean()), False
