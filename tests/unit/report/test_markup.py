from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorewright.report.markup import Html, data_block, table, tag
from tests.unit.report.made import HOSTILE
from tests.unit.report.reading import read

# What HTML cannot hold, or reads as a space of another kind.
TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=60)


@given(TEXTS)
def test_any_text_is_read_back_as_it_was(text: str) -> None:
    (element,) = read(tag("p", text, title=text)).inside
    assert element.words == text
    assert element.attributes == {"title": text}


def test_markup_is_made_by_this_module_alone() -> None:
    (paragraph,) = read(tag("p", tag("b", HOSTILE), Html("<i>so</i>"))).inside
    assert [each.name for each in paragraph.all()] == ["b", "i"]
    assert paragraph.words == HOSTILE + "so"


@given(st.dictionaries(TEXTS, TEXTS, max_size=3))
def test_data_cannot_end_their_block(content: dict[str, str]) -> None:
    (script,) = read(data_block("data", content)).inside
    assert json.loads(script.words) == content


def test_a_hostile_specification_stays_in_its_block() -> None:
    block = data_block("data", {"name": "</script><script>alert(1)</script><!--"})
    assert block.count("<") == 2


def test_numbers_that_json_lacks_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        data_block("data", [float("nan")])


def test_a_table_names_its_columns_and_rows() -> None:
    document = read(table("Rates", ("group", "approved"), [("under 25", "83.0% (78.8% to 87.1%)"), ("others", "text")]))
    assert [each.attributes["scope"] for each in document.all("th")] == ["col", "col", "row", "row"]
    assert [each.words for each in document.all("td")] == ["83.0% (78.8% to 87.1%)", "text"]
    assert [each.words for each in document.all("small")] == ["(78.8% to 87.1%)"]
    (around,) = document.inside
    assert around.attributes["tabindex"] == "0"
    assert around.attributes["aria-label"] == document.all("caption")[0].words == "Rates"
