"""What an application brings, from the portfolio to the decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scorewright.domain.service import Judged, Wish
from scorewright.errors import ColumnsError, CoverageError, RangesError, ScorewrightError
from scorewright.flows.decide import ModelService
from tests.made_up import loans
from tests.unit.flows.small_book import BOOK, MONEY, made_model

WHOLE: dict[str, Any] = {"loan id": "L1", "income": 4000.0, "order": 1, "purpose": "car"}


def service(folder: Path, inputs: str = "") -> ModelService:
    return ModelService(made_model(folder, BOOK + MONEY + (f"[inputs]\n{inputs}\n" if inputs else "")))


def body(**changed: Any) -> dict[str, Any]:
    return {"application": {**WHOLE, **changed}}


def test_a_decision_says_how_much_was_there_and_what_is_unusual(tmp_path: Path) -> None:
    deciding = service(tmp_path)
    usual = deciding.decide(body())
    assert (usual.coverage, usual.outside) == (1.0, ())
    less, more = deciding.decide(body(purpose=None)), deciding.decide(body(income=1e7))
    assert 0.0 < float(less.coverage or 0.0) < 1.0
    assert more.outside == ("application.income",)


def test_the_bits_of_the_pd_do_not_depend_on_what_is_asked_for(tmp_path: Path) -> None:
    plain = service(tmp_path).decide(body())
    asked = service(tmp_path, 'coverage = 1.0\nranges = "refuse"').decide(body())
    assert (asked.pd, asked.outcome, asked.interval) == (plain.pd, plain.outcome, plain.interval)


def test_too_little_or_too_strange_is_refused_alone_and_together(tmp_path: Path) -> None:
    deciding = service(tmp_path, 'coverage = 1.0\nranges = "refuse"')
    asked = [body(), body(purpose=None), body(income=1e7), {"application": {}}]
    together = deciding.decide_each([Wish(one) for one in asked])
    kinds = [type(one) for one in together]
    assert kinds == [Judged, CoverageError, RangesError, ColumnsError]
    for one, found in zip(asked[1:], together[1:], strict=True):
        with pytest.raises(ScorewrightError) as refused:
            deciding.decide(one)
        assert isinstance(found, ScorewrightError)
        assert (type(refused.value), str(refused.value)) == (type(found), str(found))
    assert isinstance(together[0], Judged)
    assert together[0].decision == deciding.decide(asked[0])


def test_a_refusal_tells_no_value(tmp_path: Path) -> None:
    with pytest.raises(RangesError) as refused:
        service(tmp_path, 'ranges = "refuse"').decide(body(income=98765432.0))
    assert "income" in str(refused.value)
    assert "98765432" not in str(refused.value)


def test_both_sides_of_a_simulation_are_looked_at(tmp_path: Path) -> None:
    found = service(tmp_path).simulate(body(), {"application": {"income": 1e7}})
    assert (found.before.outside, found.after.outside) == ((), ("application.income",))


def test_applications_of_files_are_not_measured(tmp_path: Path) -> None:
    loans().drop("status").write_csv(tmp_path / "new.csv")
    assert service(tmp_path, "coverage = 1.0").decide_from_folder(tmp_path, "L00000").coverage is None
