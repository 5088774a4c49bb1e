from __future__ import annotations

import math

import pytest

from scorewright.domain.matrix import Label
from scorewright.explain.spoken import Speech
from scorewright.tables.wording import Unit

NARROW, FIRM = chr(0x202F), chr(0xA0)

WRITTEN: list[tuple[Unit, float, str, str]] = [
    ("number", 0.0, "0", "0"),
    ("number", 1234.4, "1,234", "1_234"),
    ("number", 12.34, "12.3", "12,3"),
    ("number", 1.5, "1.5", "1,5"),
    ("number", -1.25, "−1.25", "−1,25"),
    ("number", 0.3, "0.3", "0,3"),
    ("number", 0.0123, "0.012", "0,012"),
    ("number", 0.000001, "0", "0"),
    ("number", -0.000001, "0", "0"),
    ("count", 3.0, "3", "3"),
    ("count", 12345678.0, "12,345,678", "12_345_678"),
    ("percent", 0.125, "12.5%", "12,5_%"),
    ("percent", 0.3, "30%", "30_%"),
    ("percent", 0.00125, "0.12%", "0,12_%"),
    ("percent", 12.0, "1,200%", "1_200_%"),
    ("percent", -0.05, "−5%", "−5_%"),
    ("money", 1234.56, "1,235", "1_235"),
    ("years", 1.0, "1 year", "1 an"),
    ("years", 0.0, "0 years", "0 an"),
    ("years", 1.5, "1.5 years", "1,5 an"),
    ("years", 2.0, "2 years", "2 ans"),
    ("months", 1.0, "1 month", "1 mois"),
    ("months", 48.0, "48 months", "48 mois"),
    ("days_back", -3650.0, "10 years", "10 ans"),
    ("days_back", -731.0, "2 years", "2 ans"),
    ("days_back", -730.0, "24 months", "24 mois"),
    ("days_back", -61.0, "2 months", "2 mois"),
    ("days_back", -60.0, "60 days", "60 jours"),
    ("days_back", -1.0, "1 day", "1 jour"),
    ("days_back", 0.0, "0 days", "0 jour"),
    ("text", 7.0, "7", "7"),
]


@pytest.mark.parametrize(("unit", "value", "en", "fr"), WRITTEN)
def test_values_are_written_as_people_write_them(unit: Unit, value: float, en: str, fr: str) -> None:
    assert Speech(unit).write(value) == Label(en, fr.replace("_", NARROW))


MONEY = [
    ("DM", 1234.0, f"DM{FIRM}1,234", f"1_234{FIRM}DM"),
    ("NT$", 50_000.0, "NT$50,000", f"50_000{FIRM}NT$"),
    ("€", -12.0, "−€12", f"−12{FIRM}€"),
    ("€", 0.2, "€0", f"0{FIRM}€"),
]


@pytest.mark.parametrize(("currency", "value", "en", "fr"), MONEY)
def test_money_has_its_sign_on_the_side_of_the_language(currency: str, value: float, en: str, fr: str) -> None:
    assert Speech("money", currency).write(value) == Label(en, fr.replace("_", NARROW))


def test_a_text_stays_as_it_is_whatever_the_unit() -> None:
    assert Speech("text").write("Working") == Speech("percent").write("Working") == Label("Working", "Working")


@pytest.mark.parametrize("missing", [None, math.nan])
def test_what_is_not_known_is_not_written(missing: float | None) -> None:
    assert Speech("number").write(missing) is None
