"""One suite for every registry: what is promised by the seam holds whatever keeps it."""

from __future__ import annotations

import hashlib
import math
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scorewright.bundle.manifest import MANIFEST, PROTOCOL, Manifest, sha256
from scorewright.domain.evaluation import CandidateRecord, Curve, Evaluation, Importance, Interval, Trial, TrialState
from scorewright.domain.training import TrainingRecord
from scorewright.errors import NoModelError, RegistryUnusableError, SettingsError
from scorewright.registry import ModelVersion, Registry, open_registry

Open = Callable[[], Registry]


@pytest.fixture(scope="session")
def mlflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose MLflow database is set up once, to be copied."""
    home = tmp_path_factory.mktemp("mlflow")
    open_registry("mlflow", home)
    return home


@pytest.fixture(params=["folder", "mlflow"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Return a way to open the same registry, as often as wanted."""
    home = tmp_path / "home"
    home.mkdir()
    if request.param == "mlflow":
        shutil.copy(request.getfixturevalue("mlflow_home") / "mlflow.db", home)
    return lambda: open_registry(request.param, home)


@pytest.fixture
def registry(reopen: Open) -> Registry:
    return reopen()


def seal(folder: Path, content: str) -> str:
    """Write a made-up bundle and return its hash."""
    (folder / "features").mkdir(parents=True)
    files = {"model.txt": content.encode() + b"\r\n\x00\xff", "features/bureau.sql": b"SELECT 1"}
    for name, held in files.items():
        (folder / name).write_bytes(held)
    hashes = {name: sha256(held) for name, held in files.items()}
    manifest = Manifest(PROTOCOL, "lender", "trees", "trees", "ab" * 32, 1, {}, hashes).to_json()
    (folder / MANIFEST).write_bytes(manifest)
    return sha256(manifest)


def trial(number: int) -> Trial:
    """Make the first trial of three complete, the second pruned, the third failed, and so on."""
    state: TrialState = ("complete", "pruned", "failed")[number % 3]  # type: ignore[assignment]
    objective = math.nan if state == "failed" else 1.0 / (number + 1)
    return Trial(number, {"leaves": number, "rate": 0.1, "none": None}, objective, state, 0.5 * number)


def candidate(name: str, cost: float, bundle: str = "", trials: int = 0) -> CandidateRecord:
    test = Evaluation({"auc": 0.75, "cost": cost, "ks": math.nan}, {"cost": Interval(cost, cost - 0.1, cost + 0.1)})
    return CandidateRecord(
        name=name,
        parameters={"leaves": 31, "rate": 0.1, "kind": "x", "none": None, "flag": True},
        out_of_fold=Evaluation({"auc": 0.7}),
        test=test,
        threshold=0.09,
        seconds=1.5,
        curves=(Curve("roc", "False positive rate", "True positive rate", (0.0, 0.2, 1.0), (0.0, 0.7, 1.0)),),
        features=(Importance("f", "Feature", 1.0, 1.0),),
        trials=tuple(trial(number) for number in range(trials)),
        bundle=bundle,
        importances={"leaves": 1.0} if trials else {},
    )


def training(*candidates: CandidateRecord, portfolio: str = "lender", seed: int = 1) -> TrainingRecord:
    return TrainingRecord(
        portfolio=portfolio,
        seed=seed,
        fingerprint="ab" * 32,
        applications=1000,
        features=12,
        winner=candidates[-1].name,
        settings={"folds": 5},
        candidates=candidates,
        warnings=("Few defaults.",),
        baselines={"approve_everyone": 0.8},
    )


def recorded(registry: Registry, tmp_path: Path, portfolio: str = "lender") -> tuple[str, Path]:
    """Record one training whose trees have a bundle and whose dummy has none."""
    folder = tmp_path / f"sealed-{portfolio}"
    sha256 = seal(folder, portfolio)
    record = training(candidate("dummy", 0.9), candidate("trees", 0.5, sha256), portfolio=portfolio)
    return registry.record(record, {"trees": folder}, pictures=False), folder


def registered(registry: Registry, tmp_path: Path, versions: int) -> list[ModelVersion]:
    run, _ = recorded(registry, tmp_path)
    return [registry.register("lender", "trees", run) for _ in range(versions)]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_an_empty_registry_says_so(registry: Registry) -> None:
    assert registry.portfolios() == ()
    assert registry.versions("lender") == ()
    assert registry.previous("lender", "champion") is None
    for asked in ("champion", "1"):
        with pytest.raises(NoModelError, match="scorewright train"):
            registry.version("lender", asked)
    with pytest.raises(NoModelError, match="scorewright train"):
        registry.latest()


def test_the_last_training_comes_back_whole(reopen: Open) -> None:
    record = training(candidate("dummy", 0.9), candidate("trees", 0.5, trials=4))
    reopen().record(record, {}, pictures=False)
    found = reopen().latest("lender")
    assert repr(found) == repr(record)  # repr, because NaN differs from itself


def test_latest_is_the_last_of_the_portfolio_or_of_all(registry: Registry) -> None:
    for portfolio, seed in (("a", 1), ("a", 2), ("b", 3)):
        registry.record(training(candidate("dummy", 0.9), portfolio=portfolio, seed=seed), {}, pictures=False)
    assert registry.latest("a").seed == 2
    assert registry.latest("b").seed == 3
    assert registry.latest().seed == 3
    assert registry.portfolios() == ("a", "b")


def test_the_training_of_a_version_is_its_own_not_the_latest(registry: Registry, tmp_path: Path) -> None:
    run, _ = recorded(registry, tmp_path)
    version = registry.register("lender", "trees", run)
    registry.record(training(candidate("dummy", 0.9), seed=99), {}, pictures=False)
    assert registry.latest("lender").seed == 99
    assert registry.training(version).seed != 99
    assert registry.training(version).candidate("trees").name == "trees"
    with pytest.raises((NoModelError, RegistryUnusableError)):
        registry.training(replace(version, run="0" * 32))


def test_a_version_says_where_it_comes_from(registry: Registry, tmp_path: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    run, folder = recorded(registry, tmp_path)
    version = registry.register("lender", "trees", run)
    assert (version.portfolio, version.version, version.candidate, version.run) == ("lender", "1", "trees", run)
    assert version.bundle == hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    assert before <= version.created <= datetime.now(UTC)
    assert version.created.tzinfo is UTC
    assert version.aliases == ()


def test_versions_are_numbered_in_order_and_kept(reopen: Open, tmp_path: Path) -> None:
    made = registered(reopen(), tmp_path, 11)
    assert [version.version for version in made] == [str(number) for number in range(1, 12)]
    assert reopen().versions("lender") == tuple(made)
    assert reopen().version("lender", "10") == made[9]


def test_only_a_recorded_candidate_with_a_bundle_is_registered(registry: Registry, tmp_path: Path) -> None:
    run, _ = recorded(registry, tmp_path)
    for name, asked in (("dummy", run), ("absent", run), ("trees", "no-such-run"), ("trees", "../x'y")):
        with pytest.raises(NoModelError, match=name):
            registry.register("lender", name, asked)
    assert registry.versions("lender") == ()


def test_a_bundle_without_its_hash_or_folder_is_the_callers_mistake(registry: Registry, tmp_path: Path) -> None:
    seal(tmp_path / "sealed", "x")
    with pytest.raises(ValueError, match="SHA-256"):
        registry.record(training(candidate("trees", 0.5)), {"trees": tmp_path / "sealed"}, pictures=False)
    with pytest.raises(ValueError, match="folder"):
        registry.record(training(candidate("trees", 0.5, "a" * 64)), {"trees": tmp_path / "absent"}, pictures=False)
    assert registry.portfolios() == ()


def test_fetch_returns_the_bytes_that_were_recorded(reopen: Open, tmp_path: Path) -> None:
    registry = reopen()
    run, folder = recorded(registry, tmp_path)
    registry.register("lender", "trees", run)
    sealed = contents(folder)
    shutil.rmtree(folder)  # the registry keeps its own copy
    assert contents(reopen().fetch(reopen().version("lender", "1"))) == sealed


@pytest.mark.parametrize("broken", ["model.txt", MANIFEST])
def test_recording_again_mends_a_broken_copy(registry: Registry, tmp_path: Path, broken: str) -> None:
    run, folder = recorded(registry, tmp_path)
    first = registry.register("lender", "trees", run)
    kept = registry.fetch(first)
    (kept / broken).write_bytes(b"spoilt")
    (kept / "stray.txt").touch()
    record = training(candidate("trees", 0.5, sha256((folder / MANIFEST).read_bytes())))
    again = registry.record(record, {"trees": folder}, pictures=False)
    second = registry.register("lender", "trees", again)
    for version in (first, second):
        assert contents(registry.fetch(version)) == contents(folder)


def test_a_training_whose_file_is_gone_or_broken_is_told(reopen: Open, tmp_path: Path) -> None:
    recorded(reopen(), tmp_path)
    (file,) = (
        found
        for found in (tmp_path / "home").rglob("*.json")
        if found.name == "training.json" or found.parent.parent.name == "trainings"
    )
    for spoilt in (b"", b"{", b"[]", b"{}", b"\xff", b'{"training": {"seed": 1}}', b"[" * 100_000):
        file.write_bytes(spoilt)
        with pytest.raises(RegistryUnusableError, match="backup"):
            reopen().latest("lender")
    file.unlink()
    with pytest.raises(NoModelError, match="scorewright train"):
        reopen().latest("lender")


def test_fetch_says_when_the_files_are_gone(registry: Registry, tmp_path: Path) -> None:
    (version,) = registered(registry, tmp_path, 1)
    shutil.rmtree(registry.fetch(version))
    with pytest.raises(NoModelError, match="backup"):
        registry.fetch(version)


def test_an_alias_moves_whole(reopen: Open, tmp_path: Path) -> None:
    registry = reopen()
    registered(registry, tmp_path, 2)
    registry.set_alias("lender", "champion", "1")
    registry.set_alias("lender", "challenger", "2")
    assert reopen().version("lender", "champion").aliases == ("champion",)
    registry.set_alias("lender", "champion", "2")
    assert reopen().version("lender", "champion").version == "2"
    assert [version.aliases for version in reopen().versions("lender")] == [(), ("challenger", "champion")]


def test_rolling_back_twice_goes_back_twice(reopen: Open, tmp_path: Path) -> None:
    registered(reopen(), tmp_path, 3)
    for number in ("1", "2", "3"):
        reopen().set_alias("lender", "champion", number)
    seen = []
    while (back := reopen().previous("lender", "champion")) is not None:
        reopen().set_alias("lender", "champion", back)
        seen.append(reopen().version("lender", "champion").version)
    assert seen == ["2", "1"]


def test_setting_an_alias_again_forgets_nothing(registry: Registry, tmp_path: Path) -> None:
    registered(registry, tmp_path, 2)
    for number in ("1", "2", "2"):
        registry.set_alias("lender", "champion", number)
    assert registry.previous("lender", "champion") == "1"
    assert registry.previous("lender", "challenger") is None


def test_an_unknown_version_leaves_the_alias_where_it_is(registry: Registry, tmp_path: Path) -> None:
    registered(registry, tmp_path, 1)
    registry.set_alias("lender", "champion", "1")
    with pytest.raises(NoModelError, match="'7'.*Choose one of: 1, champion"):
        registry.set_alias("lender", "champion", "7")
    assert registry.version("lender", "champion").version == "1"
    with pytest.raises(NoModelError, match="'challenger'.*Choose one of: 1, champion"):
        registry.version("lender", "challenger")


def test_an_alias_cannot_be_mistaken_for_a_version(registry: Registry, tmp_path: Path) -> None:
    registered(registry, tmp_path, 1)
    for alias in ("3", "latest", "v2", "", "../x", "Champion"):
        with pytest.raises(SettingsError, match="alias"):
            registry.set_alias("lender", alias, "1")


def test_a_portfolio_has_a_plain_name(registry: Registry) -> None:
    for name in ("", "..", "a/b", "a b", "x'y"):
        with pytest.raises(SettingsError, match=r"portfolio\.toml"):
            registry.record(training(candidate("dummy", 0.9), portfolio=name), {}, pictures=False)
        with pytest.raises(SettingsError, match=r"portfolio\.toml"):
            registry.version(name, "1")


def test_portfolios_do_not_share_versions_or_aliases(registry: Registry, tmp_path: Path) -> None:
    for portfolio in ("a", "b"):
        run, _ = recorded(registry, tmp_path, portfolio)
        registry.register(portfolio, "trees", run)
    registry.set_alias("a", "champion", "1")
    assert registry.version("b", "1").aliases == ()
    assert registry.version("b", "1").bundle != registry.version("a", "champion").bundle


@pytest.fixture
def flipping(reopen: Open, tmp_path: Path) -> Iterator[threading.Thread]:
    """Move the champion to and fro beside the test."""
    registry = reopen()
    registered(registry, tmp_path, 2)
    registry.set_alias("lender", "champion", "1")

    def flip() -> None:
        for turn in range(12):
            registry.set_alias("lender", "champion", "2" if turn % 2 == 0 else "1")

    writer = threading.Thread(target=flip)
    writer.start()
    yield writer
    writer.join()


def test_a_reader_beside_a_writer_always_finds_a_champion(reopen: Open, flipping: threading.Thread) -> None:
    reader = reopen()
    while flipping.is_alive():
        found = reader.version("lender", "champion")
        assert found.version in ("1", "2")
        assert "champion" in found.aliases
