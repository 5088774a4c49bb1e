from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from scorewright.domain.explanations import Reason, Reasons, Withheld
from scorewright.domain.matrix import FeatureColumn, Label
from scorewright.explain.reasons import ReasonBook, ReasonTerms, reason_terms
from scorewright.tables.portfolio import load_portfolio
from scorewright.tables.wording import FamilyWording, Wording

FIRM = chr(0xA0)
NARROW = chr(0x202F)


def same(text: str) -> Label:
    return Label(text, text)


def column(name: str, *sources: str, categories: tuple[str, ...] = ()) -> FeatureColumn:
    return FeatureColumn(name, "category" if categories else "numeric", same(f"the {name}"), sources, categories)


COLUMNS = (
    column("late_share", "loan.LATE", "loan.DUE"),
    column("late_recent", "loan.LATE"),
    column("income", "a.INCOME"),
    column("job", "a.JOB", categories=("cook", "nurse")),
    column("age", "a.AGE"),
    column("income_by_age", "a.INCOME", "a.AGE"),
    column("region_rate", "a.REGION"),
    column("rooms", "a.ROOMS"),
    column("rows"),
)
LATE = FamilyWording(
    "late",
    Label("Late payments", "Retards"),
    Label("{value} late; {typical} is typical.", "{value} en retard ; {typical} est habituel."),
    features=("late_*",),
    shown=("late_share", "late_recent"),
    unit="percent",
    plain=Label("{value} late.", "{value} en retard."),
    unknown=Label("No record of payments.", "Aucun historique."),
)
INCOME = FamilyWording(
    "income",
    same("Income"),
    Label("Income of {value}.", "Revenu de {value}."),
    sources=("a.INCOME", "a.AGE"),
    shown=("income_by_age", "income"),
    unit="money",
)
JOB = FamilyWording("job", same("Job"), same("{value}, not {typical}"), sources=("a.JOB",), shown=("job",), unit="text")
LABELS = {"a.REGION": same("Region"), "a.ROOMS": same("Rooms")}
TYPICAL: Mapping[str, float | str | None] = {"late_share": 0.02, "late_recent": None, "job": "nurse"}


def book(most: int = 4, *, typical: Mapping[str, float | str | None] = TYPICAL) -> ReasonBook:
    wording = Wording(most, ("a.REGION",), (LATE, INCOME, JOB))
    return ReasonBook(ReasonTerms(wording, LABELS, frozenset({"a.AGE"}), "DM"), COLUMNS, typical)


def given(
    found: ReasonBook,
    moved: Mapping[str, float],
    values: Mapping[str, float] | None = None,
    *,
    refused: bool = False,
) -> Reasons:
    log_odds = np.array([moved.get(each.name, 0.0) for each in COLUMNS])
    known = {"late_share": 0.125, "late_recent": 0.5, "income": 1234.0, "job": 0.0, "income_by_age": 30.0}
    row = np.array([(known | dict(values or {})).get(each.name, 1.0) for each in COLUMNS])
    return found.reasons(log_odds, -10.0 * log_odds, row, refused=refused)


def sentence(moved: Mapping[str, float], values: Mapping[str, float] | None = None, **how: object) -> Label:
    reasons = given(book(typical=how.get("typical", TYPICAL)), moved, values)  # type: ignore[arg-type]
    (reason,) = reasons.given
    return reason.sentence


def test_features_join_families() -> None:
    assert book().families == {
        "late_share": "late",
        "late_recent": "late",
        "income": "income",
        "job": "job",
        "age": "income",
        "income_by_age": "income",
        "region_rate": "a.REGION",
        "rooms": "a.ROOMS",
        "rows": ".rows",
    }


def test_a_name_counts_before_the_sources_whatever_the_order() -> None:
    first = FamilyWording("first", same("First"), sources=("a.*",))
    then = FamilyWording("then", same("Then"), features=("roo*",))
    found = ReasonBook(ReasonTerms(Wording(4, (), (first, then))), COLUMNS).families
    assert (found["rooms"], found["job"], found["late_recent"]) == ("then", "first", "loan.LATE")


def test_families_are_ranked_by_the_sum_over_their_features() -> None:
    found = given(book(), {"late_share": 0.3, "late_recent": -0.1, "job": 0.5, "rooms": 0.1, "income": -0.4})
    assert [reason.family for reason in found.given] == ["job", "late", "a.ROOMS"]
    late = found.given[1]
    assert late == Reason(
        "late",
        LATE.label,
        Label("12.5% late; 2% is typical.", f"12,5{NARROW}% en retard ; 2{NARROW}% est habituel."),
        pytest.approx(0.2),
        pytest.approx(-2.0),
        ("late_share", "late_recent"),
    )


def test_no_more_reasons_than_the_portfolio_states() -> None:
    moved = {"late_share": 0.4, "job": 0.3, "rooms": 0.2, "income": 0.1}
    assert [reason.family for reason in given(book(2), moved).given] == ["late", "job"]
    assert len(given(book(20), moved).given) == 4


def test_equals_keep_the_order_of_the_file() -> None:
    found = given(book(), {"rooms": 0.2, "job": 0.2, "late_share": 0.2})
    assert [reason.family for reason in found.given] == ["late", "job", "a.ROOMS"]


def test_what_spoke_for_the_applicant_is_no_reason() -> None:
    assert given(book(), {"late_share": -0.3, "job": 0.0}) == Reasons()


def test_a_refusal_below_the_average_names_what_spoke_least_for_the_applicant() -> None:
    moved = {"late_share": -0.3, "job": -0.1, "age": -0.05}
    assert [reason.family for reason in given(book(), moved, refused=True).given] == ["job"]
    assert given(book(), moved) == Reasons()
    assert given(book(), {}, refused=True) == Reasons()
    assert [reason.family for reason in given(book(), {"late_share": 0.1, "job": -0.1}, refused=True).given] == ["late"]


def test_a_feature_that_did_not_move_the_score_is_not_named() -> None:
    assert given(book(), {"late_recent": 0.1}).given[0].features == ("late_recent",)


def test_what_is_protected_or_stands_for_it_is_withheld_and_reported() -> None:
    found = given(book(), {"age": 0.2, "income_by_age": 0.4, "region_rate": 0.3, "income": 0.1, "late_share": 0.05})
    assert [(reason.family, reason.log_odds, reason.features) for reason in found.given] == [
        ("income", pytest.approx(0.1), ("income",)),
        ("late", pytest.approx(0.05), ("late_share",)),
    ]
    assert found.withheld == (
        Withheld("income", INCOME.label, pytest.approx(0.6), ("a.AGE",)),
        Withheld("a.REGION", LABELS["a.REGION"], pytest.approx(0.3), ("a.REGION",)),
    )
    assert book().withheld == {"age": ("a.AGE",), "income_by_age": ("a.AGE",), "region_rate": ("a.REGION",)}


def test_what_would_not_have_been_among_the_reasons_is_not_reported() -> None:
    found = given(book(2), {"late_share": 0.4, "job": 0.3, "age": 0.2, "region_rate": 0.1})
    assert ([reason.family for reason in found.given], found.withheld) == (["late", "job"], ())
    found = given(book(2), {"late_share": 0.4, "job": 0.3, "age": 0.35, "region_rate": 0.1})
    assert [reason.family for reason in found.given] == ["late", "job"]
    assert [each.family for each in found.withheld] == ["income"]


def test_a_proxy_may_be_a_pattern() -> None:
    found = ReasonBook(ReasonTerms(Wording(4, ("a.RE*", "loan.*"))), COLUMNS).withheld
    assert sorted(found) == ["late_recent", "late_share", "region_rate"]


def test_the_next_shown_feature_speaks_where_the_first_is_missing() -> None:
    moved = {"late_share": 0.1, "late_recent": 0.1}
    nothing = {"late_share": math.nan, "late_recent": math.nan}
    assert sentence(moved, {"late_share": math.nan}).en == "50% late."
    assert sentence(moved, nothing) == LATE.unknown


def test_a_value_that_spoke_for_the_applicant_is_not_quoted() -> None:
    assert sentence({"late_share": -0.1, "late_recent": 0.3}).en == "50% late."
    assert sentence({"late_share": -0.1, "late_recent": -0.1, "rooms": 0.1}) == same("Rooms")


def test_a_withheld_value_is_not_quoted() -> None:
    """The first feature to show is made with the age."""
    assert sentence({"income": 0.1}) == Label(f"Income of DM{FIRM}1,234.", f"Revenu de 1{NARROW}234{FIRM}DM.")


def test_a_value_is_compared_with_the_typical_one_where_that_is_known_and_another() -> None:
    assert sentence({"job": 0.1}) == same("cook, not nurse")
    assert sentence({"job": 0.1}, {"job": 1.0}) == same("Job")
    assert sentence({"job": 0.1}, typical={}) == same("Job")
    assert sentence({"late_share": 0.1}, typical={"late_share": math.nan}).en == "12.5% late."


def test_a_shown_feature_that_the_model_does_not_use_is_not_known() -> None:
    wording = Wording(4, (), (LATE,))
    found = ReasonBook(ReasonTerms(wording), (column("late_days", "loan.LATE"),))
    assert found.reasons(np.array([0.1]), np.array([-2.0]), np.array([3.0])).given[0].sentence == LATE.unknown


def test_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match="9 features have as many contributions"):
        book().reasons(np.zeros(9), np.zeros(9), np.zeros(8))


def test_terms_are_those_of_the_portfolio() -> None:
    terms = reason_terms(load_portfolio("uci_credit_card"))
    assert terms.protected == {"application.SEX", "application.MARRIAGE", "application.AGE"}
    assert terms.labels["application.LIMIT_BAL"] == Label("Credit limit", "Plafond de crédit")
    assert (terms.currency, terms.wording.most) == ("NT$", 4)
