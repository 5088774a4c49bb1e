from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from scorewright.domain.decisions import Decision, HardRule, ModelInfo, PolicyInfo
from scorewright.domain.explanations import Reason, Reasons
from scorewright.domain.ledger import AccessEntry, DecisionEntry, Recorded, Wanted
from scorewright.domain.matrix import Label
from scorewright.domain.replays import Replayed
from scorewright.domain.service import Judged, Wish
from scorewright.errors import (
    BundleCorruptError,
    ColumnsError,
    ForgottenError,
    LedgerTamperedError,
    NoModelError,
    ReplayDifferenceError,
    ScorewrightError,
    UnknownDecisionError,
)
from scorewright.flows.replay import Replayer
from scorewright.registry.seam import ModelVersion

LABEL = Label("Late", "Retard")
FAMILIES = ("late", "debt")
ALWAYS = ("pd", "interval", "outcome", "policy", "rules", "features")


def bundle(number: str) -> str:
    return number * 64


def version(number: str, of: str | None = None) -> ModelVersion:
    return ModelVersion("book", number, bundle(of or number), "by_hand", "run", datetime(2026, 1, 1, tzinfo=UTC))


class Model:
    """Decides by the income that the application states, divided by the number of its version."""

    def __init__(self, made: ModelVersion) -> None:
        self.info = ModelInfo(
            "book", made.version, made.bundle, "by_hand", "log-odds", 0.5, 1, (), PolicyInfo(version="7")
        )
        self.asked: list[int] = []

    def decide_each(self, wishes: Sequence[Wish]) -> list[Judged | ScorewrightError]:
        self.asked.append(len(wishes))
        return [self._decide(wish) for wish in wishes]

    def _decide(self, wish: Wish) -> Judged | ScorewrightError:
        income = wish.application["application"]["income"]
        if income is None:
            return ColumnsError("application", missing=["income"])
        pd = income / 3 / int(self.info.version)
        reasons = Reasons(tuple(Reason(family, LABEL, LABEL, 0.1, -1.0) for family in FAMILIES))
        made = Decision(
            1,
            pd,
            "refuse",
            self.info,
            rules=(HardRule("majority", "refuse", LABEL),),
            interval=(pd / 2, pd * 2),
            reasons=reasons if "reasons" in wish.include else None,
        )
        return Judged(made, f"{income}".encode().hex())


@dataclass
class Versions:
    """A registry that holds these versions, and counts how often each is loaded."""

    held: tuple[ModelVersion, ...]
    models: list[Model] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    broken: tuple[str, ...] = ()

    def versions(self, portfolio: str) -> tuple[ModelVersion, ...]:
        return tuple(one for one in self.held if one.portfolio == portfolio)

    def load(self, wanted: ModelVersion) -> Any:
        self.loads.append(wanted.version)
        if wanted.version in self.broken:
            raise BundleCorruptError("A bundle is whole.", "a changed file", "Restore it.")
        self.models.append(Model(wanted))
        return self.models[-1]


@dataclass
class Records:
    """A ledger of what it is given; what stands in `edited` was edited by another hand."""

    kept: list[Recorded] = field(default_factory=list)
    edited: tuple[str, ...] = ()

    def get(self, decision: str) -> Recorded:
        for one in self.kept:
            if one.id == decision:
                if one.id in self.edited:
                    raise LedgerTamperedError(one.sequence, "it was edited")
                return one
        raise UnknownDecisionError(decision)

    def iterate(self, wanted: Wanted) -> Iterator[Recorded]:
        return (one for one in self.kept if one.kind == wanted.kind)


def recorded(number: int, income: float | None = 0.3, of: str = "1", **changes: Any) -> Recorded:
    """Record what `Model` answers to this income, with changes laid over it."""
    pd = (income or 0.3) / 3 / int(of)
    entry = DecisionEntry(
        client="A",
        caller="desk",
        inputs=json.dumps({"application": {"income": income}}).encode(),
        pd=pd,
        outcome="refuse",
        portfolio="book",
        model=of,
        bundle=bundle(of),
        policy="7",
        interval=(pd / 2, pd * 2),
        rules=("majority",),
        features=f"{income}".encode().hex(),
    )
    return Recorded(number, f"id-{number}", datetime(2026, 1, 1, tzinfo=UTC), replace(entry, **changes))


def bench(*records: Recorded, held: Iterable[ModelVersion] = (version("1"), version("2"))) -> tuple[Replayer, Versions]:
    registry = Versions(tuple(held))
    return Replayer(registry, Records(list(records)), registry.load), registry  # type: ignore[arg-type]


def refusal(replayer: Replayer, id_: str = "id-1") -> ReplayDifferenceError:
    with pytest.raises(ReplayDifferenceError, match=id_) as caught:
        replayer.replay(id_)
    return caught.value


def test_what_comes_out_the_same_says_what_was_compared_and_by_which_model() -> None:
    replayer, _ = bench(recorded(1, of="2"))
    assert replayer.replay("id-1") == Replayed("id-1", "book", "2", bundle("2"), ALWAYS)


def test_reasons_are_compared_where_they_were_recorded() -> None:
    replayer, _ = bench(recorded(1, reasons=FAMILIES), recorded(2, reasons=FAMILIES[::-1]))
    assert replayer.replay("id-1").compared == (*ALWAYS, "reasons")
    assert refusal(replayer, "id-2").differences == {"reasons": ("'debt', 'late'", "'late', 'debt'")}


def test_a_shadow_is_computed_again_like_a_decision() -> None:
    replayer, _ = bench(recorded(1, of="2", shadow_of="id-0"))
    assert replayer.replay("id-1").version == "2"


def test_one_bit_of_the_pd_is_a_difference_and_both_values_are_told_to_the_bit() -> None:
    after = 0.75 / 3
    before = math.nextafter(after, 1)
    replayer, _ = bench(recorded(1, income=0.75, pd=before))
    told = ("0.25000000000000006 (0x1.0000000000001p-2)", "0.25 (0x1.0000000000000p-2)")
    assert refusal(replayer).differences == {"pd": told}


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("interval", {"interval": (0.05, 0.3)}),
        ("interval", {"interval": None}),
        ("outcome", {"outcome": "approve"}),
        ("policy", {"policy": "8"}),
        ("rules", {"rules": ()}),
        ("features", {"features": "ab" * 32}),
    ],
    ids=str,
)
def test_each_part_that_differs_is_named(part: str, changes: dict[str, Any]) -> None:
    replayer, _ = bench(recorded(1, **changes))
    error = refusal(replayer)
    assert list(error.differences) == [part]
    before, after = error.differences[part]
    assert before != after
    assert before in str(error)
    assert after in str(error)


def test_an_application_that_is_refused_now_is_a_difference() -> None:
    replayer, _ = bench(recorded(1, income=None))
    assert refusal(replayer).differences == {"outcome": ("refuse", "refused as data-columns")}


def test_the_sign_of_a_zero_is_not_recorded_and_no_difference() -> None:
    replayer, _ = bench(recorded(1, income=-0.0, pd=0.0, interval=(0.0, 0.0)))
    assert replayer.replay("id-1").compared == ALWAYS


def test_a_forgotten_client_cannot_be_replayed() -> None:
    replayer, registry = bench(replace(recorded(1, inputs=b"", features=""), forgotten=True))
    with pytest.raises(ForgottenError, match="id-1"):
        replayer.replay("id-1")
    assert registry.loads == []


def test_an_unknown_decision_is_told() -> None:
    replayer, _ = bench()
    with pytest.raises(UnknownDecisionError, match="no-such-id"):
        replayer.replay("no-such-id")


def test_a_bundle_that_no_version_has_is_named() -> None:
    replayer, _ = bench(recorded(1), held=(version("2"),))
    with pytest.raises(NoModelError, match=bundle("1")):
        replayer.replay("id-1")


def test_of_versions_with_the_same_bundle_the_recorded_one_is_preferred() -> None:
    held = (version("1"), version("2", of="1"), version("3"))
    replayer, registry = bench(
        recorded(1, 0.75, model="2", pd=0.125, interval=(0.0625, 0.25)), recorded(2, model="9"), held=held
    )
    assert replayer.replay("id-1").version == "2"
    assert registry.loads == ["2"]
    assert bench(recorded(2, model="9"), held=held)[0].replay("id-2").version == "1"


def test_many_are_computed_together_by_bundle_and_told_in_their_order() -> None:
    records = [recorded(number, income=number / 200, of="12"[number % 2]) for number in range(1, 131)]
    replayer, registry = bench(*records)
    results = list(replayer.replay_many(Wanted()))
    assert [id_ for id_, _ in results] == [one.id for one in records]
    assert all(isinstance(result, Replayed) for _, result in results)
    assert sorted(registry.loads) == ["1", "2"]
    assert sorted(size for model in registry.models for size in model.asked) == [1, 1, 32, 32, 32, 32]


def test_one_that_fails_does_not_keep_the_others() -> None:
    records = [
        recorded(1),
        recorded(2, outcome="approve"),
        replace(recorded(3), forgotten=True),
        recorded(4, of="2"),
        recorded(5),
        recorded(6, bundle="none"),
    ]
    registry = Versions((version("1"), version("2")), broken=("2",))
    replayer = Replayer(registry, Records(records, edited=("id-5",)), registry.load)  # type: ignore[arg-type]
    wanted = [*(one.id for one in records), "id-7"]
    results = dict(replayer.replay_many(wanted))
    assert list(results) == wanted
    assert [type(result) for result in results.values()] == [
        Replayed,
        ReplayDifferenceError,
        ForgottenError,
        BundleCorruptError,
        LedgerTamperedError,
        NoModelError,
        UnknownDecisionError,
    ]


def test_only_decisions_and_shadows_can_be_computed_again() -> None:
    access = Recorded(1, "id-1", datetime(2026, 1, 1, tzinfo=UTC), AccessEntry("desk", "GET /v1/model", allowed=True))
    with pytest.raises(TypeError, match="not access"):
        list(bench(access)[0].replay_many(Wanted("access")))


def test_few_models_stay_loaded_the_last_used_ones() -> None:
    records = [recorded(number, of=str(number)) for number in (1, 2, 3)]
    replayer, registry = bench(*records, held=map(version, "123"))
    for id_ in ("id-1", "id-2", "id-1", "id-3", "id-1", "id-2"):
        replayer.replay(id_)
    assert registry.loads == ["1", "2", "3", "2"]


def test_threads_that_want_the_same_bundle_load_it_once() -> None:
    replayer, registry = bench(recorded(1))
    barrier = threading.Barrier(4)

    def work(_: int) -> Replayed:
        barrier.wait()
        return replayer.replay("id-1")

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(work, range(4)))) == 1
    assert registry.loads == ["1"]
