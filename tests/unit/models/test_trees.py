"""Scores and contributions of trees, against trees walked by hand and Shapley's own formula."""

from __future__ import annotations

import itertools
import math

import lightgbm
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.models import tree_text
from scorewright.models.candidates import candidate
from scorewright.models.candidates.forest import widen
from scorewright.models.seam import Candidate, Model, Parameters
from scorewright.models.tree_text import CATEGORY_SPLIT, MISSING_GOES_LEFT, NAN_IS_MISSING, Tree
from scorewright.models.trees import Trees

# By hand: column 0 at most 1.5 (a gap goes left)? Then is column 1 category 33? Leaves 0.1, 0.2, 0.7.
HAND = Tree(
    feature=np.array([0, 1]),
    decision=np.array([NAN_IS_MISSING + MISSING_GOES_LEFT, CATEGORY_SPLIT]),
    threshold=np.array([1.5, 0.0]),
    left=np.array([1, -1]),
    right=np.array([-3, -2]),
    split_rows=np.array([10, 6]),
    leaf=np.array([0.1, 0.2, 0.7]),
    leaf_rows=np.array([2, 4, 4]),
    categories=(33,),
)
NAN = np.nan


def fit(of: Candidate, matrix: FeatureMatrix, target: NDArray[np.int8], chosen: Parameters) -> Model:
    return of.fit(of.prepare(matrix, target), chosen, 7)


def load(*trees: Tree, features: int = 2) -> Trees:
    return Trees.load({tree_text.FILE: tree_text.write(trees, features)}, features)


@pytest.mark.parametrize(
    ("row", "score"),
    [((1.5, 33), 0.1), ((1.0, 32), 0.2), ((1.6, 33), 0.7), ((NAN, 33), 0.1), ((NAN, NAN), 0.2), ((9, NAN), 0.7)],
)
def test_a_tree_is_walked_as_it_is_written(row: tuple[float, float], score: float) -> None:
    assert load(HAND).score(np.array([row]))[0] == score


def test_the_base_value_is_the_mean_score_over_the_rows_of_training() -> None:
    assert load(HAND).contributions(np.array([[0.0, 1.0]]))[0, -1] == pytest.approx((2 * 0.1 + 4 * 0.2 + 4 * 0.7) / 10)


def test_a_tree_of_one_leaf_gives_everybody_the_same() -> None:
    none = np.zeros(0, dtype=np.int64)
    leaf = Tree(none, none, np.zeros(0), none, none, none, np.array([0.3]), np.array([5]), ())
    model = load(leaf, HAND)
    np.testing.assert_allclose(model.score(np.array([[1.0, 33.0], [2.0, 0.0]])), [0.4, 1.0])
    np.testing.assert_allclose(model.contributions(np.array([[1.0, 33.0]])).sum(), 0.4)


def expected(tree: Tree, row: NDArray[np.float64], known: frozenset[int], node: int = 0) -> float:
    """Mean of the leaves reachable when only the known columns are looked at, weighted by their rows of training."""
    if node < 0:
        return float(tree.leaf[-1 - node])
    children = (int(tree.left[node]), int(tree.right[node]))
    column, value = int(tree.feature[node]), row[tree.feature[node]]
    if column in known:
        if tree.decision[node] == CATEGORY_SPLIT:
            left = value == tree.categories[int(tree.threshold[node])]
        else:
            left = bool(tree.decision[node] & MISSING_GOES_LEFT) if np.isnan(value) else value <= tree.threshold[node]
        return expected(tree, row, known, children[0 if left else 1])
    rows = [tree.split_rows[child] if child >= 0 else tree.leaf_rows[-1 - child] for child in children]
    means = [expected(tree, row, known, child) for child in children]
    return float(np.average(means, weights=rows))


def shapley(trees: list[Tree], row: NDArray[np.float64]) -> list[float]:
    """Mean marginal contribution over all orders of the columns."""
    shares = np.zeros(len(row))
    for order in itertools.permutations(range(len(row))):
        for at, column in enumerate(order):
            before = frozenset(order[:at])
            shares[column] += sum(expected(t, row, before | {column}) - expected(t, row, before) for t in trees)
    return list(shares / math.factorial(len(row)))


def forest(rows: int = 300) -> tuple[FeatureMatrix, NDArray[np.int8]]:
    draw = np.random.default_rng(2)
    values = draw.normal(size=(rows, 4))
    values[:, 3] = draw.integers(0, 4, rows)
    risk = values[:, 0] * values[:, 1] + (values[:, 3] == 2) - 0.5
    target = (draw.random(rows) < 1 / (1 + np.exp(-2 * risk))).astype(np.int8)
    values[draw.random(values.shape) < 0.1] = np.nan
    label = Label("x", "x")
    columns = tuple(
        FeatureColumn(name, "category" if categories else "numeric", label, (f"application.{name}",), categories)
        for name, categories in (("a", ()), ("b", ()), ("c", ()), ("d", ("w", "x", "y", "z")))
    )
    return FeatureMatrix(pl.Series("key", np.arange(rows)), columns, values), target


def test_contributions_are_the_values_of_shapley() -> None:
    matrix, target = forest()
    trees: list[Tree] = []
    model = fit(candidate("random_forest"), matrix, target, {"n_estimators": 4, "max_features": 1.0})
    trees = [_read(block) for block in model.files()[tree_text.FILE].decode().split("\nTree=")[1:]]
    assert any(tree.categories for tree in trees)
    for row in matrix.values[:12]:
        np.testing.assert_allclose(model.contributions(row[None])[0, :4], shapley(trees, row), atol=1e-12)


def _read(block: str) -> Tree:
    """Read one tree again, without the code under test."""
    found = {key: value.split() for key, _, value in (line.partition("=") for line in block.split("\n")[1:])}
    whole = {key: np.array(found[key], dtype=np.int64) for key in found if key not in {"threshold", "leaf_value", ""}}
    bits = whole.get("cat_threshold", np.zeros(0))
    return Tree(
        feature=whole["split_feature"],
        decision=whole["decision_type"],
        threshold=np.array(found["threshold"], dtype=float),
        left=whole["left_child"],
        right=whole["right_child"],
        split_rows=whole["internal_count"],
        leaf=np.array(found["leaf_value"], dtype=float),
        leaf_rows=whole["leaf_count"],
        categories=tuple(int(word).bit_length() - 1 for word in bits),
    )


def test_rows_of_training_add_up_along_the_tree() -> None:
    matrix, target = forest()
    model = fit(candidate("random_forest"), matrix, target, {"n_estimators": 3})
    for block in model.files()[tree_text.FILE].decode().split("\nTree=")[1:]:
        tree = _read(block)
        below = [
            sum(tree.split_rows[child] if child >= 0 else tree.leaf_rows[-1 - child] for child in pair)
            for pair in zip(tree.left, tree.right, strict=True)
        ]
        assert below == tree.split_rows.tolist()


@pytest.mark.parametrize("threshold", [0.1, -0.1, 0.0, 1.0, 1 + 2**-24, 1 + 3 * 2**-24, 1e-30, 16777217.0, -3.3e7])
def test_a_bound_tells_float64_apart_where_float32_would_be(threshold: float) -> None:
    bound = widen(np.array([threshold]))[0]
    assert float(np.float32(bound)) <= threshold
    assert float(np.float32(np.nextafter(bound, np.inf))) > threshold


def test_a_forest_agrees_with_scikit_learn_next_to_its_thresholds() -> None:
    draw = np.random.default_rng(9)
    values = draw.normal(size=(400, 1))
    target = (values[:, 0] + draw.normal(size=400) > 0).astype(np.int8)
    column = FeatureColumn("x", "numeric", Label("x", "x"), ("application.x",))
    matrix = FeatureMatrix(pl.Series("key", np.arange(400)), (column,), values)
    model = fit(candidate("random_forest"), matrix, target, {"n_estimators": 20, "max_features": 1.0})
    peer = RandomForestClassifier(
        20, max_depth=10, min_samples_leaf=5, max_features=1.0, max_samples=0.4, class_weight="balanced", random_state=7
    ).fit(values, target)
    bounds = np.concatenate([tree.tree_.threshold[tree.tree_.feature >= 0] for tree in peer.estimators_])
    near = np.concatenate(
        [np.nextafter(bounds, np.inf), bounds, *(widen(bounds) + step for step in (-1e-16, 0, 1e-16))]
    )
    np.testing.assert_allclose(model.score(near[:, None]), peer.predict_proba(near[:, None])[:, 1], atol=1e-12)


def test_sealed_trees_score_as_the_booster_that_was_sealed() -> None:
    draw = np.random.default_rng(8)
    values = np.column_stack([draw.normal(size=(2000, 3)), draw.integers(0, 70, (2000, 2))])
    risk = values[:, 0] + (values[:, 3] % 5 == 0) + 2.0 * (draw.random(2000) < 0.2)
    values[risk > 1.5, 1] = np.nan
    values[draw.random(values.shape) < 0.1] = np.nan
    target = (risk + draw.normal(size=2000) > 1).astype(int)
    settings = {"objective": "binary", "verbosity": -1, "num_threads": 1, "num_leaves": 31}
    booster = lightgbm.train(settings, lightgbm.Dataset(values, target, categorical_feature=[3, 4]), 60)
    text = tree_text.canonical(booster.model_to_string(), 5)
    assert b"inf" in text
    assert b"cat_boundaries" in text
    sealed = Trees.load({tree_text.FILE: text}, 5)
    np.testing.assert_array_equal(sealed.score(values), booster.predict(values, raw_score=True))
    np.testing.assert_array_equal(sealed.contributions(values), booster.predict(values, pred_contrib=True))
