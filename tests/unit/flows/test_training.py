from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scorewright.bundle.contents import open_bundle
from scorewright.domain.evaluation import CandidateRecord
from scorewright.domain.training import TrainingRecord
from scorewright.errors import AmountsError, SettingsError, TrainingError
from scorewright.flows.dataset import build_dataset, read_labelled
from scorewright.flows.plan import Plan
from scorewright.flows.train import Shelves, Trained, train
from scorewright.registry.folder_registry import FolderRegistry
from scorewright.tables.portfolio import Portfolio, portfolio_from_files
from tests.made_up import loans

ROWS = 600
QUICK = ("dummy", "scorecard", "logistic_regression")
BOOK = """
[portfolio]
name = "book"
label = { en = "Book", fr = "Livre" }
[target]
column = "status"
default = "charged off"
[tables.application]
train = "loans"
key = "loan id"
never = ["remark", "opened"]
[money]
exposure = "income * 2"
annuity = "income / 10"
lgd = 0.5
margin_rate = 0.2
referral_cost = 3.0
[policy]
version = "3"
refer_at_most = 0.2
[policy.rules.far]
when = "purpose = 'travel' AND \\"order\\" = 0"
outcome = "refuse"
label = { en = "Far away", fr = "Loin" }
[segments.purpose]
value = "COALESCE(purpose, 'none')"
label = { en = "Purpose", fr = "Objet" }
[tuning]
objective = "cost"
"""
SQL = b"SELECT *, 1 AS always -- Always one | Toujours un\nFROM application"


def book(text: str = BOOK) -> Portfolio:
    return portfolio_from_files({"portfolio.toml": text.encode(), "features/application.sql": SQL}, "book")


def trained(place: Path, plan: Plan, portfolio: Portfolio | None = None) -> Trained:
    place.mkdir(parents=True, exist_ok=True)
    loans(ROWS).write_parquet(place / "loans.parquet")
    shelves = Shelves(FolderRegistry(place / "registry"), place / "bundles", place / "studies")
    return train(portfolio or book(), place, plan, shelves)


PLAN = Plan(QUICK, folds=3, repeats=2, trials=3, workers=1, pictures=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("training")


@pytest.fixture(scope="module")
def found(place: Path) -> Trained:
    return trained(place, PLAN)


def sealed_ones(record: TrainingRecord) -> list[CandidateRecord]:
    """The dummy gives everybody one PD: nobody is closest to its threshold, and it cannot follow the policy."""
    return [candidate for candidate in record.candidates if candidate.bundle]


@pytest.fixture(scope="module")
def record(found: Trained) -> TrainingRecord:
    return found.record


def test_every_candidate_is_compared_with_the_cheapest_and_the_reason_is_told(record: TrainingRecord) -> None:
    against = {comparison.against for comparison in record.comparisons}
    assert len(against) == 1
    assert {comparison.candidate for comparison in record.comparisons} | against == set(QUICK) - {"dummy"}
    assert record.winner in record.reason


def test_the_winner_is_no_more_than_one_standard_error_from_the_cheapest(record: TrainingRecord) -> None:
    own = [found for found in record.comparisons if found.candidate == record.winner]
    assert all(found.difference.estimate <= found.standard_error for found in own)


def test_what_says_nothing_is_left_out_of_the_sealed_model(place: Path, record: TrainingRecord) -> None:
    reasons = {dropped.feature: dropped.reason for dropped in record.dropped}
    assert reasons["always"] == "it has one value only (left out in 6 of 6 folds)"
    sealed = open_bundle(place / "bundles" / record.candidate(record.winner).bundle).contents
    assert "always" not in {column.name for column in sealed.columns}
    assert len(sealed.columns) == record.features


def test_the_policy_of_the_portfolio_is_sealed_with_its_referral(place: Path, record: TrainingRecord) -> None:
    for candidate in sealed_ones(record):
        policy = open_bundle(place / "bundles" / candidate.bundle).contents.policy
        assert (policy.version, [rule.name for rule in policy.rules]) == ("3", ["far"])
        assert policy.referral is not None
        assert policy.referral.referred <= 0.2


def test_who_cannot_follow_the_policy_is_measured_and_neither_chosen_nor_sealed(record: TrainingRecord) -> None:
    assert {candidate.name for candidate in record.candidates if not candidate.bundle} == {"dummy"}
    assert record.winner != "dummy"
    assert any(warning.startswith("dummy is not sealed. A referral band must hold") for warning in record.warnings)


def test_outcomes_on_the_test_set_are_shares_of_it(record: TrainingRecord) -> None:
    assert record.test_applications == ROWS // 5
    for candidate in record.candidates:
        shares = [candidate.outcomes[name] for name in ("approved", "referred", "refused")]
        assert sum(shares) == pytest.approx(1.0)
        assert candidate.outcomes["money"] >= 0.0


def test_segments_part_the_applications_of_training(record: TrainingRecord) -> None:
    for candidate in record.candidates:
        assert {part.value for part in candidate.segments} == {"car", "home", "none", "travel"}
        assert sum(part.applications for part in candidate.segments) == ROWS - record.test_applications


def test_money_is_counted_by_three_rules_and_swept(record: TrainingRecord) -> None:
    candidate = record.candidate("logistic_regression")
    assert candidate.rules is not None
    assert set(candidate.rules.rules) == {"constant", "constant_money", "per_loan"}
    assert {point.parameter for point in candidate.sweeps} == {"cost_ratio", "lgd"}


def test_calibration_is_chosen_among_four_and_sealed(place: Path, record: TrainingRecord) -> None:
    for candidate in sealed_ones(record):
        assert [each.kind for each in candidate.calibrations if each.chosen] == [candidate.calibration]
        sealed = open_bundle(place / "bundles" / candidate.bundle).contents
        assert sealed.calibration.kind == candidate.calibration
        assert sealed.intervals is not None


def test_the_card_tells_what_was_chosen(place: Path, record: TrainingRecord) -> None:
    card = (place / "bundles" / record.candidate("scorecard").bundle / "card.md").read_text(encoding="utf-8")
    for words in ("Policy, version 3", "Far away", "Purpose: travel", "each loan's own", "cost ratio 10", "always"):
        assert words in card


def test_a_training_taken_up_again_runs_no_trial_twice_and_seals_the_same_bytes(
    place: Path, record: TrainingRecord
) -> None:
    studies = {path.name: path.read_bytes() for path in (place / "studies").iterdir() if path.suffix != ".lock"}
    again = trained(place, PLAN)
    assert {path.name: path.read_bytes() for path in (place / "studies").iterdir() if path.suffix != ".lock"} == studies
    assert [one.bundle for one in again.record.candidates] == [one.bundle for one in record.candidates]
    assert [one.trials for one in again.record.candidates] == [one.trials for one in record.candidates]
    assert again.alias == "challenger"


def test_everything_recorded_comes_back_from_the_registry(place: Path, record: TrainingRecord) -> None:
    kept = FolderRegistry(place / "registry").latest("book")
    assert replace(kept, candidates=()) == replace(record, candidates=())
    assert [replace(one, seconds=0.0) for one in kept.candidates] == [
        replace(one, seconds=0.0) for one in record.candidates
    ]


def test_money_may_decide(tmp_path: Path) -> None:
    portfolio = book(BOOK.replace('version = "3"', 'version = "3"\nrule = "money"'))
    found = trained(tmp_path, replace(PLAN, candidates=("dummy", "logistic_regression"), repeats=1), portfolio)
    policy = open_bundle(tmp_path / "bundles" / found.record.candidate(found.record.winner).bundle).contents.policy
    assert policy.rule == "money"
    assert "Money decides" in (tmp_path / "bundles" / found.version.bundle / "card.md").read_text(encoding="utf-8")


def test_features_may_all_be_kept(tmp_path: Path) -> None:
    plan = Plan(("logistic_regression",), folds=2, repeats=1, select=False, pictures=False)
    found = trained(tmp_path, plan)
    assert found.record.dropped == ()
    assert found.record.reason == "logistic_regression is the only candidate."


def test_a_referral_that_would_hold_nobody_is_refused_before_anything_is_registered(tmp_path: Path) -> None:
    portfolio = book(BOOK.replace("refer_at_most = 0.2", "refer_at_most = 0.0001"))
    with pytest.raises(SettingsError):
        trained(tmp_path, replace(PLAN, trials=0), portfolio)
    assert not (tmp_path / "bundles").exists()


def test_money_that_is_never_known_is_told(tmp_path: Path) -> None:
    portfolio = book(BOOK.replace('"income * 2"', '"NULLIF(income, income)"'))
    with pytest.raises(AmountsError):
        trained(tmp_path, replace(PLAN, trials=0), portfolio)
    assert not (tmp_path / "bundles").exists()


def test_fewer_defaults_than_folds_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="400 folds"):
        trained(tmp_path, replace(PLAN, folds=400))


@pytest.mark.parametrize(("folds", "repeats"), [(1, 1), (5, 0)])
def test_a_plan_needs_folds_and_a_repeat(folds: int, repeats: int) -> None:
    with pytest.raises(SettingsError, match=f"{folds} folds, {repeats} repeats"):
        Plan(folds=folds, repeats=repeats)


def test_the_directions_of_monotone_columns_reach_the_matrix(tmp_path: Path) -> None:
    loans(ROWS).write_parquet(tmp_path / "loans.parquet")
    text = BOOK.replace(
        'never = ["remark", "opened"]', 'never = ["remark", "opened"]\nmonotone = { income = "decreasing" }'
    )
    dataset = build_dataset(read_labelled(book(text), tmp_path), 0.2)
    assert {column.name: column.monotone for column in dataset.matrix.columns if column.monotone} == {"income": -1}
    assert not np.isinf(dataset.matrix.values).any()


def test_a_candidate_that_moves_against_a_declared_column_is_not_sealed(tmp_path: Path) -> None:
    """The forest heeds no declaration; regression and LightGBM do, and the sweep through all that is sealed agrees."""
    monotone = '[tables.application.monotone]\n"income" = "increasing"\n[money]'
    plan = Plan(("logistic_regression", "random_forest", "lightgbm"), folds=3, repeats=1, pictures=False)
    found = trained(tmp_path, plan, book(BOOK.replace("[money]", monotone)))
    assert {one.name for one in found.record.candidates if one.bundle} == {"logistic_regression", "lightgbm"}
    assert any("random_forest moves against income (by 0." in warning for warning in found.record.warnings)
