"""A search that was killed, or whose file was damaged."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scorewright.domain.progress import Step
from scorewright.errors import OutputError, ScorewrightError, SettingsError
from scorewright.models.cross_validation import Lesson
from scorewright.models.objectives import LOG_LOSS, Objective
from scorewright.models.seam import ParameterValue, Suggest
from scorewright.models.studies import Store
from scorewright.models.tuning import Budget, Tuning, tune
from tests.unit.models.tuning_fakes import Blurry, lesson, told

ROOT = Path(__file__).parents[3]


def search(folder: Path, trials: int, of: Blurry | None = None, workers: int = 1, **options: object) -> Tuning:
    return tune(of or Blurry(), lesson(), Budget(trials, workers=workers), store=Store(folder), **options)


def kill_after(fits: int, folder: Path, trials: int, workers: int) -> None:
    """Begin a search in a process of its own and kill it in the middle of a fit."""
    arguments = [str(folder), str(trials), str(workers), str(fits)]
    program = [sys.executable, "-m", "tests.unit.models.tuning_fakes", *arguments]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "hangs\n"
        process.kill()


@pytest.mark.parametrize("workers", [1, 3])
def test_a_search_killed_twice_goes_on_as_if_it_had_run_through(tmp_path: Path, workers: int) -> None:
    trials = 14
    for fits in (23, 12):
        kill_after(fits, tmp_path, trials, workers)
    of = Blurry()
    resumed = search(tmp_path, trials, of, workers)
    through = tune(Blurry(), lesson(), Budget(trials, workers=workers))
    assert told(resumed.trials) == told(through.trials)
    assert dict(resumed.parameters) == dict(through.parameters)
    assert dict(resumed.importances) == dict(through.importances)
    assert 0 < len(set(of.fits)) < trials  # what had ended was not run again


def test_a_trial_of_a_batch_that_ended_is_not_run_again(tmp_path: Path) -> None:
    whole = search(tmp_path, 6, workers=3)
    (file,) = tmp_path.iterdir()
    lines = file.read_bytes().splitlines(keepends=True)
    fourth = next(line for line in lines if b'"number":4,' in line)
    file.write_bytes(b"".join(line for line in lines if line != fourth))
    of = Blurry()
    assert told(search(tmp_path, 6, of, workers=3).trials) == told(whole.trials)
    assert set(of.fits) == {whole.trials[4].parameters["x"]}


def test_a_complete_study_answers_at_once(tmp_path: Path) -> None:
    whole = search(tmp_path, 8)
    of = Blurry()
    again = search(tmp_path, 8, of)
    assert (of.prepared, of.fits, of.settled) == ([], [], [])
    assert again == whole


def test_a_study_bounded_by_time_answers_at_once_too(tmp_path: Path) -> None:
    whole, again = (tune(of, lesson(), Budget(None, 1e-9), store=Store(tmp_path)) for of in (Blurry(), Blurry()))
    assert again == whole


def test_a_larger_budget_goes_on_and_a_smaller_one_looks_at_the_beginning(tmp_path: Path) -> None:
    search(tmp_path, 5, workers=2)
    of = Blurry()
    longer = search(tmp_path, 9, of, workers=2)
    assert len(set(of.fits)) == 4
    assert told(longer.trials) == told(tune(Blurry(), lesson(), Budget(9, workers=2)).trials)
    shorter = search(tmp_path, 3, workers=2)
    assert told(shorter.trials) == told(longer.trials)[:3]
    assert len(list(tmp_path.iterdir())) == 1


def test_failed_trials_are_not_run_again(tmp_path: Path) -> None:
    whole = search(tmp_path, 12, Blurry(fails=lambda x: x < 0.4))
    of = Blurry()
    assert told(search(tmp_path, 12, of).trials) == told(whole.trials)
    assert of.fits == []


def test_a_resumed_search_says_so(tmp_path: Path) -> None:
    search(tmp_path, 2)
    listened: list[Step] = []
    tune(Blurry(), lesson(listen=listened), Budget(3), store=Store(tmp_path))
    assert [step.done for step in listened] == [2, 3]
    assert listened[0].note.endswith("; taken up again")


class Wider(Blurry):
    def suggest(self, trial: Suggest) -> dict[str, ParameterValue]:
        return {"x": trial.suggest_float("x", 0.0, 2.0), "leaves": 2 ** trial.suggest_int("fixed", 2, 4)}


def other_lessons() -> list[Lesson]:
    plan = lesson()
    turned = plan.target.copy()
    turned[:2] = 1 - turned[:2]
    folds = np.roll(plan.fold_of_row, 1)
    all_kept = tuple(np.arange(1) for _ in range(5))
    changes = ({"seed": 8}, {"target": turned}, {"fold_of_row": folds}, {"kept": all_kept})
    return [dataclasses.replace(plan, **change) for change in changes]


def test_whatever_decides_the_result_has_a_study_of_its_own(tmp_path: Path) -> None:
    one, plan, store = Budget(1), lesson(), Store(tmp_path)
    tune(Blurry(), plan, one, store=store)
    for other in other_lessons():
        tune(Blurry(), other, one, store=store)
    tune(Blurry(start=0.3), plan, one, store=store)
    tune(Wider(), plan, one, store=store)
    tune(Blurry(name="other"), plan, one, store=store)
    tune(Blurry(), plan, one, LOG_LOSS, store=store)
    tune(Blurry(), plan, Budget(1, workers=2), store=store)
    tune(Blurry(), plan, one, store=Store(tmp_path, {"costs": [10.0, 1.0]}))
    tune(Blurry(), plan, one, store=Store(tmp_path, {"costs": [5.0, 1.0]}))
    assert len(list(tmp_path.iterdir())) == 12


def test_optuna_opens_a_study(tmp_path: Path) -> None:
    import optuna

    whole = search(tmp_path, 8, Blurry(fails=lambda x: x < 0.4))
    (file,) = tmp_path.iterdir()
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(file)))
    study = optuna.load_study(study_name=file.stem, storage=storage)
    assert [trial.params["x"] for trial in study.trials] == [trial.parameters["x"] for trial in whole.trials]
    assert study.best_value == min(trial.objective for trial in whole.trials if trial.state == "complete")


def test_a_line_cut_short_is_written_again(tmp_path: Path) -> None:
    whole = search(tmp_path, 4)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    last = len(content.splitlines(keepends=True)[-1])
    for cut in (1, 100, last - 1):
        file.write_bytes(content[:-cut])
        assert told(search(tmp_path, 4).trials) == told(whole.trials)


def spoilt(content: bytes) -> list[bytes]:
    lines = content.splitlines(keepends=True)
    return [
        b"no journal",
        b"no journal\n",
        b"[]\n[]\n",
        b"\x00" * 50,
        b"\xff\n\xfe\n",
        content + b"\x00\x00",
        content.replace(b'"number":1,', b'"number":0,'),
        content.replace(b'"number":1,', b'"number":9,'),
        content.replace(b'"state":"complete"', b'"state":"strange"'),
        content.replace(b'"seconds"', b'"sekunden"'),
        content.replace(b'"op_code":4', b'"op_code":77'),
        content.replace(b'"protocol":1', b'"protocol":2'),
        b"".join([*lines[:2], lines[2][:50], b"\n", *lines[3:]]),
        b"".join([*lines[:3], *lines[4:]]),
    ]


def test_a_damaged_study_is_told(tmp_path: Path) -> None:
    search(tmp_path, 4)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for content in spoilt(whole):
        assert content != whole
        file.write_bytes(content)
        with pytest.raises(SettingsError, match="must hold what tuning wrote.*remove it"):
            search(tmp_path, 6)
        assert file.read_bytes() == content  # nothing of it is lost


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="studies must be writable"):
        search(tmp_path / "file", 2)
    with pytest.raises(OutputError, match="studies must be writable"):
        search(tmp_path / "file" / "below", 2)
    search(tmp_path / "studies", 2)
    (file,) = (tmp_path / "studies").iterdir()
    file.unlink()
    file.mkdir()
    with pytest.raises(OutputError, match="studies must be writable"):
        search(tmp_path / "studies", 2)


def test_one_study_is_searched_by_one_at_a_time(tmp_path: Path) -> None:
    met: list[ScorewrightError] = []

    def meddle(_: object) -> float:
        with pytest.raises(SettingsError, match="one training at a time") as refusal:
            search(tmp_path, 2, objective=Objective("meddle", meddle))
        met.append(refusal.value)
        return 1.0

    search(tmp_path, 2, objective=Objective("meddle", meddle))
    assert len(met) == 10
    search(tmp_path, 2, objective=Objective("meddle", meddle))  # free again
