"""Sealed files that were tampered with are refused, by their words and before anything is built."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.errors import BundleCorruptError
from scorewright.models.candidates import candidate
from scorewright.models.loading import load_model
from scorewright.models.seam import Model

LABEL = Label("x", "x")
COLUMNS = (
    FeatureColumn("amount", "numeric", LABEL, ("application.amount",)),
    FeatureColumn("kind", "category", LABEL, ("application.kind",), ("a", "b", "c")),
)


def fitted(name: str) -> Model:
    draw = np.random.default_rng(1)
    values = np.column_stack([draw.normal(size=120), draw.integers(0, 3, 120)]).astype(float)
    target = (draw.random(120) < 1 / (1 + np.exp(-values[:, 0] - 2.0 * (values[:, 1] == 1)))).astype(np.int8)
    matrix = FeatureMatrix(pl.Series("key", np.arange(120)), COLUMNS, values)
    of = candidate(name)
    return of.fit(of.prepare(matrix, target), {"n_estimators": 3, "max_features": 1.0}, 7)


@pytest.fixture(scope="module")
def linear() -> dict:
    return json.loads(fitted("logistic_regression").files()["linear.json"])


@pytest.fixture(scope="module")
def forest() -> str:
    text = fitted("random_forest").files()["trees.txt"].decode()
    assert load_model("trees", {"trees.txt": text.encode()}, COLUMNS).scale == "probability"
    return text


def refused(kind: str, name: str, content: bytes) -> str:
    with pytest.raises(BundleCorruptError, match="must be those that training sealed") as found:
        load_model(kind, {name: content}, COLUMNS)
    return str(found.value)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(BundleCorruptError, match="pickle.*none of prior, scorecard, linear, trees, blend"):
        load_model("pickle", {}, COLUMNS)


@pytest.mark.parametrize("kind", ["prior", "linear", "trees", "blend"])
@pytest.mark.parametrize("content", [None, b"", b"\x80\x04\x95", b"null", b"[]", b"{}", b"[" * 100_000, b"tree\n"])
def test_garbage_is_refused(kind: str, content: bytes | None) -> None:
    name = {"prior": "prior.json", "linear": "linear.json", "trees": "trees.txt", "blend": "blend.json"}[kind]
    with pytest.raises(BundleCorruptError, match=name):
        load_model(kind, {} if content is None else {name: content}, COLUMNS)


@pytest.mark.parametrize("value", ['"0.1"', "true", "null", "NaN", "Infinity", "1e999"])
def test_a_prior_must_be_a_finite_number(value: str) -> None:
    assert "finite number" in refused("prior", "prior.json", f'{{"log_odds": {value}}}'.encode())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda found: found["terms"].pop(),
        lambda found: found["terms"].reverse(),
        lambda found: found["terms"][0].update(scale=0.0),
        lambda found: found["terms"][0].update(reach=-5.0),
        lambda found: found["terms"][0].update(name="other"),
        lambda found: found["terms"][0].pop("mean"),
        lambda found: found["terms"][1]["coefficients"].pop(),
        lambda found: found["terms"][1].update(coefficients=None),
        lambda found: found["terms"].__setitem__(0, 3),
        lambda found: found.pop("base"),
    ],
)
def test_a_scorecard_for_other_columns_is_refused(linear: dict, spoil: Callable[[dict], object]) -> None:
    spoilt = json.loads(json.dumps(linear))
    spoil(spoilt)
    refused("linear", "linear.json", json.dumps(spoilt).encode())


def first(text: str, key: str, change: Callable[[list[str]], list[str]]) -> str:
    """Change the values of the first line of that key."""
    lines = text.split("\n")
    at = next(at for at, line in enumerate(lines) if line.startswith(f"{key}="))
    lines[at] = f"{key}=" + " ".join(change(lines[at].partition("=")[2].split(" ")))
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("split_feature", lambda found: ["2", *found[1:]]),
        ("split_feature", lambda found: ["-1", *found[1:]]),
        ("split_feature", lambda found: ["0.5", *found[1:]]),
        ("split_feature", lambda found: found[1:]),
        ("left_child", lambda found: ["0", *found[1:]]),
        ("left_child", lambda found: ["100000", *found[1:]]),
        ("right_child", lambda found: ["-100000", *found[1:]]),
        ("threshold", lambda found: ["nan", *found[1:]]),
        ("decision_type", lambda found: ["255", *found[1:]]),
        ("leaf_value", lambda found: ["inf", *found[1:]]),
        ("leaf_value", lambda found: ["", *found[1:]]),
        ("leaf_count", lambda found: ["-5", *found[1:]]),
        ("num_leaves", lambda found: ["1000000000"]),
        ("num_leaves", lambda found: ["0"]),
        ("num_cat", lambda found: ["7" if found == ["0"] else "0"]),
        ("num_cat", lambda found: ["1000000"]),
        ("cat_boundaries", lambda found: ["0", *("100000" for _ in found[1:])]),
        ("cat_boundaries", lambda found: ["1", *found[1:]]),
        ("left_child", lambda found: [f"{found[0]}.0", *found[1:]]),
        ("leaf_value", lambda found: ["1_0", *found[1:]]),
        ("cat_threshold", lambda found: ["-1", *found[1:]]),
        ("is_linear", lambda found: ["1"]),
        ("max_feature_idx", lambda found: ["2"]),
        ("num_class", lambda found: ["3"]),
        ("version", lambda found: ["v9"]),
        ("feature_names", lambda found: found[1:]),
        ("Tree", lambda found: ["1"]),
    ],
)
def test_trees_that_lead_astray_are_refused(forest: str, key: str, change: Callable[[list[str]], list[str]]) -> None:
    spoilt = first(forest, key, change)
    assert spoilt != forest
    refused("trees", "trees.txt", spoilt.encode())


@pytest.mark.parametrize("cut", [0.0, 0.3, 0.9, 0.999])
def test_trees_cut_short_are_refused(forest: str, cut: float) -> None:
    assert "cut short" in refused("trees", "trees.txt", forest[: int(cut * len(forest))].encode())


def test_settings_that_training_never_seals_are_refused(forest: str) -> None:
    refused("trees", "trees.txt", forest.replace("version=v4", "version=v4\ntree_sizes=999999999").encode())
    refused("trees", "trees.txt", forest.replace("num_cat=", "num_cat=0\nnum_cat=", 1).encode())


def test_trees_for_other_columns_are_refused(forest: str) -> None:
    with pytest.raises(BundleCorruptError, match="a header for 3 columns"):
        load_model("trees", {"trees.txt": forest.encode()}, (*COLUMNS, COLUMNS[0]))


def test_sealed_trees_hold_no_value_of_a_single_person() -> None:
    text = fitted("lightgbm").files()["trees.txt"].decode()
    assert "feature_infos=none none\n" in text
    assert "parameters" not in text
