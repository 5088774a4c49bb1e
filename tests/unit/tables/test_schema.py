"""What the schema takes, the reader takes; what it refuses by name or type, the reader refuses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from scorewright.domain.service import Judged, Wish
from scorewright.errors import RequestError, ScorewrightError
from scorewright.errors.data import DataError
from scorewright.flows.champion import LoadedModel
from scorewright.flows.decide import ModelService
from scorewright.tables.schema import DIALECT
from tests.unit.flows.small_book import BOOK, made_model

Schema = Mapping[str, Any]
GOOD = {"loan id": "L1", "income": 1500.5, "order": 2, "purpose": "car"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return made_model(tmp_path_factory.mktemp("book"), BOOK)


@pytest.fixture(scope="module")
def service(model: LoadedModel) -> ModelService:
    return ModelService(model)


@pytest.fixture(scope="module")
def schema(service: ModelService) -> Schema:
    return service.schema()


def drawn(schema: Schema) -> st.SearchStrategy[Any]:
    """Draw values of as much of JSON schema as is written here."""
    if "anyOf" in schema:
        return st.one_of(*map(drawn, schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _SHAPES.get(schema.get("type", "any"), _value)(schema)


def _object(schema: Schema) -> st.SearchStrategy[Any]:
    named = {name: drawn(each) for name, each in schema["properties"].items()}
    required = {name: named.pop(name) for name in schema["required"]}
    return st.fixed_dictionaries(required, optional=named)


def _text(schema: Schema) -> st.SearchStrategy[Any]:
    if "format" not in schema:
        return st.text(st.characters(codec="utf-8"), max_size=8)
    if schema["format"] == "date":
        return st.dates(dt.date(1900, 1, 1)).map(str)
    return st.datetimes(dt.datetime(1900, 1, 1)).map(lambda when: when.isoformat(timespec="seconds"))  # noqa: DTZ001


def _value(schema: Schema) -> st.SearchStrategy[Any]:
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
        "boolean": st.booleans(),
        "null": st.none(),
        "any": st.none() | st.booleans() | st.integers(-5, 5) | st.text(st.characters(codec="utf-8"), max_size=3),
    }
    return kinds[schema.get("type", "any")]


_SHAPES: Mapping[str, Callable[[Schema], st.SearchStrategy[Any]]] = {
    "object": _object,
    "string": _text,
    "array": lambda schema: st.lists(drawn(schema["items"]), max_size=3),
    "integer": lambda schema: st.integers(schema.get("minimum"), schema.get("maximum")),
}


def accepts(schema: Schema, body: Mapping[str, Any]) -> bool:
    return bool(Draft202012Validator(schema).is_valid(body))


def test_the_schema_is_one(schema: Schema) -> None:
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT
    assert "book" in schema["title"]


@given(data=st.data())
def test_whatever_the_schema_takes_is_read_and_decided(service: ModelService, schema: Schema, data: Any) -> None:
    body = data.draw(drawn(schema))
    assert accepts(schema, body)
    (judged,) = service.decide_each([Wish(body)])
    assert isinstance(judged, Judged), judged
    assert 0 <= judged.decision.pd <= 1
    assert service.decide(body).pd == judged.decision.pd


def test_the_example_of_the_model_is_one_of_the_schema(service: ModelService, schema: Schema) -> None:
    Draft202012Validator(schema).validate(service.example())


REFUSED: dict[str, Mapping[str, Any]] = {
    "unknown column": {**GOOD, "incme": 1.0},
    "no key": {"income": 1.0, "order": 1, "purpose": "car"},
    "null key": {**GOOD, "loan id": None},
    "no income": {"loan id": "L1", "order": 1, "purpose": "car"},
    "text for a number": {**GOOD, "income": "many"},
    "truth for a number": {**GOOD, "income": True},
    "number for a text": {**GOOD, "purpose": 3},
    "number for a key": {**GOOD, "loan id": 17},
    "fraction for an integer": {**GOOD, "order": 1.5},
    "text for an integer": {**GOOD, "order": "1"},
    "beyond 64 bits": {**GOOD, "order": 2**63},
}


@pytest.mark.parametrize("row", REFUSED.values(), ids=REFUSED)
def test_what_the_schema_refuses_the_reader_refuses(service: ModelService, schema: Schema, row: Schema) -> None:
    assert not accepts(schema, {"application": row})
    (told,) = service.decide_each([Wish({"application": row})])
    assert isinstance(told, DataError | RequestError), told


@pytest.mark.parametrize("body", [{}, {"application": [GOOD]}, {"application": GOOD, "lons": []}])
def test_other_tables_are_refused_by_both(service: ModelService, schema: Schema, body: Schema) -> None:
    assert not accepts(schema, body)
    with pytest.raises(ScorewrightError):
        service.decide(body)


def test_a_good_row_is_taken_by_both(service: ModelService, schema: Schema) -> None:
    assert accepts(schema, {"application": GOOD})
    assert service.decide({"application": GOOD}).application == "L1"


def test_columns_say_what_they_are_and_whether_they_are_read(schema: Schema) -> None:
    columns = schema["properties"]["application"]["properties"]
    assert columns["income"]["x-reads"] is True
    assert columns["income"]["anyOf"][0]["x-minimum"] < columns["income"]["anyOf"][0]["x-maximum"]
    assert {name for name, told in columns.items() if not told.get("x-reads")} == {
        "loan id",
        "opened",
        "remark",
        "status",
    }
    assert "description" in columns["status"]


def test_unseen_categories_are_listed_where_they_are_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    strict = made_model(tmp_path_factory.mktemp("strict"), BOOK)
    scorer = type(strict.scorer)(strict.scorer.bundle, unseen="refuse")
    service = ModelService(LoadedModel(strict.version, scorer))
    purpose = service.schema()["properties"]["application"]["properties"]["purpose"]["anyOf"][0]
    assert purpose["enum"] == ["car", "home", "travel"]
    other = {"application": {**GOOD, "purpose": "boat"}}
    assert not accepts(service.schema(), other)
    with pytest.raises(DataError):
        service.decide(other)
