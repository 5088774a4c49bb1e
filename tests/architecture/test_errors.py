from __future__ import annotations

import inspect
import re
from collections import Counter

from scorewright import errors
from scorewright.errors import ScorewrightError

Tree = dict[str, tuple[str | None, str | None]]
"""Name of a class -> name of the class above it, code of its own."""


def real_tree() -> Tree:
    classes = [value for _, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, ScorewrightError)]
    return {
        error.__name__: (
            None if error is ScorewrightError else error.__bases__[0].__name__,
            None if error is ScorewrightError else vars(error).get("code"),
        )
        for error in classes
    }


def drawn_tree(docstring: str) -> Tree:
    tree: Tree = {}
    above: list[str] = []
    for line in docstring.splitlines():
        drawn = re.fullmatch(r"    ((?:[|`]  |   |[|`]- )*)(\w+Error)(?: +([a-z-]+))?", line)
        if drawn:
            depth = len(drawn[1]) // 3
            above = [*above[:depth], drawn[2]]
            tree[drawn[2]] = (above[depth - 1] if depth else None, drawn[3])
    return tree


def test_the_drawn_tree_is_the_real_one() -> None:
    assert drawn_tree(errors.__doc__ or "") == real_tree()


def test_the_drawing_is_read_as_a_tree() -> None:
    drawing = "\n    Error\n    |- AError      a\n    |  `- BError   b\n    `- CError\n       `- DError   d\n"
    assert drawn_tree(drawing.replace("    Error", "    TopError")) == {
        "TopError": (None, None),
        "AError": ("TopError", "a"),
        "BError": ("AError", "b"),
        "CError": ("TopError", None),
        "DError": ("CError", "d"),
    }


def test_every_leaf_has_a_code_of_its_own() -> None:
    tree = real_tree()
    parents = {above for above, _ in tree.values()}
    assert [name for name, (_, code) in tree.items() if name not in parents and code is None] == []
    codes = Counter(code for _, code in tree.values() if code is not None)
    assert [code for code, times in codes.items() if times > 1] == []
    assert ScorewrightError.code not in codes


def test_every_error_says_what_it_means() -> None:
    assert [name for name in real_tree() if not inspect.getdoc(vars(errors)[name])] == []
