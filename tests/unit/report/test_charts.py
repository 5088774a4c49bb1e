from __future__ import annotations

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorewright.domain.evaluation import Curve, Importance, Trial
from scorewright.domain.explanations import SharedContribution
from scorewright.domain.matrix import Label
from scorewright.report.charts import Chart, on_page, picture, svg
from scorewright.report.charts.comparison import comparison_chart
from scorewright.report.charts.curves import curve_chart
from scorewright.report.charts.decision import ShareScale, waterfall_chart, waterfall_steps
from scorewright.report.charts.effects import beeswarm_chart, dependence_chart, swarm_offsets
from scorewright.report.charts.groups import ratios_chart
from scorewright.report.charts.importances import importance_chart, stability_chart
from scorewright.report.charts.tuning import best_so_far, history_chart
from tests.unit.report import made
from tests.unit.report.pictures import assert_shown, size

INSIGHT = made.insight()
CHARTS = {
    "beeswarm": beeswarm_chart(INSIGHT.swarms),
    "comparison": comparison_chart(made.training()),
    "dependence": dependence_chart(INSIGHT.dependences[0]),
    "ratios": ratios_chart(made.fairness()[1]),
    "stability": stability_chart(INSIGHT),
    "waterfall": waterfall_chart(made.shares(), made.shared()),
}
SCALES: tuple[ShareScale, ...] = ("log_odds", "pd", "points")


def curve(name: str, points: int = 50) -> Curve:
    xs = tuple(position / (points - 1) for position in range(points))
    return Curve(name, "Threshold", "Cost per application", xs, tuple(math.sqrt(x) for x in xs))


def trials(*states: str) -> tuple[Trial, ...]:
    values = [math.nan if state == "failed" else 1.0 / (number + 1) for number, state in enumerate(states)]
    return tuple(Trial(number, {}, values[number], state) for number, state in enumerate(states))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["roc", "precision_recall", "cost", "calibration", "something_else"])
def test_every_curve_is_drawn(name: str) -> None:
    assert_shown(picture(curve_chart(curve(name), "trees", 0.9)))


@pytest.mark.parametrize("name", ["roc", "cost", "calibration"])
def test_a_curve_of_one_point_is_drawn(name: str) -> None:
    assert_shown(picture(curve_chart(Curve(name, "x", "y", (0.08,), (0.08,)), "dummy", 0.5)))


def test_the_check_of_a_picture_can_fail() -> None:
    with pytest.raises(AssertionError):
        assert_shown(b"no picture")


def test_a_curve_of_many_points_draws_as_a_thinned_one_would() -> None:
    many, few = (picture(curve_chart(curve("cost", points))) for points in (100_000, 50))
    assert size(many) == size(few)


def test_importances_grow_with_their_number_up_to_twenty() -> None:
    rows = [Importance(f"f{place}", f"Label {place}", 1.0, 1.0 / (place + 1)) for place in range(60)]
    few, twenty, many = (size(picture(importance_chart(rows[:count], "Features")))[1] for count in (5, 20, 60))
    assert few < twenty
    assert abs(many - twenty) < 60  # a subtitle more


def test_features_of_the_same_label_keep_a_bar_each() -> None:
    apart = [Importance("a", "Debt", 1.0, 0.6), Importance("b", "Amount", 1.0, 0.4)]
    same = [Importance("a", "Debt", 1.0, 0.6), Importance("b", "Debt", 1.0, 0.4)]
    drawn = [picture(importance_chart(rows, "Features")) for rows in (apart, same)]
    assert size(drawn[0])[1] == size(drawn[1])[1]


@pytest.mark.parametrize(
    "states",
    [("complete",), ("pruned",), ("failed", "complete"), ("complete", "pruned", "complete", "failed", "pruned")],
)
def test_the_history_of_a_search_is_drawn(states: tuple[str, ...]) -> None:
    assert_shown(picture(history_chart(trials(*states), "trees")))


def test_the_best_so_far_never_rises_and_reaches_the_last_trial() -> None:
    objectives = ((3.0, "complete"), (1.0, "pruned"), (2.0, "complete"), (2.5, "complete"), (9.0, "pruned"))
    found = best_so_far([Trial(number, {}, *rest) for number, rest in enumerate(objectives)])  # type: ignore[arg-type]
    assert [(point["x"], point["y"]) for point in found] == [(0, 3.0), (2, 2.0), (3, 2.0), (4, 2.0)]
    assert best_so_far(trials("pruned")) == []


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_drawn_in_all_three_ways(name: str) -> None:
    assert_shown(picture(CHARTS[name]))
    drawn = svg(CHARTS[name])
    assert drawn.startswith("<svg")
    assert CHARTS[name].title in drawn
    assert on_page(CHARTS[name])["width"] == "container"


@pytest.mark.parametrize("name", CHARTS)
def test_a_page_gets_no_address_and_its_own_colours(name: str) -> None:
    specification = json.dumps(on_page(CHARTS[name]), allow_nan=False)
    assert "http" not in specification
    assert '"#' not in specification
    assert "title" not in on_page(CHARTS[name])


@pytest.mark.parametrize("scale", SCALES)
def test_a_waterfall_goes_from_the_average_to_the_score_without_a_gap(scale: ShareScale) -> None:
    steps = waterfall_steps(made.shares(), made.shared(), scale, "en")
    assert len(steps) == 13  # both ends, the ten largest, and all others
    for before, after in itertools.pairwise(steps):
        assert after.start == pytest.approx(before.end, abs=1e-12)
    ends = {"log_odds": ("base", "log_odds"), "pd": ("base_pd", "pd"), "points": ("base_points", "points")}[scale]
    assert (steps[0].end, steps[-1].end) == tuple(getattr(made.shares(), name) for name in ends)


@pytest.mark.parametrize("scale", SCALES)
def test_what_raises_the_risk_is_the_same_on_every_scale(scale: ShareScale) -> None:
    riskier = {each.label.en for each in made.shared() if each.log_odds > 0}
    steps = waterfall_steps(made.shares(), made.shared(), scale, "en")
    assert {step.name.partition(":")[0] for step in steps[1:11] if step.riskier} <= riskier
    down = [step for step in steps if step.riskier and (step.end < step.start) is (scale != "points")]
    assert down == []


def test_few_contributions_leave_no_bar_for_the_others() -> None:
    one = made.shared()[:1]
    names = [step.name for step in waterfall_steps(made.shares(), one, "log_odds", "fr")]
    assert names == ["Demande moyenne", "Part des échéances payées en retard\u00a0: 0", "Cette demande"]


def test_a_decision_is_drawn_in_french() -> None:
    drawn = svg(waterfall_chart(made.shares(), made.shared(), "pd", "fr"))
    assert "Probabilité de défaut" in drawn
    assert "0,070" in drawn
    assert "0.070" not in drawn


def test_values_that_are_the_same_in_words_keep_a_bar_each() -> None:
    label = Label("Debt", "Dette")
    twins = [SharedContribution(name, label, None, 0.1, 0.01, -3.0) for name in ("first", "second")]
    names = [step.name for step in waterfall_steps(made.shares(), twins, "points", "en")]
    assert names[1:3] == ["Debt: not known [first]", "Debt: not known [second]"]


def test_categories_are_not_joined_by_a_line() -> None:
    joined, apart = (on_page(dependence_chart(INSIGHT.dependences[0], ordered)) for ordered in (True, False))
    marks = [[layer["mark"]["type"] for layer in each["layer"]] for each in (joined, apart)]
    assert marks == [["rule", "bar", "line", "point"], ["rule", "bar", "point"]]


@given(st.lists(st.floats(-5, 5), max_size=80))
def test_points_of_a_swarm_stay_in_their_row(contributions: list[float]) -> None:
    offsets = swarm_offsets(contributions)
    assert len(offsets) == len(contributions)
    assert all(-1 <= offset <= 1 for offset in offsets)


def test_equal_points_of_a_swarm_do_not_hide_each_other() -> None:
    assert len(set(swarm_offsets([0.5] * 7))) == 7


def test_a_chart_without_anything_to_draw_is_still_a_chart() -> None:
    empty: list[Chart] = [beeswarm_chart(()), importance_chart([], "Features")]
    for chart in empty:
        assert svg(chart).startswith("<svg")
