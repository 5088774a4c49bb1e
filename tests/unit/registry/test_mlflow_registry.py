"""What MLflow's own pages and clients find, beyond the promises every registry shares."""

from __future__ import annotations

import math
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scorewright.domain.evaluation import CandidateRecord, Curve, Evaluation, Importance, Trial
from scorewright.domain.training import TrainingRecord
from scorewright.errors import NoModelError, RegistryUnusableError, SettingsError
from scorewright.registry import ModelVersion, Registry, open_registry

if TYPE_CHECKING:
    from mlflow import MlflowClient

TRIALS = (
    Trial(0, {"leaves": 8, "kind": None}, 3.0, "complete", 4.0),
    Trial(1, {"leaves": 16, "kind": None}, 1.0, "complete", 5.0),
    Trial(2, {"leaves": 24, "kind": None}, 2.0, "pruned", 1.0),
    Trial(3, {"leaves": 32, "kind": None}, math.nan, "failed", 0.5),
)
CURVE = Curve("roc", "False positive rate", "True positive rate", (0.0, 1.0), (0.0, 1.0))


def training(portfolio: str, parameters: int = 3) -> TrainingRecord:
    measured = Evaluation({"auc": 0.75, "cost": 0.5})
    trees = CandidateRecord(
        name="trees",
        parameters={f"p{number}": number for number in range(parameters)},
        out_of_fold=measured,
        test=measured,
        threshold=0.1,
        seconds=60.0,
        curves=(CURVE,),
        features=(Importance("f", "Feature, with a comma", 1.0, 1.0),),
        trials=TRIALS,
        bundle="ab" * 32,
        importances={"leaves": 0.9, "kind": 0.1},
    )
    dummy = replace(trees, name="dummy", trials=(), importances={}, features=(), curves=(), bundle="", seconds=0.1)
    settings = {"folds": 5}
    return TrainingRecord(
        portfolio, 7, "fp", 100, 3, "trees", settings, (dummy, trees), ("Few defaults.",), {"all": 0.8}
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def registry(home: Path) -> Registry:
    return open_registry("mlflow", home)


@pytest.fixture(scope="module")
def client(home: Path, registry: Registry) -> MlflowClient:
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{home / 'mlflow.db'}", f"sqlite:///{home / 'mlflow.db'}")


@pytest.fixture
def mlflow_database(home: Path, registry: Registry, tmp_path: Path) -> Path:
    """Return another home with a copy of the database, to be spoilt."""
    (tmp_path / "home").mkdir()
    shutil.copy(home / "mlflow.db", tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "sealed").mkdir()
    (tmp_path / "sealed" / "manifest.json").write_text("{}")
    return tmp_path / "sealed"


def files(client: MlflowClient, run: str, folder: str | None = None) -> list[str]:
    return [item.path for item in client.list_artifacts(run, folder)]


def test_a_training_is_a_parent_run_with_a_child_per_candidate(
    registry: Registry, client: MlflowClient, bundle: Path
) -> None:
    parent = client.get_run(registry.record(training("whole"), {"trees": bundle}))
    assert client.get_experiment(parent.info.experiment_id).name == "whole"
    assert parent.info.status == "FINISHED"
    assert parent.data.params == {
        "folds": "5", "seed": "7", "applications": "100", "features": "3", "fingerprint": "fp", "winner": "trees",
    }  # fmt: skip
    assert parent.data.metrics["baseline.all"] == 0.8
    assert parent.data.metrics["test.cost"] == 0.5
    assert parent.data.tags["fingerprint"] == "fp"
    assert "Few defaults." in parent.data.tags["mlflow.note.content"]
    assert files(client, parent.info.run_id) == ["comparison.csv", "comparison.png", "training.json"]

    found = client.search_runs([parent.info.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    children = {child.info.run_name: child for child in found}
    assert sorted(children) == ["dummy", "trees"]
    assert {child.info.status for child in found} == {"FINISHED"}
    assert {child.data.tags["fingerprint"] for child in found} == {"fp"}
    trees = children["trees"]
    assert trees.data.params == {"p0": "0", "p1": "1", "p2": "2"}
    assert trees.data.tags["bundle"] == "ab" * 32
    assert trees.data.tags["scorewright.winner"] == "true"
    assert trees.info.end_time - trees.info.start_time >= 60_000
    assert "bundle" not in children["dummy"].data.tags

    run = trees.info.run_id
    assert files(client, run) == ["bundle", "features.csv", "pictures"]
    drawn = [f"pictures/{name}.png" for name in ("features", "parameter_importance", "roc", "tuning_history")]
    assert files(client, run, "pictures") == drawn
    assert files(client, run, "bundle") == ["bundle/manifest.json"]


def test_every_trial_is_a_run_under_its_candidate(registry: Registry, client: MlflowClient) -> None:
    parent = client.get_run(registry.record(training("trials"), {}, pictures=False))
    experiment = [parent.info.experiment_id]
    (trees,) = client.search_runs(experiment, "tags.scorewright.kind = 'candidate' AND run_name = 'trees'")
    runs = client.search_runs(experiment, f"tags.mlflow.parentRunId = '{trees.info.run_id}'")
    trials = {int(run.data.tags["scorewright.trial"]): run for run in runs}
    assert sorted(trials) == [0, 1, 2, 3]
    assert trials[1].data.params == {"leaves": "16", "kind": "None"}
    assert trials[1].data.metrics == {"objective": 1.0, "seconds": 5.0}
    assert trials[3].data.metrics == {"seconds": 0.5}
    assert trials[1].info.end_time - trials[1].info.start_time >= 5000
    assert [trials[number].info.status for number in range(4)] == ["FINISHED", "FINISHED", "KILLED", "FAILED"]
    states = [trials[number].data.tags["scorewright.state"] for number in range(4)]
    assert states == ["complete", "complete", "pruned", "failed"]
    kinds = [run.data.tags["scorewright.kind"] for run in client.search_runs(experiment)]
    assert sorted(kinds) == ["candidate", "candidate", "training", "trial", "trial", "trial", "trial"]


def test_a_version_leads_to_its_run_and_files(registry: Registry, client: MlflowClient, bundle: Path) -> None:
    version = registry.register(
        "versions", "trees", registry.record(training("versions"), {"trees": bundle}, pictures=False)
    )
    registry.set_alias("versions", "champion", "1")
    made = client.get_model_version_by_alias("versions", "champion")
    assert made.tags["bundle"] == version.bundle == "ab" * 32
    assert made.source == f"{client.get_run(str(made.run_id)).info.artifact_uri}/bundle"


def test_more_parameters_than_one_request_takes(registry: Registry, client: MlflowClient) -> None:
    parent = client.get_run(registry.record(training("many", 230), {}, pictures=False))
    asked = "tags.scorewright.candidate = 'trees' AND tags.scorewright.kind = 'candidate'"
    (run,) = client.search_runs([parent.info.experiment_id], asked)
    assert len(run.data.params) == 230


def test_a_training_cut_short_is_marked_and_not_found(registry: Registry, client: MlflowClient) -> None:
    whole = training("short")
    spoilt = replace(whole.candidate("trees"), parameters={"not # a name": 1})
    with pytest.raises(RegistryUnusableError, match="not # a name"):
        registry.record(replace(whole, candidates=(whole.candidates[0], spoilt)), {}, pictures=False)
    experiment = client.get_experiment_by_name("short")
    assert experiment is not None
    ended = {run.info.run_name: run.info.status for run in client.search_runs([experiment.experiment_id])}
    assert ended == {"training of short": "FAILED", "dummy": "FINISHED", "trees": "FAILED"}
    with pytest.raises(NoModelError):
        registry.latest("short")


def test_files_that_cannot_be_written_fail_the_training(tmp_path: Path, mlflow_database: Path) -> None:
    from mlflow import MlflowClient

    (tmp_path / "file").touch()
    registry = open_registry("mlflow", mlflow_database, str(tmp_path / "file" / "artifacts"))
    with pytest.raises(RegistryUnusableError):
        registry.record(training("unwritable"), {}, pictures=False)
    client = MlflowClient(f"sqlite:///{mlflow_database / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("unwritable")
    assert experiment is not None
    assert [run.info.status for run in client.search_runs([experiment.experiment_id])] == ["FAILED"]
    with pytest.raises(NoModelError):
        registry.latest("unwritable")


def test_a_store_that_breaks_later_is_told(mlflow_database: Path) -> None:
    registry = open_registry("mlflow", mlflow_database)
    with sqlite3.connect(mlflow_database / "mlflow.db") as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            database.execute(f"DROP TABLE {table}")
    database.close()
    asked: list[Callable[[], object]] = [
        registry.portfolios,
        registry.latest,
        lambda: registry.versions("lender"),
        lambda: registry.version("lender", "1"),
        lambda: registry.previous("lender", "champion"),
        lambda: registry.set_alias("lender", "champion", "1"),
        lambda: registry.register("lender", "trees", "run"),
        lambda: registry.record(training("lender"), {}),
        lambda: registry.fetch(ModelVersion("lender", "1", "ab" * 32, "trees", "run", datetime.now(UTC))),
    ]
    for ask in asked:
        with pytest.raises(RegistryUnusableError, match="backup"):
            ask()


def test_a_history_changed_by_another_hand_is_told(registry: Registry, client: MlflowClient, bundle: Path) -> None:
    registry.register("scribbled", "trees", registry.record(training("scribbled"), {"trees": bundle}, pictures=False))
    registry.set_alias("scribbled", "champion", "1")
    client.set_registered_model_tag("scribbled", "scorewright.history.champion", "{")
    with pytest.raises(RegistryUnusableError, match="champion"):
        registry.previous("scribbled", "champion")


def test_an_alias_moved_in_mlflow_is_believed(registry: Registry, client: MlflowClient, bundle: Path) -> None:
    run = registry.record(training("moved"), {"trees": bundle}, pictures=False)
    for number in ("1", "2", "3"):
        registry.register("moved", "trees", run)
        registry.set_alias("moved", "champion", number)
    client.set_registered_model_alias("moved", "champion", "1")
    assert registry.version("moved", "champion").version == "1"
    assert registry.previous("moved", "champion") is None
    client.delete_registered_model_alias("moved", "champion")
    assert registry.previous("moved", "champion") is None
    registry.set_alias("moved", "champion", "2")
    assert registry.previous("moved", "champion") is None


def test_an_experiment_in_the_bin_comes_back(registry: Registry, client: MlflowClient) -> None:
    registry.record(training("bin"), {}, pictures=False)
    experiment = client.get_experiment_by_name("bin")
    assert experiment is not None
    client.delete_experiment(experiment.experiment_id)
    assert "bin" not in registry.portfolios()
    registry.record(training("bin"), {}, pictures=False)
    assert "bin" in registry.portfolios()


def test_what_others_keep_in_the_same_mlflow_is_left_out(registry: Registry, client: MlflowClient) -> None:
    client.create_experiment("theirs")
    client.create_registered_model("theirs")
    client.create_model_version("theirs", "file:///nowhere")
    assert "theirs" not in registry.portfolios()
    assert registry.versions("theirs") == ()


def test_a_store_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database " * 100)
    with pytest.raises(SettingsError, match="MLflow store"):
        open_registry("mlflow", tmp_path)


def test_opening_and_recording_say_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    open_registry("mlflow", tmp_path).record(training("quiet"), {}, pictures=False)
    assert capfd.readouterr() == ("", "")
