"""Every client store gives the same answers, and what it gives is decided as the tables it was built from."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from scorewright.bundle.contents import Bundle, Contents, Provenance
from scorewright.bundle.scorer import Scorer
from scorewright.decision.declared import declared_policy
from scorewright.domain.clients import ClientStore
from scorewright.errors import UnknownClientError
from scorewright.flows.dataset import build_dataset, read_labelled
from scorewright.models.calibration import IDENTITY
from scorewright.monitor.profile import build_profile
from scorewright.serve.bodies import parse_application
from scorewright.tables.loading import load_tables, open_data
from scorewright.tables.portfolio import Portfolio, load_portfolio
from scorewright.tables.sample import SampleConfig, write_sample
from scorewright.tables.store import build_store, open_store
from tests.oracles.book import portfolio

Bodies = Mapping[int | str, Mapping[str, Any]]


class StoreInMemory:
    """The simplest store: bodies by key. Stands in for a real one where the service is tested."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies

    def get(self, key: int | str) -> dict[str, Any]:
        found = [body for own, body in self._bodies.items() if type(key) is not bool and str(own) == str(key)]
        if not found:
            raise UnknownClientError
        return copy.deepcopy(dict(found[0]))

    def keys(self, prefix: str = "", limit: int = 100) -> tuple[int | str, ...]:
        ordered = sorted(self._bodies)  # type: ignore[type-var]
        return tuple(key for key in ordered if str(key).startswith(prefix))[:limit]

    def __len__(self) -> int:
        return len(self._bodies)


BOOK = """
[portfolio]
name = "book"
label = { en = "Book", fr = "Livre" }
[target]
column = "BAD"
default = 1
[tables.application]
key = "ID"
[tables.loan]
parent = "application"
on = "ID"
key = "LOAN"
optional = true
"""
NUMBERS = [-12, -1, 0, 3, 12, 100, 120, 1200, 1201, 99999]
TEXTS = ["", "007", "7", "A", "A1", "A12", "a", "é", "éa"]


def bodies_of(keys: list[int] | list[str]) -> Bodies:
    return {
        key: {
            "application": {"ID": key, "AMOUNT": 1.5 * place, "JOB": None, "DAY": "2024-02-29"},
            "loan": [{"ID": key, "LOAN": 10 * place + each, "PAID": each == 1} for each in range(place % 3)],
        }
        for place, key in enumerate(keys)
    }


def in_memory(bodies: Bodies, _folder: Path) -> ClientStore:
    return StoreInMemory(bodies)


def on_disk(bodies: Bodies, folder: Path) -> ClientStore:
    tables = folder / "tables"
    tables.mkdir()
    root = pl.DataFrame([body["application"] for body in bodies.values()], schema_overrides={"JOB": pl.String})
    root.with_columns(BAD=pl.lit(0)).sample(fraction=1, shuffle=True, seed=1).write_parquet(
        tables / "application.parquet"
    )
    pl.DataFrame([row for body in bodies.values() for row in body["loan"]]).write_parquet(tables / "loan.parquet")
    build_store(portfolio(BOOK), tables, folder / "store")
    return open_store(folder / "store")


Make = Callable[[Bodies, Path], ClientStore]
stores = pytest.mark.parametrize("make", [in_memory, on_disk])
kinds = pytest.mark.parametrize("keys", [NUMBERS, TEXTS], ids=["numbers", "texts"])


@stores
@kinds
def test_every_client_comes_back_with_all_rows_in_their_order(make: Make, keys: Any, tmp_path: Path) -> None:
    bodies = bodies_of(keys)
    store = make(bodies, tmp_path)
    assert len(store) == len(keys)
    for key, body in bodies.items():
        assert store.get(key) == body
        assert store.get(str(key)) == body


@stores
@kinds
@pytest.mark.parametrize("key", [77, "77", "12 ", "+12", "012", "1.5", "١٢", True, 2**80, "9" * 30, "zz", "A1\0"])
def test_an_unknown_client_is_refused_without_repeating_the_id(make: Make, keys: Any, key: Any, tmp_path: Path) -> None:
    store = make(bodies_of(keys), tmp_path)
    with pytest.raises(UnknownClientError) as caught:
        store.get(key)
    assert str(key) not in str(caught.value)


@stores
@kinds
@pytest.mark.parametrize("prefix", ["", "-", "-1", "0", "00", "1", "12", "120", "A", "é", "x", "9" * 25])
def test_keys_are_listed_in_order_by_their_first_characters(make: Make, keys: Any, prefix: str, tmp_path: Path) -> None:
    store = make(bodies_of(keys), tmp_path)
    wanted = tuple(key for key in keys if str(key).startswith(prefix))
    assert store.keys(prefix) == wanted
    assert store.keys(prefix, limit=2) == wanted[:2]
    assert store.keys(prefix, limit=0) == ()


@stores
def test_changing_what_was_given_changes_nothing_that_is_given_later(make: Make, tmp_path: Path) -> None:
    store = make(bodies_of(NUMBERS), tmp_path)
    given = store.get(12)
    given["application"].clear()
    given["loan"].append({})
    assert store.get(12) == bodies_of(NUMBERS)[12]


@dataclass(frozen=True)
class Exact:
    """Scores by the exact sum of all features: any bit that differs in one of them may show."""

    columns: int
    kind: ClassVar[Any] = "linear"
    scale: ClassVar[Any] = "log-odds"

    def log_odds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([math.fsum(row) for row in np.nan_to_num(values)]) / 1e8


def scorer_of(book: Portfolio, folder: Path) -> Scorer:
    """A model made by hand, on the features of a folder."""
    dataset = build_dataset(read_labelled(book, folder), 0.25)
    model = Exact(len(dataset.matrix.columns))
    train = dataset.matrix.take(dataset.train_rows)
    pd = IDENTITY.pd(model.log_odds(train.values))
    contents = Contents(
        provenance=Provenance("by_hand", "0" * 64, 7, {}),
        portfolio=book,
        contract=dataset.contract,
        columns=dataset.matrix.columns,
        model=model,  # type: ignore[arg-type]
        calibration=IDENTITY,  # type: ignore[arg-type]
        policy=declared_policy(book, 0.5),
        profile=build_profile(train, pd, pd >= 0.5),
        metrics={},
        card="",
    )
    return Scorer(Bundle("0" * 64, contents), unseen="null")


def assert_scored_as_in_the_batch(scorer: Scorer, store: ClientStore, folder: Path, clients: int) -> None:
    book = scorer.bundle.contents.portfolio
    for purpose in ("train", "score"):
        batch = scorer.score(load_tables(open_data(book, folder), purpose, scorer.sealed).tables)  # type: ignore[arg-type]
        for row in range(min(clients, len(batch.pd))):
            key = batch.matrix.keys[row]
            posted = parse_application(json.dumps(store.get(key)).encode())
            one = scorer.score(scorer.read(posted))
            assert one.matrix.keys.to_list() == [key]
            assert one.matrix.values.tobytes() == batch.matrix.values[row : row + 1].tobytes()
            assert one.pd.tobytes() == batch.pd[row : row + 1].tobytes()


def test_made_up_clients_are_scored_as_in_the_batch_to_the_last_bit(tmp_path: Path) -> None:
    folder, book = tmp_path / "tables", load_portfolio("home_credit")
    write_sample(SampleConfig(applications=300, seed=3), folder)
    build_store(book, folder, tmp_path / "store")
    assert_scored_as_in_the_batch(scorer_of(book, folder), open_store(tmp_path / "store"), folder, 40)


@pytest.mark.real
def test_real_clients_are_scored_as_in_the_batch_to_the_last_bit(real_data: Path, tmp_path: Path) -> None:
    folder, book = real_data / "home_credit" / "clients_10k", load_portfolio("home_credit")
    built = build_store(book, folder, tmp_path / "store")
    assert built.applications == 10_000
    assert_scored_as_in_the_batch(scorer_of(book, folder), open_store(tmp_path / "store"), folder, 100)
