from __future__ import annotations

from pathlib import Path

import pytest

from tools import shape

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def source() -> shape.Shape:
    return shape.measure(CHECKOUT / "src")


@pytest.mark.parametrize("which", [shape.BODY, shape.FILE, shape.ARGUMENTS], ids=lambda budget: budget.measure)
def test_source_keeps_its_budget(source: shape.Shape, which: shape.Budget) -> None:
    sizes = dict(source.verdicts())[which]
    assert shape.broken(which, sizes) == []


def sizes(*values: int) -> list[shape.Size]:
    return [shape.Size(f"file.py:{number}", value) for number, value in enumerate(values)]


def test_one_that_is_far_too_large_breaks_the_budget() -> None:
    (problem,) = shape.broken(shape.BODY, sizes(*[5] * 99, 61))
    assert "file.py:99: 61" in problem


def test_more_than_one_in_ten_large_breaks_the_budget() -> None:
    assert shape.broken(shape.BODY, sizes(*[5] * 90, *[26] * 10)) == []
    (problem,) = shape.broken(shape.BODY, sizes(*[5] * 89, *[26] * 11))
    assert "11 of 100" in problem


def test_a_high_median_breaks_the_budget() -> None:
    (problem,) = shape.broken(shape.BODY, sizes(9, 9, 9))
    assert "median is 9" in problem


def test_nothing_to_measure_is_no_success() -> None:
    assert shape.broken(shape.FILE, []) != []


def test_body_counts_statement_lines_only(tmp_path: Path) -> None:
    (tmp_path / "sample.py").write_text(
        '''def counted(self, a, /, b, *rest, c, **more):
    """A docstring,

    of some lines.
    """
    # A comment.

    value = [
        1,
    ]
    return value  # four lines in all


class Some:
    def method(self, a):
        """Nothing but words."""
''',
        encoding="utf-8",
    )
    measured = shape.measure(tmp_path)
    assert [(item.place.rsplit(" ", 1)[1], item.size) for item in measured.bodies] == [("counted", 4), ("method", 0)]
    assert [item.size for item in measured.arguments] == [5, 1]
    assert [item.size for item in measured.files] == [16]


def test_command_fails_on_a_tree_that_breaks_the_budget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "long.py").write_text("value = 1\n" * 501, encoding="utf-8")
    assert shape.main([str(tmp_path)]) == 1
    assert "long.py: 501 lines of a file, none may pass 500" in capsys.readouterr().err
