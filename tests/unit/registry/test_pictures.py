from __future__ import annotations

import math
import struct
import zlib

import pytest

from scorewright.domain.evaluation import CandidateRecord, Curve, Evaluation, Importance, Interval, Trial
from scorewright.domain.training import TrainingRecord
from scorewright.registry.pictures import (
    _best_so_far,
    _subtitle,
    candidate_pictures,
    comparison_picture,
    curve_picture,
    history_picture,
    importance_picture,
)


def size(png: bytes) -> tuple[int, int]:
    """Return width and height of a PNG picture, having checked that it is one."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png.rstrip().endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def assert_shown(png: bytes) -> None:
    """Check that a picture has a sensible size and is not blank."""
    width, height = size(png)
    assert 800 <= width <= 2400
    assert 250 <= height <= 1800
    assert len(set(pixels(png))) > 20


def pixels(png: bytes) -> bytes:
    position, packed = 8, b""
    while position < len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        if png[position + 4 : position + 8] == b"IDAT":
            packed += png[position + 8 : position + 8 + length]
        position += length + 12
    return zlib.decompress(packed)


def curve(name: str, points: int = 50) -> Curve:
    xs = tuple(position / (points - 1) for position in range(points))
    return Curve(name, "Threshold", "Cost per application", xs, tuple(math.sqrt(x) for x in xs))


def candidate(name: str, cost: float = 0.5, **changes: object) -> CandidateRecord:
    test = Evaluation({"cost": cost, "auc": 0.75}, {"cost": Interval(cost, cost - 0.1, cost + 0.1)})
    record = {"parameters": {}, "out_of_fold": test, "test": test, "threshold": 0.09, "seconds": 1.0}
    return CandidateRecord(name=name, **{**record, **changes})  # type: ignore[arg-type]


def training(*candidates: CandidateRecord, baselines: dict[str, float]) -> TrainingRecord:
    return TrainingRecord("lender", 1, "f", 10, 2, candidates[0].name, {}, candidates, baselines=baselines)


@pytest.mark.parametrize("name", ["roc", "precision_recall", "cost", "calibration", "something_else"])
def test_every_curve_is_drawn(name: str) -> None:
    assert_shown(curve_picture(curve(name), "trees", 0.9))


@pytest.mark.parametrize("name", ["roc", "cost", "calibration"])
def test_a_curve_of_one_point_is_drawn(name: str) -> None:
    assert_shown(curve_picture(Curve(name, "x", "y", (0.08,), (0.08,)), "dummy", 0.5))


def test_the_check_of_a_picture_can_fail() -> None:
    with pytest.raises(AssertionError):
        assert_shown(b"no picture")


def test_a_curve_of_many_points_draws_as_a_thinned_one_would() -> None:
    assert size(curve_picture(curve("cost", 100_000))) == size(curve_picture(curve("cost", 50)))


def test_importances_grow_with_their_number_up_to_twenty() -> None:
    rows = [Importance(f"f{place}", f"Label {place}", 1.0, 1.0 / (place + 1)) for place in range(60)]
    few, twenty, many = (importance_picture(rows[:count], "Features")[16:24] for count in (5, 20, 60))
    assert struct.unpack(">II", few)[1] < struct.unpack(">II", twenty)[1]
    assert abs(struct.unpack(">II", many)[1] - struct.unpack(">II", twenty)[1]) < 60  # a subtitle more
    assert_shown(importance_picture(rows, "Features", "trees"))


def test_features_of_the_same_label_keep_a_bar_each() -> None:
    apart = [Importance("a", "Debt", 1.0, 0.6), Importance("b", "Amount", 1.0, 0.4)]
    same = [Importance("a", "Debt", 1.0, 0.6), Importance("b", "Debt", 1.0, 0.4)]
    assert size(importance_picture(apart, "Features"))[1] == size(importance_picture(same, "Features"))[1]


def trials(*states: str) -> tuple[Trial, ...]:
    values = [math.nan if state == "failed" else 1.0 / (number + 1) for number, state in enumerate(states)]
    return tuple(Trial(number, {}, values[number], state) for number, state in enumerate(states))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "states",
    [("complete",), ("pruned",), ("failed", "complete"), ("complete", "pruned", "complete", "failed", "pruned")],
)
def test_the_history_of_a_search_is_drawn(states: tuple[str, ...]) -> None:
    assert_shown(history_picture(trials(*states), "trees"))


def test_the_best_so_far_never_rises_and_reaches_the_last_trial() -> None:
    objectives = ((3.0, "complete"), (1.0, "pruned"), (2.0, "complete"), (2.5, "complete"), (9.0, "pruned"))
    found = _best_so_far([Trial(number, {}, *rest) for number, rest in enumerate(objectives)])  # type: ignore[arg-type]
    assert [(point["x"], point["y"]) for point in found] == [(0, 3.0), (2, 2.0), (3, 2.0), (4, 2.0)]
    assert _best_so_far(trials("pruned")) == []


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
