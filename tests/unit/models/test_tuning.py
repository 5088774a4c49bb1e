from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from scorewright.domain.progress import Step
from scorewright.errors import SettingsError, TrainingError
from scorewright.models.candidates import candidate
from scorewright.models.cores import cores
from scorewright.models.cross_validation import Lesson, fold_scores, prepared_folds
from scorewright.models.objectives import AUC, Objective, Scored, scored
from scorewright.models.tuning import Budget, tune
from tests.unit.models.tuning_fakes import Blurry, lesson, told


def objective_of(of: Blurry, at: float) -> float:
    chosen = {**of.defaults(), "x": at, "leaves": 8, "trees": 80}
    rows, scores = zip(*fold_scores(of, prepared_folds(of, lesson()), chosen, 7), strict=True)
    plan = lesson()
    return AUC.function(scored(np.concatenate(rows), np.concatenate(scores), plan.target, plan.fold_of_row))


def test_no_trials_settle_the_defaults_and_fit_nothing() -> None:
    of = Blurry()
    found = tune(of, lesson(), Budget(0))
    assert dict(found.parameters) == {**of.defaults(), "trees": 80}
    assert (found.trials, dict(found.importances), of.fits) == ((), {}, [])


def test_what_has_nothing_to_tune_keeps_its_defaults() -> None:
    assert tune(candidate("dummy"), lesson(), Budget(5)).trials == ()


def test_the_defaults_are_the_first_trial_and_the_answer_is_no_worse() -> None:
    of = Blurry()
    found = tune(of, lesson(), Budget(20))
    assert found.trials[0].parameters == {**of.defaults(), "leaves": 8, "trees": 80}
    assert found.trials[0].objective == pytest.approx(objective_of(of, 0.2), rel=1e-12)
    best = min((trial for trial in found.trials if trial.state == "complete"), key=lambda trial: trial.objective)
    assert found.parameters == best.parameters
    assert best.objective < found.trials[0].objective
    assert abs(found.parameters["x"] - 0.7) < abs(0.2 - 0.7)


def test_the_search_learns_where_the_best_is() -> None:
    trials = tune(Blurry(), lesson(), Budget(40)).trials
    early, late = ([abs(trial.parameters["x"] - 0.7) for trial in part] for part in (trials[:10], trials[-10:]))
    assert np.median(late) < np.median(early) / 2


def test_defaults_that_are_best_are_kept() -> None:
    found = tune(Blurry(start=0.7), lesson(), Budget(8))
    assert found.parameters["x"] == 0.7


def test_folds_are_prepared_once_and_parameters_settled_on_the_first() -> None:
    of = Blurry()
    tune(of, lesson(), Budget(6))
    assert of.prepared == [320] * 5
    assert of.settled == [1] * 6
    given = Blurry()
    tune(given, lesson(), Budget(6), folds=prepared_folds(given, lesson()))
    assert len(given.prepared) == 5


def test_what_learning_found_is_part_of_the_answer_in_plain_numbers() -> None:
    found = tune(Blurry(), lesson(), Budget(6))
    for parameters in (found.parameters, *(trial.parameters for trial in found.trials)):
        assert parameters["trees"] == 10 * parameters["leaves"]
        assert type(parameters["trees"]) is int


def test_hopeless_trials_are_given_up_before_their_last_fold() -> None:
    of = Blurry()
    found = tune(of, lesson(), Budget(25))
    states = [trial.state for trial in found.trials]
    assert states[:5] == ["complete"] * 5  # nothing is given up before five can be compared with
    assert states.count("pruned") > 0
    assert len(of.fits) < 25 * 5
    given_up = [trial for trial in found.trials if trial.state == "pruned"]
    assert all(math.isfinite(trial.objective) for trial in given_up)
    median = np.median([trial.objective for trial in found.trials[:5]])
    kept = [trial.objective for trial in found.trials if trial.state == "complete"][5:]
    assert max(kept) < median * 1.2  # had all their folds because they were good


def test_the_same_plan_gives_the_same_answer_and_another_seed_another() -> None:
    first, again, other = (tune(Blurry(), lesson(seed=seed), Budget(10)) for seed in (7, 7, 8))
    assert told(first.trials) == told(again.trials)
    assert dict(first.parameters) == dict(again.parameters)
    assert told(first.trials)[1:] != told(other.trials)[1:]


def test_a_shorter_search_is_the_beginning_of_a_longer_one() -> None:
    short, long = (tune(Blurry(), lesson(), Budget(trials, workers=2)) for trials in (7, 14))
    assert told(short.trials) == told(long.trials)[:7]


@pytest.mark.parametrize("workers", [2, 3, 5])
def test_trials_side_by_side_give_the_same_answer_every_time(workers: int) -> None:
    found = [tune(Blurry(), lesson(), Budget(17, workers=workers)) for _ in range(3)]
    assert told(found[0].trials) == told(found[1].trials) == told(found[2].trials)
    assert [trial.number for trial in found[0].trials] == list(range(17))
    assert len({trial.parameters["x"] for trial in found[0].trials}) == 17  # none is proposed twice in a batch


def test_a_batch_is_judged_by_earlier_batches_alone() -> None:
    states = [trial.state for trial in tune(Blurry(), lesson(), Budget(10, workers=5)).trials]
    assert states[:5] == ["complete"] * 5
    assert "pruned" in states[5:]
    together = tune(Blurry(), lesson(), Budget(10, workers=10)).trials
    assert {trial.state for trial in together} == {"complete"}


@pytest.mark.parametrize("workers", [1, 2, 64])
def test_workers_share_the_cores_out(workers: int) -> None:
    of = Blurry()
    tune(of, lesson(), Budget(2, workers=workers))
    assert set(of.threads) == {max(1, cores() // workers)}


def test_cores_are_no_more_than_the_containers_share(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    everything = cores(quota)  # no such file
    assert everything >= 1
    for content, expected in (("100000 100000", 1), ("10000 100000", 1), ("99900000 100000", everything)):
        quota.write_text(content)
        assert cores(quota) == expected
    for content in ("max 100000", "", "1 2 3"):
        quota.write_text(content)
        assert cores(quota) == everything


def test_another_objective_is_obeyed() -> None:
    def far(side: float) -> Objective:
        return Objective("far", lambda of: side * float(of.pd.max()))

    low, high = (tune(Blurry(), lesson(), Budget(12), far(side)) for side in (1.0, -1.0))
    assert abs(high.parameters["x"] - 0.7) < abs(low.parameters["x"] - 0.7)


def test_an_objective_is_told_which_applications_it_sees() -> None:
    plan = lesson()
    seen: list[int] = []

    def check(of: Scored) -> float:
        assert of.target.tolist() == plan.target[of.rows].tolist()
        assert of.fold_of_row.tolist() == plan.fold_of_row[of.rows].tolist()
        assert ((of.pd > 0) & (of.pd < 1)).all()
        seen.append(len(of.rows))
        return 1.0

    tune(Blurry(), plan, Budget(1), Objective("check", check))
    assert seen == [80, 160, 240, 320, 400]


def test_time_bounds_the_search_too() -> None:
    for trials in (1000, None):
        found = tune(Blurry(), lesson(), Budget(trials, minutes=1e-9))
        assert [trial.number for trial in found.trials] == [0]
    first_batch = tune(Blurry(), lesson(), Budget(None, minutes=1e-9, workers=3))
    assert [trial.number for trial in first_batch.trials] == [0, 1, 2]


def test_what_cannot_be_learnt_is_recorded_and_the_search_goes_on() -> None:
    of = Blurry(fails=lambda x: x < 0.4)
    listened: list[Step] = []
    found = tune(of, lesson(listen=listened), Budget(20))
    states = {trial.number: trial.state for trial in found.trials}
    assert states[0] == "failed"  # the defaults
    assert "complete" in states.values()
    assert len(states) == 20
    assert all(math.isnan(trial.objective) == (trial.state == "failed") for trial in found.trials)
    assert found.parameters["x"] >= 0.4
    assert listened[0].note == "best nan; trial 0: failed"


def test_what_lightgbm_refuses_is_a_failed_trial() -> None:
    from lightgbm.basic import LightGBMError

    def refuse(of: Scored) -> float:
        raise LightGBMError("odd")

    with pytest.raises(TrainingError, match="all 2 failed, the first because: odd"):
        tune(Blurry(), lesson(), Budget(2), Objective("refuse", refuse))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_objective_that_is_no_number_fails_the_trial(value: float) -> None:
    with pytest.raises(TrainingError, match="all 2 failed, the first because: strange is"):
        tune(Blurry(), lesson(), Budget(2), Objective("strange", lambda _: value))


@pytest.mark.parametrize("workers", [1, 2])
def test_when_all_fail_the_first_reason_is_told(workers: int) -> None:
    with pytest.raises(TrainingError, match="all 4 failed.*x must be learnable"):
        tune(Blurry(fails=lambda _: True), lesson(), Budget(4, workers=workers))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_mistake_in_the_program_is_not_taken_for_odd_parameters(workers: int) -> None:
    def mistaken(_: object) -> float:
        raise KeyError("mistake")

    with pytest.raises(KeyError, match="mistake"):
        tune(Blurry(), lesson(), Budget(4, workers=workers), Objective("mistaken", mistaken))


def test_an_interrupted_batch_begins_no_further_fold() -> None:
    of = Blurry()

    def interrupt(_: Step) -> None:
        raise KeyboardInterrupt

    plan = lesson()
    with pytest.raises(KeyboardInterrupt):
        tune(of, Lesson(plan.matrix, plan.target, plan.fold_of_row, 7, interrupt), Budget(40, workers=40))
    assert len(of.fits) < 40 * 5


def test_importances_are_shares_and_name_what_matters() -> None:
    found = tune(Blurry(), lesson(), Budget(30))
    assert sum(found.importances.values()) == pytest.approx(1.0)
    assert set(found.importances) == {"x", "fixed"}
    assert found.importances["x"] > 0.5  # the other changes nothing


def test_too_few_or_equal_trials_say_nothing_of_importance() -> None:
    assert tune(Blurry(), lesson(), Budget(3)).importances == {}
    assert tune(Blurry(), lesson(), Budget(8), Objective("same", lambda _: 1.0)).importances == {}


def test_progress_is_told_trial_by_trial() -> None:
    listened: list[Step] = []
    tune(Blurry(), lesson(listen=listened), Budget(3))
    expected = [("tuning blurry", done, 3) for done in (1, 2, 3)]
    assert [(step.task, step.done, step.total) for step in listened] == expected
    assert listened[0].note.startswith("best 0.")
    assert "; trial 0: 0." in listened[0].note


@pytest.mark.parametrize(
    ("trials", "minutes", "workers"),
    [(-1, None, 1), (3, 0.0, 1), (3, -2.0, 1), (3, math.nan, 1), (None, None, 1), (3, None, 0)],
)
def test_a_budget_that_is_none_is_refused(trials: int | None, minutes: float | None, workers: int) -> None:
    with pytest.raises(SettingsError, match="Tuning needs"):
        Budget(trials, minutes, workers)
