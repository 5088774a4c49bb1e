from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as reference

from scorewright.decision.costs import cost_per_application
from scorewright.decision.metrics import evaluate, evaluate_folds
from scorewright.domain.costs import CostMatrix
from scorewright.domain.measures import expected_calibration_error

COSTS = CostMatrix(7.0, 2.0)
NAMES = {
    *("auc", "gini", "ks", "accuracy", "brier", "log_loss", "ece", "cost", "approval_rate", "bad_rate"),
    *("true_positive", "false_positive", "true_negative", "false_negative"),
}


def population(decimals: int) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Rows whose PDs tie more the fewer decimals they have; with one, some PDs are exactly 0 for a default."""
    rng = np.random.default_rng(11)
    pd = rng.beta(1.0, 4.0, 3000)
    return pd.round(decimals), (rng.random(3000) < pd).astype(np.int8)


@pytest.mark.parametrize("decimals", [1, 2, 15])
def test_measures_agree_with_scikit_learn_and_scipy(decimals: int) -> None:
    pd, target = population(decimals)
    refused = pd >= 0.3
    metrics = evaluate(pd, target, 0.3, COSTS).metrics
    assert metrics["auc"] == pytest.approx(reference.roc_auc_score(target, pd), abs=1e-12)
    wins = stats.mannwhitneyu(pd[target == 1], pd[target == 0]).statistic
    assert metrics["gini"] == pytest.approx(2 * wins / (target.sum() * (1 - target).sum()) - 1, abs=1e-12)
    assert metrics["ks"] == pytest.approx(stats.ks_2samp(pd[target == 1], pd[target == 0]).statistic, abs=1e-12)
    assert metrics["brier"] == pytest.approx(reference.brier_score_loss(target, pd), abs=1e-12)
    assert metrics["log_loss"] == pytest.approx(reference.log_loss(target, pd), abs=1e-12)
    assert metrics["ece"] == pytest.approx(expected_calibration_error(pd, target), abs=1e-12)
    assert metrics["accuracy"] == pytest.approx(reference.accuracy_score(target, refused), abs=1e-12)
    counts = [metrics[name] for name in ("true_negative", "false_positive", "false_negative", "true_positive")]
    assert counts == reference.confusion_matrix(target, refused).ravel().tolist()


def test_rates_and_cost_are_their_definitions() -> None:
    pd, target = population(2)
    metrics = evaluate(pd, target, 0.3, COSTS).metrics
    assert metrics["approval_rate"] == pytest.approx(np.mean(pd < 0.3))
    assert metrics["bad_rate"] == pytest.approx(target[pd < 0.3].mean())
    assert metrics["cost"] == pytest.approx(cost_per_application(target, pd >= 0.3, COSTS))


def test_every_name_is_there_and_every_value_is_a_plain_float() -> None:
    metrics = evaluate(*population(2), 0.3, COSTS).metrics
    assert set(metrics) == NAMES
    assert {type(value) for value in metrics.values()} == {float}


def test_constant_pds_separate_nothing() -> None:
    metrics = evaluate(np.full(4, 0.2), np.array([0, 1, 0, 1]), 0.5, COSTS).metrics
    assert (metrics["auc"], metrics["gini"], metrics["ks"]) == (0.5, 0.0, 0.0)


@pytest.mark.parametrize("outcome", [0, 1])
def test_separation_is_left_out_where_one_outcome_is_absent(outcome: int) -> None:
    metrics = evaluate(np.array([0.1, 0.9]), np.full(2, outcome), 0.5, COSTS).metrics
    assert set(metrics) == NAMES - {"auc", "gini", "ks"}


def test_the_bad_rate_is_left_out_where_no_one_is_approved() -> None:
    metrics = evaluate(np.array([0.1, 0.9]), np.array([0, 1]), 0.0, COSTS).metrics
    assert set(metrics) == NAMES - {"bad_rate"}
    assert metrics["approval_rate"] == 0.0


def test_a_certain_and_wrong_pd_has_a_finite_loss() -> None:
    metrics = evaluate(np.array([0.0, 1.0]), np.array([1, 0]), 0.5, COSTS).metrics
    assert metrics["log_loss"] == pytest.approx(-np.log(np.finfo(np.float64).eps))


def test_folds_are_ranked_one_by_one() -> None:
    rng = np.random.default_rng(3)
    target, folds = rng.integers(0, 2, 200), np.arange(200) % 4
    pd = rng.random(200)
    told = evaluate_folds(pd, target, folds, 0.5, COSTS).metrics
    aucs = [reference.roc_auc_score(target[folds == fold], pd[folds == fold]) for fold in range(4)]
    assert told["auc"] == pytest.approx(np.mean(aucs), abs=1e-12)
    assert told["gini"] == pytest.approx(2 * np.mean(aucs) - 1, abs=1e-12)
    pooled = evaluate(pd, target, 0.5, COSTS).metrics
    ranking = {"auc", "gini", "ks"}
    assert {name: told[name] for name in pooled if name not in ranking} == {
        name: value for name, value in pooled.items() if name not in ranking
    }


def test_a_prior_learnt_in_each_fold_ranks_nothing() -> None:
    target = np.array([1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0])
    folds = np.repeat([0, 1], 6)
    pd = np.where(folds == 0, 2 / 6, 1 / 6)
    assert evaluate(pd, target, 0.5, COSTS).metrics["auc"] < 0.5
    assert evaluate_folds(pd, target, folds, 0.5, COSTS).metrics["auc"] == 0.5
