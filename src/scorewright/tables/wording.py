"""The format of ``reasons.toml``: families of features, and how a reason is worded from the applicant's own values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from scorewright.domain.matrix import Label
from scorewright.tables.problems import checked, nearest
from scorewright.tables.sections import Name, Section

Unit = Literal["number", "count", "percent", "money", "years", "days_back", "months", "text"]

#: Reasons that are given where a portfolio does not say how many.
MOST = 4

_HOLE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class FamilyWording:
    """Features that a person takes for one thing, and the words for it.

    Parameters
    ----------
    name : str
        Unique in the portfolio.
    label : Label
        What the family is called.
    sentence : Label or None
        The reason. It may hold ``{value}`` and ``{typical}``: the applicant's value of a shown feature, and the typical
        one of approved clients.
    features : tuple of str
        Shell patterns of the names of its features.
    sources : tuple of str
        Shell patterns of raw columns (``"table.column"``).
    shown : tuple of str
        Features whose values may be quoted, the preferred first.
    unit : {"number", "count", "percent", "money", "years", "days_back", "months", "text"}
        How both values are written.
    plain : Label or None
        The reason without ``{typical}``, for where that is not known.
    unknown : Label or None
        The reason where there is no value to quote; the label where there is none.
    """

    name: str
    label: Label
    sentence: Label | None = None
    features: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    unit: Unit = "number"
    plain: Label | None = None
    unknown: Label | None = None

    def names(self, feature: str) -> bool:
        """Whether it takes a feature by its name."""
        return any(fnmatchcase(feature, pattern) for pattern in self.features)

    def feeds(self, sources: tuple[str, ...]) -> bool:
        """Whether it takes a feature by its raw columns: all of them match some pattern, and there is one."""
        return bool(sources) and all(
            any(fnmatchcase(source, pattern) for pattern in self.sources) for source in sources
        )


@dataclass(frozen=True)
class Wording:
    """How the reasons of a portfolio are worded.

    Parameters
    ----------
    most : int
        Reasons that are given at most.
    proxies : tuple of str
        Raw columns (``"table.column"``, or shell patterns of it) that are never given as reasons, beside the protected
        ones.
    families : tuple of FamilyWording
        In the order of the file.
    """

    most: int = MOST
    proxies: tuple[str, ...] = ()
    families: tuple[FamilyWording, ...] = ()


def holes(text: str) -> frozenset[str]:
    """Name the holes of a sentence. Raises ``ValueError`` where a brace belongs to none.

    Examples
    --------
    >>> sorted(holes("{value} of them, {typical} as a rule"))
    ['typical', 'value']
    """
    if set(_HOLE.sub("", text)) & {"{", "}"}:
        raise ValueError("a brace opens or closes a hole, as in {value}")
    return frozenset(_HOLE.findall(text))


class TextSection(Section):
    """A text in English and French."""

    en: str = Field(pattern=r"\S", max_length=400)
    fr: str = Field(pattern=r"\S", max_length=400)

    @property
    def label(self) -> Label:
        """The same as a value of the domain."""
        return Label(self.en, self.fr)


def _with_holes(*allowed: str) -> AfterValidator:
    def check(text: TextSection) -> TextSection:
        found = {language: _holes_of(words, language) for language, words in text}
        wrong = [
            f"{language} has the hole {{{hole}}}{nearest(hole, allowed)}"
            for language, each in found.items()
            for hole in sorted(each - set(allowed))
        ]
        if wrong:
            known = " and ".join(f"{{{hole}}}" for hole in allowed)
            raise ValueError(f"may hold {known or 'no hole'}: {', '.join(wrong)}")
        if found["en"] != found["fr"]:
            raise ValueError("has other holes in English than in French")
        return text

    return AfterValidator(check)


def _holes_of(text: str, language: str) -> frozenset[str]:
    try:
        return holes(text)
    except ValueError as error:
        raise ValueError(f"has a stray brace in {language}: {error}") from None


def _of_a_table(column: str, info: ValidationInfo) -> str:
    """Hold ``"table.column"``, or a pattern of it, to the tables of the portfolio."""
    table, dot, name = column.partition(".")
    tables: tuple[str, ...] = (info.context or {}).get("tables", ())
    if not dot or not name:
        raise ValueError(f"is written table.column, not {column!r:.80}")
    if not any(fnmatchcase(each, table) for each in tables):
        raise ValueError(f"names no table of the portfolio: {column!r:.80}{nearest(table, tables)}")
    return column


Column = Annotated[str, AfterValidator(_of_a_table)]
Pattern = Annotated[str, Field(min_length=1)]


class FamilySection(Section):
    """One family of features."""

    label: Annotated[TextSection, _with_holes()]
    features: tuple[Pattern, ...] = ()
    sources: tuple[Column, ...] = ()
    shown: tuple[Pattern, ...] = ()
    unit: Unit = "number"
    sentence: Annotated[TextSection, _with_holes("value", "typical")] | None = None
    plain: Annotated[TextSection, _with_holes("value")] | None = None
    unknown: Annotated[TextSection, _with_holes()] | None = None

    @model_validator(mode="after")
    def _takes_features_and_shows_what_it_quotes(self) -> FamilySection:
        wrong = [] if self.features or self.sources else ["takes no feature: give `features` or `sources`"]
        quoting = [name for name in ("sentence", "plain") if self._quotes(getattr(self, name))]
        if quoting and not self.shown:
            wrong.append(f"has a hole in {' and '.join(quoting)}, and no feature is `shown` to fill it")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @staticmethod
    def _quotes(text: TextSection | None) -> bool:
        return text is not None and bool(holes(text.en))

    def wording(self, name: str) -> FamilyWording:
        """The same as a value."""
        texts: dict[str, Any] = {
            each: None if (text := getattr(self, each)) is None else text.label
            for each in ("sentence", "plain", "unknown")
        }
        return FamilyWording(
            name,
            self.label.label,
            features=self.features,
            sources=self.sources,
            shown=self.shown,
            unit=self.unit,
            **texts,
        )


class Reasoning(Section):
    """The whole file."""

    most: int = Field(MOST, ge=1, le=20)
    proxies: tuple[Column, ...] = ()
    families: Mapping[Name, FamilySection] = {}

    @model_validator(mode="after")
    def _families_differ_by_label(self) -> Reasoning:
        for language in ("en", "fr"):
            seen: dict[str, str] = {}
            for name, family in self.families.items():
                label = getattr(family.label, language)
                if label in seen:
                    raise ValueError(f"families.{seen[label]} and families.{name} have one label: {label!r:.80}")
                seen[label] = name
        return self


def parse_wording(text: bytes, place: str, tables: tuple[str, ...]) -> Wording:
    """Read and check ``reasons.toml``.

    Parameters
    ----------
    text : bytes
        The file.
    place : str
        Where it lies, for messages.
    tables : tuple of str
        Tables of the portfolio: a raw column is one of theirs.

    Raises
    ------
    PortfolioError
        It is no TOML, or breaks rules of the format; all of them in one message.
    """
    read = checked(Reasoning, text, place, {"tables": tables})
    return Wording(read.most, read.proxies, tuple(family.wording(name) for name, family in read.families.items()))
