"""Measure the shape of the source and hold it to its budget.

``python tools/shape.py [folder]`` prints one line per measure, names what is too large and then leaves with 1.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Function = ast.FunctionDef | ast.AsyncFunctionDef
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


@dataclass(frozen=True)
class Budget:
    """What a measure may be: a median, a size that nine in ten keep, and a size that none passes."""

    measure: str
    most: int
    none_above: int
    median_at_most: int | None = None


BODY = Budget("statement lines of a function", most=25, none_above=60, median_at_most=8)
FILE = Budget("lines of a file", most=350, none_above=500)
ARGUMENTS = Budget("arguments of a function", most=4, none_above=8)


@dataclass(frozen=True)
class Size:
    """One measured place."""

    place: str
    size: int


@dataclass(frozen=True)
class Shape:
    """Every measured place of a source tree."""

    bodies: tuple[Size, ...]
    files: tuple[Size, ...]
    arguments: tuple[Size, ...]

    def verdicts(self) -> Iterator[tuple[Budget, tuple[Size, ...]]]:
        """Pair each budget with the sizes it bounds."""
        yield BODY, self.bodies
        yield FILE, self.files
        yield ARGUMENTS, self.arguments


def measure(root: Path) -> Shape:
    """Measure every Python file under a folder."""
    bodies, files, arguments = [], [], []
    for path in sorted(root.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        files.append(Size(str(path), len(source.splitlines())))
        code = _code_lines(source)
        for function in _functions(ast.parse(source)):
            place = f"{path}:{function.lineno} {function.name}"
            bodies.append(Size(place, _body_lines(function, code)))
            arguments.append(Size(place, _argument_count(function)))
    return Shape(tuple(bodies), tuple(files), tuple(arguments))


def broken(budget: Budget, sizes: Sequence[Size]) -> list[str]:
    """Say every way in which sizes pass their budget; nothing where they keep it."""
    if not sizes:
        return [f"{budget.measure}: nothing to measure"]
    problems = [
        f"{item.place}: {item.size} {budget.measure}, none may pass {budget.none_above}"
        for item in sizes
        if item.size > budget.none_above
    ]
    large = sorted((item for item in sizes if item.size > budget.most), key=lambda item: -item.size)
    if len(large) * 10 > len(sizes):
        problems.append(
            f"{budget.measure}: {len(large)} of {len(sizes)} pass {budget.most}, one in ten may; the largest: "
            + ", ".join(f"{item.place} ({item.size})" for item in large[:8])
        )
    middle = median(item.size for item in sizes)
    if budget.median_at_most is not None and middle > budget.median_at_most:
        problems.append(f"{budget.measure}: the median is {middle:g}, at most {budget.median_at_most} is allowed")
    return problems


def summary(budget: Budget, sizes: Sequence[Size]) -> str:
    """Give the measure in one line."""
    ordered = sorted(item.size for item in sizes)
    ninth = ordered[max(0, -(-9 * len(ordered) // 10) - 1)]
    spread = f"median {median(ordered):g}, 9 in 10 <= {ninth}, max {ordered[-1]}"
    return f"{budget.measure}: {len(ordered)} measured, {spread}"


def _functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _code_lines(source: str) -> set[int]:
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def _body_lines(function: Function, code: set[int]) -> int:
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    if not body:
        return 0
    return len(code & set(range(body[0].lineno, (body[-1].end_lineno or body[-1].lineno) + 1)))


def _argument_count(function: Function) -> int:
    taken = function.args
    names = [item.arg for item in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)]
    stars = sum(star is not None for star in (taken.vararg, taken.kwarg))
    return len(names) - (names[:1] in (["self"], ["cls"])) + stars


def main(arguments: Sequence[str]) -> int:
    """Print the measures of a folder and what breaks its budget."""
    shape = measure(Path(arguments[0] if arguments else "src"))
    problems = []
    for budget, sizes in shape.verdicts():
        if sizes:
            print(summary(budget, sizes))
        problems += broken(budget, sizes)
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
