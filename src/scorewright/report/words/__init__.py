"""Everything that a report says, by language: a table of texts that no code holds."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Examined:
    """One thing that examiners ask of a credit model, and where the report answers.

    Parameters
    ----------
    source : str
        The law or the guidance.
    point : str
        What it asks for, in our words.
    sections : tuple of str
        Names of the sections that help.
    left : str
        What remains for the lender.
    """

    source: str
    point: str
    sections: tuple[str, ...]
    left: str


@dataclass(frozen=True)
class Words:
    """Texts of one language, by ``"section.name"``.

    Examples
    --------
    >>> say = read_words()
    >>> say("features.counted", kept="12", dropped="3")
    'The model reads 12 features; 3 others were left out because they do not help.'
    """

    lang: str
    texts: Mapping[str, Any]

    def __call__(self, key: str, **values: str) -> str:
        """Return a text with its values put in; a text or a value that is not there is a ``KeyError``."""
        text: str = self._found(key)
        return text.format_map(values)

    def each(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, such as the header of a table."""
        return tuple(self._found(key))

    @property
    def examined(self) -> tuple[Examined, ...]:
        """What examiners ask, by source."""
        return tuple(Examined(**{**row, "sections": tuple(row["sections"])}) for row in self.texts["examined"])

    def _found(self, key: str) -> Any:
        section, name = key.split(".")
        return self.texts[section][name]


def read_words(lang: str = "en") -> Words:
    """Read the texts of a language; only ``"en"`` is written yet."""
    text = (resources.files("scorewright.report.words") / f"{lang}.toml").read_text(encoding="utf-8")
    return Words(lang, tomllib.loads(text))
