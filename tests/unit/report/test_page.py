from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from dataclasses import replace

import pytest

from scorewright.report.page import SECTIONS, write_page
from tests.unit.report import made
from tests.unit.report.reading import Element, read

LOADING = {"src", "href", "data", "action", "poster", "srcset", "background"}


@pytest.fixture(scope="module")
def page() -> str:
    return write_page(made.report())


@pytest.fixture(scope="module")
def document(page: str) -> Element:
    return read(page)


@pytest.fixture(scope="module")
def bare() -> Element:
    return read(write_page(made.bare()))


def section(document: Element, name: str) -> Element:
    (found,) = [each for each in document.all("section") if each.attributes["id"] == name]
    return found


def prose(document: Element) -> str:
    """All words that a person reads."""
    return " ".join(each.text for each in document.all() if each.name not in {"script", "style"})


def test_it_is_small_enough_to_mail(page: str) -> None:
    assert len(page.encode()) < 3_000_000


def test_the_same_report_gives_the_same_bytes(page: str) -> None:
    assert write_page(made.report()) == page


def test_names_are_unique_and_every_link_leads_somewhere(document: Element) -> None:
    names = [each.attributes["id"] for each in document.all() if "id" in each.attributes]
    assert len(set(names)) == len(names)
    links = {each.attributes["href"] for each in document.all("a")}
    assert links == {f"#{name}" for name in SECTIONS}
    assert {each.attributes["aria-labelledby"] for each in document.all("section", "nav")} <= set(names)


def test_headings_go_down_one_step_at_a_time(document: Element) -> None:
    levels = [int(each.name[1]) for each in document.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_sections_come_in_their_order(document: Element) -> None:
    assert [each.attributes["id"] for each in document.all("section")] == list(SECTIONS)


def test_every_chart_says_what_it_shows_and_gives_its_numbers(document: Element) -> None:
    figures = document.all("figure")
    assert len(figures) == 16
    for figure in figures:
        (place,) = [each for each in figure.all("div") if "data-chart" in each.attributes]
        assert place.attributes["role"] == "img"
        assert len(place.attributes["aria-label"]) > 20
        assert figure.all("figcaption")[0].words.strip() == place.attributes["aria-label"]
        assert len(figure.all("td")) >= 2
        (data,) = figure.all("script")
        assert data.attributes == {"type": "application/json", "id": place.attributes["data-chart"]}
        assert "layer" in json.loads(data.words)


def test_every_table_has_a_caption_and_named_rows_and_columns(document: Element) -> None:
    for table in document.all("table"):
        assert table.all("caption")[0].words
        columns = [each for each in table.all("th") if each.attributes["scope"] == "col"]
        for row in table.all("tbody")[0].all("tr"):
            assert len(row.all("th", "td")) == len(columns)


def test_nothing_is_loaded_from_anywhere(document: Element) -> None:
    for element in document.all():
        for name in LOADING & element.attributes.keys():
            assert element.attributes[name].startswith("#")
        assert not [name for name in element.attributes if name.startswith("on")]
        assert "style" not in element.attributes
    assert not document.all("link", "iframe", "object", "embed", "img", "form", "base")


def test_its_own_policy_allows_its_script_and_its_style_and_nothing_else(document: Element) -> None:
    (policy,) = [each.attributes["content"] for each in document.all("meta") if "http-equiv" in each.attributes]
    allowed = dict(rule.split(" ", 1) for rule in policy.split("; "))
    (script,) = [each for each in document.all("script") if each.attributes["type"] == "module"]
    (style,) = document.all("style")
    assert allowed["default-src"] == "'none'"
    assert allowed["script-src"] == hashed(script.words)
    assert allowed["style-src"] == hashed(style.words)
    assert "unsafe" not in policy


def hashed(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def test_hostile_names_stay_words(document: Element) -> None:
    hostile = read(write_page(made.report(made.HOSTILE, made.HOSTILE)))
    assert [each.name for each in hostile.all()] == [each.name for each in document.all()]
    assert hostile.all("h1")[0].words.startswith(made.HOSTILE)
    assert prose(hostile).count(made.HOSTILE) > 10


def test_no_text_has_a_hole(document: Element, bare: Element) -> None:
    for each in (document, bare):
        assert not re.search(r"\{\w*\}|\bNone\b|\bnan\b", prose(each))


def test_a_missing_part_says_how_to_get_it(bare: Element) -> None:
    for name in ("tuning", "sensitivity", "segments", "drivers", "findings", "fairness"):
        (told,) = [each for each in section(bare, name).all("p") if each.attributes.get("class") == "absent"]
        assert re.search(r"[Tt]rain|\[segments.NAME\]", told.words)
    verdicts = [each.words.split(".")[0] for each in section(bare, "summary").all("li")]
    assert verdicts == ["Passed", "Not known", "Not known", "Look"]


def test_the_summary_says_who_won_with_intervals_and_what_the_gates_found(document: Element) -> None:
    words = section(document, "summary").words
    for part in (
        "lightgbm, version 3",
        "0.775 (0.736 to 0.814)",
        "812.40 EUR",
        "age: under 25",
        "1 that stop a training",
    ):
        assert part in words


def test_one_group_alone_is_compared_with_nothing() -> None:
    report = made.report()
    alone = replace(made.fairness()[0], groups=made.fairness()[0].groups[:1])
    lonely = read(write_page(replace(report, record=replace(report.record, fairness=(alone,)))))
    assert section(lonely, "fairness").all("figure") == []
    assert section(lonely, "fairness").all("table")


def test_what_identifies_the_model_is_told(document: Element) -> None:
    words = section(document, "reproduce").words
    for part in ("b" * 64, "f" * 64, "scorewright train harbour --data FOLDER --seed 7", "version of polars"):
        assert part in words


def test_examiners_find_a_help_and_no_advice(document: Element) -> None:
    found = section(document, "examiners")
    assert "not legal advice" in found.all("p")[0].words
    assert len(found.all("tbody")[0].all("tr")) == 16
    assert found.all("a")
