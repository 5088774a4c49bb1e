"""Shares of gain, read back from sealed trees."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray

from scorewright.errors import BundleCorruptError
from scorewright.models import tree_text
from scorewright.models.blend import Blend
from scorewright.models.linear import Linear, NumericTerm
from scorewright.models.tree_text import NAN_IS_MISSING, Tree
from scorewright.models.trees import Trees

DRAW = np.random.default_rng(4)
VALUES = np.column_stack([DRAW.normal(size=(1500, 3)), DRAW.integers(0, 12, 1500), np.full(1500, 0.1)])
TARGET = (VALUES[:, 0] + (VALUES[:, 3] % 3 == 0) + DRAW.normal(size=1500) > 1).astype(int)
FEATURES = VALUES.shape[1]


def boosted() -> lightgbm.Booster:
    settings = {"objective": "binary", "verbosity": -1, "num_threads": 1, "num_leaves": 8, "deterministic": True}
    return lightgbm.train(settings, lightgbm.Dataset(VALUES, TARGET, categorical_feature=[3]), 30)


BOOSTER = boosted()
TEXT = tree_text.canonical(BOOSTER.model_to_string(), FEATURES)
SEALED = Trees.load({tree_text.FILE: TEXT}, FEATURES)


def read_one_by_one(text: bytes) -> NDArray[np.float64]:
    """Add up the gains of the splits, line by line."""
    gained = np.zeros(FEATURES)
    for block in text.decode().split("\nTree=")[1:]:
        lines = dict(line.partition("=")[::2] for line in block.split("\n"))
        for feature, gain in zip(lines["split_feature"].split(), lines["split_gain"].split(), strict=True):
            gained[int(feature)] += float(gain)
    return gained


def test_shares_are_those_of_the_splits_and_of_the_booster_that_was_sealed() -> None:
    found, gained = SEALED.gains(), read_one_by_one(TEXT)
    assert found is not None
    np.testing.assert_allclose(found, gained / gained.sum(), rtol=1e-6)
    own = BOOSTER.feature_importance("gain")
    np.testing.assert_allclose(found, own / own.sum(), rtol=1e-5)
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert found[4] == 0.0


def test_a_forest_and_trees_sealed_without_gains_tell_none() -> None:
    numbers = np.array([0])
    one = Tree(
        feature=numbers,
        decision=np.array([NAN_IS_MISSING]),
        threshold=np.array([0.5]),
        left=np.array([-1]),
        right=np.array([-2]),
        split_rows=np.array([10]),
        leaf=np.array([0.1, 0.4]),
        leaf_rows=np.array([4, 6]),
        categories=(),
    )
    assert Trees.load({tree_text.FILE: tree_text.write([one], 1)}, 1).gains() is None
    before = "\n".join(line for line in TEXT.decode().split("\n") if not line.startswith("split_gain"))
    old = Trees.load({tree_text.FILE: before.encode()}, FEATURES)
    assert old.gains() is None
    np.testing.assert_array_equal(old.score(VALUES), SEALED.score(VALUES))
    np.testing.assert_array_equal(old.contributions(VALUES), SEALED.contributions(VALUES))


def test_a_blend_tells_the_gains_of_its_trees() -> None:
    linear = Linear(0.1, tuple(NumericTerm(f"x{at}", 0.0, 1.0, 5.0, 0.3, 0.0, 0.0) for at in range(FEATURES)))
    np.testing.assert_array_equal(Blend((linear, SEALED), (0.4, 0.6)).gains(), SEALED.gains())
    assert Blend((linear,), (1.0,)).gains() is None


@pytest.mark.parametrize("gains", ["1e999", "nan", "1 2 3 4 5 6 7 8", "inf", ""])
def test_gains_that_are_no_numbers_are_refused(gains: str) -> None:
    lines = TEXT.decode().split("\n")
    first = next(number for number, line in enumerate(lines) if line.startswith("split_gain"))
    lines[first] = f"split_gain={gains}"
    with pytest.raises(BundleCorruptError):
        Trees.load({tree_text.FILE: "\n".join(lines).encode()}, FEATURES)
