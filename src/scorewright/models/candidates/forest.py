"""A random forest, sealed as trees that LightGBM walks on the matrix as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scorewright.models import tree_text
from scorewright.models.candidates.preparation import (
    check_learnable,
    class_weights,
    fill_numbers,
    indicate_categories,
)
from scorewright.models.tree_text import CATEGORY_SPLIT, MISSING_GOES_LEFT, NAN_IS_MISSING, Tree
from scorewright.models.trees import Trees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scorewright.domain.matrix import FeatureMatrix
    from scorewright.models.seam import Parameters, ParameterValue, Suggest

_LARGEST_FLOAT32 = 3e38


@dataclass(frozen=True)
class RandomForest:
    """Random forest on mean-imputed numbers and one-hot categories.

    A leaf holds at least ``min_leaf_share`` of the applications, and at least 5. Defaults weigh
    ``(repaid / defaulted) ** positive_weight_power``. Each tree's tests are rewritten to
    bear on the matrix itself: a gap goes where the mean would go, a category's indicator becomes a test of the
    category. So the forest needs no preparation when it scores, and its contributions are those of whole features. What
    is declared monotone is not held to: means of leaves do not keep such promises.
    """

    name: str = "random_forest"
    tunable: bool = True

    def calibrated(self, parameters: Parameters) -> bool:  # noqa: ARG002 - the seam's
        """Means of leaves that were grown to be pure are not frequencies, whatever the weights."""
        return False

    def defaults(self) -> dict[str, ParameterValue]:
        """Give the parameters used without tuning."""
        return {
            "n_estimators": 150,
            "max_depth": 10,
            "max_samples": 0.4,
            "max_features": 0.12,
            "min_leaf_share": 0.0005,
            "positive_weight_power": 1.0,
        }

    def suggest(self, trial: Suggest) -> dict[str, ParameterValue]:
        """Draw the shape of the trees; their number stays."""
        return {
            "max_depth": trial.suggest_int("max_depth", 4, 14),
            "max_samples": trial.suggest_float("max_samples", 0.1, 0.9),
            "max_features": trial.suggest_float("max_features", 0.03, 0.4),
            "min_leaf_share": trial.suggest_float("min_leaf_share", 0.0002, 0.02, log=True),
            "positive_weight_power": trial.suggest_float("positive_weight_power", 0.0, 1.0),
        }

    def prepare(self, matrix: FeatureMatrix, target: NDArray[np.int8]) -> Design:
        """Fill the gaps and give each category its column, in single precision. Raises ``TrainingError``."""
        check_learnable(matrix, target)
        return _design(matrix, target)

    def settle(
        self,
        prepared: Design,  # noqa: ARG002 - the seam's
        parameters: Parameters,
        seed: int,  # noqa: ARG002 - the seam's
        threads: int = 1,  # noqa: ARG002 - the seam's
    ) -> dict[str, ParameterValue]:
        """Give the parameters back: nothing is left to find."""
        return dict(parameters)

    def fit(self, prepared: Design, parameters: Parameters, seed: int, threads: int = 1) -> Trees:
        """Grow the forest and seal it as ``Trees`` on the scale of probabilities."""
        from sklearn.ensemble import RandomForestClassifier

        chosen: dict[str, Any] = {**self.defaults(), **parameters}
        forest = RandomForestClassifier(
            n_estimators=int(chosen["n_estimators"]),
            max_depth=int(chosen["max_depth"]),
            min_samples_leaf=max(5, round(chosen["min_leaf_share"] * len(prepared.target))),
            max_features=float(chosen["max_features"]),
            max_samples=float(chosen["max_samples"]),
            class_weight=class_weights(prepared.target, float(chosen["positive_weight_power"])),
            n_jobs=threads,
            random_state=seed,
        ).fit(prepared.values, prepared.target)
        trees = (prepared.rewrite(estimator.tree_, len(forest.estimators_)) for estimator in forest.estimators_)
        text = tree_text.write(trees, prepared.features)
        return Trees.load({tree_text.FILE: text}, prepared.features)


@dataclass(frozen=True)
class Design:
    """What the forest learns from, and what each of its k columns stands for.

    Parameters
    ----------
    features : int
        Number of columns of the matrix.
    target : ndarray of int8, shape (n,)
        1 = defaulted.
    values : ndarray of float32, shape (n, k)
        Numbers with their gaps filled, then zeros and ones.
    column, category : ndarray of int64, shape (k,)
        Position of the column in the matrix, and the category; -1 for a number.
    mean : ndarray of float64, shape (k,)
        What fills a gap.
    """

    features: int
    target: NDArray[np.int8]
    values: NDArray[np.float32]
    column: NDArray[np.int64]
    mean: NDArray[np.float64]
    category: NDArray[np.int64]

    def rewrite(self, grown: Any, trees: int) -> Tree:
        """Turn one scikit-learn tree into one that adds its share of the mean, from the matrix's own columns."""
        is_split = grown.children_left >= 0
        tested = grown.feature[is_split]
        places = np.where(is_split, np.cumsum(is_split) - 1, -np.cumsum(~is_split))
        left, right = places[grown.children_left[is_split]], places[grown.children_right[is_split]]
        number = self.category[tested] < 0
        bound = widen(grown.threshold[is_split])
        decision = NAN_IS_MISSING + MISSING_GOES_LEFT * (self.mean[tested] <= bound)
        return Tree(
            feature=self.column[tested],
            decision=np.where(number, decision, CATEGORY_SPLIT),
            threshold=np.where(number, bound, np.cumsum(~number) - 1.0),
            # "Has not the category" is the left child there and the right child here.
            left=np.where(number, left, right),
            right=np.where(number, right, left),
            split_rows=grown.n_node_samples[is_split],
            leaf=grown.value[~is_split, 0, 1] / trees,
            leaf_rows=grown.n_node_samples[~is_split],
            categories=tuple(self.category[tested[~number]].tolist()),
        )


def widen(threshold: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the bound on float64 values that tests what scikit-learn tests on them cast to float32.

    Casting rounds to the nearest float32, ties to even: it keeps order, so ``float32(x) <= threshold`` holds exactly
    for the x up to the middle between the last float32 at or below the threshold and the next one, the middle itself
    included when it rounds down.

    Examples
    --------
    >>> bound = widen(np.array([0.1]))
    >>> [float(np.float32(x)) <= 0.1 for x in (bound[0], np.nextafter(bound[0], 1.0))]
    [True, False]
    """
    nearest = threshold.astype(np.float32)
    below = np.where(nearest.astype(np.float64) > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)
    above = np.nextafter(below, np.float32(np.inf))
    middle = (below.astype(np.float64) + above.astype(np.float64)) / 2.0
    rounds_down = middle.astype(np.float32).astype(np.float64) <= threshold
    return np.where(rounds_down, middle, np.nextafter(middle, -np.inf))


def _design(matrix: FeatureMatrix, target: NDArray[np.int8]) -> Design:
    numbers = fill_numbers(matrix.values, matrix.columns)
    categories = indicate_categories(matrix.values, matrix.columns)
    amount = len(numbers.at)
    values = np.empty((len(target), amount + len(categories.of)), dtype=np.float32)
    np.clip(numbers.filled, -_LARGEST_FLOAT32, _LARGEST_FLOAT32, out=values[:, :amount], casting="same_kind")
    values[:, amount:] = categories.values
    column = np.array([*numbers.at, *(at for at, _ in categories.of)], dtype=np.int64)
    category = np.array([*(-1 for _ in numbers.at), *(code for _, code in categories.of)], dtype=np.int64)
    return Design(
        features=len(matrix.columns),
        target=target,
        values=values,
        column=column,
        mean=np.concatenate([numbers.mean, np.zeros(len(categories.of))]),
        category=category,
    )
