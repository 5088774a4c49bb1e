"""What is said of a winner, against what its folds' models say when they are fitted and asked one by one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scorewright.domain.explanations import Insight
from scorewright.domain.matrix import FeatureMatrix
from scorewright.domain.progress import Step, silent
from scorewright.flows.contest import Entrant, Ground, enter, lay_out
from scorewright.flows.dataset import build_dataset, read_labelled
from scorewright.flows.insight import LARGE, ROWS_OF_LARGE, insight_of
from scorewright.flows.plan import Plan
from scorewright.models.candidates import candidate
from scorewright.models.seam import Parameters
from scorewright.tables.portfolio import portfolio_from_files
from tests.made_up import loans
from tests.unit.flows.small_book import BOOK, Slope

SQL = b"""SELECT income, purpose, "order", income * "order" AS product, 1 AS always FROM application"""
FOLDS = 3


@dataclass(frozen=True)
class Case:
    ground: Ground
    entrant: Entrant
    insight: Insight
    steps: list[Step]


def laid_out(folder: Path, rows: int) -> Ground:
    loans(rows).write_csv(folder / "loans.csv")
    portfolio = portfolio_from_files({"portfolio.toml": BOOK.encode(), "features/application.sql": SQL}, "book")
    dataset = build_dataset(read_labelled(portfolio, folder), 0.25)
    return lay_out(portfolio, dataset, "made up", Plan(folds=FOLDS, repeats=2, select=False), silent)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return laid_out(tmp_path_factory.mktemp("book"), 900)


def explained(ground: Ground, name: str) -> Case:
    entrant, steps = enter(candidate(name), ground, None), []
    return Case(ground, entrant, insight_of(entrant, ground, steps.append), steps)


@pytest.fixture(scope="module")
def boosted(ground: Ground) -> Case:
    return explained(ground, "lightgbm")


def test_importance_is_what_models_say_of_applications_they_never_saw(boosted: Case) -> None:
    lesson, of = boosted.ground.final, boosted.entrant
    expected = np.zeros(len(lesson.matrix.columns))
    gains = np.zeros_like(expected)
    for fold in range(FOLDS):
        learn = np.flatnonzero(lesson.fold_of_row != fold)
        own = lesson.matrix.values[lesson.fold_of_row == fold]
        prepared = of.candidate.prepare(lesson.matrix.take(learn), lesson.target[learn])
        model = of.candidate.fit(prepared, of.first.parameters, lesson.seed)
        expected += np.abs(model.contributions(own))[:, :-1].sum(axis=0) / len(lesson.target)
        gains += model.gains() / FOLDS
    names = [column.name for column in lesson.matrix.columns]
    assert len(boosted.insight.features) == len(names)
    for one in boosted.insight.features:
        at = names.index(one.importance.name)
        assert one.importance.value == pytest.approx(expected[at], rel=1e-5)
        assert one.gain == pytest.approx(gains[at], rel=1e-5)


def test_what_the_outcome_depends_on_comes_first_by_every_measure(boosted: Case) -> None:
    by_name = {one.importance.name: one for one in boosted.insight.features}
    assert {one.importance.name for one in boosted.insight.features[:2]} == {"income", "purpose"}
    for name in ("income", "purpose"):
        fall = by_name[name].permutation
        assert fall is not None
        assert fall.estimate > 0.01
        assert by_name[name].rank_high <= 3
    assert by_name["income"].direction < -0.8
    assert by_name["purpose"].direction == 0.0
    still = by_name["always"]
    assert (still.importance.value, still.gain, still.permutation, still.direction) == (0.0, 0.0, None, 0.0)


def test_nothing_is_lost_on_the_way_to_raw_columns_and_tables(boosted: Case) -> None:
    features = [one.importance for one in boosted.insight.features]
    total = sum(one.value for one in features)
    assert {one.name for one in boosted.insight.raw_columns} >= {"application.income", "application.order"}
    for group in (boosted.insight.raw_columns, boosted.insight.tables):
        assert sum(one.value for one in group) == pytest.approx(total, rel=1e-4)
    assert boosted.insight.tables[0].name == "application"


def test_bins_pairs_and_points_are_of_the_features_that_move_the_score(boosted: Case) -> None:
    insight = boosted.insight
    moving = [one.importance.name for one in insight.features if one.importance.value > 0.0]
    assert [one.name for one in insight.dependences] == moving
    assert [one.name for one in insight.swarms] == moving
    assert len(insight.interactions) == len(moving) * (len(moving) - 1) // 2
    purpose = next(one for one in insight.dependences if one.name == "purpose")
    assert set(purpose.bins) == {"car", "home", "travel", "missing"}
    assert max(zip(purpose.mean, purpose.bins, strict=True))[1] == "travel"
    assert 0.0 < insight.agreement <= 1.0


def test_the_same_winner_is_explained_in_the_same_words(boosted: Case) -> None:
    assert insight_of(boosted.entrant, boosted.ground) == boosted.insight


def test_the_record_is_small_and_holds_no_key_and_six_digits(boosted: Case) -> None:
    text = json.dumps(asdict(boosted.insight), allow_nan=False)
    assert len(text) < 100_000
    assert "L0" not in text
    value = boosted.insight.features[0].importance.value
    assert value == float(f"{value:.6g}")


def test_every_fold_is_told(boosted: Case) -> None:
    assert [(step.done, step.total) for step in boosted.steps] == [(done, FOLDS + 2) for done in range(1, FOLDS + 3)]


@pytest.mark.parametrize("name", ["scorecard", "logistic_regression"])
def test_a_sum_of_features_has_no_interaction_and_no_gain(ground: Ground, name: str) -> None:
    insight = explained(ground, name).insight
    assert all(pair.strength < 1e-12 for pair in insight.interactions)
    assert all(one.gain is None for one in insight.features)


def test_who_gives_everybody_the_same_score_has_nothing_to_explain(ground: Ground) -> None:
    insight = explained(ground, "dummy").insight
    assert {one.importance.value for one in insight.features} == {0.0}
    assert (insight.dependences, insight.interactions, insight.swarms) == ((), (), ())
    assert insight.agreement == 1.0


def test_a_forest_is_explained_in_shares_of_a_probability(ground: Ground) -> None:
    entrant = enter(candidate("dummy"), ground, None)
    few = replace(entrant.first, parameters={"n_estimators": 20, "max_depth": 5})
    insight = insight_of(replace(entrant, candidate=candidate("random_forest"), validated=(few,)), ground)
    assert all(one.gain is None for one in insight.features)
    assert sum(one.importance.value for one in insight.features) < 0.5


@dataclass(frozen=True)
class Heavy(Slope):
    """Scores by income, in a sealed file of so many bytes."""

    weight: int = 0

    def files(self) -> dict[str, bytes]:
        return {"slope": bytes(self.weight)}


@dataclass(frozen=True)
class Ready:
    """Learns nothing: its model is there."""

    model: Heavy
    name: str = "ready"

    def prepare(self, matrix: FeatureMatrix, target: NDArray[np.int8]) -> None:
        return None

    def fit(self, prepared: None, parameters: Parameters, seed: int, threads: int = 1) -> Heavy:
        return self.model


@pytest.mark.parametrize(("weight", "rows"), [(LARGE, 600), (LARGE + 1, ROWS_OF_LARGE)])
def test_a_large_model_is_explained_on_fewer_applications_of_each_fold(tmp_path: Path, weight: int, rows: int) -> None:
    ground = laid_out(tmp_path, 2400)
    names = [column.name for column in ground.final.matrix.columns]
    ready = Ready(Heavy(names.index("income"), len(names), weight))
    entrant = replace(enter(candidate("dummy"), ground, None), candidate=ready)
    insight = insight_of(entrant, ground)
    assert [sum(one.rows) for one in insight.dependences] == [FOLDS * rows]
    assert [one.importance.name for one in insight.features if one.rank_low == 1] == ["income"]
