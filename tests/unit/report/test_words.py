from __future__ import annotations

import re
from pathlib import Path

import pytest

from scorewright.report.page import SECTIONS
from scorewright.report.words import read_words

SOURCE = Path(__file__).resolve().parents[3] / "src" / "scorewright" / "report"
KEY = re.compile(r'say(?:\.each)?\(\s*"([a-z_]+\.[a-z_]+)"')


def keys() -> set[str]:
    return {key for path in SOURCE.rglob("*.py") for key in KEY.findall(path.read_text(encoding="utf-8"))}


def test_every_text_that_is_asked_for_is_written() -> None:
    say = read_words()
    assert len(keys()) > 60
    for key in sorted(keys()):
        section, name = key.split(".")
        assert name in say.texts[section], key


def test_every_section_has_a_title() -> None:
    assert list(read_words().texts["titles"]) == list(SECTIONS)


def test_a_text_without_its_values_is_an_error_and_not_a_hole() -> None:
    with pytest.raises(KeyError, match="kept"):
        read_words()("features.counted", dropped="3")


def test_examiners_are_sent_to_sections_that_are_there() -> None:
    examined = read_words().examined
    assert {name for row in examined for name in row.sections} <= set(SECTIONS)
    assert sum(row.source.startswith("EU AI Act, Annex IV (") for row in examined) == 9
    assert all(row.left for row in examined)
