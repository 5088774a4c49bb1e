"""LightGBM: gradient-boosted trees, gaps and categories taken as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scorewright.models import tree_text
from scorewright.models.trees import Trees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureMatrix
    from scorewright.models.seam import Parameters, ParameterValue, Suggest

_FIXED = {
    "objective": "binary",
    "verbosity": -1,
    "deterministic": True,
    "force_col_wise": True,
    "bagging_freq": 1,
    "feature_pre_filter": False,
}
_FEWEST_PER_LEAF = 10
_ROWS_PER_RARE = 50
_RAREST, _RARE = 10, 200
_CELLS_PER_THREAD = 10_000_000


@dataclass(frozen=True)
class Boosting:
    """LightGBM on log-odds with balanced classes.

    A leaf holds at least ``min_leaf_share`` of the applications, and at least 10. Defaults are weighted by the number
    of applications repaid per default. Categories with few applications are pulled towards the mean, so that an
    employer with a handful of clients decides nothing.
    """

    name: str = "lightgbm"
    tunable: bool = True
    calibrated: bool = False

    def defaults(self) -> dict[str, ParameterValue]:
        """Give the parameters used without tuning."""
        return {
            "n_estimators": 500,
            "learning_rate": 0.03,
            "num_leaves": 8,
            "min_leaf_share": 0.002,
            "feature_fraction": 0.15,
            "bagging_fraction": 0.8,
            "lambda_l2": 20.0,
        }

    def suggest(self, trial: Suggest) -> dict[str, ParameterValue]:
        """Draw the pace, the shape and the penalties of the trees."""
        return {
            "n_estimators": trial.suggest_int("n_estimators", 150, 900),
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.1, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 4, 48, log=True),
            "min_leaf_share": trial.suggest_float("min_leaf_share", 0.0005, 0.03, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.1, 0.9),
            "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
            "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 200.0, log=True),
        }

    def fit(self, matrix: FeatureMatrix, target: NDArray[np.int8], parameters: Parameters, seed: int) -> Trees:
        """Boost the trees and seal them as ``Trees`` on the scale of log-odds."""
        import lightgbm

        chosen: dict[str, Any] = {**self.defaults(), **parameters}
        rounds = int(chosen.pop("n_estimators"))
        least = max(_FEWEST_PER_LEAF, round(chosen.pop("min_leaf_share") * len(target)))
        defaults = int(target.sum())
        weight = (len(target) - defaults) / defaults
        # Threads that wait for each other at every split cost more than they give until the matrix is large.
        threads = 1 if matrix.values.size < _CELLS_PER_THREAD else 2
        weighed = {"min_data_in_leaf": least, "scale_pos_weight": weight, **_rare_categories(len(target))}
        settings = {**_FIXED, **weighed, **chosen}
        categories = [position for position, column in enumerate(matrix.columns) if column.kind == "category"]
        data = lightgbm.Dataset(matrix.values, target, categorical_feature=categories)
        booster = lightgbm.train({**settings, "seed": seed, "num_threads": threads}, data, rounds)
        text = tree_text.canonical(booster.model_to_string(), len(matrix.columns))
        return Trees.load({tree_text.FILE: text}, len(matrix.columns))


def _rare_categories(rows: int) -> dict[str, int]:
    """How LightGBM groups and smooths categories: rare is a fiftieth of the applications, between 10 and 200."""
    rare = min(max(rows // _ROWS_PER_RARE, _RAREST), _RARE)
    return {"min_data_per_group": rare, "cat_smooth": rare // 2, "cat_l2": rare // 2}
