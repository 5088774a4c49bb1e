"""Reasons of the shipped portfolios: every feature has a family with words, and no sentence has a gap."""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Iterable

import numpy as np
import polars as pl
import pytest

from scorewright.domain.explanations import Reasons
from scorewright.domain.matrix import FeatureColumn
from scorewright.explain.reasons import ReasonBook, reason_terms
from scorewright.features.compile import compile_features
from scorewright.tables.contract import infer_contract
from scorewright.tables.portfolio import Portfolio, load_portfolio, shipped_portfolios
from scorewright.tables.sample import SampleConfig
from scorewright.tables.sample.chunks import draw_chunk
from scorewright.tables.types import Tables

ROWS = 300


def tables(book: Portfolio) -> Tables:
    """Tables with the columns that the portfolio knows: made up, or numbers where only columns matter."""
    if book.name == "home_credit":
        drawn = draw_chunk(SampleConfig(applications=100), "train", 0)
        return {name.removesuffix("_train"): frame for name, frame in drawn.items()}
    columns = book.tables[book.root].labels
    return {book.root: pl.DataFrame({name: [0, 1] for name in columns})}


@functools.cache
def features(name: str) -> tuple[FeatureColumn, ...]:
    book = load_portfolio(name)
    compiled = compile_features(book, infer_contract(book, tables(book)))
    return tuple(
        FeatureColumn(each.name, "category", each.label, tuple(sorted(each.sources)), ("0", "1", "2"))
        if each.kind == "text"
        else FeatureColumn(each.name, "numeric", each.label, tuple(sorted(each.sources)))
        for each in compiled.features
    )


def random_reasons(name: str, *, typical: bool) -> list[Reasons]:
    columns, draw = features(name), np.random.default_rng(7)
    usual = {each.name: "1" if each.kind == "category" else float(draw.normal()) for each in columns}
    book = ReasonBook(reason_terms(load_portfolio(name)), columns, usual if typical else {})
    shape = (ROWS, len(columns))
    log_odds = draw.normal(size=shape) * (draw.random(shape) < 0.3)
    values = np.round(draw.normal(size=shape) * 10.0 ** draw.integers(-4, 8, shape), 6)
    for at, column in enumerate(columns):
        if column.kind == "category":
            values[:, at] = draw.integers(0, 3, ROWS)
    values[draw.random(shape) < 0.3] = np.nan
    return [book.reasons(log_odds[row], -30.0 * log_odds[row], values[row]) for row in range(ROWS)]


def gap(text: str) -> bool:
    return any(sign in text for sign in "{}") or any(word in text.split() for word in ("nan", "None", "inf", "−0"))


def test_a_gap_is_found() -> None:
    assert all(map(gap, ("{value} late", "nan late", "was late }", "for None years")))
    assert not gap("12% of financing, in finances")


@pytest.mark.parametrize("name", shipped_portfolios())
def test_every_feature_has_a_family_of_the_file(name: str) -> None:
    columns = features(name)
    families = {family.name for family in load_portfolio(name).wording.families}
    found = ReasonBook(reason_terms(load_portfolio(name)), columns).families
    assert [feature for feature, family in found.items() if family not in families] == []


@pytest.mark.parametrize("name", shipped_portfolios())
def test_every_line_of_the_file_serves(name: str) -> None:
    """A misspelt pattern, shown feature or proxy would have no effect, and nobody would see it."""
    columns, wording = features(name), load_portfolio(name).wording
    names = {each.name for each in columns}
    sources = {source for each in columns for source in each.sources}
    declared = {f"{table}.{raw}" for table, spec in load_portfolio(name).tables.items() for raw in spec.labels}
    used = set(ReasonBook(reason_terms(load_portfolio(name)), columns).families.values())
    assert [family.name for family in wording.families if family.name not in used] == []
    for family in wording.families:
        assert set(family.shown) <= names, family.name
        assert idle(family.features, names) == [], family.name
        assert idle(family.sources, declared | sources) == [], family.name
    assert idle(wording.proxies, declared) == []


def idle(patterns: Iterable[str], words: Iterable[str]) -> list[str]:
    """Patterns that match nothing."""
    return [pattern for pattern in patterns if not fnmatch.filter(words, pattern)]


@pytest.mark.parametrize("typical", [True, False])
@pytest.mark.parametrize("name", shipped_portfolios())
def test_no_sentence_has_a_gap(name: str, *, typical: bool) -> None:
    found = random_reasons(name, typical=typical)
    spoken = [text for reasons in found for reason in reasons.given for text in (reason.label, reason.sentence)]
    assert len(spoken) > 2 * ROWS
    assert [text for text in spoken if gap(text.en) or gap(text.fr) or not text.en.strip() or not text.fr.strip()] == []


@pytest.mark.parametrize("name", shipped_portfolios())
def test_reasons_differ_between_the_languages_and_between_families(name: str) -> None:
    for reasons in random_reasons(name, typical=True):
        texts = [text for reason in reasons.given for text in (reason.sentence.en, reason.sentence.fr)]
        assert len(texts) == len(set(texts))


@pytest.mark.parametrize("name", shipped_portfolios())
def test_no_protected_column_is_ever_given(name: str) -> None:
    barred = ReasonBook(reason_terms(load_portfolio(name)), features(name)).withheld
    assert barred
    found = random_reasons(name, typical=True)
    assert any(reasons.withheld for reasons in found)
    assert {feature for reasons in found for reason in reasons.given for feature in reason.features} & set(
        barred
    ) == set()
