"""One application posted to the API is decided exactly as in a batch, to the last bit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from scorewright.bundle.scorer import Scorer, Scores
from scorewright.flows.champion import LoadedModel, load_version
from scorewright.flows.decide import ModelService
from scorewright.flows.plan import Plan
from scorewright.flows.train import Shelves, train
from scorewright.registry.folder_registry import FolderRegistry
from scorewright.serve.app import create_app
from scorewright.serve.settings import ServiceSettings
from scorewright.tables.loading import load_tables, open_data
from scorewright.tables.portfolio import Portfolio


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
    app = create_app(ModelService(model), ServiceSettings())

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
    from scorewright.bundle.contents import open_bundle

    model = LoadedModel(version, Scorer(open_bundle(home / "bundles" / record.bundle), unseen="null"))
    scores, _ = batch(model.scorer, sample)
    raw = raw_rows(model.scorer.bundle.contents.portfolio, sample)
    bodies = Bodies(model.scorer.bundle.contents.portfolio, raw)
    rows = 60
    answers = post_all(model, [bodies.of(row) for row in range(rows)])
    assert_the_same(answers, scores)


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
