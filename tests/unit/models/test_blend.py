"""A blend against what its members say, and sealed files that are not those of a blend."""

from __future__ import annotations

import json

import numpy as np
import pytest

from scorewright.domain.matrix import FeatureColumn, Label
from scorewright.errors import BundleCorruptError
from scorewright.models import tree_text
from scorewright.models.blend import Blend
from scorewright.models.candidates import candidate
from scorewright.models.linear import CategoryTerm, Linear, NumericTerm
from scorewright.models.loading import load_model
from scorewright.models.prior import Prior
from scorewright.models.trees import Trees

LABEL = Label("x", "x")
COLUMNS = (
    FeatureColumn("amount", "numeric", LABEL, ("application.amount",)),
    FeatureColumn("kind", "category", LABEL, ("application.kind",), ("a", "b")),
)
LINEAR = Linear(
    -2.0, (NumericTerm("amount", 10.0, 4.0, 5.0, 0.8, 0.3, 0.1), CategoryTerm("kind", (0.5, -0.5), 0.0, 0.2))
)
# One split, on the amount at 12: 6 rows of training went left to -3, 2 right to 1. Their mean is -2.
TEXT = """tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=Column_0 Column_1
feature_infos=none none

Tree=0
num_leaves=2
num_cat=0
split_feature=0
threshold=12
decision_type=8
left_child=-1
right_child=-2
leaf_value=-3 1
leaf_count=6 2
internal_count=8
is_linear=0
shrinkage=1


end of trees
"""
TREES = Trees.load({tree_text.FILE: TEXT.encode()}, 2)
BLEND = Blend((LINEAR, TREES), (0.25, 0.75))
ROWS = np.array([[14.0, 0.0], [2.0, 1.0], [np.nan, np.nan]])


def test_scores_are_the_weighted_mean_of_log_odds() -> None:
    # By hand: 0.25 * (-2 + 0.8 * 1 - 0.1 + 0.5 - 0.2) + 0.75 * 1, and so on; a gap goes right in the tree.
    expected = [0.25 * -1.0 + 0.75 * 1.0, 0.25 * -4.4 + 0.75 * -3.0, 0.25 * -2.0 + 0.75 * 1.0]
    np.testing.assert_allclose(BLEND.score(ROWS), expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(BLEND.log_odds(ROWS), BLEND.score(ROWS))


def test_contributions_and_base_values_are_averaged_alike() -> None:
    amount = [0.25 * 0.7 + 0.75 * 3.0, 0.25 * -1.7 + 0.75 * -1.0, 0.25 * 0.2 + 0.75 * 3.0]
    kind = [0.25 * 0.3, 0.25 * -0.7, 0.25 * -0.2]
    expected = np.column_stack([amount, kind, np.full(3, -2.0)])
    np.testing.assert_allclose(BLEND.contributions(ROWS), expected, rtol=0, atol=1e-12)


def test_a_blend_is_loaded_from_its_members_own_files() -> None:
    files = BLEND.files()
    assert files.keys() == {"blend.json", "linear.json", "trees.txt"}
    assert load_model("linear", files, COLUMNS).files() == LINEAR.files()
    loaded = load_model("blend", files, COLUMNS)
    assert (loaded.kind, loaded.files()) == ("blend", files)
    np.testing.assert_array_equal(loaded.score(ROWS), BLEND.score(ROWS))


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("linear", 0.25), ("trees", 0.7)], "add up to 1"),
        ([("linear", 1.25), ("trees", -0.25)], "above 0"),
        ([("linear", 0.5), ("linear", 0.5)], "different ones of linear, trees"),
        ([("linear", 0.5), ("blend", 0.5)], "different ones of linear, trees"),
        ([("linear", 0.5), ("prior", 0.5)], "different ones of linear, trees"),
        ([("linear", "0.5"), ("trees", 0.5)], "finite number"),
        ([], "a blend needs"),
    ],
)
def test_members_that_make_no_blend_are_refused(members: list[tuple[str, object]], said: str) -> None:
    parts = [{"kind": kind, "weight": weight} for kind, weight in members]
    files = {**BLEND.files(), "blend.json": json.dumps({"members": parts}).encode()}
    with pytest.raises(BundleCorruptError, match=said):
        load_model("blend", files, COLUMNS)


@pytest.mark.parametrize("absent", ["linear.json", "trees.txt"])
def test_a_member_without_its_file_is_refused(absent: str) -> None:
    files = {name: content for name, content in BLEND.files().items() if name != absent}
    with pytest.raises(BundleCorruptError, match=absent):
        load_model("blend", files, COLUMNS)


def test_probabilities_are_no_log_odds() -> None:
    forest = Trees.load({tree_text.FILE: TEXT.replace("objective=binary sigmoid:1\n", "").encode()}, 2)
    with pytest.raises(ValueError, match="members on log-odds"):
        Blend((LINEAR, forest), (0.5, 0.5))
    with pytest.raises(ValueError, match="different ones"):
        Blend((LINEAR, Prior(0.0)), (0.5, 0.5))


def test_the_candidate_passes_each_member_its_own_parameters() -> None:
    asked: dict[str, float] = {}

    class Middle:
        def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
            return asked.setdefault(name, (low * high) ** 0.5 if log else (low + high) / 2)

        def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
            return int(asked.setdefault(name, low))

    drawn = candidate("blend").suggest(Middle())
    assert drawn == asked
    assert {"linear_weight", "positive_weight_power", "logistic_regression.C", "lightgbm.max_depth"} <= drawn.keys()
    assert not [name for name in drawn if name.endswith(".positive_weight_power")]
    assert drawn.keys() <= candidate("blend").defaults().keys()
