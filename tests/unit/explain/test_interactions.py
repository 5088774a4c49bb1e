"""H of scores whose interactions are known in closed form, and against the sums of the paper written out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureColumn, Label
from scorewright.explain.held_out import HeldOut
from scorewright.explain.interactions import interactions, partial_dependence

Floats = NDArray[np.float64]
COLUMNS = tuple(FeatureColumn(name, "numeric", Label(name, name), ("application.X",)) for name in "abcd")
SIGNS = np.array(np.meshgrid([-1.0, 1.0], [-1.0, 1.0], [-1.0, 1.0], [-1.0, 1.0])).reshape(4, -1).T


def fold(score: Callable[[Floats], Floats], values: Floats) -> HeldOut:
    return HeldOut(values, np.zeros(len(values), dtype=np.int8), score)


def drawn(seed: int, rows: int = 30) -> Floats:
    return np.random.default_rng(seed).normal(size=(rows, 4))


def strengths(score: Callable[[Floats], Floats], *samples: Floats) -> dict[str, float]:
    found = interactions([fold(score, values) for values in samples], COLUMNS, [0, 1, 2])
    return {one.first + one.second: one.strength for one in found}


def mixed(values: Floats) -> Floats:
    """Score with a gap in one feature and an interaction of two."""
    return values[:, 0] * np.nan_to_num(values[:, 1], nan=2.0) + np.sin(values[:, 2]) + 0.3 * values[:, 0]


def by_brute_force(score: Callable[[Floats], Floats], samples: list[Floats], first: int, second: int) -> float:
    """Friedman and Popescu's equation 44, one application at a time."""

    def centred(values: Floats, features: list[int]) -> Floats:
        means = []
        for row in values:
            changed = values.copy()
            changed[:, features] = row[features]
            means.append(score(changed).mean())
        return np.array(means) - np.mean(means)

    above = below = 0.0
    for values in samples:
        joint = centred(values, [first, second])
        above += np.sum((joint - centred(values, [first]) - centred(values, [second])) ** 2)
        below += np.sum(joint**2)
    return float(above / below)


def test_h_is_that_of_the_paper() -> None:
    samples = [drawn(1), np.round(drawn(2, 40)), drawn(3, 7)]
    samples[0][::5, 1] = np.nan
    found = strengths(mixed, *samples)
    expected = {"abc"[j] + "abc"[k]: by_brute_force(mixed, samples, j, k) for j, k in ((0, 1), (0, 2), (1, 2))}
    assert found == pytest.approx(expected, abs=1e-12)
    assert found["ab"] > 0.1


def test_a_sum_of_effects_has_no_interaction() -> None:
    found = strengths(lambda values: values[:, 0] ** 3 + np.exp(values[:, 1]) - values[:, 2], drawn(4))
    assert found == pytest.approx({"ab": 0.0, "ac": 0.0, "bc": 0.0}, abs=1e-20)


def test_a_bare_product_of_signs_is_nothing_but_interaction() -> None:
    found = strengths(lambda values: values[:, 0] * values[:, 1] + values[:, 2], SIGNS)
    assert found == pytest.approx({"ab": 1.0, "ac": 0.0, "bc": 0.0}, abs=1e-20)


def test_an_effect_of_its_own_takes_its_share() -> None:
    """On signs, a + ab has variance 1 in the sum and 1 in the product."""
    found = strengths(lambda values: values[:, 0] + values[:, 0] * values[:, 1], SIGNS)
    assert found == pytest.approx({"ab": 0.5, "ac": 0.0, "bc": 0.0}, abs=1e-20)


def test_what_does_not_move_the_score_interacts_with_nothing() -> None:
    constant = strengths(lambda values: np.full(len(values), 0.1), drawn(5))
    assert constant == {"ab": 0.0, "ac": 0.0, "bc": 0.0}


def test_the_strongest_pair_comes_first_and_one_feature_makes_no_pair() -> None:
    of = [fold(mixed, drawn(6))]
    found = interactions(of, COLUMNS, [2, 1, 0])
    assert (found[0].first, found[0].second) == ("b", "a")
    assert [one.strength for one in found] == sorted((one.strength for one in found), reverse=True)
    assert interactions(of, COLUMNS, [2]) == ()


def test_no_more_than_the_sample_is_looked_at() -> None:
    seen: list[int] = []

    def counting(values: Floats) -> Floats:
        seen.append(len(values))
        return mixed(values)

    interactions([fold(counting, drawn(7, 1000))], COLUMNS, [0, 1], sample=20)
    assert sum(seen) == 3 * 20 * 20


def test_partial_dependence_does_not_depend_on_how_it_is_computed_in_parts() -> None:
    values = drawn(8, 400)
    whole = partial_dependence(mixed, values, (0, 1))
    few = [partial_dependence(mixed, values, (0, 1))[row] for row in (0, 399)]
    rows = values.copy()
    rows[:, :2] = values[399, :2]
    mean = np.mean([mixed(np.column_stack([np.tile(row[:2], (400, 1)), values[:, 2:]])).mean() for row in values])
    assert whole[399] == pytest.approx(mixed(rows).mean() - mean, abs=1e-12)
    assert few == [whole[0], whole[399]]
