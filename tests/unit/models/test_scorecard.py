"""The scorecard that is sealed: points, table, and what it refuses to load."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from scorewright.domain.matrix import FeatureColumn, Label
from scorewright.errors import BundleCorruptError
from scorewright.models.scorecard import FILE, TABLE, Bin, Feature, Scaling, Scorecard
from scorewright.models.scorecard_table import HEADER

COLUMNS = (
    FeatureColumn("unused", "numeric", Label("Unused", "Inutile"), ("a.unused",)),
    FeatureColumn("age", "numeric", Label("Age", "Âge"), ("a.age",), (), -1),
    FeatureColumn("home", "category", Label("Home", "Logement"), ("a.home",), ("boat", "flat", "house")),
)
AGE_BINS = (Bin(0.25, 0.2, -0.8), Bin(0.25, 0.1, 0.0), Bin(0.25, 0.04, 1.0), Bin(0.25, 0.1, 0.0))
AGE = Feature("age", 0.5, 0.3, AGE_BINS, (25.0, 40.5))
HOME = Feature("home", 1.0, 0.1, (Bin(0.5, 0.05, 0.6), Bin(0.49, 0.16, -0.6), Bin(0.01, None, 0.0)), (), (1, 1, 0))
CARD = Scorecard(-2.0, (AGE, HOME), COLUMNS)
ROWS = np.array([[7.0, 24.9, 0.0], [np.nan, 25.0, 1.0], [0.0, 40.5, 2.0], [-1e308, np.nan, np.nan], [0.0, 1e308, 2.0]])


def test_a_score_is_the_base_and_what_each_bin_adds() -> None:
    # Mean WoE: (-0.8 + 1.0) / 4 = 0.05 for age and 0.5 * 0.6 - 0.49 * 0.6 = 0.006 for home.
    age = 0.5 * (0.05 - np.array([-0.8, 0.0, 1.0, 0.0, 1.0]))
    home = 0.006 - np.array([-0.6, -0.6, 0.6, 0.0, 0.6])
    np.testing.assert_allclose(CARD.contributions(ROWS), np.column_stack([np.zeros(5), age, home, np.full(5, -2.0)]))
    np.testing.assert_allclose(CARD.score(ROWS), age + home - 2.0, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(CARD.log_odds(ROWS), CARD.score(ROWS))


def test_one_application_gets_the_bits_it_gets_in_a_batch() -> None:
    alone = [CARD.score(ROWS[row : row + 1])[0] for row in range(len(ROWS))]
    np.testing.assert_array_equal(alone, CARD.score(ROWS))
    assert CARD.score(ROWS[:0]).shape == (0,)
    assert CARD.points(ROWS[:0]).shape == (0, 4)


@pytest.mark.parametrize("scaling", [Scaling(), Scaling(40.0, 500.0, 20.0)])
def test_twice_the_odds_are_the_stated_points_more(scaling: Scaling) -> None:
    card = replace(CARD, scaling=scaling)
    points, odds = card.points(ROWS).sum(axis=1), np.exp(-card.log_odds(ROWS))
    np.testing.assert_allclose(np.diff(points), scaling.pdo * np.diff(np.log2(odds)), rtol=0, atol=1e-9)
    assert scaling.points(np.array([-np.log(scaling.odds)]))[0] == pytest.approx(scaling.points_at_odds, abs=1e-9)
    assert not card.points(ROWS)[:, 0].any()


def test_a_scorecard_of_nothing_gives_everybody_the_base() -> None:
    card = Scorecard(-2.0, (), COLUMNS)
    np.testing.assert_array_equal(card.score(ROWS), np.full(5, -2.0))
    assert len(card.table()) == 1
    assert Scorecard.load(card.files(), COLUMNS) == card


def test_people_read_a_table_of_bins() -> None:
    header, base, *rows = list(csv.reader(io.StringIO(CARD.files()[TABLE].decode())))
    assert tuple(header) == HEADER
    assert base[1].startswith("Base points; 600 in all mean odds of 50 to 1, 20 more double the odds")
    assert [row[3:5] for row in rows] == [
        ["below 25", "moins de 25"],
        ["[25, 40.5)", "[25, 40.5)"],
        ["at least 40.5", "au moins 40.5"],
        ["missing", "manquant"],
        ["house", "house"],
        ["boat; flat", "boat; flat"],
        ["missing", "manquant"],
    ]
    assert rows[0] == ["age", "Age", "Âge", "below 25", "moins de 25", "0.2500", "0.2000", "-0.8000", "-12"]
    assert rows[-1][6] == ""


def test_the_points_of_the_table_are_those_of_the_score_rounded() -> None:
    exact = CARD.points(ROWS)
    rows = CARD.table()
    assert [row.points for row in rows[1:4]] == [round(exact[at, 1]) for at in (0, 1, 2)]
    assert rows[0].points == round(exact[0, -1])


@pytest.mark.parametrize(("start", "shown"), [("=1+1", "'=1+1"), ("+1", "'+1"), ("@x", "'@x"), ("-1", "'-1")])
def test_a_spreadsheet_computes_nothing_that_a_category_is_called(start: str, shown: str) -> None:
    columns = (*COLUMNS[:2], replace(COLUMNS[2], categories=(start, "flat", "house")))
    rows = list(csv.reader(io.StringIO(replace(CARD, columns=columns).files()[TABLE].decode())))
    assert rows[-2][3] == f"{shown}; flat"


def test_sealed_files_give_the_same_scorecard() -> None:
    assert Scorecard.load(CARD.files(), COLUMNS) == CARD


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, bytes]:
    sealed = json.loads(CARD.files()[FILE])
    change(sealed)
    return {**CARD.files(), FILE: json.dumps(sealed).encode()}


def of_age(**facts: object) -> Callable[[dict[str, Any]], object]:
    return lambda sealed: sealed["features"][0].update(facts)


def of_home(**facts: object) -> Callable[[dict[str, Any]], object]:
    return lambda sealed: sealed["features"][1].update(facts)


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no base": (lambda sealed: sealed.pop("base"), "base"),
    "an infinite base": (lambda sealed: sealed.update(base=float("inf")), "finite"),
    "a feature that is no column": (of_age(name="size"), "size"),
    "a feature twice": (lambda sealed: sealed["features"].append(sealed["features"][0]), "once"),
    "a sign turned": (of_age(coefficient=-0.5), "coefficient above 0"),
    "edges out of order": (of_age(edges=[40.5, 25.0]), "edges in order"),
    "an edge too few": (of_age(edges=[25.0]), "between any two edges"),
    "a number as text": (of_age(edges=["25", 40.5]), "finite number"),
    "groups of numbers": (of_age(groups=[0, 1, 2]), "one bin for each category"),
    "a category without a bin": (of_home(groups=[0, 1]), "one bin for each category"),
    "a bin that is not there": (of_home(groups=[0, 1, 2]), "bins of its categories"),
    "a bin without a category": (of_home(groups=[0, 0, 0]), "bins of its categories"),
    "half a bin": (of_home(groups=[0, 1, 0.5]), "whole"),
    "edges between categories": (of_home(edges=[1.0]), "no edges"),
    "no bins": (of_home(bins=[]), "sum to 1"),
    "shares that do not sum to one": (lambda sealed: sealed["features"][0]["bins"][0].update(share=0.5), "sum to 1"),
    "a share below zero": (lambda sealed: sealed["features"][0]["bins"][0].update(share=-0.25), "between 0 and 1"),
    "risk against what is declared": (lambda sealed: sealed["features"][0]["bins"][0].update(woe=2.0), "as declared"),
    "no points": (lambda sealed: sealed["scaling"].update(pdo=0.0), "above 0"),
    "points that overflow": (lambda sealed: sealed["scaling"].update(pdo=1e308), "too large"),
    "another table": (lambda sealed: sealed.update(base=-3.0), "table"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_broken_is_refused(broken: str) -> None:
    change, said = BROKEN[broken]
    with pytest.raises(BundleCorruptError, match=said):
        Scorecard.load(changed(change), COLUMNS)


@pytest.mark.parametrize("name", [FILE, TABLE])
def test_both_files_are_needed(name: str) -> None:
    with pytest.raises(BundleCorruptError, match=name):
        Scorecard.load({key: content for key, content in CARD.files().items() if key != name}, COLUMNS)
