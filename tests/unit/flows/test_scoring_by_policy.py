"""Hard rules, amounts and referral from the portfolio to what is written and answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from scorewright.bundle.contents import Bundle
from scorewright.bundle.scorer import Scorer
from scorewright.decision.referral import Straddle
from scorewright.domain.costs import CostMatrix, MoneyTerms
from scorewright.domain.decisions import HardRule
from scorewright.domain.matrix import Label
from scorewright.errors import BundleCorruptError
from scorewright.flows.champion import LoadedModel
from scorewright.flows.decide import ModelService
from scorewright.flows.score import score_folder
from scorewright.tables.loading import load_tables, open_data
from tests.made_up import loans
from tests.unit.flows.small_book import BOOK, MONEY, RULES, THRESHOLD, made_model

FULL = BOOK + MONEY + RULES.format(more="refer_at_most = 0.2")
BY_MONEY = BOOK + MONEY + RULES.format(more='rule = "money"')


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return made_model(tmp_path_factory.mktemp("book"), FULL)


def frame_of(model: LoadedModel, folder: Path) -> pl.DataFrame:
    loans().drop("status").write_csv(folder / "new.csv")
    return score_folder(model, folder, folder / "scores.csv").table.join(loans(), on="loan id")


def test_rules_win_over_the_pd_and_are_named(model: LoadedModel, tmp_path: Path) -> None:
    scored = frame_of(model, tmp_path)
    poor, far = pl.col("income") < 1200, (pl.col("purpose") == "travel") & (pl.col("order") == 0)
    assert set(scored.filter(poor)["decision"]) == {"refuse"}
    assert set(scored.filter(far & ~poor.fill_null(value=False))["decision"]) == {"refer"}
    names = {(True, True): "far; poor", (True, False): "far", (False, True): "poor", (False, False): ""}
    flags = scored.select(far.fill_null(value=False).alias("far"), poor.fill_null(value=False).alias("poor"))
    assert scored["rules"].to_list() == [names[row] for row in flags.iter_rows()]


def test_the_pd_decides_the_others_within_its_band(model: LoadedModel, tmp_path: Path) -> None:
    scored = frame_of(model, tmp_path).filter(pl.col("rules") == "")
    width = model.scorer.bundle.contents.policy.referral.half_width  # type: ignore[union-attr]
    expected = (
        pl.when(pl.col("pd") < THRESHOLD - width)
        .then(pl.lit("approve"))
        .when(pl.col("pd") < THRESHOLD + width)
        .then(pl.lit("refer"))
        .otherwise(pl.lit("refuse"))
    )
    assert scored["decision"].equals(scored.select(expected.alias("decision"))["decision"])
    assert set(scored["decision"]) == {"approve", "refer", "refuse"}


def test_what_is_written_reads_back_from_csv(model: LoadedModel, tmp_path: Path) -> None:
    loans().drop("status").write_csv(tmp_path / "new.csv")
    scored = score_folder(model, tmp_path, tmp_path / "scores.csv")
    assert scored.table.columns == ["loan id", "pd", "decision", "rules"]
    assert pl.read_csv(tmp_path / "scores.csv").equals(scored.table)
    far = ((loans()["purpose"] == "travel") & (loans()["order"] == 0)).sum()
    assert scored.broken == {"far": far, "poor": (loans()["income"] < 1200).sum()}


def test_one_application_is_answered_as_in_the_batch(model: LoadedModel, tmp_path: Path) -> None:
    scored = frame_of(model, tmp_path)
    service = ModelService(model)
    for row in scored.head(40).iter_rows(named=True):
        decision = service.decide_from_folder(tmp_path, row["loan id"])
        assert (decision.outcome, decision.pd) == (row["decision"], row["pd"])
        assert "; ".join(rule.name for rule in decision.rules) == row["rules"]
        assert decision.opinion == ("refuse" if row["pd"] >= THRESHOLD else "approve")
        assert (decision.loan_threshold, decision.interval) == (None, None)
    info = service.model().policy
    assert (info.version, info.rule, info.referral) == ("7", "threshold", "capacity")
    assert [rule.label.fr for rule in info.rules] == ["Loin", "Petit revenu"]


def test_under_the_money_rule_each_loan_has_its_threshold_and_the_unknown_are_referred(tmp_path: Path) -> None:
    """Exposure 2i, annuity i/10: margin 0.2 * i * 20/12 months, loss i; the threshold is the same for all incomes."""
    model = made_model(tmp_path, BY_MONEY)
    scored = frame_of(model, tmp_path).filter(pl.col("rules") == "")
    margin = 0.2 * 20 / 12
    threshold = margin / (margin + 1)
    known = scored.filter(pl.col("income").is_not_null())
    assert ((known["pd"] >= threshold) == (known["decision"] == "refuse")).all()
    assert set(scored.filter(pl.col("income").is_null())["decision"]) == {"refer"}
    service, row = ModelService(model), known.row(0, named=True)
    assert service.decide_from_folder(tmp_path, row["loan id"]).loan_threshold == pytest.approx(threshold)
    unknown = scored.filter(pl.col("income").is_null())["loan id"][0]
    decision = service.decide_from_folder(tmp_path, unknown)
    assert (decision.outcome, decision.loan_threshold) == ("refer", None)
    assert decision.opinion in {"approve", "refuse"}


@pytest.mark.parametrize(
    "change",
    [
        {"rules": ()},
        {"rules": (HardRule("other", "refer", Label("o", "o")),)},
        {"money": MoneyTerms("income", 0.5, 0.1)},
        {"costs": CostMatrix(3.0, 1.0)},
        {"version": "8"},
        {"referral": Straddle(0.1)},
    ],
)
def test_a_policy_that_its_portfolio_does_not_declare_is_a_broken_bundle(
    model: LoadedModel, change: dict[str, Any]
) -> None:
    contents = model.scorer.bundle.contents
    with pytest.raises(BundleCorruptError):
        Scorer(Bundle("0" * 64, replace(contents, policy=replace(contents.policy, **change))))


def test_scores_hold_what_they_come_from(model: LoadedModel, tmp_path: Path) -> None:
    loans().drop("status").write_csv(tmp_path / "new.csv")
    portfolio = model.scorer.bundle.contents.portfolio
    scores = model.scorer.score(load_tables(open_data(portfolio, tmp_path), "score", model.scorer.sealed).tables)
    income = loans()["income"].to_numpy()
    assert scores.known.exposure is not None
    np.testing.assert_array_equal(scores.known.exposure, 2 * income)
    np.testing.assert_array_equal(scores.refused, scores.decided.codes == 2)
