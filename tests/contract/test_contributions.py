"""What every sealed model's contributions add up to, and that those of trees are the values of the shap library.

Asked for a LightGBM model, shap hands the question back to LightGBM. Here it is given the trees one by one, so that its
own code answers.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.flows.dataset import build_dataset, read_labelled
from scorewright.models.candidates import CANDIDATES, candidate
from scorewright.models.seam import Candidate, Model
from scorewright.models.trees import Trees
from scorewright.tables.portfolio import load_portfolio

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # shap draws with what a newer Matplotlib calls old
    import shap
    from shap.explainers._tree import SingleTree

ROWS = 1200
TREES = ["lightgbm", "random_forest"]
REAL = {"south_german_credit": "south_german_credit", "uci_credit_card": "uci_default_credit_card"}
Book = tuple[FeatureMatrix, NDArray[np.int8]]


def made_up() -> Book:
    """Make a book of numbers, of which each has gaps, and of a category."""
    draw = np.random.default_rng(5)
    values = np.column_stack([draw.normal(size=(ROWS, 3)), draw.integers(0, 6, ROWS)])
    risk = values[:, 0] * values[:, 1] + (values[:, 3] == 2) - 0.7
    target = (draw.random(ROWS) < 1 / (1 + np.exp(-2 * risk))).astype(np.int8)
    values[draw.random(values.shape) < 0.1] = np.nan
    kinds = {"a": (), "b": (), "c": (), "d": tuple("uvwxyz")}
    columns = tuple(
        FeatureColumn(name, "category" if known else "numeric", Label(name, name), (f"application.{name}",), known)
        for name, known in kinds.items()
    )
    return FeatureMatrix(pl.Series("key", np.arange(ROWS)), columns, values), target


def real(name: str, folder: Path) -> Book:
    """Read real applications, most of them left out."""
    dataset = build_dataset(read_labelled(load_portfolio(name), folder / REAL[name]), 0.25)
    rows = dataset.train_rows[:1500]
    return dataset.matrix.take(rows), dataset.target[rows]


@pytest.fixture(scope="module")
def book() -> Book:
    return made_up()


@pytest.fixture(scope="module", params=REAL)
def real_book(request: pytest.FixtureRequest, real_data: Path) -> Book:
    return real(request.param, real_data)


def fitted(of: Candidate, book: Book) -> Model:
    quick = {"n_estimators": 60, "lightgbm.n_estimators": 60, "max_depth": 6}
    chosen = {**of.defaults(), **{name: value for name, value in quick.items() if name in of.defaults()}}
    return of.fit(of.prepare(*book), chosen, 7)


def assert_additive(model: Model, values: NDArray[np.float64]) -> None:
    contributions = model.contributions(values)
    assert len(np.unique(contributions[:, -1])) == 1
    np.testing.assert_allclose(contributions.sum(axis=1), model.score(values), rtol=0, atol=1e-9)
    if model.scale == "log-odds":
        np.testing.assert_allclose(contributions.sum(axis=1), model.log_odds(values), rtol=0, atol=1e-9)


def shap_of(model: Trees, matrix: FeatureMatrix, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ask shap's own code of the sealed trees: shape (n, p + 1), its expected value last."""
    categories = np.array([column.kind == "category" for column in matrix.columns])
    trees = [SingleTree(_counted_from_one(tree)) for tree in model.booster.dump_model()["tree_info"]]
    explainer = shap.TreeExplainer(trees, feature_perturbation="tree_path_dependent")
    shares = explainer.shap_values(values + categories, check_additivity=False)
    base = np.full((len(values), 1), float(np.ravel(explainer.expected_value)[0]))
    return np.hstack([np.asarray(shares).reshape(values.shape), base])


def _counted_from_one(node: Any) -> Any:
    """Give categories the numbers that shap can read, which begin at one."""
    if not isinstance(node, dict):
        return node
    changed = {key: _counted_from_one(value) for key, value in node.items()}
    if node.get("decision_type") == "==":
        changed["threshold"] = "||".join(str(int(code) + 1) for code in node["threshold"].split("||"))
    return changed


@pytest.mark.parametrize("of", CANDIDATES, ids=lambda known: known.name)
def test_contributions_sum_to_the_margin(of: Candidate, book: Book) -> None:
    assert_additive(fitted(of, book), book[0].values)


@pytest.mark.parametrize("name", TREES)
def test_contributions_are_those_of_shap(name: str, book: Book) -> None:
    model = fitted(candidate(name), book)
    assert isinstance(model, Trees)
    values = book[0].values[:300]
    assert any("==" in str(tree) for tree in model.booster.dump_model()["tree_info"])
    np.testing.assert_allclose(model.contributions(values), shap_of(model, book[0], values), rtol=0, atol=1e-9)


def test_a_forests_contributions_are_those_of_shap_for_the_forest_of_scikit_learn() -> None:
    """Shap weighs branches by class weights; told how many rows of training went each way, it says what is sealed."""
    whole, target = made_up()
    draw = np.random.default_rng(6)
    values = draw.normal(size=(ROWS, 4)).astype(np.float32).astype(np.float64)
    columns = tuple(FeatureColumn(name, "numeric", Label(name, name), ("application.x",)) for name in "abcd")
    of = candidate("random_forest")
    chosen = {**of.defaults(), "n_estimators": 20, "max_depth": 6}
    model = of.fit(of.prepare(FeatureMatrix(whole.keys, columns, values), target), chosen, 7)
    forest = RandomForestClassifier(
        20,
        max_depth=6,
        min_samples_leaf=5,
        max_features=chosen["max_features"],
        max_samples=chosen["max_samples"],
        class_weight="balanced",
        random_state=7,
    ).fit(values, target)
    peer = shap.TreeExplainer({"trees": [_told(each.tree_, 20) for each in forest.estimators_]})
    shares = np.asarray(peer.shap_values(values[:300], check_additivity=False))
    np.testing.assert_allclose(model.contributions(values[:300])[:, :-1], shares.reshape(300, 4), rtol=0, atol=1e-9)
    np.testing.assert_allclose(model.contributions(values[:1])[0, -1], np.ravel(peer.expected_value)[0], atol=1e-9)


def _told(grown: Any, trees: int) -> dict[str, Any]:
    return {
        "children_left": grown.children_left,
        "children_right": grown.children_right,
        "children_default": grown.children_right,
        "features": grown.feature,
        "thresholds": grown.threshold.astype(np.float64),
        "values": grown.value[:, 0, 1:] / trees,
        "node_sample_weight": grown.n_node_samples.astype(np.float64),
    }


@pytest.mark.real
@pytest.mark.parametrize("of", CANDIDATES, ids=lambda known: known.name)
def test_contributions_sum_to_the_margin_on_real_data(of: Candidate, real_book: Book) -> None:
    assert_additive(fitted(of, real_book), real_book[0].values)


@pytest.mark.real
@pytest.mark.parametrize("name", TREES)
def test_contributions_are_those_of_shap_on_real_data(name: str, real_book: Book) -> None:
    model = fitted(candidate(name), real_book)
    assert isinstance(model, Trees)
    values = real_book[0].values[:200]
    np.testing.assert_allclose(model.contributions(values), shap_of(model, real_book[0], values), rtol=0, atol=1e-9)
