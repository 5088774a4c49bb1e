from __future__ import annotations

import gc
import logging
import shutil
import threading
import weakref
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scorewright.domain.decisions import NOTHING, Decision, Include, ModelInfo, Simulated
from scorewright.domain.service import Judged
from scorewright.errors import BundleCorruptError, NoModelError, RegistryUnusableError, ScorewrightError
from scorewright.flows.champion import LoadedModel
from scorewright.flows.following import Event, Follower, Following
from scorewright.flows.plan import Plan
from scorewright.flows.train import Shelves, train
from scorewright.flows.warming import Held, load_held, warm
from scorewright.registry.folder_registry import FolderRegistry
from scorewright.registry.seam import ModelVersion, Registry
from scorewright.tables.portfolio import portfolio_from_files
from tests.made_up import loans
from tests.unit.flows.test_training import BOOK, SQL

PATIENCE = 30


def version(number: str) -> ModelVersion:
    return ModelVersion("book", number, number * 64, "by_hand", "run", datetime(2026, 1, 1, tzinfo=UTC))


class Aliases:
    """The registry that a follower sees: who holds which alias, and whether it answers."""

    def __init__(self, **held: str) -> None:
        self.held = held
        self.failure: Exception | None = None
        self.threads: set[str] = set()

    def portfolios(self) -> tuple[str, ...]:
        return ("book",)

    def version(self, portfolio: str, wanted: str) -> ModelVersion:
        self.threads.add(threading.current_thread().name)
        assert portfolio == "book"
        if self.failure is not None:
            raise self.failure
        if wanted not in self.held:
            raise NoModelError("An alias must be held.", f"nobody is {wanted}", "Promote a version.")
        return version(self.held[wanted])


class Service:
    """Answers with the number of its version, after waiting for the door to open."""

    def __init__(self, number: str, door: threading.Event) -> None:
        self.number, self.door, self.entered = number, door, threading.Event()

    def model(self) -> ModelInfo:
        return ModelInfo("book", self.number, self.number * 64, "by_hand", "log-odds", 0.5, 1, ("application",))

    def decide(self, application: Mapping[str, Any], include: frozenset[Include] = NOTHING) -> Decision:
        self.entered.set()
        assert self.door.wait(PATIENCE)
        return Decision(1, 0.1, "approve", self.model())

    def simulate(self, application: Any, changes: Any, include: frozenset[Include] = NOTHING) -> Simulated:
        return Simulated(self.decide(application), self.decide(application))

    def example(self) -> Mapping[str, Any]:
        return {"application": {"by": self.number}}


class Bench:
    """A follower, the registry it follows, its clock, and what it tells."""

    def __init__(self, challenger: str | None = None, /, **held: str) -> None:
        self.registry = Aliases(**held)
        self.broken: dict[str, Exception] = {}
        self.loads: list[str] = []
        self.events: list[Event] = []
        self.clock = 0.0
        self.door = threading.Event()
        self.door.set()
        following = Following(challenger=challenger, interval=1.0, longest=5.0)
        self.follower = Follower(
            self.registry,  # type: ignore[arg-type]
            None,
            following,
            self.load,
            self.events.append,
            lambda: self.clock,
        )

    def load(self, wanted: ModelVersion) -> Held:
        self.loads.append(wanted.version)
        if wanted.version in self.broken:
            raise self.broken[wanted.version]
        return Held(LoadedModel(wanted, None), Service(wanted.version, self.door))  # type: ignore[arg-type]

    def started(self) -> Bench:
        self.follower.start()
        self.follower.close()
        return self

    def look(self, seconds: float = 1.0) -> None:
        self.clock += seconds
        self.follower.look()

    @property
    def answering(self) -> str:
        return self.follower.model().version

    @property
    def happened(self) -> list[str]:
        return [event.happening for event in self.events]


CORRUPT = BundleCorruptError("Each file must be as it was sealed.", "model.txt has changed", "Copy it again.")


# Swaps


def test_the_alias_is_followed_forth_and_back() -> None:
    bench = Bench(champion="1").started()
    assert bench.answering == "1"
    bench.registry.held["champion"] = "2"
    bench.look()
    assert bench.answering == "2"
    bench.registry.held["champion"] = "1"
    bench.look()
    assert bench.answering == "1"
    assert [(event.happening, event.version) for event in bench.events] == [
        ("swapped", "1"),
        ("swapped", "2"),
        ("swapped", "1"),
    ]


def test_a_version_that_stays_is_loaded_once() -> None:
    bench = Bench(champion="1").started()
    for _ in range(5):
        bench.look()
    assert bench.loads == ["1"]


def test_a_request_ends_with_the_model_it_began_with() -> None:
    bench = Bench(champion="1").started()
    bench.door.clear()
    old = bench.follower.current()
    answers: list[Decision] = []
    request = threading.Thread(target=lambda: answers.append(bench.follower.decide({})))
    request.start()
    assert isinstance(old.service, Service)
    assert old.service.entered.wait(PATIENCE)
    bench.registry.held["champion"] = "2"
    bench.look()
    assert bench.answering == "2"
    bench.door.set()
    request.join(PATIENCE)
    assert answers[0].model.version == "1"
    assert bench.follower.decide({}).model.version == "2"


def test_the_model_that_was_replaced_is_let_go() -> None:
    bench = Bench(champion="1").started()
    gone = weakref.ref(bench.follower.current())
    bench.registry.held["champion"] = "2"
    bench.look()
    assert gone() is None


def test_the_whole_service_is_that_of_the_moment() -> None:
    bench = Bench(champion="1").started()
    bench.registry.held["champion"] = "2"
    bench.look()
    follower = bench.follower
    assert follower.example() == {"application": {"by": "2"}}
    assert follower.simulate({}, {}).after.model.version == "2"
    assert follower.current().version == version("2")


def test_the_registry_is_asked_by_the_followers_thread_alone() -> None:
    bench = Bench(champion="1", challenger="2")
    bench.follower.start()
    bench.registry.threads.clear()
    for _ in range(100):
        bench.follower.decide({})
        bench.follower.shadow()
        bench.follower.state()
    bench.follower.close()
    assert bench.registry.threads <= {"scorewright-follower"}


def test_the_thread_notices_a_change_by_itself() -> None:
    registry, swapped = Aliases(champion="1"), threading.Event()
    door = threading.Event()

    def load(wanted: ModelVersion) -> Held:
        return Held(LoadedModel(wanted, None), Service(wanted.version, door))  # type: ignore[arg-type]

    def listen(event: Event) -> None:
        if event.version == "2":
            swapped.set()

    follower = Follower(registry, "book", Following(interval=0.001), load, listen)  # type: ignore[arg-type]
    follower.start()
    registry.held["champion"] = "2"
    assert swapped.wait(PATIENCE)
    follower.close()
    assert follower.model().version == "2"
    assert "scorewright-follower" not in {thread.name for thread in threading.enumerate()}


# What cannot take over


@pytest.mark.parametrize(
    ("failure", "code", "told"),
    [
        (CORRUPT, "bundle-corrupt", "model.txt has changed"),
        (ZeroDivisionError("Mrs Martin"), "unexpected", "ZeroDivisionError"),
    ],
)
def test_a_bundle_that_fails_is_refused_aloud_and_the_old_one_keeps_answering(
    failure: Exception, code: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(champion="1").started()
    bench.broken["2"] = failure
    bench.registry.held["champion"] = "2"
    bench.look()
    assert bench.answering == "1"
    (champion,) = bench.follower.state()
    assert (champion.serving, champion.refused and champion.refused.version) == (version("1"), version("2"))
    assert (bench.events[-1].happening, bench.events[-1].code) == ("refused", code)
    assert told in str(bench.events[-1].reason)
    assert [(record.levelno, record.message) for record in caplog.records] == [(logging.ERROR, "model-refused")]
    assert "Martin" not in str(vars(caplog.records[0])) + str(champion)


def test_what_was_refused_is_tried_again_at_doubling_intervals_and_taken_once_mended() -> None:
    bench = Bench(champion="1").started()
    bench.broken["2"] = CORRUPT
    bench.registry.held["champion"] = "2"
    tried = []
    for second in range(20):
        before = len(bench.loads)
        bench.look()
        tried += [second] * (len(bench.loads) - before)
    # After 1, 2 and 4 seconds, then every 5: the longest wait.
    assert tried == [0, 1, 3, 7, 12, 17]
    (champion,) = bench.follower.state()
    assert champion.refused is not None
    assert champion.refused.attempts == len(tried)
    bench.broken.clear()
    bench.look(5.0)
    assert bench.answering == "2"
    assert bench.follower.state()[0].refused is None


def test_another_version_is_tried_at_once_and_going_back_forgets_the_refusal() -> None:
    bench = Bench(champion="1").started()
    bench.broken["2"] = CORRUPT
    bench.registry.held["champion"] = "2"
    bench.look()
    bench.registry.held["champion"] = "3"
    bench.look(0.0)
    assert bench.answering == "3"
    bench.registry.held["champion"] = "2"
    bench.look(0.0)
    bench.registry.held["champion"] = "3"
    bench.look(0.0)
    assert bench.follower.state()[0].refused is None
    assert bench.answering == "3"


@pytest.mark.parametrize(
    "failure", [RegistryUnusableError("no route to host"), NoModelError("R.", "v", "M."), OSError()]
)
def test_a_registry_that_does_not_answer_changes_nothing_and_is_said_once(failure: Exception) -> None:
    bench = Bench(champion="1").started()
    bench.registry.failure = failure
    for _ in range(3):
        bench.look()
    (champion,) = bench.follower.state()
    assert (bench.answering, champion.age) == ("1", 3.0)
    assert champion.unreachable
    bench.registry.failure = None
    bench.look()
    assert bench.happened == ["swapped", "unreachable", "reached"]
    assert (bench.follower.state()[0].unreachable, bench.follower.state()[0].age) == (None, 0.0)


@pytest.mark.parametrize("held", [{}, {"champion": "9"}])
def test_a_service_does_not_start_without_a_model(held: dict[str, str]) -> None:
    bench = Bench(**held)
    bench.broken["9"] = CORRUPT
    with pytest.raises(BundleCorruptError if held else NoModelError):
        bench.follower.start()
    with pytest.raises(NoModelError):
        bench.follower.current()
    assert "scorewright-follower" not in {thread.name for thread in threading.enumerate()}


def test_a_listener_that_fails_stops_nothing() -> None:
    bench = Bench(champion="1").started()
    bench.follower._listen = lambda event: 1 / 0  # type: ignore[assignment, return-value]
    bench.registry.held["champion"] = "2"
    bench.look()
    assert (bench.answering, bench.follower.state()[0].refused) == ("2", None)


# The challenger


def test_a_challenger_is_held_beside_and_never_answers() -> None:
    bench = Bench("challenger", champion="1", challenger="2").started()
    beside = bench.follower.shadow()
    assert beside is not None
    assert (bench.answering, beside.version.version) == ("1", "2")
    assert {bench.follower.decide({}).model.version for _ in range(10)} == {"1"}


def test_a_challenger_that_is_promoted_is_not_loaded_again_and_no_longer_scored_beside() -> None:
    bench = Bench("challenger", champion="1", challenger="2").started()
    bench.registry.held["champion"] = "2"
    bench.look()
    assert (bench.answering, bench.follower.shadow()) == ("2", None)
    assert bench.loads == ["1", "2"]


def test_a_challenger_may_be_absent_come_and_go() -> None:
    bench = Bench("challenger", champion="1").started()
    assert bench.follower.shadow() is None
    assert bench.happened == ["swapped"]
    bench.registry.held["challenger"] = "2"
    bench.look()
    assert bench.follower.shadow() is not None
    del bench.registry.held["challenger"]
    bench.look()
    assert bench.follower.shadow() is None
    assert bench.happened[-1] == "withdrawn"


def test_a_broken_challenger_leaves_the_champion_alone() -> None:
    bench = Bench("challenger", champion="1", challenger="2")
    bench.broken["2"] = CORRUPT
    bench.started()
    assert (bench.answering, bench.follower.shadow()) == ("1", None)
    assert [(state.slot, state.refused is None) for state in bench.follower.state()] == [
        ("champion", True),
        ("challenger", False),
    ]


# Real bundles


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a registry with two versions of a book, the first of them champion."""
    place = tmp_path_factory.mktemp("following")
    loans(600).write_parquet(place / "loans.parquet")
    portfolio = portfolio_from_files({"portfolio.toml": BOOK.encode(), "features/application.sql": SQL}, "book")
    plan = Plan(("scorecard", "logistic_regression"), folds=3, repeats=2, trials=1, workers=1, pictures=False)
    registry = FolderRegistry(place / "registry")
    train(portfolio, place, plan, Shelves(registry, place / "bundles", place / "studies"))
    (first,) = registry.versions("book")
    other = {"scorecard", "logistic_regression"} - {first.candidate}
    registry.register("book", other.pop(), first.run)
    registry.set_alias("book", "champion", "1")
    return place / "registry"


@pytest.fixture
def registry(shelf: Path, tmp_path: Path) -> FolderRegistry:
    shutil.copytree(shelf, tmp_path / "registry")
    return FolderRegistry(tmp_path / "registry")


def followed(registry: Registry) -> Follower:
    follower = Follower(registry, "book", Following(interval=PATIENCE, longest=0.0))
    follower.start()
    follower.close()
    return follower


def test_a_real_model_takes_over_and_decides_as_when_loaded_alone(registry: FolderRegistry) -> None:
    follower = followed(registry)
    registry.set_alias("book", "champion", "2")
    follower.look()
    alone = load_held(registry, registry.version("book", "2")).service
    assert follower.model() == alone.model()
    assert follower.decide(follower.example()) == alone.decide(alone.example())


def test_a_real_bundle_with_one_changed_byte_never_answers(registry: FolderRegistry, tmp_path: Path) -> None:
    follower = followed(registry)
    digest = registry.version("book", "2").bundle
    changed = tmp_path / "registry" / "bundles" / digest / "metrics.json"
    kept = changed.read_bytes()
    changed.write_bytes(kept[:-2] + b" }")
    registry.set_alias("book", "champion", "2")
    follower.look()
    refused = follower.state()[0].refused
    assert (follower.model().version, refused and refused.code) == ("1", "bundle-corrupt")
    changed.write_bytes(kept)
    follower.look()
    assert follower.model().version == "2"


def test_real_models_that_were_replaced_are_freed_without_the_collector(registry: FolderRegistry) -> None:
    follower = followed(registry)
    seen = []
    for number in ("2", "1", "2", "1"):
        seen.append(weakref.ref(follower.current().loaded.scorer))
        registry.set_alias("book", "champion", number)
        follower.look()
    # What the collector was told to spare, it cannot free: only what nothing refers to is gone.
    gc.collect()
    assert [ref() for ref in seen] == [None] * 4


def test_a_model_without_a_probability_is_not_warm() -> None:
    lost = Decision(1, float("nan"), "refuse", Service("1", threading.Event()).model())
    good = replace(lost, pd=1.0)
    together: list[Judged | ScorewrightError] = [Judged(lost), Judged(lost)]
    service = SimpleNamespace(
        example=dict, decide=lambda application, include: lost, decide_each=lambda wishes: together[: len(wishes)]
    )
    with pytest.raises(BundleCorruptError, match="nan"):
        warm(service)  # type: ignore[arg-type]
    service.decide = lambda application, include: good
    with pytest.raises(BundleCorruptError, match="nan"):
        warm(service)  # type: ignore[arg-type]
    together[:] = [Judged(good), NoModelError("One must be.", "none", "Promote one.")]
    with pytest.raises(NoModelError):
        warm(service)  # type: ignore[arg-type]
    together[:] = [Judged(good), Judged(good)]
    warm(service)  # type: ignore[arg-type]
