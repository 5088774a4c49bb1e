"""Recourse through a whole model: raw rows are changed, scored, and scored again by themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from scorewright.domain.explanations import Option, Recourse
from scorewright.errors import PortfolioError
from scorewright.explain.recourse import APPROVED_ALREADY, NOTHING_LEADS_THERE, NOTHING_TO_CHANGE
from scorewright.flows.champion import LoadedModel
from scorewright.flows.recourse import find_recourse
from scorewright.tables.turning import STEPS
from tests.unit.flows.small_book import BOOK, RULES, THRESHOLD, made_model

INCOME = """
[recourse.levers.income]
label = { en = "Show further income", fr = "Justifier d'autres revenus" }
columns = ["income"]
direction = "increase"
limit = 3.0
"""
PURPOSE = """
[recourse.levers.purpose]
label = { en = "Buy something else", fr = "Acheter autre chose" }
columns = ["purpose"]
to = ["home", "car"]
replaces = ["travel"]
"""
RECOURSE = "[recourse]\n" + INCOME + PURPOSE
FULL = BOOK + RULES.format(more="") + RECOURSE

#: PDs fall with income: from here on they are below the threshold.
ENOUGH = 1500 * (1.5 - math.log(THRESHOLD / (1 - THRESHOLD)))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return made_model(tmp_path_factory.mktemp("data"), FULL)


def body(**changed: Any) -> dict[str, Any]:
    row = {"loan id": "x", "income": 2000.0, "order": 1, "purpose": "car"}
    return {"application": {**row, **changed}}


def recourse(model: LoadedModel, **changed: Any) -> Recourse:
    return find_recourse(model.scorer, model.scorer.read(body(**changed)))


def after(option: Option, **before: Any) -> Mapping[str, Any]:
    """The application as a client would send it again."""
    return body(**{**before, **{change.column.removeprefix("application."): change.new for change in option.changes}})


def test_the_least_income_that_is_enough(model: LoadedModel) -> None:
    (option,) = recourse(model, income=2000.0).options
    (change,) = option.changes
    assert (change.lever, change.column, change.rows, change.old) == ("income", "application.income", 1, 2000.0)
    # Steps of 4 % of 2000, in round tens.
    assert change.new == math.ceil(ENOUGH / 80) * 80 == 3600
    assert option.effort == pytest.approx((3600 / 2000 - 1) / 2)
    assert (option.outcome, option.labels[0].fr) == ("approve", "Justifier d'autres revenus")
    assert option.pd == pytest.approx(1 / (1 + math.exp(3600 / 1500 - 1.5)))


def test_a_hard_rule_is_met_by_the_only_lever_that_can(model: LoadedModel) -> None:
    """Who travels at order 0 is referred whatever the PD."""
    (option,) = recourse(model, income=5000.0, order=0, purpose="travel").options
    assert [(c.column, c.old, c.new) for c in option.changes] == [("application.purpose", "travel", "home")]
    assert option.effort == 0.5


def test_rule_and_score_together(model: LoadedModel) -> None:
    (option,) = recourse(model, income=2000.0, order=0, purpose="travel").options
    assert {change.lever for change in option.changes} == {"income", "purpose"}
    assert len(option.labels) == 2


def test_a_loan_that_is_approved_needs_none(model: LoadedModel) -> None:
    assert recourse(model, income=5000.0) == Recourse(none_because=APPROVED_ALREADY)


def test_nothing_leads_there(model: LoadedModel) -> None:
    """Three times 1000 is not enough."""
    found = recourse(model, income=1000.0)
    assert (found.options, found.none_because) == ((), NOTHING_LEADS_THERE)
    assert found.tried > 0


def test_nothing_to_change(model: LoadedModel) -> None:
    """An income that is not known is not moved, and the purpose is none that is left."""
    assert recourse(model, income=None) == Recourse(none_because=NOTHING_TO_CHANGE)


def test_without_levers_nothing_is_found(tmp_path: Path) -> None:
    assert recourse(made_model(tmp_path)).none_because == NOTHING_TO_CHANGE


def test_what_a_lever_must_keep_is_kept(tmp_path: Path) -> None:
    """A lever that must keep the very feature it moves leads nowhere; a feature that is not there binds nothing."""
    kept = made_model(tmp_path, BOOK + "[recourse]\n" + INCOME + 'keeps = ["income"]\n')
    assert recourse(kept).none_because == NOTHING_LEADS_THERE
    other = made_model(tmp_path, BOOK + "[recourse]\n" + INCOME + 'keeps = ["order", "none_such"]\n')
    assert recourse(other).options


def test_a_lever_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    model = made_model(tmp_path, BOOK + "[recourse]\n" + INCOME.replace('"income"', '"incom"'))
    with pytest.raises(PortfolioError, match="names no column: application.incom"):
        recourse(model)


def test_one_application_at_a_time(model: LoadedModel) -> None:
    tables = model.scorer.read(body())
    two = {"application": pl.concat([tables["application"]] * 2)}
    with pytest.raises(ValueError, match="one application at a time"):
        find_recourse(model.scorer, two)


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("purpose", ["car", "travel", None])
@pytest.mark.parametrize("income", [1100.0, 1199.5, 1300.0, 1801.0, 2345.67, 3500.0])
def test_brute_force(model: LoadedModel, income: float, purpose: str | None, order: int) -> None:
    """Every step of income times every purpose, by hand: an option is found where one is, and none is much easier."""
    contract = model.scorer.bundle.contents.contract.tables["application"]["income"]
    before: dict[str, Any] = {"income": income, "purpose": purpose, "order": order}
    found = recourse(model, **before)
    efforts = []
    for step, place in product(range(STEPS + 1), range(3 if purpose == "travel" else 1)):
        new = income * (1 + 2 * step / STEPS)
        at_most = contract.maximum is not None and new <= contract.maximum
        far = order == 0 and purpose == "travel" and place == 0
        if at_most and new >= ENOUGH + 10 and not far:
            efforts.append(step / STEPS + place / 2)
    assert bool(found.options) == bool(efforts)
    for option in found.options:
        again = model.scorer.score(model.scorer.read(after(option, **before)))
        assert again.decided.approved[0]
        assert np.float64(option.pd) == again.pd[0]
        assert {change.column for change in option.changes} <= {"application.income", "application.purpose"}
    if efforts:
        assert found.options[0].effort <= min(efforts) + 1e-9
