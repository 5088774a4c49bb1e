from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from scorewright.decision.fairness.groups import groups_of
from scorewright.decision.strategy import Prices, tally
from scorewright.domain.explanations import Alternative
from scorewright.domain.progress import Step, silent
from scorewright.flows.contest import Entrant, Ground, enter, lay_out
from scorewright.flows.dataset import Labelled, build_dataset, read_labelled
from scorewright.flows.fairness import alternatives_of, fairness_of
from scorewright.flows.plan import Plan
from scorewright.models.candidates import candidate
from scorewright.tables.portfolio import Portfolio, portfolio_from_files
from scorewright.tables.types import Tables
from tests.unit.flows.small_book import made_model

ROWS = 1500
BOOK = """
[portfolio]
name = "book"
label = { en = "Book", fr = "Livre" }
[target]
column = "bad"
default = 1
[costs]
false_negative = 3.0
[tables.application]
train = "people"
key = "id"
protected = ["sex", "born", "faith"]
never = ["sex", "faith"]
[tables.application.labels]
sex = { en = "Gender", fr = "Sexe" }
born = { en = "Age (days, counted backwards)", fr = "Âge (jours à rebours)" }
[policy]
version = "1"
refer_at_most = 0.1
[money]
exposure = "100.0"
lgd = 0.5
margin_rate = 0.2
referral_cost = 1.0
"""
SQL = b"SELECT income, shoe, born, born / -365.25 AS years FROM application"


def people(rows: int = ROWS) -> pl.DataFrame:
    """Women default more often for the same income; the shoe size tells who is one. The young default more often."""
    rng = np.random.default_rng(11)
    woman, income, years = rng.random(rows) < 0.4, rng.normal(0.0, 1.0, rows), rng.uniform(18, 75, rows)
    log_odds = -1.2 - income + 1.5 * woman - 0.02 * (years - 45)
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "sex": [None if at % 15 == 0 else "FM"[int(not each)] for at, each in enumerate(woman)],
            "born": -(years * 365.25).astype(np.int64),
            "faith": pl.Series([None] * rows, dtype=pl.String),
            "income": income,
            "shoe": np.round(42.0 - 4.0 * woman + rng.normal(0.0, 1.0, rows)),
            "bad": (rng.random(rows) < 1.0 / (1.0 + np.exp(-log_odds))).astype(np.int64),
        }
    )


def book(text: str = BOOK) -> Portfolio:
    return portfolio_from_files({"portfolio.toml": text.encode(), "features/application.sql": SQL}, "book")


def entered(labelled: Labelled) -> tuple[Ground, Entrant]:
    plan = Plan(("logistic_regression",), folds=3, repeats=1, select=False)
    ground = lay_out(labelled.portfolio, build_dataset(labelled, 0.2), "origin", plan, silent)
    return ground, enter(candidate("logistic_regression"), ground, None)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    place = tmp_path_factory.mktemp("people")
    people().write_csv(place / "people.csv")
    return read_labelled(book(), place)


@pytest.fixture(scope="module")
def contest(labelled: Labelled) -> tuple[Ground, Entrant]:
    return entered(labelled)


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    return []


@pytest.fixture(scope="module")
def found(contest: tuple[Ground, Entrant], labelled: Labelled, steps: list[Step]) -> tuple[Alternative, ...]:
    return alternatives_of(*contest, labelled.tables, steps.append)


def of(found: tuple[Alternative, ...], attribute: str) -> dict[str, Alternative]:
    return {each.name: each for each in found if each.attribute == attribute}


def test_every_protected_column_with_values_is_measured_and_then_every_pair(
    contest: tuple[Ground, Entrant], labelled: Labelled
) -> None:
    ground, entrant = contest
    rows = ground.dataset.train_rows
    measured = fairness_of(ground.portfolio, labelled.tables, rows, entrant.first.pd, entrant.decided, ground.target)
    assert [each.attributes for each in measured] == [
        ("application.sex",), ("application.born",), ("application.sex", "application.born"),
    ]  # fmt: skip
    assert measured[0].label.fr == "Sexe"
    assert measured[2].label.en == "Gender × Age (days, counted backwards)"
    assert {group.value for group in measured[0].groups} == {"F", "M", "unknown"}
    assert {group.value for group in measured[1].groups} == {"< 25", "25–34", "35–44", "45–54", "55–61", "≥ 62"}
    for each in measured:
        assert sum(group.applications for group in each.groups) == len(rows)
    own = labelled.tables["application"]["sex"].gather(rows).to_numpy() == "F"
    women = next(group for group in measured[0].groups if group.value == "F")
    assert women.rates["approval_rate"].estimate == pytest.approx(entrant.decided.approved[own].mean())
    assert women.rates["referral_rate"].estimate == pytest.approx(entrant.decided.referred[own].mean())


def test_a_planted_disparity_is_found(contest: tuple[Ground, Entrant], labelled: Labelled) -> None:
    ground, entrant = contest
    gender, *_ = fairness_of(
        ground.portfolio,
        labelled.tables,
        ground.dataset.train_rows,
        entrant.first.pd,
        entrant.decided,
        ground.target,
    )
    flagged = {group.value: group.below_four_fifths for group in gender.groups}
    assert flagged["F"]
    assert not flagged["M"]
    assert gender.groups[0].value == "M"


@pytest.mark.parametrize("change", ["nothing declared", "column absent", "nobody known"])
def test_nothing_protected_means_nothing_measured(
    change: str, contest: tuple[Ground, Entrant], labelled: Labelled
) -> None:
    ground, entrant = contest
    portfolio, tables = ground.portfolio, dict(labelled.tables)
    if change == "nothing declared":
        portfolio = book(BOOK.replace('protected = ["sex", "born", "faith"]', ""))
    elif change == "column absent":
        tables["application"] = tables["application"].drop("sex", "born", "faith")
    else:
        tables["application"] = tables["application"].with_columns(pl.lit(None).alias(c) for c in ("sex", "born"))
    known = entrant.first.pd, entrant.decided, ground.target
    assert fairness_of(portfolio, tables, ground.dataset.train_rows, *known) == ()
    assert alternatives_of(replace(ground, portfolio=portfolio), entrant, tables) == ()


@pytest.mark.parametrize(("said", "group"), [
    ("Age (days, counted backwards)", "≥ 62"),
    ("Days since birth", "4: above"),
    ("Wage (days)", "4: above"),
])  # fmt: skip
def test_a_number_is_an_age_where_its_label_says_so(
    said: str, group: str, contest: tuple[Ground, Entrant], labelled: Labelled
) -> None:
    ground, entrant = contest
    portfolio = book(BOOK.replace("Age (days, counted backwards)", said))
    known = entrant.first.pd, entrant.decided, ground.target
    _, born, _ = fairness_of(portfolio, labelled.tables, ground.dataset.train_rows, *known)
    assert any(each.value.startswith(group) for each in born.groups)


def test_ages_may_be_years(contest: tuple[Ground, Entrant], labelled: Labelled) -> None:
    ground, entrant = contest
    portfolio = book(BOOK.replace("Age (days, counted backwards)", "Age"))
    years = labelled.tables["application"].with_columns((pl.col("born") / -365.25).floor())
    known = entrant.first.pd, entrant.decided, ground.target
    rows = ground.dataset.train_rows
    in_years = fairness_of(portfolio, {"application": years}, rows, *known)[1]
    in_days = fairness_of(ground.portfolio, labelled.tables, rows, *known)[1]
    assert in_years.groups == in_days.groups


def test_a_finished_bundle_is_measured_on_labelled_applications(tmp_path: Path) -> None:
    toml = BOOK[: BOOK.index("[tables")].replace('"bad"', '"status"').replace("default = 1", 'default = "charged off"')
    toml += (
        '[tables.application]\ntrain = "loans"\nkey = "loan id"\nprotected = ["purpose"]\nnever = ["opened", "remark"]'
    )
    model = made_model(tmp_path, toml)
    labelled = read_labelled(model.scorer.bundle.contents.portfolio, tmp_path)
    scores, rows = model.scorer.score(labelled.tables), np.arange(len(labelled.target))
    (purpose,) = fairness_of(labelled.portfolio, labelled.tables, rows, scores.pd, scores.decided, labelled.target)
    assert sum(group.applications for group in purpose.groups) == len(rows)
    assert {group.value for group in purpose.groups} == {"car", "home", "travel", "too few"}


def test_each_column_is_searched_for_alternatives(found: tuple[Alternative, ...]) -> None:
    # Age is told by no other feature, and gender is read by none.
    assert list(of(found, "application.sex")) == ["as served", "without its strongest proxy", "groups balanced"]
    assert list(of(found, "application.born")) == ["as served", "without the column", "groups balanced"]
    assert of(found, "application.sex")["without its strongest proxy"].dropped == ("shoe",)
    assert of(found, "application.born")["without the column"].dropped == ("born", "years")
    assert of(found, "application.born")["groups balanced"].dropped == ("born", "years")
    assert not of(found, "application.sex")["groups balanced"].dropped


def test_without_the_proxy_or_balanced_the_disparity_falls_and_the_auc_with_it(found: tuple[Alternative, ...]) -> None:
    gender = of(found, "application.sex")
    served = gender["as served"]
    for name in ("without its strongest proxy", "groups balanced"):
        assert gender[name].least_ratio > served.least_ratio + 0.2
        assert gender[name].auc.estimate < served.auc.estimate
        assert gender[name].cost.estimate > served.cost.estimate
    age = of(found, "application.born")
    assert age["without the column"].least_ratio > age["as served"].least_ratio


def test_as_served_is_the_entrant_itself(
    found: tuple[Alternative, ...], contest: tuple[Ground, Entrant], labelled: Labelled
) -> None:
    ground, entrant = contest
    served = of(found, "application.sex")["as served"]
    terms = ground.portfolio.money
    assert terms is not None
    counted = tally(entrant.decided, ground.target, Prices(ground.portfolio.costs, ground.loans, terms.referral_cost))
    assert served.cost.estimate == pytest.approx(counted.cost)
    assert served.money == counted.money
    assert served.cost.low < served.cost.estimate < served.cost.high
    assert served.auc.low < served.auc.estimate < served.auc.high
    groups = groups_of(labelled.tables["application"]["sex"].gather(ground.dataset.train_rows))
    rates = [entrant.decided.approved[groups.of_row == at].mean() for at in range(3)]
    assert served.least_ratio == pytest.approx(min(rates) / max(rates))


def test_progress_runs_to_its_end(found: tuple[Alternative, ...], steps: list[Step]) -> None:
    done = [step.done for step in steps]
    assert {step.task for step in steps} == {"alternatives"}
    assert done == sorted(set(done))
    assert done[-1] == steps[-1].total == len(found) * 3
    assert steps[-1].note == "application.born: groups balanced"


def test_the_same_search_finds_the_same(
    found: tuple[Alternative, ...], contest: tuple[Ground, Entrant], labelled: Labelled
) -> None:
    assert alternatives_of(*contest, labelled.tables) == found


def test_whose_groups_are_all_small_or_the_same_has_no_alternatives(
    contest: tuple[Ground, Entrant], labelled: Labelled
) -> None:
    root = labelled.tables["application"]
    one = root.with_columns(pl.lit("F").alias("sex"), (pl.col("born") * 0 - 9000).alias("born"))
    many: Tables = {"application": root.with_columns(("P" + pl.col("id").cast(pl.String)).alias("sex"))}
    assert alternatives_of(*contest, {"application": one}) == ()
    assert not of(alternatives_of(*contest, many), "application.sex")
