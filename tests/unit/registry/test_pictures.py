from __future__ import annotations

import math

from scorewright.domain.evaluation import CandidateRecord, Curve, Evaluation, Importance, Interval, Trial
from scorewright.domain.training import TrainingRecord
from scorewright.registry.pictures import _subtitle, candidate_pictures, comparison_picture, insight_pictures
from tests.unit.report.made import insight
from tests.unit.report.pictures import assert_shown


def curve(name: str, points: int = 50) -> Curve:
    xs = tuple(position / (points - 1) for position in range(points))
    return Curve(name, "Threshold", "Cost per application", xs, tuple(math.sqrt(x) for x in xs))


def candidate(name: str, cost: float = 0.5, **changes: object) -> CandidateRecord:
    test = Evaluation({"cost": cost, "auc": 0.75}, {"cost": Interval(cost, cost - 0.1, cost + 0.1)})
    record = {"parameters": {}, "out_of_fold": test, "test": test, "threshold": 0.09, "seconds": 1.0}
    return CandidateRecord(name=name, **{**record, **changes})  # type: ignore[arg-type]


def training(*candidates: CandidateRecord, baselines: dict[str, float]) -> TrainingRecord:
    return TrainingRecord("lender", 1, "f", 10, 2, candidates[0].name, {}, candidates, baselines=baselines)


def trials(*states: str) -> tuple[Trial, ...]:
    values = [math.nan if state == "failed" else 1.0 / (number + 1) for number, state in enumerate(states)]
    return tuple(Trial(number, {}, values[number], state) for number, state in enumerate(states))  # type: ignore[arg-type]


def test_candidates_are_compared_with_and_without_intervals_and_baselines() -> None:
    bare = candidate("dummy", 0.9, test=Evaluation({"cost": 0.9}))
    assert_shown(comparison_picture(training(candidate("trees"), bare, baselines={"approve_everyone": 0.8})))
    assert_shown(comparison_picture(training(candidate("trees", 0.5), baselines={})))


def test_the_pooled_roc_says_that_its_figure_is_a_mean() -> None:
    assert _subtitle(candidate("trees"), curve("roc")) == "trees: mean AUC of the folds 0.750"
    assert _subtitle(candidate("trees"), curve("cost")) == "trees"


def test_a_candidate_has_a_picture_for_each_thing_it_brings() -> None:
    full = candidate(
        "trees",
        curves=(curve("roc"), Curve("calibration", "x", "y", (math.nan,), (math.nan,))),
        features=(Importance("f", "Feature", 1.0, 1.0),),
        raw_columns=(Importance("t.c", "", 1.0, 1.0),),
        trials=trials("complete", "failed"),
        importances={"leaves": 0.8, "rate": 0.2},
    )
    pictures = candidate_pictures(full)
    # Nothing finite to draw in the calibration.
    assert sorted(pictures) == ["features", "parameter_importance", "raw_columns", "roc", "tuning_history"]
    for picture in pictures.values():
        assert_shown(picture)
    assert candidate_pictures(candidate("dummy")) == {}
    assert candidate_pictures(candidate("trees", trials=trials("failed"))) == {}


def test_what_moves_a_model_has_pictures() -> None:
    pictures = insight_pictures(insight())
    assert sorted(pictures) == ["beeswarm", "dependence_01", "dependence_02", "dependence_03", "stability"]
    for picture in pictures.values():
        assert_shown(picture)
