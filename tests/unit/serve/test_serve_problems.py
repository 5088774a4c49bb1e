from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from scorewright import errors
from scorewright.errors import ScorewrightError
from scorewright.serve import problems

MEMBERS = {"type", "title", "status", "detail", "code", "rule", "value", "remedy"}


def tree(root: type[ScorewrightError] = ScorewrightError) -> Iterator[type[ScorewrightError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith(f"{errors.__name__}."):
            yield from tree(child)


def plain(error: type[ScorewrightError]) -> ScorewrightError:
    """Build any class of the tree with the three sentences, whatever its own constructor asks."""
    made = error.__new__(error)
    ScorewrightError.__init__(made, "RULE.", "VALUE", "REMEDY.")
    return made


def test_the_table_is_total_and_holds_nothing_else() -> None:
    assert set(problems.KINDS) == set(tree())


def test_the_walk_sees_the_whole_tree() -> None:
    declared = {item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, ScorewrightError)}
    assert set(tree()) == declared


@pytest.mark.parametrize("error", list(tree()), ids=lambda error: error.__name__)
def test_every_error_becomes_a_problem(error: type[ScorewrightError]) -> None:
    kind = problems.KINDS[error]
    problem = problems.from_error(plain(error))
    assert (problem.status, problem.title, problem.code) == (kind.status, kind.title, error.code)
    assert problem.type.endswith(error.code)
    assert ("VALUE" in problem.detail) is kind.open


@pytest.mark.parametrize("error", list(tree()), ids=lambda error: error.__name__)
def test_only_what_a_caller_can_mend_is_told_in_full(error: type[ScorewrightError]) -> None:
    kind = problems.KINDS[error]
    assert kind.open is (kind.status < HTTPStatus.INTERNAL_SERVER_ERROR)


def test_a_class_added_below_takes_the_kind_of_its_parent() -> None:
    class NewError(errors.ColumnsError):
        pass

    assert problems.kind_of(NewError) == problems.KINDS[errors.ColumnsError]


@pytest.mark.parametrize("status", [400, 401, 404, 405, 408, 415, 418, 422, 431])
def test_what_http_refuses_has_the_same_shape(status: int) -> None:
    problem = problems.from_status(status, "something")
    assert problem.status == status
    assert problem.value == "something"
    assert all(getattr(problem, member) for member in MEMBERS)


def test_codes_mean_one_thing() -> None:
    of_errors = {error.code for error in tree()}
    of_http = {problems.from_status(status, "").code for status in (401, 404, 405, 415, 422)} | {
        problems.unexpected().code
    }
    assert not of_errors & of_http
    assert len(of_http) == 6


def test_the_body_names_the_occurrence_and_stands_text_that_is_not_unicode() -> None:
    problem = problems.from_status(404, "\ud800 é")
    read = json.loads(problems.encode(problem, "1234"))
    assert set(read) == {*MEMBERS, "instance"}
    assert read["instance"] == "urn:uuid:1234"
    assert read["value"] == "\ud800 é"
