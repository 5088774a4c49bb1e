"""Values as people write them, in English and in French."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from scorewright.domain.matrix import Label
from scorewright.tables.wording import Unit

Language = Literal["en", "fr"]

_NARROW = "\N{NARROW NO-BREAK SPACE}"
_FIRM = "\N{NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"
_FRENCH = str.maketrans({",": _NARROW, ".": ","})
_DAYS_OF_YEAR = 365.25
_DAYS_OF_MONTH = _DAYS_OF_YEAR / 12.0
_MOST_DECIMALS = 4

#: One, and several, of each span of time.
_SPANS: dict[str, dict[Language, tuple[str, str]]] = {
    "years": {"en": ("year", "years"), "fr": ("an", "ans")},
    "months": {"en": ("month", "months"), "fr": ("mois", "mois")},
    "days": {"en": ("day", "days"), "fr": ("jour", "jours")},
}


@dataclass(frozen=True)
class Speech:
    """How values are written.

    Parameters
    ----------
    unit : Unit
        What they measure.
    currency : str
        Sign or abbreviation of money; none where it is empty.
    """

    unit: Unit
    currency: str = ""

    def write(self, value: float | str | None) -> Label | None:
        """Write a value in both languages; None where there is none. A text stays as it is."""
        if isinstance(value, str):
            return Label(value, value)
        if value is None or math.isnan(value):
            return None
        return Label(self._number(value, "en"), self._number(value, "fr"))

    def _number(self, value: float, language: Language) -> str:
        match self.unit:
            case "percent":
                return _percent(value, language)
            case "money":
                return _money(value, self.currency, language)
            case "days_back":
                return _days_back(value, language)
            case "years" | "months":
                return _span(value, self.unit, language, 1)
            case "count":
                return decimal(value, 0, language)
            case _:
                return decimal(value, _decimals(value), language)


def decimal(value: float, decimals: int, language: Language) -> str:
    """Write a number with at most so many decimals.

    Examples
    --------
    >>> decimal(1234.50, 2, "en"), decimal(-1234.5, 2, "fr").replace(chr(0x202F), "_")
    ('1,234.5', '−1_234,5')
    """
    text = f"{abs(value):,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    text = text.translate(_FRENCH) if language == "fr" else text
    return _MINUS + text if value < 0.0 and text != "0" else text


def _decimals(value: float) -> int:
    """About three digits, and two of what is small."""
    size = abs(value)
    if size >= 1.0:
        return 0 if size >= 100.0 else 1 if size >= 10.0 else 2
    return next((places for places in range(2, _MOST_DECIMALS) if round(size, places - 1) > 0.0), _MOST_DECIMALS)


def _percent(value: float, language: Language) -> str:
    text = decimal(100.0 * value, 1 if abs(value) >= 0.01 else 2, language)
    return f"{text}{_NARROW}%" if language == "fr" else f"{text}%"


def _money(value: float, currency: str, language: Language) -> str:
    text = decimal(value, 0, language)
    if not currency:
        return text
    if language == "fr":
        return f"{text}{_FIRM}{currency}"
    sign, amount = (_MINUS, text[1:]) if text.startswith(_MINUS) else ("", text)
    return f"{sign}{currency}{_FIRM if currency[-1].isalpha() else ''}{amount}"


def _days_back(value: float, language: Language) -> str:
    """Days counted from today, in the span that people would use."""
    days = abs(value)
    if days >= 2.0 * _DAYS_OF_YEAR:
        return _span(days / _DAYS_OF_YEAR, "years", language, 0)
    if days >= 2.0 * _DAYS_OF_MONTH:
        return _span(days / _DAYS_OF_MONTH, "months", language, 0)
    return _span(days, "days", language, 0)


def _span(value: float, unit: str, language: Language, decimals: int) -> str:
    """English counts one alone as singular, French all that is below two."""
    one, several = _SPANS[unit][language]
    rounded = abs(round(value, decimals))
    single = rounded < 2.0 if language == "fr" else rounded == 1.0
    return f"{decimal(value, decimals, language)} {one if single else several}"
