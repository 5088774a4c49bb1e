from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from scorewright.domain.service import ListedModel
from scorewright.flows.catalogue import RegistryCatalogue
from scorewright.flows.following import SlotState
from scorewright.registry.seam import ModelVersion

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
FIRST, SECOND, THIRD = (ModelVersion("book", number, number * 64, "lightgbm", "run", CREATED) for number in "123")
FIRST = replace(FIRST, aliases=("champion",))


class Shelf:
    """A registry that lists three versions of one portfolio."""

    def versions(self, portfolio: str) -> tuple[ModelVersion, ...]:
        assert portfolio == "book"
        return (FIRST, SECOND, THIRD)


def slot(name: Any, serving: ModelVersion | None) -> SlotState:
    return SlotState(name, name, serving, None, None, 0.0)


def listed(*slots: SlotState) -> list[ListedModel]:
    return RegistryCatalogue(Shelf(), "book", lambda: slots).models()  # type: ignore[arg-type]


def test_every_version_is_listed_with_what_is_done_with_it() -> None:
    models = listed(slot("champion", FIRST), slot("challenger", THIRD))
    assert [(one.version, one.serving) for one in models] == [("1", "champion"), ("2", None), ("3", "challenger")]
    assert models[0] == ListedModel("1", "1" * 64, "lightgbm", CREATED, ("champion",), "champion")


def test_what_answers_is_told_of_a_version_that_is_both() -> None:
    assert [one.serving for one in listed(slot("champion", SECOND), slot("challenger", SECOND))] == [
        None,
        "champion",
        None,
    ]


def test_a_slot_that_is_empty_serves_nothing() -> None:
    assert {one.serving for one in listed(slot("champion", None))} == {None}
