from __future__ import annotations

import math

import pytest

from scorewright.domain.evaluation import Evaluation, Interval
from scorewright.report.numbers import percent, plain, setting, signed, span, with_span


@pytest.mark.parametrize("absent", [None, math.nan, math.inf])
def test_what_is_not_defined_is_a_dash(absent: float | None) -> None:
    assert plain(absent) == percent(absent) == signed(absent) == "–"
    assert span(None) == "–"


def test_numbers_are_written_for_people() -> None:
    assert percent(0.0312) == "3.1%"
    assert signed(-0.5, 2) == "−0.50"
    measured = Evaluation({"auc": 0.75, "cost": 0.5}, {"auc": Interval(0.75, 0.7, 0.8)})
    assert with_span(measured, "auc", ".2f") == "0.75 (0.70 to 0.80)"
    assert with_span(measured, "cost", ".2f") == "0.50"
    assert [setting(value) for value in (True, None, 3, 0.05, "gbdt")] == ["yes", "none", "3", "0.05", "gbdt"]
