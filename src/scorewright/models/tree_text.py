"""LightGBM's text format: written for trees grown elsewhere, made canonical, and checked before it is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scorewright.models import numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = "trees.txt"
MOST_BYTES = 256 * 1024 * 1024
CATEGORY_SPLIT = 1
MISSING_GOES_LEFT = 2
NAN_IS_MISSING = 8

_END = "end of trees"
_HEADER = {
    "version": ("v4",),
    "num_class": ("1",),
    "num_tree_per_iteration": ("1",),
    "label_index": ("0",),
    "objective": ("binary sigmoid:1",),
    "max_feature_idx": None,
    "feature_names": None,
    "feature_infos": None,
}
_WHOLE_PER_SPLIT = ("split_feature", "decision_type", "left_child", "right_child", "internal_count")
_PER_TREE = {"num_leaves", "num_cat", "threshold", "leaf_value", "leaf_count", "is_linear", "shrinkage"}
_GAIN = "split_gain"
_KEYS = {*_PER_TREE, *_WHOLE_PER_SPLIT, "cat_boundaries", "cat_threshold", _GAIN}
_WHOLE = set("-0123456789 ")
_REAL = {*_WHOLE, *".+e"}
_BOUND = {*_REAL, *"inf"}  # LightGBM writes "is there a value?" as "at most infinity?"


@dataclass(frozen=True)
class Tree:
    """One binary tree in LightGBM's layout: m splits, m + 1 leaves.

    Parameters
    ----------
    feature, decision, left, right, split_rows : ndarray of int, shape (m,)
        Column tested; sum of the flags of this module; children, a leaf i written ``-1 - i``; rows of training met.
    threshold : ndarray of float64, shape (m,)
        A row goes left when its value is at most this. For a category split: position in `categories`.
    leaf, leaf_rows : ndarray, shape (m + 1,)
        Value of each leaf and the rows of training that ended there.
    categories : tuple of int
        For each category split in turn, the category that goes left.
    """

    feature: NDArray[np.int64]
    decision: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    split_rows: NDArray[np.int64]
    leaf: NDArray[np.float64]
    leaf_rows: NDArray[np.int64]
    categories: tuple[int, ...]


def write(trees: Iterable[Tree], features: int) -> bytes:
    """Write trees over `features` columns, whose leaves add up to the score."""
    blocks = [_block(number, tree) for number, tree in enumerate(trees)]
    return "\n".join([_header(features), *blocks, _END, ""]).encode()


def canonical(text: str, features: int) -> bytes:
    """Keep of LightGBM's own text what scores, the trees, and what each of their splits gained.

    Its settings and importances are dropped, and its ranges of the columns, which hold the smallest and largest values
    of training: those of single persons.
    """
    lines = text[text.index("\nTree=0") : text.index("\n" + _END)].split("\n")
    kept = [line for line in lines if not line or line.partition("=")[0] in {*_KEYS, "Tree"}]
    return "\n".join([_header(features, "objective=binary sigmoid:1")[:-1], *kept, _END, ""]).encode()


def _header(features: int, *more: str) -> str:
    names = " ".join(f"Column_{position}" for position in range(features))
    lines = ("tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0")
    known = (f"max_feature_idx={features - 1}", *more, f"feature_names={names}")
    return "\n".join((*lines, *known, f"feature_infos={' '.join(['none'] * features)}", ""))


def _block(number: int, tree: Tree) -> str:
    words = [1 << (category % 32) for category in tree.categories]
    ends = np.cumsum([0, *(category // 32 + 1 for category in tree.categories)])
    bits = np.zeros(int(ends[-1]), dtype=np.int64)
    bits[ends[1:] - 1] = words
    arrays = {
        "split_feature": tree.feature,
        "threshold": tree.threshold,
        "decision_type": tree.decision,
        "left_child": tree.left,
        "right_child": tree.right,
        "leaf_value": tree.leaf,
        "leaf_count": tree.leaf_rows,
        "internal_count": tree.split_rows,
    }
    if tree.categories:
        arrays |= {"cat_boundaries": ends, "cat_threshold": bits}
    lines = [f"{name}={' '.join(map(repr, array.tolist()))}" for name, array in arrays.items()]
    counts = [f"num_leaves={len(tree.leaf)}", f"num_cat={len(tree.categories)}"]
    return "\n".join([f"Tree={number}", *counts, *lines, "is_linear=0", "shrinkage=1", "", ""])


def check(content: bytes, features: int) -> bool:
    """Check that LightGBM can walk the trees without leaving them; tell whether they score log-odds.

    Raises
    ------
    BundleCorruptError
        When a header, a count, a child, a column or a value is not what the format and `features` columns allow.
    """
    try:
        header, *blocks = _pieces(content)
        log_odds = _check_header(header, features)
        for number, block in enumerate(blocks):
            _check_block(number, block, features)
    except (ValueError, KeyError, IndexError, OverflowError) as error:
        raise numbers.corrupt(FILE, str(error)[:200]) from error
    return log_odds


def _pieces(content: bytes) -> list[str]:
    if len(content) > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES} bytes")
    text = content.decode("ascii")
    if not text.endswith(f"\n{_END}\n"):
        raise ValueError("cut short")
    return text[: -len(_END) - 1].split("\nTree=")


def _pairs(lines: Iterable[str]) -> dict[str, str]:
    pairs = [line.partition("=") for line in lines if line]
    if any(not separator for _, separator, _ in pairs) or len({key for key, *_ in pairs}) != len(pairs):
        raise ValueError("lines must be distinct settings")
    return {key: value for key, _, value in pairs}


def _check_header(header: str, features: int) -> bool:
    first, *lines = header.split("\n")
    found = _pairs(lines)
    wrong = [key for key, value in found.items() if value not in (_HEADER[key] or (value,))]
    if first != "tree" or wrong or int(found["max_feature_idx"]) != features - 1:
        raise ValueError(f"a header for {features} columns is needed")
    if len(found["feature_names"].split()) != features or len(found["feature_infos"].split()) != features:
        raise ValueError(f"{features} names are needed")
    return "objective" in found


def _check_block(number: int, block: str, features: int) -> None:
    first, *lines = block.split("\n")
    found = _pairs(lines)
    leaves = int(found["num_leaves"])
    if first != str(number) or leaves < 1 or not found.keys() <= _KEYS or found.get("is_linear", "0") != "0":
        raise ValueError(f"tree {first[:20]} is out of place")
    if not np.isfinite(_reals(found, "leaf_value", leaves, _REAL)).all():
        raise ValueError("leaves must be finite")
    if leaves > 1:
        splits = {key: _wholes(found, key, leaves - 1) for key in _WHOLE_PER_SPLIT}
        if _wholes(found, "leaf_count", leaves).min() < 0 or splits["internal_count"].min() < 1:
            raise ValueError("rows must be counted")
        bounds = _reals(found, "threshold", leaves - 1, _BOUND)
        _check_splits(splits, leaves, features)
        _check_gains(found, leaves - 1)
        _check_categories(found, bounds[splits["decision_type"] % 2 == CATEGORY_SPLIT])


def _wholes(found: Mapping[str, str], key: str, length: int) -> NDArray[np.int64]:
    return np.array(_numerals(found, key, length, _WHOLE), dtype=np.int64)


def _reals(found: Mapping[str, str], key: str, length: int, alphabet: set[str]) -> NDArray[np.float64]:
    return np.array(_numerals(found, key, length, alphabet), dtype=np.float64)


def _numerals(found: Mapping[str, str], key: str, length: int, alphabet: set[str]) -> list[str]:
    numerals = found[key].split(" ")
    if len(numerals) != length or not alphabet.issuperset(found[key]):
        raise ValueError(f"{key} must have {length} numbers")
    return numerals


def _check_splits(splits: Mapping[str, NDArray[np.int64]], leaves: int, features: int) -> None:
    children = np.sort(np.concatenate([splits["left_child"], splits["right_child"]]))
    # Every leaf and every split but the root is the child of exactly one split: whatever the root reaches is a tree.
    if not np.array_equal(children, np.r_[np.arange(-leaves, 0), np.arange(1, leaves - 1)]):
        raise ValueError("splits must form one tree")
    if not (_positions(splits["split_feature"], features) and _positions(splits["decision_type"], 12)):
        raise ValueError(f"splits must test one of {features} columns")


def _check_gains(found: Mapping[str, str], splits: int) -> None:
    # A forest has none, and neither have trees sealed before gains were kept.
    if _GAIN in found and not np.isfinite(_reals(found, _GAIN, splits, _REAL)).all():
        raise ValueError("gains must be finite")


def _positions(array: NDArray[np.float64] | NDArray[np.int64], below: int) -> bool:
    return bool(((array >= 0) & (array < below) & (array == np.floor(array))).all())


def _check_categories(found: Mapping[str, str], used: NDArray[np.float64]) -> None:
    amount = int(found["num_cat"])
    if not _positions(used, amount):
        raise ValueError("category splits must point at their categories")
    if amount:
        ends = _wholes(found, "cat_boundaries", amount + 1)
        words = _wholes(found, "cat_threshold", int(ends[-1]))
        if ends[0] != 0 or (np.diff(ends) < 1).any() or (words < 0).any() or (words >= 2**32).any():
            raise ValueError("categories must be listed in order")
