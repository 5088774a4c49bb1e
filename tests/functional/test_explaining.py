"""Explanations over HTTP: a trained model is asked for each part, and what it says is tried from outside."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from benchmarks.posted import Bodies, Body, refused, sent_again, trespasses
from scorewright.bundle.contents import open_bundle
from scorewright.bundle.scorer import Scorer
from scorewright.domain.decisions import INCLUDES, Include
from scorewright.domain.explanations import Change, Option
from scorewright.domain.matrix import Label
from scorewright.flows.champion import LoadedModel, load_version
from scorewright.flows.decide import ModelService
from scorewright.flows.plan import EVERY_CANDIDATE, Plan
from scorewright.flows.train import Shelves, train
from scorewright.registry.folder_registry import FolderRegistry
from scorewright.serve.app import create_app
from scorewright.serve.settings import ServiceSettings
from scorewright.tables.portfolio import Portfolio
from tests.serving import parts_of as wired

PARTS: dict[Include, tuple[str, ...]] = {
    "contributions": ("contributions", "base", "score"),
    "points": ("points",),
    "reasons": ("reasons", "withheld"),
    "recourse": ("recourse",),
    "standing": ("standing",),
}
TOLD = {name for names in PARTS.values() for name in names}
#: What a sentence that was not filled in would hold, as whole words: the French "financement" holds a "nan".
UNFILLED = re.compile(r"[{}]|\b(?:nan|None|null|inf)\b")
ASKED = 6


class Service:
    """One model behind the real application, asked in JSON as an integrator asks it."""

    def __init__(self, model: LoadedModel) -> None:
        self.scorer = model.scorer
        self._app = create_app(wired(ModelService(model)), ServiceSettings())

    def post(self, path: str, bodies: Sequence[Body]) -> list[httpx.Response]:
        async def post() -> list[httpx.Response]:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", trust_env=False) as client:
                return [await client.post(path, json=body) for body in bodies]

        return asyncio.run(post())

    def decide(self, bodies: Sequence[Body], *parts: Include) -> list[dict[str, Any]]:
        answers = self.post(f"/v1/decisions?include={','.join(parts)}", bodies)
        assert {answer.status_code for answer in answers} <= {200}, answers[0].text
        return [
            {name: told for name, told in answer.json().items() if name not in {"id", "time"}} for answer in answers
        ]

    def simulate(self, body: Body, changes: Body, *parts: Include) -> dict[str, Any]:
        (answer,) = self.post(f"/v1/simulations?include={','.join(parts)}", [{**body, "changes": changes}])
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


def sealed(home: Path, candidate: str) -> LoadedModel:
    registry = FolderRegistry(home / "registry")
    record = registry.latest("home_credit").candidate(candidate)
    version = registry.version("home_credit", "champion")
    return LoadedModel(version, Scorer(open_bundle(home / "bundles" / record.bundle), unseen="null"))


@pytest.fixture(scope="module", params=[name for name in EVERY_CANDIDATE if name != "dummy"])
def service(request: pytest.FixtureRequest, home: Path) -> Service:
    return Service(sealed(home, request.param))


@pytest.fixture(scope="module")
def bodies(home_credit: Portfolio, sample: Path) -> Bodies:
    return Bodies(home_credit, sample)


@pytest.fixture(scope="module")
def asked(service: Service, bodies: Bodies, sample: Path) -> list[Body]:
    """Applications that the model refuses, and the first ones, which it mostly approves."""
    rows = refused(service.scorer, sample)[:ASKED]
    assert rows
    return [bodies.of(row) for row in (*rows, *range(3))]


def parts_of(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name in TOLD}


def bare(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in TOLD}


def option_of(told: dict[str, Any]) -> Option:
    """Read an option as it was answered."""
    labels = tuple(Label(**label) for label in told["labels"])
    return Option(labels, tuple(Change(**each) for each in told["changes"]), told["effort"], told["pd"], "approve")


def texts(reasons: Sequence[dict[str, Any]]) -> list[str]:
    return [reason[said][language] for reason in reasons for said in ("label", "sentence") for language in ("en", "fr")]


def assert_worded(answers: Sequence[dict[str, Any]]) -> None:
    """Each names a family, or the hard rule that alone refuses, in both languages, with nothing left to fill in."""
    for answer in answers:
        assert answer["reasons"] or answer["opinion"] == "approve", answer["decision"]
        assert [text for text in texts(answer["reasons"]) if UNFILLED.search(text) or not text.strip()] == []


def assert_flips(service: Service, body: Body, told: dict[str, Any]) -> None:
    """Posted again with its changes, the application is approved, at the PD that was told."""
    option = option_of(told)
    again = sent_again(service.scorer, body, option)
    assert list(trespasses(service.scorer, body, again, option)) == []
    (answer,) = service.decide([again])
    assert (answer["decision"], answer["pd"]) == ("approve", option.pd)


# What is told, and to whom


def test_every_part_is_among_those_asked_for_here() -> None:
    assert set(PARTS) == set(get_args(Include)) == set(INCLUDES)


def test_a_plain_decision_tells_no_part(service: Service, asked: list[Body]) -> None:
    for answer in service.decide(asked):
        assert set(parts_of(answer).values()) == {None}


@pytest.mark.parametrize("part", INCLUDES)
def test_each_part_alone_is_told_as_together_and_changes_no_decision(
    service: Service, asked: list[Body], part: Include
) -> None:
    plain, alone, together = (service.decide(asked[:3], *parts) for parts in ((), (part,), INCLUDES))
    for before, one, every in zip(plain, alone, together, strict=True):
        assert bare(one) == bare(every) == bare(before)
        assert {name for name, value in parts_of(one).items() if value is not None} == set(PARTS[part])
        assert {name: one[name] for name in PARTS[part]} == {name: every[name] for name in PARTS[part]}
        assert {name for name, value in parts_of(every).items() if value is None} == set()


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/simulations"])
def test_an_unknown_part_is_refused_with_those_there_are(service: Service, asked: list[Body], path: str) -> None:
    (answer,) = service.post(f"{path}?include=reasons,recuorse", asked[:1])
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert "'recuorse'" in told["value"]
    assert all(part in told["value"] for part in INCLUDES)


# What adds up


def test_contributions_and_points_add_up_to_the_score_on_every_scale(service: Service, asked: list[Body]) -> None:
    model = service.scorer.bundle.contents.model
    for body, answer in zip(asked, service.decide(asked, "contributions", "points"), strict=True):
        points, scores = answer["points"], service.scorer.score(service.scorer.read(body))
        assert answer["score"] == pytest.approx(float(model.score(scores.matrix.values)[0]), abs=1e-9)
        for scale, end in (("log_odds", scores.log_odds[0]), ("pd", answer["pd"]), ("points", worth(answer["pd"]))):
            parts = [points["base"][scale], points["others"][scale], *(one[scale] for one in points["features"])]
            assert math.fsum(parts) == pytest.approx(points["score"][scale], abs=1e-9)
            assert points["score"][scale] == pytest.approx(float(end), abs=1e-9)
        weights = [abs(one["contribution"]) for one in answer["contributions"]]
        assert weights == sorted(weights, reverse=True)


def worth(pd: float) -> float:
    """600 points at 50 good to one bad, 20 more where these odds double."""
    return 600 - 20 / math.log(2) * (math.log(pd / (1 - pd)) + math.log(50))


# What is said


def test_every_refused_applicant_is_told_why_in_both_languages(service: Service, bodies: Bodies, sample: Path) -> None:
    rows = refused(service.scorer, sample)
    assert_worded(service.decide([bodies.of(row) for row in rows], "reasons"))


def test_reasons_are_ranked_few_and_speak_of_nothing_protected(service: Service, asked: list[Body]) -> None:
    contents = service.scorer.bundle.contents
    sources = {column.name: column.sources for column in contents.columns}
    spec = contents.portfolio.tables["application"]
    barred = {f"application.{name}" for name in spec.protected} | set(contents.portfolio.wording.proxies)
    for answer in service.decide(asked, "reasons"):
        told = answer["reasons"]
        assert len(told) <= contents.portfolio.wording.most
        assert len({reason["family"] for reason in told}) == len(told)
        weights = [reason["log_odds"] for reason in told]
        assert weights == sorted(weights, reverse=True)
        assert all(weight > 0 for weight in weights)
        named = {source for reason in told for name in reason["features"] for source in sources[name]}
        assert named.isdisjoint(barred)
        assert all(set(one["columns"]) <= barred for one in answer["withheld"])


def test_places_begin_with_the_pd_and_speak_of_shares(service: Service, asked: list[Body]) -> None:
    for answer in service.decide(asked, "standing"):
        first, *others = answer["standing"]
        assert (first["name"], first["value"]) == ("pd", answer["pd"])
        assert 0 <= first["percentile"] <= 100
        known = {column.name for column in service.scorer.bundle.contents.columns}
        assert {place["name"] for place in others} <= known
        for place in answer["standing"]:
            assert sum(each["share"] for each in place["bins"]) <= 1 + 1e-9
            assert all(each["approval_rate"] is None or 0 <= each["approval_rate"] <= 1 for each in place["bins"])
            assert place["bin"] is None or place["approval_rate"] == place["bins"][place["bin"]]["approval_rate"]


def test_the_percentile_rises_with_the_pd(service: Service, asked: list[Body]) -> None:
    answers = sorted(service.decide(asked, "standing"), key=lambda answer: float(answer["pd"]))
    percentiles = [answer["standing"][0]["percentile"] for answer in answers]
    assert percentiles == sorted(percentiles)


# What can be done


def test_every_option_flips_the_decision_when_it_is_posted_again(service: Service, asked: list[Body]) -> None:
    for body, answer in zip(asked, service.decide(asked, "recourse"), strict=True):
        told = answer["recourse"]
        assert (told["none_because"] is None) == bool(told["options"])
        assert answer["decision"] != "approve" or not told["options"]
        assert [each["effort"] for each in told["options"]] == sorted(each["effort"] for each in told["options"])
        for option in told["options"]:
            assert_flips(service, body, option)


def test_a_simulation_says_what_two_decisions_say(service: Service, asked: list[Body]) -> None:
    for body in asked[:2]:
        row = body["application"]
        changed = {"AMT_INCOME_TOTAL": row["AMT_INCOME_TOTAL"] * 1.5, "AMT_CREDIT": row["AMT_CREDIT"] / 2}
        told = service.simulate(body, {"application": changed}, *INCLUDES)
        both = service.decide([body, {**body, "application": {**row, **changed}}], *INCLUDES)
        assert [told["before"], told["after"]] == both
        assert told["before"]["pd"] != told["after"]["pd"]


# What the helpers see


def test_what_an_option_may_not_change_is_seen(service: Service, asked: list[Body]) -> None:
    body = next(body for body in asked if body["bureau"])
    row, income = body["application"], body["application"]["AMT_INCOME_TOTAL"]
    option = Option((), (Change("more_income", "application.AMT_INCOME_TOTAL", 1, income, income * 1.1),), 0.1, 0.1, "")

    def found(**changed: Any) -> list[str]:
        again = {**body, "application": {**row, **changed}}
        return list(trespasses(service.scorer, body, again, option))

    assert sent_again(service.scorer, body, option)["application"]["AMT_INCOME_TOTAL"] == income * 1.1
    assert found(AMT_INCOME_TOTAL=income * 1.1) == []
    assert found(AMT_INCOME_TOTAL=income * 0.9) == ["application.AMT_INCOME_TOTAL leaves its direction"]
    assert found(AMT_INCOME_TOTAL=1e12) == ["application.AMT_INCOME_TOTAL leaves its range"]
    assert found(CNT_CHILDREN=row["CNT_CHILDREN"] + 1)[0] == "application.CNT_CHILDREN is moved by no lever"


def test_sums_that_no_position_of_a_lever_has_are_seen(service: Service, asked: list[Body]) -> None:
    change = Change("debts_elsewhere", "bureau.AMT_CREDIT_SUM_DEBT", 1, 10.0, 0.123)
    with pytest.raises(ValueError, match="No position of debts_elsewhere"):
        sent_again(service.scorer, asked[0], Option((), (change,), 0.1, 0.1, "approve"))


@pytest.mark.parametrize("sentence", ["", "{value} were paid late", "nan were paid late", "of None"])
def test_a_sentence_that_was_not_filled_in_is_seen(sentence: str) -> None:
    def answer(*reasons: dict[str, Any]) -> dict[str, Any]:
        return {"decision": "refuse", "opinion": "refuse", "reasons": list(reasons)}

    label, french = {"en": "Late", "fr": "Retards de financement"}, "Taux de financement"
    assert_worded([answer({"label": label, "sentence": {"en": "Late", "fr": french}})])
    with pytest.raises(AssertionError):
        assert_worded([answer({"label": label, "sentence": {"en": sentence, "fr": french}})])
    with pytest.raises(AssertionError):
        assert_worded([answer()])


# Real applicants


@pytest.fixture(scope="module")
def real_service(real_data: Path, home_credit: Portfolio, tmp_path_factory: pytest.TempPathFactory) -> Service:
    folder = tmp_path_factory.mktemp("real")
    registry = FolderRegistry(folder / "registry")
    plan = Plan(("lightgbm",), repeats=1, pictures=False)
    train(home_credit, real_data / "home_credit" / "clients_10k", plan, Shelves(registry, folder / "bundles"))
    return Service(load_version(registry, "home_credit", unseen="null"))


@pytest.fixture(scope="module")
def real_refused(real_service: Service, real_data: Path, home_credit: Portfolio) -> list[Body]:
    folder = real_data / "home_credit" / "clients_10k"
    bodies = Bodies(home_credit, folder)
    return [bodies.of(row) for row in refused(real_service.scorer, folder)[:1000]]


@pytest.mark.real
@pytest.mark.slow
def test_a_thousand_real_refusals_are_each_given_reasons(real_service: Service, real_refused: list[Body]) -> None:
    assert len(real_refused) == 1000
    answers = real_service.decide(real_refused, "reasons")
    assert {answer["decision"] for answer in answers} == {"refuse"}
    assert_worded(answers)


@pytest.mark.real
@pytest.mark.slow
def test_recourse_of_real_refusals_flips_them(real_service: Service, real_refused: list[Body]) -> None:
    flipped = 0
    for body in real_refused:
        (answer,) = real_service.decide([body], "recourse")
        for option in answer["recourse"]["options"]:
            assert_flips(real_service, body, option)
            flipped += 1
        if flipped >= 50:
            break
    assert flipped >= 50
