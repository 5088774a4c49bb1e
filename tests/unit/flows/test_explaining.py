"""What one bundle says of its own scores, against a model whose contributions are known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from scorewright.bundle.contents import Bundle
from scorewright.bundle.scorer import Scorer
from scorewright.domain.decisions import INCLUDES, Include
from scorewright.domain.explanations import PointScale
from scorewright.errors import AdditivityError
from scorewright.flows.champion import LoadedModel
from scorewright.flows.explaining import Explainer
from scorewright.flows.recourse import find_recourse
from tests.unit.flows.small_book import BOOK, Slope, made_model

FIELDS: dict[Include, set[str]] = {
    "contributions": {"contributions", "base", "score"},
    "points": {"shares", "shared", "point_scale"},
    "reasons": {"reasons"},
    "recourse": {"recourse"},
    "standing": {"places"},
}
TOML = (
    BOOK
    + """
[tables.application.labels]
income = { en = "Monthly income", fr = "Revenu mensuel" }
"order" = { en = "Number of orders", fr = "Nombre de commandes" }
[recourse]
[recourse.levers.income]
label = { en = "Show further income", fr = "Justifier d'autres revenus" }
columns = ["income"]
direction = "increase"
limit = 3.0
"""
)
SHARES = {"income": 0.5, "order": -0.25}


@dataclass(frozen=True)
class Told(Slope):
    """Says how far two features moved each score, and counts how often it is asked."""

    shares: Mapping[int, float] = field(default_factory=dict)
    base: float = -1.0
    beside: float = 0.0
    asked: list[int] = field(default_factory=list)
    scale: ClassVar[Any] = "log-odds"

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(len(values), self.base + sum(self.shares.values()))

    log_odds = score

    def contributions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        self.asked.append(len(values))
        parts = np.zeros((len(values), self.columns + 1))
        parts[:, -1] = self.base + self.beside
        for place, share in self.shares.items():
            parts[:, place] = share
        return parts


@dataclass(frozen=True)
class Chance(Told):
    """The same on the scale of probabilities."""

    scale: ClassVar[Any] = "probability"

    def log_odds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        chance = self.score(values)
        return np.log(chance / (1 - chance))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return made_model(tmp_path_factory.mktemp("book"), TOML)


def places(book: LoadedModel) -> dict[str, int]:
    return {column.name: at for at, column in enumerate(book.scorer.bundle.contents.columns)}


def scorer(book: LoadedModel, kind: type[Told] = Told, shares: Mapping[str, float] = SHARES, **other: Any) -> Scorer:
    """The book with a model that tells these shares."""
    contents, at = book.scorer.bundle.contents, places(book)
    model = kind(at["income"], len(at), {at[name]: share for name, share in shares.items()}, **other)
    return Scorer(Bundle("0" * 64, replace(contents, model=model)), unseen="null")


def explained(of: Scorer, *include: Include, top: int = 10, **changed: Any) -> dict[str, Any]:
    row = {"loan id": "x", "income": 1500.0, "order": 3, "purpose": "car"}
    tables = of.read({"application": {**row, **changed}})
    return Explainer(of, top).explain(of.score(tables), tables, frozenset(include))


@pytest.mark.parametrize("part", INCLUDES)
def test_a_part_gives_its_own_fields_and_all_parts_the_fields_of_each(book: LoadedModel, part: Include) -> None:
    of = scorer(book)
    alone, together = explained(of, part), explained(of, *INCLUDES)
    assert set(alone) == FIELDS[part]
    assert set(together) == set().union(*FIELDS.values())
    assert {name: together[name] for name in alone} == alone


def test_the_model_is_asked_once_and_only_where_it_must_be(book: LoadedModel) -> None:
    asked: list[int] = []
    of = scorer(book, asked=asked)
    assert explained(of) == {}
    explained(of, "recourse")
    assert asked == []
    explained(of, *INCLUDES)
    assert asked == [1]


def test_contributions_are_the_models_the_largest_first(book: LoadedModel) -> None:
    found = explained(scorer(book), "contributions")
    assert (found["base"], found["score"]) == (-1.0, -0.75)
    assert [(one.feature, one.value, one.contribution) for one in found["contributions"]] == [
        ("income", 1500.0, 0.5),
        ("order", 3.0, -0.25),
    ]
    assert found["contributions"][0].label.fr == "Revenu mensuel"


def test_only_so_many_are_named_but_all_count(book: LoadedModel) -> None:
    found = explained(scorer(book), "contributions", "points", "standing", top=1)
    assert [one.feature for one in found["contributions"]] == ["income"]
    assert found["score"] == -0.75
    assert [place.name for place in found["places"]] == ["pd", "income"]
    assert [one.feature for one in found["shared"]] == ["income", "order"]


def test_points_share_out_the_same_score_on_three_scales(book: LoadedModel) -> None:
    found = explained(scorer(book), "points")
    shares, shared = found["shares"], found["shared"]
    assert (shares.base, shares.log_odds) == (-1.0, -0.75)
    assert (shares.base_pd, shares.pd) == pytest.approx((sigmoid(-1.0), sigmoid(-0.75)))
    assert (shares.base_points, shares.points) == pytest.approx((points(-1.0), points(-0.75)))
    assert found["point_scale"] == PointScale()
    for scale, rise in (("log_odds", 0.25), ("pd", shares.pd - shares.base_pd), ("points", points(0.25) - points(0))):
        parts = {one.feature: getattr(one, scale) for one in shared}
        assert sum(parts.values()) == pytest.approx(rise)
        assert parts["income"] == pytest.approx(-2 * parts["order"])


def sigmoid(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def points(log_odds: float) -> float:
    return 600 - 20 / math.log(2) * (log_odds + math.log(50))


def test_a_model_of_probabilities_is_told_on_its_own_scale_and_shared_out_in_log_odds(book: LoadedModel) -> None:
    of = scorer(book, Chance, {"income": 0.3, "order": 0.1}, base=0.2)
    found = explained(of, "contributions", "points")
    assert (found["base"], found["score"]) == pytest.approx((0.2, 0.6))
    assert found["contributions"][0].contribution == 0.3
    start, end = math.log(0.2 / 0.8), math.log(0.6 / 0.4)
    assert (found["shares"].base, found["shares"].log_odds) == pytest.approx((start, end))
    assert [one.log_odds for one in found["shared"]] == pytest.approx([0.75 * (end - start), 0.25 * (end - start)])


def test_reasons_are_what_moved_the_score_up_in_the_portfolios_words(book: LoadedModel) -> None:
    (reason,) = explained(scorer(book), "reasons")["reasons"].given
    assert (reason.family, reason.label.en, reason.features) == ("application.income", "Monthly income", ("income",))
    assert reason.log_odds == 0.5
    assert reason.points == pytest.approx(points(0.5) - points(0))


def test_where_nothing_spoke_against_there_is_no_reason(book: LoadedModel) -> None:
    assert explained(scorer(book, shares={"income": -0.5}), "reasons")["reasons"].given == ()


def test_the_pd_comes_first_among_the_places_then_what_moved_the_score(book: LoadedModel) -> None:
    pd, income, order = explained(scorer(book), "standing")["places"]
    assert (pd.name, pd.value) == ("pd", pytest.approx(sigmoid(-0.75)))
    assert (income.name, income.value, order.name) == ("income", 1500.0, "order")
    assert income.percentile is not None
    assert income.shares[income.bin] > 0


def test_a_missing_value_has_no_place_and_is_told_as_missing(book: LoadedModel) -> None:
    found = explained(scorer(book), "contributions", "standing", income=None)
    assert found["contributions"][0].value is None
    income = found["places"][1]
    assert (income.name, income.value, income.bin, income.percentile) == ("income", None, None, None)


def test_recourse_is_that_of_the_scorer(book: LoadedModel) -> None:
    tables = book.scorer.read({"application": {"loan id": "x", "income": 2000.0, "order": 1, "purpose": "car"}})
    found = explained(book.scorer, "recourse", income=2000.0, order=1)["recourse"]
    assert found == find_recourse(book.scorer, tables)
    assert found.options


@pytest.mark.parametrize("part", sorted(set(INCLUDES) - {"recourse"}))
def test_what_does_not_add_up_is_not_told(book: LoadedModel, part: Include) -> None:
    with pytest.raises(AdditivityError):
        explained(scorer(book, beside=1e-6), part)


def test_a_rounding_error_is_no_error(book: LoadedModel) -> None:
    assert explained(scorer(book, beside=1e-12), *INCLUDES)["score"] == pytest.approx(-0.75)
