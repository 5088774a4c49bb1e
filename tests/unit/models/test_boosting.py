"""What becomes of LightGBM's parameters, against LightGBM itself."""

from __future__ import annotations

import lightgbm
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.models.candidates.boosting import Boosting

QUICK = {"learning_rate": 0.1, "feature_fraction": 0.9, "lambda_l2": 1.0}


def sample(rows: int = 1500, seed: int = 4) -> tuple[FeatureMatrix, NDArray[np.int8]]:
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(rows, 5))
    risk = values[:, 0] + np.abs(values[:, 1]) - 2.0
    target = (draw.random(rows) < 1 / (1 + np.exp(-risk))).astype(np.int8)
    values[draw.random(values.shape) < 0.1] = np.nan
    columns = tuple(FeatureColumn(name, "numeric", Label(name, name), (f"a.{name}",)) for name in "abcde")
    return FeatureMatrix(pl.Series("key", np.arange(rows)), columns, values), target


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_sealed_trees_are_those_of_lightgbm(power: float) -> None:
    matrix, target = sample()
    of = Boosting()
    chosen = {**of.defaults(), **QUICK, "n_estimators": 30, "positive_weight_power": power}
    model = of.fit(of.prepare(matrix, target), chosen, 7)
    peer = lightgbm.train(
        {
            "objective": "binary",
            "verbosity": -1,
            "num_threads": 1,
            "deterministic": True,
            "force_col_wise": True,
            "seed": 7,
            "learning_rate": 0.1,
            "max_depth": chosen["max_depth"],
            "num_leaves": 2 ** int(chosen["max_depth"]),
            "feature_fraction": 0.9,
            "bagging_fraction": chosen["bagging_fraction"],
            "bagging_freq": 1,
            "lambda_l2": 1.0,
            "min_data_in_leaf": of.prepare(matrix, target).settings(chosen, 7, 1)["min_data_in_leaf"],
            "scale_pos_weight": ((target == 0).sum() / target.sum()) ** power,
            "feature_pre_filter": False,
        },
        lightgbm.Dataset(matrix.values, target),
        30,
    )
    np.testing.assert_array_equal(model.score(matrix.values), peer.predict(matrix.values, raw_score=True))
    np.testing.assert_array_equal(model.contributions(matrix.values), peer.predict(matrix.values, pred_contrib=True))


def test_early_stopping_finds_about_as_many_rounds_as_fresh_applications_want() -> None:
    matrix, target = sample(4000)
    fresh, outcomes = sample(20_000, seed=5)
    of = Boosting()
    prepared = of.prepare(matrix, target)
    settled = of.settle(prepared, QUICK, 7)
    assert settled == {**of.defaults(), **QUICK, "n_estimators": settled["n_estimators"]}

    def loss(rounds: int) -> float:
        log_odds = of.fit(prepared, {**settled, "n_estimators": rounds}, 7).score(fresh.values)
        return float(np.logaddexp(0.0, np.where(outcomes == 1, -log_odds, log_odds)).mean())

    found = loss(int(settled["n_estimators"] or 0))
    assert found < min(loss(3), loss(400))
    assert found < min(loss(rounds) for rounds in (25, 50, 75, 100, 150)) + 0.003


def test_weights_do_not_stop_the_learning_early() -> None:
    matrix, target = sample(4000)
    of = Boosting()
    prepared = of.prepare(matrix, target)
    rounds = [
        int(of.settle(prepared, {**QUICK, "positive_weight_power": power}, 7)["n_estimators"] or 0)
        for power in (0.0, 1.0)
    ]
    assert rounds[1] > rounds[0] / 2


def test_trees_go_no_deeper_than_they_may() -> None:
    matrix, target = sample()
    of = Boosting()
    prepared = of.prepare(matrix, target)
    for depth in (3, 5):
        chosen = {**QUICK, "n_estimators": 5, "max_depth": depth}
        text = of.fit(prepared, chosen, 7).files()["trees.txt"].decode()
        leaves = [int(line.partition("=")[2]) for line in text.split("\n") if line.startswith("num_leaves=")]
        assert 2 ** (depth - 1) < max(leaves) <= 2**depth
