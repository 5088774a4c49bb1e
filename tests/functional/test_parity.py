"""One application posted to the API is decided exactly as in a batch, to the last bit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

from scorewright.bundle.contents import open_bundle
from scorewright.bundle.scorer import Scored, Scorer, Scores
from scorewright.errors import ScorewrightError
from scorewright.flows.champion import LoadedModel, load_version
from scorewright.flows.decide import ModelService
from scorewright.flows.plan import Plan
from scorewright.flows.train import Shelves, train
from scorewright.registry.folder_registry import FolderRegistry
from scorewright.serve.app import create_app
from scorewright.serve.settings import ServiceSettings
from scorewright.tables.loading import load_tables, open_data
from scorewright.tables.portfolio import Portfolio
from tests.serving import parts_of


def raw_rows(portfolio: Portfolio, folder: Path) -> dict[str, pl.DataFrame]:
    """The applications to score and their histories, as the files hold them."""
    stems = {name: spec.score or spec.train or name for name, spec in portfolio.tables.items()}
    files = {name: folder / f"{stem}.parquet" for name, stem in stems.items()}
    return {name: pl.read_parquet(path) for name, path in files.items() if path.exists()}


class Bodies:
    """Raw rows by application, as an integrator posts them."""

    def __init__(self, portfolio: Portfolio, tables: Mapping[str, pl.DataFrame]) -> None:
        self._portfolio = portfolio
        self._tables = tables
        parts = {}
        for name, spec in portfolio.tables.items():
            if name in tables and spec.on is not None:
                parts[name] = tables[name].partition_by(spec.on, as_dict=True, maintain_order=True)
        self._parts = parts

    def of(self, row: int) -> bytes:
        root = self._tables[self._portfolio.root][row]
        body: dict[str, Any] = {self._portfolio.root: json.loads(root.write_json())[0]}
        frames = {self._portfolio.root: root}
        for name, parts in self._parts.items():
            spec = self._portfolio.tables[name]
            keys = frames[str(spec.parent)][str(spec.on)].to_list()
            found = [parts[(key,)] for key in keys if (key,) in parts]
            frames[name] = pl.concat(found) if found else self._tables[name].clear()
            body[name] = json.loads(frames[name].write_json())
        return json.dumps(body).encode()


def post_all(model: LoadedModel, bodies: list[bytes]) -> list[dict[str, Any]]:
    """Post bodies one by one to the real application."""
    app = create_app(parts_of(ModelService(model)), ServiceSettings())

    async def post() -> list[dict[str, Any]]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            headers = {"Content-Type": "application/json"}
            answers = [await client.post("/v1/decisions", content=body, headers=headers) for body in bodies]
        assert {answer.status_code for answer in answers} == {200}, answers[0].text
        return [answer.json() for answer in answers]

    return asyncio.run(post())


def assert_the_same(answers: list[dict[str, Any]], scores: Scores) -> None:
    """The answers are those of the first applications of the batch."""
    rows = len(answers)
    assert [answer["application"] for answer in answers] == scores.matrix.keys.to_list()[:rows]
    assert [answer["pd"] for answer in answers] == scores.pd.tolist()[:rows]
    assert [answer["decision"] for answer in answers] == list(scores.decided.outcomes[:rows])
    broken = [tuple(rule["name"] for rule in answer["rules"]) for answer in answers]
    assert broken == [tuple(rule.name for rule in scores.decided.rules_of(row)) for row in range(rows)]
    if scores.cases.low is not None and scores.cases.high is not None:
        ends = list(zip(scores.cases.low.tolist(), scores.cases.high.tolist(), strict=True))[:rows]
        assert [(answer["interval"]["low"], answer["interval"]["high"]) for answer in answers] == ends


def batch(scorer: Scorer, folder: Path) -> tuple[Scores, dict[str, pl.DataFrame]]:
    portfolio = scorer.bundle.contents.portfolio
    tables = load_tables(open_data(portfolio, folder), "score", scorer.sealed).tables
    return scorer.score(tables), dict(tables)


@pytest.mark.parametrize("candidate", ["logistic_regression", "random_forest", "lightgbm"])
def test_every_candidate_decides_one_by_one_as_in_a_batch(home: Path, sample: Path, candidate: str) -> None:
    registry = FolderRegistry(home / "registry")
    version = registry.version("home_credit", "champion")
    record = next(one for one in registry.latest("home_credit").candidates if one.name == candidate)
    model = LoadedModel(version, Scorer(open_bundle(home / "bundles" / record.bundle), unseen="null"))
    scores, _ = batch(model.scorer, sample)
    raw = raw_rows(model.scorer.bundle.contents.portfolio, sample)
    bodies = Bodies(model.scorer.bundle.contents.portfolio, raw)
    rows = 60
    answers = post_all(model, [bodies.of(row) for row in range(rows)])
    assert_the_same(answers, scores)


def with_key(body: dict[str, Any], portfolio: Portfolio, key: int) -> dict[str, Any]:
    """The same application under another key."""
    changed = {**body, portfolio.root: {**body[portfolio.root], portfolio.key: key}}
    for table in portfolio.children(portfolio.root):
        on = str(portfolio.tables[table].on)
        changed[table] = [{**row, on: key} for row in body.get(table) or []]
    return changed


def outcome(scorer: Scorer, body: dict[str, Any]) -> object:
    """What one application gets by itself, to the last bit."""
    try:
        return all_bits(scorer.score(scorer.read(body)))
    except ScorewrightError as error:
        return type(error), str(error)


def all_bits(scores: Scores) -> object:
    cases = (scores.cases.low, scores.cases.high, scores.cases.thresholds)
    arrays = (scores.matrix.values, scores.pd, scores.log_odds, scores.decided.codes, scores.decided.broken)
    money = (scores.known.exposure, scores.known.annuity)
    return scores.matrix.keys.to_list(), [
        None if each is None else each.tobytes() for each in (*arrays, *cases, *money)
    ]


def together(scorer: Scorer, bodies: list[dict[str, Any]]) -> list[object]:
    got = scorer.score_each(bodies)
    return [(type(each), str(each)) if isinstance(each, ScorewrightError) else all_bits(each.scores) for each in got]


def test_posted_together_is_as_posted_alone_whatever_the_keys_and_the_others(home: Path, sample: Path) -> None:
    scorer = load_version(FolderRegistry(home / "registry"), "home_credit", unseen="null").scorer
    book = scorer.bundle.contents.portfolio
    files = Bodies(book, raw_rows(book, sample))
    posted = [json.loads(files.of(row)) for row in range(48)]
    bad = [{}, {book.root: {"nothing": 1}}, {**posted[0], "strange": []}, {**posted[1], "bureau": [{"SK_ID_CURR": -1}]}]
    draw = np.random.default_rng(0)
    for size, spoilt in ((1, 0), (2, 1), (9, 0), (48, 0), (30, 4)):
        chosen = [with_key(posted[row], book, int(draw.integers(1, 4))) for row in draw.integers(0, len(posted), size)]
        for body in bad[:spoilt]:
            chosen.insert(int(draw.integers(0, len(chosen))), body)
        assert together(scorer, chosen) == [outcome(scorer, body) for body in chosen]
    assert scorer.score_each([]) == []


def test_scores_of_many_give_the_tables_of_each(home: Path, sample: Path) -> None:
    scorer = load_version(FolderRegistry(home / "registry"), "home_credit", unseen="null").scorer
    book = scorer.bundle.contents.portfolio
    files = Bodies(book, raw_rows(book, sample))
    posted = [with_key(json.loads(files.of(row)), book, 7) for row in range(5)]
    for scored, body in zip(scorer.score_each(posted), posted, strict=True):
        assert isinstance(scored, Scored)
        own = scorer.read(body)
        assert {name: frame.rows() for name, frame in scored.tables.items()} == {
            name: frame.rows() for name, frame in own.items()
        }


@pytest.mark.parametrize("candidate", ["logistic_regression", "random_forest", "lightgbm"])
def test_every_candidate_is_scored_by_programs(home: Path, candidate: str, caplog: pytest.LogCaptureFixture) -> None:
    registry = FolderRegistry(home / "registry")
    record = next(one for one in registry.latest("home_credit").candidates if one.name == candidate)
    scorer = Scorer(open_bundle(home / "bundles" / record.bundle), unseen="null")
    assert scorer.by_programs
    assert not [each for each in caplog.records if "Programs" in each.message]


@pytest.mark.real
@pytest.mark.slow
def test_a_thousand_real_applications_are_scored_alone_and_together_as_in_a_batch(
    home: Path, real_data: Path, home_credit: Portfolio
) -> None:
    folder = real_data / "home_credit" / "clients_10k"
    scorer = load_version(FolderRegistry(home / "registry"), "home_credit", unseen="null").scorer
    whole, _ = batch(scorer, folder)
    files = Bodies(home_credit, raw_rows(home_credit, folder))
    bodies = [json.loads(files.of(row)) for row in range(1000)]
    alone = [scorer.score(scorer.read(body)) for body in bodies]
    assert [all_bits(each) for each in alone] == [all_bits(whole.take(np.array([row]))) for row in range(1000)]
    for start in range(0, 1000, 64):
        assert together(scorer, bodies[start : start + 64]) == [all_bits(each) for each in alone[start : start + 64]]


@pytest.mark.real
@pytest.mark.slow
def test_a_thousand_real_applications_are_decided_one_by_one_as_in_a_batch(
    real_data: Path, home_credit: Portfolio, tmp_path: Path
) -> None:
    folder = real_data / "home_credit" / "clients_10k"
    registry = FolderRegistry(tmp_path / "registry")
    train(home_credit, folder, Plan(("lightgbm",), pictures=False), Shelves(registry, tmp_path / "bundles"))
    model = load_version(registry, "home_credit", unseen="null")
    scores, _ = batch(model.scorer, folder)
    bodies = Bodies(home_credit, raw_rows(home_credit, folder))
    rows = 1000
    answers = post_all(model, [bodies.of(row) for row in range(rows)])
    assert_the_same(answers, scores)
