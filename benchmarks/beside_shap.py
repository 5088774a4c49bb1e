"""The values of the shap library for sealed trees, by its own code.

Asked for a LightGBM model, shap hands the question back to LightGBM. Here it is given the trees one by one.

Shap keeps the categories of a split as the bits of a 32-bit number, and misreads more than some thirty. Yet a tree asks
of a category only in which sets of its splits it lies: categories that lie in the same ones get the same number here,
tree by tree, and where more than thirty numbers are left, the applications are dealt into parts.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.models.trees import Trees

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # shap draws with what a newer Matplotlib calls old
    import shap
    from shap.explainers._tree import SingleTree

MOST = 30
NOBODY = MOST + 1
Floats = NDArray[np.float64]
Sets = dict[int, list[frozenset[int]]]
#: In which sets of the splits of each categorical feature a row's category lies.
Signature = tuple[bool, ...]


def shap_of(model: Trees, values: Floats) -> Floats:
    """Give shap's values of n applications, shape (n, p + 1); its expected value comes last."""
    found = np.zeros((len(values), values.shape[1] + 1))
    for told in model.booster.dump_model()["tree_info"]:
        sets = _sets(told["tree_structure"])
        for rows in _parts(values, sets):
            found[rows] += _one_tree(told, sets, values[rows])
    return found


def _one_tree(told: dict[str, Any], sets: Sets, values: Floats) -> Floats:
    """Ask of one tree; the rows have at most thirty signatures of each feature."""
    if "split_index" not in told["tree_structure"]:
        alone = np.zeros((len(values), values.shape[1] + 1))
        alone[:, -1] = told["tree_structure"]["leaf_value"]
        return alone
    numbered, named = values.copy(), {}
    for feature, each in sets.items():
        signatures = _signatures(values[:, feature], each)
        named[feature] = {one: number for number, one in enumerate(sorted(set(signatures) - {None}), 1)}
        numbered[:, feature] = [np.nan if one is None else named[feature][one] for one in signatures]
    explainer = shap.TreeExplainer(
        [SingleTree({**told, "tree_structure": _renamed(told["tree_structure"], sets, named)})],
        feature_perturbation="tree_path_dependent",
    )
    shares = np.asarray(explainer.shap_values(numbered, check_additivity=False)).reshape(values.shape)
    return np.hstack([shares, np.full((len(values), 1), float(np.ravel(explainer.expected_value)[0]))])


def _by_category(node: dict[str, Any]) -> bool:
    return bool(node.get("decision_type") == "==")


def _inside(node: dict[str, Any]) -> frozenset[int]:
    return frozenset(int(code) for code in str(node["threshold"]).split("||"))


def _sets(node: Any) -> Sets:
    """Sets of categories that the splits of a tree ask for, by feature."""
    found: Sets = defaultdict(list)
    waiting = [node]
    for each in waiting:
        if "split_index" in each:
            waiting += [each["left_child"], each["right_child"]]
            if _by_category(each):
                found[each["split_feature"]].append(_inside(each))
    return found


def _signatures(codes: Floats, sets: Sequence[frozenset[int]]) -> list[Signature | None]:
    return [None if np.isnan(code) else tuple(int(code) in each for each in sets) for code in codes.tolist()]


def _parts(values: Floats, sets: Sets) -> Iterator[NDArray[np.intp]]:
    """Deal the rows into parts of which none has more than thirty signatures of a feature."""
    place = np.zeros(len(values), dtype=np.intp)
    for feature, each in sets.items():
        signatures = _signatures(values[:, feature], each)
        number = {one: at for at, one in enumerate(sorted(set(signatures) - {None}))}
        place = place * (len(number) // MOST + 1)
        place += np.array([0 if one is None else number[one] // MOST for one in signatures], dtype=np.intp)
    return (np.flatnonzero(place == part) for part in np.unique(place))


def _renamed(node: Any, sets: Sets, named: dict[int, dict[Signature, int]]) -> Any:
    """Let each split by category ask for the numbers of the signatures instead."""
    if not isinstance(node, dict):
        return node
    changed = {key: _renamed(value, sets, named) for key, value in node.items()}
    if _by_category(node):
        feature = node["split_feature"]
        at = sets[feature].index(_inside(node))
        inside = [number for signature, number in named[feature].items() if signature[at]]
        changed["threshold"] = "||".join(map(str, inside or [NOBODY]))
    return changed
